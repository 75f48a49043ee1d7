"""The end of a wait: from polls, and in any case by the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.request import Schedule
from airflow_provider_exotel.waiting.wait import (
    CARRY_OVER_LEAD,
    LAST_CALLS_GRACE,
    MAX_LIFETIME,
    OVERDUE_AFTER,
    Step,
    Wait,
    has_open_contacts,
)
from airflow_provider_exotel.waiting.watch import GONE_AFTER, WatchedCampaign, next_wake

from ..properties import examples
from .waiting_samples import MINUTE, START, shown

END = START + timedelta(hours=8)
SECOND = timedelta(seconds=1)
WAIT = Wait("c1", START, END)
GOES_ON = None
LIVE, QUIET = {"in_progress": 1}, {"in_progress": 0, "completed": 3}
MOMENTS = {
    "before": END - timedelta(hours=1),
    "at the end": END,
    "a while after": END + LAST_CALLS_GRACE,
    "long after": END + OVERDUE_AFTER,
}
ENDED = ("completed", "failed", "canceled", "archived")
# The expected step after a poll, by status and time.
STEPS: list[tuple[str, dict[str, int], dict[str, Step | None]]] = [
    *((word, QUIET, dict.fromkeys(MOMENTS, Step.ENDED)) for word in ENDED),
    ("deleted", QUIET, dict.fromkeys(MOMENTS, Step.GONE)),
    *(
        (word, QUIET, dict(zip(MOMENTS, (GOES_ON, GOES_ON, Step.ENDED, Step.ENDED), strict=True)))
        for word in ("created", "in-progress", "InProgress")
    ),
    ("in-progress", {"retrying": 1}, dict(zip(MOMENTS, (GOES_ON, GOES_ON, GOES_ON, Step.OVERDUE), strict=True))),
    ("in-progress", LIVE, dict(zip(MOMENTS, (GOES_ON, GOES_ON, GOES_ON, Step.OVERDUE), strict=True))),
    ("paused", QUIET, dict(zip(MOMENTS, (GOES_ON, Step.ENDED, Step.ENDED, Step.ENDED), strict=True))),
    ("ringing", QUIET, dict(zip(MOMENTS, (GOES_ON, GOES_ON, GOES_ON, Step.OVERDUE), strict=True))),
]


@pytest.mark.parametrize(
    ("status", "stats", "moment", "step"),
    [(status, stats, moment, step) for status, stats, steps in STEPS for moment, step in steps.items()],
)
def test_the_step_after_a_poll(status: str, stats: dict[str, int], moment: str, step: Step | None) -> None:
    assert WAIT.step(shown(status, stats), MOMENTS[moment]) is step


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_missing_campaign_is_gone(moment: str) -> None:
    assert WAIT.step(None, MOMENTS[moment]) is Step.GONE


@pytest.mark.parametrize(
    ("wait", "wakes_at", "step"),
    [
        pytest.param(WAIT, END + OVERDUE_AFTER, Step.OVERDUE, id="for the end"),
        pytest.param(replace(WAIT, carries_over=True), END - CARRY_OVER_LEAD, Step.CLOSING, id="for the carry-over"),
        pytest.param(replace(WAIT, carries_over=True, opening=True), START, Step.OPENING, id="for the opening"),
    ],
)
def test_the_step_by_the_clock(wait: Wait, wakes_at: datetime, step: Step) -> None:
    assert wait.wakes_at() == wakes_at
    assert wait.step_by_clock(wakes_at - SECOND) is GOES_ON
    assert wait.step_by_clock(wakes_at) is step
    assert next_wake([wait], END + timedelta(days=1)) == wakes_at


def test_a_deadline_may_come_first() -> None:
    assert next_wake([WAIT], START) == START
    assert next_wake([Wait("c1")]) is None


@pytest.mark.parametrize(
    ("wait", "worth"),
    [
        pytest.param(replace(WAIT, send_at=START + SECOND), False, id="before send_at"),
        pytest.param(replace(WAIT, send_at=START + SECOND, seen_dialling=True), True, id="dialling before send_at"),
        pytest.param(WAIT, True, id="at send_at"),
        pytest.param(Wait("c1"), True, id="send_at unknown"),
        pytest.param(replace(WAIT, opening=True), False, id="while waiting for its next window"),
    ],
)
def test_when_a_campaign_is_polled(wait: Wait, worth: bool) -> None:
    assert wait.has_begun(START) is worth


@pytest.mark.parametrize(
    ("schedule", "begins", "ends"),
    [
        (Schedule(send_at=START, end_at=END), START, END),
        (Schedule(send_at=START + MINUTE), START + MINUTE, START + MINUTE + MAX_LIFETIME),
        (Schedule(end_at=END), START - MINUTE, END),
        (Schedule(), START - MINUTE, START - MINUTE + MAX_LIFETIME),
    ],
    ids=["both given", "no end", "no beginning", "neither"],
)
def test_a_wait_ends_with_the_schedule_or_after_thirty_days(
    schedule: Schedule, begins: datetime, ends: datetime
) -> None:
    campaign = shown(schedule=schedule, date_created=START - MINUTE)

    wait = Wait.for_campaign(campaign, START, contacts=3, carries_over=True)

    assert wait == Wait("c1", begins, ends, contacts=3, carries_over=True)


def test_a_wait_without_any_date_ends_thirty_days_from_now() -> None:
    assert Wait.for_campaign(shown(), START).end_at == START + MAX_LIFETIME


def test_a_wait_is_stored_as_plain_json() -> None:
    for wait in (WAIT, Wait("c1"), replace(WAIT, contacts=3, carries_over=True, opening=True, seen_dialling=True)):
        assert Wait.of_json(wait.as_json()) == wait
        assert all(isinstance(value, (str, int, bool, type(None))) for value in wait.as_json().values())


MOVED = Schedule(send_at=START + timedelta(days=1), end_at=END + timedelta(days=1))


def test_a_wait_follows_a_changed_schedule() -> None:
    watched = WatchedCampaign(WAIT)

    watched.update(shown("created", schedule=MOVED), START)
    watched.update_clock(END + OVERDUE_AFTER)

    assert watched.event is None
    assert (watched.wait.send_at, watched.wait.end_at) == (MOVED.send_at, MOVED.end_at)


@pytest.mark.parametrize(("status", "dialled"), [("in-progress", True), ("paused", False), ("created", False)])
def test_dialling_before_the_end_is_remembered_after_it(status: str, dialled: bool) -> None:
    watched = WatchedCampaign(WAIT)

    watched.update(shown("in-progress"), START)
    watched.update(shown(status), END - SECOND)
    watched.update(shown("paused"), END)

    assert watched.event is not None
    assert watched.event.wait.seen_dialling is dialled


def test_a_wait_for_an_opening_keeps_its_window() -> None:
    wait = replace(WAIT, opening=True)

    assert wait.rescheduled_as(shown(schedule=MOVED), START) == wait


@pytest.mark.parametrize(
    ("stats", "left"),
    [
        ({}, True),
        ({"created": 3, "pending": 0, "completed": 3}, False),
        ({"created": 3, "pending": 1, "completed": 2}, True),
        ({"created": 0, "retry": 1, "completed": 2}, True),
        ({"created": 0, "retry": 0, "completed": 2}, False),
        ({"created": 3}, True),
        ({"created": 3, "completed": 3}, False),
        ({"created": 3, "completed": 2, "in_progress": 1}, True),
    ],
    ids=str,
)
def test_whether_contacts_are_left(stats: dict[str, int], left: bool) -> None:
    assert has_open_contacts(shown(stats=stats), 3) is left


def test_contacts_may_be_left_if_zero_counts_are_omitted_and_the_total_is_unknown() -> None:
    assert has_open_contacts(shown(stats={"created": 3, "completed": 3}), None)


polls = st.lists(
    st.one_of(
        st.none(),
        st.builds(
            shown,
            st.sampled_from(["created", "in-progress", "paused", "ringing", ""]),
            st.sampled_from([{}, LIVE, QUIET, {"created": 5, "pending": 5}]),
            schedule=st.sampled_from([Schedule(), Schedule(send_at=START, end_at=END)]),
        ),
        st.just("fails"),
    ),
    max_size=30,
)


@examples(300)
@given(polls, st.booleans(), st.booleans())
@example([], False, False)
@example(["fails"] * 30, False, False)
@example([shown("in-progress", LIVE)] * 30, True, True)
def test_every_wait_ends_two_hours_after_its_window(
    polls: list[Campaign | str | None], carries_over: bool, seen_dialling: bool
) -> None:
    watched = WatchedCampaign(Wait("c1", START, END, carries_over=carries_over, seen_dialling=seen_dialling))
    step = (END + OVERDUE_AFTER - START) / (len(polls) + 1)

    for number, poll in enumerate(polls):
        moment = START + number * step
        if poll != "fails":
            watched.update(poll, moment)
        watched.update_clock(moment)
    watched.update_clock(END + OVERDUE_AFTER)

    assert watched.event is not None
    if watched.event.step is Step.GONE:
        seen = [poll for poll in polls if poll != "fails"]
        assert any(seen[place : place + GONE_AFTER] == [None] * GONE_AFTER for place in range(len(seen)))


@given(polls)
def test_polls_after_the_end_of_a_wait_change_nothing(polls: list[Campaign | str | None]) -> None:
    watched = WatchedCampaign(WAIT)
    watched.update(shown("completed", QUIET), START)
    event = watched.event

    for poll in polls:
        if poll != "fails":
            watched.update(poll, END)
    watched.update_clock(END + OVERDUE_AFTER)

    assert watched.event is event
