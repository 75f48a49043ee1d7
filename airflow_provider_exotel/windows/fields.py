"""Parsers for a calling window's fields, from Python values or rendered templates.

Pydantic's own parsers accept ambiguous values, such as a bare number as a time, date or seconds, or a year as a
duration, and refuse ``9:00``. So this module has its own.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.text import read_date

DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_LONGEST = timedelta(days=36_500)
_AMOUNT = r"(\d+(?:\.\d+)?)"
# Years and months are not accepted: they have no fixed length.
_DURATION = re.compile(
    rf"([+-]?)P(?=.*\d)(?:{_AMOUNT}W)?(?:{_AMOUNT}D)?(?:T(?:{_AMOUNT}H)?(?:{_AMOUNT}M)?(?:{_AMOUNT}S)?)?", re.ASCII
)


class DayHours(NamedTuple):
    """The hours of one day of the week; Monday is 0."""

    weekday: int
    start: time
    end: time


def time_of_day(value: object) -> time:
    """Return a time of day without a zone.

    :param value: ``HH:MM`` or ``HH:MM:SS``, or a :class:`datetime.time`.
    :raises ValueError: if it has another form.
    """
    if isinstance(value, str) and (found := _TIME.fullmatch(value.strip())):
        hour, minute, second = (int(part or 0) for part in found.groups())
        return time(hour, minute, second)
    if not isinstance(value, time):
        raise ValueError("is not a time of day")
    if value.tzinfo is not None or value.microsecond:
        raise ValueError("must not have a time zone or a fraction of a second")
    return time(value.hour, value.minute, value.second)


def zone_name(value: object) -> str:
    """Return the name of an IANA time zone.

    :param value: the name, such as ``Asia/Kolkata``, or a :class:`zoneinfo.ZoneInfo` (pendulum's zones are).
    :raises ExotelInputError: for anything else, with an empty field and the nearest name.
    """
    name = value.key if isinstance(value, ZoneInfo) else value
    if isinstance(name, str) and _is_zone(name.strip()):
        return name.strip()
    near = _nearest_zone(name) if isinstance(name, str) else None
    fix = f"did you mean {near}?" if near else "use an IANA name, such as 'Asia/Kolkata'"
    raise ExotelInputError([Problem("", f"is not a time zone; {fix}")])


def weekdays(value: object) -> tuple[int, ...]:
    """Return days of the week as sorted numbers; Monday is 0, as in :meth:`datetime.date.weekday`.

    :param value: days such as ``mon`` or ``Monday`` and ranges such as ``mon-fri``, in an iterable or one text with
        commas. Numbers from 0 to 6 are accepted only outside of text: ``1-5`` means other days in cron.
    :raises ValueError: if it is empty or has other entries.
    """
    days = {day for item in _items(value) for day in _days(item)}
    if not days:
        raise ValueError("must allow at least one day")
    return tuple(sorted(days))


def hours_by_weekday(value: object) -> tuple[DayHours, ...]:
    """Return the hours of days of the week, sorted.

    :param value: a mapping of days, as :func:`weekdays` takes them, to hours such as ``09:00-18:00`` or two times; or
        the value of a window's field.
    :raises ValueError: if an entry is invalid, or a day occurs twice.
    """
    if isinstance(value, tuple) and all(isinstance(one, DayHours) for one in value):
        value = spell_hours(value)
    if not isinstance(value, Mapping):
        raise ValueError("must be a mapping of days to hours")
    hours = [DayHours(day, *_from_to(span)) for days, span in value.items() for day in weekdays(days)]
    if len({one.weekday for one in hours}) < len(hours):
        raise ValueError("contains a day twice")
    return tuple(sorted(hours))


def spell_hours(hours: Iterable[DayHours]) -> dict[str, str]:
    """Return hours by weekday in the form of :func:`hours_by_weekday`."""
    return {DAY_NAMES[day]: f"{start.isoformat()}-{end.isoformat()}" for day, start, end in hours}


def dates(value: object) -> tuple[date, ...]:
    """Return sorted dates without duplicates.

    :param value: dates or ISO 8601 texts, in an iterable (a calendar of the ``holidays`` package, too) or one text with
        commas.
    :raises ValueError: if it has other entries.
    """
    if isinstance(value, Mapping) and not value:
        # A calendar of the holidays package is empty without years, so no holiday would be observed.
        raise ValueError("must not be a calendar without dates; create it with years")
    return tuple(sorted({_date(item, position) for position, item in enumerate(_items(value), 1)}))


def length_of_time(value: object) -> timedelta:
    """Return a length of time, rounded up to whole seconds.

    :param value: a timedelta, a number of minutes (also as text), or an ISO 8601 duration such as ``PT15M``.
    :raises ValueError: if it has another form, is negative, or is longer than a century.
    """
    try:
        if isinstance(value, str):
            text = value.strip()
            length = timedelta(minutes=float(text)) if re.fullmatch(_AMOUNT, text, re.ASCII) else duration(text)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            length = timedelta(minutes=value)
        else:
            length = value if isinstance(value, timedelta) else None
    except OverflowError:
        length = timedelta.max
    except ValueError:  # NaN
        length = None
    if length is None:
        raise ValueError("is not a length of time")
    if length < timedelta():
        raise ValueError("must not be negative")
    if length > _LONGEST:
        raise ValueError(f"must be at most {_LONGEST.days:,} days")
    return -(-length // timedelta(seconds=1)) * timedelta(seconds=1)


def duration(text: str) -> timedelta | None:
    """Return an ISO 8601 duration, or ``None`` if ``text`` is not one.

    :param text: weeks, days, hours, minutes and seconds, such as ``P1DT2H`` or ``-PT30M``; no years and no months.
    """
    found = _DURATION.fullmatch(text.strip().upper())
    if found is None:
        return None
    weeks, days, hours, minutes, seconds = (float(amount or 0) for amount in found.groups()[1:])
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] == "-" else length


def _items(value: object) -> Iterator[object]:
    """Yield the entries of a text or an iterable; the text may be a list rendered by Jinja."""
    if isinstance(value, str):
        text = re.sub(r"\s*[-–]\s*", "-", re.sub(r"[\[\](){}'\"]", " ", value))
        yield from re.split(r"[\s,;]+", text.strip(" ,;")) if text.strip(" ,;") else ()
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for item in value:
            yield from _items(item) if isinstance(item, str) else (item,)
    else:
        yield value


def _days(item: object) -> Iterator[int]:
    if isinstance(item, str):
        first, *rest = (_day(end) for end in item.split("-"))
        if len(rest) > 1:
            raise ValueError("contains a range with more than two ends")
        last = rest[0] if rest else first
        # After Sunday, a range continues with Monday: "fri-mon" is four days.
        yield from ((first + step) % 7 for step in range((last - first) % 7 + 1))
    else:
        yield _day(item)


def _day(word: object) -> int:
    if isinstance(word, str) and any(map(str.isdigit, word)):
        raise ValueError("contains digits, which mean different days in cron")
    if isinstance(word, int) and not isinstance(word, bool) and word in range(7):
        return int(word)
    if isinstance(word, str) and len(word) >= len("mon"):
        for number, name in enumerate(DAY_NAMES):
            if name.startswith(word.lower()):
                return number
    raise ValueError("contains something other than days of the week")


def _from_to(span: object) -> tuple[time, time]:
    ends = list(_items(span.replace("-", ",") if isinstance(span, str) else span))
    if len(ends) != 2:
        raise ValueError("must have two times for each day")
    return time_of_day(ends[0]), time_of_day(ends[1])


def _date(item: object, position: int) -> date:
    if isinstance(item, date) and not isinstance(item, datetime):
        return date(item.year, item.month, item.day)
    try:
        return read_date(item)  # type: ignore[arg-type]
    except (AttributeError, ValueError):
        raise ValueError(f"entry {position} is not a date") from None


def _is_zone(name: str) -> bool:
    # "localtime" depends on the machine, and "right/..." counts leap seconds, unlike wall clocks.
    if not name or name == "localtime" or name.startswith(("posix/", "right/")):
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _nearest_zone(name: str) -> str | None:
    # "Etc/GMT+5" is five hours west of Greenwich, contrary to what people expect, so it is never suggested.
    names = {known.lower(): known for known in available_timezones() if "/" in known and not known.startswith("Etc/")}
    near = difflib.get_close_matches(name.strip().lower().replace(" ", "_"), names, n=1, cutoff=0.75)
    return names[near[0]] if near else None
