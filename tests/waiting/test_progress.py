"""The progress of a campaign, its pace and its problems."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.waiting.progress import PACE_OVER, add_sample, find_problems, progress_of

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
END = "2026-03-02T18:00:00+05:30"  # 6.5 hours later


BEGINNING = "2026-03-02T10:00:00+05:30"


def campaign(status: str = "InProgress", end_at: str | None = END, send_at: str = BEGINNING, **stats: int) -> Campaign:
    counts: dict[str, Any] = {"created": 100, "completed": 0, "failed": 0, "pending": 100, "busy": 0, "no_answer": 0}
    schedule = {"send_at": send_at, "end_at": end_at}
    return Campaign.of({"id": "c1", "status": status, "stats": counts | stats, "schedule": schedule})


def problems(one: Campaign, **more: Any) -> str:
    return " ".join(find_problems(one, progress_of(one, None, NOW), NOW, **more))


def test_the_pace_is_measured_between_two_polls() -> None:
    progress = progress_of(campaign(completed=40, pending=60), (NOW - timedelta(minutes=10), 20), NOW)

    assert progress.per_minute == 2
    assert progress.expected_end == NOW + timedelta(minutes=30)
    assert not progress.too_slow


def test_one_poll_gives_no_pace() -> None:
    assert progress_of(campaign(completed=40, pending=60), None, NOW).per_minute is None


def test_there_is_no_expected_end_after_the_window() -> None:
    progress = progress_of(campaign(completed=1, pending=99), (NOW - timedelta(minutes=10), 0), NOW)

    assert (progress.expected_end, progress.too_slow) == (None, True)


def test_samples_are_kept_only_while_dialling_and_for_a_limited_time() -> None:
    first = add_sample((), campaign(), NOW - PACE_OVER - timedelta(seconds=1))
    second = add_sample(first, campaign(completed=5), NOW)

    assert second == ((NOW, 5),)
    assert add_sample(second, campaign(status="Paused"), NOW) == ()


@pytest.mark.parametrize(
    ("one", "more", "message"),
    [
        (campaign(status="Paused"), {}, "is paused and calls nobody"),
        (campaign(status="Paused", send_at="2026-03-02T12:00:00+05:30"), {}, "once its window opens"),
        (campaign(status="Pondering"), {}, "does not know"),
        (campaign(end_at=None), {}, "no end"),
        (campaign(end_at="2026-03-02T11:00:00+05:30"), {}, "still shows as dialling after its window"),
        (campaign(completed=5, failed=30, pending=65), {}, "More than half of the calls fail"),
        (campaign(), {"task_state": "failed"}, "its task as failed"),
        (campaign(), {"task_state": "success", "is_awaited": True}, "Its task has ended"),
        (campaign(status="Completed", failed=100, pending=0), {}, ""),
    ],
)
def test_problems_are_described(one: Campaign, more: dict[str, Any], message: str) -> None:
    assert message in problems(one, **more)


def test_a_campaign_dialling_inside_its_window_has_no_problems() -> None:
    assert problems(campaign(completed=50, pending=50), task_state="deferred", is_awaited=True) == ""


def test_a_campaign_that_called_nobody_says_what_to_check() -> None:
    ended = Campaign.of({"id": "c1", "status": "Failed", "stats": {"failed-no-attempt": 100, "completed": 0}})

    assert "alled nobody: check balance" in problems(ended)
