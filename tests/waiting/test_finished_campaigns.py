"""What has finished is told once, however often is looked and whatever is started again in between."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.request import Schedule
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.waiting import finished
from airflow_provider_exotel.waiting.finished import (
    LOOKS_BACK,
    SHOWS_WITHIN,
    WatcherCursor,
    finished_since,
)
from airflow_provider_exotel.waiting.wait import LAST_CALLS

from ..properties import examples
from .waiting_samples import MINUTE, START, between, client_of, people, shown

FEW = 50
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEPT_BY_AIRFLOW = 64 * 1024


@dataclass
class Watcher:
    """A watcher of an account: what it keeps outlives it, where it has read to does not."""

    emulator: Emulator
    client: ExotelClient
    heard: list[str] = field(default_factory=list)
    kept: str | None = None
    since: datetime | None = None

    def look(self, *, restarted: bool = False) -> list[str]:
        """Return the ids of the campaigns it hears of."""
        if restarted:
            self.since = None
        seen = finished_since(self.client.list_campaigns(), self.since, self.emulator.clock.now())
        told = WatcherCursor.of_json(json.loads(self.kept)) if self.kept else None
        news = [outcome.campaign_id for outcome in told.news(seen)] if told else []
        self.kept, self.since = json.dumps(WatcherCursor.all_of(seen).as_json()), seen.since
        self.heard += news
        return news

    def create(self, minutes: float = 10, number: int = 1, contacts: int = 1) -> list[str]:
        """Create campaigns that begin in a minute and live for some."""
        now = self.emulator.clock.now()
        schedule = between(now + MINUTE, now + MINUTE + timedelta(minutes=minutes))
        body = {"from": ",".join(people(contacts)), "caller_id": "0XXXXXX4890", "schedule": schedule}
        return [self.emulator._office.account.create(body).id for _ in range(number)]

    def open_for(self, days: int) -> str:
        """Create a campaign that stays in progress, waiting for a retry, for some days."""
        now = self.emulator.clock.now()
        self.emulator.settings.outcomes = {"busy": 1}
        retries = {"number_of_retries": 1, "interval_mins": days * 24 * 60}
        body = {"from": people(1)[0], "caller_id": "0XXXXXX4890", "retries": retries}
        schedule = between(now + MINUTE, now + days * DAY + HOUR)
        return self.emulator._office.account.create({**body, "schedule": schedule}).id

    def wait(self, length: timedelta) -> None:
        self.emulator.clock.advance(length.total_seconds())


@pytest.fixture
def few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if what Airflow keeps were smaller, so that fewer campaigns do."""
    monkeypatch.setattr(finished, "MOST_REMEMBERED", FEW)


@pytest.fixture
def watcher(emulator: Emulator, client: ExotelClient) -> Watcher:
    return Watcher(emulator, client)


def test_what_finished_before_the_first_look_is_not_told(watcher: Watcher) -> None:
    watcher.create(number=3)
    watcher.wait(HOUR)

    assert watcher.look() == []
    assert watcher.look() == []


def test_what_finishes_later_is_told_once_the_oldest_first(watcher: Watcher) -> None:
    first = watcher.create(minutes=30)
    watcher.look()
    watcher.wait(MINUTE)
    second = watcher.create(minutes=30)
    watcher.wait(HOUR)

    assert watcher.look() == first + second
    assert watcher.look() == []


def test_what_is_created_and_finishes_between_two_looks_is_told(watcher: Watcher) -> None:
    watcher.create()
    watcher.look()
    watcher.wait(HOUR)
    watcher.look()
    created = watcher.create()
    watcher.wait(HOUR)

    assert watcher.look() == created


def test_an_account_without_campaigns_is_watched_from_now_on(watcher: Watcher) -> None:
    assert watcher.look() == []
    created = watcher.create()
    watcher.wait(HOUR)

    assert watcher.look() == created


def test_it_tells_how_the_campaign_ended(watcher: Watcher) -> None:
    seen = finished_since([shown("Completed", {"completed": 3}, date_created=START)], None, START + HOUR)

    [outcome] = WatcherCursor(START - HOUR).news(seen)

    assert outcome.as_json()["reached"] == 3


