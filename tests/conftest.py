"""A separate Airflow for each test process, since Airflow reads its settings once, when it is imported."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from .properties import register_profile

if version("apache-airflow").startswith("2."):
    # Airflow's default executor for tests refuses this database, and sensors need an executor.
    os.environ["AIRFLOW__CORE__EXECUTOR"] = "SequentialExecutor"
AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="exotel-tests-"))
(AIRFLOW_HOME / "dags").mkdir()
os.environ.update(
    {
        "AIRFLOW_HOME": str(AIRFLOW_HOME),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__CORE__DAGS_FOLDER": str(AIRFLOW_HOME / "dags"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{AIRFLOW_HOME}/airflow.db?timeout=120",
        "AIRFLOW__METRICS__TIMER_UNIT_CONSISTENCY": "True",
    }
)


register_profile()


# The slowest files, slowest first: in parallel runs, the fast ones fill the gaps at the end.
LONGEST = (
    "scenarios/test_stopping.py",
    "scenarios/test_dying_workers.py",
    "scenarios/test_finished.py",
    "browser/test_walk.py",
    "test_packaging.py",
    "airflow/test_waiting.py",
    "airflow/test_audience.py",
    "airflow/test_report.py",
    "scenarios/test_killed_audience.py",
    "scenarios/test_chaos.py",
    "airflow/",
)
# These files share one running Airflow.
WHOLE_AIRFLOW = LONGEST[:3]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed of the property tests for all test processes."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(secrets.randbelow(10**9))


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed, so that a run can be repeated."""
    return f"property tests: --hypothesis-seed={config.option.hypothesis_seed}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the slowest files."""

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(Path(__file__).parent).as_posix()
        return next((number for number, prefix in enumerate(LONGEST) if path.startswith(prefix)), len(LONGEST))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run the tests of a file in one process, and likewise all files that share a running Airflow."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return "whole Airflow" if path.endswith(WHOLE_AIRFLOW) else path

    config.option.loadscopereorder = False  # it would sort by number of tests, but slow files have few
    return ByFile(config, log)


def pytest_unconfigure() -> None:
    """Delete the temporary files, and stop Airflow from writing to closed streams at the end of the process."""
    logging.disable()
    shutil.rmtree(AIRFLOW_HOME, ignore_errors=True)
