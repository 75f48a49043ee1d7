"""Carry campaigns over several days: nobody is called outside the window, and nobody is called twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelError, ExotelInputError, ExotelServerError
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.client.request import CallRetries, CampaignRequest, Schedule
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.waiting.carry_over import CarryOver
from airflow_provider_exotel.waiting.driver import WaitDriver
from airflow_provider_exotel.waiting.emergency_stop import pause_all
from airflow_provider_exotel.waiting.outcome import CampaignFailed, Outcome
from airflow_provider_exotel.waiting.wait import CARRY_OVER_LEAD, Step, Wait
from airflow_provider_exotel.waiting.watch import WaitEvent
from airflow_provider_exotel.windows.calling_window import CallingWindow

from ..properties import examples
from .waiting_samples import MINUTE, START, client_of, people, shown

# Six minutes a day hold about 270 calls; the last 90 seconds are reserved for the carry-over.
WINDOW = CallingWindow(start="10:00", end="10:06", timezone="Asia/Kolkata", weekdays="mon-fri")
MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)
CAN_EDIT = {"schedule_editable_when_paused": True}


@dataclass
class Task:
    """Carries one campaign over as the operator does, in a worker that uses the emulator's clock."""

    emulator: Emulator
    client: ExotelClient
    window: CallingWindow = WINDOW
    until: datetime | None = None
    retries: CallRetries | None = None
    interval: float = 20.0
    late: float = 0.0
    """Delay of the worker, in seconds."""
    meanwhile: list[tuple[datetime, Callable[[], Any]]] = field(default_factory=list)
    """Actions of other people, by time."""
    remembered: list[datetime | None] = field(default_factory=list)
    paused_at: list[datetime] = field(default_factory=list)
    """When a person paused the campaign."""
    campaign_id: str = ""

    @property
    def carry_over(self) -> CarryOver:
        now = self.emulator.clock.now
        return CarryOver(self.window, self.until, self.retries, self.remembered.append, now)

    @property
    def driver(self) -> WaitDriver:
        # The driver checks before and after each step whether the task was killed.
        delays = cycle([self.late, 0.0])
        return WaitDriver(
            lambda function: function(self.client),
            self.carry_over,
            poll_interval=timedelta(seconds=self.interval),
            stop_if_killed=lambda: self.sleep(next(delays)),
            now=self.emulator.clock.now,
            sleep=self.sleep,
        )

    def create(self, count: int, **fields: Any) -> Wait:
        now = self.emulator.clock.now()
        schedule = self.window.schedule_for(now, now, call_retries=self.retries)
        request = CampaignRequest(
            numbers=people(count),
            caller_id="0XXXXXX4890",
            name="Survey",
            url="https://example.org/flow",
            schedule=schedule,
            call_retries=self.retries,
            **fields,
        )
        campaign = self.client.create_campaign(request)
        self.campaign_id = campaign.id
        return Wait.for_campaign(campaign, now, contacts=count, carries_over=True)

    def run(self, wait: Wait) -> Outcome:
        """Wait for the campaign's end, through all of its windows."""
        return self.driver.follow(wait)

    def sleep(self, seconds: float) -> None:
        clock = self.emulator.clock
        until = clock.now() + timedelta(seconds=seconds)
        for act in sorted(self.meanwhile, key=lambda act: act[0]):
            if act[0] <= until:
                clock.set(max(act[0], clock.now()))
                self.meanwhile.remove(act)
                act[1]()
        clock.set(max(until, clock.now()))

    def person_pauses(self) -> None:
        if self.status == "in-progress":
            self.client.pause_campaign(self.campaign_id)
            self.paused_at.append(self.emulator.clock.now())

    @property
    def status(self) -> str:
        return self.emulator.campaign(self.campaign_id).status

    def calls_by_day(self) -> dict[date, int]:
        india = ZoneInfo("Asia/Kolkata")
        return dict(Counter(call.started.astimezone(india).date() for call in self.emulator.calls(self.campaign_id)))

    def check_calls(self) -> None:
        """Check that nobody is called outside the window, or more often than the retries allow."""
        calls = self.emulator.calls(self.campaign_id)
        assert [call.started for call in calls if not is_allowed(self.window, call.started)] == []
        attempts = Counter(call.number for call in calls)
        most = 1 + (self.retries.number_of_retries or 0 if self.retries else 0)
        assert max(attempts.values(), default=0) <= most
        assert len({(call.number, call.attempt) for call in calls}) == len(calls)


