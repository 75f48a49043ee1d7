"""A campaign as a form: the params of a DAG, and the operator's arguments from a filled form.

Each field is declared once. Airflow's trigger form is flat, so each key of the operator's mappings (``window``,
``schedule``, ``call_retries``) has a field of its own here.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.create.identity import LONGEST_NAME
from airflow_provider_exotel.operators.base import DeferredProblem, hold_numbers

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Param

log = logging.getLogger(__name__)

ONLY_IN_THE_DAG = (
    "exotel_conn_id",
    "test_numbers",
    "idempotency_key",
    "exact_name",
    "from_params",
    "extra_fields",
    "only_numbers",
)
"""Arguments and settings that no param fills."""
_NEAR = 0.8
"""How alike two names must be, 0 to 1, for one to count as a typing mistake of the other."""
_REQUIRED_OF_A_FORM = {
    ("lists", "numbers_from", "numbers"): "to know whom to call",
    ("read_via_text", "flow_id", "url"): "so that people hear something",
}


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
        "The SID of each list as the dashboard shows it, one a line; at most 5, exactly 1 for personal texts.",
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
        "Check everything, call nobody.",
        {"type": ["null", "boolean"]},
        default=False,
    ),
}  # fmt: skip
"""Every field of the form, in its order."""


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
    return {
        name: Param(
            defaults.get(name, field.default),
            title=field.title,
            description=f"{field.help} It must be under {redact(folder)}." if name == "numbers_from" else field.help,
            section=field.section,
            **field.schema,
            **(root if name == "numbers_from" else {}),
        )
        for name, field in FIELDS.items()
        if not {name, field.argument} & left_out
    }


def fill_from_params(
    arguments: Mapping[str, Any],
    params: Mapping[str, Any],
    declared: Mapping[str, Any],
    conf: Mapping[str, Any],
    *,
    may_fill: Iterable[str],
) -> dict[str, Any]:
    """Return a task's arguments, with unset ones filled from the run's params.

    :param arguments: the arguments of the DAG, by name.
    :param params: the run's params.
    :param declared: the params that the DAG declares, by name.
    :param conf: the run's conf.
    :param may_fill: the arguments that params may fill.
    :raises ExotelInputError: as :func:`check_conf` and :func:`arguments_from_params`.
    """
    check_conf(conf, declared, arguments)
    filled = arguments_from_params(params, declared, conf, set(may_fill) - set(ONLY_IN_THE_DAG))
    whole = {name: filled.get(name) if value is None else value for name, value in arguments.items()}
    if arguments["numbers"] is None and whole["numbers"] is not None:
        log.warning("The numbers come from the run's params, which Airflow stores in plaintext.")
        whole["numbers"] = hold_numbers(whole["numbers"])
    if arguments["schedule"] is None and whole["schedule"] is not None and whole["window"] is None:
        # The DAG's settings for windows do not apply to explicit times from the form.
        whole["max_lateness"] = None
        whole["on_missed_window"] = "skip" if whole["on_missed_window"] == "skip" else "fail"
    for names, purpose in _REQUIRED_OF_A_FORM.items():
        offered = [name for name in names if name in declared]
        if offered and all(whole[name] is None for name in names):
            whole[offered[0]] = DeferredProblem(f"is required {purpose}; fill in {' or '.join(offered)}")
    return whole


def arguments_from_params(
    params: Mapping[str, Any], declared: Mapping[str, Any], conf: Mapping[str, Any], arguments: Collection[str]
) -> dict[str, Any]:
    """Return the operator's arguments from a run's params, without empty fields.

    Only params that the DAG declares count: pressing *Trigger* is not the right to decide whom the company calls. A
    param may have the name of an argument or of a field of the form.

    :param params: the run's params.
    :param declared: the params that the DAG declares, by name.
    :param conf: the run's conf.
    :param arguments: the arguments that may be filled.
    :raises ExotelInputError: naming a file of numbers outside of its folder, and fields that contradict an argument.
    """
    problems: list[Problem] = []
    given = {name: value for name, value in params.items() if name in declared and not _is_empty(value)}
    filled = {name: value for name, value in given.items() if name in arguments}
    for name, field in FIELDS.items():
        if field.key is None or name not in given:
            continue
        whole = filled.setdefault(field.argument, {})
        if isinstance(whole, Mapping):
            filled[field.argument] = {**whole, field.key: given[name]}
        else:
            problems.append(Problem(name, f"is mutually exclusive with {field.argument}; give one of the two"))
    if _is_through_the_night(given):
        wanted = "must be after window_start; swap the two, or let the DAG set hours through the night"
        problems.append(Problem("window_end", wanted))
    # Airflow 3 writes the run's value into the declared param, so only the conf tells whether the DAG chose the file.
    if "numbers_from" in filled and "numbers_from" in conf:
        problems += _outside(str(filled["numbers_from"]), declared["numbers_from"])
    if problems:
        raise ExotelInputError(problems)
    return filled


def check_conf(conf: Mapping[str, Any], declared: Mapping[str, Any], arguments: Collection[str]) -> None:
    """Refuse arguments in a run's conf that its DAG does not offer.

    :param conf: the run's conf.
    :param declared: the params that the DAG declares, by name.
    :param arguments: all arguments of the task.
    :raises ExotelInputError: naming each of them.
    """
    problems = list(_not_offered(conf.keys() - declared.keys(), arguments))
    if problems:
        raise ExotelInputError(problems)


@contextmanager
def errors_name_given_fields(
    arguments: Mapping[str, Any], params: Mapping[str, Any], declared: Collection[str]
) -> Iterator[None]:
    """Let input errors name the fields that were filled in, in place of the arguments made of them.

    :param arguments: the arguments by name, as the DAG gives them.
    :param params: the run's params; empty for a task that is not filled from them.
    :param declared: the names of the params that the DAG declares; empty for such a task.
    """
    try:
        yield
    except ExotelInputError as error:
        names = dict(_given_fields(arguments, params, declared))
        problems = [replace(one, field=_renamed(one.field, names)) for one in error.problems]
        raise ExotelInputError(problems, error.subject) from None


def _given_fields(
    arguments: Mapping[str, Any], params: Mapping[str, Any], declared: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield an argument, with its key if it is a mapping, and the field that was given for it."""
    for name in reversed(FIELDS):
        field = FIELDS[name]
        if field.key is not None and name in declared and arguments[field.argument] is None:
            yield f"{field.argument}.{field.key}", name
            yield field.argument, name  # of several fields the first one counts
    is_file = arguments["numbers_from"] is not None or ("numbers_from" in declared and params.get("numbers_from"))
    if is_file and arguments["numbers"] is None:
        yield "numbers", "numbers_from"


