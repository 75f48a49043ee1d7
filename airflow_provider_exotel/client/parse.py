"""Lenient parsers of single values in the service's answers: an unreadable value is ``None``, never an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_exotel.client.numbers import PhoneNumbers

# Dates without an offset appear in v1-style answers; the service is based in India.
_INDIA = timezone(timedelta(hours=5, minutes=30))
_YEARS = range(2000, 2100)


def fold_status(value: object) -> str:
    """Return a status word without case, dashes, underscores and spaces: the service spells each in several ways."""
    return "".join(character for character in str(value or "").lower() if character not in "-_ ")


def parse_text(value: object) -> str | None:
    """Return a value as text that can be encoded."""
    # A name that was cut inside an emoji ends in half a character, which cannot be encoded.
    return None if value is None else str(value).encode(errors="replace").decode()


def parse_whole(value: object) -> int | None:
    """Return a whole number, written as a number or as text; fractions are dropped."""
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return None


def parse_flag(value: object) -> bool | None:
    """Return a flag, written as JSON or as text."""
    return {"true": True, "false": False}.get(str(value).lower())


def parse_mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is an object, otherwise an empty one."""
    return value if isinstance(value, Mapping) else {}


def parse_numbers(value: object) -> PhoneNumbers | None:
    """Return the phone numbers that an answer repeats."""
    try:
        return PhoneNumbers.of(value) if value else None
    except TypeError:
        return None


def parse_time(value: object) -> datetime | None:
    """Return a time with its offset, or with India's if the text has none.

    The service writes a time that was never set as the year 1, 1970 or 9999; it is ``None`` here.
    """
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if moment.year not in _YEARS:
        return None
    return moment if moment.utcoffset() is not None else moment.replace(tzinfo=_INDIA)
