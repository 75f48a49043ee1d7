from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.connection import (
    EXTRA_FIELDS,
    ExotelSettings,
    connection_field_behaviour,
    connection_metadata,
)


@dataclass
class Connection:
    """What a person has filled in; the fields of Airflow's own Connection."""

    login: str | None = "the-key"
    password: str | None = "the-token"
    schema: str | None = "the-account"
    host: str | None = None
    port: int | None = None
    extra_dejson: dict[str, Any] = field(default_factory=dict)
    conn_id: str = "exotel_default"


def refusal(connection: Connection) -> ExotelInputError:
    with pytest.raises(ExotelInputError) as caught:
        ExotelSettings.of(connection)
    return caught.value


def test_key_token_and_account_are_enough() -> None:
    settings = ExotelSettings.of(Connection())

    assert settings == ExotelSettings("the-key", "the-token", "the-account", "api.exotel.com")
    assert (settings.requests_per_minute, settings.connect_timeout, settings.read_timeout) == (30, 10, 30)
    assert (settings.request_body, settings.exophone, settings.deployment) == ("auto", None, None)
    assert (settings.guard.only_numbers, settings.guard.max_contacts) == (None, None)


@pytest.mark.parametrize("as_written", [str, lambda value: value], ids=["text", "typed"])
def test_every_extra_field_is_read(as_written: Any) -> None:
    extra = {
        "exophone": "0XXXXXX4890",
        "requests_per_minute": as_written(60),
        "connect_timeout": as_written(5),
        "read_timeout": as_written(45),
        "request_body": "Wrapped",
        "only_numbers": "+919876500000, +919876500001",
        "max_contacts": as_written(2),
        "deployment": "staging",
        "region": "mumbai",
    }
    assert extra.keys() == EXTRA_FIELDS.keys()

    settings = ExotelSettings.of(Connection(extra_dejson=extra))

    assert (settings.exophone, settings.deployment) == ("0XXXXXX4890", "staging")
    assert (settings.requests_per_minute, settings.connect_timeout, settings.read_timeout) == (60, 5, 45)
    assert (settings.request_body, settings.host) == ("wrapped", "api.in.exotel.com")
    assert [*(settings.guard.only_numbers or ())] == ["+919876500000", "+919876500001"]
    assert settings.guard.max_contacts == 2


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_a_field_left_empty_has_its_default(empty: str | None) -> None:
    assert ExotelSettings.of(Connection(extra_dejson=dict.fromkeys(EXTRA_FIELDS, empty))) == ExotelSettings.of(
        Connection()
    )


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
def test_where_the_account_lives(region: str | None, host: str | None, port: int | None, where: str) -> None:
    assert ExotelSettings.of(Connection(host=host, port=port, extra_dejson={"region": region})).host == where


@pytest.mark.parametrize(
    ("wrong", "named", "said"),
    [
        ({"login": None}, "API key", "is missing; it is the connection's login"),
        ({"password": "  "}, "API token", "is missing; it is the connection's password"),
        ({"schema": ""}, "Account SID", "is missing; it is the connection's schema"),
        ({"login": "canary key"}, "API key", "holds white space"),
        ({"password": "canary\n"}, "API token", "holds white space"),
        ({"host": "canary:token@example.org"}, "Host", "user or password"),
        ({"host": "http://canary.example.org"}, "Host", "plain http"),
        ({"host": "canary.example.org/v2"}, "Host", "holds a path"),
        ({"host": "canary.example.org", "extra_dejson": {"region": "mumbai"}}, "Region", "name two places"),
        ({"extra_dejson": {"region": "other"}}, "Host", "is missing"),
        ({"extra_dejson": {"region": "canary"}}, "region", "singapore, mumbai, other"),
        ({"extra_dejson": {"request_body": "canary"}}, "request_body", "auto, documented, wrapped"),
        ({"extra_dejson": {"requests_per_minute": "canary"}}, "requests_per_minute", "whole number of 1 or more"),
        ({"extra_dejson": {"requests_per_minute": 0}}, "requests_per_minute", "whole number of 1 or more"),
        ({"extra_dejson": {"read_timeout": -1}}, "read_timeout", "whole number of 1 or more"),
        ({"extra_dejson": {"max_contacts": "2.5"}}, "max_contacts", "whole number of 1 or more"),
        ({"extra_dejson": {"only_numbers": "+919876500000, canary"}}, "only_numbers", "cannot be a phone number"),
        ({"extra_dejson": {"only_number": "+919876500000"}}, "extra 'only_number'", "is not known"),
        ({"extra_dejson": {"only_numbers": " , "}}, "only_numbers", "holds no number"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_by_field_and_never_repeated(wrong: dict[str, Any], named: str, said: str) -> None:
    error = refusal(Connection(**wrong))

    assert [problem.field for problem in error.problems] == [f"connection, {named}"]
    assert said in error.problems[0].message
    assert not any(trace in str(error) for trace in ("canary", "98765"))


def test_everything_that_is_wrong_is_said_at_once() -> None:
    wrong = Connection(
        login=None, password=None, schema=None, host="a b", extra_dejson={"region": "x", "colour": "red"}
    )

    assert len(refusal(wrong).problems) == 6


def test_the_text_of_the_settings_holds_no_secret_and_no_number() -> None:
    shown = repr(ExotelSettings.of(Connection(extra_dejson={"only_numbers": "+919876500000"})))

    assert not any(secret in shown for secret in ("the-key", "the-token", "98765"))


def test_the_form_of_every_airflow_shows_the_same_fields() -> None:
    metadata = connection_metadata("somewhere.Hook")
    behaviour = connection_field_behaviour()

    assert metadata["conn-fields"].keys() == EXTRA_FIELDS.keys()
    assert metadata["ui-field-behaviour"] == {name.replace("_", "-"): value for name, value in behaviour.items()}
    assert json.loads(json.dumps(metadata)) == metadata


def test_a_form_field_may_be_left_empty_and_has_the_default_that_is_read() -> None:
    read = ExotelSettings.of(Connection())

    for name, one in connection_metadata("somewhere.Hook")["conn-fields"].items():
        assert "null" in one["schema"]["type"]
        assert one["schema"]["default"] == getattr(read, name, None)


def test_the_text_of_a_guard_is_a_count() -> None:
    settings = ExotelSettings.of(Connection(extra_dejson={"only_numbers": "+919876500000"}))

    assert settings.guard.only_numbers == PhoneNumbers(["+919876500000"])
