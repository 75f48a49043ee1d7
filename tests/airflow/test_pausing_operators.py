"""The tasks that pause what nobody waits for, or everything, in real DAG runs with real records and states."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, Variable, get_current_context, task

from airflow_provider_exotel import (
    CreateCampaignOperator,
    ExotelClient,
    PauseAllCampaignsOperator,
    PauseOrphanedCampaignsOperator,
)
from airflow_provider_exotel.emulator import Emulator, Fault, account
from airflow_provider_exotel.hooks import owner
from airflow_provider_exotel.hooks.owner import (
    PREFIX,
    delete_owner_record,
    owner_record_keys,
    read_owner_record,
    task_key_of,
    task_states,
    write_owner_record,
)
from airflow_provider_exotel.triggers import campaign as trigger
from airflow_provider_exotel.waiting.owner import ABSENT, OwnerRecord, TaskKey, campaign_key

from ..versions import AIRFLOW

Run = Callable[..., Any]
NUMBERS = [f"+9198765000{person:02}" for person in range(60)]
THE_RECONCILER, FINISHED, GONE = "pause", "waits", "gone"


@pytest.fixture
def exotel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A local Exotel that the connections ``exotel_default`` and ``team_a`` lead to."""
    with Emulator(seed=1) as emulator:
        for name in ("EXOTEL_DEFAULT", "TEAM_A"):
            uri = f"{emulator.connection_uri}?exophone=0XXXXXX4890&requests_per_minute=6000"
            monkeypatch.setenv(f"AIRFLOW_CONN_{name}", uri)
        yield emulator


@pytest.fixture(autouse=True)
def no_records_of_other_tests(airflow_database: None) -> None:
    from airflow.utils.session import create_session
    from sqlalchemy import text

    with create_session() as session:
        session.execute(text("DELETE FROM variable WHERE key LIKE :names"), {"names": f"{PREFIX}%"})


def dials(**arguments: Any) -> CreateCampaignOperator:
    return CreateCampaignOperator(task_id="create", numbers=NUMBERS, read_via_text="Hello", **arguments)


def person(exotel: Emulator) -> ExotelClient:
    return ExotelClient(exotel.api_key, exotel.api_token, exotel.account_sid, exotel.host, requests_per_minute=6000)


def reconciled(
    run_dag: Run,
    exotel: Emulator,
    owned_by: str | None,
    before: Callable[[Any], None] = lambda campaign: None,
    **record: Any,
) -> tuple[Any, dict[str, int]]:
    """Create a campaign, have it owned by a task, and run the reconciler; return the run and its counts."""

    def fill() -> None:
        @task(task_id=FINISHED)
        def waits(campaign_id: str) -> None:
            [campaign] = exotel.campaigns
            own = task_key_of(get_current_context()["ti"])
            run_id = "deleted__run" if owned_by == GONE else own.run_id
            key = TaskKey(own.dag_id, run_id, owned_by if owned_by != GONE else FINISHED)
            given = {"connection": "exotel_default", "campaign_id": campaign_id, "task": key} | record
            if owned_by is not None:
                write_owner_record(campaign_key(campaign.name), OwnerRecord(**given))
            exotel.clock.advance(60)
            before(campaign)

        @task
        def keys() -> Any:
            listed = owner_record_keys()
            [campaign] = exotel.campaigns
            kept = read_owner_record(campaign_key(campaign.name), connection="")
            assert listed is None or (campaign_key(campaign.name) in listed) == (kept is not None)
            delete_owner_record(campaign_key(campaign.name))
            return kept is not None

        pause = PauseOrphanedCampaignsOperator(task_id=THE_RECONCILER)
        waits(dials().output) >> pause >> keys()

    ran = run_dag(fill)
    return ran, ran.xcom(THE_RECONCILER, "counts")


@pytest.mark.parametrize("owned_by", [FINISHED, GONE])
def test_a_campaign_whose_task_has_finished_or_is_gone_is_paused_and_its_record_deleted(
    run_dag: Run, exotel: Emulator, log: Any, owned_by: str
) -> None:
    ran, counts = reconciled(run_dag, exotel, owned_by)

    [campaign] = exotel.campaigns
    assert ran.state == "success"
    assert campaign.status == "paused"
    assert (counts["records"], counts["paused"], ran.xcom("keys")) == (1, 1, False)
    assert f"Paused campaign {campaign.id}: task" in log.text


def test_a_campaign_whose_task_runs_is_left_alone(run_dag: Run, exotel: Emulator) -> None:
    ran, counts = reconciled(run_dag, exotel, THE_RECONCILER)

    assert exotel.campaigns[0].status == "in-progress"
    assert (counts["left_alone"], counts["paused"], ran.xcom("keys")) == (1, 0, True)


def test_a_campaign_without_a_record_is_left_alone(run_dag: Run, exotel: Emulator) -> None:
    _, counts = reconciled(run_dag, exotel, None)

    assert exotel.campaigns[0].status == "in-progress"
    assert set(counts.values()) == {0}


