"""Run DAGs that a test builds, as Airflow runs them, on every supported version."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine

from airflow_provider_exotel import ExotelClient
from airflow_provider_exotel.create import once
from airflow_provider_exotel.emulator import Emulator

from ..versions import AIRFLOW


@dataclass(frozen=True)
class Ran:
    """A run that has ended."""

    state: str
    dag_run: Any

    def xcom(self, task_id: str = "create", key: str = "return_value", map_index: int = -1) -> Any:
        """Return an XCom of a task."""
        instance = next(
            one
            for one in self.dag_run.get_task_instances()
            if one.task_id == task_id and one.map_index in {map_index, -1}
        )
        return instance.xcom_pull(task_ids=task_id, key=key, map_indexes=map_index)

    def task_state(self, task_id: str = "create") -> str:
        """Return the state of a task."""
        return str(next(one.state for one in self.dag_run.get_task_instances() if one.task_id == task_id))


class TaskLog(logging.Handler):
    """Everything that a run logs, at every level: Airflow 3 writes to stdout, Airflow 2 to its own loggers."""

    def __init__(self, output: pytest.CaptureFixture[str]) -> None:
        super().__init__(logging.DEBUG)
        self._output = output
        self._written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._written.append(self.format(record))

    @property
    def text(self) -> str:
        """The log so far."""
        captured = self._output.readouterr()
        self._written += [captured.out, captured.err]
        return "\n".join(self._written)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder; ignore warnings of Airflow and its libraries."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.airflow)
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Create the metadata database."""
    from airflow.utils.db import initdb

    initdb()
    if (3, 0) <= AIRFLOW < (3, 3):
        from airflow.sdk.execution_time import supervisor

        # These versions build the whole API again for each task of a test, which takes seconds; 3.3 keeps it.
        supervisor.in_process_api_server = cache(supervisor.in_process_api_server)


def connect(monkeypatch: pytest.MonkeyPatch, emulator: Emulator, **extra: Any) -> None:
    """Point the connection ``exotel_default`` at an emulator, with a rate limit too high for tests to wait."""
    options = {"exophone": "0XXXXXX4890", "requests_per_minute": 6000} | extra
    monkeypatch.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", f"{emulator.connection_uri}?{urlencode(options)}")


