"""The outcome of a campaign: every contact is reached, not reached, or was never tried."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelRequestRefused
from airflow_provider_exotel.client.models import CallRecord, CampaignStats
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.waiting.outcome import (
    MOST_CALLS,
    Outcome,
    Tally,
    failure_of,
    outcome_of,
    resolve_uncalled,
    tally_of,
    warnings_of,
)

from ..properties import examples
from .waiting_samples import MINUTE, START, between, client_of, create, people, shown

ALL_ZERO = dict.fromkeys(["completed", "failed", "busy", "no_answer", "in_progress"], 0)


@pytest.mark.parametrize(
    ("stats", "expected"),
    [
        pytest.param(
            {"created": 4, "in-progress": 1, "retry": 1, "retrying": 0, "failed": 2, "completed": 2},
            Tally(10, 2, {"failed": 2}, 0, 6),
            id="a key for each state: created contacts wait for their first call",
        ),
        pytest.param(
            {"created": 10, "pending": 5, "in_progress": 1, "completed": 2, "busy": 1, "no_answer": 1},
            Tally(10, 2, {"busy": 1, "no_answer": 1}, 0, 6),
            id="a total: created counts all contacts",
        ),
        pytest.param(
            {"created": 10, "completed": 0, "failed": 0, "pending": 10},
            Tally(10, 0, {}, 0, 10),
            id="as in the response to a create on the create-campaign page",
        ),
        pytest.param(
            {"created": "3", "pending": "1", "completed": "2"}, Tally(3, 2, {}, 0, 1), id="numbers as strings"
        ),
        pytest.param({"paused": 4, "completed": 2}, Tally(6, 2, {}, 0, 4), id="paused contacts may still be called"),
        pytest.param({}, Tally(None, 0, {}, 0, 0), id="no counts"),
    ],
)
def test_the_tally_while_a_campaign_dials(stats: dict[str, Any], expected: Tally) -> None:
    assert tally_of(CampaignStats.of(stats)) == expected


@pytest.mark.parametrize(
    ("stats", "contacts", "expected"),
    [
        pytest.param(
            {"failed-no-attempt": 3, "completed": 4, "failed": 2, "failed-dnd": 1, "retry": 0},
            None,
            Tally(10, 4, {"failed": 2, "failed_dnd": 1}, 3, 0),
            id="uncalled contacts have their own key",
        ),
        pytest.param(
            {"paused": 3, "retry": 2, "completed": 5}, None, Tally(10, 5, {"failed": 2}, 3, 0), id="paused at its end"
        ),
        pytest.param(
            {"created": 10, "pending": 0, "completed": 4, "busy": 1, "failed": 5},
            None,
            Tally(10, 4, {"busy": 1, "failed": 5}, None, 0),
            id="uncalled contacts may be counted as failed",
        ),
        pytest.param(
            {"created": 10, "pending": 3, "completed": 7},
            None,
            Tally(10, 7, {"failed": 3}, None, 0),
            id="contacts called once may be counted as pending",
        ),
        pytest.param({"created": 2, "pending": 0, "completed": 2}, None, Tally(2, 2, {}, 0, 0), id="all reached"),
        pytest.param({"created": 6, "completed": 6}, None, Tally(6, 6, {}, 0, 0), id="all reached, zeros left out"),
        pytest.param({"created": 6, "completed": 6}, 6, Tally(6, 6, {}, 0, 0), id="the same, total known"),
        pytest.param(
            {"created": 3, "completed": 3}, 6, Tally(6, 3, {}, 3, 0), id="as many reached as uncalled, zeros left out"
        ),
        pytest.param({"created": 6}, 6, Tally(6, 0, {}, 6, 0), id="nobody called, zeros left out"),
        pytest.param(
            {"created": 4, "pending": 0, "completed": 4},
            5,
            Tally(4, 4, {}, 0, 0),
            id="a number listed twice and called once",
        ),
        pytest.param(
            {"completed": 4, "retry": 0, "blocked-by-law": 2},
            6,
            Tally(6, 4, {"failed": 2}, None, 0),
            id="an unknown key",
        ),
        pytest.param({}, 6, Tally(6, 0, {}, None, 0), id="no counts: unknown"),
        pytest.param(ALL_ZERO, 6, Tally(6, 0, {}, None, 0), id="only zeros: unknown"),
        pytest.param({}, None, Tally(None, 0, {}, None, 0), id="no counts and no total"),
    ],
)
def test_the_tally_after_the_end(stats: dict[str, Any], contacts: int | None, expected: Tally) -> None:
    assert tally_of(CampaignStats.of(stats), contacts=contacts, ended=True) == expected


def call(number: str, attempt: int | None = None) -> CallRecord:
    return CallRecord(None, "failed", number, attempt=attempt)


HIDDEN = outcome_of(shown("completed", {"created": 10, "pending": 0, "completed": 4, "failed": 6}))


@pytest.mark.parametrize(
    ("calls", "never_tried"),
    [
        pytest.param([call(number) for number in people(7)], 3, id="each number once"),
        pytest.param([call(number) for number in people(7) * 3], 3, id="each number three times"),
        pytest.param(
            [call(people(1)[0], attempt) for attempt in [1, 1, 1, 1, 1, 1, 1, 2, 3]], 3, id="one listed seven times"
        ),
        pytest.param([], 6, id="no calls: at most as many as failed"),
        pytest.param([call(number) for number in people(12)], 0, id="more calls than people"),
        pytest.param([call("")] * 9, None, id="calls without numbers: unknown"),
        pytest.param([call(number) for number in people(MOST_CALLS + 1)], None, id="more calls than are read"),
    ],
)
def test_calls_separate_uncalled_from_failed_contacts(calls: list[CallRecord], never_tried: int | None) -> None:
    tally = resolve_uncalled(HIDDEN, iter(calls)).tally

    assert tally.never_tried == never_tried
    assert tally.reached + sum(tally.not_reached.values()) + (tally.never_tried or 0) == tally.contacts


def test_calls_are_read_only_if_the_counts_are_not_enough() -> None:
    def asked() -> Iterator[CallRecord]:
        raise AssertionError("asked")
        yield

    outcome = outcome_of(shown("completed", {"failed-no-attempt": 3, "completed": 7}))

    assert resolve_uncalled(outcome, asked()) is outcome


def test_only_as_many_calls_as_needed_are_read() -> None:
    read = iter([call(number) for number in people(2 * MOST_CALLS)])

    resolve_uncalled(HIDDEN, read)

    assert len(list(read)) == MOST_CALLS - 1


@dataclass(frozen=True)
class History:
    """The settings, actions and times of one campaign."""

    contacts: int
    twice: int
    minutes: int
    retries: dict[str, Any] | None
    outcomes: dict[str, int]
    steps: list[tuple[int, str]]
    switches: dict[str, Any]
    contacts_known: bool


retries = st.fixed_dictionaries(
    {
        "number_of_retries": st.integers(1, 3),
        "interval_mins": st.integers(1, 4),
        "on_status": st.lists(st.sampled_from(["busy", "no-answer", "failed"]), min_size=1, unique=True),
    }
)
histories = st.builds(
    History,
    contacts=st.integers(1, 25),
    twice=st.integers(0, 2),
    minutes=st.integers(1, 12),
    retries=st.none() | retries,
    outcomes=st.fixed_dictionaries(
        {word: st.integers(0, 3) for word in ("completed", "busy", "no-answer", "failed")}
    ).filter(lambda weights: any(weights.values())),
    steps=st.lists(st.tuples(st.integers(0, 240), st.sampled_from(["pause", "resume", "complete"])), max_size=4),
    switches=st.fixed_dictionaries(
        {
            "dialect": st.sampled_from(["documented", "wrapped"]),
            "at_end": st.sampled_from(["completed", "canceled", "paused"]),
            "omit_zero_counts": st.booleans(),
            "counts_as_strings": st.booleans(),
            "no_calls": st.sampled_from(["404", "empty"]),
            "account_throttle": st.sampled_from([2, 10, 60]),
        }
    ),
    contacts_known=st.booleans(),
)


@pytest.fixture(scope="module")
def lasting() -> Iterator[tuple[Emulator, ExotelClient]]:
    with Emulator(start=START, seed=1) as emulator, client_of(emulator) as client:
        yield emulator, client


@examples(150)
@given(histories)
def test_reached_not_reached_and_never_tried_add_up_in_any_history(lasting, history) -> None:
    emulator, client = lasting
    emulator.reset()
    emulator.settings.update({**history.switches, "outcomes": history.outcomes})
    now = emulator.clock.now()
    numbers = people(history.contacts) + people(history.twice)
    begins, ends = now + MINUTE, now + (1 + history.minutes) * MINUTE
    campaign = create(client, numbers=numbers, schedule=between(begins, ends), call_retries=history.retries)

    for seconds, action in history.steps:
        emulator.clock.advance(seconds)
        steer(client, campaign.id, action)
    emulator.clock.advance((ends - now + timedelta(hours=1)).total_seconds())
    ended = client.get_campaign(campaign.id)
    outcome = outcome_of(ended, contacts=len(set(numbers)) if history.contacts_known else None)
    outcome = resolve_uncalled(outcome, client.call_details(campaign.id))

    tally, called = outcome.tally, {one.number for one in emulator.calls(campaign.id)}
    assert tally.contacts == len(set(numbers))
    assert tally.reached == sum(one.status == "completed" for one in emulator.calls(campaign.id))
    assert tally.never_tried == len(set(numbers) - called)
    assert tally.reached + sum(tally.not_reached.values()) + tally.never_tried == tally.contacts


def steer(client: ExotelClient, campaign_id: str, action: str) -> None:
    with suppress(ExotelRequestRefused):  # not allowed in its status
        getattr(client, f"{action}_campaign")(campaign_id)


@pytest.mark.parametrize(("dialect", "attempts_told"), [("documented", True), ("wrapped", False)])
def test_a_number_called_once_per_listing_counts_once_per_listing(
    emulator: Emulator, client: ExotelClient, dialect: str, attempts_told: bool
) -> None:
    emulator.settings.update({"dialect": dialect, "outcomes": {"failed": 1, "completed": 1}})
    schedule = between(START + MINUTE, START + 2 * MINUTE)
    campaign = create(client, numbers=people(2) * 40, call_duplicate_numbers=True, schedule=schedule)
    emulator.clock.advance(600)

    outcome = resolve_uncalled(outcome_of(client.get_campaign(campaign.id)), client.call_details(campaign.id))

    assert (outcome.tally.contacts, outcome.tally.never_tried) == (80, 20)


def ended(status: str, reached: int, never_tried: int | None, contacts: int | None = 10, failed: int = 0) -> Outcome:
    counts = {"completed": reached, "failed": failed} if contacts is not None else {}
    return Outcome("c1", status, Tally(contacts, reached, {"failed": failed}, never_tried, 0), counts=counts)


ALL, SOME, NONE_LEFT = ended("completed", 10, 0), ended("completed", 4, 6), ended("completed", 4, 0, failed=6)
NOBODY, UNKNOWN = ended("created", 0, 10), ended("completed", 4, None, failed=6)
NO_COUNTS = ended("completed", 0, None, contacts=None)
GOOD = None


@pytest.mark.parametrize("at_end", ["completed", "canceled", "paused"])
@pytest.mark.parametrize(
    ("outcome", "on_window_end", "min_reached", "failure"),
    [
        pytest.param(ALL, "complete", None, GOOD, id="everybody reached"),
        pytest.param(ALL, "fail", 1.0, GOOD, id="everybody reached, as required"),
        pytest.param(SOME, "complete", None, GOOD, id="some uncalled"),
        pytest.param(SOME, "fail", None, "6 contacts are uncalled", id="some uncalled, not allowed"),
        pytest.param(SOME, "resume", None, "6 contacts are uncalled", id="some uncalled after the last window"),
        pytest.param(SOME, "complete", 0.4, GOOD, id="just enough reached"),
        pytest.param(
            SOME, "complete", 0.41, "reached 4 of 10 contacts, less than min_reached (41%)", id="too few reached"
        ),
        pytest.param(NONE_LEFT, "fail", None, GOOD, id="nobody uncalled"),
        pytest.param(NONE_LEFT, "fail", 0.5, "reached 4 of 10", id="nobody uncalled, too few reached"),
        pytest.param(NOBODY, "complete", None, "called nobody", id="nobody was called at all"),
        pytest.param(UNKNOWN, "complete", None, GOOD, id="some may be uncalled"),
        pytest.param(UNKNOWN, "fail", None, "some contacts may be uncalled", id="some may be uncalled: a failure"),
        pytest.param(NO_COUNTS, "complete", None, GOOD, id="no counts"),
        pytest.param(NO_COUNTS, "fail", None, "some contacts may be uncalled", id="no counts: a failure"),
        pytest.param(NO_COUNTS, "complete", 0.1, "cannot be checked", id="no counts to compare with: a failure"),
        pytest.param(NO_COUNTS, "complete", 0.0, GOOD, id="no counts, and min_reached is 0"),
    ],
)
def test_success_depends_on_the_counts_not_on_the_status(
    at_end: str, outcome: Outcome, on_window_end: str, min_reached: float | None, failure: str | None
) -> None:
    message = failure_of(replace(outcome, status=at_end), min_reached=min_reached, on_window_end=on_window_end)

    assert message is None if failure is None else failure in (message or "")


@pytest.mark.parametrize(
    ("outcome", "failure"),
    [
        (ended("deleted", 4, 0), "campaign c1 (deleted) was deleted"),
        (ended("failed", 0, 0, failed=10), "campaign c1 (failed) called nobody"),
        (ended("archived", 4, 0), None),
        (ended("failed", 1, 0, failed=9), None),
        (ended("Ringing", 4, 0), None),
    ],
    ids=lambda one: one.status if isinstance(one, Outcome) else "",
)
def test_statuses_that_are_a_failure_by_themselves(outcome: Outcome, failure: str | None) -> None:
    message = failure_of(outcome)

    assert message is None if failure is None else (message or "").startswith(failure)


@pytest.mark.parametrize("at_end", ["completed", "canceled", "paused"])
@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_uncalled_contacts_are_reported_alike_for_every_end_status(
    emulator: Emulator, client: ExotelClient, at_end: str, dialect: str
) -> None:
    emulator.settings.update({"at_end": at_end, "dialect": dialect})
    campaign = create(client, 100, schedule=between(START + MINUTE, START + 2 * MINUTE))
    emulator.clock.advance(600)

    outcome = resolve_uncalled(outcome_of(client.get_campaign(campaign.id)), client.call_details(campaign.id))

    assert outcome.status == at_end
    assert outcome.tally.never_tried == 40
    assert failure_of(outcome) is None
    assert "40 contacts are uncalled" in str(failure_of(outcome, on_window_end="fail"))
    assert "reached" in str(failure_of(outcome, min_reached=0.61))
    assert list(warnings_of(outcome)) == [f"40 of 100 contacts of campaign {campaign.id} were never called."]


@pytest.mark.parametrize(
    ("outcome", "warning"),
    [(ALL, None), (SOME, "6 of 10"), (UNKNOWN, "Some of the 6 failed contacts"), (NO_COUNTS, "returns no counts")],
)
def test_warnings_about_a_success(outcome: Outcome, warning: str | None) -> None:
    message = list(warnings_of(outcome))

    assert [warning in one for one in message] == ([True] if warning else [])


def test_an_outcome_is_stored_as_plain_json() -> None:
    outcome = outcome_of(
        shown(
            "Completed",
            {"failed-no-attempt": 3, "completed": 4, "failed": 2, "busy": 1},
            date_created=START,
            date_updated=START + timedelta(hours=1),
        )
    )

    kept = outcome.as_json()

    assert kept == {
        "id": "c1",
        "status": "completed",
        "contacts": 10,
        "reached": 4,
        "not_reached": 3,
        "not_reached_by_reason": {"busy": 1, "failed": 2},
        "never_tried": 3,
        "started": "2026-03-02T04:30:00+00:00",
        "ended": "2026-03-02T05:30:00+00:00",
        "counts": {"completed": 4, "failed": 2, "failed_no_attempt": 3, "busy": 1},
    }
    assert Outcome.of_json(kept) == outcome


def test_an_unknown_status_is_kept_unchanged() -> None:
    assert outcome_of(shown("Ringing Out")).status == "Ringing Out"
