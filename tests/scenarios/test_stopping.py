"""The campaign after something happens to its waiting task, in a whole Airflow.

Each test is a row and a column of the table "What happens when" in docs/waiting.md.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_exotel.emulator import Fault

if TYPE_CHECKING:
    from .conftest import Airflow

MODES = ("worker", "triggerer")
WAITS_IN = {"worker": "running", "triggerer": "deferred"}
BOTH = pytest.mark.parametrize("mode", MODES)


def waiting(airflow: Airflow, event: str, mode: str) -> tuple[str, Any]:
    """Start a run whose task waits for its campaign, and return it and the campaign."""
    # One after the other: started together, their processes take so long that Airflow gives them up.
    run = airflow.start(f"{event}_{mode}")
    assert airflow.until(lambda: airflow.task(run)["state"] == WAITS_IN[mode] and airflow.campaigns(f"{event} {mode}"))
    assert airflow.until(lambda: status(airflow, event, mode) == "in-progress")
    [campaign] = airflow.campaigns(f"{event} {mode}")
    if mode == "triggerer":  # Airflow does not notify a trigger that has not started yet
        assert airflow.until(lambda: airflow.has_started(run))
    return run, campaign


def status(airflow: Airflow, event: str, mode: str) -> str:
    [campaign] = airflow.campaigns(f"{event} {mode}")
    return str(campaign.status)


@BOTH
@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_person_marks_the_task(airflow: Airflow, mode: str, state: str) -> None:
    run, _ = waiting(airflow, state, mode)

    airflow.mark(run, state)

    assert airflow.until(lambda: status(airflow, state, mode) == "paused")


def test_a_person_clears_it_while_it_runs(airflow: Airflow) -> None:
    run, _ = waiting(airflow, "cleared", "worker")

    airflow.clear_only(run)

    assert airflow.until(lambda: status(airflow, "cleared", "worker") == "paused")
    assert len(airflow.campaigns("cleared worker")) == 1
    airflow.mark(run, "failed")


def test_the_next_try_of_a_deferred_task_that_was_cleared_waits_for_its_campaign_which_dials_on(
    airflow: Airflow,
) -> None:
    run, campaign = waiting(airflow, "cleared", "triggerer")

    airflow.clear_only(run)

    assert airflow.until(lambda: airflow.task(run)["try_number"] == 2 and airflow.task(run)["state"] == "deferred")
    assert airflow.until(
        lambda: f"Campaigns {campaign.id} are not paused, since their tasks still wait" in airflow.log()
    )
    assert status(airflow, "cleared", "triggerer") == "in-progress"
    assert len(airflow.campaigns("cleared triggerer")) == 1
    airflow.mark(run, "failed")


def test_a_person_fails_its_run_and_deletes_it(airflow: Airflow) -> None:
    run, _ = waiting(airflow, "run_deleted", "triggerer")

    airflow.ask(run, {"state": "failed"}, method="PATCH")
    airflow.delete(run)

    assert airflow.until(lambda: status(airflow, "run_deleted", "triggerer") == "paused")


def test_requests_fail_when_a_person_ends_a_deferred_task(airflow: Airflow) -> None:
    run, campaign = waiting(airflow, "failed_request", "triggerer")
    airflow.emulator.faults.add(Fault(on=f"PUT campaigns/{campaign.id}", kind="html_5xx", times=3))

    airflow.mark(run, "failed")

    assert airflow.until(lambda: status(airflow, "failed_request", "triggerer") == "paused")
    assert f"Campaign {campaign.id} still dials although its task has ended; trying again" in airflow.log()


@BOTH
def test_a_person_fails_its_run(airflow: Airflow, mode: str) -> None:
    run, _ = waiting(airflow, "run_failed", mode)

    airflow.ask(run, {"state": "failed"}, method="PATCH")

    assert airflow.until(lambda: status(airflow, "run_failed", mode) == "paused")


@BOTH
def test_a_campaign_goes_on_without_pause_on_kill(airflow: Airflow, mode: str) -> None:
    run, _ = waiting(airflow, "left", mode)

    airflow.mark(run, "failed")

    assert airflow.until(lambda: airflow.has_ended(run))
    assert status(airflow, "left", mode) == "in-progress"


def test_it_is_killed_while_the_campaign_is_being_sent(airflow: Airflow) -> None:
    run = airflow.start("in_flight_worker")
    assert airflow.until(lambda: airflow.campaigns("in_flight worker"))  # the answer takes a few more seconds

    airflow.mark(run, "failed")

    assert airflow.until(lambda: status(airflow, "in_flight", "worker") == "paused")


@pytest.fixture(scope="session")
def another_triggerer(airflow: Airflow) -> Iterator[None]:
    """Kill the triggerer, and start another one for the following tests."""
    for process in airflow.component("triggerer"):
        process.send_signal(signal.SIGKILL)
    started = subprocess.Popen(
        [sys.executable, "-m", "airflow", "triggerer"],
        env=airflow.local.settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    yield
    started.terminate()
    started.wait(60)


def test_the_triggerer_is_killed_and_another_started(airflow: Airflow, request: pytest.FixtureRequest) -> None:
    run, campaign = waiting(airflow, "restarted", "triggerer")

    request.getfixturevalue("another_triggerer")
    airflow.client.pause_campaign(campaign.id)
    airflow.client.complete_campaign(campaign.id)

    assert airflow.ended(run) == "success"
    assert airflow.xcom(run) == campaign.id
