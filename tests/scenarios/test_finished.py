"""DAGs that are scheduled on finished campaigns, in a whole Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from airflow_provider_exotel import CampaignRequest, ExotelClient

from ..versions import AIRFLOW

if TYPE_CHECKING:
    from .conftest import Airflow

pytestmark = pytest.mark.skipif(AIRFLOW < (3, 3), reason="Airflow keeps nothing of what is watched before 3.3")


def told(airflow: Airflow, watcher: str) -> list[str]:
    """Return the campaigns in the events of a DAG's runs."""
    runs = airflow.ask(f"dags/told_{watcher}/dagRuns")["dag_runs"]
    addresses = [f"dags/told_{watcher}/dagRuns/{quote(run['dag_run_id'], safe='')}" for run in runs]
    return [one for run in addresses if airflow.ended(run) == "success" for one in told_by(airflow, run)]


def told_by(airflow: Airflow, run: str) -> list[Any]:
    return list(airflow.ask(f"{run}/taskInstances/create/xcomEntries/return_value?deserialize=true")["value"])


def looks(airflow: Airflow) -> list[Any]:
    """Return the requests for the account's list; creating a campaign takes at most one."""
    return [entry for entry in airflow.emulator.requests if entry.path == "campaigns" and entry.method == "GET"]


def finish(client: ExotelClient, name: str) -> str:
    """Let a campaign end, and return its id."""
    campaign = client.create_campaign(
        CampaignRequest(numbers=["+919876500000"], caller_id="0XXXXXX4890", read_via_text="Hello", name=name)
    )
    client.pause_campaign(campaign.id)
    client.complete_campaign(campaign.id)
    return campaign.id


def test_dags_run_once_for_each_campaign_that_finishes_and_one_poll_serves_them(airflow: Airflow) -> None:
    assert airflow.until(lambda: looks(airflow))  # campaigns that finished before the first poll are not reported

    first, second = finish(airflow.client, "first"), finish(airflow.client, "second")

    assert airflow.until(lambda: {first, second} <= set(told(airflow, "one")))
    assert airflow.until(lambda: {first, second} <= set(told(airflow, "other")))
    assert sorted(told(airflow, "one").count(one) for one in (first, second)) == [1, 1]
