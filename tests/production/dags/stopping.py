"""Campaigns that take a quarter of an hour, for people to stop meanwhile."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_exotel import CreateCampaignOperator

COMMON: dict[str, Any] = {
    "task_id": "call",
    "pool": "exotel",
    "read_via_text": "Your appointment is tomorrow at ten.",
    "window": json.loads(os.environ["EXOTEL_WINDOW"]),
    "on_missed_window": "next",
    "wait_for_completion": True,
    "deferrable": True,
    "poll_interval": 15,
    "retries": 2,
    "retry_delay": timedelta(seconds=2),
}
AIRFLOW: dict[str, Any] = {"start_date": datetime(2026, 1, 1), "catchup": False}
# Which campaign a run is for; each has people of its own.
ONE = {
    "name": "{{ dag_run.conf['case'] }}",
    "numbers_from": "s3://aws_default@audiences/long/{{ dag_run.conf['file'] }}.csv",
}

with DAG("stop_one", max_active_runs=16, schedule=None, **AIRFLOW):
    CreateCampaignOperator(exotel_conn_id="stopping", **COMMON, **ONE)

with DAG("clear_and_resume", schedule=None, **AIRFLOW):
    CreateCampaignOperator(exotel_conn_id="stopping", if_paused="resume", **COMMON, **ONE)

with DAG("stop_many", max_active_tasks=64, schedule=None, **AIRFLOW):
    CreateCampaignOperator.partial(exotel_conn_id="stopping_limited", **COMMON).expand_kwargs(
        [{"numbers_from": f"s3://aws_default@audiences/long/{n:02}.csv", "name": f"many {n:02}"} for n in range(20)]
    )