def is_allowed(window: CallingWindow, instant: datetime) -> bool:
    """Return whether calls are allowed at a time, from the local wall clock and without the code under test."""
    wall = instant.astimezone(ZoneInfo(window.timezone))
    clock, day = wall.time().replace(tzinfo=None), wall.date()
    within = window.start <= clock < window.end
    if window.end < window.start:
        within = clock >= window.start or clock < window.end
    return within and day.weekday() in window.weekdays and day not in window.holidays


@pytest.fixture
def task(emulator: Emulator, client: ExotelClient) -> Task:
    emulator.settings.update({**CAN_EDIT, "outcomes": {"completed": 1}})
    return Task(emulator, client)


def at(day: int, clock: str) -> datetime:
    """Return a time in India, a number of days after Monday."""
    return datetime.combine(MONDAY + day * DAY, time.fromisoformat(clock), ZoneInfo("Asia/Kolkata")).astimezone(UTC)


@pytest.mark.parametrize("at_end", ["completed", "canceled", "paused"])
@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_a_campaign_continues_every_day_until_no_contacts_are_left(task: Task, at_end: str, dialect: str) -> None:
    task.emulator.settings.update({"at_end": at_end, "dialect": dialect})

    outcome = task.run(task.create(600))

    assert (outcome.status, outcome.tally.reached) == ("completed", 600)
    assert list(task.calls_by_day()) == [MONDAY, MONDAY + DAY, MONDAY + 2 * DAY]
    assert len({call.number for call in task.emulator.calls(task.campaign_id)}) == 600
    task.check_calls()


def test_a_campaign_continues_after_weekends_and_holidays(task: Task) -> None:
    task.window = CallingWindow(**{**dict(WINDOW), "holidays": ["2026-03-09", "2026-03-04"]})
    task.emulator.clock.set(at(2, "11:00"))

    task.run(task.create(600))

    assert list(task.calls_by_day()) == [date(2026, 3, 5), date(2026, 3, 6), date(2026, 3, 10)]
    task.check_calls()


@pytest.mark.parametrize("at_end", ["completed", "canceled", "paused"])
def test_uncalled_contacts_after_until_are_reported(task: Task, at_end: str) -> None:
    task.emulator.settings.at_end = at_end
    # A run's own date has fractions of a second; the last window ends early.
    task.until = at(1, "10:03:00.123456")

    outcome = task.run(task.create(600))

    by_day = task.calls_by_day()
    assert list(by_day) == [MONDAY, MONDAY + DAY]
    assert by_day[MONDAY + DAY] <= 3 * 60
    assert outcome.status == at_end
    task.check_calls()


@pytest.mark.parametrize("at_end", ["completed", "canceled", "paused"])
@pytest.mark.parametrize(
    ("stopped_at", "late", "interval", "settings"),
    [
        pytest.param(at(0, "22:00"), 0, 20, {}, id="while it is paused for the night"),
        pytest.param(at(0, "22:00"), 0, 20, {"dialect": "wrapped"}, id="in the wrapped form"),
        pytest.param(at(1, "10:00:20"), 60, 20, {}, id="when its next window has just opened and no worker is free"),
        pytest.param(at(0, "10:04:50"), 100, 20, {}, id="when its window closes and no worker is free"),
        pytest.param(at(0, "10:03"), 0, 3600, {}, id="when the next poll comes after its window"),
    ],
)
def test_a_campaign_stays_paused_after_everything_was_stopped(
    task: Task, at_end: str, stopped_at: datetime, late: float, interval: float, settings: dict[str, Any]
) -> None:
    task.emulator.settings.update({"at_end": at_end, **settings})
    task.late, task.interval = late, interval
    task.meanwhile = [(stopped_at, lambda: list(pause_all(task.client, stopped_at)))]

    with suppress(CampaignFailed):
        task.run(task.create(600))

    task.emulator.clock.set(at(5, "10:00"))
    assert list(task.calls_by_day()) == [MONDAY]


