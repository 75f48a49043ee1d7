"""Pause campaigns whose tasks are gone, every five minutes, in case no process noticed the end of the task."""

from __future__ import annotations

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_exotel.operators.pause import PauseOrphanedCampaignsOperator

with DAG(
    "exotel_orphans",
    dag_display_name="Pause orphaned campaigns",
    description="Every five minutes, pause campaigns whose tasks are gone",
    schedule="*/5 * * * *",
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    max_active_runs=1,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    PauseOrphanedCampaignsOperator(task_id="pause_orphaned_campaigns", retries=1)

if __name__ == "__main__":
    dag.test()
