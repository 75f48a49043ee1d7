"""The dry run says when a campaign dials, in one time zone."""

from __future__ import annotations

from datetime import datetime

import pytest

from airflow_provider_exotel.client.request import Schedule
from airflow_provider_exotel.create.dry_run import describe_schedule

INDIA_MORNING, INDIA_NOON = "2026-11-28T08:18:00+05:30", "2026-11-28T12:18:00+05:30"
UTC_MORNING, UTC_NOON = "2026-11-28T02:48:00+00:00", "2026-11-28T06:48:00Z"


@pytest.mark.parametrize(
    ("send_at", "end_at", "described"),
    [
        (INDIA_MORNING, INDIA_NOON, "from 2026-11-28 08:18 to 12:18 (UTC+05:30)"),
        (INDIA_MORNING, UTC_NOON, "from 2026-11-28 08:18 to 12:18 (UTC+05:30)"),
        (UTC_MORNING, INDIA_NOON, "from 2026-11-28 08:18 to 12:18 (UTC+05:30)"),
        (UTC_MORNING, UTC_NOON, "from 2026-11-28 02:48 to 06:48 (UTC)"),
        (UTC_MORNING, "2026-11-28T14:48:00+08:00", "from 2026-11-28 10:48 to 14:48 (UTC+08:00)"),
        (INDIA_MORNING, "2026-11-28T14:48:00+08:00", "from 2026-11-28 08:18 to 12:18 (UTC+05:30)"),
        (INDIA_MORNING, "2026-11-28T20:00:00Z", "from 2026-11-28 08:18 to 2026-11-29 01:30 (UTC+05:30)"),
        ("2026-11-27T19:00:00Z", INDIA_NOON, "from 2026-11-28 00:30 to 12:18 (UTC+05:30)"),
        ("2026-11-28T08:18:00-03:30", "2026-11-28T14:00:00Z", "from 2026-11-28 08:18 to 10:30 (UTC-03:30)"),
        (None, INDIA_NOON, "from now on to 2026-11-28 12:18 (UTC+05:30)"),
        (INDIA_MORNING, None, "from 2026-11-28 08:18 (UTC+05:30) and for up to 30 days"),
        (None, None, "from now on and for up to 30 days"),
    ],
)
def test_when_a_campaign_dials(send_at: str | None, end_at: str | None, described: str) -> None:
    given = [datetime.fromisoformat(text) if text else None for text in (send_at, end_at)]

    assert describe_schedule(Schedule(send_at=given[0], end_at=given[1])) == described


def test_a_campaign_without_a_schedule_dials_from_now_on() -> None:
    assert describe_schedule(None) == "from now on and for up to 30 days"
