"""A paused campaign is resumed when its window opens, by a task that waits for it and is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelRequestRefused
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.waiting.carry_over import CarryOver
from airflow_provider_exotel.waiting.driver import WaitDriver
from airflow_provider_exotel.waiting.emergency_stop import pause_all
from airflow_provider_exotel.waiting.outcome import CampaignFailed, Outcome
from airflow_provider_exotel.waiting.wait import Wait
from airflow_provider_exotel.windows.calling_window import CallingWindow

from .waiting_samples import MINUTE, START, between, create

DAILY = CallingWindow(start="10:30", end="11:30", timezone="Asia/Kolkata")
OPENS, CLOSES = START + 30 * MINUTE, START + 90 * MINUTE


@dataclass
class Task:
    """Waits for one campaign in a worker that uses the emulator's clock; it was paused before its window opened."""

    emulator: Emulator
    client: ExotelClient
    carry_over: CarryOver | None = None
    meanwhile: list[tuple[datetime, Callable[[str], Any]]] = field(default_factory=list)
    """Actions of other people on the campaign, by time."""
    stop_if_killed: Callable[[], None] = lambda: None
    campaign_id: str = ""

    def __post_init__(self) -> None:
        self.emulator.settings.update({"at_end": "paused", "schedule_editable_when_paused": True})
        self.campaign_id = create(self.client, schedule=between(OPENS, CLOSES)).id
        self.client.pause_campaign(self.campaign_id)

    @property
    def driver(self) -> WaitDriver:
        now = self.emulator.clock.now
        return WaitDriver(
            lambda function: function(self.client),
            self.carry_over,
            stop_if_killed=self.stop_if_killed,
            now=now,
            sleep=self.sleep,
        )

    def start(self, *, resume_paused: bool = True, carried_to: datetime | None = None) -> Wait | Outcome:
        campaign = self.client.get_campaign(self.campaign_id)
        return self.driver.start(campaign, contacts=3, carried_to=carried_to, resume_paused=resume_paused)

    def run(self, **options: Any) -> Outcome:
        return self.driver.follow(self.start(**options))

    def sleep(self, seconds: float) -> None:
        clock = self.emulator.clock
        until = clock.now() + timedelta(seconds=seconds)
        while self.meanwhile and self.meanwhile[0][0] <= until:
            moment, act = self.meanwhile.pop(0)
            clock.set(max(moment, clock.now()))
            act(self.campaign_id)
        clock.set(max(until, clock.now()))

    @property
    def resumed_at(self) -> list[datetime]:
        return [one.at for one in self.emulator.requests if one.body == {"action": "resume"} and one.status == 200]

    def call_times(self) -> list[datetime]:
        return [call.started for call in self.emulator.calls(self.campaign_id)]


@pytest.fixture
def task(emulator: Emulator, client: ExotelClient) -> Task:
    emulator.settings.outcomes = {"completed": 1}
    return Task(emulator, client)


def test_it_is_resumed_when_its_window_opens(task: Task) -> None:
    outcome = task.run()

    assert (outcome.status, outcome.tally.reached) == ("completed", 3)
    assert task.resumed_at == [OPENS]
    assert OPENS <= min(task.call_times()) <= max(task.call_times()) < CLOSES


def test_it_is_resumed_at_once_inside_its_window(task: Task) -> None:
    task.emulator.clock.set(OPENS + MINUTE)

    task.start()

    assert task.resumed_at == [OPENS + MINUTE]


def test_it_stays_paused_without_being_told(task: Task) -> None:
    assert task.run(resume_paused=False).tally.reached == 0
    assert task.resumed_at == []


def test_it_stays_paused_after_its_window(task: Task) -> None:
    task.emulator.clock.set(CLOSES)

    assert task.run().tally.reached == 0
    assert task.resumed_at == []


def test_a_campaign_that_is_not_paused_is_watched_from_its_opening_on(task: Task) -> None:
    task.client.resume_campaign(task.campaign_id)

    step = task.start()

    assert isinstance(step, Wait)
    assert not step.opening


def test_a_wait_that_was_stored_is_continued(task: Task) -> None:
    step = task.start()
    assert isinstance(step, Wait)

    outcome = task.driver.follow(Wait.of_json(step.as_json()))

    assert outcome.tally.reached == 3
    assert task.resumed_at == [OPENS]


def test_a_campaign_that_a_person_resumes_before_is_not_resumed_again(task: Task) -> None:
    task.meanwhile = [(START + MINUTE, task.client.resume_campaign)]

    task.run()

    assert task.resumed_at == [START + MINUTE]


