"""Assets that DAGs can be scheduled on."""

from __future__ import annotations

from typing import Any

from airflow_provider_exotel.connection_form import DEFAULT_CONNECTION_ID


def finished_campaigns(exotel_conn_id: str = DEFAULT_CONNECTION_ID, *, poll_interval: float = 60.0) -> Any:
    """Return the asset that is updated whenever a campaign of an account finishes (Airflow 3.3 and later).

    A DAG with this ``schedule`` runs on each event. Simultaneous events may start a single run, so iterate over all
    ``triggering_asset_events``. The ``extra["payload"]`` of an event equals the XCom ``outcome`` of a campaign.

    :param exotel_conn_id: the connection of the account, default ``exotel_default``.
    :param poll_interval: seconds between two polls of the account, shared by all DAGs, default 60.
    :raises RuntimeError: on an Airflow that cannot store the cursor.
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
