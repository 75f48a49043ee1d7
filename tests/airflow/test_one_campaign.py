"""What becomes of a task's campaign when the task runs again: a test for each row of the table in the docs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from airflow.providers.common.compat.sdk import get_current_context, task

from airflow_provider_exotel import CreateCampaignOperator, ExotelClient
from airflow_provider_exotel.create import once
from airflow_provider_exotel.emulator import Emulator, Fault

from ..versions import AIRFLOW

NUMBERS = ["+919876500000", "+919876500001"]
OPEN = {"send_at": "PT1H", "end_at": "PT9H"}


@pytest.fixture
def client(exotel: Emulator) -> ExotelClient:
    """A person at the dashboard."""
    return ExotelClient(exotel.api_key, exotel.api_token, exotel.account_sid, exotel.host, requests_per_minute=600)


@pytest.fixture
def run_again(run_dag: Callable[..., Any]) -> Callable[..., Any]:
    """Run a task that stands for the same campaign each time; each run has an id and a journal of its own."""
    return lambda **arguments: run_dag(lambda: create(**arguments))


def create(**arguments: Any) -> CreateCampaignOperator:
    given = {"task_id": "create", "numbers": NUMBERS, "read_via_text": "Hello", "schedule": OPEN, "settle": 0}
    given["idempotency_key"] = "march"
    return CreateCampaignOperator(**(given | arguments))


def statuses(exotel: Emulator) -> list[str]:
    return [campaign.status for campaign in exotel.campaigns]


def without_journal(context: Any) -> None:
    """Be an Airflow before 3.3, which keeps no state of tasks."""
    context.pop("task_state_store", None)


@pytest.mark.parametrize("journal", [True, False], ids=["with a journal", "without"])
def test_a_retry_finds_what_an_earlier_try_sent_although_the_list_shows_it_late(
    run_dag: Callable[..., Any], exotel: Emulator, journal: bool, log: Any
) -> None:
    exotel.settings.list_delay_reads = once.MIN_POLLS + 2
    exotel.faults.add(Fault(on="POST campaigns", kind="drop_after_commit"))
    options = {} if journal else {"pre_execute": without_journal}

    ran = run_dag(lambda: create(idempotency_key=None, retries=1, retry_delay=timedelta(0), **options))

    assert "it is not known whether it exists" in log.text
    assert ran.xcom() == exotel.campaigns[0].id
    assert len(exotel.campaigns) == 1


def test_a_killed_try_without_a_journal_is_looked_for_with_patience(
    run_dag: Callable[..., Any], exotel: Emulator
) -> None:
    exotel.settings.list_delay_reads = 2

    def die_once(context: Any, result: Any) -> None:
        if context["ti"].try_number == 1:
            raise RuntimeError("the worker is gone")

    ran = run_dag(
        lambda: create(retries=1, retry_delay=timedelta(0), pre_execute=without_journal, post_execute=die_once)
    )

    assert ran.xcom() == exotel.campaigns[0].id
    assert len(exotel.campaigns) == 1


def test_another_key_is_another_campaign(run_again: Callable[..., Any], exotel: Emulator) -> None:
    run_again()
    run_again(idempotency_key="april")

    assert len(exotel.campaigns) == 2


def test_the_same_key_of_another_task_is_the_same_campaign(run_again: Callable[..., Any], exotel: Emulator) -> None:
    run_again()
    run_again(task_id="remind")

    assert len(exotel.campaigns) == 1


def test_a_key_whose_campaign_calls_others_fails(run_again: Callable[..., Any], exotel: Emulator, log: Any) -> None:
    exotel.add_list("north", NUMBERS)
    exotel.add_list("south", NUMBERS)
    run_again(numbers=None, lists=["north"])

    again = run_again(numbers=None, lists=["south"])

    assert again.task_state() == "failed"
    assert "would call lists south instead of north" in log.text
    assert len(exotel.campaigns) == 1


def test_one_that_is_paused_by_hand_is_followed(
    run_again: Callable[..., Any], exotel: Emulator, client: ExotelClient, log: Any
) -> None:
    client.pause_campaign(run_again().xcom())

    assert run_again().state == "success"
    assert "is paused: it dials nobody until it is resumed" in log.text
    assert statuses(exotel) == ["paused"]


@pytest.mark.parametrize(
    ("hours", "status"),
    [pytest.param(0, "paused", id="before"), pytest.param(2, "in-progress", id="inside"),
     pytest.param(10, "paused", id="after")],
)  # fmt: skip
def test_one_that_is_paused_by_hand_is_resumed_inside_its_window_where_that_is_wanted(
    run_again: Callable[..., Any], exotel: Emulator, client: ExotelClient, log: Any, hours: int, status: str
) -> None:
    exotel.settings.at_end = "paused"
    client.pause_campaign(run_again().xcom())
    exotel.clock.advance(hours * 3600)

    with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours)):
        again = run_again(if_paused="resume")

        assert again.state == "success"
        assert statuses(exotel) == [status]
    asked = [entry.body for entry in exotel.requests if entry.method == "PUT"]
    assert ({"action": "resume"} in asked) == (status == "in-progress")
    assert ("is paused and is not resumed: its window has " in log.text) == (status == "paused")


def test_one_that_is_archived_by_hand_is_followed(
    run_again: Callable[..., Any], exotel: Emulator, client: ExotelClient
) -> None:
    first = run_again().xcom()
    exotel.clock.advance(24 * 3600)
    client.archive_campaign(first)

    assert run_again().xcom() == first
    assert statuses(exotel) == ["archived"]


def test_one_that_is_renamed_by_hand_is_followed_where_its_key_is_left(
    run_again: Callable[..., Any], exotel: Emulator, client: ExotelClient
) -> None:
    first = run_again().xcom()
    [campaign] = exotel.campaigns
    _, marker, key = campaign.name.partition("af-")
    client.update_campaign(first, name=f"Renamed {marker + key}".upper())

    assert run_again().xcom() == first


@pytest.mark.skipif(AIRFLOW < (3, 3), reason="Airflow keeps no state of tasks before 3.3")
def test_airflow_takes_no_entry_from_a_try_that_has_been_superseded(run_dag: Callable[..., Any]) -> None:
    @task
    def write() -> str:
        store = get_current_context()["task_state_store"]
        store.set("kept", 1)
        superseded = type(store)(ti_id=uuid4(), scope=store._scope)  # each try of a task has an id of its own
        try:
            superseded.set("kept", 2)
        except Exception as error:
            return f"refused: {error is not None}, kept {store.get('kept')}"
        return "taken"

    assert run_dag(write).xcom("write") == "refused: True, kept 1"


@pytest.mark.skipif(AIRFLOW < (3, 3), reason="Airflow keeps no state of tasks before 3.3")
def test_the_journal_of_a_task_holds_no_number(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    run_dag(create)

    with closing(sqlite3.connect(Path(os.environ["AIRFLOW_HOME"]) / "airflow.db")) as database:
        kept = [row[0] for row in database.execute("select value from task_state_store")]
    assert any(exotel.campaigns[0].id in value for value in kept)
    assert not any("9876500" in value for value in kept)
