"""Create a campaign, wait for its end without a worker, and branch by how many people it reached."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
from airflow_provider_exotel.windows.calling_window import CallingWindow

AUDIENCE = os.environ.get("EXOTEL_AUDIENCE", (Path(__file__).parent / "audience.csv").as_uri())


@task.branch
def choose_next(outcome: dict[str, Any]) -> str:
    """Choose the task that follows."""
    return "notify_team" if outcome["reached"] < 0.5 * outcome["contacts"] else "done"


@task
def notify_team(outcome: dict[str, Any]) -> None:
    """Print how the campaign ended."""
    print(f"{outcome['reached']} of {outcome['contacts']} people were reached, {outcome['never_tried']} never called.")


@task
def done() -> None:
    """Do nothing more."""


with DAG(
    "exotel_outcome",
    dag_display_name="Branch by the outcome",
    description="Wait without a worker, then choose the next task",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    create_campaign = CreateCampaignOperator(
        task_id="create_campaign",
        numbers_from=AUDIENCE,
        read_via_text="Your appointment is tomorrow at ten.",
        name="Appointment reminder",
        window=CallingWindow(start="10:00", end="18:00", timezone="Asia/Kolkata", end_buffer="PT15M"),
        on_missed_window="next",
        wait_for_completion=True,
        deferrable=True,
    )
    outcome = create_campaign.output["outcome"]
    choose_next(outcome) >> [notify_team(outcome), done()]

if __name__ == "__main__":
    dag.test()
