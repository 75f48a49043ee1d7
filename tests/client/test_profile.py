"""The profile of an account: it is read leniently, without numbers and secrets, and used by the client."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from airflow_provider_exotel.client.models import CampaignStatus
from airflow_provider_exotel.client.profile import VALUES, Profile, is_value, profile_of
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.emulator import Emulator, Settings
from airflow_provider_exotel.emulator.profile import read_profile

from .api_samples import ClientFactory, arguments


def forms_sent(emulator: Emulator) -> list[str]:
    posts = [entry.body for entry in emulator.requests if entry.method == "POST"]
    return ["wrapped" if "campaigns" in body else "documented" for body in posts]


def test_unknown_keys_and_values_are_ignored_and_missing_ones_are_none() -> None:
    given = {"version": 2, "invented": 1, "request_body": "invented", "at_end": "paused", "list_page": -1}

    assert Profile.of(given) == Profile(version=2, at_end="paused")


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", "{}", '{"version": "1"}', '{"version": true}', '{"version": 0}']
)
def test_an_invalid_profile_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a profile"):
        Profile.of_text(text)


def test_a_written_profile_is_read_back() -> None:
    profile = profile_of(
        {"request_body": "both", "list_delay_seconds": 5, "invented": 1, "envelope": "invented"},
        host="api.exotel.com",
        account_sid="account1",
        checked_on="2026-03-02",
    )

    assert Profile.of_text(profile.text()) == profile
    assert profile.answers() == {"request_body": "both", "list_delay_seconds": 5}
    assert "account1" not in profile.text()


@pytest.mark.parametrize(
    ("name", "value"), [("list_page", True), ("counts_as_strings", 1), ("wrong_state_status", True)]
)
def test_a_flag_is_not_accepted_for_a_number(name: str, value: Any) -> None:
    assert not is_value(name, value)


def test_every_answer_has_a_field_and_an_emulator_switch() -> None:
    # The emulator has one host.
    played = read_profile({name: 7 if isinstance(values, str) else values[0] for name, values in VALUES.items()})

    assert {one.name for one in fields(Profile)} == {*VALUES, "version", "checked_on", "host", "account"}
    renamed = {"accepts": "request_body", "rate_limit": "requests_per_minute"}
    assert {renamed.get(name, name) for name in played} == set(VALUES) - {"wrong_region_status"}
    Settings(**played)


@pytest.mark.parametrize(
    ("accepts", "known", "sent"),
    [
        ("wrapped", "wrapped", ["wrapped"]),
        ("documented", "documented", ["documented"]),
        ("both", "both", ["documented"]),
        ("wrapped", None, ["documented", "wrapped"]),
        # A stale profile costs one request.
        ("wrapped", "both", ["documented", "wrapped"]),
        ("documented", "wrapped", ["wrapped", "documented"]),
    ],
)
def test_the_client_sends_the_form_of_the_account_at_once(
    emulator: Emulator, client_of: ClientFactory, accepts: str, known: Any, sent: list[str]
) -> None:
    emulator.settings.accepts = accepts

    client_of(profile=Profile(request_body=known)).create_campaign(CampaignRequest(**arguments()))

    assert forms_sent(emulator) == sent


def test_a_configured_body_form_overrides_the_profile(emulator: Emulator, client_of: ClientFactory) -> None:
    client = client_of(profile=Profile(request_body="documented"), request_body="wrapped")

    client.create_campaign(CampaignRequest(**arguments()))

    assert forms_sent(emulator) == ["wrapped"]


@pytest.mark.parametrize(
    ("spelling", "word"), [(None, "InProgress"), ("title", "InProgress"), ("hyphen", "in-progress")]
)
def test_the_status_filter_has_the_spelling_of_the_profile(
    emulator: Emulator, client_of: ClientFactory, spelling: Any, word: str
) -> None:
    list(client_of(profile=Profile(status_filter=spelling)).list_campaigns(status=[CampaignStatus.IN_PROGRESS]))

    assert emulator.requests[-1].query["status"] == word


def test_the_emulator_plays_a_profile_and_options_override_it() -> None:
    text = json.dumps({"version": 1, "invented": 1, "request_body": "wrapped", "at_end": "paused", "envelope": None})

    emulator = Emulator(profile=text, at_end="canceled")

    assert (emulator.settings.accepts, emulator.settings.at_end, emulator.settings.envelope) == (
        "wrapped",
        "canceled",
        "item",
    )
