"""Between wall clocks and instants, with every decision about daylight saving written down.

Two aware datetimes of one zone are compared by Python as wall clocks, which is wrong in the hour that comes twice,
and adding to them moves the wall clock, which is wrong on both days of the year. So nothing here computes with a
zone: instants are held in UTC, and what is given out carries a fixed offset.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

_SECOND = timedelta(seconds=1)


def as_utc(moment: datetime, field: str) -> datetime:
    """Return ``moment`` in UTC, as a plain datetime.

    :param moment: an aware datetime in any zone; pendulum's are welcome.
    :param field: what the caller calls it.
    :raises ExotelInputError: if it has no UTC offset: guessing one is how people are called at night.
    """
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ExotelInputError([Problem(field, "has no UTC offset; give an aware datetime")])
    utc = moment.astimezone(UTC)
    # Pendulum's subclasses bring arithmetic of their own; combine() makes a plain datetime of any of them.
    return datetime.combine(utc.date(), utc.time(), UTC)


def with_offset_of(instant: datetime, zone: tzinfo | None) -> datetime:
    """Return ``instant`` with the offset ``zone`` has then, fixed, so that it compares and prints without the zone."""
    local = instant.astimezone(zone)
    offset = local.utcoffset()
    return datetime.combine(local.date(), local.time(), UTC if not offset else timezone(offset))


def whole_second_after(instant: datetime) -> datetime:
    """Return the first whole second that is not before ``instant``."""
    floor = instant.replace(microsecond=0)
    return floor if floor == instant else floor + _SECOND


def opening_instant(wall: datetime, zone: tzinfo) -> datetime:
    """Return when a window opens whose wall clock says ``wall``, in UTC.

    A time that is skipped (clocks go forward) becomes the end of what is skipped; of a time that comes twice (clocks
    go back) it is the second.

    :param wall: a naive datetime.
    :param zone: the zone whose clocks it is read on.
    """
    first, second = _readings(wall, zone)
    return _transition(second, first, zone) if second < first else second


def closing_instant(wall: datetime, zone: tzinfo) -> datetime:
    """Return when a window closes whose wall clock says ``wall``, in UTC.

    A time that is skipped becomes the start of what is skipped; of a time that comes twice it is the first.

    :param wall: a naive datetime.
    :param zone: the zone whose clocks it is read on.
    """
    first, second = _readings(wall, zone)
    return _transition(second, first, zone) if second < first else first


def _readings(wall: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return ``wall`` read with the offset before (fold 0) and after (fold 1) a change of clocks near it (PEP 495).

    The two are equal where no clock changes, in order where the time comes twice, out of order where it is skipped.
    """
    before, after = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return before, after


def _transition(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Return the instant between the two at which the clocks of ``zone`` change: start and end of a gap in one."""
    old = before.astimezone(zone).utcoffset()
    seconds = range(int((after - before) / _SECOND) + 1)

    def changed(second: int) -> bool:
        return (before + second * _SECOND).astimezone(zone).utcoffset() != old

    return before + bisect_left(seconds, True, key=changed) * _SECOND
