"""From a warehouse (or a file) to a fleet of campaigns: plan, approve, upload, call, wait.

People are read from the connection that ``EXOTEL_WAREHOUSE`` names, by a query, or else from the file
``EXOTEL_AUDIENCE``. Nothing is uploaded and nobody is called before somebody has approved the plan, by its id, where
Airflow can ask (3.1 and later).
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowOptionalProviderFeatureException

from airflow_provider_exotel.operators.audience import PlanAudienceOperator
from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
from airflow_provider_exotel.operators.upload import UploadAudienceOperator
from airflow_provider_exotel.sensors.campaign import CampaignSensor

try:
    from airflow.providers.standard.operators.hitl import ApprovalOperator
except (ImportError, AirflowOptionalProviderFeatureException):
    ApprovalOperator = None

HERE = Path(__file__).parent
WAREHOUSE = os.environ.get("EXOTEL_WAREHOUSE")
QUERY = "select number from people where due_on <= current_date order by number"
PEOPLE: dict[str, Any] = (
    {"sql": QUERY, "sql_conn_id": WAREHOUSE}
    if WAREHOUSE
    else {"path": os.environ.get("EXOTEL_AUDIENCE", (HERE / "audience.csv").as_uri())}
)
PLANS = os.environ.get("EXOTEL_PLANS", (HERE / "plans").as_uri())
PLANNED = "ti.xcom_pull(task_ids='plan', key='plan')"

with DAG(
    "exotel_audience",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    plan = PlanAudienceOperator(
        task_id="plan",
        output_path=f"{PLANS}/{{{{ run_id }}}}",
        **PEOPLE,
        default_country="IN",
        presets={
            "IN": {"preset": "IN_SERVICE", "end_buffer": "PT30M"},
            "AE": {"preset": "AE_MARKETING", "end_buffer": "PT30M"},
            "SG": {"preset": "SG_TELEMARKETING", "end_buffer": "PT30M"},
        },
        read_via_text="Your appointment is tomorrow at ten.",
        call_retries={
            "number_of_retries": 1,
            "interval_mins": 15,
            "mechanism": "Linear",
            "on_status": ["busy", "no-answer"],
        },
        name="Appointment reminder",
    )
    upload = UploadAudienceOperator.partial(task_id="upload", deferrable=True).expand(campaign=plan.output)
    # Approval may take longer than a window is open.
    call = CreateCampaignOperator.partial(task_id="call", on_missed_window="next").expand_kwargs(upload.output)
    ended = CampaignSensor(task_id="ended", campaign_ids=call.output, deferrable=True)

    if ApprovalOperator is not None:
        approve = ApprovalOperator(
            task_id="approve",
            subject=f"Call {{{{ {PLANNED}['accepted'] }}}} people by plan {{{{ {PLANNED}['id'] }}}}?",
            body=f"{{{{ {PLANNED}['markdown'] }}}}",
        )
        plan >> approve >> upload
    call >> ended

if __name__ == "__main__":
    dag.test()