def test_a_campaign_of_another_connection_is_left_to_that_one(run_dag: Run, exotel: Emulator) -> None:
    ran, counts = reconciled(run_dag, exotel, FINISHED, connection="team_a")

    assert exotel.campaigns[0].status == "in-progress"
    assert (counts["records"], ran.xcom("keys")) == (0, True)


def test_where_airflow_does_not_answer_a_campaign_is_left_alone(
    run_dag: Run, exotel: Emulator, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_answer(*_: Any) -> Any:
        raise AirflowException("the API server is down")

    monkeypatch.setattr(owner, "_states_from_database" if owner._IS_2 else "_states_from_sdk", no_answer)

    ran, counts = reconciled(run_dag, exotel, FINISHED)

    assert exotel.campaigns[0].status == "in-progress"
    assert (counts["unanswered"], ran.xcom("keys")) == (1, True)
    assert "Airflow does not give the state of its task" in log.text


def test_the_record_of_a_campaign_that_has_ended_is_deleted(run_dag: Run, exotel: Emulator) -> None:
    ran, counts = reconciled(run_dag, exotel, FINISHED, before=lambda campaign: exotel.clock.advance(86_400))

    assert exotel.campaigns[0].status == "completed"
    if owner_record_keys() is not None:
        assert (counts["records_deleted"], ran.xcom("keys")) == (1, False)


def test_a_campaign_that_is_paused_for_the_night_keeps_its_record(run_dag: Run, exotel: Emulator) -> None:
    ran, counts = reconciled(
        run_dag, exotel, THE_RECONCILER, before=lambda campaign: person(exotel).pause_campaign(campaign.id)
    )

    assert (counts["paused"], counts["records_deleted"], ran.xcom("keys")) == (0, 0, True)


@pytest.mark.skipif((3, 0) <= AIRFLOW < (3, 3), reason="no list of variables, so only campaigns that may dial are seen")
def test_a_paused_campaign_whose_task_has_ended_loses_its_record_so_that_a_person_may_resume_it(
    run_dag: Run, exotel: Emulator
) -> None:
    ran, counts = reconciled(
        run_dag, exotel, FINISHED, before=lambda campaign: person(exotel).pause_campaign(campaign.id)
    )

    assert (counts["paused"], counts["records_deleted"], ran.xcom("keys")) == (0, 1, False)


def test_a_pause_that_fails_fails_the_task_and_leaves_the_record_for_the_next_run(
    run_dag: Run, exotel: Emulator, log: Any
) -> None:
    fault = Fault(on="PUT campaigns/*", kind="status", status=500, times=None)

    ran, counts = reconciled(run_dag, exotel, FINISHED, before=lambda campaign: exotel.faults.add(fault))

    assert ran.task_state(THE_RECONCILER) == "failed"
    assert (counts["not_paused"], counts["paused"]) == (1, 0)
    with suppress(Exception):
        Variable.delete(f"{PREFIX}{campaign_key(exotel.campaigns[0].name)}")


def test_the_states_of_mapped_tasks_and_of_absent_ones_are_told_apart(run_dag: Run, exotel: Emulator) -> None:
    def fill() -> None:
        @task(trigger_rule="all_done")
        def told() -> Any:
            own = task_key_of(get_current_context()["ti"])
            keys = {
                "first": TaskKey(own.dag_id, own.run_id, "one", 0),
                "second": TaskKey(own.dag_id, own.run_id, "one", 1),
                "beyond": TaskKey(own.dag_id, own.run_id, "one", 7),
                "alike": TaskKey(own.dag_id, own.run_id, "one_0"),
                "no run": TaskKey(own.dag_id, "deleted__run", "told"),
                "no task": TaskKey(own.dag_id, own.run_id, "nobody"),
                "no dag": TaskKey("nobody", own.run_id, "told"),
            }
            states = task_states(keys.values())
            return {name: states[key] for name, key in keys.items()}

        @task
        def one(number: int) -> None:
            if number:
                raise AirflowException("fails")

        @task
        def one_0() -> None: ...

        [one.expand(number=[0, 1]), one_0()] >> told()

    ran = run_dag(fill)

    assert ran.xcom("told") == {
        "first": "success",
        "second": "failed",
        "beyond": ABSENT,
        "alike": "success",
        "no run": ABSENT,
        "no task": ABSENT,
        "no dag": ABSENT,
    }


@pytest.mark.parametrize("kept", ["no json", "[1]", json.dumps({"campaign": "c1"})])
def test_a_record_that_cannot_be_read_is_left_alone(run_dag: Run, exotel: Emulator, log: Any, kept: str) -> None:
    def fill() -> None:
        @task
        def read() -> Any:
            Variable.set(f"{PREFIX}0123456789abcdef", kept)
            record = read_owner_record("0123456789abcdef", connection="exotel_default")
            delete_owner_record("0123456789abcdef")
            return record

        read()

    ran = run_dag(fill)

    assert ran.state == "success"
    assert ran.xcom("read") is None
    assert "Ignored owner record" in log.text


def test_a_record_that_cannot_be_written_or_deleted_fails_no_task(
    run_dag: Run, exotel: Emulator, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise AirflowException("the database is read-only")

    def fill() -> None:
        @task
        def waits() -> str:
            write_owner_record("0123456789abcdef", OwnerRecord("exotel_default", "c1", TaskKey("d", "r", "t")))
            delete_owner_record("0123456789abcdef")
            return "done"

        waits()

    for action in ("set", "delete"):
        monkeypatch.setattr(Variable, action, refused)

    ran = run_dag(fill)

    assert ran.xcom("waits") == "done"
    assert "Could not write an owner record for campaign c1: AirflowException" in log.text


def record_of(campaign: Any) -> Any:
    """Return the owner record in Airflow's database, as no task sees it."""
    from airflow.utils.session import create_session
    from sqlalchemy import text

    with create_session() as session:
        name = f"{PREFIX}{campaign_key(campaign.name)}"
        return session.execute(text("SELECT count(*) FROM variable WHERE key = :name"), {"name": name}).scalar()


@pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
@pytest.mark.parametrize("pause_on_kill", [True, False])
def test_a_task_leaves_a_record_while_it_waits_and_none_afterwards(
    run_dag: Run, exotel: Emulator, monkeypatch: pytest.MonkeyPatch, deferrable: bool, pause_on_kill: bool
) -> None:
    monkeypatch.setattr(trigger, "NOT_BEFORE", timedelta(0))
    waiting = {"wait_for_completion": True, "poll_interval": 0.2, "schedule": {"end_at": "PT9H"}}
    records: list[int] = []

    def look_while_it_waits() -> None:
        while not any(entry.path.startswith("campaigns/") for entry in exotel.requests):
            time.sleep(0.02)
        records.append(record_of(exotel.campaigns[0]))
        exotel.clock.advance(30_000)

    looks = threading.Thread(target=look_while_it_waits)
    looks.start()
    ran = run_dag(lambda: dials(**waiting, deferrable=deferrable, pause_on_kill=pause_on_kill))
    looks.join()

    assert ran.state == "success"
    assert records == [int(pause_on_kill)]
    assert record_of(exotel.campaigns[0]) == 0


def test_a_task_that_fails_between_its_campaign_and_its_wait_leaves_a_record(
    run_dag: Run, exotel: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise AirflowException("the API server is down")

    monkeypatch.setattr("airflow_provider_exotel.operators.campaign_create.push_link", refused)

    ran = run_dag(lambda: dials(wait_for_completion=True, schedule={"end_at": "PT9H"}))

    assert ran.state == "failed"
    assert record_of(exotel.campaigns[0]) == 1


def test_a_task_leaves_a_record_before_it_resumes_its_campaign(
    run_dag: Run, exotel: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "LEAD", 0)  # before its send_at no task resumes a campaign

    def fill() -> None:
        @task
        def paused() -> None:
            exotel.clock.advance(60)
            person(exotel).pause_campaign(exotel.campaigns[0].id)
            exotel.faults.add(Fault(on="PUT campaigns/*", kind="status", status=400, times=None))

        given = {"numbers": NUMBERS, "read_via_text": "Hello", "idempotency_key": "one", "schedule": {"end_at": "PT9H"}}
        again = CreateCampaignOperator(task_id="again", if_paused="resume", wait_for_completion=True, **given)
        CreateCampaignOperator(task_id="create", **given) >> paused() >> again

    ran = run_dag(fill)

    assert ran.task_state("again") == "failed"
    assert record_of(exotel.campaigns[0]) == 1


def test_all_campaigns_of_an_account_are_paused(run_dag: Run, exotel: Emulator, log: Any) -> None:
    def fill() -> None:
        @task
        def begin() -> None:
            exotel.clock.advance(60)

        dials() >> begin() >> PauseAllCampaignsOperator(task_id="stop")

    ran = run_dag(fill)

    [campaign] = exotel.campaigns
    assert campaign.status == "paused"
    assert ran.xcom("stop") == ran.xcom("stop", "counts") == {"paused": 1, "not_paused": 0}
    assert f"Paused campaign {campaign.id}" in log.text


def test_one_that_cannot_be_paused_fails_the_emergency_stop_and_is_counted(
    run_dag: Run, exotel: Emulator, log: Any
) -> None:
    def fill() -> None:
        @task
        def begin() -> None:
            exotel.faults.add(Fault(on="PUT campaigns/*", kind="status", status=400, times=None))

        dials() >> begin() >> PauseAllCampaignsOperator(task_id="stop", name_starts="test_one")

    ran = run_dag(fill)

    assert ran.task_state("stop") == "failed"
    assert ran.xcom("stop", "counts") == {"paused": 0, "not_paused": 1}
    assert "could not be paused" in log.text
