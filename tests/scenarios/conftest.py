"""Whole tasks against the emulator over real HTTP."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import psutil
import pytest

from airflow_provider_exotel import ExotelClient
from airflow_provider_exotel.emulator import Emulator, Fault

from ..ports import log_ports, unused_port
from ..versions import AIRFLOW

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent.parent / "example_dags"))
WITHIN = 600  # seconds for everything: Airflow takes minutes to retry a cleared task


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder; ignore warnings of Airflow and its libraries."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.scenario)
            item.add_marker(pytest.mark.filterwarnings("default"))


@dataclass
class Airflow:
    """A whole Airflow, over its public API."""

    address: str
    emulator: Emulator
    local: Any
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def client(self) -> ExotelClient:
        """A person at Exotel's dashboard."""
        exotel = self.emulator
        return ExotelClient(exotel.api_key, exotel.api_token, exotel.account_sid, exotel.host, requests_per_minute=6000)

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers of a request. Only Airflow 3.1 accepts no request without a token."""
        with urlopen(f"{self.address}/auth/token", timeout=WITHIN) as answer:
            token = json.load(answer)["access_token"]
        return {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.address}/api/v2/{path}", data, self.headers, method=method)
        with urlopen(request, timeout=WITHIN) as answer:
            return json.load(answer)

    def start(self, dag_id: str) -> str:
        """Start a run and return its address."""
        ends = time.monotonic() + WITHIN
        while True:
            try:
                run = self.ask(f"dags/{dag_id}/dagRuns", {"logical_date": None})
            except OSError:  # the DAG is not parsed yet
                if time.monotonic() > ends:
                    raise
                time.sleep(1)
            else:
                return f"dags/{dag_id}/dagRuns/{quote(run['dag_run_id'], safe='')}"

    def ended(self, run: str) -> str:
        """Wait for a run to end and return its state."""
        ends = time.monotonic() + WITHIN
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

    def has_ended(self, run: str) -> bool:
        return self.ask(run)["state"] in {"success", "failed"}

    def clear_only(self, run: str, **options: Any) -> None:
        """Clear the task, as a person does."""
        dag_id, _, _ = run.removeprefix("dags/").partition("/dagRuns/")
        wanted = {"dag_run_id": self.ask(run)["dag_run_id"], "task_ids": ["create"], "only_failed": False, **options}
        self.ask(f"dags/{dag_id}/clearTaskInstances", {"dry_run": False, **wanted})

    def clear(self, run: str, **options: Any) -> str:
        """Clear the task, and wait for the run to end again."""
        before = self.task(run)["try_number"]
        self.clear_only(run, **options)
        self.until(lambda: self.task(run)["try_number"] != before)
        return self.ended(run)

    def delete(self, run: str) -> None:
        """Delete a run."""
        with urlopen(Request(f"{self.address}/api/v2/{run}", headers=self.headers, method="DELETE"), timeout=WITHIN):
            pass

    def log(self) -> str:
        """Return what the components of Airflow have logged."""
        return self.log_file.read_text()

    def create_again(self, run: str) -> str:
        """Delete a run and create another one under its id."""
        run_id = self.ask(run)["dag_run_id"]
        self.delete(run)
        self.ask(run.partition("/dagRuns/")[0] + "/dagRuns", {"logical_date": None, "dag_run_id": run_id})
        return run

    def campaigns(self, name: str) -> list[Any]:
        return [campaign for campaign in self.emulator.campaigns if campaign.name.startswith(f"{name} af-")]

    def until(self, what: Callable[[], Any]) -> Any:
        """Wait until a function returns a true value, and return it."""
        ends = time.monotonic() + WITHIN
        while not (seen := what()) and time.monotonic() < ends:
            time.sleep(0.5)
        return seen

    def mark(self, run: str, state: str) -> None:
        """Mark the task like a person, and try again while the database is busy."""

        def marked() -> bool:
            with suppress(HTTPError):
                self.ask(f"{run}/taskInstances/create", {"new_state": state}, method="PATCH")
            return str(self.task(run)["state"]) == state

        assert self.until(marked)

    def tasks(self, run: str) -> list[Any]:
        """Return the mapped instances of the task."""
        return list(self.ask(f"{run}/taskInstances/create/listMapped?limit=100")["task_instances"])

    def has_started(self, run: str, map_index: int = -1) -> bool:
        """Return whether the triggerer runs the trigger of a deferred task, according to the trigger's log."""
        tries = 1 if map_index >= 0 else self.task(run)["try_number"]
        log = self.ask(f"{run}/taskInstances/create/logs/{tries}?full_content=true&map_index={map_index}")
        return re.search(r"trigger \S+ \(ID \d+\) starting", json.dumps(log["content"])) is not None

    def component(self, name: str) -> list[psutil.Process]:
        """Return the processes of a component of Airflow."""
        from local_airflow import processes_of

        return processes_of(self.process, name)


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """A local Airflow with the DAGs of this folder, for all scenarios."""
    if AIRFLOW < (3, 0):
        pytest.skip("Airflow 2 has another API, and no standalone without log-in")
    from local import LocalAirflow
    from local_airflow import kept_running, settings, standalone, wait_until_ready

    folder, port = tmp_path_factory.mktemp("airflow"), unused_port()
    with Emulator(seed=1, rate_limit=None, speed=1.0) as emulator:
        emulator.faults.add(Fault(on="POST campaigns", kind="delay", stage="after", seconds=3, times=None))
        local = LocalAirflow.beside(
            emulator,
            folder,
            **settings(port) | log_ports() | {"AIRFLOW__CORE__PARALLELISM": "24"},
            AIRFLOW__CORE__DAGS_FOLDER=str(HERE / "dags"),
            AIRFLOW_CONN_EXOTEL_DEFAULT=(
                f"{emulator.connection_uri}?exophone=0XXXXXX4890&connect_timeout=60&read_timeout=60"
                "&requests_per_minute=6000"
            ),
        )
        local.commands(["db", "migrate"])
        with standalone(local, folder / "airflow.log") as process:
            assert wait_until_ready(port, process, threading.Event()), (folder / "airflow.log").read_text()[-3_000:]
            airflow = Airflow(f"http://127.0.0.1:{port}", emulator, local, process, folder / "airflow.log")
            # Not the triggerer, which the scenarios kill.
            with kept_running(process, local, airflow.log_file, ("scheduler", "dag-processor")):
                yield airflow
