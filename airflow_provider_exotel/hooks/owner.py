"""The owners of campaigns in Airflow: task states, and the owner records of waiting tasks.

Everything here works in a worker and in a triggerer: with the Task SDK on Airflow 3, with the database on 2.11.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import Variable

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.waiting.owner import ABSENT, OwnerRecord, TaskKey

log = logging.getLogger(__name__)

PREFIX = "exotel_owner_"
"""Prefix of the names of Variables with owner records; the campaign's key follows."""
_RUNS_PER_REQUEST = 50
_IS_2 = airflow_version.startswith("2.")


def task_key_of(task_instance: Any) -> TaskKey:
    """Return the key of the task instance of a context or a trigger."""
    return TaskKey(
        task_instance.dag_id, task_instance.run_id, task_instance.task_id, getattr(task_instance, "map_index", -1)
    )


def task_states(tasks: Iterable[TaskKey]) -> dict[TaskKey, str | None]:
    """Return the states of tasks: Airflow's state, ``None`` if cleared, or :data:`~..waiting.owner.ABSENT`.

    Tasks that Airflow does not answer about are missing in the result.

    :param tasks: task instances of any DAGs.
    """
    by_task: dict[tuple[str, str], list[TaskKey]] = defaultdict(list)
    for task in dict.fromkeys(tasks):
        by_task[task.dag_id, task.task_id].append(task)
    found: dict[TaskKey, str | None] = {}
    for (dag_id, task_id), keys in by_task.items():
        try:
            found |= _states_from_database(keys) if _IS_2 else _states_from_sdk(dag_id, task_id, keys)
        except Exception as error:
            log.warning("Could not read the state of task %s.%s: %s", dag_id, task_id, type(error).__name__)
    return found


def write_owner_record(key: str, record: OwnerRecord) -> None:
    """Store the record of a waiting task, so that its campaign can be paused after the task is gone.

    Call it before each wait. It never fails the task: without the record, only the worker or triggerer of the task can
    pause the campaign.

    :param key: the campaign's key (16 hex digits).
    :param record: the task and its campaign.
    """
    try:
        Variable.set(f"{PREFIX}{key}", json.dumps(record.as_json()))
    except Exception as error:
        log.warning("Could not write an owner record for campaign %s: %s", record.campaign_id, type(error).__name__)


def delete_owner_record(key: str) -> None:
    """Delete the record of a campaign that has ended, is paused, or may dial on without its task.

    It never fails the task, and must not be called from ``on_kill``.

    :param key: the campaign's key.
    """
    try:
        Variable.delete(f"{PREFIX}{key}")
    except Exception as error:
        log.warning("Could not delete owner record %s%s: %s", PREFIX, key, type(error).__name__)


def read_owner_record(key: str, *, connection: str) -> OwnerRecord | None:
    """Return the record of a campaign, or ``None`` if there is none or it cannot be read.

    :param key: the campaign's key.
    :param connection: the connection to use if the record has none.
    """
    try:
        kept = Variable.get(f"{PREFIX}{key}", None)
        return OwnerRecord.of_json(json.loads(kept), connection=connection) if kept else None
    except (ValueError, TypeError, ExotelInputError) as error:
        log.warning("Ignored owner record %s%s: %s", PREFIX, key, error)
    except Exception as error:
        log.warning("Could not read owner record %s%s: %s", PREFIX, key, type(error).__name__)
    return None


def owner_record_keys() -> list[str] | None:
    """Return the keys of all records, or ``None`` if Airflow cannot list Variables (3.0 to 3.2)."""
    try:
        if _IS_2:
            names = _variables_in_database()
        elif hasattr(Variable, "keys"):
            names = list(Variable.keys(PREFIX))
        else:
            return None
    except Exception as error:
        log.warning("Could not list the owner records: %s", type(error).__name__)
        return None
    return [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]


def _states_from_sdk(dag_id: str, task_id: str, keys: list[TaskKey]) -> dict[TaskKey, str | None]:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    indexes = {key.map_index for key in keys}
    found: dict[TaskKey, str | None] = {}
    run_ids = list(dict.fromkeys(key.run_id for key in keys))
    for first in range(0, len(run_ids), _RUNS_PER_REQUEST):
        runs = run_ids[first : first + _RUNS_PER_REQUEST]
        # Without run ids, Airflow would load all instances of the DAG.
        states = RuntimeTaskInstance.get_task_states(
            dag_id=dag_id,
            task_ids=[task_id],
            run_ids=runs,
            map_index=next(iter(indexes)) if len(indexes) == 1 else None,
        )
        if not isinstance(states, Mapping):
            raise TypeError("no mapping of states")
        for key in keys:
            if key.run_id in runs:
                name = task_id if key.map_index < 0 else f"{task_id}_{key.map_index}"
                found[key] = _state_text(states.get(key.run_id, {}).get(name, ABSENT))
    return found


def _states_from_database(keys: list[TaskKey]) -> dict[TaskKey, str | None]:
    from airflow.models import TaskInstance
    from airflow.utils.session import create_session

    one = keys[0]
    with create_session() as session:
        rows = (
            session.query(TaskInstance.run_id, TaskInstance.map_index, TaskInstance.state)
            .filter(
                TaskInstance.dag_id == one.dag_id,
                TaskInstance.task_id == one.task_id,
                TaskInstance.run_id.in_({key.run_id for key in keys}),
            )
            .all()
        )
    states = {(run_id, map_index): state for run_id, map_index, state in rows}
    return {key: _state_text(states.get((key.run_id, key.map_index), ABSENT)) for key in keys}


def _state_text(state: Any) -> str | None:
    return None if state is None else str(getattr(state, "value", state))


def _variables_in_database() -> list[str]:
    from airflow.utils.session import create_session

    name: Any = Variable.key  # type: ignore[misc]  # a column, on Airflow 2
    with create_session() as session:
        return [found for (found,) in session.query(name).filter(name.startswith(PREFIX)).all()]
