from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.profile import Profile
from airflow_provider_exotel.connection import ExotelSettings
from airflow_provider_exotel.connection_form import EXTRA_FIELDS, connection_field_behaviour, connection_metadata
from airflow_provider_exotel.create.cost import Tariff


@dataclass
class Connection:
    """A filled-in connection, with the fields of Airflow's own class."""

    login: str | None = "the-key"
    password: str | None = "the-token"
    schema: str | None = "the-account"
    host: str | None = None
    port: int | None = None
    extra: str | None = None
    conn_id: str = "exotel_default"


def refusal(connection: Connection) -> ExotelInputError:
    with pytest.raises(ExotelInputError) as caught:
        ExotelSettings.of(connection)
    return caught.value


def test_key_token_and_account_are_enough() -> None:
    settings = ExotelSettings.of(Connection())

    assert settings == ExotelSettings("the-key", "the-token", "the-account", "api.exotel.com")
    assert (settings.requests_per_minute, settings.connect_timeout, settings.read_timeout) == (30, 10, 30)
    assert settings.settle == 120
    assert (settings.request_body, settings.exophone, settings.deployment) == ("auto", None, None)
    assert (settings.guard.only_numbers, settings.guard.max_contacts) == (None, None)


@pytest.mark.parametrize("as_written", [str, lambda value: value], ids=["text", "typed"])
def test_every_extra_field_is_read(as_written: Any) -> None:
    extra = {
        "exophone": "0XXXXXX4890",
        "requests_per_minute": as_written(60),
        "connect_timeout": as_written(5),
        "read_timeout": as_written(45),
        "settle": as_written(60),
        "request_body": "Wrapped",
        "only_numbers": "+919876500000, +919876500001",
        "max_contacts": as_written(2),
        "deployment": "staging",
        "price_per_minute": as_written(0.6),
        "currency": "inr",
        "callback_base_url": "https://callbacks.example.com/exotel/",
        "region": "mumbai",
        "profile": '{"version": 1, "request_body": "documented"}',
    }
    assert extra.keys() == EXTRA_FIELDS.keys()

    settings = ExotelSettings.of(Connection(extra=json.dumps(extra)))

    assert (settings.exophone, settings.deployment) == ("0XXXXXX4890", "staging")
    assert (settings.requests_per_minute, settings.connect_timeout, settings.read_timeout) == (60, 5, 45)
    assert settings.settle == 60
    assert settings.tariff == Tariff(Decimal("0.60"), "INR")
    assert settings.callback_base_url == "https://callbacks.example.com/exotel"
    assert (settings.request_body, settings.host) == ("wrapped", "api.in.exotel.com")
    assert [*(settings.guard.only_numbers or ())] == ["+919876500000", "+919876500001"]
    assert settings.guard.max_contacts == 2
    assert settings.profile is not None
    assert settings.profile.request_body == "documented"


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_a_field_left_empty_has_its_default(empty: str | None) -> None:
    extra = json.dumps(dict.fromkeys(EXTRA_FIELDS, empty))

    assert ExotelSettings.of(Connection(extra=extra)) == ExotelSettings.of(Connection())


@pytest.mark.parametrize("as_written", ["path", "text", "typed"])
def test_a_profile_is_a_path_or_its_text(tmp_path: Path, as_written: str) -> None:
    profile = Profile(request_body="wrapped", requests_per_minute=100, list_delay_seconds=90)
    path = tmp_path / "profile.json"
    path.write_text(profile.text())
    written = {"path": str(path), "text": profile.text(), "typed": json.loads(profile.text())}[as_written]

    settings = ExotelSettings.of(Connection(extra=json.dumps({"profile": written})))

    assert settings.profile == profile
    assert (settings.requests_per_minute, settings.settle) == (100, 180)


def test_fields_of_the_connection_override_its_profile() -> None:
    profile = Profile(requests_per_minute=100, list_delay_seconds=90)
    extra = {"profile": profile.text(), "requests_per_minute": 20, "settle": 60}

    settings = ExotelSettings.of(Connection(extra=json.dumps(extra)))

    assert (settings.requests_per_minute, settings.settle) == (20, 60)


def test_an_empty_profile_changes_no_other_setting() -> None:
    settings = ExotelSettings.of(Connection(extra=json.dumps({"profile": '{"version": 1}'})))

    assert replace(settings, profile=None) == ExotelSettings.of(Connection())


