"""The form of the ``exotel`` connection, declared once: its fields, labels and help texts.

Airflow 3.2 and later read the form from the provider's metadata, earlier ones from methods of the hook; both are made
from the tables here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_exotel.client.rate_limit import REQUESTS_PER_MINUTE
from airflow_provider_exotel.client.text import unknown_value
from airflow_provider_exotel.client.urls import REGIONS

CONNECTION_TYPE = "exotel"
CONNECTION_NAME = "Exotel"
DEFAULT_CONNECTION_ID = "exotel_default"
OTHER_HOST = "other"
_MOST_DIGITS = 9


@dataclass(frozen=True)
class FormField:
    """A field of the connection form that Airflow stores in ``extra``.

    :param label: its label in the form.
    :param description: the help text beneath it.
    :param type: its JSON schema type.
    :param default: its value if it is left empty.
    :param choices: the allowed values, empty for any.
    :param minimum: the smallest allowed number.
    :param unit: the unit of a number, for errors.
    """

    label: str
    description: str
    type: Literal["string", "integer"] = "string"
    default: str | int | None = None
    choices: tuple[str, ...] = ()
    minimum: int = 0
    unit: str = ""

    def read(self, value: object) -> str | int | None:
        """Return the value of the field, or its default if it is left empty.

        :raises ValueError: if it is invalid; the value is not repeated.
        """
        # Other JSON types, such as true or 1.5, are not certainly what was meant.
        if value is not None and (isinstance(value, bool) or not isinstance(value, (str, int))):
            raise ValueError(f"must be {self._kind}")
        text = "" if value is None else str(value).strip()
        if not text:
            return self.default
        if self.choices and text.lower() not in self.choices:
            raise ValueError(unknown_value(text, self.choices))
        if self.type == "string":
            return text.lower() if self.choices else text
        if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS) or int(text) < self.minimum:
            raise ValueError(f"must be {self._kind}")
        return int(text)

    @property
    def _kind(self) -> str:
        of_unit = f" of {self.unit}" if self.unit else ""
        return "text" if self.type == "string" else f"a whole number{of_unit}, at least {self.minimum}"


STANDARD_FIELDS = {"login": "API key", "password": "API token", "schema": "Account SID", "host": "Host"}
HTTPS_PORT = 443
PLACEHOLDERS = {
    "login": "from API settings in the Exotel dashboard",
    "schema": "from API settings in the Exotel dashboard",
    # The Test button of Airflow 3.3 refuses a connection without a port before it calls the hook.
    "port": f"{HTTPS_PORT}; Airflow 3.3 tests only connections with a port",
    "host": f"only if the region is '{OTHER_HOST}', such as api.exotel.com",
}
EXTRA_FIELDS = {
    "region": FormField(
        "Region",
        f"The region of the account: singapore (api.exotel.com), mumbai (api.in.exotel.com), or {OTHER_HOST} for the "
        "host above. If empty: the host above, otherwise singapore.",
        choices=(*REGIONS, OTHER_HOST),
    ),
    "exophone": FormField("Default ExoPhone", "The caller_id of campaigns that do not set one."),
    "requests_per_minute": FormField(
        "Requests per minute",
        "The account's rate limit for campaign requests.",
        type="integer",
        default=REQUESTS_PER_MINUTE,
        minimum=1,
    ),
    "connect_timeout": FormField(
        "Connect timeout (s)",
        "Seconds to wait for a connection.",
        type="integer",
        default=10,
        minimum=1,
        unit="seconds",
    ),
    "read_timeout": FormField(
        "Read timeout (s)", "Seconds to wait for an answer.", type="integer", default=30, minimum=1, unit="seconds"
    ),
    "settle": FormField(
        "Settle time (s)",
        "Seconds until a new campaign is certainly in the account's list. After a lost answer a task waits this long "
        "before it sends the campaign again.",
        type="integer",
        default=120,
        unit="seconds",
    ),
    "request_body": FormField(
        "Request body",
        "The form of request bodies: documented, wrapped, or auto to try one and then the other.",
        default="auto",
        choices=("auto", "documented", "wrapped"),
    ),
    "only_numbers": FormField(
        "Only these numbers", "Staging guard, comma-separated: campaigns that would call anybody else are refused."
    ),
    "max_contacts": FormField(
        "Most contacts", "Staging guard: larger campaigns are refused.", type="integer", minimum=1
    ),
    "deployment": FormField("Deployment", "Distinguishes two Airflows on one account, such as staging and production."),
    "price_per_minute": FormField(
        "Price per minute", "The price of a minute of a call, such as 0.60, for estimates and max_cost."
    ),
    "currency": FormField("Currency", "The currency of the account's prices, such as INR."),
    "callback_base_url": FormField(
        "Callback base URL",
        "The public URL of the callback program, such as https://callbacks.example.com, for campaigns with "
        "callbacks=True.",
    ),
    "profile": FormField(
        "Profile",
        "The profile of the account: the path of the file that commands.verify wrote, or its JSON text.",
    ),
}


def connection_metadata(hook_class_name: str) -> dict[str, Any]:
    """Return the entry of ``connection-types`` in the provider's metadata, the form of Airflow 3.2 and later.

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
    """Return the extra fields as form widgets, which Airflow before 3.2 gets from the hook."""
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
    """Return the labels of the standard fields, which Airflow before 3.2 gets from the hook."""
    return {"hidden_fields": [], "relabeling": STANDARD_FIELDS, "placeholders": PLACEHOLDERS}


def _schema(one: FormField) -> dict[str, Any]:
    # Without "null" the form would make the field mandatory.
    schema: dict[str, Any] = {"type": [one.type, "null"], "default": one.default}
    if one.choices:
        schema["enum"] = [*one.choices, None]
    if one.type == "integer":
        schema["minimum"] = one.minimum
    return schema
