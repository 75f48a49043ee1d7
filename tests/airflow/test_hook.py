"""The hook as a client of the account that a connection names."""

from __future__ import annotations

import inspect
import json
import re
import typing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_exotel import ExotelHook
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.create.once import Clock
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.windows.calling_window import MissedWindow

from .task_runs import Tries


def test_a_field_that_this_version_does_not_know_is_sent_as_it_is(exotel: Emulator) -> None:
    ExotelHook().create_campaign(numbers=["+919876500000"], extra_fields={"not_known_yet": True})

    [request] = exotel.requests
    assert request.body == {
        "from": "+919876500000",
        "caller_id": "0XXXXXX4890",
        "not_known_yet": True,
    }


def test_the_operator_sends_fields_that_this_version_does_not_know(exotel: Emulator) -> None:
    extra: dict[str, Any] = {"not_known_yet": True, "priority": 3}

    Tries(exotel, keeps_state=False).run(extra_fields=extra)

    [body] = Tries(exotel, keeps_state=False).posts()
    assert extra.items() <= body.items()


TIMES = {"send_at": "2126-03-02T10:00:00+05:30", "end_at": "2126-03-02T18:00:00+05:30"}
FOR_AGENTS = ("get_campaign", "campaign_outcome", "pause_campaign", "plan_campaign", "order_campaign")
PLAIN = {str, list[str], dict[str, Any]}


@pytest.fixture
def lists(exotel: Emulator) -> list[str]:
    exotel.add_list("LIST", [f"+91987652{person:04}0" for person in range(20)])
    return ["LIST"]


@pytest.mark.parametrize("name", FOR_AGENTS)
def test_a_method_for_agents_has_plain_types_and_documents_each_parameter(name: str) -> None:
    method = getattr(ExotelHook, name)
    parameters = list(inspect.signature(method).parameters.values())[1:]

    hints = typing.get_type_hints(getattr(ExotelHook(), name))
    assert {hint for parameter, hint in hints.items() if parameter != "self"} <= PLAIN
    assert all(one.kind is one.POSITIONAL_OR_KEYWORD for one in parameters)
    assert re.findall(r":param (\w+):", method.__doc__) == [one.name for one in parameters]


def test_a_campaign_is_ordered_once_and_read_without_its_numbers(exotel: Emulator, lists: list[str]) -> None:
    hook = ExotelHook()
    order = {"lists": lists, "read_via_text": "Hello", "name": "March", **TIMES}

    plan = hook.plan_campaign(**order)
    assert exotel.requests == []
    first, second = (hook.order_campaign("march", **order) for _ in range(2))

    [campaign] = exotel.campaigns
    assert first == second == hook.get_campaign(campaign.id)
    assert (first["id"], first["has_ended"], first["contacts"]) == (campaign.id, False, 20)
    assert plan["description"].startswith("The contacts of its lists are called once, from 2126-03-02 10:00 to 18:00")
    assert hook.pause_campaign(campaign.id)["status"] == hook.pause_campaign(campaign.id)["status"] == "Paused"
    assert "98765" not in json.dumps([plan, first, hook.campaign_outcome(campaign.id)])


def test_a_campaign_that_may_dial_at_once_is_ordered_though_looking_for_it_takes_minutes(
    exotel: Emulator, lists: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = exotel.clock
    monkeypatch.setattr(Clock.__init__, "__defaults__", (clock.now, clock.advance))
    now = datetime.now(UTC)
    times = {"send_at": now.isoformat(), "end_at": (now + timedelta(hours=9)).isoformat()}

    ordered = ExotelHook().order_campaign("at-once", lists, read_via_text="Hello", **times)

    assert clock.now() - now > timedelta(minutes=2)
    assert datetime.fromisoformat(ordered["send_at"]) > clock.now()


def test_the_outcome_of_a_campaign_is_described_in_a_sentence(exotel: Emulator, lists: list[str]) -> None:
    exotel.settings.outcomes = {"completed": 1}
    hook = ExotelHook()
    campaign_id = hook.create_campaign(lists=lists, read_via_text="Hello").id
    exotel.clock.advance(86_400)

    told = hook.campaign_outcome(campaign_id)

    assert (told["has_ended"], told["contacts"], told["reached"]) == (True, 20, 20)
    assert told["summary"].startswith(f"Campaign {campaign_id} (completed): of 20 contacts 20 reached (100%), 0 not")


@pytest.mark.parametrize(
    "wrong",
    [
        {"end_at": "2020-03-02T18:00:00+05:30", "send_at": "2020-03-02T10:00:00+05:30"},
        {"end_at": "2126-03-02T18:00:00"},
        {"lists": []},
    ],
    ids=["a time that has passed", "no offset", "nobody"],
)
def test_an_invalid_order_is_refused(exotel: Emulator, lists: list[str], wrong: dict[str, Any]) -> None:
    order = {"lists": lists, "read_via_text": "Hello", **TIMES} | wrong
    refusals = (ExotelInputError, MissedWindow)

    with pytest.raises(refusals):
        ExotelHook().plan_campaign(**order)
    with pytest.raises(refusals):
        ExotelHook().order_campaign("march", **order)

    assert exotel.campaigns == []