@pytest.mark.parametrize("restarted", [False, True])
def test_one_that_is_archived_after_it_was_told_is_not_told_again(watcher: Watcher, restarted: bool) -> None:
    watcher.look()
    [created] = watcher.create()
    watcher.wait(HOUR)
    watcher.look()

    watcher.client.archive_campaign(created)

    assert watcher.look(restarted=restarted) == []


def test_while_an_old_one_is_open_nothing_younger_is_told_twice(watcher: Watcher) -> None:
    old = watcher.open_for(days=3)
    watcher.look()
    for _ in range(5):
        watcher.create(number=3)
        watcher.wait(12 * HOUR)
        assert len(watcher.look(restarted=True)) == 3
        assert watcher.look() == []

    watcher.wait(2 * DAY)

    assert watcher.look() == [old]


@pytest.mark.usefixtures("few_are_remembered")
def test_more_campaigns_than_are_remembered_are_told_once_each_beside_one_that_stays_open(watcher: Watcher) -> None:
    watcher.open_for(days=5)
    watcher.look()
    created: list[str] = []
    for _ in range(4):
        created += watcher.create(number=20)
        watcher.wait(HOUR)
        watcher.look(restarted=True)
        watcher.look()

    assert len(created) > FEW
    assert Counter(watcher.heard) == Counter(created)


@pytest.mark.usefixtures("few_are_remembered")
def test_a_fleet_of_more_than_are_remembered_that_goes_on_and_ends_at_once_is_told_once(watcher: Watcher) -> None:
    created = watcher.create(minutes=60, number=FEW + 10)
    watcher.look()
    watcher.wait(HOUR / 2)
    watcher.look(restarted=True)
    watcher.wait(2 * HOUR)
    watcher.look(restarted=True)
    watcher.wait(2 * HOUR)
    watcher.look(restarted=True)

    assert Counter(watcher.heard) == Counter(created)


@pytest.mark.parametrize(("open_ones", "ended"), [(0, 9000), (9000, 0), (9000, 3400), (3400, 9000), (9000, 9000)])
def test_what_is_kept_fits_into_what_airflow_keeps(open_ones: int, ended: int) -> None:
    account = [campaign(number, number < ended) for number in range(open_ones + ended)]

    told = WatcherCursor.all_of(finished_since(account, None, START + HOUR))

    assert len(json.dumps(told.as_json())) < KEPT_BY_AIRFLOW


@pytest.mark.usefixtures("few_are_remembered")
def test_of_more_than_fit_some_are_told_twice_after_a_restart_and_none_never() -> None:
    numbers = range(1000)
    before = finished_since([campaign(number, number % 2 == 0) for number in numbers], None, START + HOUR)
    after = finished_since([campaign(number, True) for number in numbers], None, START + HOUR)

    told = WatcherCursor.all_of(before)

    assert {one.campaign_id for one in told.news(after)} == {campaign(n, True).id for n in numbers if n % 2}
    again = {one.campaign_id for one in WatcherCursor.of_json(told.as_json()).news(after)}
    assert again >= {campaign(n, True).id for n in numbers if n % 2}


def campaign(number: int, ended: bool) -> Campaign:
    """The campaigns of an account, the newest first, in no order of ending."""
    created, schedule = START - number * timedelta(seconds=7), Schedule(end_at=START + DAY)
    one = shown("completed" if ended else "in-progress", date_created=created, schedule=schedule)
    return replace(one, id=f"{number:032x}")


def test_after_the_first_look_only_the_newest_are_read(watcher: Watcher) -> None:
    watcher.create(number=2500)
    watcher.wait(HOUR)
    watcher.create(minutes=60)
    watcher.look()
    first = len(watcher.emulator.requests)
    watcher.look()

    assert (first, len(watcher.emulator.requests) - first) == (6, 1)


def test_nothing_is_read_beyond_what_may_still_be_open() -> None:
    def account() -> Any:
        yield campaign(0, True)
        yield shown("completed", date_created=START - LOOKS_BACK - HOUR)
        raise AssertionError("read on")

    assert len(finished_since(account(), None, START).endings) == 1


