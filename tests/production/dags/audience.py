"""30,000 people: a plan, their lists, their campaigns, a report."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_exotel import (
    CampaignReportOperator,
    CampaignSensor,
    CreateCampaignOperator,
    PlanAudienceOperator,
    UploadAudienceOperator,
)

BUCKET = "s3://aws_default@audiences"
AGAIN: dict[str, Any] = {"exotel_conn_id": "audience", "retries": 6, "retry_delay": timedelta(seconds=2)}

with DAG("audience", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):
    plan = PlanAudienceOperator(
        task_id="plan",
        output_path=f"{BUCKET}/plans/{{{{ run_id }}}}",
        path=f"{BUCKET}/people.csv",
        default_country="IN",
        window=json.loads(os.environ["EXOTEL_WINDOW"]),
        calls_per_minute=60_000,
        name="Reminder",
        read_via_text="Your appointment is tomorrow at ten.",
        **AGAIN,
    )
    upload = UploadAudienceOperator.partial(task_id="upload", deferrable=True, pool="exotel", **AGAIN).expand(
        campaign=plan.output
    )
    call = CreateCampaignOperator.partial(
        task_id="call", on_missed_window="next", pool="exotel", **AGAIN
    ).expand_kwargs(upload.output)
    ended = CampaignSensor(task_id="ended", campaign_ids=call.output, deferrable=True, poke_interval=15, **AGAIN)
    report = CampaignReportOperator(
        task_id="report",
        campaign_ids=call.output,
        path=f"{BUCKET}/reports/{{{{ run_id }}}}",
        timezone="Asia/Kolkata",
        hash_key_variable="exotel_report_key",
        **AGAIN,
    )
    call >> ended >> report
