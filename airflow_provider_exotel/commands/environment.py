"""Reads connections from the environment like Airflow, but without it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.connection import ExotelSettings

PREFIX = "AIRFLOW_CONN_"
_EXTRA = "__extra__"
_NO_LIMIT = 1e6


@dataclass
class EnvironmentConnection:
    """A connection of an environment variable, with the fields of Airflow's own class."""

    conn_id: str
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    host: str | None = None
    port: int | None = None
    schema: str | None = None
    extra: str | None = field(default=None, repr=False)


def read_connection(conn_id: str, environment: Mapping[str, str]) -> EnvironmentConnection:
    """Return the connection of ``AIRFLOW_CONN_<ID>``, in either of Airflow's forms: a URI or a JSON object.

    :param conn_id: the connection's id.
    :param environment: the environment variables.
    :raises ExotelInputError: if it is missing or cannot be read; its value is not quoted.
    """
    name = f"{PREFIX}{conn_id.upper()}"
    text = environment.get(name, "").strip()
    if not text:
        raise ExotelInputError([Problem(name, "is required; give the connection as a URI or as JSON")])
    try:
        return _of_json(conn_id, text) if text.startswith("{") else _of_uri(conn_id, text)
    except (TypeError, ValueError):
        raise ExotelInputError([Problem(name, "must be a URI or a JSON object, in the form of Airflow")]) from None


def emergency_client(settings: ExotelSettings) -> ExotelClient:
    """Return a client without a local rate limit, so that only the service limits it.

    In an emergency a refused request costs less than another call.

    :param settings: the connection.
    """
    return ExotelClient(
        settings.api_key,
        settings.api_token,
        settings.account_sid,
        settings.host,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        request_body=settings.request_body,
        profile=settings.profile,
        bucket=TokenBucket(_NO_LIMIT),
    )


def _of_json(conn_id: str, text: str) -> EnvironmentConnection:
    given = json.loads(text)
    port, extra = given.get("port"), given.get("extra")
    return EnvironmentConnection(
        conn_id,
        login=given.get("login"),
        password=given.get("password"),
        host=given.get("host"),
        port=int(port) if port else None,
        schema=given.get("schema"),
        extra=extra if isinstance(extra, str) or extra is None else json.dumps(extra),
    )


def _of_uri(conn_id: str, text: str) -> EnvironmentConnection:
    scheme, _, rest = text.partition("://")
    # A second scheme belongs to the host: exotel://http://key:token@host/account.
    protocol = f"{rest.partition('://')[0]}://" if "://" in rest else ""
    parts = urlsplit(rest if protocol else f"//{rest}")
    if not scheme or parts.hostname is None:
        raise ValueError("no host")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return EnvironmentConnection(
        conn_id,
        login=_unquote(parts.username),
        password=_unquote(parts.password),
        host=f"{protocol}{unquote(parts.hostname)}",
        port=parts.port,
        schema=unquote(parts.path[1:]) or None,
        extra=query[_EXTRA] if _EXTRA in query else json.dumps(query),
    )


def _unquote(text: str | None) -> str | None:
    return unquote(text) if text else text
