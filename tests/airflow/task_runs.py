"""A task that runs again and again, in whatever order of tries and runs, on an Airflow that keeps its state or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow_provider_exotel import CreateCampaignOperator, ExotelClient
from airflow_provider_exotel.emulator import Emulator

from ..versions import AIRFLOW

NUMBERS = ["+919876500000", "+919876500001"]
OPEN = {"send_at": "PT1H", "end_at": "PT9H"}
KEEPS_STATE = AIRFLOW >= (3, 3)


class Died(BaseException):
    """The worker is gone."""


def die() -> None:
    """End it all."""
    raise Died


def live_on() -> None:
    """Do nothing."""


@dataclass
class KeptState:
    """Airflow's ``task_state_store`` of one task instance."""

    kept: dict[str, Any] = field(default_factory=dict)
    after_writing: Callable[[], None] = live_on

    def get(self, key: str) -> Any:
        return self.kept.get(key)

    def set(self, key: str, value: Any, *, retention: Any) -> None:
        self.kept[key] = value
        self.after_writing()


@dataclass
class Tries:
    """The tries of tasks, each as Airflow runs it.

    :param exotel: the account.
    :param keeps_state: whether Airflow keeps the state of a task, as it does from 3.3 on.
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
        """How the account's campaigns stand, in the order of their creation."""
        return [campaign.status for campaign in self.exotel.campaigns]

    def posts(self) -> list[Any]:
        """What was sent to be created."""
        return [entry.body for entry in self.exotel.requests if entry.method == "POST"]

    def run(
        self,
        number: int = 1,
        *,
        dag_id: str = "reminders",
        run_id: str = "scheduled__1",
        task_id: str = "create",
        map_index: int = -1,
        after_writing: Callable[[], None] = live_on,
        at_the_end: Callable[[], None] = live_on,
        logical_date: datetime | None = None,
        params: dict[str, Any] | None = None,
        conf: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """Run one try and return what the task returns.

        :param number: which try it is.
        :param after_writing: what happens to the worker after Airflow kept something for it.
        :param at_the_end: what happens to it before it ends.
        :param params: what the DAG declares and the run fills in.
        :param conf: what the run was triggered with.
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
