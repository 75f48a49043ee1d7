"""Every endpoint, on accounts of both dialects and of each single deviation from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.contact_list import ImportState
from airflow_provider_exotel.client.errors import (
    ExotelAuthError,
    ExotelConflict,
    ExotelError,
    ExotelNotFound,
    ExotelRequestRefused,
)
from airflow_provider_exotel.client.models import CampaignStatus
from airflow_provider_exotel.client.profile import Profile
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.emulator import Emulator

from ..account_profiles import name_of, single_deviations, switches_of
from .api_samples import arguments, people

# Each deviation once per test: from one dialect in the first, from the other in the second.
FROM_DOCUMENTED = [case for case in single_deviations() if case[0] == "documented"]
FROM_WRAPPED = [case for case in single_deviations() if case[0] == "wrapped"]


@contextmanager
def account(case: tuple[str, dict[str, Any]], *, knows: bool) -> Iterator[tuple[Emulator, ExotelClient]]:
    """An account, and a client with or without its profile."""
    dialect, profile = case
    known = Profile.of({"version": 1, **profile}) if knows else None
    with (
        Emulator(seed=1, **switches_of(profile, dialect)) as emulator,
        ExotelClient(
            emulator.api_key,
            emulator.api_token,
            emulator.account_sid,
            emulator.host,
            bucket=TokenBucket(1_000_000),
            sleep=emulator.clock.advance,
            profile=known,
        ) as client,
    ):
        yield emulator, client


def order(emulator: Emulator, **fields: Any) -> CampaignRequest:
    start = emulator.clock.now() + timedelta(minutes=5)
    return CampaignRequest(**arguments(schedule={"send_at": start, "end_at": start + timedelta(hours=1)}, **fields))


@pytest.mark.parametrize("case", FROM_DOCUMENTED, ids=name_of)
def test_the_life_of_a_campaign(case: tuple[str, dict[str, Any]]) -> None:
    # The client uses only these answers, so it needs the profile only for them.
    knows = bool(case[1].keys() & {"request_body", "status_filter"})
    with account(case, knows=knows) as (emulator, client):
        created = client.create_campaign(order(emulator))
        assert list(client.call_details(created.id)) == []
        assert client.pause_campaign(created.id).status is CampaignStatus.PAUSED
        assert client.resume_campaign(created.id).status is CampaignStatus.CREATED
        emulator.clock.advance(301)
        running = client.get_campaign(created.id)
        emulator.clock.advance(3600)
        ended = client.get_campaign(created.id)
        calls = list(client.call_details(created.id))
        listed = [campaign.id for campaign in client.list_campaigns()]
        filtered = list(client.list_campaigns(status=[CampaignStatus.COMPLETED]))

    assert (created.name, created.status) == ("January", CampaignStatus.CREATED)
    assert (running.status, ended.status) == (CampaignStatus.IN_PROGRESS, CampaignStatus.COMPLETED)
    assert {call.number for call in calls} == set(people(3))
    assert all(call.digit in {None, "1", "2"} and call.duration_seconds for call in calls)
    assert listed == [created.id]
    assert [campaign.id for campaign in filtered] == [created.id]


@pytest.mark.parametrize("case", FROM_WRAPPED, ids=name_of)
def test_deletes_lists_and_errors(case: tuple[str, dict[str, Any]]) -> None:
    with account(case, knows=False) as (emulator, client):
        created = client.create_campaign(order(emulator))
        if case[1].get("deletes") == "never":
            with pytest.raises(ExotelError):
                client.delete_campaign(created.id)
        else:
            client.delete_campaign(created.id)
            client.delete_campaign(created.id)
            assert emulator.campaign(created.id).status == "deleted"
        made = client.lists.create("People")
        with pytest.raises(ExotelConflict):
            client.lists.create("People")
        upload = client.lists.upload_csv(BytesIO("\n".join(["number", *people(3)]).encode()), "People")
        status = client.lists.import_status(upload.upload_id)
        assert (upload.list_sid, status.state) == (made.sid, ImportState.COMPLETED)
        assert status.counts is not None
        assert (status.counts.total, status.counts.success) == (3, 3)
        assert client.lists.count(made.sid) == 3
        with pytest.raises(ExotelNotFound):
            client.get_campaign("nowhere")
        with pytest.raises(ExotelRequestRefused):
            client.create_campaign(order(emulator, numbers=None, lists=["nowhere"]))
        emulator.api_token = "another"
        with pytest.raises(ExotelAuthError):
            client.check_access()
