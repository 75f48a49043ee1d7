"""Call yourself first, approve, and then call everybody, for teams in which one person tests and another decides.

On Airflow 3.1 and later, nobody else is called before somebody has approved.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, AirflowOptionalProviderFeatureException

from airflow_provider_exotel.operators.campaign import CreateCampaignOperator

try:
    from airflow.providers.standard.operators.hitl import ApprovalOperator
except (ImportError, AirflowOptionalProviderFeatureException):
    ApprovalOperator = None

HERE = Path(__file__).parent
AUDIENCE = os.environ.get("EXOTEL_AUDIENCE", (HERE / "audience.csv").as_uri())
# Two hours from now, so that it can be tried at any time; give real people a window.
NOW = {"end_at": "PT2H"}
TEXT = "Your appointment is tomorrow at ten."

with DAG(
    "exotel_test_and_approve",
    dag_display_name="Test, approve, call",
    description="A test campaign, an approval, and the real campaign",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    test = CreateCampaignOperator(
        task_id="test",
        numbers="{{ var.value.exotel_testers }}",
        read_via_text=TEXT,
        name="Appointment reminder, test",
        schedule=NOW,
        wait_for_completion=True,
        deferrable=True,
    )
    call = CreateCampaignOperator(
        task_id="call",
        numbers_from=AUDIENCE,
        read_via_text=TEXT,
        name="Appointment reminder",
        schedule=NOW,
        # If the approval takes longer than the two hours, nobody is called.
        on_missed_window="skip",
    )
    if ApprovalOperator is not None:
        approve = ApprovalOperator(
            task_id="approve",
            subject="Call everybody?",
            body="{{ ti.xcom_pull(task_ids='test', key='outcome')['summary'] }}",
        )
        test >> approve >> call
    else:
        test >> call

if __name__ == "__main__":
    dag.test()