@pytest.mark.parametrize("until", ["10:00:00", "10:00:30", "09:00:00"])
def test_a_window_shortly_before_until_is_not_used(task: Task, until: str) -> None:
    task.until = at(1, until)

    task.run(task.create(600))

    assert list(task.calls_by_day()) == [MONDAY]
    assert task.remembered == []


@pytest.mark.parametrize("at_end", ["completed", "canceled", "paused"])
def test_a_campaign_stays_paused_if_its_schedule_cannot_be_changed(task: Task, at_end: str) -> None:
    task.emulator.settings.update({"at_end": at_end, "schedule_editable_when_paused": False})
    wait = task.create(600)

    with pytest.raises(CampaignFailed, match=r"stays paused with \d\d\d contacts left") as error:
        task.run(wait)

    assert task.status == "paused"
    assert str(600 - sum(task.calls_by_day().values()))[:2] in str(error.value)
    task.emulator.clock.advance(3 * DAY.total_seconds())
    assert list(task.calls_by_day()) == [MONDAY]
    assert task.remembered[-1] is None


@pytest.mark.parametrize(
    ("edits", "message"),
    [("ignore", "kept schedule.end_at, schedule.send_at"), ("replace", "changed url too")],
)
def test_a_campaign_stays_paused_if_a_change_has_another_effect(task: Task, edits: str, message: str) -> None:
    wait = task.create(600)
    task.emulator.settings.edits = edits

    with pytest.raises(CampaignFailed, match=message):
        task.run(wait)

    task.emulator.clock.advance(3 * DAY.total_seconds())
    assert list(task.calls_by_day()) == [MONDAY]
    assert task.remembered[-1] is None


@pytest.mark.parametrize("at_end", ["completed", "canceled", "paused"])
@pytest.mark.parametrize("clock", ["10:02", "10:04:20", "10:04:29", "10:04:30"])
@pytest.mark.parametrize("interval", [20.0, 3600.0])
def test_a_campaign_paused_by_a_person_stays_paused(task: Task, at_end: str, clock: str, interval: float) -> None:
    task.emulator.settings.at_end = at_end
    task.interval = interval
    wait = task.create(600)
    task.meanwhile = [(at(0, clock), lambda: task.client.pause_campaign(task.campaign_id))]

    outcome = task.run(wait)

    assert outcome.status == ("paused" if at_end == "paused" else "canceled")
    assert outcome.tally.reached < 270
    task.emulator.clock.advance(3 * DAY.total_seconds())
    assert list(task.calls_by_day()) == [MONDAY]


def test_later_tries_leave_a_campaign_paused_by_a_person_in_a_later_window(task: Task) -> None:
    wait = task.create(600)
    task.meanwhile = [(at(1, "10:02"), lambda: task.client.pause_campaign(task.campaign_id))]

    task.run(wait)

    # A later try resumes a campaign paused for a window; after that has opened, nothing is stored about it.
    assert task.remembered == [at(1, "10:06"), None]
    assert list(task.calls_by_day()) == [MONDAY, MONDAY + DAY]


def test_a_campaign_paused_by_a_person_stays_paused_without_a_poll_before_its_end(
    task: Task,
) -> None:
    task.emulator.settings.at_end = "paused"
    wait = closing(task, task.create(600))
    task.client.pause_campaign(task.campaign_id)

    last = task.carry_over.move_to_next_window(task.client, wait)
    task.emulator.clock.set(at(0, "10:10"))

    assert not task.carry_over.move_to_next_window(task.client, last).opening


