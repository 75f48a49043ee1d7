"""A campaign is paused when its task is ended by somebody, and only then.

All campaigns are started together, and each dials for a quarter of an hour.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from .clients import LocalExotel, Run, until
from .stack import TRIGGERERS, Stack

FROZEN_FOR = 60
# Longer than a cleared task is given to be tried again before its campaign is paused.
NEXT_TRY_WITHIN = 75
MANY = 20
CASES = {
    # Case, which the campaign's name begins with -> DAG, campaigns, file of people.
    "many": ("stop_many", MANY, ""),
    "failed request": ("stop_one", 1, "20"),
    "cleared": ("clear_and_resume", 1, "21"),
    "orphan": ("stop_one", 1, "22"),
}
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def exotel(stack: Stack) -> LocalExotel:
    return stack.accounts["stopping"]


@pytest.fixture(scope="module")
def runs(stack: Stack, exotel: LocalExotel) -> Mapping[str, Run]:
    """A run of each case: its campaigns dial, and the first triggerer waits for them; the second has just started."""
    with stack.parts.held(TRIGGERERS[1]):
        started = {case: stack.airflow.start(dag, case=case, file=file) for case, (dag, _, file) in CASES.items()}
        for case, (_, campaigns, _) in CASES.items():
            run = started[case]
            until(lambda run=run, campaigns=campaigns: run.states() == {"deferred": campaigns})
            until(lambda run=run, campaigns=campaigns: stack.triggers_started(run) >= campaigns)
            until(lambda case=case, campaigns=campaigns: exotel.statuses(case) == {"in-progress": campaigns})
        newest = max(stack.airflow.heartbeats())
    until(lambda: max(stack.airflow.heartbeats()) > newest)
    return started


def test_a_triggerer_that_stood_still_beside_another_pauses_nothing(
    stack: Stack, exotel: LocalExotel, runs: Mapping[str, Run]
) -> None:
    [frozen] = triggerers_of(runs)

    with stack.parts.frozen(TRIGGERERS[0]):
        pass_time(FROZEN_FOR)
        until(lambda: frozen not in triggerers_of(runs))
        last = stack.airflow.heartbeats().get(frozen)
    until(lambda: stack.airflow.heartbeats().get(frozen) != last)
    two_sweeps(exotel)

    assert exotel.statuses() == {"in-progress": sum(campaigns for _, campaigns, _ in CASES.values())}
    assert sum((run.states() for run in runs.values()), Counter()).keys() == {"deferred"}


def test_one_failed_request_does_not_keep_a_campaign_dialling(exotel: LocalExotel, runs: Mapping[str, Run]) -> None:
    exotel.ask("faults", {"on": "PUT campaigns/*", "kind": "html_5xx"})

    runs["failed request"].mark_task("call", "failed")

    until(lambda: exotel.statuses("failed request") == {"paused": 1})
    assert exotel.ask("faults") == []


def test_a_next_try_that_waits_for_its_campaign_is_not_paused(exotel: LocalExotel, runs: Mapping[str, Run]) -> None:
    run = runs["cleared"]

    run.clear("call")

    until(lambda: [(one["try_number"], one["state"]) for one in run.tasks()] == [(2, "deferred")])
    pass_time(NEXT_TRY_WITHIN)
    two_sweeps(exotel)
    assert exotel.statuses("cleared") == {"in-progress": 1}


def test_twenty_tasks_ended_at_once_are_all_paused_at_thirty_requests_a_minute(
    exotel: LocalExotel, runs: Mapping[str, Run], record_property: Record
) -> None:
    exotel.ask("settings", {"rate_limit": 30})
    began = time.monotonic()
    try:
        runs["many"].mark("failed")
        until(lambda: exotel.statuses("many") == {"paused": MANY})
    finally:
        exotel.ask("settings", {"rate_limit": None})
    record_property(f"seconds until all {MANY} were paused", round(time.monotonic() - began))


def test_what_is_ended_while_no_triggerer_runs_is_paused_by_the_reconciler(
    stack: Stack, exotel: LocalExotel, runs: Mapping[str, Run]
) -> None:
    with stack.parts.held(*TRIGGERERS):
        runs["orphan"].mark_task("call", "failed")

    reconciler = stack.airflow.start("pause_orphans")
    assert reconciler.ends() == "success"
    assert reconciler.xcom("pause")["paused"] == 1
    assert exotel.statuses("orphan") == {"paused": 1}


def triggerers_of(runs: Mapping[str, Run]) -> set[int | None]:
    """Return the jobs of the triggerers that wait for all these tasks."""
    jobs = [one["triggerer_job"] for run in runs.values() for one in run.tasks()]
    return {job and job["id"] for job in jobs}


def pass_time(seconds: float) -> None:
    """Let time go by, which is what the scenario is about."""
    began = time.monotonic()
    until(lambda: time.monotonic() - began > seconds)


def two_sweeps(exotel: LocalExotel) -> None:
    """Wait until the account was polled twice more: what a triggerer does late it has done by then."""
    so_far = len(exotel.requests("GET", "campaigns"))
    until(lambda: len(exotel.requests("GET", "campaigns")) >= so_far + 2)
