"""Write a report of ended campaigns on demand: press *Trigger* and enter their ids."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_exotel.operators.report import CampaignReportOperator

REPORTS = os.environ.get("EXOTEL_REPORTS", (Path(__file__).parent / "reports").as_uri())
# The web address of that folder; with it the report task has a button that opens the page.
REPORTS_URL = os.environ.get("EXOTEL_REPORTS_URL")

with DAG(
    "exotel_report_on_demand",
    dag_display_name="A report on demand",
    description="Press Trigger and enter the ids of the campaigns",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    params={"campaign_ids": Param("", type="string", title="Campaigns", description="Ids, separated by commas")},
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    CampaignReportOperator(
        task_id="report",
        campaign_ids="{{ params.campaign_ids }}",
        path=f"{REPORTS}/{{{{ run_id }}}}",
        folder_url=REPORTS_URL and f"{REPORTS_URL}/{{{{ run_id }}}}",
        timezone="Asia/Kolkata",
        hash_key_variable="exotel_report_key",
    )

if __name__ == "__main__":
    dag.test()