def test_a_campaign_completed_at_night_has_ended(task: Task) -> None:
    wait = task.create(600)
    task.meanwhile = [(at(0, "22:00"), lambda: task.client.complete_campaign(task.campaign_id))]

    outcome = task.run(wait)

    assert outcome.status == "completed"
    assert list(task.calls_by_day()) == [MONDAY]


def test_a_campaign_resumed_by_a_person_at_night_is_not_changed_until_its_window_closes(task: Task) -> None:
    wait = task.create(330)
    task.meanwhile = [(at(0, "22:00"), lambda: task.client.resume_campaign(task.campaign_id))]

    outcome = task.run(wait)

    assert (outcome.status, outcome.tally.reached) == ("completed", 330)
    assert [entry.body for entry in task.emulator.requests if entry.body == {"action": "resume"}] == [
        {"action": "resume"}
    ]


def lengthened(task: Task) -> Schedule:
    """Extend the campaign's window, as a person would in the dashboard."""
    longer = Schedule(send_at=at(0, "10:01"), end_at=at(0, "10:20"))
    for change in ({"action": "pause"}, {"schedule": longer.payload()}, {"action": "resume"}):
        task.emulator._office.account.change(task.campaign_id, change)
    return longer


def test_a_campaign_dials_on_in_an_extended_window(task: Task) -> None:
    wait = task.create(600)
    task.meanwhile = [(at(0, "10:03"), lambda: lengthened(task))]

    outcome = task.run(wait)

    assert outcome.tally.reached == 600
    assert list(task.calls_by_day()) == [MONDAY]


def test_a_window_extended_between_polls_is_used(task: Task) -> None:
    wait = closing(task, task.create(600))
    longer = lengthened(task)

    assert task.carry_over.move_to_next_window(task.client, wait) == replace(wait, end_at=longer.end_at)
    assert task.status == "in-progress"


def test_a_campaign_that_has_not_started_is_carried_over_too(task: Task) -> None:
    # For example while its list is still being read. That some contacts are called anyway does not matter here.
    task.emulator.settings.update({"account_throttle": 1, "status_words": {"in-progress": "Created"}})
    wait = task.create(8)
    task.meanwhile = [(at(0, "12:00"), lambda: task.emulator.settings.update({"status_words": {}}))]

    outcome = task.run(wait)

    assert outcome.tally.reached == 8
    assert list(task.calls_by_day()) == [MONDAY, MONDAY + DAY]


@pytest.mark.parametrize(
    ("clock", "days"),
    [
        pytest.param("10:02", [0, 1, 2], id="a little late: the rest of the window is used"),
        pytest.param("10:05", [0, 2, 3], id="too late: the following window is used"),
        pytest.param("23:00", [0, 2, 3], id="long after the window closed: the following window is used"),
    ],
)
def test_an_opening_that_the_worker_missed(task: Task, clock: str, days: list[int]) -> None:
    task.emulator.settings.at_end = "paused"
    wait = task.carry_over.move_to_next_window(task.client, closing(task, task.create(500)))
    task.emulator.clock.set(at(1, clock))

    task.run(task.carry_over.resume_in_window(task.client, wait))

    assert list(task.calls_by_day()) == [MONDAY + day * DAY for day in days]
    task.check_calls()


def closing(task: Task, wait: Wait) -> Wait:
    """Return the wait at the end of its first window."""
    task.emulator.clock.set(wait.end_at - CARRY_OVER_LEAD)
    return replace(wait, seen_dialling=True)


@pytest.mark.parametrize("at_end", ["completed", "canceled"])
def test_an_opening_missed_until_the_service_ended_the_campaign(task: Task, at_end: str) -> None:
    task.emulator.settings.at_end = at_end
    wait = task.carry_over.move_to_next_window(task.client, closing(task, task.create(500)))
    task.emulator.clock.set(at(1, "23:00"))

    outcome = task.run(task.carry_over.resume_in_window(task.client, wait))

    assert outcome.tally.reached < 300
    assert list(task.calls_by_day()) == [MONDAY]


