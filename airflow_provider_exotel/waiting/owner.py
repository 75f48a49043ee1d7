"""Who waits for a campaign: the task that owns it, and whether that task still does. Pure.

A campaign that nobody waits for any more is paused; one whose task runs, or will run again, is left alone. Airflow's
word for a task's state is the only evidence, and no answer is no evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

ABSENT = "absent"
"""Stands for the state of a task instance that does not exist: its run was deleted."""
NO_ANSWER = "no answer"
"""Stands for the state of a task instance where Airflow did not answer."""
_KEY = re.compile(r"af-([0-9a-f]{16})")


@dataclass(frozen=True)
class TaskKey:
    """One task instance, over all its tries.

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
    """The task runs or is deferred: whatever ended, its campaign is waited for."""
    NEXT_TRY = "next try"
    """A try of the task is about to begin, and follows the campaign."""
    CLEARED = "cleared"
    """The task was cleared, and Airflow has not scheduled it again yet."""
    ENDED = "ended"
    """The task has finished, or its run was deleted: nobody waits for the campaign."""
    UNKNOWN = "unknown"
    """Airflow did not answer, or with a word that this version does not know."""


_OWNERSHIP: Mapping[str | None, Ownership] = {
    "running": Ownership.OWNED,
    "deferred": Ownership.OWNED,
    "scheduled": Ownership.NEXT_TRY,
    "queued": Ownership.NEXT_TRY,
    "restarting": Ownership.NEXT_TRY,
    "up_for_retry": Ownership.NEXT_TRY,
    "up_for_reschedule": Ownership.NEXT_TRY,
    "awaiting_input": Ownership.NEXT_TRY,
    "shutdown": Ownership.NEXT_TRY,  # of Airflow 2, for a worker that was told to end
    None: Ownership.CLEARED,
    "success": Ownership.ENDED,
    "failed": Ownership.ENDED,
    "skipped": Ownership.ENDED,
    "upstream_failed": Ownership.ENDED,
    "removed": Ownership.ENDED,
    ABSENT: Ownership.ENDED,
}


def ownership_of(state: str | None) -> Ownership:
    """Return what the state of a task instance says about its campaign.

    :param state: Airflow's word for it, ``None`` for a task that was cleared, :data:`ABSENT` or :data:`NO_ANSWER`.
    """
    return _OWNERSHIP.get(state, Ownership.UNKNOWN)


@dataclass(frozen=True)
class OwnerRecord:
    """The record that a waiting task leaves, so that its campaign can be paused when the task is gone.

    :param connection: the connection of the account.
    :param campaign_id: the campaign.
    :param task: the task that waits for it.
    """

    connection: str
    campaign_id: str
    task: TaskKey

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, free of numbers."""
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

        :param kept: what was stored; unknown keys are ignored.
        :param connection: the connection, if the record names none.
        :raises ExotelInputError: if it does not name a campaign and its task.
        """
        named = kept if isinstance(kept, Mapping) else {}
        missing = [name for name in ("campaign", "dag", "run", "task") if not named.get(name)]
        if missing:
            raise ExotelInputError([Problem("owner record", f"names no {missing[0]}; it is left alone")])
        task = TaskKey(named["dag"], named["run"], named["task"], int(named.get("map_index", -1)))
        return cls(named.get("connection") or connection, named["campaign"], task)


def campaign_key(name: str) -> str | None:
    """Return the key that a campaign's name carries, ``None`` if a task of this package did not create it.

    :param name: the campaign's name; if it holds several keys, the last one counts.
    """
    found = _KEY.findall(name.casefold())
    return found[-1] if found else None