def test_a_campaign_that_a_person_pauses_afterwards_stays_paused(task: Task) -> None:
    task.meanwhile = [(OPENS, lambda _: None), (OPENS + MINUTE / 60, task.client.pause_campaign)]

    outcome = task.run()

    assert outcome.tally.reached < 3
    assert task.resumed_at == [OPENS]


@pytest.mark.parametrize("shown", ["404", "deleted"])
def test_a_campaign_that_a_person_deletes_meanwhile_fails(task: Task, shown: str) -> None:
    task.emulator.settings.update({"deletes": "any", "deleted_get": shown})
    task.meanwhile = [(START + MINUTE, task.client.delete_campaign)]

    with pytest.raises(CampaignFailed, match="was deleted while the task waited"):
        task.run()


@pytest.mark.parametrize("carries_over", [False, True], ids=["for its window", "for many windows"])
@pytest.mark.parametrize("later", [timedelta(hours=3), timedelta(minutes=10)], ids=["disjoint", "overlapping"])
def test_a_campaign_that_a_person_moves_is_resumed_in_its_new_window(
    task: Task, later: timedelta, carries_over: bool
) -> None:
    task.carry_over = CarryOver(DAILY, now=task.emulator.clock.now) if carries_over else None
    moved = between(OPENS + later, CLOSES + later)
    task.meanwhile = [(START + MINUTE, lambda one: task.emulator._office.account.change(one, {"schedule": moved}))]

    outcome = task.run()

    assert outcome.tally.reached == 3
    assert task.resumed_at == [OPENS + later]


def test_a_campaign_whose_window_a_person_ended_is_not_resumed(task: Task) -> None:
    moved = between(START + 5 * MINUTE, START + 10 * MINUTE)
    task.meanwhile = [(START + MINUTE, lambda one: task.emulator._office.account.change(one, {"schedule": moved}))]

    assert task.run().tally.reached == 0
    assert task.resumed_at == []


def test_it_stays_paused_after_everything_was_stopped_before_its_window(task: Task) -> None:
    task.meanwhile = [(START + MINUTE, lambda _: list(pause_all(task.client, task.emulator.clock.now())))]

    with pytest.raises(CampaignFailed, match="was stopped while the task waited; it stays paused"):
        task.run()

    assert task.resumed_at == []


@pytest.mark.parametrize("status", [503, 401])
def test_a_resume_that_fails_for_a_while_is_sent_again(task: Task, status: int) -> None:
    task.emulator.faults.add(Fault(on="PUT campaigns/*", kind="status", status=status, times=3))

    outcome = task.run()

    assert outcome.tally.reached == 3
    assert task.resumed_at == [OPENS + 3 * MINUTE]


def test_a_resume_that_fails_until_the_window_closes_ends_the_wait(task: Task) -> None:
    task.emulator.faults.add(Fault(on="PUT campaigns/*", kind="status", status=503, times=None))

    assert task.run().tally.reached == 0


def test_a_resume_that_is_refused_fails_at_once(task: Task) -> None:
    task.emulator.faults.add(Fault(on="PUT campaigns/*", kind="status", status=400, times=None))

    with pytest.raises(ExotelRequestRefused):
        task.run()

    assert task.emulator.clock.now() < OPENS + MINUTE


class Killed(BaseException):
    """The task is killed."""


@pytest.mark.parametrize(("checks", "resumed"), [(1, []), (2, [OPENS])], ids=["before", "meanwhile"])
def test_a_killed_task_does_not_wait_on(task: Task, checks: int, resumed: list[datetime]) -> None:
    left = iter(range(checks - 1))

    def stop_if_killed() -> None:
        if next(left, None) is None:
            raise Killed

    task.stop_if_killed = stop_if_killed

    with pytest.raises(Killed):
        task.run()

    assert task.resumed_at == resumed


def test_a_resumed_campaign_is_carried_over_to_the_next_window(task: Task) -> None:
    task.carry_over = CarryOver(DAILY, now=task.emulator.clock.now)
    task.emulator.settings.update({"account_throttle": 2, "at_end": "completed"})
    task.campaign_id = create(task.client, 200, schedule=between(OPENS, CLOSES)).id
    task.client.pause_campaign(task.campaign_id)

    assert task.run().tally.reached == 200
    assert task.resumed_at == [OPENS, OPENS + timedelta(days=1)]


def test_a_campaign_that_was_carried_over_is_resumed_as_such(task: Task) -> None:
    task.carry_over = CarryOver(DAILY, now=task.emulator.clock.now)

    step = task.start(carried_to=CLOSES)

    assert isinstance(step, Wait)
    assert (step.opening, step.carries_over) == (True, True)