@pytest.mark.parametrize(
    ("region", "host", "port", "where"),
    [
        (None, None, None, "api.exotel.com"),
        ("singapore", None, None, "api.exotel.com"),
        ("Mumbai", None, None, "api.in.exotel.com"),
        ("mumbai", "api.in.exotel.com", None, "api.in.exotel.com"),
        (None, "api.in.exotel.com", None, "api.in.exotel.com"),
        ("other", "api.example.org", None, "api.example.org"),
        ("other", "api.example.org", 8443, "api.example.org:8443"),
        ("mumbai", "api.in.exotel.com", 443, "api.in.exotel.com"),
        ("singapore", None, 443, "api.exotel.com"),
        (None, "127.0.0.1", 8080, "127.0.0.1:8080"),
        (None, " https://api.exotel.com ", None, "https://api.exotel.com"),
    ],
)
def test_the_host_is_resolved_from_region_and_host(
    region: str | None, host: str | None, port: int | None, where: str
) -> None:
    extra = json.dumps({"region": region})

    assert ExotelSettings.of(Connection(host=host, port=port, extra=extra)).host == where


@pytest.mark.parametrize(
    ("wrong", "named", "message"),
    [
        ({"login": None}, "login", "is required; it is the API key"),
        ({"password": "  "}, "password", "is required; it is the API token"),
        ({"schema": ""}, "schema", "is required; it is the Account SID"),
        ({"login": "canary key"}, "login", "must not contain white space"),
        ({"password": "canary\n"}, "password", "must not contain white space"),
        ({"schema": "canary/../b"}, "schema", "must consist of letters, digits, - and _"),
        ({"schema": "canary%2F"}, "schema", "must consist of letters, digits, - and _"),
        ({"schema": "cänary"}, "schema", "must consist of letters, digits, - and _"),
        ({"host": "canary:token@example.org"}, "host", "user or password"),
        ({"host": "http://canary.example.org"}, "host", "plain http"),
        ({"host": "canary.example.org/v2"}, "host", "must not contain a path"),
        ({"host": "canary.example.org", "extra": {"region": "mumbai"}}, "extra.region", "mutually exclusive with host"),
        ({"extra": {"region": "other"}}, "host", "is required"),
        ({"extra": {"profile": "/canary/profile.json"}}, "extra.profile", "cannot be read (FileNotFoundError)"),
        ({"extra": {"profile": "{canary"}}, "extra.profile", "must be a profile as a JSON object"),
        ({"extra": {"profile": {"canary": 1}}}, "extra.profile", "must be a profile with a version"),
        ({"extra": {"region": "canary"}}, "extra.region", "use one of 'singapore', 'mumbai', 'other'"),
        ({"extra": {"region": "mumbay"}}, "extra.region", "did you mean 'mumbai'?"),
        ({"extra": {"request_body": "canary"}}, "extra.request_body", "use one of 'auto', 'documented', 'wrapped'"),
        ({"extra": {"requests_per_minute": "canary"}}, "extra.requests_per_minute", "a whole number, at least 1"),
        ({"extra": {"requests_per_minute": 0}}, "extra.requests_per_minute", "a whole number, at least 1"),
        ({"extra": {"read_timeout": -1}}, "extra.read_timeout", "a whole number of seconds, at least 1"),
        ({"extra": {"read_timeout": True}}, "extra.read_timeout", "a whole number of seconds, at least 1"),
        ({"extra": {"read_timeout": "٣٠"}}, "extra.read_timeout", "a whole number of seconds, at least 1"),
        ({"extra": {"settle": -1}}, "extra.settle", "a whole number of seconds, at least 0"),
        ({"extra": {"settle": "9" * 5_000}}, "extra.settle", "a whole number of seconds, at least 0"),
        ({"extra": {"max_contacts": "2.5"}}, "extra.max_contacts", "a whole number, at least 1"),
        ({"extra": {"max_contacts": 2.0}}, "extra.max_contacts", "a whole number, at least 1"),
        ({"extra": {"max_contacts": [2]}}, "extra.max_contacts", "a whole number, at least 1"),
        ({"extra": {"only_numbers": "+919876500000, canary"}}, "extra.only_numbers", "cannot be a phone number"),
        ({"extra": {"only_numbers": ["+919876500000"]}}, "extra.only_numbers", "must be text"),
        ({"extra": {"only_numbers": False}}, "extra.only_numbers", "must be text"),
        ({"extra": {"only_numbers": "[[1]]"}}, "extra.only_numbers", "must be a list of numbers as text"),
        ({"extra": {"only_numbers": " , "}}, "extra.only_numbers", "must not be empty"),
        ({"extra": {"only_number": "+919876500000"}}, "extra.only_number", "did you mean 'only_numbers'?"),
        ({"extra": '{"max_contacts": 1, "max_contacts": 99}'}, "extra.max_contacts", "must not be given twice"),
    ],
    ids=str,
)
def test_a_problem_is_named_by_field_and_its_value_is_never_repeated(
    wrong: dict[str, Any], named: str, message: str
) -> None:
    if "extra" in wrong and not isinstance(wrong["extra"], str):
        wrong = wrong | {"extra": json.dumps(wrong["extra"])}

    error = refusal(Connection(**wrong))

    assert str(error).startswith("Invalid connection exotel_default, nothing was sent (1 problem):\n- ")
    assert [problem.field for problem in error.problems] == [f"connection.{named}"]
    assert message in error.problems[0].message
    assert not any(trace in str(error) for trace in ("canary", "98765"))


