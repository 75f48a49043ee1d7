"""An Airflow of its own for each process of the run: its settings are read once, when it is imported."""

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
    # Its tests' own choice refuses the database of these tests, and sensors ask for the executor.
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


# The files that take longest, longest first: where tests run side by side, the short ones fill what is left.
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
# These share one started Airflow.
WHOLE_AIRFLOW = LONGEST[:3]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed of the property tests, which all processes of the run share."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(secrets.randbelow(10**9))


def pytest_report_header(config: pytest.Config) -> str:
    """Tell the seed, so that a run can be repeated."""
    return f"property tests: --hypothesis-seed={config.option.hypothesis_seed}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(Path(__file__).parent).as_posix()
        return next((number for number, prefix in enumerate(LONGEST) if path.startswith(prefix)), len(LONGEST))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run the tests of a file in one process, and those that share a started Airflow too."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return "whole Airflow" if path.endswith(WHOLE_AIRFLOW) else path

    config.option.loadscopereorder = False  # it counts tests, of which the longest files have the fewest
    return ByFile(config, log)


def pytest_unconfigure() -> None:
    """Leave nothing, and keep Airflow from writing, when the process ends, to streams that pytest has closed."""
    logging.disable()
    shutil.rmtree(AIRFLOW_HOME, ignore_errors=True)
