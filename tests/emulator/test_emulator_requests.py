from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_exotel.emulator import Emulator

from .conftest import Api, at, order, people

GOOD: list[dict[str, Any]] = [
    {},
    {"from": "09876543210, 08012345678"},
    {"from": "+6598765432"},
    {"name": "abc"},
    {"name": None},
    {"type": "trans", "campaign_type": "static", "flow_type": "ivr", "repeat_menu_attempts": 2},
    {"url": "http://my.exotel.com/emulator/exoml/start_voice/926", "custom_field": "{}"},
    {"read_via_text": "Your payment is due", "flow_type": "greeting"},
    {"retries": {"number_of_retries": 3, "interval_mins": 1, "mechanism": "Linear", "on_status": ["failed"]}},
    {"retries": {"number_of_retries": 0}},
    {"schedule": {"send_at": at(0), "end_at": at(1)}},
    {"schedule": {"end_at": "2026-03-02T05:00:00Z"}},
    {"mode": "custom", "throttle": 59},
    {"status_callback": "https://example.org/a", "call_status_callback": "http://example.org/b"},
]

BAD: list[tuple[dict[str, Any], str]] = [
    ({"caller_id": None}, "caller_id"),
    ({"caller_id": " "}, "caller_id"),
    ({"from": None}, "from or lists"),
    ({"lists": ["one"]}, "from or lists"),
    ({"from": []}, "string"),
    ({"from": ["+919876543210"]}, "string"),
    ({"from": ""}, "Invalid number"),
    ({"from": "+919876543210,+9112"}, "+9112"),
    ({"from": "+919876543210,12345,abc"}, "12345"),
    ({"from": "+0919876543210"}, "Invalid number"),
    ({"from": ",".join(people(5001))}, "5000"),
    ({"from": None, "lists": ["nobody"]}, "nobody"),
    ({"from": None, "lists": ["one"] * 6}, "5"),
    ({"from": None, "lists": "one"}, "lists"),
    ({"from": None, "lists": ["one", "two"], "campaign_type": "dynamic"}, "one list"),
    ({"campaign_type": "other"}, "campaign_type"),
    ({"flow_type": "menu"}, "flow_type"),
    ({"type": "promo"}, "type"),
    ({"name": "ab"}, "name"),
    ({"call_duplicate_numbers": "yes"}, "call_duplicate_numbers"),
    ({"url": "ftp://example.org"}, "url"),
    ({"status_callback": "example.org"}, "status_callback"),
    ({"call_schedule_callback": 1}, "call_schedule_callback"),
    ({"repeat_menu_attempts": -1}, "repeat_menu_attempts"),
    ({"retries": {"number_of_retries": 4, "interval_mins": 1}}, "number_of_retries"),
    ({"retries": {"number_of_retries": True, "interval_mins": 1}}, "number_of_retries"),
    ({"retries": {"number_of_retries": 1}}, "interval_mins"),
    ({"retries": {"number_of_retries": 1, "interval_mins": 0}}, "interval_mins"),
    ({"retries": {"mechanism": "linear"}}, "mechanism"),
    ({"retries": {"on_status": ["failure"]}}, "on_status"),
    ({"retries": {"on_status": [{}]}}, "on_status"),
    ({"retries": 2}, "retries"),
    ({"mode": "custom"}, "throttle"),
    ({"mode": "custom", "throttle": 60}, "59"),
    ({"mode": "custom", "throttle": 0}, "throttle"),
    ({"mode": "fast"}, "mode"),
    ({"schedule": {"send_at": "2026-03-02T10:00:00"}}, "send_at"),
    ({"schedule": {"send_at": "2026-13-02T10:00:00+05:30"}}, "send_at"),
    ({"schedule": {"send_at": at(-1)}}, "past"),
    ({"schedule": {"end_at": at(-1)}}, "past"),
    ({"schedule": {"end_at": at(0)}}, "past"),
    ({"schedule": {"send_at": at(60), "end_at": at(60)}}, "after send_at"),
]


@pytest.mark.parametrize("fields", GOOD)
def test_accepted(api: Api, fields: dict[str, Any]) -> None:
    assert api("POST", "campaigns", order(**fields)).status_code == 200


