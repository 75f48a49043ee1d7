"""An independent implementation of the calling rules, with clocks and calendars only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

MINUTE = timedelta(minutes=1)
EVERY_DAY, NO_SUNDAY = range(7), range(6)


@dataclass(frozen=True)
class Person:
    """A person to call: a made-up number, the owner's possible zones, and the allowed hours and days."""

    number: str
    preset: str
    zones: tuple[str, ...]
    hours: dict[int, tuple[int, int]]
    holidays: str | None = None


def days(week: range, first: int, last: int, **others: tuple[int, int]) -> dict[int, tuple[int, int]]:
    saturday = {5: others["saturday"]} if "saturday" in others else {}
    return dict.fromkeys(week, (first, last)) | saturday


INDONESIA = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")
PEOPLE = [
    Person("+919876500000", "IN_COLLECTIONS", ("Asia/Kolkata",), days(EVERY_DAY, 8, 19)),
    Person("+971500000000", "AE_MARKETING", ("Asia/Dubai",), days(EVERY_DAY, 9, 18)),
    Person("+628120000000", "ID_COLLECTIONS", INDONESIA, days(NO_SUNDAY, 8, 20), "ID"),
    Person("+628120000000", "ID_MARKETING", INDONESIA, days(EVERY_DAY, 9, 18)),
    Person("+62361200000", "ID_MARKETING", ("Asia/Makassar",), days(EVERY_DAY, 9, 18)),
    Person("+6590000000", "SG_TELEMARKETING", ("Asia/Singapore",), days(NO_SUNDAY, 9, 20, saturday=(9, 18)), "SG"),
]


@cache
def public_holidays(country: str, year: int) -> frozenset[object]:
    return frozenset(holidays.country_holidays(country, years=year))


def may_be_called(person: Person, instant: datetime) -> bool:
    """Return whether the local time and date allow a call in every possible zone of the person."""
    for zone in person.zones:
        wall = instant.astimezone(ZoneInfo(zone))
        first, last = person.hours.get(wall.weekday(), (0, 0))
        if not first <= wall.hour < last:
            return False
        if person.holidays and wall.date() in public_holidays(person.holidays, wall.year):
            return False
    return True
