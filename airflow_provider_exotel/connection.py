"""The ``exotel`` connection: its form, declared once, and the settings read from it.

Airflow 3.2 and later take the form from the provider's metadata, earlier ones from methods of the hook; both are made
of the tables here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.guard import StagingGuard
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.rate_limit import REQUESTS_PER_MINUTE
from airflow_provider_exotel.client.urls import DEFAULT_REGION, REGIONS, base_url

CONNECTION_TYPE = "exotel"
CONNECTION_NAME = "Exotel"
DEFAULT_CONNECTION_ID = "exotel_default"
OTHER_HOST = "other"


@dataclass(frozen=True)
class FormField:
    """A field of the connection form that Airflow keeps under ``extra``.

    :param label: what the form calls it.
    :param description: the help text beneath it.
    :param type: its JSON schema type.
    :param default: its value when left empty.
    :param choices: the values it may take, empty for any.
    :param minimum: the least value of a number.
    """

    label: str
    description: str
    type: Literal["string", "integer"] = "string"
    default: str | int | None = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None

    def read(self, value: object) -> str | int | None:
        """Return the value of the field, or its default when left empty.

        :raises ValueError: saying what to write instead; the value is not repeated.
        """
        text = "" if value is None else str(value).strip()
        if not text:
            return self.default
        if self.choices and text.lower() not in self.choices:
            raise ValueError(f"is none of {', '.join(self.choices)}")
        if self.type == "string":
            return text.lower() if self.choices else text
        if not text.isdecimal() or int(text) < (self.minimum or 0):
            raise ValueError(f"is no whole number of {self.minimum or 0} or more")
        return int(text)


STANDARD_FIELDS = {"login": "API key", "password": "API token", "schema": "Account SID", "host": "Host"}
HTTPS_PORT = 443
PLACEHOLDERS = {
    "login": "from API settings in the Exotel dashboard",
    "schema": "from API settings in the Exotel dashboard",
    # The Test button of Airflow 3.3 refuses a connection without a port before it asks the hook.
    "port": f"{HTTPS_PORT}; Airflow 3.3 tests no connection without one",
    "host": f"only where the region is '{OTHER_HOST}', such as api.exotel.com",
}
EXTRA_FIELDS = {
    "region": FormField(
        "Region",
        f"Where the account lives: singapore (api.exotel.com), mumbai (api.in.exotel.com), or {OTHER_HOST} for the "
        "host above. Empty: the host above, or singapore.",
        choices=(*REGIONS, OTHER_HOST),
    ),
    "exophone": FormField("Default ExoPhone", "The caller_id of campaigns that do not name one."),
    "requests_per_minute": FormField(
        "Requests per minute",
        "The account's limit for campaign requests.",
        type="integer",
        default=REQUESTS_PER_MINUTE,
        minimum=1,
    ),
    "connect_timeout": FormField(
        "Connect timeout (s)", "Seconds to wait for a connection.", type="integer", default=10, minimum=1
    ),
    "read_timeout": FormField(
        "Read timeout (s)", "Seconds to wait for an answer.", type="integer", default=30, minimum=1
    ),
    "request_body": FormField(
        "Request body",
        "The form of request bodies: documented, wrapped, or auto to try the first and then the second.",
        default="auto",
        choices=("auto", "documented", "wrapped"),
    ),
    "only_numbers": FormField(
        "Only these numbers", "Staging guard: comma-separated; campaigns that would call anybody else are refused."
    ),
    "max_contacts": FormField(
        "Most contacts", "Staging guard: larger campaigns are refused.", type="integer", minimum=1
    ),
    "deployment": FormField(
        "Deployment", "A word that keeps two Airflows on one account apart, such as staging and production."
    ),
}


class AirflowConnection(Protocol):
    """What is needed of Airflow's Connection."""

    conn_id: str
    login: str | None
    password: str | None
    host: str | None
    port: int | None
    schema: str | None

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """The extra fields."""
        ...


