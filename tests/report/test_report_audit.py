"""The limits are the campaign's own schedule and, within it, the hours of the window."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.report.audit import Limits, resolve_limits
from airflow_provider_exotel.windows.calling_window import CallingWindow

from .report_samples import INDIA

SCHEDULE = {"send_at": "2026-03-02T10:00:00+05:30", "end_at": "2026-03-04T18:00:00+05:30"}


def at(moment: str) -> float:
    return datetime.fromisoformat(f"2026-03-{moment}").replace(tzinfo=ZoneInfo(INDIA)).timestamp()


def campaign(**fields: Any) -> Campaign:
    return Campaign.of({"id": "c", **fields})


def of(window: dict[str, Any] | None, *moments: str, **fields: Any) -> Limits:
    calls = sorted(map(at, moments))
    made = CallingWindow(timezone=INDIA, **window) if window else None
    return resolve_limits(campaign(**{"schedule": SCHEDULE, **fields}), (calls[0], calls[-1]), made)


CASES = {
    "at the opening": ("03T10:00", True),
    "before it": ("03T09:59:59", False),
    "at the closing": ("03T18:00", False),
    "before it closes": ("03T17:59:59", True),
    "at night": ("03T03:00", False),
    "before send_at": ("02T09:00", False),
    "at end_at": ("04T18:00", False),
    "days after it": ("09T12:00", False),
}


@pytest.mark.parametrize(("moment", "allowed"), CASES.values(), ids=CASES)
def test_a_call_is_checked_against_window_and_schedule(moment: str, allowed: bool) -> None:
    wanted = of({"start": "10:00", "end": "18:00"}, moment, "03T12:00")

    assert wanted.allows(at(moment)) is allowed


def test_without_a_window_the_schedule_decides() -> None:
    wanted = of(None, "03T03:00")

    assert (wanted.allows(at("03T03:00")), wanted.allows(at("05T03:00"))) == (True, False)


def test_without_limits_the_result_is_unknown() -> None:
    assert of(None, "03T03:00", schedule=None).allows(at("03T03:00")) is None


def test_a_call_without_a_time_is_not_checked() -> None:
    assert of({"start": "10:00", "end": "18:00"}, "03T12:00").allows(None) is None


def test_a_window_may_span_midnight() -> None:
    wanted = of({"start": "20:00", "end": "02:00"}, "03T00:30", "03T12:00")

    assert [wanted.allows(at(each)) for each in ("02T23:59", "03T00:30", "03T02:00")] == [True, True, False]


@given(st.integers(0, 60 * 24 * 300), st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe"]))
def test_hours_follow_the_windows_time_zone_on_every_day(minutes: int, zone: str) -> None:
    moment = datetime.fromisoformat("2026-01-01T00:00:00+00:00") + timedelta(minutes=minutes)
    window = CallingWindow(start="10:00", end="18:00", timezone=zone)

    wanted = resolve_limits(campaign(), (moment.timestamp(), moment.timestamp()), window)

    assert wanted.allows(moment.timestamp()) is (10 <= moment.astimezone(ZoneInfo(zone)).hour < 18)


RETRIES = {
    "the campaign's own plan": ({"retries": {"number_of_retries": 2, "interval_mins": 5}}, None, 3),
    "the plan that was meant": ({"retries": {"number_of_retries": 3, "interval_mins": 5}}, 1, 2),
    "none that is known": ({}, None, None),
    "numbers that may come twice": ({"call_duplicate_numbers": True}, 1, None),
}


@pytest.mark.parametrize(("fields", "meant", "most"), RETRIES.values(), ids=RETRIES)
def test_the_most_attempts_follow_from_the_retry_plan(
    fields: dict[str, Any], meant: int | None, most: int | None
) -> None:
    plan = CallRetries(number_of_retries=meant, interval_mins=5) if meant else None

    assert resolve_limits(campaign(**fields), None, None, plan).most_attempts == most
