"""Explicit times instead of a window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.request import Schedule
from airflow_provider_exotel.windows.calling_window import MissedWindow
from airflow_provider_exotel.windows.explicit_schedule import resolve_schedule

ANCHOR = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 28, 22, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("send_at", "expected"),
    [
        ("2026-03-29T10:00:00+05:30", "2026-03-29T10:00:00+05:30"),
        ("2026-03-29T04:30:00Z", "2026-03-29T04:30:00+00:00"),
        (datetime(2026, 3, 29, 4, 30, tzinfo=UTC), "2026-03-29T04:30:00+00:00"),
        (timedelta(hours=2), "2026-03-29T00:00:00+00:00"),
        ("PT2H", "2026-03-29T00:00:00+00:00"),
        # Clocks in London go forward in between: a length of time is absolute.
        ("P1D", "2026-03-29T22:00:00+00:00"),
    ],
)
def test_a_time_is_text_a_datetime_or_counted_from_the_anchor(send_at: object, expected: str) -> None:
    schedule = resolve_schedule({"send_at": send_at, "end_at": "2026-03-30T00:00:00Z"}, ANCHOR, NOW)

    assert schedule.payload()["send_at"] == expected


@pytest.mark.parametrize(
    "given",
    [
        Schedule(send_at="2026-03-29T04:30:00Z"),
        '{"send_at": "2026-03-29T04:30:00Z"}',
        {"send_at": "2026-03-29T04:30:00Z", "end_at": None},
    ],
    ids=["Schedule", "JSON text", "mapping"],
)
def test_a_schedule_may_be_written_in_three_ways(given: object) -> None:
    assert resolve_schedule(given, ANCHOR, NOW).payload() == {"send_at": "2026-03-29T04:30:00+00:00"}


def test_a_past_start_becomes_now_and_a_lead_on_the_same_clock() -> None:
    schedule = resolve_schedule(
        {"send_at": "2026-03-29T01:00:00+05:30", "end_at": "2026-03-29T10:00:00+05:30"}, ANCHOR, NOW
    )

    assert schedule.payload()["send_at"] == "2026-03-29T03:32:00+05:30"


@pytest.mark.parametrize(
    ("end_at", "why"),
    [
        ("2026-03-28T21:00:00Z", "its end has passed"),
        ("2026-03-28T22:02:00Z", "its end is too near for a first call"),
        ("-PT30M", "its end has passed"),
    ],
)
def test_a_past_or_near_end_is_a_missed_window(end_at: str, why: str) -> None:
    with pytest.raises(MissedWindow, match=why):
        resolve_schedule({"send_at": "2026-03-28T20:00:00Z", "end_at": end_at}, ANCHOR, NOW)


@pytest.mark.parametrize(
    ("schedule", "complaint"),
    [
        ({"send_at": "2026-03-29T10:00:00"}, r"schedule\.send_at: must have a UTC offset"),
        ({"send_at": "tomorrow"}, r"schedule\.send_at: must be an RFC 3339 time"),
        ({"send_at": 1774752000}, r"schedule\.send_at: must be an RFC 3339 time"),
        ({"send_at": "P3000000D"}, r"schedule\.send_at: must be an RFC 3339 time"),
        ({"end_at": "PT99999999999999999H"}, r"schedule\.end_at: must be an RFC 3339 time"),
        ({"send_at": timedelta.max}, r"schedule\.send_at: must be an RFC 3339 time"),
        ({"send_at": "PT5H", "end_at": "PT4H"}, r"schedule\.end_at: must be after send_at"),
        ({"start": "PT5H"}, r"schedule\.start: unknown field"),
        ("10:00", r"schedule: must be a mapping of its fields"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: object, complaint: str) -> None:
    with pytest.raises(ExotelInputError, match=complaint):
        resolve_schedule(schedule, ANCHOR, NOW)