def test_no_campaign_is_resumed_before_its_window_opens(task: Task) -> None:
    wait = task.carry_over.move_to_next_window(task.client, closing(task, task.create(500)))

    assert task.carry_over.resume_in_window(task.client, wait) == wait
    assert task.status == "paused"


@pytest.mark.parametrize(
    ("late", "at_end", "days"),
    [
        pytest.param(100, "paused", [0, 1], id="after the window, if the account pauses campaigns at their end"),
        pytest.param(100, "completed", [0], id="after the window, if the account completes campaigns at their end"),
        pytest.param(60, "completed", [0, 1], id="before the window closes"),
    ],
)
def test_a_late_worker_at_the_end_of_a_window(task: Task, late: float, at_end: str, days: list[int]) -> None:
    task.emulator.settings.at_end = at_end
    wait = closing(task, task.create(400))
    task.emulator.clock.advance(late)

    task.run(task.carry_over.move_to_next_window(task.client, wait))

    assert list(task.calls_by_day()) == [MONDAY + day * DAY for day in days]
    task.check_calls()


def test_the_next_window_is_stored_before_the_pause(task: Task) -> None:
    wait = closing(task, task.create(400))

    def superseded(end_at: datetime | None) -> None:
        raise RuntimeError("another try has taken over")

    with pytest.raises(RuntimeError):
        replace(task.carry_over, remember=superseded).move_to_next_window(task.client, wait)

    assert task.status == "in-progress"


def test_a_campaign_without_open_contacts_is_not_carried_over(task: Task) -> None:
    wait = closing(task, task.create(100))
    before = len(task.emulator.requests)

    following = task.carry_over.move_to_next_window(task.client, wait)

    assert (following.carries_over, following.opening) == (False, False)
    assert [entry.method for entry in task.emulator.requests[before:]] == ["GET"]


def test_a_window_must_be_long_enough_for_the_retries(task: Task) -> None:
    task.retries = CallRetries(number_of_retries=1, interval_mins=5)
    task.emulator.settings.outcomes = {"busy": 1}
    wait = task.create(200)
    task.until = at(3, "00:00")

    task.run(wait)

    assert set(task.calls_by_day()) <= {MONDAY, MONDAY + DAY, MONDAY + 2 * DAY}
    task.check_calls()


@dataclass
class Odd:
    """A service that does not do what is requested."""

    now: Callable[[], datetime]
    campaign: Campaign
    after: Mapping[str, str]
    """The status to show after each request."""
    done: list[str] = field(default_factory=list)

    def get_campaign(self, campaign_id: str) -> Campaign:
        return self.campaign

    def _become(self, what: str, **fields: Any) -> Campaign:
        self.done.append(what)
        message = [status for request, status in self.after.items() if request == f"{what} {self.done.count(what)}"]
        if message == ["fails"]:
            raise ExotelServerError("502")
        self.campaign = replace(self.campaign, **fields)
        if message:
            self.campaign = replace(self.campaign, status=CampaignStatus.of(message[0]), status_text=message[0])
        return self.campaign

    def pause_campaign(self, campaign_id: str) -> Campaign:
        return self._become("pause", status=CampaignStatus.PAUSED, status_text="paused")

    def resume_campaign(self, campaign_id: str) -> Campaign:
        return self._become("resume", status=CampaignStatus.IN_PROGRESS, status_text="in-progress")

    def update_campaign(self, campaign_id: str, **changes: Any) -> Campaign:
        return self._become("change", schedule=changes["schedule"])

    def complete_campaign(self, campaign_id: str) -> Campaign:
        raise AssertionError("not asked for")

    archive_campaign = complete_campaign

    def delete_campaign(self, campaign_id: str) -> None:
        raise AssertionError("not asked for")


