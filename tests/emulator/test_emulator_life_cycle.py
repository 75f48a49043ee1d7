from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from airflow_provider_exotel.emulator import Emulator

from .conftest import START, Api, at, order, people

HOUR = {"schedule": {"send_at": at(60), "end_at": at(120)}}
RETRIES = {"number_of_retries": 3, "interval_mins": 10, "mechanism": "Exponential", "on_status": ["busy"]}


def test_a_campaign_waits_for_send_at_then_dials_and_completes(api: Api, emulator: Emulator) -> None:
    campaign = api.create(30, **HOUR)
    seen = [campaign["status"]]
    for seconds in (3599, 1, 600):
        emulator.clock.advance(seconds)
        seen.append(api.read(campaign)["status"])
    assert seen == ["Created", "Created", "InProgress", "Completed"]
    assert len(emulator.calls(campaign["id"])) == 30


@pytest.mark.parametrize(("minutes", "closes"), [(30, 60), (90, 60)], ids=["all-called", "window-closed"])
def test_the_update_time_is_the_last_call_or_the_end_of_the_window(
    api: Api, emulator: Emulator, minutes: int, closes: int
) -> None:
    campaign = api.create(minutes, mode="custom", throttle=1, schedule={"send_at": at(1), "end_at": at(closes)})
    assert api.read(campaign)["date_updated"] == at(0)

    emulator.clock.advance(61)
    assert api.read(campaign)["date_updated"] == at(1)

    emulator.clock.advance(86_400)
    ended = max(call.ended for call in emulator.calls(campaign["id"]))
    updated = datetime.fromisoformat(api.read(campaign)["date_updated"])
    assert updated == (ended.replace(microsecond=0) if minutes == 30 else START + timedelta(minutes=closes))


def test_without_a_schedule_a_campaign_dials_at_once_for_thirty_days(api: Api, emulator: Emulator) -> None:
    campaign = api.create(1)
    emulator.clock.advance(1)
    state = emulator.campaign(campaign["id"])
    assert state.status == "in-progress"
    assert (state.end_at - state.send_at).days == 30


@pytest.mark.parametrize("at_end", ["completed", "canceled", "paused"])
def test_the_status_after_a_window_with_uncalled_numbers(api: Api, emulator: Emulator, at_end: str) -> None:
    emulator.settings.at_end = at_end
    campaign = api.create(100, schedule={"send_at": at(1), "end_at": at(2)})
    emulator.clock.advance(300)
    assert emulator.campaign(campaign["id"]).status == at_end
    assert len(emulator.calls(campaign["id"])) == 60


def test_a_call_started_inside_the_window_continues_after_it(api: Api, emulator: Emulator) -> None:
    emulator.settings.outcomes = {"completed": 1}
    campaign = api.create(100, schedule={"send_at": at(1), "end_at": at(2)})
    emulator.clock.advance(120)
    state = emulator.campaign(campaign["id"])
    assert (state.status, state.counts.dialling > 0) == ("in-progress", True)


def test_a_paused_campaign_dials_nobody_until_it_is_resumed(api: Api, emulator: Emulator) -> None:
    campaign = api.create(100)
    emulator.clock.advance(30)
    assert api.act(campaign, action="pause").json()["response"][0]["data"]["status"] == "Paused"
    emulator.clock.advance(600)
    assert len(emulator.calls(campaign["id"])) == 30
    api.act(campaign, action="resume")
    emulator.clock.advance(30)
    assert emulator.campaign(campaign["id"]).status == "in-progress"
    emulator.clock.advance(600)
    assert emulator.campaign(campaign["id"]).status == "completed"
    assert {call.number for call in emulator.calls(campaign["id"])} == set(people(100))


def test_a_campaign_paused_until_its_end_is_canceled(api: Api, emulator: Emulator) -> None:
    campaign = api.create(5, **HOUR)
    api.act(campaign, action="pause")
    emulator.clock.advance(7200)
    assert api.read(campaign)["status"] == "Canceled"
    assert emulator.calls(campaign["id"]) == ()


def test_completing_a_paused_campaign_fails_its_open_numbers(api: Api, emulator: Emulator) -> None:
    emulator.settings.outcomes = {"completed": 1}
    campaign = api.create(100)
    emulator.clock.advance(11)
    api.act(campaign, action="pause")
    api.act(campaign, action="complete")
    emulator.clock.advance(600)
    stats = api.read(campaign)["stats"]
    assert (stats["completed"], stats["failed"], stats["pending"]) == (11, 89, 0)


def test_a_resumed_campaign_calls_the_open_numbers_once(api: Api, emulator: Emulator) -> None:
    emulator.settings.update({"at_end": "paused", "schedule_editable_when_paused": True})
    campaign = api.create(100, schedule={"send_at": at(1), "end_at": at(2)})
    emulator.clock.advance(3600)
    answer = api.act(campaign, action="resume", schedule={"send_at": at(1), "end_at": at(120)})
    assert answer.status_code == 200, answer.text
    emulator.clock.advance(3600)
    calls = emulator.calls(campaign["id"])
    assert emulator.campaign(campaign["id"]).status == "completed"
    assert sorted(call.number for call in calls) == people(100)
    assert not any(START + timedelta(minutes=2) <= call.started < START + timedelta(hours=1) for call in calls)


ALLOWED = {
    "created": {"pause", "delete"},
    "in-progress": {"pause"},
    "paused": {"resume", "complete"},
    "completed": {"archive"},
    "archived": set[str](),
}


