"""Create a campaign from Python tasks with the hook's methods for agents, which take plain types and return JSON.

``EXOTEL_LIST`` names the contact list.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_exotel.hooks.exotel import ExotelHook

LISTS = [os.environ.get("EXOTEL_LIST", "demo-list")]
TEXT = "Your appointment is tomorrow at ten."


@task
def plan() -> dict[str, Any]:
    """Check the campaign; nothing is sent."""
    now = datetime.now(UTC)
    times = {"send_at": (now + timedelta(minutes=2)).isoformat(), "end_at": (now + timedelta(hours=2)).isoformat()}
    print(ExotelHook().plan_campaign(LISTS, read_via_text=TEXT, **times)["description"])
    return times


@task
def order(times: dict[str, Any], run_id: str | None = None) -> dict[str, Any]:
    """Create the campaign of this run, only once however often the task is tried."""
    return ExotelHook().order_campaign(f"python-{run_id}", LISTS, read_via_text=TEXT, name="Reminder", **times)


@task
def print_state(campaign: dict[str, Any]) -> None:
    """Print the state of the campaign."""
    print(ExotelHook().get_campaign(campaign["id"]))


with DAG(
    "exotel_python_tasks",
    dag_display_name="From Python tasks",
    description="Plan, order and read a campaign with plain types",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    print_state(order(plan()))

if __name__ == "__main__":
    dag.test()