FIRST_WINDOW = Schedule(send_at=at(0, "10:01"), end_at=at(0, "10:06"))
DIALS = shown("in-progress", {"created": 300, "pending": 100, "completed": 200}, schedule=FIRST_WINDOW)


@pytest.mark.parametrize(
    ("after", "done", "comes_of_it"),
    [
        pytest.param({}, ["pause", "change"], "opening", id="as requested"),
        pytest.param({"pause 1": "in-progress"}, ["pause"], "last", id="dials on after a pause"),
        pytest.param({"pause 1": "Pausing"}, ["pause"], "last", id="does not confirm the pause"),
        pytest.param({"pause 1": "completed"}, ["pause"], "last", id="has just completed"),
        pytest.param(
            {"change 1": "in-progress"},
            ["pause", "change", "pause"],
            "opening",
            id="dials on after the change",
        ),
        pytest.param(
            {"change 1": "in-progress", "pause 2": "in-progress"},
            ["pause", "change", "pause"],
            "may dial before that opens",
            id="dials on after the change and a second pause",
        ),
        pytest.param({"change 1": "created"}, ["pause", "change"], "opening", id="starts by itself at the opening"),
        pytest.param({"change 1": "fails"}, ["pause", "change"], "stays paused with 100 contacts left", id="fails"),
    ],
)
def test_an_unreliable_service_never_dials_outside_the_window(
    after: Mapping[str, str], done: list[str], comes_of_it: str
) -> None:
    now = at(0, "10:04:30")
    odd, remembered = Odd(lambda: now, DIALS, after), list[datetime | None]()
    carry_over = CarryOver(WINDOW, remember=remembered.append, now=lambda: now)
    wait = Wait.for_campaign(DIALS, START, carries_over=True)

    if comes_of_it in {"opening", "last"}:
        following = carry_over.move_to_next_window(odd, wait)
        assert following.opening is (comes_of_it == "opening")
        assert following.end_at == (at(1, "10:06") if following.opening else FIRST_WINDOW.end_at)
    else:
        with pytest.raises(CampaignFailed, match=comes_of_it):
            carry_over.move_to_next_window(odd, wait)

    assert odd.done == done
    assert remembered == ([at(1, "10:06")] if comes_of_it == "opening" else [at(1, "10:06"), None])


def test_a_dialling_campaign_without_open_contacts_is_not_carried_over() -> None:
    counts = {"completed": 3, "failed-no-attempt": 0}
    odd = Odd(lambda: at(0, "10:05"), shown("in-progress", counts, schedule=FIRST_WINDOW), {})
    wait = Wait("c1", FIRST_WINDOW.send_at, FIRST_WINDOW.end_at, 3, carries_over=True, seen_dialling=True)

    following = CarryOver(WINDOW, now=odd.now).move_to_next_window(odd, wait)

    assert (following.carries_over, following.opening, odd.done) == (False, False, [])


NEXT_WINDOW = Schedule(send_at=at(1, "10:00"), end_at=at(1, "10:06"))


@pytest.mark.parametrize(("carried_to", "opening"), [(NEXT_WINDOW.end_at, True), (FIRST_WINDOW.end_at, False)])
def test_a_later_try_waits_only_for_the_window_the_campaign_was_carried_over_to(
    carried_to: datetime, opening: bool
) -> None:
    odd = Odd(lambda: at(0, "12:00"), shown("paused", schedule=NEXT_WINDOW), {})
    driver = WaitDriver(lambda function: function(odd), CarryOver(WINDOW, now=odd.now), now=odd.now)

    step = driver.start(odd.campaign, contacts=300, carried_to=carried_to)

    assert isinstance(step, Wait)
    assert step.opening is opening


