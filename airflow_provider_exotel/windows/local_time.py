"""Conversion between wall clocks and instants, with an explicit rule for every change of clocks.

Python compares two aware datetimes of one zone by wall clock, which is wrong in the hour that occurs twice. Adding to
them moves the wall clock, which is wrong across a change. So all arithmetic is in UTC, and results have a fixed offset.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

_SECOND = timedelta(seconds=1)
_YEARS = range(1900, 2200)
"""Years in which every calculation stays within what Python can represent."""


def as_utc(moment: datetime, field: str) -> datetime:
    """Return ``moment`` in UTC, as a plain datetime.

    :param moment: an aware datetime in any zone, including pendulum's.
    :param field: the name of the argument, for errors.
    :raises ExotelInputError: if it has no UTC offset (with a guessed one, people might be called at night), or if its
        year cannot be meant.
    """
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ExotelInputError([Problem(field, "must have a UTC offset; use an aware datetime")])
    if moment.year not in _YEARS:
        message = f"must be between the years {_YEARS[0]} and {_YEARS[-1]}; fix the year"
        raise ExotelInputError([Problem(field, message)])
    utc = moment.astimezone(UTC)
    # Pendulum's subclasses have their own arithmetic; combine() returns a plain datetime for all of them.
    return datetime.combine(utc.date(), utc.time(), UTC)


def with_offset_of(instant: datetime, zone: tzinfo | None) -> datetime:
    """Return ``instant`` with the fixed offset of ``zone`` at that time, so that comparisons do not use the zone."""
    local = instant.astimezone(zone)
    return datetime.combine(local.date(), local.time(), timezone(local.utcoffset() or timedelta()))


def whole_second_after(instant: datetime) -> datetime:
    """Return ``instant`` rounded up to a whole second."""
    floor = instant.replace(microsecond=0)
    return floor if floor == instant else floor + _SECOND


def opening_instant(wall: datetime, zone: tzinfo) -> datetime:
    """Return the instant at which a window opens, in UTC.

    A time that clocks skip becomes the end of the gap; for a time that occurs twice, the second one is used.

    :param wall: the wall clock time, a naive datetime.
    :param zone: the zone of the clock.
    """
    first, second = _readings(wall, zone)
    return _transition(second, first, zone) if second < first else second


def closing_instant(wall: datetime, zone: tzinfo) -> datetime:
    """Return the instant at which a window closes, in UTC.

    A time that clocks skip becomes the start of the gap; for a time that occurs twice, the first one is used.

    :param wall: the wall clock time, a naive datetime.
    :param zone: the zone of the clock.
    """
    first, second = _readings(wall, zone)
    return _transition(second, first, zone) if second < first else first


def _readings(wall: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return ``wall`` read with the offset before (fold 0) and after (fold 1) a change of clocks near it (PEP 495).

    The two are equal if no clock changes, in order if the time occurs twice, and out of order if it is skipped.
    """
    before, after = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return before, after


def _transition(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Return the instant between the two at which the clocks of ``zone`` change: the start and the end of a gap."""
    old = before.astimezone(zone).utcoffset()
    seconds = range(int((after - before) / _SECOND))

    def changed(second: int) -> bool:
        return (before + second * _SECOND).astimezone(zone).utcoffset() != old

    return before + bisect_left(seconds, True, key=changed) * _SECOND
