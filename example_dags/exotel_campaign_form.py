"""A campaign from a form: open the DAG, press *Trigger*, fill in, start.

The DAG sets hours, days and time zone. People choose the contacts, the text and the number of retries.
"""

from __future__ import annotations

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
from airflow_provider_exotel.operators.form import campaign_params
from airflow_provider_exotel.windows.calling_window import CallingWindow

with DAG(
    "exotel_campaign_form",
    dag_display_name="A campaign from a form",
    description="Press Trigger, fill in, start",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow adds its own zone
    catchup=False,
    params=campaign_params(
        without=["window", "schedule", "campaign_type"],
        read_via_text="Your appointment is tomorrow at ten.",
        number_of_retries=2,
        interval_mins=15,
        on_status=["busy", "no-answer"],
    ),
    tags=["exotel"],
    doc_md=__doc__,
) as dag:
    create_campaign = CreateCampaignOperator(
        task_id="create_campaign",
        from_params=True,
        window=CallingWindow(start="10:00", end="18:00", timezone="Asia/Kolkata", end_buffer="PT15M"),
        on_missed_window="next",
    )

if __name__ == "__main__":
    dag.test()