@pytest.mark.parametrize(("checks", "done"), [(1, []), (2, ["pause", "change"])], ids=["before", "meanwhile"])
def test_a_killed_task_neither_carries_over_nor_waits(checks: int, done: list[str]) -> None:
    odd = Odd(lambda: at(0, "10:05"), DIALS, {})
    left = iter(range(checks - 1))

    def stop_if_killed() -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    driver = WaitDriver(
        lambda function: function(odd), CarryOver(WINDOW, now=odd.now), stop_if_killed=stop_if_killed, now=odd.now
    )
    wait = Wait("c1", FIRST_WINDOW.send_at, FIRST_WINDOW.end_at, 300, carries_over=True, seen_dialling=True)

    with pytest.raises(KeyboardInterrupt):
        driver.resolve(WaitEvent(Step.CLOSING, wait))

    assert odd.done == done


@pytest.mark.parametrize(
    ("shows", "schedule", "resumed"),
    [
        ("paused", NEXT_WINDOW, True),
        ("paused", FIRST_WINDOW, None),
        ("paused", Schedule(send_at=NEXT_WINDOW.send_at), None),
        ("paused", Schedule(send_at=at(1, "10:03"), end_at=at(1, "10:06")), False),
        ("in-progress", NEXT_WINDOW, False),
        ("created", NEXT_WINDOW, False),
        ("completed", NEXT_WINDOW, False),
    ],
)
def test_a_campaign_with_another_end_is_not_resumed(shows: str, schedule: Schedule, resumed: bool | None) -> None:
    odd = Odd(lambda: at(1, "10:00"), shown(shows, schedule=schedule), {})
    wait = Wait("c1", NEXT_WINDOW.send_at, NEXT_WINDOW.end_at, carries_over=True, opening=True)
    carry_over = CarryOver(WINDOW, now=odd.now)

    if resumed is None:
        with pytest.raises(CampaignFailed, match="shows another end_at than it was given"):
            carry_over.resume_in_window(odd, wait)
    else:
        carry_over.resume_in_window(odd, wait)

    assert odd.done == (["resume"] if resumed else [])


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))


@examples(60, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    times,
    st.integers(3, 300),
    st.sampled_from(["Asia/Kolkata", "America/New_York", "Pacific/Apia", "UTC"]),
    st.sets(st.integers(0, 6), min_size=2),
    st.fixed_dictionaries(
        {
            "at_end": st.sampled_from(["completed", "canceled", "paused"]),
            "schedule_editable_when_paused": st.sampled_from([True, True, True, False]),
            "edits": st.sampled_from(["merge", "merge", "replace", "ignore"]),
            "dialect": st.sampled_from(["documented", "wrapped"]),
            "omit_zero_counts": st.booleans(),
            "account_throttle": st.sampled_from([1, 10]),
        }
    ),
    st.integers(1, 60),
    st.sampled_from([None, CallRetries(number_of_retries=1, interval_mins=2)]),
    st.sampled_from([30.0, 600.0]),
    st.sampled_from([0.0, 0.0, 40.0, 200.0, 7200.0]),
    st.none() | st.integers(0, 3 * 86_400),
)
def test_nobody_is_called_outside_any_window_or_twice(
    opens, minutes, zone, weekdays, switches, count, retries, interval, late, paused_after
) -> None:
    closes = (datetime.combine(MONDAY, opens) + minutes * MINUTE).time()
    window = CallingWindow(start=opens, end=closes, timezone=zone, weekdays=weekdays)
    with Emulator(start=START, seed=1, **switches) as emulator, client_of(emulator) as client:
        task = Task(emulator, client, window, retries=retries, interval=interval, late=late)
        task.meanwhile = [] if paused_after is None else [(START + timedelta(seconds=paused_after), task.person_pauses)]
        try:
            wait = task.create(count)
        except ExotelInputError:  # this window is too short for the retries
            assume(False)
        task.until = wait.end_at + 4 * DAY
        with suppress(ExotelError):
            task.run(wait)
        emulator.clock.advance(7 * DAY.total_seconds())

        task.check_calls()
        calls = emulator.calls(task.campaign_id)
        assert all(call.started < task.until for call in calls)
        if task.paused_at and not late:
            assert all(call.started <= task.paused_at[0] for call in calls)
