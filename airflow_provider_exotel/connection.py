"""The settings of an ``exotel`` connection, read and checked once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, Self
from urllib.parse import urlsplit

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.guard import StagingGuard
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.profile import Profile
from airflow_provider_exotel.client.rate_limit import REQUESTS_PER_MINUTE
from airflow_provider_exotel.client.redact import StoredRedacted
from airflow_provider_exotel.client.text import did_you_mean
from airflow_provider_exotel.client.urls import (
    DEFAULT_REGION,
    REGIONS,
    base_url,
    check_account_sid,
    check_web_url,
    is_loopback,
)
from airflow_provider_exotel.connection_form import (
    EXTRA_FIELDS,
    HTTPS_PORT,
    OTHER_HOST,
    STANDARD_FIELDS,
)
from airflow_provider_exotel.create.cost import Tariff, read_amount

_CREDENTIALS = ("login", "password", "schema")


class AirflowConnection(Protocol):
    """The attributes of Airflow's Connection that are read here."""

    conn_id: str
    login: str | None
    password: str | None
    host: str | None
    port: int | None
    schema: str | None

    @property
    def extra(self) -> str | None:
        """The extra fields, as the text of a JSON object."""
        ...


@dataclass(frozen=True)
class ExotelSettings(StoredRedacted):
    """The checked settings of a connection.

    :param api_key: API key; left out of the ``repr``, like the token.
    :param api_token: API token.
    :param account_sid: the account.
    :param host: the region's host, with scheme and port if given.
    :param exophone: the default ``caller_id``.
    :param requests_per_minute: the account's rate limit.
    :param connect_timeout: seconds.
    :param read_timeout: seconds.
    :param settle: seconds until a new campaign is certainly in the account's list.
    :param request_body: the form of request bodies.
    :param deployment: a name that distinguishes two Airflows on one account.
    :param price_per_minute: the price of a minute, in the account's currency.
    :param currency: the account's currency, such as ``INR``.
    :param callback_base_url: the public URL of the callback program, without a trailing slash.
    :param guard: the staging guard.
    :param profile: the profile of the account, ``None`` if there is none.
    """

    api_key: str = field(repr=False)
    api_token: str = field(repr=False)
    account_sid: str
    host: str
    exophone: str | None = None
    requests_per_minute: int = REQUESTS_PER_MINUTE
    connect_timeout: int = 10
    read_timeout: int = 30
    settle: int = 120
    request_body: Literal["auto", "documented", "wrapped"] = "auto"
    deployment: str | None = None
    price_per_minute: Decimal | None = None
    currency: str | None = None
    callback_base_url: str | None = None
    guard: StagingGuard = field(default_factory=StagingGuard)
    profile: Profile | None = field(default=None, repr=False)

    @property
    def tariff(self) -> Tariff | None:
        """The price of a minute, ``None`` if the connection has none."""
        return None if self.price_per_minute is None else Tariff(self.price_per_minute, self.currency or "")

    @classmethod
    def of(cls, connection: AirflowConnection) -> Self:
        """Return the settings of an Airflow connection.

        :raises ExotelInputError: naming every missing or wrong field, but never its value.
        """
        problems: list[Problem] = []
        given = _read_extra(connection.extra, problems)
        extra = _read_fields(given, problems)
        profile = _try(partial(_read_profile, extra.pop("profile")), "extra.profile", problems)
        extra |= _known_limits(profile, given)
        host = _read_host(connection, extra.pop("region"), problems)
        guard = StagingGuard(
            _read_only_numbers(extra.pop("only_numbers"), problems),
            extra.pop("max_contacts"),
            allows_private_urls=is_loopback(urlsplit(host if "//" in host else f"//{host}").hostname),
        )
        extra["price_per_minute"] = _read_price(extra["price_per_minute"], problems)
        extra["currency"] = _read_currency(extra["currency"], problems)
        extra["callback_base_url"] = _read_callback_base_url(extra["callback_base_url"], problems)
        login, password, schema = (_read_standard(connection, name, problems) for name in _CREDENTIALS)
        if problems:
            subject = f"connection {connection.conn_id}"
            raise ExotelInputError([Problem(f"connection.{one.field}", one.message) for one in problems], subject)
        return cls(
            api_key=login, api_token=password, account_sid=schema, host=host, guard=guard, profile=profile, **extra
        )


