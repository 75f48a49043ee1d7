"""Assets that DAGs can be scheduled on."""

from __future__ import annotations

from typing import Any

from airflow_provider_exotel.connection import DEFAULT_CONNECTION_ID


def finished_campaigns(exotel_conn_id: str = DEFAULT_CONNECTION_ID, *, poll_interval: float = 60.0) -> Any:
    """Return the asset that is updated whenever a campaign of an account has finished (Airflow 3.3 and later).

    A DAG with it as ``schedule`` runs on each such event; what happened at the same time may come as one run, so go
    through all of ``triggering_asset_events``. An event's ``extra["payload"]`` holds what the XCom ``outcome`` of a
    campaign holds.

    :param exotel_conn_id: the connection of the account, default ``exotel_default``.
    :param poll_interval: seconds between two looks at the account, however many DAGs are scheduled on it, default 60.
    :raises RuntimeError: on an Airflow that cannot keep what was told.
    """
    from airflow import __version__ as airflow_version

    if tuple(int(part) for part in airflow_version.split(".")[:2]) < (3, 3):
        raise RuntimeError(
            f"Scheduling on finished campaigns needs Airflow 3.3, and this is {airflow_version}: "
            "give the DAG a schedule, and wait for the campaigns with CampaignSensor"
        )
    from airflow.sdk import Asset, AssetWatcher

    from airflow_provider_exotel.triggers.finished import CampaignFinishedTrigger

    name = f"exotel_campaigns_finished_{exotel_conn_id}"
    watcher = AssetWatcher(name=name, trigger=CampaignFinishedTrigger(exotel_conn_id, poll_interval))
    return Asset(name=name, uri=f"exotel://{exotel_conn_id}/campaigns/finished", watchers=[watcher])
