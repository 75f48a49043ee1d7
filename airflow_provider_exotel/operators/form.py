"""A campaign as a form: the params that make Airflow's trigger form one.

Each field is declared once. Airflow's trigger form is flat, so each key of the operator's mappings (``window``,
``schedule``, ``call_retries``) has a field of its own here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.create.identity import LONGEST_NAME

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Param


@dataclass(frozen=True)
class FormField:
    """One field of the form.

    :param argument: the argument of ``CreateCampaignOperator`` that it fills.
    :param section: the heading above it.
    :param title: its label.
    :param help: what to enter, for somebody who does not know the API.
    :param schema: the allowed values, as JSON schema; every field may be left empty.
    :param key: the key within the argument, if that is a mapping.
    :param default: its initial value.
    """

    argument: str
    section: str
    title: str
    help: str
    schema: Mapping[str, Any]
    key: str | None = None
    default: Any = None


def _text(longest: int = 255, **schema: Any) -> dict[str, Any]:
    return {"type": ["null", "string"], "maxLength": longest, **schema}


def _whole(least: int, most: int) -> dict[str, Any]:
    return {"type": ["null", "integer"], "minimum": least, "maximum": most}


def _choice(**titles: str) -> dict[str, Any]:
    # Airflow's form has two names for the empty choice, depending on the version.
    empty = dict.fromkeys(("null", "None"), "As Exotel does by itself")
    return {"type": ["null", "string"], "enum": [None, *titles], "values_display": {**titles, **empty}}


def _several(*examples: str, **schema: Any) -> dict[str, Any]:
    return {"type": ["null", "array"], "items": {"type": "string"}, "examples": list(examples), **schema}


_WHOM, _WHAT, _WHEN, _HOURS, _AGAIN, _PACE = (
    "Whom to call",
    "What they hear",
    "When to call: from one moment to another",
    "When to call: instead, hours of the day",
    "Calling again",
    "Pace and trial",
)
_MOMENT = _text(format="date-time")
_HOUR = _text(5, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")

FIELDS: dict[str, FormField] = {
    "name": FormField(
        "name",
        _WHOM,
        "Name of the campaign",
        "How you will find it in Exotel's dashboard, at least 3 characters.",
        _text(LONGEST_NAME, minLength=3),
    ),
    "lists": FormField(
        "lists",
        _WHOM,
        "Contact lists",
        "The SID of each list as the dashboard shows it, one a line; at most 5, exactly 1 for personal texts. "
        "Everybody on them is called: opt-outs are not left out.",
        {"type": ["null", "array"], "items": {"type": "string", "minLength": 1}, "maxItems": 5},
    ),
    "numbers_from": FormField(
        "numbers_from",
        _WHOM,
        "Or a file of numbers",
        "Where the file is, such as s3://bucket/people.csv: one number a line, or a column named number. "
        "Numbers themselves are never written into this form.",
        _text(1_000),
    ),
    "campaign_type": FormField(
        "campaign_type",
        _WHAT,
        "Same for everybody?",
        "Personal texts take their words from the columns of one dynamic list.",
        _choice(static="Everybody hears the same", dynamic="Each person hears a personal text"),
    ),
    "flow_id": FormField(
        "flow_id", _WHAT, "Flow", "The number of the call flow in the dashboard's App Bazaar.", _text(20)
    ),
    "read_via_text": FormField(
        "read_via_text",
        _WHAT,
        "Text to be read out",
        "What people hear. In personal texts, @@Name stands for the column Name of the list.",
        _text(2_000, format="multiline"),
    ),
    "caller_id": FormField(
        "caller_id", _WHAT, "ExoPhone that calls", "Leave it empty for the one of the connection.", _text(20)
    ),
    "send_at": FormField("schedule", _WHEN, "First call", "Nobody is called before.", _MOMENT, key="send_at"),
    "end_at": FormField(
        "schedule",
        _WHEN,
        "Last call",
        "Nobody is called after. Without an end, a campaign dials for up to 30 days, nights included.",
        _MOMENT,
        key="end_at",
    ),
    "window_start": FormField(
        "window", _HOURS, "From", "Such as 10:00, on the clocks of the people called.", _HOUR, "start"
    ),
    "window_end": FormField("window", _HOURS, "Until", "Such as 18:00.", _HOUR, "end"),
    "window_timezone": FormField(
        "window",
        _HOURS,
        "Time zone of the people called",
        "Such as Asia/Kolkata.",
        _text(60, examples=["Asia/Kolkata", "Asia/Dubai", "Asia/Jakarta", "Asia/Manila", "Asia/Singapore"]),
        "timezone",
    ),
    "window_weekdays": FormField(
        "window",
        _HOURS,
        "Only on these days",
        "Empty for every day.",
        _several("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        "weekdays",
    ),
    "number_of_retries": FormField(
        "call_retries",
        _AGAIN,
        "How many more times",
        "Attempts after the first for people who were not reached, 0 to 3.",
        _whole(0, 3),
        "number_of_retries",
    ),
    "interval_mins": FormField(
        "call_retries", _AGAIN, "Minutes between attempts", "Such as 15.", _whole(1, 10_080), "interval_mins"
    ),
    "mechanism": FormField(
        "call_retries",
        _AGAIN,
        "Spacing",
        "Whether the minutes between attempts stay or double.",
        _choice(Linear="The same each time", Exponential="Doubled each time"),
        "mechanism",
    ),
    "on_status": FormField(
        "call_retries", _AGAIN, "After which outcomes", "Empty for what Exotel does by itself.",
        _several("busy", "no-answer", "failed"), "on_status",
    ),
    "throttle": FormField(
        "throttle",
        _PACE,
        "Calls per minute",
        "Empty to let Exotel choose; counts only with a pace of your own.",
        _whole(1, 10_000),
    ),
    "mode": FormField(
        "mode", _PACE, "Pace", "Who decides how fast to call.", _choice(auto="Exotel's", custom="My own")
    ),
    "test_first": FormField(
        "test_first",
        _PACE,
        "Call the test numbers first",
        "The colleagues that this DAG names hear it before anybody else does.",
        {"type": ["null", "boolean"]},
    ),
    "plan_only": FormField(
        "plan_only",
        _PACE,
        "Only show the plan",
        "Check everything, call nobody. The plan is in the log of the task.",
        {"type": ["null", "boolean"]},
        default=False,
    ),
}  # fmt: skip
"""Every field of the form, in its order."""
_HELP_WITHOUT_PERSONAL_TEXTS = {
    "lists": "The SID of each list as the dashboard shows it, one a line; at most 5. "
    "Everybody on them is called: opt-outs are not left out.",
    "read_via_text": "What people hear.",
}


def campaign_params(
    *, without: Iterable[str] = (), numbers_from_under: str | None = None, **defaults: Any
) -> dict[str, Param]:
    """Return the params that make Airflow's trigger form a campaign form.

    Pass them to the DAG as ``params`` and set ``from_params=True`` on its ``CreateCampaignOperator``, which fills its
    unset arguments from them. There is no field for numbers: Airflow stores a run's conf in plaintext.

    :param without: fields to leave out, above all those that the DAG decides itself. An argument of the operator
        (``window``, ``schedule``, ``call_retries``) leaves out all of its fields.
    :param numbers_from_under: the only folder from which files of numbers are accepted, such as
        ``s3://bucket/marketing/``. By default the form has no field for a file: whoever triggers the DAG could name any
        file.
    :param defaults: the initial values of fields, by name. ``test_first`` has a field only with a default: it offers to
        call the ``test_numbers`` that the DAG gives to the operator.
    :raises ExotelInputError: naming each unknown field.
    """
    from airflow.providers.common.compat.sdk import Param

    left_out = {*without} | (set() if numbers_from_under else {"numbers_from"})
    left_out |= set() if "test_first" in defaults else {"test_first"}
    known = FIELDS.keys() | {field.argument for field in FIELDS.values()}
    wrong = [*(set(without) - known), *(defaults.keys() - FIELDS.keys())]
    if wrong:
        choices = f"the form has no such field; it has {', '.join(FIELDS)}"
        raise ExotelInputError([Problem(name, choices) for name in sorted(wrong)])
    folder = numbers_from_under or ""
    root: dict[str, Any] = {"numbers_from_under": folder} if folder else {}
    helps = {name: field.help for name, field in FIELDS.items()}
    helps |= _HELP_WITHOUT_PERSONAL_TEXTS if "campaign_type" in left_out else {}
    helps["numbers_from"] += f" It must be under {redact(folder)}."
    return {
        name: Param(
            defaults.get(name, field.default),
            title=field.title,
            description=helps[name],
            section=field.section,
            **field.schema,
            **(root if name == "numbers_from" else {}),
        )
        for name, field in FIELDS.items()
        if not {name, field.argument} & left_out
    }
