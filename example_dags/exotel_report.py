"""Remind people, wait until the campaign has ended, and write a report."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, Asset

from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
from airflow_provider_exotel.operators.report import CampaignReportOperator
from airflow_provider_exotel.sensors.campaign import CampaignSensor

HERE = Path(__file__).parent
AUDIENCE = os.environ.get("EXOTEL_AUDIENCE", (HERE / "audience.csv").as_uri())
REPORTS = os.environ.get("EXOTEL_REPORTS", (HERE / "reports").as_uri())
# The web address of that folder; with it the report task has a button that opens the page.
REPORTS_URL = os.environ.get("EXOTEL_REPORTS_URL")
WINDOW = {"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata", "weekdays": "mon-fri", "end_buffer": "PT15M"}
RETRIES = {"number_of_retries": 2, "interval_mins": 15, "mechanism": "Linear", "on_status": ["busy", "no-answer"]}

with DAG(
    "exotel_report",
    dag_display_name="A campaign and its report",
    description="Remind, wait, report",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    create = CreateCampaignOperator(
        task_id="create",
        numbers_from=AUDIENCE,
        read_via_text="Your appointment is tomorrow at ten.",
        name="Appointment reminder",
        call_retries=RETRIES,
        window=WINDOW,
        on_missed_window="next",
    )

    ended = CampaignSensor(
        task_id="ended",
        campaign_ids=create.output,
        mode="reschedule",
        poke_interval=60,
        timeout=timedelta(days=4).total_seconds(),
    )

    # Live calls may outlast the campaign by minutes. Until they have ended, the report fails and is tried again.
    report = CampaignReportOperator(
        task_id="report",
        campaign_ids=create.output,
        path=f"{REPORTS}/{{{{ run_id }}}}",
        folder_url=REPORTS_URL and f"{REPORTS_URL}/{{{{ run_id }}}}",
        window=WINDOW,
        call_retries=RETRIES,
        hash_key_variable="exotel_report_key",
        on_violation="fail",
        retries=5,
        retry_delay=timedelta(minutes=10),
        outlets=[Asset("exotel_report")],
    )

    ended >> report

if __name__ == "__main__":
    dag.test()
