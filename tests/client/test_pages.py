"""A list is read completely or is an error, since a caller that finds no campaign creates one."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.envelope import Answer, Item
from airflow_provider_exotel.client.errors import ExotelResponseError
from airflow_provider_exotel.client.paging import OVERLAP, iterate_entries
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.emulator import Emulator

from .api_samples import ClientFactory, arguments
from .raw_server import RawServer, http


def create(emulator: Emulator, client: ExotelClient, count: int) -> list[str]:
    """Create campaigns for next year and return their ids, the newest first."""
    ids, later = [], {"send_at": emulator.clock.now().replace(microsecond=0) + timedelta(days=365)}
    for number in range(count):
        order = CampaignRequest(**arguments(name=f"campaign {number}", schedule=later))
        ids.append(client.create_campaign(order).id)
        emulator.clock.advance(1)
    return ids[::-1]


def list_ids(client: ExotelClient, page_size: int = 4) -> list[str]:
    return [campaign.id for campaign in client.list_campaigns(page_size=page_size)]


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"list_offset": "ignored"}, "repeat each other"),
        ({"list_later_pages": "empty"}, "ends after|lost entries"),
        ({"list_later_pages": "null"}, "ends after|lost entries"),
        ({"list_id": "sid"}, "has no id"),
    ],
    ids=str,
)
def test_an_incomplete_list_is_an_error(
    emulator: Emulator, client: ExotelClient, switches: dict[str, Any], message: str, metadata: bool
) -> None:
    create(emulator, client, 9)
    emulator.settings.update({**switches, "list_metadata": metadata})

    with pytest.raises(ExotelResponseError, match=message) as caught:
        list_ids(client)

    assert caught.value.retryable


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("granted", [1, 2, 3, 500])
def test_pages_may_be_smaller_than_requested(
    emulator: Emulator, client: ExotelClient, granted: int, metadata: bool
) -> None:
    created = create(emulator, client, 7)
    emulator.settings.update({"list_page": granted, "list_metadata": metadata})

    assert list_ids(client, page_size=500) == created


def test_a_list_in_another_order_is_read_completely(emulator: Emulator, client: ExotelClient) -> None:
    created = create(emulator, client, 7)
    emulator.settings.list_sort = "ignored"

    assert list_ids(client) == created[::-1]


def test_no_campaign_is_missed_if_others_are_deleted_between_two_pages(
    emulator: Emulator, client: ExotelClient
) -> None:
    created = create(emulator, client, 9)
    pages = client.list_campaigns(page_size=4)

    seen = [next(pages).id]
    client.delete_campaign(created[0])
    seen += [campaign.id for campaign in pages]

    assert seen == created


def test_more_deletions_than_the_overlap_are_an_error(emulator: Emulator, client: ExotelClient) -> None:
    created = create(emulator, client, 9)
    pages = client.list_campaigns(page_size=4)

    next(pages)
    for campaign_id in created[:3]:
        client.delete_campaign(campaign_id)

    with pytest.raises(ExotelResponseError, match="lost entries"):
        list(pages)


def test_a_filtered_list_may_lose_entries(emulator: Emulator, client: ExotelClient) -> None:
    created = create(emulator, client, 9)
    pages = client.list_campaigns(name="campaign", page_size=4)

    next(pages)
    for campaign_id in created[:3]:
        client.delete_campaign(campaign_id)

    assert [campaign.id for campaign in pages][-1] == created[-1]


@pytest.mark.parametrize("response", ["x", ["x"], [None], 7], ids=repr)
def test_a_list_of_other_objects_is_an_error(client_of: ClientFactory, response: object) -> None:
    with RawServer(http(200, {"response": response})) as server, pytest.raises(ExotelResponseError):
        list(client_of(host=server.host).list_campaigns())


@pytest.mark.parametrize("response", [[], None], ids=repr)
def test_an_empty_list_with_a_total_is_an_error(client_of: ClientFactory, response: object) -> None:
    page = http(200, {"metadata": {"total": 1}, "response": response})

    with RawServer(page) as server, pytest.raises(ExotelResponseError, match="ends after 0 of 1"):
        list(client_of(host=server.host).list_campaigns())


@pytest.mark.parametrize("response", [[], None], ids=repr)
@pytest.mark.parametrize("metadata", [{}, {"total": 0}], ids=str)
def test_an_account_without_campaigns_has_an_empty_list(
    client_of: ClientFactory, response: object, metadata: dict[str, int]
) -> None:
    with RawServer(http(200, {"metadata": metadata, "response": response})) as server:
        assert list(client_of(host=server.host).list_campaigns()) == []


def test_calls_on_pages_that_repeat_each_other_are_an_error(client_of: ClientFactory) -> None:
    page = {"metadata": {"total": 3}, "response": [{"to": "+919876500000"}, {"to": "+919876500001"}]}

    with RawServer(http(200, page)) as server, pytest.raises(ExotelResponseError, match="repeat each other"):
        list(client_of(host=server.host).call_details("c1"))


changes = st.lists(st.tuples(st.integers(0, 30), st.lists(st.integers(0, 60), max_size=20)), max_size=12)


@given(st.integers(0, 60), st.integers(2, 40), st.booleans(), changes)
def test_every_entry_that_stays_comes_once_or_the_list_is_an_error(
    count: int, size: int, metadata: bool, between_pages: list[tuple[int, list[int]]]
) -> None:
    there, new, meanwhile = list(range(count)), itertools.count(count), iter(between_pages)
    lasting, changed = set(there), []

    def page(offset: int) -> Answer:
        shown, total = there[offset : offset + size], len(there)
        created, deleted = next(meanwhile, (0, []))
        gone = {there[place] for place in deleted if place < total}
        there[:] = [next(new) for _ in range(created)] + [one for one in there if one not in gone]
        lasting.difference_update(gone)
        changed.extend([*gone, *range(created)])
        return Answer(tuple(Item({"id": one}) for one in shown), {"total": total} if metadata else {})

    try:
        read = [data["id"] for data in iterate_entries(page, lambda data: str(data["id"]), overlap=OVERLAP)]
    except ExotelResponseError:
        assert changed, "a list that nobody changes is read"
        return

    assert lasting <= set(read)
    assert len(read) == len(set(read))
