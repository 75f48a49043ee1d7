"""Validate requests as strictly as documented (Exotel, create campaign and how campaigns work).

Like the service, it reports only the first problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_exotel.emulator.dialling import RETRIED, Retries
from airflow_provider_exotel.emulator.envelopes import Refusal

MOST_NUMBERS = 5_000
MOST_LISTS = 5
MOST_RETRIES = 3
SHORTEST_NAME = 3
# Not documented; thirty days, the maximum duration of a campaign, in minutes.
LONGEST_INTERVAL = 43_200
LAST_YEAR = 9000

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
# E.164 (an Indian number has ten digits after +91), or a national number, landlines with a leading 0.
NUMBER = re.compile(r"\+91[1-9]\d{9}|\+(?!91)[1-9]\d{6,14}|0?[1-9]\d{7,13}")

Problem = str | None
Check = Callable[[Any], Problem]


@dataclass(frozen=True)
class Rules:
    """The context for validating a request.

    :param now: seconds since 1970.
    :param account_throttle: calls per minute of the account.
    :param lists: the numbers of each list, by its SID.
    :param refuse_unknown: whether to refuse undocumented keys.
    """

    now: float
    account_throttle: int
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    refuse_unknown: bool = False


@dataclass(frozen=True)
class CampaignOrder:
    """An accepted create request.

    :param given: its raw fields.
    :param numbers: the numbers of ``from`` or the lists, without duplicates unless requested.
    :param send_at: seconds since 1970; ``None`` to start at once.
    :param end_at: seconds since 1970; ``None`` for the default.
    :param throttle: calls per minute in ``custom`` mode; ``None`` in ``auto`` mode.
    """

    given: Mapping[str, Any] = field(repr=False)
    numbers: tuple[str, ...] = field(repr=False)
    send_at: float | None
    end_at: float | None
    retries: Retries
    throttle: int | None


def _text(shortest: int = 1) -> Check:
    def check(value: Any) -> Problem:
        fits = isinstance(value, str) and len(value.strip()) >= shortest
        return None if fits else f"must be a text of at least {shortest} characters"

    return check


def _one_of(*words: str) -> Check:
    return lambda value: None if isinstance(value, str) and value in words else f"must be one of {', '.join(words)}"


def _whole(lowest: int, highest: int | None = None) -> Check:
    def check(value: Any) -> Problem:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and lowest <= value and (highest is None or value <= highest):
            return None
        return f"must be a whole number from {lowest}" + ("" if highest is None else f" to {highest}")

    return check


def _boolean(value: Any) -> Problem:
    return None if isinstance(value, bool) else "must be true or false"


def _web_address(value: Any) -> Problem:
    parts = urlsplit(value) if isinstance(value, str) else None
    fits = parts is not None and parts.scheme in {"http", "https"} and bool(parts.netloc)
    return None if fits else "must be an http or https URL"


def _list_sids(value: Any) -> Problem:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
        return "must be an array of list SIDs"
    return None if len(value) <= MOST_LISTS else f"may name at most {MOST_LISTS} lists"


def _words(value: Any) -> Problem:
    fits = isinstance(value, list) and value and all(each in RETRIED for each in value)
    return None if fits else f"must be an array of {', '.join(RETRIED)}"


def _instant(value: Any) -> Problem:
    return None if seconds(value) is not None else "must be an RFC 3339 time with an offset"


def _retries(value: Any) -> Problem:
    return _inner(value, RETRY_CHECKS)


def _schedule(value: Any) -> Problem:
    return _inner(value, SCHEDULE_CHECKS)


def _inner(value: Any, checks: Mapping[str, Check]) -> Problem:
    if not isinstance(value, Mapping):
        return "must be an object"
    for name, check in checks.items():
        if name in value and (problem := check(value[name])):
            return f"{name} {problem}"
    return None


RETRY_CHECKS: Mapping[str, Check] = {
    "number_of_retries": _whole(0, MOST_RETRIES),
    "interval_mins": _whole(1, LONGEST_INTERVAL),
    "mechanism": _one_of("Linear", "Exponential"),
    "on_status": _words,
}
SCHEDULE_CHECKS: Mapping[str, Check] = {"send_at": _instant, "end_at": _instant}
CALLBACKS: Mapping[str, Check] = {
    "call_status_callback": _web_address,
    "call_schedule_callback": _web_address,
    "status_callback": _web_address,
}
CHECKS: Mapping[str, Check] = {
    "caller_id": _text(),
    "lists": _list_sids,
    "campaign_type": _one_of("static", "dynamic"),
    "flow_type": _one_of("ivr", "greeting"),
    "url": _web_address,
    "read_via_text": _text(),
    "name": _text(SHORTEST_NAME),
    "type": _one_of("trans"),
    "call_duplicate_numbers": _boolean,
    "retries": _retries,
    "schedule": _schedule,
    **CALLBACKS,
    "mode": _one_of("auto", "custom"),
    "throttle": _whole(1),
    "custom_field": _text(0),
    "repeat_menu_attempts": _whole(0),
}


def campaign_of(body: Any, accepts: str) -> tuple[Mapping[str, Any], bool]:
    """Return the campaign object in a request body, and whether it came wrapped.

    :param body: the decoded JSON.
    :param accepts: ``documented``, ``wrapped`` or ``both``.
    :raises Refusal: 400 for the other form, or for anything but one campaign.
    """
    if not isinstance(body, Mapping):
        raise Refusal(400, "The body must be a JSON object")
    wrapped = accepts == "wrapped" or (accepts == "both" and "campaigns" in body)
    if not wrapped:
        return body, False
    campaigns = body.get("campaigns")
    if not isinstance(campaigns, list) or not campaigns:
        raise Refusal(400, "Campaigns is mandatory")
    if len(campaigns) > 1 or not isinstance(campaigns[0], Mapping):
        raise Refusal(400, "campaigns must hold one campaign")
    return campaigns[0], True


def check_fields(given: Mapping[str, Any], rules: Rules) -> None:
    """Validate each field on its own.

    :param given: fields of a campaign; missing ones are ignored.
    :raises Refusal: 400 naming the first invalid field.
    """
    unknown = sorted(set(given) - set(CHECKS) - {"from"})
    if unknown and rules.refuse_unknown:
        raise Refusal(400, f"{unknown[0]} is not a parameter")
    for name, check in CHECKS.items():
        if name in given and (problem := check(given[name])):
            raise Refusal(400, f"{name} {problem}")


def read_order(given: Mapping[str, Any], rules: Rules, *, wrapped: bool) -> CampaignOrder:
    """Parse and validate a create request.

    :param given: the campaign object.
    :param rules: the context for validation.
    :param wrapped: whether ``from`` may be an array, as in the older format.
    :raises Refusal: 400 with the first problem.
    """
    if "caller_id" not in given:
        raise Refusal(400, "caller_id is mandatory")
    if ("from" in given) == ("lists" in given):
        raise Refusal(400, "Either from or lists is mandatory, and not both")
    check_fields(given, rules)
    numbers = _numbers(given["from"], wrapped=wrapped) if "from" in given else _of_lists(given, rules)
    send_at, end_at = _window(given.get("schedule") or {}, rules)
    return CampaignOrder(
        given=dict(given),
        numbers=called(given, numbers),
        send_at=send_at,
        end_at=end_at,
        retries=_read_retries(given.get("retries") or {}),
        throttle=_throttle(given, rules),
    )


def called(given: Mapping[str, Any], numbers: Iterable[str]) -> tuple[str, ...]:
    """Return the numbers of a campaign, without duplicates unless requested.

    :param given: the campaign object.
    :param numbers: the numbers of ``from`` or the lists.
    """
    return tuple(numbers if given.get("call_duplicate_numbers") else dict.fromkeys(numbers))


def _numbers(value: Any, *, wrapped: bool) -> tuple[str, ...]:
    if isinstance(value, str):
        numbers = value.split(",")
    elif wrapped and isinstance(value, list):
        numbers = value
    else:
        raise Refusal(400, "from must be a string of comma-separated numbers" + (" or an array" if wrapped else ""))
    if len(numbers) > MOST_NUMBERS:
        raise Refusal(400, f"from may hold at most {MOST_NUMBERS} numbers")
    if not numbers:
        raise Refusal(400, "from must hold a number")
    cleaned = []
    for number in numbers:
        if not isinstance(number, str) or not NUMBER.fullmatch(number.strip()):
            raise Refusal(400, f"Invalid number in from: {str(number)[:40]!r}")
        cleaned.append(number.strip())
    return tuple(cleaned)


def _of_lists(given: Mapping[str, Any], rules: Rules) -> tuple[str, ...]:
    if given.get("campaign_type") == "dynamic" and len(given["lists"]) != 1:
        raise Refusal(400, "A dynamic campaign needs exactly one list")
    for sid in given["lists"]:
        if sid not in rules.lists:
            raise Refusal(400, f"There is no list {sid[:40]!r}")
    return tuple(number for sid in given["lists"] for number in rules.lists[sid])


def _window(schedule: Mapping[str, Any], rules: Rules) -> tuple[float | None, float | None]:
    send_at = seconds(schedule["send_at"]) if "send_at" in schedule else None
    end_at = seconds(schedule["end_at"]) if "end_at" in schedule else None
    if send_at is not None and send_at < rules.now:
        raise Refusal(400, "schedule.send_at lies in the past")
    if end_at is not None and end_at <= rules.now:
        raise Refusal(400, "schedule.end_at lies in the past")
    if end_at is not None and send_at is not None and end_at <= send_at:
        raise Refusal(400, "schedule.end_at must be after send_at")
    return send_at, end_at


def _read_retries(given: Mapping[str, Any]) -> Retries:
    extra = given.get("number_of_retries", 0)
    if extra and "interval_mins" not in given:
        raise Refusal(400, "retries.interval_mins is mandatory with retries")
    return Retries(
        extra=extra,
        interval=60.0 * given.get("interval_mins", 0),
        exponential=given.get("mechanism") == "Exponential",
        on=frozenset(given.get("on_status", RETRIED)),
    )


def _throttle(given: Mapping[str, Any], rules: Rules) -> int | None:
    if given.get("mode") != "custom":
        return None
    most = rules.account_throttle - 1
    throttle = given.get("throttle")
    if not isinstance(throttle, int) or not 1 <= throttle <= most:
        raise Refusal(400, f"throttle must be from 1 to {most} in custom mode")
    return throttle


def seconds(value: Any) -> float | None:
    """Return an RFC 3339 time as seconds since 1970, or ``None`` if it has another format."""
    if not isinstance(value, str) or not INSTANT.fullmatch(value):
        return None
    try:
        instant = datetime.fromisoformat(value)
        return instant.timestamp() if instant.year < LAST_YEAR else None
    except (OverflowError, ValueError):
        return None
