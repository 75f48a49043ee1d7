"""Finished campaigns are reported once each, across any number of polls and restarts."""

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
    LIST_DELAY,
    LOOKBACK,
    WatcherCursor,
    finished_since,
)
from airflow_provider_exotel.waiting.wait import LAST_CALLS_GRACE

from ..properties import examples
from .waiting_samples import MINUTE, START, between, client_of, people, shown

FEW = 50
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEPT_BY_AIRFLOW = 64 * 1024


@dataclass
class Watcher:
    """A watcher of an account; a restart keeps its stored cursor and loses its position in the list."""

    emulator: Emulator
    client: ExotelClient
    heard: list[str] = field(default_factory=list)
    kept: str | None = None
    since: datetime | None = None

    def poll(self, *, restarted: bool = False) -> list[str]:
        """Poll once, and return the ids of the campaigns reported."""
        if restarted:
            self.since = None
        seen = finished_since(self.client.list_campaigns(), self.since, self.emulator.clock.now())
        cursor = WatcherCursor.of_json(json.loads(self.kept)) if self.kept else None
        unreported = [outcome.campaign_id for outcome in cursor.unreported(seen)] if cursor else []
        self.kept, self.since = json.dumps(WatcherCursor.after(seen).as_json()), seen.since
        self.heard += unreported
        return unreported

    def create(self, minutes: float = 10, number: int = 1, contacts: int = 1) -> list[str]:
        """Create campaigns that start in a minute and end some minutes later."""
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
def small_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reduce the number of fingerprints in a cursor, so that few campaigns exceed it."""
    monkeypatch.setattr(finished, "MAX_FINGERPRINTS", FEW)


@pytest.fixture
def watcher(emulator: Emulator, client: ExotelClient) -> Watcher:
    return Watcher(emulator, client)


def test_campaigns_finished_before_the_first_poll_are_not_reported(watcher: Watcher) -> None:
    watcher.create(number=3)
    watcher.wait(HOUR)

    assert watcher.poll() == []
    assert watcher.poll() == []


def test_later_finished_campaigns_are_reported_once_oldest_first(watcher: Watcher) -> None:
    first = watcher.create(minutes=30)
    watcher.poll()
    watcher.wait(MINUTE)
    second = watcher.create(minutes=30)
    watcher.wait(HOUR)

    assert watcher.poll() == first + second
    assert watcher.poll() == []


def test_campaigns_created_and_finished_between_two_polls_are_reported(watcher: Watcher) -> None:
    watcher.create()
    watcher.poll()
    watcher.wait(HOUR)
    watcher.poll()
    created = watcher.create()
    watcher.wait(HOUR)

    assert watcher.poll() == created


def test_an_empty_account_can_be_watched(watcher: Watcher) -> None:
    assert watcher.poll() == []
    created = watcher.create()
    watcher.wait(HOUR)

    assert watcher.poll() == created


def test_the_report_has_the_outcome(watcher: Watcher) -> None:
    seen = finished_since([shown("Completed", {"completed": 3}, date_created=START)], None, START + HOUR)

    [outcome] = WatcherCursor(START - HOUR).unreported(seen)

    assert outcome.as_json()["reached"] == 3


@pytest.mark.parametrize("restarted", [False, True])
def test_a_reported_campaign_that_is_archived_is_not_reported_again(watcher: Watcher, restarted: bool) -> None:
    watcher.poll()
    [created] = watcher.create()
    watcher.wait(HOUR)
    watcher.poll()

    watcher.client.archive_campaign(created)

    assert watcher.poll(restarted=restarted) == []


def test_newer_campaigns_are_reported_once_while_an_old_one_is_open(watcher: Watcher) -> None:
    old = watcher.open_for(days=3)
    watcher.poll()
    for _ in range(5):
        watcher.create(number=3)
        watcher.wait(12 * HOUR)
        assert len(watcher.poll(restarted=True)) == 3
        assert watcher.poll() == []

    watcher.wait(2 * DAY)

    assert watcher.poll() == [old]


@pytest.mark.usefixtures("small_cursor")
def test_more_campaigns_than_the_cursor_holds_are_reported_once_while_one_stays_open(watcher: Watcher) -> None:
    watcher.open_for(days=5)
    watcher.poll()
    created: list[str] = []
    for _ in range(4):
        created += watcher.create(number=20)
        watcher.wait(HOUR)
        watcher.poll(restarted=True)
        watcher.poll()

    assert len(created) > FEW
    assert Counter(watcher.heard) == Counter(created)


@pytest.mark.usefixtures("small_cursor")
def test_a_fleet_larger_than_the_cursor_is_reported_once(watcher: Watcher) -> None:
    created = watcher.create(minutes=60, number=FEW + 10)
    watcher.poll()
    watcher.wait(HOUR / 2)
    watcher.poll(restarted=True)
    watcher.wait(2 * HOUR)
    watcher.poll(restarted=True)
    watcher.wait(2 * HOUR)
    watcher.poll(restarted=True)

    assert Counter(watcher.heard) == Counter(created)


@pytest.mark.parametrize(("open_ones", "ended"), [(0, 9000), (9000, 0), (9000, 3400), (3400, 9000), (9000, 9000)])
def test_the_cursor_fits_into_the_state_of_an_asset(open_ones: int, ended: int) -> None:
    account = [campaign(number, number < ended) for number in range(open_ones + ended)]

    cursor = WatcherCursor.after(finished_since(account, None, START + HOUR))

    assert len(json.dumps(cursor.as_json())) < KEPT_BY_AIRFLOW


@pytest.mark.usefixtures("small_cursor")
def test_an_overfull_cursor_reports_some_twice_and_misses_none() -> None:
    numbers = range(1000)
    before = finished_since([campaign(number, number % 2 == 0) for number in numbers], None, START + HOUR)
    after = finished_since([campaign(number, True) for number in numbers], None, START + HOUR)

    cursor = WatcherCursor.after(before)

    assert {one.campaign_id for one in cursor.unreported(after)} == {campaign(n, True).id for n in numbers if n % 2}
    again = {one.campaign_id for one in WatcherCursor.of_json(cursor.as_json()).unreported(after)}
    assert again >= {campaign(n, True).id for n in numbers if n % 2}


def campaign(number: int, ended: bool) -> Campaign:
    """The campaigns of an account, newest first, which end in any order."""
    created, schedule = START - number * timedelta(seconds=7), Schedule(end_at=START + DAY)
    one = shown("completed" if ended else "in-progress", date_created=created, schedule=schedule)
    return replace(one, id=f"{number:032x}")


def test_later_polls_read_only_the_newest_campaigns(watcher: Watcher) -> None:
    watcher.create(number=2500)
    watcher.wait(HOUR)
    watcher.create(minutes=60)
    watcher.poll()
    first = len(watcher.emulator.requests)
    watcher.poll()

    assert (first, len(watcher.emulator.requests) - first) == (6, 1)


def test_campaigns_too_old_to_be_open_are_not_read() -> None:
    def account() -> Any:
        yield campaign(0, True)
        yield shown("completed", date_created=START - LOOKBACK - HOUR)
        raise AssertionError("read on")

    assert len(finished_since(account(), None, START).endings) == 1


@pytest.mark.parametrize("restarted", [False, True])
def test_a_campaign_that_appears_late_in_the_list_is_reported(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    watcher.create()
    watcher.poll()
    [late] = watcher.create(minutes=2)
    watcher.wait(LIST_DELAY - MINUTE)
    younger = watcher.create(minutes=2)
    watcher.wait(HOUR)
    with monkeypatch.context() as patch:
        patch.setattr(watcher.emulator._office.account, "_listed", lambda campaign: campaign.id != late)
        assert watcher.poll()[1:] == younger

    assert watcher.poll(restarted=restarted) == [late]


@pytest.mark.parametrize("at_end", ["completed", "canceled", "paused"])
def test_a_campaign_with_uncalled_contacts_has_finished_after_its_window(watcher: Watcher, at_end: str) -> None:
    watcher.emulator.settings.at_end = at_end
    watcher.poll()
    created = watcher.create(minutes=2, contacts=300)
    watcher.wait(2 * MINUTE)
    assert watcher.poll() == []
    watcher.wait(6 * MINUTE)
    # A task may still carry a paused campaign over into its next window.
    assert watcher.poll() == ([] if at_end == "paused" else created)
    watcher.wait(LAST_CALLS_GRACE)
    watcher.poll()

    assert watcher.heard == created
    assert watcher.poll(restarted=True) == []


@pytest.mark.parametrize("status", ["completed", "failed", "canceled", "archived", "deleted"])
def test_every_final_status_counts_as_finished(status: str) -> None:
    [ending] = finished_since([shown(status, date_created=START)], None, START + HOUR).endings

    assert ending.outcome.status == status


def test_a_campaign_carried_over_has_not_finished() -> None:
    carried = shown("paused", date_created=START, schedule=Schedule(send_at=START + DAY, end_at=START + DAY + HOUR))

    assert finished_since([carried], None, START + HOUR).endings == ()


def test_the_cursor_is_plain_json() -> None:
    cursor = WatcherCursor(START, frozenset({"b", "a"}), frozenset({"c"}))

    assert cursor.as_json() == {"since": START.isoformat(), "told": ["a", "b"], "still_open": ["c"]}
    assert WatcherCursor.of_json(cursor.as_json()) == cursor


steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from([1, 5, 60, 1500]), st.sampled_from([1, 80])),
        st.tuples(st.just("wait"), st.sampled_from([1, 7, 60, 1500])),
        st.tuples(st.just("poll"), st.booleans()),
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
def test_each_campaign_is_reported_once_in_any_history(steps: list[Any], switches: Mapping[str, Any]) -> None:
    with Emulator(start=START, seed=1, **switches) as emulator, client_of(emulator) as client:
        watcher, created = Watcher(emulator, client), list[str]()
        watcher.poll()
        for what, *how in steps:
            if what == "create":
                created += watcher.create(how[0], contacts=how[1])
            elif what == "wait":
                watcher.wait(how[0] * MINUTE)
            elif what == "poll":
                watcher.poll(restarted=how[0])
            elif how[0] < len(created):
                state = emulator.campaign(created[how[0]])
                if state.status in {"pause": ("created", "in-progress"), "archive": ("completed",)}[what]:
                    getattr(client, f"{what}_campaign")(state.id)
        watcher.wait(3 * DAY)
        watcher.poll()
        watcher.poll(restarted=True)

        assert Counter(watcher.heard) == Counter(created)
