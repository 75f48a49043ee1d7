"""Explicit start and end times of a campaign, given instead of a calling window."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.request import Schedule
from airflow_provider_exotel.windows import fields
from airflow_provider_exotel.windows.calling_window import LEAD, MissedWindow, read_as
from airflow_provider_exotel.windows.local_time import as_utc, whole_second_after, with_offset_of


def resolve_schedule(schedule: Any, anchor: datetime, now: datetime, lead: timedelta = LEAD) -> Schedule:
    """Return explicit times as a schedule that can be sent now. Pure.

    :param schedule: a :class:`~airflow_provider_exotel.client.request.Schedule`, a mapping of ``send_at`` and
        ``end_at``, or the JSON text of one. A time is RFC 3339 text, an aware datetime, or a time after the anchor: a
        timedelta or an ISO 8601 duration such as ``PT2H``, in absolute time.
    :param anchor: the time that the run stands for, timezone-aware.
    :param now: the current time, timezone-aware.
    :param lead: minimum time before the first call, default 60 s; a past ``send_at`` becomes ``now + lead``.
    :raises MissedWindow: if ``end_at`` has passed.
    :raises ExotelInputError: naming each value that is not a time, has no offset, or is out of order.
    """
    given = read_as(dict, schedule, "schedule") if not isinstance(schedule, Schedule) else dict(schedule)
    if all(moment is None for moment in given.values()):
        # A template without a result must not start a campaign that dials at once and through the night.
        message = "must have send_at, end_at or both; add them, or leave it out"
        raise ExotelInputError([Problem("schedule", message)])
    anchor, now = as_utc(anchor, "anchor"), as_utc(now, "now")
    moments = {name: _from_anchor(value, anchor) for name, value in given.items()}
    wanted: Schedule = read_as(Schedule, moments, "schedule")
    earliest = whole_second_after(now + lead)
    if wanted.end_at is not None and wanted.end_at <= earliest:
        why = "its end has passed" if wanted.end_at <= now else "its end is too near for a first call"
        raise MissedWindow(wanted.send_at, wanted.end_at, why)
    if wanted.send_at is not None and wanted.send_at < earliest:
        return Schedule(send_at=with_offset_of(earliest, wanted.send_at.tzinfo), end_at=wanted.end_at)
    return wanted


def _from_anchor(value: Any, anchor: datetime) -> Any:
    try:
        length = fields.duration(value) if isinstance(value, str) else value
        return anchor + length if isinstance(length, timedelta) else value
    except OverflowError:  # the unchanged value is refused, since it is not a time
        return value
