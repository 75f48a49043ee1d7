"""Detects the documented forms of an answer: takes the raw answer, returns values for a profile. Pure.

A form that the answer does not show is left out of the result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_provider_exotel.client.models import CampaignStatus
from airflow_provider_exotel.client.retry import retry_after_seconds
from airflow_provider_exotel.client.transport import RawAnswer

CATALOGUE = {
    400: (1001, 1002, 1007),
    401: (1010,),
    403: (1003,),
    404: (1000,),
    409: (1008,),
    415: (1011,),
}
"""Error numbers in the catalogue of a sister API of Exotel, by HTTP status."""
_HYPHEN_COUNTS = ("in-progress", "failed-dnd", "failed-no-attempt", "paused", "retry", "retrying", "invalid")
_UNDERSCORE_COUNTS = ("in_progress", "no_answer", "busy", "pending")
_UNAUTHORISED, _CONFLICT, _TOO_MANY = 401, 409, 429
_OK = range(200, 300)
Answers = dict[str, Any]


def parse_body(answer: RawAnswer) -> Any:
    """Return the JSON of an answer, ``None`` if it has none."""
    try:
        return json.loads(answer.text)
    except (ValueError, RecursionError):
        return None


def entries_of(answer: RawAnswer) -> list[Mapping[str, Any]]:
    """Return the entries of an answer unchanged; a single object is one entry."""
    body = parse_body(answer)
    response = body.get("response") if isinstance(body, Mapping) else None
    return [one for one in (response if isinstance(response, list) else [response]) if isinstance(one, Mapping)]


def objects_of(answer: RawAnswer) -> list[Mapping[str, Any]]:
    """Return the objects of an answer without their wrapping."""
    return [_data(one) for one in entries_of(answer)]


def form_of_error(answer: RawAnswer) -> Answers:
    """Return the shape of an error answer and the catalogue of its error numbers."""
    if answer.status in _OK:
        return {}
    at_the_gate = answer.status in {_UNAUTHORISED, _TOO_MANY}
    shape = _shape(answer)
    found: Answers = {} if shape is None else {"auth_envelope" if at_the_gate else "envelope": shape}
    code = next((one for one in _codes(parse_body(answer)) if isinstance(one, (int, str))), None)
    # The shape "error" has a word as its code; other errors of the account may have numbers all the same.
    if code is not None and not at_the_gate and shape != "error" and answer.status in CATALOGUE:
        found["error_codes"] = "catalogue" if code in CATALOGUE[answer.status] else "other"
    return found


def form_of_list(answer: RawAnswer) -> Answers:
    """Return the form of a page of campaigns."""
    found = _metadata(answer)
    if given := entries_of(answer):
        found["list_items"] = "wrapped" if _is_wrapped(given[0]) else "bare"
    return found


def form_of_campaign(answer: RawAnswer) -> Answers:
    """Return the form of one campaign in the answer to its GET."""
    body, given = parse_body(answer), entries_of(answer)
    if not given or not isinstance(body, Mapping):
        return {}
    data = _data(given[0])
    found: Answers = {
        "response_as_object": isinstance(body.get("response"), Mapping),
        "echo_numbers": bool(data.get("from")),
        "summary": _place_of_summary(given[0], data),
    }
    status = str(data.get("status") or "")
    if CampaignStatus.of(status) is not CampaignStatus.UNKNOWN and not status.isupper():
        found["status_style"] = "title" if status[:1].isupper() else "hyphen"
    return found | form_of_counts(data.get("stats"))


def form_of_counts(stats: Any) -> Answers:
    """Return the form of the counts of a campaign."""
    if not isinstance(stats, Mapping) or not stats:
        return {}
    found: Answers = {"counts_as_strings": all(isinstance(count, str) for count in stats.values())}
    if any(name in stats for name in _HYPHEN_COUNTS):
        found["stats_keys"] = "hyphen"
    elif any(name in stats for name in _UNDERSCORE_COUNTS):
        found["stats_keys"] = "underscore"
    found["omit_zero_counts"] = not any(str(count) == "0" for count in stats.values())
    return found


def form_of_calls(answer: RawAnswer) -> Answers:
    """Return the form of a page of call details, empty if it has no calls."""
    if not (given := entries_of(answer)):
        return {}
    call = _data(given[0])
    found: Answers = {"call_items": "wrapped" if _is_wrapped(given[0]) else "bare"}
    if "number" in call or "to" in call:
        found["call_fields"] = "reference" if "number" in call else "guide"
    keys = next((str(call[name]) for name in ("digit", "digits") if call.get(name)), "")
    return found | ({"quoted_digits": '"' in keys} if keys else {})


def form_of_upload(answer: RawAnswer) -> Answers:
    """Return the place of the ids in the answer to a CSV upload."""
    body = parse_body(answer)
    response = body.get("response") if isinstance(body, Mapping) else None
    if isinstance(response, list):
        return {"csv_answer": "item"} if response else {}
    data = _data(response) if isinstance(response, Mapping) else {}
    place = next((name for name in ("summary", "list") if isinstance(data.get(name), Mapping)), None)
    return {"csv_answer": place} if place else {}


def form_of_import(answer: RawAnswer) -> Answers:
    """Return the place of the counts in the status of an import."""
    given = objects_of(answer)
    if not given:
        return {}
    if isinstance(given[0].get("stats"), Mapping):
        return {"csv_counts": "stats"}
    return {"csv_counts": "flat"} if any(str(name).endswith("_count") for name in given[0]) else {}


def form_of_duplicate(answer: RawAnswer) -> Answers:
    """Return the form of the refusal of a list whose name is taken."""
    if answer.status == _CONFLICT:
        return {"duplicate_list": "http"}
    codes = {str(one.get("code")) for one in entries_of(answer)}
    return {"duplicate_list": "item"} if answer.status in _OK and str(_CONFLICT) in codes else {}


def form_of_headers(answer: RawAnswer) -> Answers:
    """Return the rate limit in the headers of an answer, and the form of ``Retry-After`` on a 429."""
    limit = str(answer.headers.get("X-RateLimit-Limit", ""))
    found: Answers = {"rate_limit_headers": limit.isdecimal()}
    if limit.isdecimal():
        found["requests_per_minute"] = int(limit)
    if answer.status == _TOO_MANY:
        found["retry_after"] = _retry_after(answer.headers.get("Retry-After"))
    return found


def _retry_after(header: str | None) -> str:
    if not (header or "").strip():
        return "absent"
    if str(header).strip().isdecimal():
        return "seconds"
    return "nonsense" if retry_after_seconds(header, datetime.now(UTC)) is None else "date"


def _metadata(answer: RawAnswer) -> Answers:
    body = parse_body(answer)
    metadata = body.get("metadata") if isinstance(body, Mapping) else None
    if not isinstance(metadata, Mapping) or not metadata:
        return {"list_metadata": False} if isinstance(body, Mapping) else {}
    return {"list_metadata": True if "total" in metadata else "page"}


def _place_of_summary(entry: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    if data is not entry and isinstance(entry.get("summary"), Mapping):
        return "beside"
    return "inside" if isinstance(data.get("summary"), Mapping) else "absent"


def _shape(answer: RawAnswer) -> str | None:
    body = parse_body(answer)
    if not isinstance(body, Mapping):
        return "html" if re.match(r"\s*<", answer.text) else None
    response = body.get("response")
    if isinstance(body.get("RestException"), Mapping):
        return "rest_exception"
    if isinstance(response, list):
        return "item"
    if isinstance(response, Mapping):
        return "error" if isinstance(response.get("error"), Mapping) else "object"
    return None


def _codes(value: Any) -> Iterator[Any]:
    """Yield the error numbers in an answer; the ``code`` of an entry itself is a status, not an error number."""
    if not isinstance(value, Mapping):
        return
    response = value.get("response")
    given = [one for one in (response if isinstance(response, list) else [response]) if isinstance(one, Mapping)]
    places = [one.get("error_data") for one in given] + [one.get("error") for one in given]
    for place in [*places, value.get("RestException"), value.get("error_data")]:
        if isinstance(place, Mapping):
            yield from (place[name] for name in ("code", "Code") if name in place)


def _is_wrapped(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("data"), Mapping) and ("code" in entry or "status" in entry)


def _data(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    data = entry.get("data")
    return data if isinstance(data, Mapping) and _is_wrapped(entry) else entry
