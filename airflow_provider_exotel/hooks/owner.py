"""Who waits for which campaign, in Airflow: the states of tasks, and the owner records of those that wait.

Everything here works in a worker and in a triggerer: through the Task SDK on Airflow 3, through the database on 2.11.
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
"""What the names of the Variables begin with that hold owner records; the campaign's key follows."""
_RUNS_A_REQUEST = 50
_IS_2 = airflow_version.startswith("2.")


def task_key_of(task_instance: Any) -> TaskKey:
    """Return the key of the task instance that a context, or a trigger, holds."""
    return TaskKey(
        task_instance.dag_id, task_instance.run_id, task_instance.task_id, getattr(task_instance, "map_index", -1)
    )


def task_states(tasks: Iterable[TaskKey]) -> dict[TaskKey, str | None]:
    """Return how tasks stand: Airflow's word, ``None`` for a cleared task, or :data:`~..waiting.owner.ABSENT`.

    A task that Airflow gave no answer about is missing from what is returned.

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
            log.warning("Airflow did not say how task %s.%s stands: %s", dag_id, task_id, type(error).__name__)
    return found


def write_owner_record(key: str, record: OwnerRecord) -> None:
    """Leave a record of the task that waits for a campaign, so that the campaign can be paused when the task is gone.

    Call it before each wait. It never fails the task: without the record, the campaign is only paused by what hears of
    the task's end.

    :param key: the campaign's key (16 hex digits).
    :param record: the task and its campaign.
    """
    try:
        Variable.set(f"{PREFIX}{key}", json.dumps(record.as_json()))
    except Exception as error:
        log.warning("No owner record could be written for campaign %s: %s", record.campaign_id, type(error).__name__)


def delete_owner_record(key: str) -> None:
    """Delete the record of a campaign that needs none any more: it has ended, is paused, or is to dial on by itself.

    It never fails the task, and must not be called from ``on_kill``.

    :param key: the campaign's key.
    """
    try:
        Variable.delete(f"{PREFIX}{key}")
    except Exception as error:
        log.warning("The owner record %s%s could not be deleted: %s", PREFIX, key, type(error).__name__)


def read_owner_record(key: str, *, connection: str) -> OwnerRecord | None:
    """Return the record of a campaign, ``None`` if there is none or it cannot be read.

    :param key: the campaign's key.
    :param connection: the connection, if the record names none.
    """
    try:
        kept = Variable.get(f"{PREFIX}{key}", None)
        return OwnerRecord.of_json(json.loads(kept), connection=connection) if kept else None
    except (ValueError, TypeError, ExotelInputError) as error:
        log.warning("The owner record %s%s is left alone: %s", PREFIX, key, error)
    except Exception as error:
        log.warning("The owner record %s%s could not be read: %s", PREFIX, key, type(error).__name__)
    return None


def owner_record_keys() -> list[str] | None:
    """Return the keys of all records, ``None`` where Airflow does not list Variables (3.0 to 3.2)."""
    try:
        if _IS_2:
            names = _variables_in_database()
        elif hasattr(Variable, "keys"):
            names = list(Variable.keys(PREFIX))
        else:
            return None
    except Exception as error:
        log.warning("The owner records could not be listed: %s", type(error).__name__)
        return None
    return [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]


def _states_from_sdk(dag_id: str, task_id: str, keys: list[TaskKey]) -> dict[TaskKey, str | None]:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    indexes = {key.map_index for key in keys}
    found: dict[TaskKey, str | None] = {}
    run_ids = list(dict.fromkeys(key.run_id for key in keys))
    for first in range(0, len(run_ids), _RUNS_A_REQUEST):
        runs = run_ids[first : first + _RUNS_A_REQUEST]
        # Without the runs, Airflow would load every instance that the DAG ever had.
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
                found[key] = _word(states.get(key.run_id, {}).get(name, ABSENT))
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
    return {key: _word(states.get((key.run_id, key.map_index), ABSENT)) for key in keys}


def _word(state: Any) -> str | None:
    return None if state is None else str(getattr(state, "value", state))


def _variables_in_database() -> list[str]:
    from airflow.utils.session import create_session

    name: Any = Variable.key  # type: ignore[misc]  # a column, on Airflow 2
    with create_session() as session:
        return [found for (found,) in session.query(name).filter(name.startswith(PREFIX)).all()]
