"""Tasks that wait for campaigns, in real DAG runs: in the worker and in the triggerer the same comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_exotel import CreateCampaignOperator
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.triggers import campaign as trigger

NUMBERS = [f"+91987650000{person}" for person in range(6)]
# Hours of dialling take a second, and what only waits takes none.
QUICK = {"speed": 3600, "skip_waiting": True}


@pytest.fixture
def exotel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A local Exotel that the connection ``exotel_default`` leads to, in which time passes."""
    with Emulator(seed=1, **QUICK) as emulator:
        uri = f"{emulator.connection_uri}?exophone=0XXXXXX4890&requests_per_minute=6000"
        monkeypatch.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", uri)
        monkeypatch.setattr(trigger, "NOT_BEFORE", timedelta(0))
        yield emulator


def create(**arguments: Any) -> CreateCampaignOperator:
    given = {"task_id": "create", "numbers": NUMBERS, "read_via_text": "Hello", "schedule": {"end_at": "PT9H"}}
    given |= {"wait_for_completion": True, "poll_interval": 0.2}
    return CreateCampaignOperator(**(given | arguments))


@pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
def test_a_task_ends_with_its_campaign_and_tells_how(
    run_dag: Callable[..., Any], exotel: Emulator, log: Any, deferrable: bool
) -> None:
    ran = run_dag(lambda: create(deferrable=deferrable))

    [campaign] = exotel.campaigns
    outcome = ran.xcom(key="outcome")
    assert ran.state == "success"
    assert ran.xcom() == campaign.id
    assert (outcome["id"], outcome["status"], outcome["contacts"]) == (campaign.id, "completed", 6)
    assert outcome["reached"] == campaign.counts.completed
    assert outcome["reached"] + outcome["not_reached"] + outcome["never_tried"] == 6
    assert f"Campaign {campaign.id} (Completed): 6 of 6 done" in log.text
