"""Watch a campaign over real HTTP, on the clock of a local Exotel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelNotFound
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.request import Schedule
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.waiting.wait import CARRY_OVER_LEAD, MAX_LIFETIME, OVERDUE_AFTER, Step, Wait
from airflow_provider_exotel.waiting.watch import WaitEvent, WatchedCampaign, progress_line, watch

from .waiting_samples import MINUTE, START, between, create, people, shown

INTERVAL = 60.0
OPENS, CLOSES = START + timedelta(hours=1), START + timedelta(hours=3)


@dataclass
class Watcher:
    """Watches a campaign in a worker that uses the emulator's clock."""

    emulator: Emulator
    client: ExotelClient
    noted: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def __call__(self, wait: Wait) -> WaitEvent:
        return watch(
            WatchedCampaign(wait),
            lambda: self.poll(wait.campaign_id),
            now=self.emulator.clock.now,
            sleep=self.sleep,
            interval=INTERVAL,
            note=self.noted.append,
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.emulator.clock.advance(seconds)

    def poll(self, campaign_id: str) -> Campaign | None:
        try:
            return self.client.get_campaign(campaign_id)
        except ExotelNotFound:
            return None

    @property
    def polls(self) -> list[datetime]:
        return [entry.at for entry in self.emulator.requests if entry.method == "GET"]


@pytest.fixture
def watcher(emulator: Emulator, client: ExotelClient) -> Watcher:
    return Watcher(emulator, client)


def wait_for(campaign: Campaign, **fields: Any) -> Wait:
    return Wait.for_campaign(campaign, START, **fields)


def test_polling_starts_with_send_at_and_continues_at_the_interval(watcher: Watcher) -> None:
    campaign = create(watcher.client, 600, schedule=between(OPENS, CLOSES))

    event = watcher(wait_for(campaign))

    assert event.step is Step.ENDED
    assert watcher.polls[0] == OPENS
    assert watcher.slept[0] == (OPENS - START).total_seconds()
    assert {later - sooner for sooner, later in zip(watcher.polls, watcher.polls[1:], strict=False)} == {MINUTE}
    assert len(watcher.polls) == (watcher.polls[-1] - OPENS) / MINUTE + 1


def test_the_event_of_an_ended_campaign_has_its_outcome(watcher: Watcher) -> None:
    campaign = create(watcher.client, 30, schedule=between(OPENS, CLOSES))

    event = watcher(wait_for(campaign, contacts=30))

    state = watcher.emulator.campaign(campaign.id)
    assert event.outcome is not None
    assert (event.outcome.status, event.outcome.tally.contacts) == ("completed", 30)
    assert event.outcome.tally.reached == state.counts.completed
    assert (event.outcome.started, event.outcome.ended) == (OPENS, event.outcome.ended)
    assert WaitEvent.of_json(event.as_json()) == event


def test_each_change_is_logged_once_with_progress_and_expected_end(watcher: Watcher) -> None:
    watcher.emulator.settings.outcomes = {"completed": 1}
    campaign = create(watcher.client, 200, schedule=between(OPENS, CLOSES))

    watcher(wait_for(campaign))

    who = f"Campaign {campaign.id}"
    assert watcher.noted[0] == f"{who} (InProgress): 0 of 200 done, 0 reached. The next poll is at 05:31:00 UTC."
    assert watcher.noted[1] == (
        f"{who} (InProgress): 14 of 200 done, 14 reached, 14.0 a minute, expected to end at 2026-03-02 05:44 UTC. "
        "The next poll is at 05:32:00 UTC."
    )
    assert watcher.noted[-1] == f"{who} (Completed): 200 of 200 done, 200 reached."
    assert len(set(watcher.noted)) == len(watcher.noted) == len(watcher.polls)


def test_unchanged_progress_is_not_logged_again(watcher: Watcher) -> None:
    campaign = create(watcher.client, 3, schedule=between(OPENS, CLOSES))
    watcher.client.pause_campaign(campaign.id)

    watcher(wait_for(campaign))

    assert watcher.noted == [
        f"Campaign {campaign.id} (Paused): 0 of 3 done, 0 reached. The next poll is at 05:31:00 UTC.",
        f"Campaign {campaign.id} (Canceled): 3 of 3 done, 0 reached.",
    ]


@pytest.mark.parametrize(
    ("done", "end_at", "line"),
    [
        (10, CLOSES, "1.0 a minute, expected to end at 2026-03-02 06:10 UTC."),
        (1, CLOSES, "0.1 a minute, too slow to reach everybody before its window closes."),
        (1, None, "0.1 a minute, expected to end at 2026-03-02 21:10 UTC."),
        (0, CLOSES, "0 of 100 done, 0 reached."),
    ],
)
def test_the_expected_end_follows_from_the_pace(done: int, end_at: datetime | None, line: str) -> None:
    campaign = shown(stats={"created": 100, "pending": 100 - done, "completed": done})

    progress = progress_line(campaign, Wait("c1", START, end_at), (START, 0), START + 10 * MINUTE)

    assert progress.endswith(line)


def test_a_very_slow_pace_does_not_overflow_the_calendar() -> None:
    campaign = shown(stats={"created": 500_000, "pending": 499_999, "completed": 1})

    assert "too slow" in progress_line(campaign, Wait("c1", START), (START, 0), START + MAX_LIFETIME)


@pytest.mark.parametrize("deleted_get", ["404", "deleted"])
def test_a_deleted_campaign_is_gone_after_several_polls(watcher: Watcher, deleted_get: str) -> None:
    watcher.emulator.settings.deleted_get = deleted_get
    campaign = create(watcher.client, schedule=between(OPENS, CLOSES))
    watcher.client.delete_campaign(campaign.id)

    event = watcher(wait_for(campaign))

    assert (event.step, event.outcome) == (Step.GONE, None)
    assert len(watcher.polls) == (3 if deleted_get == "404" else 1)


def test_a_campaign_found_again_after_two_misses_is_not_gone(watcher: Watcher) -> None:
    campaign = create(watcher.client, schedule=between(OPENS, CLOSES))
    watcher.emulator.faults.add(Fault(on="GET campaigns/*", kind="status", status=404, times=2))

    assert watcher(wait_for(campaign)).step is Step.ENDED


@pytest.mark.parametrize("kind", ["html_5xx", "drop_before_commit", "rate_limited", "cut_body", "empty_body"])
def test_failed_polls_are_logged_and_repeated(watcher: Watcher, kind: str) -> None:
    campaign = create(watcher.client, schedule=between(OPENS, CLOSES))
    watcher.emulator.faults.add(Fault(on="GET campaigns/*", kind=kind, times=10))

    event = watcher(wait_for(campaign))

    assert event.step is Step.ENDED
    assert sum("Could not poll campaign" in line for line in watcher.noted) == 10


def test_a_wait_ends_by_the_clock_if_the_service_never_answers(watcher: Watcher) -> None:
    campaign = create(watcher.client, schedule=between(OPENS, CLOSES))
    watcher.emulator.faults.add(Fault(on="GET campaigns/*", kind="html_5xx", times=None))

    event = watcher(wait_for(campaign))

    assert (event.step, event.outcome) == (Step.OVERDUE, None)
    assert watcher.emulator.clock.now() == CLOSES + OVERDUE_AFTER


def test_an_unknown_status_ends_a_wait_two_hours_after_its_window(watcher: Watcher) -> None:
    campaign = create(watcher.client, schedule=between(OPENS, CLOSES))
    watcher.emulator.settings.status_words = {"completed": "Ringing", "in-progress": "Ringing"}

    event = watcher(wait_for(campaign))

    assert event.step is Step.OVERDUE
    assert event.outcome is not None
    assert event.outcome.status == "Ringing"
    assert watcher.emulator.clock.now() == CLOSES + OVERDUE_AFTER


@pytest.mark.parametrize("at_end", ["completed", "canceled", "paused"])
def test_a_wait_ends_with_the_window_for_every_end_status(watcher: Watcher, at_end: str) -> None:
    watcher.emulator.settings.at_end = at_end
    campaign = create(watcher.client, 200, schedule=between(OPENS, OPENS + 2 * MINUTE))

    event = watcher(wait_for(campaign))

    assert event.step is Step.ENDED
    assert event.outcome is not None
    assert event.outcome.status == at_end
    assert watcher.emulator.clock.now() <= OPENS + 5 * MINUTE


def test_a_wait_with_carry_over_ends_before_the_window_closes(watcher: Watcher) -> None:
    campaign = create(watcher.client, 600, schedule=between(OPENS, OPENS + 5 * MINUTE))

    event = watcher(wait_for(campaign, carries_over=True))

    assert (event.step, event.wait.seen_dialling) == (Step.CLOSING, True)
    assert watcher.emulator.clock.now() == OPENS + 5 * MINUTE - CARRY_OVER_LEAD


def test_a_paused_campaign_ends_the_wait_as_not_dialling(watcher: Watcher) -> None:
    campaign = create(watcher.client, 600, schedule=between(OPENS, OPENS + 5 * MINUTE))
    watcher.client.pause_campaign(campaign.id)

    event = watcher(wait_for(campaign, carries_over=True))

    assert (event.step, event.wait.seen_dialling) == (Step.CLOSING, False)


def test_a_wait_for_an_opening_does_not_poll(watcher: Watcher) -> None:
    event = watcher(Wait("c1", OPENS, CLOSES, carries_over=True, opening=True))

    assert (event.step, watcher.polls) == (Step.OPENING, [])
    assert watcher.emulator.clock.now() == OPENS


def test_the_schedule_of_a_foreign_campaign_is_read_at_the_first_poll(watcher: Watcher) -> None:
    campaign = create(watcher.client, 600, schedule=between(OPENS, CLOSES))
    watched = WatchedCampaign(Wait(campaign.id))

    watched.update(watcher.poll(campaign.id), START)

    assert (watched.wait.send_at, watched.wait.end_at) == (OPENS, CLOSES)
    assert not watched.wait.has_begun(START)


def test_a_campaign_that_dials_before_its_send_at_is_polled_to_its_end() -> None:
    ahead = [shown("in-progress"), shown("completed", {"completed": 3})]
    slept: list[float] = []

    event = watch(
        WatchedCampaign(Wait("c1", end_at=CLOSES)),
        lambda: replace(ahead.pop(0), schedule=Schedule(send_at=OPENS, end_at=CLOSES + MINUTE)),
        now=lambda: START,
        sleep=slept.append,
        interval=INTERVAL,
        note=[].append,
    )

    assert (event.step, slept) == (Step.ENDED, [INTERVAL])


def test_a_wait_follows_a_campaign_moved_to_another_day(watcher: Watcher) -> None:
    campaign = create(watcher.client, 30, schedule=between(OPENS, CLOSES))
    wait = wait_for(campaign)
    day = timedelta(days=1)
    watcher.client.update_campaign(campaign.id, schedule=Schedule(send_at=OPENS + day, end_at=CLOSES + day))

    event = watcher(wait)

    assert event.outcome is not None
    assert event.outcome.status == "completed"
    assert len(watcher.emulator.calls(campaign.id)) == 30
    assert OPENS + day < watcher.emulator.clock.now() < OPENS + day + 5 * MINUTE


def test_no_phone_number_is_logged_or_stored(watcher: Watcher) -> None:
    watcher.emulator.settings.update({"dialect": "wrapped", "echo_numbers": True})
    campaign = create(watcher.client, schedule=between(OPENS, CLOSES))
    watcher.emulator.faults.add(
        Fault(on="GET campaigns/*", kind="status", status=500, message=f"cannot call {people(1)[0]}")
    )

    event = watcher(wait_for(campaign, contacts=3))

    for text in (*watcher.noted, str(event.as_json()), repr(event)):
        assert "98765" not in text


Poll = Callable[[], Campaign | None]


def test_an_exception_in_sleep_ends_the_watch(watcher: Watcher) -> None:
    def killed(seconds: float) -> None:
        raise KeyboardInterrupt

    poll: Poll = lambda: None  # noqa: E731

    with pytest.raises(KeyboardInterrupt):
        watch(
            WatchedCampaign(Wait("c1", START, CLOSES)),
            poll,
            now=watcher.emulator.clock.now,
            sleep=killed,
            interval=INTERVAL,
            note=watcher.noted.append,
        )


def test_where_the_service_gives_no_counts_the_outcome_tells_how_many_people_were_named() -> None:
    watched = WatchedCampaign(Wait("c1", START, START + timedelta(hours=1), contacts=3))

    watched.update(shown("completed"), START)

    assert watched.event is not None
    assert watched.event.outcome is not None
    assert watched.event.outcome.tally.contacts == 3
