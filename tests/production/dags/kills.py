"""Twenty campaigns, waited for in the triggerer, while parts of Airflow are killed."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta

from airflow.sdk import DAG

from airflow_provider_exotel import CreateCampaignOperator

with DAG("kills", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, max_active_tasks=64):
    CreateCampaignOperator.partial(
        task_id="call",
        exotel_conn_id="kills",
        pool="exotel",
        read_via_text="Your appointment is tomorrow at ten.",
        window=json.loads(os.environ["EXOTEL_WINDOW"]),
        on_missed_window="next",
        wait_for_completion=True,
        deferrable=True,
        poll_interval=15,
        retries=8,
        retry_delay=timedelta(seconds=2),
    ).expand_kwargs(
        [{"numbers_from": f"s3://aws_default@audiences/kills/{n:02}.csv", "name": f"kill {n:02}"} for n in range(20)]
    )
