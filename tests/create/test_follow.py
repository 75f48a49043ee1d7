"""Follow the campaign of an earlier try: unchanged, resumed, or failed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.client.request import Schedule
from airflow_provider_exotel.create.errors import ExotelCampaignTimedOut
from airflow_provider_exotel.create.follow import follow_campaign
from airflow_provider_exotel.create.options import IfPaused

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPEN, LATER = Schedule(send_at=NOW - HOUR, end_at=NOW + HOUR), Schedule(send_at=NOW + HOUR, end_at=NOW + 2 * HOUR)
PAUSED = CampaignStatus.PAUSED


def followed(
    if_paused: IfPaused = "follow",
    status: CampaignStatus = PAUSED,
    schedule: Schedule = OPEN,
    *,
    carried_to: datetime | None = None,
    timed_out: bool = False,
    waits: bool = False,
) -> bool:
    """Follow a campaign, and return whether it was resumed."""
    resumed: list[str] = []
    campaign = Campaign(id="7", name="March", status=status, schedule=schedule)

    def resume(campaign_id: str) -> Campaign:
        resumed.append(campaign_id)
        return campaign

    follow_campaign(
        campaign,
        carried_to=carried_to,
        timed_out=timed_out,
        if_paused=if_paused,
        waits=waits,
        resume=resume,
        now=lambda: NOW,
    )
    return resumed == ["7"]


@pytest.mark.parametrize("if_paused", ["follow", "resume"])
def test_a_campaign_that_is_not_paused_is_followed_unchanged(if_paused: IfPaused) -> None:
    assert not followed(if_paused, CampaignStatus.IN_PROGRESS, timed_out=True)


def test_a_paused_campaign_is_resumed_with_if_paused_resume() -> None:
    assert followed("resume")
    assert not followed("follow")


NO_END, OVER = Schedule(send_at=NOW - HOUR), Schedule(send_at=NOW - 2 * HOUR, end_at=NOW - HOUR)


@pytest.mark.parametrize(
    ("schedule", "waits", "why"),
    [
        (LATER, False, "is not resumed: its window has not opened. Clear the task inside the window, or set wait_for_"),
        (LATER, True, "the task resumes it inside its window"),
        (OVER, False, "is not resumed: its window has closed"),
        (OVER, True, "is not resumed: its window has closed"),
        (NO_END, False, "is not resumed: it has no end_at"),
        (NO_END, True, "is not resumed: it has no end_at"),
    ],
    ids=["before", "before, and it waits", "after", "after, and it waits", "without an end", "the same, and it waits"],
)
def test_a_paused_campaign_is_not_resumed_outside_its_window(
    schedule: Schedule, waits: bool, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    assert not followed("resume", schedule=schedule, waits=waits)
    assert why in caplog.text


def test_a_paused_campaign_is_left_to_a_task_that_waits_for_it() -> None:
    assert not followed("resume", waits=True)


def test_a_campaign_paused_for_its_next_window_stays_paused() -> None:
    assert not followed("resume", carried_to=OPEN.end_at)


def test_a_campaign_with_another_window_than_stored_is_resumed() -> None:
    assert followed("resume", carried_to=NOW + 24 * HOUR)


def test_a_campaign_paused_by_a_timeout_fails_the_next_try() -> None:
    with pytest.raises(ExotelCampaignTimedOut, match="if_paused='resume'"):
        followed("follow", timed_out=True)


def test_a_campaign_paused_by_a_timeout_is_resumed_with_if_paused_resume() -> None:
    assert followed("resume", timed_out=True)
