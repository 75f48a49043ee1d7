"""Workers killed with SIGKILL at each step, tried again by Airflow itself on LocalExecutor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..versions import AIRFLOW, RETRIES_KILLED_TASKS

if TYPE_CHECKING:
    from .conftest import Airflow

STEPS = ("before_the_intent", "before_the_post", "during_the_post", "after_the_answer", "after_recording", "never")


@pytest.fixture(scope="module")
def runs(airflow: Airflow) -> dict[str, str]:
    """A run of each DAG, all at the same time."""
    return {step: airflow.start(f"dies_{step}") for step in STEPS}


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_dies(airflow: Airflow, runs: dict[str, str], step: str) -> None:
    ended = airflow.ended(runs[step])
    if step != "never" and not RETRIES_KILLED_TASKS:
        assert ended == "failed"
        ended = airflow.clear(runs[step])

    assert ended == "success"
    [campaign] = airflow.campaigns(step)
    assert airflow.xcom(runs[step]) == campaign.id
    assert airflow.task(runs[step])["try_number"] == (1 if step == "never" else 2)


def test_a_clear_after_success_follows_the_campaign(airflow: Airflow, runs: dict[str, str]) -> None:
    assert airflow.clear(runs["never"]) == "success"

    [campaign] = airflow.campaigns("never")
    assert airflow.xcom(runs["never"]) == campaign.id


def test_a_run_that_is_deleted_and_created_again_under_its_id_follows(airflow: Airflow, runs: dict[str, str]) -> None:
    [campaign] = airflow.campaigns("after_the_answer")

    again = airflow.create_again(runs["after_the_answer"])

    assert airflow.ended(again) == "success"
    assert airflow.xcom(again) == campaign.id
    assert len(airflow.campaigns("after_the_answer")) == 1


@pytest.mark.skipif(AIRFLOW < (3, 3), reason="before Airflow 3.3 nothing but the list knows of a campaign")
def test_a_clear_after_the_campaign_was_deleted_by_hand_fails_and_creates_none(
    airflow: Airflow, runs: dict[str, str]
) -> None:
    [campaign] = airflow.campaigns("after_recording")
    airflow.client.delete_campaign(campaign.id)
    kept = {"keep_task_state": True} if AIRFLOW >= (3, 4) else {}

    assert airflow.clear(runs["after_recording"], **kept) == "failed"

    assert len(airflow.campaigns("after_recording")) == 1