@pytest.mark.parametrize("restarted", [False, True])
def test_one_that_shows_late_in_the_list_is_told(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    watcher.create()
    watcher.look()
    [late] = watcher.create(minutes=2)
    watcher.wait(SHOWS_WITHIN - MINUTE)
    younger = watcher.create(minutes=2)
    watcher.wait(HOUR)
    with monkeypatch.context() as patch:
        patch.setattr(watcher.emulator._office.account, "_listed", lambda campaign: campaign.id != late)
        assert watcher.look()[1:] == younger

    assert watcher.look(restarted=restarted) == [late]


@pytest.mark.parametrize("at_end", ["completed", "canceled", "paused"])
def test_one_whose_window_closes_on_people_has_finished_however_the_service_ends_it(
    watcher: Watcher, at_end: str
) -> None:
    watcher.emulator.settings.at_end = at_end
    watcher.look()
    created = watcher.create(minutes=2, contacts=300)
    watcher.wait(2 * MINUTE)
    assert watcher.look() == []
    watcher.wait(6 * MINUTE)
    # A task may still carry one that was left paused into its next window.
    assert watcher.look() == ([] if at_end == "paused" else created)
    watcher.wait(LAST_CALLS)
    watcher.look()

    assert watcher.heard == created
    assert watcher.look(restarted=True) == []


@pytest.mark.parametrize("status", ["completed", "failed", "canceled", "archived", "deleted"])
def test_every_word_for_an_end_is_one(status: str) -> None:
    [ending] = finished_since([shown(status, date_created=START)], None, START + HOUR).endings

    assert ending.outcome.status == status


def test_one_that_is_carried_into_another_window_has_not_finished() -> None:
    carried = shown("paused", date_created=START, schedule=Schedule(send_at=START + DAY, end_at=START + DAY + HOUR))

    assert finished_since([carried], None, START + HOUR).endings == ()


def test_what_is_kept_is_plain_json() -> None:
    told = WatcherCursor(START, frozenset({"b", "a"}), frozenset({"c"}))

    assert told.as_json() == {"since": START.isoformat(), "told": ["a", "b"], "still_open": ["c"]}
    assert WatcherCursor.of_json(told.as_json()) == told


steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from([1, 5, 60, 1500]), st.sampled_from([1, 80])),
        st.tuples(st.just("wait"), st.sampled_from([1, 7, 60, 1500])),
        st.tuples(st.just("look"), st.booleans()),
        st.tuples(st.just("pause"), st.integers(0, 9)),
        st.tuples(st.just("archive"), st.integers(0, 9)),
    ),
    max_size=25,
)
switches = st.fixed_dictionaries(
    {
        "at_end": st.sampled_from(["completed", "canceled", "paused"]),
        "dialect": st.sampled_from(["documented", "wrapped"]),
        "list_delay_seconds": st.sampled_from([0.0, 30.0, 500.0]),
        "outcomes": st.sampled_from([{"completed": 1}, {"failed": 1}, {"busy": 1, "completed": 1}]),
    }
)


@examples(50)
@given(steps, switches)
def test_whatever_happens_each_campaign_is_told_once(steps: list[Any], switches: Mapping[str, Any]) -> None:
    with Emulator(start=START, seed=1, **switches) as emulator, client_of(emulator) as client:
        watcher, created = Watcher(emulator, client), list[str]()
        watcher.look()
        for what, *how in steps:
            if what == "create":
                created += watcher.create(how[0], contacts=how[1])
            elif what == "wait":
                watcher.wait(how[0] * MINUTE)
            elif what == "look":
                watcher.look(restarted=how[0])
            elif how[0] < len(created):
                state = emulator.campaign(created[how[0]])
                if state.status in {"pause": ("created", "in-progress"), "archive": ("completed",)}[what]:
                    getattr(client, f"{what}_campaign")(state.id)
        watcher.wait(3 * DAY)
        watcher.look()
        watcher.look(restarted=True)

        assert Counter(watcher.heard) == Counter(created)