@pytest.fixture
def skip_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retries and look-ups wait on a virtual clock, which takes no time."""
    waited = timedelta()

    def sleep(seconds: float) -> None:
        nonlocal waited
        waited += timedelta(seconds=seconds)

    monkeypatch.setattr(once.Clock.__init__, "__defaults__", (lambda: datetime.now(UTC) + waited, sleep))
    monkeypatch.setitem(ExotelClient.__init__.__kwdefaults__, "sleep", sleep)


@pytest.fixture
def exotel(monkeypatch: pytest.MonkeyPatch, skip_waits: None) -> Iterator[Emulator]:
    """A local Exotel with the connection ``exotel_default``."""
    # A journal in memory belongs to a host and a port, which may have been those of an earlier test.
    monkeypatch.setattr("airflow_provider_exotel.hooks.task._IN_MEMORY", {})
    with Emulator(seed=1) as emulator:
        connect(monkeypatch, emulator)
        yield emulator


@pytest.fixture
def log(
    airflow_database: None, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[TaskLog]:
    """The log of the run."""
    if (3, 0) <= AIRFLOW < (3, 1):  # its console colours errors, and wraps them after 100 characters
        from structlog.dev import rich_traceback

        monkeypatch.setattr(rich_traceback, "width", 1000)
        monkeypatch.setattr(rich_traceback, "color_system", None)
    handler = TaskLog(capfd)
    loggers = [logging.getLogger(), logging.getLogger("airflow.task")]
    level = loggers[0].level
    loggers[0].setLevel(logging.INFO)  # as in Airflow 2 while a task runs
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)
    loggers[0].setLevel(level)


@pytest.fixture
def run_dag(airflow_database: None, request: pytest.FixtureRequest) -> Callable[..., Ran]:
    """Return a function that runs a DAG; its argument adds the tasks."""

    def run(
        fill: Callable[[], Any],
        *,
        params: dict[str, Any] | None = None,
        dag: dict[str, Any] | None = None,
        **options: Any,
    ) -> Ran:
        from airflow.providers.common.compat.sdk import DAG

        dag_id = "".join(character if character.isalnum() else "_" for character in request.node.name)[:150]
        definition: AbstractContextManager[Any] = DAG(dag_id, schedule=None, params=params, **(dag or {}))
        with definition as made:
            fill()
        _make_known(made)
        dag_run = made.test(**options)
        return Ran(str(dag_run.state), dag_run)

    return run


@pytest.fixture
def make_known(airflow_database: None) -> Callable[[Any], None]:
    """Write a DAG to the database; Airflow 3 needs it there to run it."""
    return _make_known


def _make_known(dag: Any) -> None:
    """Write the DAG to the database; Airflow 3 needs it there to run it."""
    if AIRFLOW < (3, 0):
        return
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    dag_bags = import_module("airflow.models.dagbag" if AIRFLOW < (3, 2) else "airflow.dag_processing.dagbag")
    DagBundlesManager().sync_bundles_to_db()
    bag = dag_bags.DagBag(dag_folder=os.devnull)
    bag.dags[dag.dag_id] = dag
    dag.relative_fileloc = "test.py"
    if AIRFLOW < (3, 1):
        bag.sync_to_db("dags-folder", None)
    else:
        dag_bags.sync_bag_to_db(bag, "dags-folder", None)


MONDAY = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # 09:30 in India


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A local Exotel and an Airflow whose shared clock only advances while something waits."""
    from airflow_provider_exotel.operators.kill_switch import KillSwitch
    from airflow_provider_exotel.triggers import campaign as trigger
    from airflow_provider_exotel.triggers import poller

    with time_machine.travel(MONDAY, tick=False) as traveller, Emulator(seed=1, speed=1) as emulator:
        connect(monkeypatch, emulator)
        monkeypatch.setattr(trigger, "NOT_BEFORE", timedelta(0))
        monkeypatch.setattr(KillSwitch, "sleep", lambda self, seconds: traveller.shift(seconds))

        looked_up = [0]  # how often waiting code has read the clock

        async def within_poller(seconds: float | None, answer: Any) -> None:
            before, tries = looked_up[0], 0
            while looked_up[0] < before + 2 and tries < 50:
                await asyncio.sleep(0.01)
                tries += 1
            answer.close()
            traveller.shift(seconds or 0)

        async def within_trigger(seconds: float, answer: Any) -> Any:
            looked_up[0] += 1
            asked_for = poller_looks(answer.cr_frame.f_locals["self"])
            with suppress(TimeoutError):
                return await asyncio.wait_for(answer, 0.005 if asked_for else 0.001)
            if not asked_for:
                traveller.shift(seconds)
            return None

        monkeypatch.setattr(poller, "within", within_poller)
        monkeypatch.setattr(trigger, "within", within_trigger)
        yield emulator


def poller_looks(news: Any) -> bool:
    """Return whether the poller sends requests for the waits on ``news``; at night it sends none."""
    from airflow_provider_exotel.triggers import poller

    pollers = [one for account in poller._pollers.values() for one in account.values()]
    return any(one.news is news and one.campaigns for each in pollers for one in each._subscriptions)


@pytest.fixture
def audience(tmp_path: Path) -> Iterator[str]:
    """A file with three made-up people."""
    path = tmp_path / "audience.csv"
    path.write_text("name,number\n" + "".join(f"Person {one},+91987650000{one}\n" for one in range(3)))
    yield path.as_uri()
    shutil.rmtree(tmp_path, ignore_errors=True)
