"""Continue one campaign in the next window until nobody is left to call, for a week at most."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
from airflow_provider_exotel.windows.calling_window import CallingWindow

AUDIENCE = os.environ.get("EXOTEL_AUDIENCE", (Path(__file__).parent / "audience.csv").as_uri())

with DAG(
    "exotel_days",
    dag_display_name="Over several days",
    description="One campaign that continues until nobody is left to call",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    CreateCampaignOperator(
        task_id="create_campaign",
        numbers_from=AUDIENCE,
        read_via_text="Your parcel could not be delivered. Press 1 to have it brought again.",
        name="Parcel",
        mode="custom",
        throttle=10,
        window=CallingWindow(start="10:00", end="13:00", timezone="Asia/Kolkata", weekdays="mon-sat"),
        on_missed_window="next",
        wait_for_completion=True,
        deferrable=True,
        on_window_end="resume",
        # Counted from the run, not from now, since it is rendered again each time a window opens.
        until="{{ (dag_run.start_date + macros.timedelta(days=7)).isoformat() }}",
    )

if __name__ == "__main__":
    dag.test()