def _read_extra(extra: str | None, problems: list[Problem]) -> Mapping[str, Any]:
    """Return the extra fields. Airflow itself ignores an extra that is not JSON, which would drop a staging guard."""
    if extra is None or extra == "":
        return {}
    repeated: list[str] = []

    def record_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated.extend(name for position, (name, _) in enumerate(pairs) if name in dict(pairs[:position]))
        return dict(pairs)

    try:
        parsed = json.loads(extra, object_pairs_hook=record_repeats)
    except (TypeError, ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        problems.append(Problem("extra", 'must be a JSON object such as {"region": "mumbai"}'))
        return {}
    problems.extend(Problem(f"extra.{name}", "must not be given twice") for name in sorted(set(repeated)))
    return parsed


def _read_fields(extra: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    for name in extra.keys() - EXTRA_FIELDS.keys():
        # A mistyped staging guard must not be ignored silently.
        hint = f"use one of {', '.join(EXTRA_FIELDS)}{did_you_mean(name, EXTRA_FIELDS)}"
        problems.append(Problem(f"extra.{name}", f"unknown field; {hint}"))
    # Written without quotes, as Airflow 3.1 parses the fields of a URI, they are turned back into text.
    for name, kinds in (("profile", dict), ("price_per_minute", (int, float))):
        if isinstance(extra.get(name), kinds) and not isinstance(extra[name], bool):
            extra = {**extra, name: json.dumps(extra[name])}
    return {
        name: _try(partial(one.read, extra.get(name)), f"extra.{name}", problems) for name, one in EXTRA_FIELDS.items()
    }


def _read_profile(given: str | None) -> Profile | None:
    """Return the profile of a connection.

    :param given: the path of a file, or the JSON text.
    :raises ValueError: if it is neither; the value is not repeated.
    """
    if given is None:
        return None
    if given.startswith("{"):
        return Profile.of_text(given)
    try:
        text = Path(given).read_text()
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot be read ({type(error).__name__}); give the path of a profile, or its text") from None
    return Profile.of_text(text)


def _known_limits(profile: Profile | None, given: Mapping[str, Any]) -> dict[str, int]:
    """Return the limits from a profile that the connection does not set itself."""
    if profile is None:
        return {}
    limits = {"requests_per_minute": profile.requests_per_minute or 0}
    # Twice the measured delay, since it was measured only once; ignored if it is less than the default.
    limits["settle"] = 2 * (profile.list_delay_seconds or 0)
    least = {"requests_per_minute": 0, "settle": int(EXTRA_FIELDS["settle"].default or 0)}
    return {
        name: limit
        for name, limit in limits.items()
        if str(given.get(name) or "").strip() == "" and limit > least[name]
    }


def _read_only_numbers(given: str | None, problems: list[Problem]) -> PhoneNumbers | None:
    if given is None:
        return None
    try:
        numbers = PhoneNumbers.of(given)
    except TypeError as error:
        problems.append(Problem("extra.only_numbers", str(error)))
        return None
    problems.extend(Problem("extra.only_numbers", message) for message in numbers.problems())
    return numbers


def _read_price(given: str | None, problems: list[Problem]) -> Decimal | None:
    if given is None:
        return None
    try:
        return read_amount(given)
    except ValueError:
        problems.append(Problem("extra.price_per_minute", "must be an amount of 0 or more, such as 0.60"))
        return None


def _read_currency(given: str | None, problems: list[Problem]) -> str | None:
    if given is None or re.fullmatch("[A-Za-z]{3}", given):
        return given and given.upper()
    problems.append(Problem("extra.currency", "must be the code of a currency, such as INR"))
    return None


def _read_callback_base_url(given: str | None, problems: list[Problem]) -> str | None:
    if given is None:
        return None
    try:
        parts = urlsplit(check_web_url(given))
        is_secure = parts.scheme == "https" or is_loopback(parts.hostname)
        is_fit = is_secure and not parts.query and not parts.fragment
    except ValueError:
        is_fit = False
    if not is_fit:
        wanted = "must be an https address without user, query and fragment, such as https://callbacks.example.com"
        problems.append(Problem("extra.callback_base_url", wanted))
    return given.rstrip("/")


def _read_standard(connection: AirflowConnection, name: str, problems: list[Problem]) -> str:
    value = getattr(connection, name) or ""
    if not value.strip():
        problems.append(
            Problem(name, f"is required; it is the {STANDARD_FIELDS[name]} of the dashboard's API settings")
        )
    elif any(map(str.isspace, value)):
        problems.append(Problem(name, f"must not contain white space; copy the {STANDARD_FIELDS[name]} again"))
    elif name == "schema":
        _try(partial(check_account_sid, value), name, problems)
    return value


def _read_host(connection: AirflowConnection, region: str | None, problems: list[Problem]) -> str:
    host = (connection.host or "").strip()
    if host and connection.port and connection.port != HTTPS_PORT:
        host = f"{host}:{connection.port}"
    if region in REGIONS:
        if host and host != REGIONS[region]:
            message = f"is mutually exclusive with host; leave host empty, or choose {OTHER_HOST!r}"
            problems.append(Problem("extra.region", message))
        return REGIONS[region]
    if region == OTHER_HOST and not host:
        problems.append(Problem("host", f"is required with region {OTHER_HOST!r}"))
    host = host or REGIONS[DEFAULT_REGION]
    try:
        base_url(host)
    except ExotelInputError as error:
        problems.extend(error.problems)
        return REGIONS[DEFAULT_REGION]
    return host


def _try(read: Callable[[], Any], name: str, problems: list[Problem]) -> Any:
    try:
        return read()
    except ValueError as error:
        problems.append(Problem(name, str(error)))
        return None
