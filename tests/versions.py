"""The capabilities of the Airflow version that runs the tests."""

from __future__ import annotations

from importlib.metadata import version

AIRFLOW = tuple(map(int, version("apache-airflow").split(".")[:2]))

FINDS_ANY_EXTRA = not (3, 0) <= AIRFLOW < (3, 2)
"""Whether Airflow passes on a connection whose extra is not a JSON object, so that the provider refuses it."""

RETRIES_KILLED_TASKS = not (3, 0) <= AIRFLOW < (3, 1)
"""Whether Airflow retries a task whose process was killed by a signal; 3.0 fails it, whatever its ``retries``."""

DAG_TEST_CALLS_BACK = not (3, 0) <= AIRFLOW < (3, 3)
"""Whether ``dag.test()`` calls ``on_failure_callback``, as a scheduler's task does on every version."""
