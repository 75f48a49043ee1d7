"""Public holidays by country and state, from the calendars of the ``holidays`` package (extra: ``holidays``).

Holidays that are announced every year, such as those of lunar calendars, are estimates until they are official; keep
the package up to date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import cache

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

_CALENDAR = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)


def calendars(value: object) -> tuple[str, ...]:
    """Return sorted calendar codes without duplicates.

    :param value: ISO 3166 codes of countries (``SG``) and their states (``AU-NSW``), in an iterable or one text with
        commas.
    :raises ValueError: if there is no such calendar, or the ``holidays`` package is not installed.
    """
    if isinstance(value, str):
        value = re.findall(r"[^\s,;\[\]'\"]+", value)
    if not isinstance(value, Iterable) or not all(isinstance(name, str) for name in value):
        raise ValueError("must be codes of countries or states")
    names = tuple(sorted({name.strip().upper() for name in value}))
    for name in names:
        _require(name)
    return names


def is_holiday(calendar: str, day: date) -> bool:
    """Return whether ``day`` is a public holiday.

    :param calendar: the code of a country or a state.
    :param day: a date there.
    :raises ExotelInputError: if the calendar does not cover that year: a holiday might be missed.
    """
    return day in _holidays(calendar, day.year)


def _require(name: str) -> None:
    if not _CALENDAR.fullmatch(name):
        raise ValueError("contains something other than codes of countries or states")
    try:
        from holidays import country_holidays
    except ImportError:
        raise ValueError("needs the holidays package; run pip install 'airflow-provider-exotel[holidays]'") from None
    country, _, state = name.partition("-")
    try:
        country_holidays(country, subdiv=state or None)
    except NotImplementedError:
        raise ValueError(f"contains {name}, which the holidays package does not have") from None


@cache
def _holidays(calendar: str, year: int) -> frozenset[date]:
    from holidays import country_holidays

    country, _, state = calendar.partition("-")
    days = frozenset(country_holidays(country, subdiv=state or None, years=year))
    if not any(day.year == year for day in days):
        raise ExotelInputError(
            [Problem("window.holiday_calendars", f"{calendar} has no dates in {year}; upgrade the holidays package")]
        )
    return days
