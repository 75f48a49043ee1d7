"""Remind people, wait for the end, and keep the report with the recordings of the calls.

The service deletes recordings after 90 days. The report identifies people by a digest under the key in the Airflow
Variable ``exotel_report_key``; recordings are named after their call.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
from airflow_provider_exotel.operators.report import CampaignReportOperator

HERE = Path(__file__).parent
AUDIENCE = os.environ.get("EXOTEL_AUDIENCE", (HERE / "audience.csv").as_uri())
REPORTS = os.environ.get("EXOTEL_REPORTS", (HERE / "reports").as_uri())
# Two hours from now, so that it can be tried at any time; give real people a window.
NOW = {"end_at": "PT2H"}

with DAG(
    "exotel_recordings",
    dag_display_name="Report with recordings",
    description="Copy the recordings before the service deletes them",
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
        wait_for_completion=True,
        deferrable=True,
    )
    # Live calls may outlast a campaign by minutes. Until they have ended, the report fails and is tried again.
    report = CampaignReportOperator(
        task_id="report",
        campaign_ids=remind.output,
        path=f"{REPORTS}/{{{{ run_id }}}}",
        recordings=f"{REPORTS}/recordings",
        hash_key_variable="exotel_report_key",
        retries=5,
        retry_delay=timedelta(minutes=10),
    )

if __name__ == "__main__":
    dag.test()
