"""An Airflow of its own for the run: its settings are read once, when it is imported."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from hypothesis import settings

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
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{AIRFLOW_HOME}/airflow.db",
        "AIRFLOW__METRICS__TIMER_UNIT_CONSISTENCY": "True",
    }
)


# No test is about time, least of all on machines that are shared; where every change is tested the trials are the same.
settings.register_profile("project", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("project")


def pytest_unconfigure() -> None:
    """Leave nothing, and keep Airflow from writing, when the process ends, to streams that pytest has closed."""
    logging.disable()
    shutil.rmtree(AIRFLOW_HOME, ignore_errors=True)
