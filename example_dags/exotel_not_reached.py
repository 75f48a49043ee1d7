"""Call the people again that earlier campaigns did not reach, nobody more than five times altogether.

It reads the reports of the example *Report with recordings*, or any others with the same key.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_exotel.operators.audience import PlanAudienceOperator
from airflow_provider_exotel.operators.campaign import CreateCampaignOperator

HERE = Path(__file__).parent
AUDIENCE = os.environ.get("EXOTEL_AUDIENCE", (HERE / "audience.csv").as_uri())
PLANS = os.environ.get("EXOTEL_PLANS", (HERE / "plans").as_uri())
REPORTS = os.environ.get("EXOTEL_REPORTS", (HERE / "reports").as_uri())

with DAG(
    "exotel_not_reached",
    dag_display_name="People not reached",
    description="A second campaign for people that the first did not reach",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    plan = PlanAudienceOperator(
        task_id="plan",
        output_path=f"{PLANS}/{{{{ run_id }}}}",
        path=AUDIENCE,
        default_country="IN",
        window={"start": "00:00", "end": "23:59", "timezone": "Asia/Kolkata"},
        reports=REPORTS,
        outcome="not_reached",
        max_attempts=5,
        hash_key_variable="exotel_report_key",
        read_via_text="Your appointment is tomorrow at ten.",
        name="Appointment reminder, once more",
    )
    CreateCampaignOperator.partial(task_id="call", on_missed_window="next", pool="exotel").expand_kwargs(plan.output)

if __name__ == "__main__":
    dag.test()
