"""Campaigns whose deferred tasks were ended: paused, released, or checked again, whatever is answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelAuthError
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.client.retry import RetryPolicy
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.triggers.stopping import CampaignStopper
from airflow_provider_exotel.waiting.owner import ABSENT, NO_ANSWER, TaskKey

from .virtual_time import START, VirtualTime

ENDED = ("success", "failed", "skipped", "upstream_failed", "removed", ABSENT)
TO_RUN_AGAIN = ("scheduled", "queued", "restarting", "up_for_retry", "up_for_reschedule", "awaiting_input")
DAY = 86_400.0


@dataclass
class Triggerer:
    """A triggerer with a stopper, an Airflow with given task states, and an account with dialling campaigns."""

    emulator: Emulator
    time: VirtualTime
    per_minute: float = 1e6
    states: dict[TaskKey, str | None] = field(default_factory=dict)
    asked: list[tuple[float, Sequence[TaskKey]]] = field(default_factory=list)
    at: dict[float, Callable[[], Any]] = field(default_factory=dict)
    connects: int = 0
    created: int = 0
    before_connecting: Callable[[], None] = lambda: None

    def campaigns(self, count: int = 1) -> list[str]:
        """Create campaigns that dial for several hours."""
        client, ids = self.client(), []
        for number in range(count):
            request = CampaignRequest(
                numbers=[f"+9198765{number:02}{person:03}" for person in range(240)],
                caller_id="0XXXXXX4890",
                mode="custom",
                throttle=1,
            )
            ids.append(client.create_campaign(request).id)
        self.emulator.clock.advance(60)
        self.created = len(self.emulator.requests)
        return ids

    def client(self) -> ExotelClient:
        emulator = self.emulator
        bucket = TokenBucket(self.per_minute, clock=self.time.clock, sleep=self.time.sleep)
        return ExotelClient(
            emulator.api_key,
            emulator.api_token,
            emulator.account_sid,
            emulator.host,
            bucket=bucket,
            retry=RetryPolicy(tries=1),
        )

    def ends(self, campaigns: Mapping[str, str | None], *, within: float = DAY, end_at: Any = None) -> float:
        """End the tasks of campaigns in given states; return the time when the last one was paused or released."""

        async def main() -> float:
            loop, client = asyncio.get_running_loop(), self.client()

            async def connect() -> ExotelClient:
                self.connects += 1
                self.before_connecting()
                return client

            async def states(tasks: Sequence[TaskKey]) -> Mapping[TaskKey, str | None]:
                self.asked.append((self.time.seconds, tasks))
                return {task: self.states[task] for task in tasks if self.states[task] != NO_ANSWER}

            stopper = CampaignStopper("exotel_default", connect, states, self.time.now)
            for moment, act in self.at.items():
                loop.call_later(moment, act)
            for campaign_id, state in campaigns.items():
                self.states[task_of(campaign_id)] = state
                stopper.stop(campaign_id, task_of(campaign_id), end_at)
            while stopper._stops and self.time.seconds < within:
                await asyncio.sleep(1)
            return self.time.seconds

        return self.time.run(main)

    def becomes(self, campaign_id: str, state: str | None) -> Callable[[], None]:
        return lambda: self.states.update({task_of(campaign_id): state})

    def status(self, campaign_id: str) -> str:
        return str(self.emulator.campaign(campaign_id).status)

    def sent(self, method: str = "PUT") -> list[Any]:
        return [entry for entry in self.requests if entry.method == method]

    @property
    def requests(self) -> list[Any]:
        """The requests after the campaigns were created."""
        return self.emulator.requests[self.created :]


def task_of(campaign_id: str) -> TaskKey:
    return TaskKey("reminders", "manual__1", f"remind_{campaign_id}")


@pytest.fixture
def triggerer() -> Iterator[Triggerer]:
    with Emulator(start=START, seed=1) as emulator:
        yield Triggerer(emulator, VirtualTime(emulator))


@pytest.mark.parametrize("state", ENDED)
def test_the_campaign_of_an_ended_task_is_paused_with_one_request(triggerer: Triggerer, state: str) -> None:
    [campaign] = triggerer.campaigns()

    took = triggerer.ends({campaign: state})

    assert triggerer.status(campaign) == "paused"
    assert [entry.method for entry in triggerer.requests] == ["PUT"]
    assert took < 5


@pytest.mark.parametrize("state", ["running", "deferred"])
def test_a_campaign_whose_task_still_waits_is_released_without_a_request(triggerer: Triggerer, state: str) -> None:
    [campaign] = triggerer.campaigns()

    took = triggerer.ends({campaign: state})

    assert triggerer.requests == []
    assert took < 5


@pytest.mark.parametrize("state", [*TO_RUN_AGAIN, NO_ANSWER, "a_word_of_a_later_airflow"])
@pytest.mark.parametrize("then", ["running", "failed"])
def test_a_task_with_a_next_try_or_an_unknown_state_is_checked_again(
    triggerer: Triggerer, state: str, then: str
) -> None:
    [campaign] = triggerer.campaigns()
    triggerer.at[3600] = triggerer.becomes(campaign, then)

    took = triggerer.ends({campaign: state})

    assert 3600 < took < 3600 + 62
    assert triggerer.status(campaign) == ("paused" if then == "failed" else "in-progress")
    assert len(triggerer.sent()) == (then == "failed")
    assert len(triggerer.asked) < 3600 / 25


def test_a_cleared_task_that_runs_again_at_once_keeps_its_campaign(triggerer: Triggerer) -> None:
    [campaign] = triggerer.campaigns()
    triggerer.at = {2: triggerer.becomes(campaign, "scheduled"), 5: triggerer.becomes(campaign, "running")}

    triggerer.ends({campaign: None})

    assert triggerer.requests == []


def test_a_cleared_task_that_does_not_run_again_has_its_campaign_paused_after_a_minute(triggerer: Triggerer) -> None:
    [campaign] = triggerer.campaigns()

    took = triggerer.ends({campaign: None})

    assert triggerer.status(campaign) == "paused"
    assert 60 <= took < 65


def test_a_task_that_is_cleared_later_also_gets_a_minute(triggerer: Triggerer) -> None:
    [campaign] = triggerer.campaigns()
    triggerer.at = {50: triggerer.becomes(campaign, "queued"), 200: triggerer.becomes(campaign, None)}

    took = triggerer.ends({campaign: None})

    assert took >= 260


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html_5xx"},
        {"kind": "status", "status": 500},
        {"kind": "drop_before_commit"},
        {"kind": "drop_after_commit"},
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 401},
        {"kind": "status", "status": 403},
        {"kind": "status", "status": 409},
        {"kind": "status", "status": 400},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
@pytest.mark.parametrize("times", [1, 4])
def test_a_request_that_fails_is_sent_again_until_the_campaign_is_paused(
    triggerer: Triggerer, caplog: pytest.LogCaptureFixture, fault: dict[str, Any], times: int
) -> None:
    [campaign] = triggerer.campaigns()
    triggerer.emulator.faults.add(Fault(on="PUT campaigns/*", times=times, **fault))

    took = triggerer.ends({campaign: "failed"})

    assert triggerer.status(campaign) == "paused"
    assert took < 120
    if fault != {"kind": "status", "status": 400}:  # the client tries its other form
        errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert errors
        assert all(campaign in message for message in errors)


def test_an_attempt_after_a_failed_one_asks_for_the_state_first(triggerer: Triggerer) -> None:
    [campaign] = triggerer.campaigns()
    triggerer.emulator.faults.add(Fault(on="PUT campaigns/*", kind="html_5xx", times=None))
    triggerer.at[1] = triggerer.becomes(campaign, "running")

    triggerer.ends({campaign: "failed"})

    assert triggerer.status(campaign) == "in-progress"
    assert len(triggerer.sent()) == 1


def test_an_unconfirmed_pause_is_polled_and_sent_again(triggerer: Triggerer) -> None:
    [campaign] = triggerer.campaigns()
    triggerer.emulator.settings.status_words = {"paused": "InProgress"}
    triggerer.at[30] = lambda: triggerer.emulator.settings.update({"status_words": {}})

    took = triggerer.ends({campaign: "failed"})

    assert 30 <= took < 100
    assert triggerer.status(campaign) == "paused"


@pytest.mark.parametrize("act", ["pause", "complete", "delete"])
def test_a_campaign_that_no_longer_dials_is_released(triggerer: Triggerer, act: str) -> None:
    [campaign] = triggerer.campaigns()
    person = triggerer.client()
    person.pause_campaign(campaign)
    if act == "complete":
        person.complete_campaign(campaign)
    if act == "delete":
        triggerer.emulator.faults.add(Fault(on="* campaigns/*", kind="status", status=404, times=None))
    before = len(triggerer.sent())

    took = triggerer.ends({campaign: "failed"})

    assert took < 5
    assert len(triggerer.sent()) - before <= 2


def test_a_campaign_that_could_not_be_paused_before_its_window_closed_is_given_up_with_an_error(
    triggerer: Triggerer, caplog: pytest.LogCaptureFixture
) -> None:
    [campaign] = triggerer.campaigns()
    triggerer.emulator.faults.add(Fault(on="PUT campaigns/*", kind="html_5xx", times=None))

    took = triggerer.ends({campaign: "failed"}, end_at=START + timedelta(hours=1))

    assert 3 * 3600 <= took < 3 * 3600 + 62
    assert f"Could not pause campaign {campaign} before its window closed" in caplog.text


def test_a_pause_is_tried_once_if_the_window_seems_long_closed(triggerer: Triggerer) -> None:
    [campaign] = triggerer.campaigns()

    triggerer.ends({campaign: "failed"}, end_at=START - timedelta(hours=3))

    assert triggerer.status(campaign) == "paused"


def test_a_connection_that_cannot_be_read_is_read_again(triggerer: Triggerer) -> None:
    [campaign] = triggerer.campaigns()

    def unreadable() -> None:
        if triggerer.connects <= 3:
            raise KeyError("exotel_default")

    triggerer.before_connecting = unreadable

    triggerer.ends({campaign: "failed"})

    assert triggerer.status(campaign) == "paused"


def test_credentials_that_are_refused_are_read_again(triggerer: Triggerer) -> None:
    [campaign] = triggerer.campaigns()
    triggerer.emulator.faults.add(Fault(kind="status", status=401, times=2))

    triggerer.ends({campaign: "failed"})

    assert triggerer.status(campaign) == "paused"
    assert triggerer.connects == 2


def test_twenty_tasks_that_are_ended_at_once_are_paused_within_a_minute_at_the_limit_of_the_account(
    triggerer: Triggerer,
) -> None:
    campaigns = triggerer.campaigns(20)
    triggerer.per_minute = 30
    triggerer.emulator.settings.rate_limit = 30

    took = triggerer.ends(dict.fromkeys(campaigns, "failed"))

    assert took <= 60
    assert {triggerer.status(campaign) for campaign in campaigns} == {"paused"}
    assert [entry.status for entry in triggerer.sent()] == [200] * 20
    assert triggerer.sent("GET") == []


def test_a_campaign_is_released_if_its_next_try_begins_before_its_turn_at_the_rate_limit(
    triggerer: Triggerer,
) -> None:
    campaigns = triggerer.campaigns(20)
    triggerer.per_minute = 30
    cleared = campaigns[-1]
    sleep = triggerer.time.sleep

    def runs_again(seconds: float) -> None:
        sleep(seconds)
        if triggerer.time.seconds > 5:
            triggerer.becomes(cleared, "running")()

    triggerer.time.sleep = runs_again  # type: ignore[method-assign]

    triggerer.ends(dict.fromkeys(campaigns, "failed"))

    assert triggerer.status(cleared) == "in-progress"
    assert {triggerer.status(campaign) for campaign in campaigns[:-1]} == {"paused"}


def test_a_rate_limit_without_headers_holds_back_all_pauses_of_the_account(triggerer: Triggerer) -> None:
    campaigns = triggerer.campaigns(8)
    triggerer.emulator.settings.update({"rate_limit": 4, "rate_limit_headers": False, "retry_after": "seconds"})

    took = triggerer.ends(dict.fromkeys(campaigns, "failed"))

    assert {triggerer.status(campaign) for campaign in campaigns} == {"paused"}
    assert took < 130
    assert [entry.status for entry in triggerer.sent()].count(429) <= 8


def test_thousands_of_triggers_that_move_cost_no_request_to_exotel(triggerer: Triggerer) -> None:
    took = triggerer.ends({f"c{number}": "deferred" for number in range(3000)})

    assert triggerer.requests == []
    assert len(triggerer.asked) == 1
    assert took < 5


def test_a_campaign_that_is_handed_over_twice_is_paused_once(triggerer: Triggerer) -> None:
    [campaign] = triggerer.campaigns()

    async def main() -> None:
        client = triggerer.client()

        async def connect() -> ExotelClient:
            return client

        async def states(tasks: Sequence[TaskKey]) -> Mapping[TaskKey, str | None]:
            return dict.fromkeys(tasks, "failed")

        stopper = CampaignStopper("exotel_default", connect, states, triggerer.time.now)
        stopper.stop(campaign, task_of(campaign))
        stopper.stop(campaign, task_of(campaign))
        await asyncio.sleep(30)
        stopper.stop(campaign, task_of(campaign))  # a person resumes it meanwhile, and ends the task again
        await asyncio.sleep(30)

    triggerer.time.run(main)

    assert triggerer.status(campaign) == "paused"
    assert [entry.status for entry in triggerer.sent()].count(200) == 1


def test_a_pause_that_was_handed_over_outlives_its_cancelled_trigger(triggerer: Triggerer) -> None:
    [campaign] = triggerer.campaigns()

    async def main() -> None:
        client = triggerer.client()

        async def connect() -> ExotelClient:
            await asyncio.sleep(4)
            return client

        waits = iter([4])  # once only: a second check from a thread would wait forever in virtual time

        async def states(tasks: Sequence[TaskKey]) -> Mapping[TaskKey, str | None]:
            await asyncio.sleep(next(waits, 0))
            return dict.fromkeys(tasks, "failed")

        stopper = CampaignStopper("exotel_default", connect, states, triggerer.time.now)

        async def trigger() -> None:
            stopper.stop(campaign, task_of(campaign))
            await asyncio.sleep(3600)

        task = asyncio.create_task(trigger())
        for _ in range(7):
            await asyncio.sleep(1)
            task.cancel()
        await asyncio.sleep(10)

    triggerer.time.run(main)

    assert triggerer.status(campaign) == "paused"


def test_pausing_goes_on_although_the_account_refuses_everything(triggerer: Triggerer) -> None:
    [campaign] = triggerer.campaigns()

    def refused() -> None:
        if triggerer.time.seconds < 3600:
            raise ExotelAuthError("the key is not accepted")

    triggerer.before_connecting = refused

    took = triggerer.ends({campaign: "failed"})

    assert triggerer.status(campaign) == "paused"
    assert took < 3600 + 62
