"""No number and no secret in logs, XCom, rendered fields, the serialised DAG or anywhere in the metadata database."""

from __future__ import annotations

import os
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel import CreateCampaignOperator
from airflow_provider_exotel.client.callback_urls import callback_token
from airflow_provider_exotel.emulator import Emulator, Fault

from .conftest import connect

NUMBER = "+919876543210"
KEY, TOKEN = "canary-key-4f1d", "canary-token-9b2e"
CALLBACK = callback_token(TOKEN, "emulator")
SECRETS = ("canary-key", "canary-token", b64encode(f"{KEY}:{TOKEN}".encode()).decode(), CALLBACK)
# Inside of dag.test(), Airflow 3 logs masked values at DEBUG level; a worker does not.
OF_AIRFLOW = "msg=MaskSecret("
HOME = Path(os.environ["AIRFLOW_HOME"])


@pytest.fixture
def exotel(monkeypatch: pytest.MonkeyPatch, skip_waits: None) -> Iterator[Emulator]:
    """A local Exotel with a recognisable key and token."""
    with Emulator(seed=1, api_key=KEY, api_token=TOKEN) as emulator:
        connect(monkeypatch, emulator, callback_base_url="http://127.0.0.1:9")
        yield emulator


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(f"name,number\nA,{NUMBER}\n")
    return path


def create(people: Path) -> CreateCampaignOperator:
    return CreateCampaignOperator(
        task_id="create",
        numbers_from=people.as_uri(),
        read_via_text="Hello",
        settle=0,
        callbacks=True,
        schedule={"send_at": "PT1H", "end_at": "PT9H"},
    )


def database() -> str:
    """Return every row of the metadata database as text, and the bytes of its files."""
    with closing(sqlite3.connect(HOME / "airflow.db")) as connection:
        rows = "\n".join(connection.iterdump())
    return rows + "".join(path.read_bytes().decode("latin-1") for path in HOME.glob("airflow.db*"))


def log_files() -> str:
    return "".join(path.read_text(errors="replace") for path in (HOME / "logs").rglob("*") if path.is_file())


def traces_of(*places: str) -> list[str]:
    """Return the beginning of each line that contains the number or a secret."""
    return [line[:300] for place in places for line in place.splitlines() if is_trace(line)]


def is_trace(line: str) -> bool:
    return NUMBER[3:] in line or (OF_AIRFLOW not in line and any(secret in line for secret in SECRETS))


def refused(exotel: Emulator) -> None:
    message = f"from {NUMBER} is on the do not call list of {KEY}"
    exotel.faults.add(Fault(on="POST campaigns", kind="status", status=400, times=None, message=message))


def broken(exotel: Emulator) -> None:
    exotel.faults.add(Fault(on="POST campaigns", kind="drop_before_commit", times=None))


def denied(exotel: Emulator) -> None:
    message = f"no such key {KEY}, or token {TOKEN}"
    exotel.faults.add(Fault(on="GET campaigns", kind="status", status=401, times=None, message=message))


def fine(exotel: Emulator) -> None:
    """Inject no fault."""


@pytest.mark.parametrize(
    ("goes_wrong", "state"), [(fine, "success"), (refused, "failed"), (broken, "failed"), (denied, "failed")]
)
def test_a_run_leaves_no_trace(
    run_dag: Callable[..., Any],
    exotel: Emulator,
    people: Path,
    log: Any,
    goes_wrong: Callable[[Emulator], None],
    state: str,
) -> None:
    goes_wrong(exotel)

    ran = run_dag(lambda: create(people))

    written, stored = log.text, database()
    assert ran.task_state() == state
    assert "dependency 'Trigger Rule' PASSED" in written or "[debug" in written  # everything was logged
    assert people.as_uri() in stored  # rendered fields and the serialised DAG were stored
    assert traces_of(written, log_files(), stored) == []


def test_a_refused_number_leaves_no_trace(
    run_dag: Callable[..., Any], exotel: Emulator, people: Path, log: Any
) -> None:
    people.write_text(f"number\n{NUMBER}0\n{NUMBER}\n")

    ran = run_dag(lambda: create(people))

    written = log.text
    assert ran.task_state() == "failed"
    assert "at position 1" in written
    assert traces_of(written, log_files(), database()) == []


def test_a_file_that_cannot_be_read_leaves_no_trace(
    run_dag: Callable[..., Any], exotel: Emulator, people: Path, log: Any
) -> None:
    people.write_text(f"phone,colour\n{NUMBER},red\n")

    ran = run_dag(lambda: create(people))

    written = log.text
    assert ran.task_state() == "failed"
    assert "none is named 'number'" in written
    assert traces_of(written, log_files(), database()) == []


def test_a_service_that_cannot_be_reached_leaves_no_trace(
    run_dag: Callable[..., Any], exotel: Emulator, people: Path, log: Any
) -> None:
    exotel.stop()

    ran = run_dag(lambda: create(people))

    assert ran.task_state() == "failed"
    assert traces_of(log.text, log_files(), database()) == []


def test_numbers_of_the_dag_file_are_rendered_and_serialised_as_a_count(
    run_dag: Callable[..., Any], exotel: Emulator, log: Any
) -> None:
    run_dag(
        lambda: CreateCampaignOperator(
            task_id="create",
            numbers=[NUMBER],
            read_via_text="Hello",
            schedule={"send_at": "PT1H", "end_at": "PT9H"},
        )
    )

    assert list(exotel.campaigns[0].numbers) == [NUMBER]
    assert traces_of(log.text, log_files(), database()) == []
