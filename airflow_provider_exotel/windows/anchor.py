"""The moment a run stands for, whatever kind of run it is."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.windows.local_time import as_utc


class Anchor(NamedTuple):
    """What a run's calling window is counted from.

    :param moment: the instant, in UTC.
    :param source: where it comes from, for the log: ``logical_date``, ``data_interval_end``, ``run_after`` or
        ``anchor``.
    """

    moment: datetime
    source: str


def anchor_of(
    logical_date: datetime | None,
    data_interval_start: datetime | None,
    data_interval_end: datetime | None,
    run_after: datetime | None,
) -> Anchor:
    """Return the moment a run stands for.

    It is the run's logical date, or the end of its data interval if that is later: a daily run of an interval
    timetable (Airflow 2's default) carries the date of yesterday, and its interval ends today; a run of the same DAG
    started by hand carries the date of now, and an interval that ended before. An interval of no length (Airflow 3's
    default) says nothing. A run that has neither (started by an asset, or by hand without a date) stands for the
    moment it was allowed to start.

    :param logical_date: the run's, or ``None``.
    :param data_interval_start: the run's, or ``None``.
    :param data_interval_end: the run's, or ``None``.
    :param run_after: the run's, or ``None`` (Airflow 2 has none).
    :raises ExotelInputError: if nothing of this says when, or one of the times has no UTC offset.
    """
    known = []
    if logical_date is not None:
        known.append(Anchor(as_utc(logical_date, "logical_date"), "logical_date"))
    if data_interval_start is not None and data_interval_end is not None:
        end = as_utc(data_interval_end, "data_interval_end")
        if as_utc(data_interval_start, "data_interval_start") < end:
            known.append(Anchor(end, "data_interval_end"))
    if not known and run_after is not None:
        known.append(Anchor(as_utc(run_after, "run_after"), "run_after"))
    if not known:
        missing = "this run has no logical date, no data interval and no run_after to count its calling window from"
        raise ExotelInputError(
            [Problem("anchor", f"{missing}; give an RFC 3339 time with offset or a template of one")]
        )
    return max(known, key=lambda anchor: anchor.moment)


def anchor_given(value: datetime | str, field: str = "anchor") -> Anchor:
    """Return the moment a caller asks for instead.

    :param value: an aware datetime, or an RFC 3339 time with offset, as a template renders one.
    :param field: what the caller calls it.
    :raises ExotelInputError: naming the field, if it is neither.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            wanted = "give one with offset, such as '2026-03-02T00:00:00+05:30'"
            raise ExotelInputError([Problem(field, f"not an RFC 3339 time; {wanted}")]) from None
    return Anchor(as_utc(value, field), field)
