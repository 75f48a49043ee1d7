"""The service's answers in all their dialects, read into one shape (Exotel, HTTP status codes and API responses)."""

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
    404: (ExotelNotFound, f"Exotel finds nothing under this address; {_REGION}"),
    405: (ExotelRequestRefused, "Exotel does not take this kind of request here"),
    409: (ExotelConflict, "somebody else changed the same thing at the same time"),
    413: (ExotelRequestRefused, "Exotel finds the request too large"),
    415: (ExotelRequestRefused, "Exotel does not take this content type"),
    422: (ExotelRequestRefused, "Exotel refused the request"),
    429: (ExotelRateLimited, "the account's request limit is reached"),
}

_REFUSALS = {ExotelAuthError, ExotelNotFound, ExotelPaymentRequired, ExotelRateLimited, ExotelRequestRefused}
_IDS = {"id", "sid", "campaign_sid", "campaign_id", "campaignsid", "campaignid"}


@dataclass(frozen=True)
class Item:
    """One entry of an answer's ``response``.

    :param data: the object asked for.
    :param summary: the object that may stand beside it.
    """

    data: Mapping[str, Any]
    summary: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Answer:
    """A successful answer.

    :param items: its entries, one for a single object.
    :param metadata: paging figures, where there are any.
    :param request_id: Exotel's id of the request.
    """

    items: tuple[Item, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None

    @property
    def total(self) -> int | None:
        """Return how many entries the whole list has of which this is a page, None where that is not told."""
        total = str(self.metadata.get("total"))
        return int(total) if total.isdecimal() else None

    def only(self, key: str = "id") -> Item:
        """Return the single entry of the answer.

        :param key: what its id goes by.
        :raises ExotelResponseError: if there is none or it holds no id.
        """
        for item in self.items[:1]:
            if item.data.get(key):
                return item
        raise ExotelResponseError("the answer holds no id", request_id=self.request_id)


def read_answer(
    http_status: int,
    body: str,
    reason: str = "",
    retry_after: float | None = None,
    secrets: Collection[str] = (),
    *,
    creates: bool = False,
) -> Answer:
    """Read an answer or raise the error it stands for.

    :param http_status: the HTTP status.
    :param body: the text of the body.
    :param reason: the reason phrase, told if nothing better is.
    :param retry_after: seconds from the ``Retry-After`` header, if it was readable.
    :param secrets: what an error must not repeat, should the service do so.
    :param creates: whether the request was to create something: then a refusal that names an id is none.
    :raises ExotelError: the class that fits the status of the answer, or of the entry that failed in it.
    """
    parsed = _json(body)
    request_id = _request_id(parsed)
    if not HTTPStatus.OK <= http_status < HTTPStatus.MULTIPLE_CHOICES:
        raise _error(http_status, parsed, body, reason, retry_after, secrets, creates=creates)
    if not isinstance(parsed, Mapping) or not _is_response(parsed.get("response", "")):
        raise ExotelResponseError("the answer cannot be read", http_status=http_status, request_id=request_id)
    entries = _entries(parsed)
    for entry in entries:
        if (failed := _failure_code(entry)) is not None:
            raise _error(failed, parsed, "", reason, retry_after, secrets, creates=creates)
    metadata = parsed.get("metadata")
    return Answer(tuple(map(_item, entries)), metadata if isinstance(metadata, Mapping) else {}, request_id=request_id)


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _is_response(response: Any) -> bool:
    """Return whether the answer is one object, a list of objects, or nothing: no entry of it is lost on the way."""
    entries = response if isinstance(response, list) else [{} if response is None else response]
    return all(isinstance(entry, Mapping) for entry in entries)


def _entries(parsed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    response = parsed.get("response")
    entries = response if isinstance(response, list) else [response]
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _failure_code(entry: Mapping[str, Any]) -> int | None:
    """Return the status of an entry that failed inside an answer that did not."""
    if not _is_wrapped(entry):
        return None
    code = str(entry.get("code"))
    status = int(code) if code.isdecimal() else None
    if status is not None and status >= HTTPStatus.BAD_REQUEST:
        return status
    if str(entry.get("status", "success")).lower() != "success":
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return None


def _is_wrapped(entry: Mapping[str, Any]) -> bool:
    # A bare campaign has a status of its own, so that alone says nothing.
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
    details: dict[str, Any] = {"http_status": status, "code": _code(parsed), "request_id": _request_id(parsed)}
    kind, meaning = _kind(status)
    if (creates or kind is ExotelRequestRefused) and kind in _REFUSALS and _names_an_id(parsed):
        # Refused and yet there is an id: whether a campaign exists is exactly what cannot be known.
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
    if status < HTTPStatus.BAD_REQUEST:
        return ExotelResponseError, "Exotel answered with a redirect, which is not followed; check the host"
    return ExotelResponseError, "Exotel answered with a status this client does not know"


def _texts(parsed: Any, body: str, reason: str) -> Iterator[str]:
    """Yield the words of an error, the most telling first."""
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
    """Return the objects that hold an error of Exotel's own, not the status of an answer again."""
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