@pytest.mark.parametrize("action", ["pause", "resume", "complete", "archive", "delete"])
@pytest.mark.parametrize("status", ALLOWED)
@pytest.mark.parametrize("refusal", [400, 403, 409])
def test_actions_by_status(api: Api, emulator: Emulator, status: str, action: str, refusal: int) -> None:
    emulator.settings.wrong_state_status = refusal
    campaign = api.create(3, **HOUR)
    path = f"campaigns/{campaign['id']}"
    if status in {"in-progress", "completed", "archived"}:
        emulator.clock.advance(3600 if status == "in-progress" else 7200)
    if status in {"paused", "archived"}:
        api.act(campaign, action="pause" if status == "paused" else "archive")
    assert emulator.campaign(campaign["id"]).status == status
    answer = api("DELETE", path) if action == "delete" else api.act(campaign, action=action)
    assert answer.status_code == (200 if action in ALLOWED[status] else refusal)


@pytest.mark.parametrize(("switch", "status"), [("404", 404), ("deleted", 200)])
def test_a_deleted_campaign_is_gone(api: Api, emulator: Emulator, switch: str, status: int) -> None:
    emulator.settings.deleted_get = switch
    campaign = api.create(3, **HOUR)
    api("DELETE", f"campaigns/{campaign['id']}")
    assert api("GET", f"campaigns/{campaign['id']}").status_code == status
    assert api.names() == []
    emulator.clock.advance(7200)
    assert emulator.calls(campaign["id"]) == ()


def test_all_fields_can_be_edited_before_the_start_and_only_callbacks_after(api: Api, emulator: Emulator) -> None:
    campaign = api.create(3, **HOUR)
    assert api.act(campaign, name="Renamed", **{"from": people(1)[0]}).status_code == 200
    assert len(emulator.campaign(campaign["id"]).numbers) == 1
    emulator.clock.advance(3600)
    assert api.act(campaign, name="Too late").status_code == 400
    assert api.act(campaign, status_callback="https://example.org/late").status_code == 200
    assert api.read(campaign)["name"] == "Renamed"


@pytest.mark.parametrize(("duplicates", "calls"), [(False, 2), (True, 4)])
def test_duplicate_numbers(api: Api, emulator: Emulator, duplicates: bool, calls: int) -> None:
    numbers = ",".join(people(2) * 2)
    campaign = api.create(**{"from": numbers, "call_duplicate_numbers": duplicates})
    emulator.clock.advance(600)
    assert len(emulator.calls(campaign["id"])) == calls


def test_exponential_retries_double_their_interval(api: Api, emulator: Emulator) -> None:
    emulator.settings.outcomes = {"busy": 1}
    campaign = api.create(1, retries=RETRIES)
    emulator.clock.advance(3 * 3600)
    calls = emulator.calls(campaign["id"])
    waits = [(later.started - earlier.ended).total_seconds() / 60 for earlier, later in pairwise(calls)]
    assert waits == [10, 20, 40]


def test_custom_mode_dials_at_its_throttle(api: Api, emulator: Emulator) -> None:
    campaign = api.create(100, mode="custom", throttle=6)
    emulator.clock.advance(1 + 60)
    assert emulator.campaign(campaign["id"]).counts.untried == 93


def test_a_campaign_without_any_connected_call_has_failed(api: Api, emulator: Emulator) -> None:
    emulator.settings.outcomes = {"failed": 1}
    campaign = api.create(2)
    emulator.clock.advance(60)
    assert api.read(campaign)["status"] == "Failed"


def test_lists_are_dialled(api: Api, emulator: Emulator) -> None:
    emulator.add_list("first", people(3))
    emulator.add_list("second", people(3, first=2))
    campaign = api.create(**{"from": None, "lists": ["first", "second"]})
    emulator.clock.advance(600)
    assert {call.number for call in emulator.calls(campaign["id"])} == set(people(5))
    assert api("GET", "lists/first").json()["response"][0]["data"]["contact_count"] == 3


def test_the_same_seed_gives_the_same_outcomes_on_another_emulator(api: Api, emulator: Emulator) -> None:
    def outcomes(running: Emulator, campaign: dict[str, Any]) -> list[tuple[str, int, str]]:
        running.clock.advance(3600)
        return [(call.number, call.attempt, call.status) for call in running.calls(campaign["id"])]

    first = outcomes(emulator, api.create(50, retries=RETRIES))
    with Emulator(start=emulator.clock.now(), seed=1) as other:
        campaign = Api(other, api.session).create(50, retries=RETRIES)
        assert outcomes(other, campaign) == first


def test_five_thousand_numbers_are_accepted_and_dialled(api: Api, emulator: Emulator) -> None:
    answer = api("POST", "campaigns", order(5000))
    emulator.clock.advance(2 * 3600)
    campaign = answer.json()["response"][0]["data"]
    assert api.read(campaign)["status"] == "Completed"


@pytest.mark.parametrize(
    ("edits", "kept"),
    [("merge", {"url", "throttle", "name"}), ("replace", {"throttle", "name"}), ("ignore", {"url", "name"})],
)
def test_fields_left_out_of_an_edit_stay_or_are_reset(api: Api, emulator: Emulator, edits: str, kept: set[str]) -> None:
    emulator.settings.edits = edits
    campaign = api.create(url="https://example.org/flow", **HOUR)
    assert api.act(campaign, mode="custom", throttle=7).status_code == 200
    state, shown = emulator.campaign(campaign["id"]), api.read(campaign)
    assert {name for name in ("url", "throttle", "name") if name in shown} == kept
    # Without its schedule it dials at once.
    assert (state.send_at > emulator.clock.now() + timedelta(minutes=1)) == (edits != "replace")
