"""A task that runs repeatedly, in any order of tries and runs, on an Airflow with or without stored state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow_provider_exotel import CreateCampaignOperator, ExotelClient
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.hooks.task import HAS_BEGUN

from ..versions import AIRFLOW

NUMBERS = ["+919876500000", "+919876500001"]
OPEN = {"send_at": "PT1H", "end_at": "PT9H"}
KEEPS_STATE = AIRFLOW >= (3, 3)


class Died(BaseException):
    """The worker was killed."""


def die() -> None:
    """Kill the worker."""
    raise Died


def do_nothing() -> None:
    """Do nothing."""


@dataclass
class KeptState:
    """Airflow's ``task_state_store`` of one task instance."""

    kept: dict[str, Any] = field(default_factory=dict)
    after_writing: Callable[[], None] = do_nothing

    def get(self, key: str) -> Any:
        return self.kept.get(key)

    def set(self, key: str, value: Any, *, retention: Any) -> None:
        self.kept[key] = value
        if key != HAS_BEGUN:
            self.after_writing()


@dataclass
class Tries:
    """Runs tries of tasks in the same way as Airflow.

    :param exotel: the account.
    :param keeps_state: whether Airflow stores the state of a task, as from 3.3 on.
    """

    exotel: Emulator
    keeps_state: bool
    states: dict[tuple[str, str, str, int], KeptState] = field(default_factory=lambda: defaultdict(KeptState))
    xcom: dict[str, Any] = field(default_factory=dict)

    @property
    def client(self) -> ExotelClient:
        """A person at the dashboard."""
        exotel = self.exotel
        return ExotelClient(exotel.api_key, exotel.api_token, exotel.account_sid, exotel.host, requests_per_minute=600)

    @property
    def statuses(self) -> list[str]:
        """The statuses of the account's campaigns, in the order of their creation."""
        return [campaign.status for campaign in self.exotel.campaigns]

    def posts(self) -> list[Any]:
        """The bodies of the create requests."""
        return [entry.body for entry in self.exotel.requests if entry.method == "POST"]

    def run(
        self,
        number: int = 1,
        *,
        dag_id: str = "reminders",
        run_id: str = "scheduled__1",
        task_id: str = "create",
        map_index: int = -1,
        after_writing: Callable[[], None] = do_nothing,
        at_the_end: Callable[[], None] = do_nothing,
        logical_date: datetime | None = None,
        params: dict[str, Any] | None = None,
        conf: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """Run one try and return the task's return value.

        :param number: the number of the try.
        :param after_writing: called after each journal entry, for instance to kill the worker.
        :param at_the_end: called before each XCom, for instance to kill the worker.
        :param params: the run's params, all declared by the DAG.
        :param conf: the run's conf.
        """

        def keep(key: str, value: Any) -> None:
            at_the_end()
            self.xcom[key] = value

        now = datetime.now(UTC)
        context: dict[str, Any] = {
            "ti": SimpleNamespace(
                dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index, try_number=number, xcom_push=keep
            ),
            "dag_run": SimpleNamespace(run_after=now, start_date=now, conf=conf or params),
            "logical_date": logical_date,
            "params": {name: getattr(one, "value", one) for name, one in {**(params or {}), **(conf or {})}.items()},
        }
        if self.keeps_state:
            state = self.states[dag_id, run_id, task_id, map_index]
            state.after_writing = after_writing
            context["task_state_store"] = state
        given = {"numbers": NUMBERS, "read_via_text": "Hello", "schedule": OPEN, "settle": 0} | arguments
        return CreateCampaignOperator(task_id=task_id, params=params or {}, **given).execute(context)
