"""Remind the people in a file, on working days between 10:00 and 18:00 in their time zone."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
from airflow_provider_exotel.windows.calling_window import CallingWindow

AUDIENCE = os.environ.get("EXOTEL_AUDIENCE", (Path(__file__).parent / "audience.csv").as_uri())

with DAG(
    "exotel_quickstart",
    dag_display_name="Quickstart",
    description="Remind the people in a file, inside their calling hours",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    params={
        "greeting": Param("Your appointment is tomorrow at ten.", type="string", title="What people hear"),
        "throttle": Param(30, type="integer", minimum=1, maximum=59, title="Calls per minute"),
    },
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    create_campaign = CreateCampaignOperator(
        task_id="create_campaign",
        numbers_from=AUDIENCE,
        flow_type="greeting",
        read_via_text="{{ params.greeting }}",
        name="Appointment reminder",
        call_retries={
            "number_of_retries": 2,
            "interval_mins": 15,
            "mechanism": "Linear",
            "on_status": ["busy", "no-answer"],
        },
        window=CallingWindow(
            start="10:00", end="18:00", timezone="Asia/Kolkata", weekdays="mon-fri", end_buffer="PT15M"
        ),
        on_missed_window="next",
        mode="custom",
        throttle="{{ params.throttle }}",
    )

if __name__ == "__main__":
    dag.test()
