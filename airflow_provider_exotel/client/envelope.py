"""The service's answers, in one shape for every dialect (Exotel, HTTP status codes and API responses)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from airflow_provider_exotel.client.errors import (
    ExotelAuthError,
    ExotelConflict,
    ExotelError,
    ExotelNotFound,
    ExotelPaymentRequired,
    ExotelRateLimited,
    ExotelRequestRefused,
    ExotelResponseError,
    ExotelServerError,
)
from airflow_provider_exotel.client.redact import redact

_REGION = "an account lives in one region only, so check the region (host) too"
_ERRORS: dict[int, tuple[type[ExotelError], str]] = {
    400: (ExotelRequestRefused, "Exotel refused the request"),
    401: (ExotelAuthError, f"Exotel does not accept the API key and token; {_REGION}"),
    402: (ExotelPaymentRequired, "the account's balance or plan does not cover this"),
    403: (
        ExotelAuthError,
        "Exotel knows the credentials but denies access: another account's SID, a suspended account, "
        "or an address of this machine that the account does not allow",
    ),
    404: (ExotelNotFound, f"Exotel has nothing at this address; {_REGION}"),
    405: (ExotelRequestRefused, "Exotel does not accept this HTTP method here"),
    409: (ExotelConflict, "somebody else changed the same thing at the same time"),
    413: (ExotelRequestRefused, "the request is too large for Exotel"),
    415: (ExotelRequestRefused, "Exotel does not accept this content type"),
    422: (ExotelRequestRefused, "Exotel refused the request"),
    429: (ExotelRateLimited, "the account's request limit is reached"),
}

_REFUSALS = {ExotelAuthError, ExotelNotFound, ExotelPaymentRequired, ExotelRateLimited, ExotelRequestRefused}
# The status of an error that has none: the answer cannot be read, so the outcome of the request is unknown.
_UNREADABLE = 0
_STATUS_DIGITS = 3
_IDS = {"id", "sid", "campaign_sid", "campaign_id", "campaignsid", "campaignid"}


@dataclass(frozen=True)
class Item:
    """One entry of an answer's ``response``.

    :param data: the requested object.
    :param summary: an object beside it, in one dialect.
    """

    data: Mapping[str, Any]
    summary: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Answer:
    """A successful answer.

    :param items: its entries, one for a single object.
    :param metadata: paging figures, empty if there are none.
    :param request_id: Exotel's id of the request.
    """

    items: tuple[Item, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None

    @property
    def total(self) -> int | None:
        """Number of entries in the whole list, of which this is a page; ``None`` if the answer does not say."""
        total = str(self.metadata.get("total"))
        return int(total) if total.isdecimal() else None

    def only(self, key: str = "id") -> Item:
        """Return the single entry of the answer.

        :param key: the field of its id.
        :raises ExotelResponseError: if there is none or it has no id.
        """
        for item in self.items[:1]:
            if item.data.get(key):
                return item
        raise ExotelResponseError("the answer has no id", request_id=self.request_id)


def read_answer(
    http_status: int,
    body: str,
    reason: str = "",
    retry_after: float | None = None,
    secrets: Collection[str] = (),
    *,
    creates: bool = False,
) -> Answer:
    """Return the answer if it is successful.

    Any of its statuses can make it an error: the HTTP status, its own ``http_code``, or the ``code`` of an entry.

    :param http_status: the HTTP status.
    :param body: the text of the body.
    :param reason: the reason phrase, used in an error that has no better text.
    :param retry_after: seconds from the ``Retry-After`` header, if it was readable.
    :param secrets: texts that an error must not repeat.
    :param creates: whether the request creates something; its refusal is then unreliable if it names an id.
    :raises ExotelError: of the class for the first status that is an error.
    """
    parsed = _json(body)
    request_id = _request_id(parsed)
    if not _is_success(http_status):
        raise _error(http_status, parsed, body, reason, retry_after, secrets, creates=creates)
    if isinstance(parsed, Mapping) and (failed := _failed_status(parsed)) is not None:
        raise _error(failed, parsed, "", "", retry_after, secrets, creates=creates)
    if not isinstance(parsed, Mapping) or not _is_response(parsed.get("response", "")):
        raise ExotelResponseError("the answer cannot be read", http_status=http_status, request_id=request_id)
    metadata = parsed.get("metadata")
    items = tuple(map(_item, _entries(parsed)))
    return Answer(items, metadata if isinstance(metadata, Mapping) else {}, request_id=request_id)


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _is_response(response: Any) -> bool:
    """Return whether ``response`` is an object, a list of objects, or nothing; another entry would be dropped."""
    entries = response if isinstance(response, list) else [{} if response is None else response]
    return all(isinstance(entry, Mapping) for entry in entries)


def _entries(parsed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    response = parsed.get("response")
    entries = response if isinstance(response, list) else [response]
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _failed_status(parsed: Mapping[str, Any]) -> int | None:
    """Return the first status that makes an HTTP 2xx answer an error, ``None`` if there is none."""
    outer = [parsed["http_code"]] if parsed.get("http_code") is not None else []
    exception = parsed.get("RestException")
    if exception or parsed.get("error_data"):
        outer.append(exception.get("Status") if isinstance(exception, Mapping) else None)
    statuses = (_UNREADABLE if (status := _status(one)) is None else status for one in outer)
    failed = next((status for status in statuses if not _is_success(status)), None)
    if failed is not None:
        return failed
    return next((code for entry in _entries(parsed) if (code := _failed_entry(entry)) is not None), None)


def _failed_entry(entry: Mapping[str, Any]) -> int | None:
    """Return the error status of an entry in a successful answer, ``None`` if the entry is not an error."""
    code, status = _status(entry.get("code")), str(entry.get("status") or "success").lower()
    if code is not None and not _is_success(code):
        return code
    has_no_status = code is None and entry.get("code") is not None and not entry.get("status")
    is_error = isinstance(entry.get("error"), Mapping) and not entry.keys() & {"data", "id", "sid"}
    if has_no_status or is_error:
        return _UNREADABLE
    # A bare campaign has a status of its own, and "failed" is one; "failure" is not.
    if status == "failure" or (_is_wrapped(entry) and status != "success"):
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return None


def _status(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) == _STATUS_DIGITS else None


def _is_wrapped(entry: Mapping[str, Any]) -> bool:
    # A bare campaign has a status of its own, so a status alone does not mark a wrapped entry.
    return "code" in entry or "error_data" in entry or ("data" in entry and "status" in entry)


def _item(entry: Mapping[str, Any]) -> Item:
    if not _is_wrapped(entry):
        return Item(entry)
    data, summary = entry.get("data"), entry.get("summary")
    return Item(data if isinstance(data, Mapping) else {}, summary if isinstance(summary, Mapping) else None)


def _error(
    status: int,
    parsed: Any,
    body: str,
    reason: str,
    retry_after: float | None,
    secrets: Collection[str],
    *,
    creates: bool,
) -> ExotelError:
    text = next(_texts(parsed, body, reason), "")
    details: dict[str, Any] = {"http_status": status or None, "code": _code(parsed), "request_id": _request_id(parsed)}
    kind, meaning = _kind(status)
    if (creates or kind is ExotelRequestRefused) and kind in _REFUSALS and _names_an_id(parsed):
        # The request was refused and yet an id is named, so it is unknown whether a campaign exists.
        kind, meaning = ExotelResponseError, "the answer refuses the request and names an id at the same time"
    message = f"{meaning}: {redact(text, secrets)}" if text else meaning
    if kind is ExotelRateLimited:
        details["retry_after"] = retry_after
    return kind(message, **details)


def _kind(status: int) -> tuple[type[ExotelError], str]:
    if status in _ERRORS:
        return _ERRORS[status]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ExotelServerError, "Exotel failed"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return ExotelResponseError, "Exotel answered with a redirect, which is not followed; check the host"
    return ExotelResponseError, "Exotel answered with a status this client does not know"


def _texts(parsed: Any, body: str, reason: str) -> Iterator[str]:
    """Yield the texts of an error, the most specific first."""
    outer = [*_entries(parsed), parsed] if isinstance(parsed, Mapping) else []
    for place in [*_error_objects(parsed), *outer]:
        for name in ("description", "message", "Message"):
            if isinstance(text := place.get(name), str) and text.strip():
                yield text.strip()
    if body.strip() and not body.lstrip().startswith(("<", "{", "[")):
        yield body.strip()[:300]
    if reason:
        yield reason


def _error_objects(parsed: Any) -> list[Mapping[str, Any]]:
    """Return the objects that describe an error of Exotel's own, rather than the status of the answer."""
    if not isinstance(parsed, Mapping):
        return []
    places: list[Any] = [entry.get("error_data") for entry in _entries(parsed)]
    places += [entry.get("error") for entry in _entries(parsed)]
    places += [parsed.get("RestException"), parsed.get("error_data")]
    return [place for place in places if isinstance(place, Mapping)]


def _code(parsed: Any) -> int | str | None:
    for place in [*_error_objects(parsed), parsed]:
        for name in ("code", "Code"):
            code = place.get(name) if isinstance(place, Mapping) else None
            if isinstance(code, (int, str)) and not isinstance(code, bool):
                shown = redact(code)
                return code if shown == str(code) else shown
    return None


def _request_id(parsed: Any) -> str | None:
    value = parsed.get("request_id") if isinstance(parsed, Mapping) else None
    return str(value)[:100] if value else None


def _names_an_id(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any((str(name).lower() in _IDS and bool(inner)) or _names_an_id(inner) for name, inner in value.items())
    return isinstance(value, list) and any(map(_names_an_id, value))
