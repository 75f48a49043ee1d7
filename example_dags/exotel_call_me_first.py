"""Call yourself first: a campaign to the test numbers, and the real one only if one of them was reached.

The test numbers are in the Airflow Variable ``exotel_testers``, comma-separated, and so in no DAG file and no run.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_exotel.operators.campaign import CreateCampaignOperator

HERE = Path(__file__).parent
AUDIENCE = os.environ.get("EXOTEL_AUDIENCE", (HERE / "audience.csv").as_uri())
# Two hours from now, so that it can be tried at any time; give real people a window.
NOW = {"end_at": "PT2H"}

with DAG(
    "exotel_call_me_first",
    dag_display_name="Call me first",
    description="Hear it yourself before anybody else does",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    remind = CreateCampaignOperator(
        task_id="remind",
        test_numbers="{{ var.value.exotel_testers }}",
        numbers_from=AUDIENCE,
        read_via_text="Your appointment is tomorrow at ten.",
        name="Appointment reminder",
        schedule=NOW,
        deferrable=True,
    )

if __name__ == "__main__":
    dag.test()
