"""Connections in the environment are read like in Airflow."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.commands.environment import read_connection

text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
hosts = st.sampled_from(["api.exotel.com", "127.0.0.1", "https://api.in.exotel.com", "http://localhost"])
ports = st.none() | st.integers(1, 65_535)
extras = st.dictionaries(st.sampled_from(["region", "exophone", "deployment"]), text, max_size=3)
connections = st.fixed_dictionaries(
    {"login": text, "password": text, "schema": text, "host": hosts, "port": ports, "extra": extras}
)


def fields(connection: Any) -> dict[str, Any]:
    extra = {name: decoded(value) for name, value in json.loads(connection.extra or "{}").items()}
    return {name: getattr(connection, name) for name in ("login", "password", "schema", "host", "port")} | extra


def decoded(value: Any) -> str:
    """Return a value of an extra as text. Some versions of Airflow decode values of a URI that are JSON."""
    with suppress(TypeError, ValueError):
        return str(json.loads(value))
    return str(value)


@pytest.mark.airflow
@pytest.mark.filterwarnings("default")
@given(connections)
def test_a_uri_is_read_like_in_airflow(given: dict[str, Any]) -> None:
    from airflow.models.connection import Connection

    extra = json.dumps(given["extra"]) if given["extra"] else None
    uri = Connection(conn_id="team_a", conn_type="exotel", **(given | {"extra": extra})).get_uri()

    read = read_connection("team_a", {"AIRFLOW_CONN_TEAM_A": uri})

    assert fields(read) == fields(Connection(conn_id="team_a", uri=uri))


@pytest.mark.airflow
@pytest.mark.filterwarnings("default")
@given(connections, st.booleans())
def test_json_is_read_like_in_airflow(given: dict[str, Any], extra_as_text: bool) -> None:
    from airflow.models.connection import Connection

    extra = json.dumps(given["extra"]) if extra_as_text else given["extra"]
    written = json.dumps({"conn_type": "exotel", **given, "extra": extra})

    read = read_connection("team_a", {"AIRFLOW_CONN_TEAM_A": written})

    assert fields(read) == fields(Connection.from_json(written))
