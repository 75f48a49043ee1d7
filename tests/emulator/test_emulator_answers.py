from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_exotel.emulator import Emulator

from .conftest import Api, at, order, people

FULL = {
    "flow_type": "ivr",
    "url": "http://my.exotel.com/emulator/exoml/start_voice/926",
    "retries": {"number_of_retries": 2, "interval_mins": 15, "mechanism": "Linear", "on_status": ["busy"]},
    "schedule": {"send_at": at(60), "end_at": at(600)},
    "call_status_callback": "https://example.org/call-status",
    "status_callback": "https://example.org/campaign-status",
}


def test_the_response_to_a_create_matches_the_create_campaign_page(api: Api, emulator: Emulator) -> None:
    answer = api("POST", "campaigns", order(**FULL)).json()
    item = answer["response"][0]
    data = item["data"]
    assert {**answer, "request_id": "", "response": []} == {
        "request_id": "",
        "method": "POST",
        "http_code": 200,
        "response": [],
    }
    assert {**item, "data": {}} == {"code": 200, "status": "success", "data": {}}
    assert data == {
        "id": emulator.campaigns[0].id,
        "account_sid": "emulator",
        "name": "January",
        "type": "trans",
        "caller_id": "0XXXXXX4890",
        "campaign_type": "static",
        "url": FULL["url"],
        "retries": FULL["retries"],
        "schedule": FULL["schedule"],
        "status": "Created",
        "call_duplicate_numbers": False,
        "date_created": at(0),
        "date_updated": at(0),
        "stats": {"created": 3, "completed": 0, "failed": 0, "pending": 3},
    }


DIALECTS = {
    "documented": {
        "words": ["Created", "InProgress", "Completed"],
        "stats": {"created", "completed", "failed", "pending", "in_progress", "busy", "no_answer"},
        "item": {"code", "status", "data"},
        "call": {"call_sid", "to", "from", "attempt_number", "status", "duration", "price", "digits", "date_created"},
    },
    "wrapped": {
        "words": ["created", "in-progress", "completed"],
        "stats": {
            "created",
            "in-progress",
            "retry",
            "retrying",
            "failed",
            "failed-dnd",
            "invalid",
            "paused",
            "failed-no-attempt",
            "completed",
        },
        "item": {"code", "error_data", "status", "data", "summary"},
        "call": {
            "call_sid",
            "number",
            "name",
            "status",
            "duration",
            "digit",
            "recording_url",
            "direction",
            "caller_id",
            "date_created",
            "start_time",
            "end_time",
        },
    },
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_campaign_in_each_dialect(api: Api, emulator: Emulator, dialect: str) -> None:
    emulator.settings.dialect = dialect
    wanted: dict[str, Any] = DIALECTS[dialect]
    campaign = api.create(60, **FULL)
    assert campaign["status"] == "Created"
    words = []
    for seconds in (0, 3600, 7200):
        emulator.clock.advance(seconds)
        item = api("GET", f"campaigns/{campaign['id']}").json()["response"][0]
        words.append(item["data"]["status"])
    assert words == wanted["words"]
    assert set(item) == wanted["item"]
    assert set(item["data"]["stats"]) == wanted["stats"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("seconds", [0, 3610, 4300, 36_000])
@pytest.mark.parametrize("paused", [False, True])
def test_stats_add_up(api: Api, emulator: Emulator, dialect: str, seconds: int, paused: bool) -> None:
    emulator.settings.dialect = dialect
    campaign = api.create(700, **FULL)
    emulator.clock.advance(seconds)
    if paused:
        api.act(campaign, action="pause")
    stats = api.read(campaign)["stats"]
    parts = sum(stats.values()) - (stats["created"] if dialect == "documented" else 0)
    assert parts == 700


@pytest.mark.parametrize("dialect", DIALECTS)
def test_lists_in_each_dialect(api: Api, emulator: Emulator, dialect: str) -> None:
    emulator.settings.dialect = dialect
    api.create()
    answer = api("GET", "campaigns").json()
    assert answer["metadata"] == {"count": 1, "offset": 0, "total": 1, "limit": 20}
    assert ("data" in answer["response"][0]) == (dialect == "wrapped")
    emulator.settings.list_metadata = False
    assert "metadata" not in api("GET", "campaigns").json()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_calls_in_each_dialect(api: Api, emulator: Emulator, dialect: str) -> None:
    emulator.settings.dialect = dialect
    campaign = api.create()
    emulator.clock.advance(600)
    item = api("GET", f"campaigns/{campaign['id']}/call-details").json()["response"][0]
    assert set(item.get("data", item)) == DIALECTS[dialect]["call"]
    assert ("data" in item) == (dialect == "wrapped")


def test_calls_are_paged_filtered_and_sorted(api: Api, emulator: Emulator) -> None:
    campaign = api.create(50)
    emulator.clock.advance(600)
    path = f"campaigns/{campaign['id']}/call-details"
    everything = emulator.calls(campaign["id"])

    def sids(**query: Any) -> list[str]:
        return [call["call_sid"] for call in api("GET", path, params=query).json()["response"]]

    ordered = [call.call_sid for call in everything]
    assert sids() == ordered[:20]
    assert sids(offset=40) == ordered[40:]
    assert sids(limit=3, sort_by="date_created:desc") == ordered[:-4:-1]
    busy = [call.call_sid for call in everything if call.status in {"busy", "no-answer"}]
    assert sids(limit=50, status="busy,no-answer") == busy != []
    assert api("GET", path, params={"status": "busy, failed"}).status_code == 400


@pytest.mark.parametrize(("switch", "status"), [("404", 404), ("empty", 200)])
def test_calls_before_the_first_one(api: Api, emulator: Emulator, switch: str, status: int) -> None:
    emulator.settings.no_calls = switch
    assert api("GET", f"campaigns/{api.create()['id']}/call-details").status_code == status


@pytest.mark.parametrize(
    ("dialect", "switch", "echoed"),
    [
        ("documented", None, None),
        ("wrapped", None, people(2)),
        ("documented", True, ",".join(people(2))),
        ("wrapped", False, None),
    ],
)
def test_numbers_in_answers(api: Api, emulator: Emulator, dialect: str, switch: bool | None, echoed: Any) -> None:
    emulator.settings.update({"dialect": dialect, "echo_numbers": switch})
    assert api.create(2).get("from") == echoed


def test_unusual_formats(api: Api, emulator: Emulator) -> None:
    campaign = api.create()
    emulator.clock.advance(5)
    emulator.settings.update(
        {
            "status_words": {"in-progress": "Ringing"},
            "extra_stats": {"voicemail": 4},
            "counts_as_strings": True,
            "omit_zero_counts": True,
            "response_as_object": True,
        }
    )
    data = api("GET", f"campaigns/{campaign['id']}").json()["response"]["data"]
    assert data["status"] == "Ringing"
    assert data["stats"] == {"created": "3", "voicemail": "4", "in_progress": "3"}
