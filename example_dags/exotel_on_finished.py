"""Run whenever a campaign of the account has finished, however it was created (Airflow 3.3 and later)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_exotel.triggers.assets import finished_campaigns


@task
def print_outcomes(triggering_asset_events: Any = None) -> None:
    """Print how each campaign ended; several may arrive as one run."""
    for events in triggering_asset_events.values():
        for event in events:
            outcome = event.extra["payload"]
            print(f"Campaign {outcome['id']} is {outcome['status']}: {outcome['reached']} people were reached.")


if not airflow_version.startswith(("2.", "3.0", "3.1", "3.2")):
    with DAG(
        "exotel_on_finished",
        dag_display_name="When a campaign has finished",
        description="Runs by itself whenever a campaign has finished",
        schedule=[finished_campaigns()],
        start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
        catchup=False,
        tags=["exotel"],
        doc_md=__doc__,
    ) as dag:
        print_outcomes()
