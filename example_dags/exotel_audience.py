"""All steps of an audience plan, from a warehouse or a file: plan, approve, upload, call, wait, report.

People who pressed 9, or were called within the week, are left out of the next plan. The reports identify them by keyed
digests.

People are read by a query from the connection that ``EXOTEL_WAREHOUSE`` names, otherwise from the file
``EXOTEL_AUDIENCE``. On Airflow 3.1 and later, nothing is uploaded and nobody is called before somebody has approved the
plan. A plan that calls nobody needs no approval.

The tasks that send requests for each campaign share a pool: ``airflow pools set exotel 8 "Requests to Exotel"``.
"""

from __future__ import annotations

import logging
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowOptionalProviderFeatureException
from airflow.providers.common.compat.standard.operators import ShortCircuitOperator

from airflow_provider_exotel.operators.audience import PlanAudienceOperator
from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
from airflow_provider_exotel.operators.report import CampaignReportOperator
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
# The web address of the folder of plans; with it the task has a button that opens the page.
PLANS_URL = os.environ.get("EXOTEL_PLANS_URL")
REPORTS = os.environ.get("EXOTEL_REPORTS", (HERE / "reports").as_uri())
REPORTS_URL = os.environ.get("EXOTEL_REPORTS_URL")
REPORTED = {"reports": REPORTS, "hash_key_variable": "exotel_report_key", "may_be_missing": True}
RETRIES = {"number_of_retries": 1, "interval_mins": 15, "mechanism": "Linear", "on_status": ["busy", "no-answer"]}
PLANNED = "ti.xcom_pull(task_ids='plan', key='plan')"


def calls_anybody(plan: dict[str, Any]) -> bool:
    """Return whether there is anybody to call, and log the plan in words."""
    logging.getLogger(__name__).info("%s", plan["description"])
    return bool(plan["accepted"])


with DAG(
    "exotel_audience",
    dag_display_name="An audience, from plan to report",
    description="Plan, approve, upload, call, wait, report",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    plan = PlanAudienceOperator(
        task_id="plan",
        output_path=f"{PLANS}/{{{{ run_id }}}}",
        folder_url=PLANS_URL and f"{PLANS_URL}/{{{{ run_id }}}}",
        **PEOPLE,
        default_country="IN",
        presets={
            "IN": {"preset": "IN_SERVICE", "end_buffer": "PT30M"},
            "AE": {"preset": "AE_MARKETING", "end_buffer": "PT30M"},
            "SG": {"preset": "SG_TELEMARKETING", "end_buffer": "PT30M"},
        },
        suppress=[
            {"name": "pressed 9", "days": 3650, "digit": "9", **REPORTED},
            {"name": "called this week", "days": 7, **REPORTED},
        ],
        read_via_text="Your appointment is tomorrow at ten. Press 9 not to be called again.",
        call_retries=RETRIES,
        name="Appointment reminder",
    )
    anybody = ShortCircuitOperator(
        task_id="anybody", python_callable=calls_anybody, op_kwargs={"plan": plan.output["plan"]}
    )
    upload = UploadAudienceOperator.partial(task_id="upload", deferrable=True, pool="exotel").expand(
        campaign=plan.output
    )
    # Approval may take longer than a window is open.
    call = CreateCampaignOperator.partial(task_id="call", on_missed_window="next", pool="exotel").expand_kwargs(
        upload.output
    )
    ended = CampaignSensor(task_id="ended", campaign_ids=call.output, deferrable=True)
    # Live calls may outlast a campaign by minutes. Until they have ended, the report fails and is tried again.
    report = CampaignReportOperator(
        task_id="report",
        campaign_ids=call.output,
        path=f"{REPORTS}/{{{{ run_id }}}}",
        folder_url=REPORTS_URL and f"{REPORTS_URL}/{{{{ run_id }}}}",
        call_retries=RETRIES,
        hash_key_variable="exotel_report_key",
        retries=5,
        retry_delay=timedelta(minutes=10),
    )

    if ApprovalOperator is not None:
        approve = ApprovalOperator(
            task_id="approve",
            subject=f"Call {{{{ {PLANNED}['accepted'] }}}} people by plan {{{{ {PLANNED}['id'] }}}}?",
            body=f"{{{{ {PLANNED}['markdown'] }}}}\n{{{{ {PLANNED}['url'] or {PLANNED}['files']['page'] }}}}",
        )
        anybody >> approve >> upload
    else:
        anybody >> upload
    call >> ended >> report

if __name__ == "__main__":
    dag.test()
