"""The anchor of a run: the time that any kind of run stands for."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.text import read_moment
from airflow_provider_exotel.windows.local_time import as_utc


class Anchor(NamedTuple):
    """The moment from which the calling window of a run is counted.

    :param moment: the instant, in UTC.
    :param source: where it comes from, for the log.
    """

    moment: datetime
    source: Literal["logical_date", "data_interval_end", "run_after", "anchor"]


def anchor_of(
    logical_date: datetime | None,
    data_interval_start: datetime | None,
    data_interval_end: datetime | None,
    run_after: datetime | None,
) -> Anchor:
    """Return the anchor of a run.

    It is the run's logical date, or the end of its data interval if that is later. A daily run of an interval timetable
    (Airflow 2's default) carries yesterday's date, and its interval ends today. A manual run of the same DAG carries
    the present date, and an interval that ended before. An empty interval (Airflow 3's default) is ignored. A run
    with neither (asset-triggered, or manual without a date) stands for the moment it was allowed to start.

    :param logical_date: of the run, or ``None``.
    :param data_interval_start: of the run, or ``None``.
    :param data_interval_end: of the run, or ``None``.
    :param run_after: of the run, or ``None`` (Airflow 2 has none).
    :raises ExotelInputError: if the run has none of these, or one of them has no UTC offset.
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
        missing = "is required, as this run has no logical date, data interval or run_after"
        raise ExotelInputError(
            [Problem("anchor", f"{missing}; use an RFC 3339 time with offset, or a template of one")]
        )
    return max(known, key=lambda anchor: anchor.moment)


def anchor_given(value: datetime | str, field: str = "anchor") -> Anchor:
    """Return an explicit moment as an anchor.

    :param value: an aware datetime, or an RFC 3339 time with offset, as a template renders one.
    :param field: the name of the argument, for errors.
    :raises ExotelInputError: naming the field, if it is neither.
    """
    if isinstance(value, str):
        try:
            value = read_moment(value)
        except ValueError:
            wanted = "must be an RFC 3339 time with offset, such as '2026-03-02T00:00:00+05:30'"
            raise ExotelInputError([Problem(field, wanted)]) from None
    return Anchor(as_utc(value, field), "anchor")
