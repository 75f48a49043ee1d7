"""Tasks that wait for a campaign which dials for minutes, until something happens to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_exotel import CreateCampaignOperator

EVENTS = (
    "failed",
    "success",
    "cleared",
    "run_failed",
    "run_deleted",
    "failed_request",
    "left",
    "in_flight",
    "restarted",
)
WAITING: dict[str, dict[str, Any]] = {"worker": {"deferrable": False}, "triggerer": {"deferrable": True}}

for event in EVENTS:
    for mode, arguments in WAITING.items():
        with DAG(f"{event}_{mode}", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
            CreateCampaignOperator(
                task_id="create",
                name=f"{event} {mode}",
                numbers=[f"+919876500{person:03}" for person in range(60)],
                read_via_text="Hello",
                schedule={"end_at": "PT9H"},
                mode="custom",
                throttle=1,
                wait_for_completion=True,
                poll_interval=1,
                pause_on_kill=event != "left",
                **arguments,
            )
        globals()[dag.dag_id] = dag
