"""Report calls as they end, and leave out people who pressed 9 from the next plan within seconds.

The callback program (``python -m airflow_provider_exotel.commands.callbacks``) writes to the folder that
``EXOTEL_CALLBACKS`` names. ``callback_base_url`` on the connection is the address of the program. Set
``EXOTEL_HAS_CALLBACKS`` once both exist.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_exotel.operators.audience import PlanAudienceOperator
from airflow_provider_exotel.operators.campaign import CreateCampaignOperator

HERE = Path(__file__).parent
AUDIENCE = os.environ.get("EXOTEL_AUDIENCE", (HERE / "audience.csv").as_uri())
PLANS = os.environ.get("EXOTEL_PLANS", (HERE / "plans").as_uri())
CALLBACKS = os.environ.get("EXOTEL_CALLBACKS", (HERE / "callbacks").as_uri())
HAS_CALLBACKS = bool(os.environ.get("EXOTEL_HAS_CALLBACKS"))

with DAG(
    "exotel_callbacks",
    dag_display_name="Callbacks",
    description="Leave out people who opt out in a call at once",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    plan = PlanAudienceOperator(
        task_id="plan",
        output_path=f"{PLANS}/{{{{ run_id }}}}",
        path=AUDIENCE,
        default_country="IN",
        window={"start": "00:00", "end": "23:59", "timezone": "Asia/Kolkata"},
        suppress=[
            {
                "name": "pressed 9",
                "reports": CALLBACKS,
                "days": 3650,
                "digit": "9",
                "hash_key_variable": "exotel_report_key",
                "may_be_missing": True,
            }
        ],
        read_via_text="Your appointment is tomorrow at ten. Press 9 not to be called again.",
        name="Appointment reminder",
    )
    CreateCampaignOperator.partial(
        task_id="call", callbacks=HAS_CALLBACKS, on_missed_window="next", pool="exotel"
    ).expand_kwargs(plan.output)

if __name__ == "__main__":
    dag.test()