@dataclass(frozen=True)
class ExotelSettings:
    """What a connection says, checked.

    :param api_key: API key; left out of the text of this object, like the token.
    :param api_token: API token.
    :param account_sid: the account.
    :param host: where it lives, with scheme and port where given.
    :param exophone: the default ``caller_id``.
    :param requests_per_minute: the account's limit.
    :param connect_timeout: seconds.
    :param read_timeout: seconds.
    :param request_body: the form of request bodies.
    :param deployment: a word that keeps two Airflows on one account apart.
    :param guard: what the account refuses to dial.
    """

    api_key: str = field(repr=False)
    api_token: str = field(repr=False)
    account_sid: str
    host: str
    exophone: str | None = None
    requests_per_minute: int = REQUESTS_PER_MINUTE
    connect_timeout: int = 10
    read_timeout: int = 30
    request_body: Literal["auto", "documented", "wrapped"] = "auto"
    deployment: str | None = None
    guard: StagingGuard = field(default_factory=StagingGuard)

    @classmethod
    def of(cls, connection: AirflowConnection) -> Self:
        """Read an Airflow connection.

        :raises ExotelInputError: naming every field that is missing or wrong, and never its value.
        """
        problems: list[Problem] = []
        extra = _read_extra(connection.extra_dejson or {}, problems)
        host = _read_host(connection, extra.pop("region"), problems)
        only_numbers = extra.pop("only_numbers")
        guard = StagingGuard(PhoneNumbers.of(only_numbers) if only_numbers else None, extra.pop("max_contacts"))
        if guard.only_numbers is not None and not guard.only_numbers:
            problems.append(Problem("only_numbers", "holds no number; write some, or leave it empty to allow all"))
        if guard.only_numbers is not None and guard.only_numbers.malformed():
            problems.append(
                Problem("only_numbers", "holds what cannot be a phone number; write E.164, comma-separated")
            )
        for name in ("login", "password", "schema"):
            value = getattr(connection, name) or ""
            if not value.strip():
                problems.append(Problem(STANDARD_FIELDS[name], f"is missing; it is the connection's {name}"))
            elif any(map(str.isspace, value)):
                problems.append(Problem(STANDARD_FIELDS[name], "holds white space; copy it again from the dashboard"))
        if problems:
            raise ExotelInputError([Problem(f"connection, {one.field}", one.message) for one in problems])
        return cls(
            api_key=connection.login or "",
            api_token=connection.password or "",
            account_sid=connection.schema or "",
            host=host,
            guard=guard,
            **extra,
        )


def connection_metadata(hook_class_name: str) -> dict[str, Any]:
    """Return the entry of ``connection-types`` in the provider's metadata (Airflow 3.2 and later read the form there).

    :param hook_class_name: the full name of the hook.
    """
    return {
        "connection-type": CONNECTION_TYPE,
        "hook-class-name": hook_class_name,
        "hook-name": CONNECTION_NAME,
        "ui-field-behaviour": {
            "hidden-fields": [],
            "relabeling": STANDARD_FIELDS,
            "placeholders": PLACEHOLDERS,
        },
        "conn-fields": {
            name: {"label": one.label, "description": one.description, "schema": _schema(one)}
            for name, one in EXTRA_FIELDS.items()
        },
    }


def connection_form_widgets() -> dict[str, Any]:
    """Return the extra fields as form widgets (Airflow before 3.2 asks the hook for them)."""
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
    from flask_babel import lazy_gettext
    from wtforms import IntegerField, StringField
    from wtforms.validators import Optional, any_of

    def widget(one: FormField) -> Any:
        kind = IntegerField if one.type == "integer" else StringField
        return kind(
            lazy_gettext(one.label),
            widget=BS3TextFieldWidget(),
            description=one.description,
            default=one.default,
            validators=[Optional(), *([any_of(list(one.choices))] if one.choices else [])],
        )

    return {name: widget(one) for name, one in EXTRA_FIELDS.items()}


def connection_field_behaviour() -> dict[str, Any]:
    """Return the labels of the standard fields (Airflow before 3.2 asks the hook for them)."""
    return {"hidden_fields": [], "relabeling": STANDARD_FIELDS, "placeholders": PLACEHOLDERS}


def _schema(one: FormField) -> dict[str, Any]:
    # Without "null" the form would make the field mandatory.
    schema: dict[str, Any] = {"type": [one.type, "null"], "default": one.default}
    if one.choices:
        schema["enum"] = [*one.choices, None]
    if one.minimum is not None:
        schema["minimum"] = one.minimum
    return schema


def _read_extra(extra: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    for name in extra.keys() - EXTRA_FIELDS.keys():
        # A mistyped staging guard that is silently passed over guards nothing.
        problems.append(Problem(f"extra {name!r}", f"is not known; the fields are {', '.join(EXTRA_FIELDS)}"))
    read: dict[str, Any] = {}
    for name, one in EXTRA_FIELDS.items():
        read[name] = _try(one.read, extra.get(name), name, problems)
    return read


def _read_host(connection: AirflowConnection, region: str | None, problems: list[Problem]) -> str:
    host = (connection.host or "").strip()
    if host and connection.port and connection.port != HTTPS_PORT:
        host = f"{host}:{connection.port}"
    if region in REGIONS:
        if host and host != REGIONS[region]:
            problems.append(Problem("Region", f"and Host name two places; choose {OTHER_HOST!r} or leave Host empty"))
        return REGIONS[region]
    if region == OTHER_HOST and not host:
        problems.append(Problem("Host", f"is missing; region {OTHER_HOST!r} needs it"))
    host = host or REGIONS[DEFAULT_REGION]
    try:
        base_url(host)
    except ExotelInputError as error:
        problems.extend(Problem("Host", problem.message) for problem in error.problems)
    return host


def _try(read: Callable[[object], Any], value: object, name: str, problems: list[Problem]) -> Any:
    try:
        return read(value)
    except ValueError as error:
        problems.append(Problem(name, str(error)))
        return None
