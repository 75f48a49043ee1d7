"""DAGs that run when campaigns of the account have finished."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_exotel import finished_campaigns


@task(task_id="create")
def ids(triggering_asset_events: Any = None) -> list[str]:
    return [event.extra["payload"]["id"] for events in triggering_asset_events.values() for event in events]


for watcher in ("one", "other"):
    with DAG(
        f"told_{watcher}",
        schedule=[finished_campaigns(poll_interval=2)],
        start_date=datetime(2026, 1, 1),
        catchup=False,
    ) as dag:
        ids()
    globals()[dag.dag_id] = dag
