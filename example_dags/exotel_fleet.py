"""Create a campaign for each region, and wait for all of them with one sensor.

The tasks that create campaigns share a pool: ``airflow pools set exotel 8 "Requests to Exotel"``.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
from airflow_provider_exotel.sensors.campaign import CampaignSensor
from airflow_provider_exotel.windows.calling_window import CallingWindow

AUDIENCE = os.environ.get("EXOTEL_AUDIENCE", (Path(__file__).parent / "audience.csv").as_uri())
REGIONS = [
    {"name": "Survey north", "numbers_from": AUDIENCE},
    {"name": "Survey south", "numbers_from": AUDIENCE},
]

with DAG(
    "exotel_fleet",
    dag_display_name="A campaign for each region",
    description="Several campaigns and one sensor that waits for all",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    create_campaigns = CreateCampaignOperator.partial(
        task_id="create_campaigns",
        pool="exotel",
        read_via_text="How did you like your visit? Press 1 for well, 2 for not so well.",
        window=CallingWindow(start="10:00", end="18:00", timezone="Asia/Kolkata", end_buffer="PT15M"),
        on_missed_window="next",
    ).expand_kwargs(REGIONS)
    CampaignSensor(task_id="wait_for_all", campaign_ids=create_campaigns.output, deferrable=True, poke_interval=60)

if __name__ == "__main__":
    dag.test()