@pytest.mark.parametrize(("fields", "named"), BAD, ids=lambda value: str(value)[:40])
def test_the_error_names_the_invalid_field(api: Api, emulator: Emulator, fields: dict[str, Any], named: str) -> None:
    for sid in ("one", "two"):
        emulator.add_list(sid, people(1))
    answer = api("POST", "campaigns", order(**fields))
    assert answer.status_code == 400
    assert named in answer.json()["response"][0]["error_data"]["description"]
    assert emulator.campaigns == []


def test_only_the_first_invalid_number_is_named(api: Api) -> None:
    text = api("POST", "campaigns", order(**{"from": "+919876543210,+91111,+91222"})).text
    assert "+91111" in text
    assert "+91222" not in text


@pytest.mark.parametrize(("switch", "status"), [("ignore", 200), ("refuse", 400)])
def test_unknown_keys(api: Api, emulator: Emulator, switch: str, status: int) -> None:
    emulator.settings.unknown_keys = switch
    assert api("POST", "campaigns", order(surprise=1)).status_code == status


WRAPPED = {"campaigns": [{**order(), "from": people(3)}]}


@pytest.mark.parametrize(
    ("accepts", "body", "refusal"),
    [
        ("both", order(), None),
        ("both", WRAPPED, None),
        ("documented", order(), None),
        ("documented", WRAPPED, "caller_id is mandatory"),
        ("wrapped", WRAPPED, None),
        ("wrapped", order(), "Campaigns is mandatory"),
        ("wrapped", {"campaigns": []}, "Campaigns is mandatory"),
        ("wrapped", {"campaigns": WRAPPED["campaigns"] * 2}, "one campaign"),
        ("both", [], "JSON object"),
    ],
)
def test_body_forms(api: Api, emulator: Emulator, accepts: str, body: Any, refusal: str | None) -> None:
    emulator.settings.accepts = accepts
    answer = api("POST", "campaigns", body)
    assert answer.status_code == (200 if refusal is None else 400)
    assert refusal is None or refusal in answer.text


def test_a_bare_action_to_a_wrapped_service(api: Api, emulator: Emulator) -> None:
    campaign = api.create()
    emulator.settings.accepts = "wrapped"
    assert "Campaigns is mandatory" in api.act(campaign, action="pause").text
    assert api("PUT", f"campaigns/{campaign['id']}", {"campaigns": [{"action": "pause"}]}).status_code == 200


@pytest.mark.parametrize("changes", [{}, {"action": "stop"}, {"action": "cancel"}])
def test_unknown_actions_are_refused(api: Api, changes: dict[str, Any]) -> None:
    assert api.act(api.create(), **changes).status_code == 400


def test_a_body_that_is_not_json(api: Api) -> None:
    assert api("POST", "campaigns", headers={"Content-Type": "application/json"}, data="{").status_code == 400


@pytest.mark.parametrize("envelope", ["item", "object", "rest_exception", "error", "html"])
@pytest.mark.parametrize(
    ("status", "method", "path", "body"),
    [
        (400, "POST", "campaigns", {}),
        (404, "GET", "campaigns/unknown", None),
        (404, "GET", "nothing/here", None),
        (405, "PATCH", "campaigns", None),
    ],
)
def test_errors_have_the_selected_format(
    api: Api, emulator: Emulator, envelope: str, status: int, method: str, path: str, body: Any
) -> None:
    emulator.settings.envelope = envelope
    answer = api(method, path, body)
    assert answer.status_code == status
    if envelope == "html":
        assert "<html>" in answer.text
        return
    found = answer.json()
    message = {
        "item": lambda: found["response"][0]["error_data"]["description"],
        "object": lambda: found["response"]["error_data"]["description"],
        "rest_exception": lambda: found["RestException"]["Message"],
        "error": lambda: found["response"]["error"]["message"],
    }[envelope]()
    assert message


@pytest.mark.parametrize("key", ["", "wrong", "emulator-key"])
def test_wrong_credentials(api: Api, key: str) -> None:
    assert api("GET", "campaigns", auth=(key, "wrong")).status_code == 401


@pytest.mark.parametrize("header", ["", "Basic", "Basic %%%", "Bearer abc"])
def test_malformed_authorization(emulator: Emulator, api: Api, header: str) -> None:
    api.session.auth = None
    assert api("GET", "campaigns", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("status", [401, 403, 404])
def test_another_account(api: Api, emulator: Emulator, status: int) -> None:
    emulator.settings.wrong_account_status = status
    answer = api.session.get(f"{emulator.url}/v2/accounts/other/campaigns", timeout=60)
    assert answer.status_code == status
