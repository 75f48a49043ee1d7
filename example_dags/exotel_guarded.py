"""Limit the cost of a campaign, and pause it if its calls fail.

``max_cost`` needs ``price_per_minute`` on the connection, so it is given only if ``EXOTEL_MAX_COST`` is set.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_exotel.operators.campaign import CreateCampaignOperator

HERE = Path(__file__).parent
AUDIENCE = os.environ.get("EXOTEL_AUDIENCE", (HERE / "audience.csv").as_uri())
# Two hours from now, so that it can be tried at any time; give real people a window.
NOW = {"end_at": "PT2H"}

with DAG(
    "exotel_guarded",
    dag_display_name="Guarded campaign",
    description="Refuse a campaign that costs too much, pause one that fails",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    remind = CreateCampaignOperator(
        task_id="remind",
        numbers_from=AUDIENCE,
        read_via_text="Your appointment is tomorrow at ten.",
        name="Appointment reminder",
        schedule=NOW,
        max_cost=os.environ.get("EXOTEL_MAX_COST"),
        wait_for_completion=True,
        deferrable=True,
        pause_if_failed_above=0.5,
        min_reached=0.3,
    )

if __name__ == "__main__":
    dag.test()
