from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_exotel.emulator import Emulator

from .conftest import Api, at


def test_oldest_first_and_twenty_to_a_page(api: Api) -> None:
    for index in range(25):
        api.create(name=f"Campaign {index:02}")
    every = [f"Campaign {index:02}" for index in range(25)]
    assert api.names() == every[:20]
    assert api.names(offset=20) == every[20:]
    assert api.names(offset=30) == []
    assert api.names(sort_by="date_created:desc", limit=2) == ["Campaign 24", "Campaign 23"]
    assert api.names(sort_by="name:desc", limit=1) == ["Campaign 24"]


def test_at_most_five_hundred_to_a_page(api: Api) -> None:
    assert api("GET", "campaigns", params={"limit": 5000}).json()["metadata"]["limit"] == 500


@pytest.mark.parametrize("query", [{"offset": "-1"}, {"limit": "0"}, {"limit": "x"}, {"sort_by": "status:asc"}])
def test_wrong_parameters(api: Api, query: dict[str, str]) -> None:
    assert api("GET", "campaigns", params=query).status_code == 400


@pytest.mark.parametrize(
    ("mode", "name", "found"),
    [
        ("exact", "Due March", ["Due March"]),
        ("exact", "Due", []),
        ("substring", "Due", ["Due March"]),
        ("substring", "due", []),
        ("casefold", "due", ["Due March"]),
        ("ignored", "anything", ["Due March", "Other"]),
    ],
)
def test_name_filter(api: Api, emulator: Emulator, mode: str, name: str, found: list[str]) -> None:
    emulator.settings.name_filter = mode
    api.create(name="Due March")
    api.create(name="Other")
    assert api.names(name=name) == found


def test_a_name_filter_that_fails(api: Api, emulator: Emulator) -> None:
    emulator.settings.name_filter = "failing"
    assert api("GET", "campaigns", params={"name": "Due"}).status_code == 500
    assert api("GET", "campaigns").status_code == 200


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Created", ["Later"]),
        ("created,in-progress", ["Now", "Later"]),
        ("InProgress,Paused", ["Now"]),
        ("Completed", []),
    ],
)
def test_status_filter_in_both_spellings(api: Api, emulator: Emulator, words: str, found: list[str]) -> None:
    api.create(100, name="Now")
    api.create(name="Later", schedule={"send_at": at(60)})
    emulator.clock.advance(10)
    assert api.names(status=words) == found


def test_a_new_campaign_is_missing_from_the_next_reads(api: Api, emulator: Emulator) -> None:
    emulator.settings.list_delay_reads = 2
    campaign = api.create()
    seen = [api.names() for _ in range(3)]
    assert seen == [[], [], ["January"]]
    assert api.read(campaign)["name"] == "January"


def test_a_new_campaign_is_missing_for_a_while(api: Api, emulator: Emulator) -> None:
    emulator.settings.list_delay_seconds = 30
    api.create()
    seen: list[Any] = []
    for seconds in (0, 29, 1):
        emulator.clock.advance(seconds)
        seen.append(api.names())
    assert seen == [[], [], ["January"]]


@pytest.mark.parametrize(
    ("switches", "query", "names"),
    [
        ({"list_sort": "ignored"}, {"sort_by": "date_created:desc"}, ["A", "B", "C"]),
        ({"list_offset": "ignored"}, {"offset": "2"}, ["A", "B", "C"]),
        ({"list_page": 2}, {}, ["A", "B"]),
        ({"list_page": 2, "list_later_pages": "empty"}, {"offset": "2"}, []),
    ],
    ids=str,
)
def test_lists_may_ignore_order_and_offset(
    api: Api, emulator: Emulator, switches: dict[str, Any], query: dict[str, str], names: list[str]
) -> None:
    for name in ("Campaign A", "Campaign B", "Campaign C"):
        api.create(name=name)
    emulator.settings.update(switches)

    assert api.names(**query) == [f"Campaign {name}" for name in names]
    assert api("GET", "campaigns", params=query).json()["metadata"]["total"] == 3


def test_later_pages_may_be_null(api: Api, emulator: Emulator) -> None:
    api.create()
    emulator.settings.list_later_pages = "null"

    assert api("GET", "campaigns", params={"offset": "1"}).json()["response"] is None


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_the_id_may_go_by_another_name_in_lists(api: Api, emulator: Emulator, dialect: str) -> None:
    campaign = api.create()
    emulator.settings.update({"list_id": "sid", "dialect": dialect})
    [entry] = api("GET", "campaigns").json()["response"]
    data = entry["data"] if dialect == "wrapped" else entry

    assert (data["sid"], "id" in data) == (campaign["id"], False)


def test_lists_may_show_deleted_campaigns(api: Api, emulator: Emulator) -> None:
    campaign = api.create(schedule={"send_at": at(60)})
    api("DELETE", f"campaigns/{campaign['id']}")
    assert api.names() == []

    emulator.settings.list_deleted = True

    [entry] = api("GET", "campaigns").json()["response"]
    assert entry["status"] == "Deleted"