@pytest.mark.parametrize(
    "extra",
    ["{'only_numbers': '+919876500000'}", '["only_numbers"]', "only_numbers=+919876500000", "7", "null", " ", '{"a'],
)
def test_an_extra_that_is_not_a_json_object_is_refused(extra: str) -> None:
    [problem] = refusal(Connection(extra=extra)).problems

    assert str(problem) == 'connection.extra: must be a JSON object such as {"region": "mumbai"}'


def test_every_problem_is_reported_at_once() -> None:
    extra = json.dumps({"region": "x", "colour": "red"})

    error = refusal(Connection(login=None, password=None, schema=None, host="a b", extra=extra))

    assert len(error.problems) == 6
    assert "(6 problems)" in str(error)


def test_the_repr_of_the_settings_has_no_secret_and_no_number() -> None:
    shown = repr(ExotelSettings.of(Connection(extra='{"only_numbers": "+919876500000"}')))

    assert not any(secret in shown for secret in ("the-key", "the-token", "98765"))


def test_every_airflow_version_shows_the_same_form_fields() -> None:
    metadata = connection_metadata("somewhere.Hook")
    behaviour = connection_field_behaviour()

    assert metadata["conn-fields"].keys() == EXTRA_FIELDS.keys()
    assert metadata["ui-field-behaviour"] == {name.replace("_", "-"): value for name, value in behaviour.items()}
    assert json.loads(json.dumps(metadata)) == metadata


def test_an_empty_form_field_has_the_default_shown() -> None:
    read = ExotelSettings.of(Connection())

    for name, one in connection_metadata("somewhere.Hook")["conn-fields"].items():
        assert "null" in one["schema"]["type"]
        assert one["schema"]["default"] == getattr(read, name, None)


@pytest.mark.parametrize(("host", "local"), [("127.0.0.1:8080", True), ("localhost", True), ("api.exotel.com", False)])
def test_only_a_connection_to_loopback_allows_private_callbacks(host: str, local: bool) -> None:
    assert ExotelSettings.of(Connection(host=host)).guard.allows_private_urls is local


def test_the_numbers_of_the_guard_are_read() -> None:
    settings = ExotelSettings.of(Connection(extra='{"only_numbers": "+919876500000"}'))

    assert settings.guard.only_numbers == PhoneNumbers(["+919876500000"])


@pytest.mark.parametrize(
    "address",
    [
        "http://callbacks.example.com",
        "https://user:secret@callbacks.example.com",
        "https://callbacks.example.com/?token=secret",
        "https://callbacks.example.com/#secret",
        "callbacks.example.com",
    ],
)
def test_a_callback_base_url_must_be_a_plain_https_url(address: str) -> None:
    with pytest.raises(ExotelInputError) as caught:
        ExotelSettings.of(Connection(extra=json.dumps({"callback_base_url": address})))

    assert [problem.field for problem in caught.value.problems] == ["connection.extra.callback_base_url"]
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [{"price_per_minute": "-1"}, {"price_per_minute": "0,60"}, {"price_per_minute": "nan"}, {"currency": "rupees"}],
)
def test_a_price_must_be_an_amount_and_its_currency_a_code(wrong: dict[str, str]) -> None:
    with pytest.raises(ExotelInputError) as caught:
        ExotelSettings.of(Connection(extra=json.dumps(wrong)))

    assert [problem.field for problem in caught.value.problems] == [f"connection.extra.{name}" for name in wrong]
