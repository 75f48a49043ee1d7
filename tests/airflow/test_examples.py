"""The example DAGs load, and run to their end against the local Exotel."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel.emulator import Emulator

EXAMPLES = Path(__file__).parent.parent.parent / "example_dags"
DAGS = sorted(path for path in EXAMPLES.glob("exotel_*.py"))


@pytest.fixture
def run_example(
    make_known: Callable[[Any], None], audience: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Any]:
    """Run an example with an audience of three, and return the run."""
    monkeypatch.setenv("EXOTEL_AUDIENCE", audience)
    monkeypatch.setenv("EXOTEL_PLANS", f"{audience.rpartition('/')[0]}/plans")
    monkeypatch.setenv("AIRFLOW_VAR_EXOTEL_TESTERS", "+919876542000,+919876542001")

    def run(name: str) -> Any:
        dag = runpy.run_path(str(EXAMPLES / f"{name}.py"))["dag"]
        make_known(dag)
        return dag.test()

    return run


@pytest.mark.parametrize("path", DAGS, ids=lambda path: path.stem)
def test_an_example_loads(airflow_database: None, path: Path) -> None:
    namespace = runpy.run_path(str(path))

    assert namespace["__doc__"]


@pytest.mark.parametrize(("name", "campaigns"), [("exotel_outcome", 1), ("exotel_fleet", 2), ("exotel_days", 1)])
def test_an_example_runs_to_its_end(
    run_example: Callable[[str], Any], days: Emulator, name: str, campaigns: int
) -> None:
    days.settings.schedule_editable_when_paused = True

    run = run_example(name)

    assert str(run.state) == "success"
    assert [campaign.status for campaign in days.campaigns] == ["completed"] * campaigns


@pytest.mark.parametrize(
    ("name", "campaigns"), [("exotel_call_me_first", 2), ("exotel_guarded", 1), ("exotel_plan_only", 0)]
)
def test_an_example_that_is_open_now_runs_to_its_end(
    run_example: Callable[[str], Any], days: Emulator, name: str, campaigns: int
) -> None:
    days.settings.outcomes = {"completed": 1}

    run = run_example(name)

    assert str(run.state) == "success"
    assert len(days.campaigns) == campaigns
