"""Pause what dials for tasks that are gone; a team runs it every five minutes, a scenario when it is needed."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_provider_exotel import PauseOrphanedCampaignsOperator

with DAG("pause_orphans", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):
    PauseOrphanedCampaignsOperator(task_id="pause", exotel_conn_id="stopping")
