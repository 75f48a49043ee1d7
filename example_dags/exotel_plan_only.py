"""See what a campaign would do before anybody is called: the plan as a page.

``EXOTEL_PLANS`` names the folder of the pages, and ``EXOTEL_PLANS_URL`` its web address.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_exotel.operators.campaign import CreateCampaignOperator

HERE = Path(__file__).parent
AUDIENCE = os.environ.get("EXOTEL_AUDIENCE", (HERE / "audience.csv").as_uri())
PLANS = os.environ.get("EXOTEL_PLANS", (HERE / "plans").as_uri())
PLANS_URL = os.environ.get("EXOTEL_PLANS_URL")
# Two hours from now, so that it can be tried at any time; give real people a window.
NOW = {"end_at": "PT2H"}

with DAG(
    "exotel_plan_only",
    dag_display_name="Only the plan",
    description="Check everything, call nobody, write a page",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    plan = CreateCampaignOperator(
        task_id="plan",
        numbers_from=AUDIENCE,
        read_via_text="Your appointment is tomorrow at ten.",
        name="Appointment reminder",
        call_retries={"number_of_retries": 2, "interval_mins": 15, "on_status": ["busy", "no-answer"]},
        schedule=NOW,
        plan_only=True,
        plan_path=f"{PLANS}/{{{{ run_id }}}}",
        folder_url=PLANS_URL and f"{PLANS_URL}/{{{{ run_id }}}}",
    )

if __name__ == "__main__":
    dag.test()
