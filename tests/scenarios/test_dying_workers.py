"""Workers killed with SIGKILL at each step, tried again by Airflow itself on LocalExecutor."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from airflow import __version__ as airflow_version

from airflow_provider_exotel.emulator import Emulator, Fault

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent.parent / "example_dags"))
RUN_WITHIN = 240
STEPS = ("before_the_intent", "before_the_post", "during_the_post", "after_the_answer", "after_recording", "never")
pytestmark = pytest.mark.skipif(airflow_version.startswith("2."), reason="the local Airflow is the newest version")


@dataclass
class Airflow:
    """A whole Airflow, over its public API."""

    address: str
    emulator: Emulator

    def ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.address}/api/v2/{path}", data, {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def start(self, step: str) -> str:
        """Start a run and return its address."""
        ends = time.monotonic() + 60
        while True:
            try:
                run = self.ask(f"dags/dies_{step}/dagRuns", {"logical_date": None})
            except OSError:  # the DAG is not read yet
                if time.monotonic() > ends:
                    raise
                time.sleep(1)
            else:
                return f"dags/dies_{step}/dagRuns/{quote(run['dag_run_id'], safe='')}"

    def ended(self, run: str) -> str:
        """Wait for a run to end and return how."""
        ends = time.monotonic() + RUN_WITHIN
        while time.monotonic() < ends:
            state = str(self.ask(run)["state"])
            if state in {"success", "failed"}:
                return state
            time.sleep(1)
        return "does not end"

    def task(self, run: str) -> Any:
        return self.ask(f"{run}/taskInstances/create")

    def xcom(self, run: str) -> str:
        return str(self.ask(f"{run}/taskInstances/create/xcomEntries/return_value")["value"])

    def clear(self, run: str) -> str:
        """Clear the task, as a person does, and wait for the run to end again."""
        dag_id, _, _ = run.removeprefix("dags/").partition("/dagRuns/")
        before = self.task(run)["try_number"]
        self.ask(
            f"dags/{dag_id}/clearTaskInstances",
            {"dry_run": False, "dag_run_id": self.ask(run)["dag_run_id"], "task_ids": ["create"], "only_failed": False},
        )
        ends = time.monotonic() + RUN_WITHIN
        while self.task(run)["try_number"] == before and time.monotonic() < ends:
            time.sleep(0.5)
        return self.ended(run)

    def create_again(self, run: str) -> str:
        """Delete a run and create another one under its id."""
        run_id = self.ask(run)["dag_run_id"]
        with urlopen(Request(f"{self.address}/api/v2/{run}", method="DELETE"), timeout=30):
            pass
        self.ask(run.partition("/dagRuns/")[0] + "/dagRuns", {"logical_date": None, "dag_run_id": run_id})
        return run

    def campaigns(self, step: str) -> list[Any]:
        return [campaign for campaign in self.emulator.campaigns if campaign.name.startswith(f"{step} af-")]


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """A local Airflow with the dying DAGs, which has run each of them to its end."""
    from local import LocalAirflow
    from local_airflow import free_port, settings, standalone, wait_until_ready

    folder, port = tmp_path_factory.mktemp("airflow"), free_port()
    with Emulator(seed=1, rate_limit=None, speed=1.0) as emulator:
        emulator.faults.add(Fault(on="POST campaigns", kind="delay", stage="after", seconds=3, times=None))
        local = LocalAirflow.beside(
            emulator,
            folder,
            **settings(port),
            AIRFLOW__CORE__DAGS_FOLDER=str(HERE / "dags"),
            AIRFLOW_CONN_EXOTEL_DEFAULT=(
                f"{emulator.connection_uri}?exophone=0XXXXXX4890&connect_timeout=1&read_timeout=6"
                "&requests_per_minute=600"
            ),
        )
        local.command("db", "migrate")
        with standalone(local, folder / "airflow.log") as process:
            assert wait_until_ready(port, process, threading.Event()), (folder / "airflow.log").read_text()[-3_000:]
            yield Airflow(f"http://127.0.0.1:{port}", emulator)


@pytest.fixture(scope="module")
def runs(airflow: Airflow) -> dict[str, str]:
    """A run of each DAG, all side by side."""
    return {step: airflow.start(step) for step in STEPS}


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_dies(airflow: Airflow, runs: dict[str, str], step: str) -> None:
    assert airflow.ended(runs[step]) == "success"

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


def test_a_clear_after_the_campaign_was_deleted_by_hand_fails_and_creates_none(
    airflow: Airflow, runs: dict[str, str]
) -> None:
    from airflow_provider_exotel import ExotelClient

    [campaign] = airflow.campaigns("after_recording")
    emulator = airflow.emulator
    ExotelClient(emulator.api_key, emulator.api_token, emulator.account_sid, emulator.host).delete_campaign(campaign.id)

    assert airflow.clear(runs["after_recording"]) == "failed"

    assert len(airflow.campaigns("after_recording")) == 1
