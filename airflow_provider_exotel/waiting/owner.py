"""The owner of a campaign: the task that waits for it, and whether it still does. Pure.

A campaign that no task waits for is paused. A campaign whose task runs, or will run again, is left alone. Only the task
state in Airflow decides; if Airflow does not answer, nothing is paused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

ABSENT = "absent"
"""State of a task instance that does not exist because its run was deleted."""
NO_ANSWER = "no answer"
"""State of a task instance if Airflow did not answer."""
_KEY = re.compile(r"af-([0-9a-f]{16})")


@dataclass(frozen=True)
class TaskKey:
    """One task instance, across all of its tries.

    :param dag_id: its DAG.
    :param run_id: its run.
    :param task_id: its task.
    :param map_index: its index if mapped, else -1.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1

    def __str__(self) -> str:
        index = f"[{self.map_index}]" if self.map_index >= 0 else ""
        return f"{self.dag_id}.{self.task_id}{index} of run {self.run_id}"


class Ownership(StrEnum):
    """Whether a campaign's task still waits for it."""

    OWNED = "owned"
    """The task runs or is deferred, and waits for its campaign."""
    NEXT_TRY = "next try"
    """The next try of the task is about to start and will follow the campaign."""
    CLEARED = "cleared"
    """The task was cleared, and Airflow has not rescheduled it yet."""
    ENDED = "ended"
    """The task has finished, or its run was deleted: no task waits for the campaign."""
    UNKNOWN = "unknown"
    """Airflow did not answer, or returned a state that this version does not know."""


_OWNERSHIP: Mapping[str | None, Ownership] = {
    "running": Ownership.OWNED,
    "deferred": Ownership.OWNED,
    "scheduled": Ownership.NEXT_TRY,
    "queued": Ownership.NEXT_TRY,
    "restarting": Ownership.NEXT_TRY,
    "up_for_retry": Ownership.NEXT_TRY,
    "up_for_reschedule": Ownership.NEXT_TRY,
    "awaiting_input": Ownership.NEXT_TRY,
    "shutdown": Ownership.NEXT_TRY,  # Airflow 2, for a worker that is shutting down
    None: Ownership.CLEARED,
    "success": Ownership.ENDED,
    "failed": Ownership.ENDED,
    "skipped": Ownership.ENDED,
    "upstream_failed": Ownership.ENDED,
    "removed": Ownership.ENDED,
    ABSENT: Ownership.ENDED,
}


def ownership_of(state: str | None) -> Ownership:
    """Return the ownership that follows from the state of a task instance.

    :param state: its state in Airflow, ``None`` for a cleared task, :data:`ABSENT` or :data:`NO_ANSWER`.
    """
    return _OWNERSHIP.get(state, Ownership.UNKNOWN)


@dataclass(frozen=True)
class OwnerRecord:
    """The record that a waiting task stores, so that its campaign can be paused after the task is gone.

    :param connection: the connection of the account.
    :param campaign_id: the campaign.
    :param task: the task that waits for it.
    """

    connection: str
    campaign_id: str
    task: TaskKey

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, without phone numbers."""
        return {
            "connection": self.connection,
            "campaign": self.campaign_id,
            "dag": self.task.dag_id,
            "run": self.task.run_id,
            "task": self.task.task_id,
            "map_index": self.task.map_index,
        }

    @classmethod
    def of_json(cls, kept: Any, *, connection: str = "") -> Self:
        """Return the record that :meth:`as_json` stored, whichever version stored it.

        :param kept: the stored JSON; unknown keys are ignored.
        :param connection: the connection to use if the record has none.
        :raises ExotelInputError: if it lacks the campaign or its task.
        """
        named = kept if isinstance(kept, Mapping) else {}
        missing = [name for name in ("campaign", "dag", "run", "task") if not named.get(name)]
        if missing:
            raise ExotelInputError([Problem("owner record", f"has no {missing[0]}; the campaign is left alone")])
        task = TaskKey(named["dag"], named["run"], named["task"], int(named.get("map_index", -1)))
        return cls(named.get("connection") or connection, named["campaign"], task)


def campaign_key(name: str) -> str | None:
    """Return the key in a campaign's name, or ``None`` if this package did not create it.

    :param name: the campaign's name; if it contains several keys, only the last one counts.
    """
    found = _KEY.findall(name.casefold())
    return found[-1] if found else None