def _renamed(field: str, names: Mapping[str, str]) -> str:
    parts = field.split(".")
    for length in range(len(parts), 0, -1):
        if (name := names.get(".".join(parts[:length]))) is not None:
            return ".".join([name, *parts[length:]])
    return field


def is_under(path: str, folder: str) -> bool:
    """Return whether a path is certainly inside a folder: same scheme, connection and bucket, no ``..`` and no link.

    :param path: such as ``s3://bucket/marketing/people.csv``.
    :param folder: such as ``s3://bucket/marketing/``.
    """
    place, root = _location(path), _location(folder)
    if place is None or root is None or place[:2] != root[:2]:
        return False
    parts, roots = place[2], root[2]
    return len(parts) > len(roots) and parts[: len(roots)] == roots


def _location(path: str) -> tuple[str, str, tuple[str, ...]] | None:
    """Return scheme, authority and the parts of a path; ``None`` if it may lead somewhere else."""
    scheme, separator, rest = path.partition("://")
    if not separator:
        scheme, rest = "file", path
    authority, _, inside = rest.partition("/")
    folders = unquote(inside).rstrip("/")
    parts = folders.split("/") if folders else []
    doubtful = {"::", "\\", "\0", "\n", "?", "#"}
    if (
        {".", "..", ""} & {*parts}
        or path != path.strip()
        or "%" in unquote(path)
        or any(mark in unquote(path) for mark in doubtful)
        or authority.startswith("~")
    ):
        return None
    if scheme.lower() == "file":  # a link may lead out of the folder
        resolved = Path(unquote(rest) if rest.startswith("/") else f"/{unquote(rest)}").resolve()
        return "file", "", tuple(part for part in resolved.parts if part != "/")
    return scheme.lower(), authority, tuple(parts)


def _is_through_the_night(given: Mapping[str, Any]) -> bool:
    """Return whether the form's hours begin after they end, as they do if a person swaps them."""
    from airflow_provider_exotel.windows.fields import time_of_day

    try:
        return time_of_day(given["window_start"]) > time_of_day(given["window_end"])
    except (KeyError, ValueError):  # the window reports it
        return False


def declared_params(of_task: Mapping[str, Any], of_dag: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params that a DAG declares, by name.

    Airflow 2 replaces a task's params by their values before it runs, so those of the DAG come first.

    :param of_task: the task's params.
    :param of_dag: the DAG's params.
    """
    return {name: _param(params, name) for params in (of_task, of_dag) for name in params}


def _param(params: Mapping[str, Any], name: str) -> Any:
    get_param = getattr(params, "get_param", None)
    return get_param(name) if get_param is not None else params[name]


def _outside(path: str, param: Any) -> Iterator[Problem]:
    folder = getattr(param, "schema", {}).get("numbers_from_under")
    if not folder:
        wanted = "a run may name no file here; let the DAG offer a folder with campaign_params(numbers_from_under=...)"
        yield Problem("numbers_from", wanted)
    elif not is_under(path, str(folder)):
        yield Problem("numbers_from", f"must be a file under {redact(folder)}; give one there")


def _not_offered(names: Iterable[str], arguments: Collection[str]) -> Iterator[Problem]:
    ours = {*arguments, *FIELDS, *ONLY_IN_THE_DAG}
    for name in sorted(map(str, names)):
        near = [name] if name in ours else get_close_matches(name, ours, n=1, cutoff=_NEAR)
        if near:
            meant = "" if near == [name] else f" (it is close to {near[0]})"
            yield Problem(
                name, f"this DAG does not offer it to whoever triggers it{meant}; leave it out, or declare it in params"
            )


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, tuple, dict)) and not value)
