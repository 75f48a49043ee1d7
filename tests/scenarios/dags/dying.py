"""Tasks whose worker is killed at one step of creating a campaign, in their first try."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_exotel import CreateCampaignOperator
from airflow_provider_exotel.create.journal import CampaignJournal
from airflow_provider_exotel.create.once import Clock, OneCampaign

STEPS = ("before_the_intent", "before_the_post", "during_the_post", "after_the_answer", "after_recording", "never")


def die() -> None:
    """Be gone at once: no clean-up, no signal handler, no exit code of Python's."""
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does its work and is the last thing its process does."""

    def last(*arguments: Any, **options: Any) -> None:
        function(*arguments, **options)
        die()

    return last


class Patience:
    """A clock whose waits pass at once."""

    def __init__(self) -> None:
        self.waited = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.waited

    def sleep(self, seconds: float) -> None:
        self.waited += timedelta(seconds=seconds)


class Dying(CreateCampaignOperator):
    """A campaign's task that is killed in its first try, and does not really wait for a lost answer in its second."""

    def __init__(self, *, step: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.step = step

    def execute(self, context: Any) -> Any:
        patience = Patience()
        Clock.__init__.__defaults__ = (patience.now, patience.sleep)  # type: ignore[attr-defined]
        if context["ti"].try_number == 1:
            self.prepare_to_die()
        return super().execute(context)

    def prepare_to_die(self) -> None:
        client = self.hook.client
        if self.step == "before_the_intent":
            OneCampaign.find = then_die(OneCampaign.find)  # type: ignore[method-assign]
        elif self.step == "before_the_post":
            CampaignJournal.intend = then_die(CampaignJournal.intend)  # type: ignore[method-assign]
        elif self.step == "during_the_post":
            send = client.create_campaign

            def in_flight(request: Any) -> Any:
                threading.Timer(1.0, die).start()  # the service keeps this one waiting for longer
                return send(request)

            client.create_campaign = in_flight  # type: ignore[method-assign]
        elif self.step == "after_the_answer":
            client.create_campaign = then_die(client.create_campaign)  # type: ignore[method-assign]
        elif self.step == "after_recording":
            CampaignJournal.record = then_die(CampaignJournal.record)  # type: ignore[method-assign]


for step in STEPS:
    with DAG(f"dies_{step}", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
        Dying(
            task_id="create",
            step=step,
            name=step,
            numbers=["+919876500000", "+919876500001"],
            read_via_text="Hello",
            schedule={"send_at": "PT1H", "end_at": "PT9H"},
            retries=2,
            retry_delay=timedelta(0),
        )
    globals()[dag.dag_id] = dag
