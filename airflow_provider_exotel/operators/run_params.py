"""The operator's arguments from a run's params: what a person who triggers the DAG may decide, and what not."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.operators.base import DeferredProblem, hold_numbers
from airflow_provider_exotel.operators.form import FIELDS

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
_VARIABLE = re.compile(r"@@\w")
_NEAR = 0.8
"""How alike two names must be, 0 to 1, for one to count as a typing mistake of the other."""
_REQUIRED_OF_A_FORM = {
    ("lists", "numbers_from", "numbers"): "to know whom to call",
    ("read_via_text", "flow_id", "url"): "so that people hear something",
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
    is_dynamic = str(whole["campaign_type"] or "").strip().casefold() == "dynamic"
    if arguments["read_via_text"] is None and _VARIABLE.search(str(whole["read_via_text"])) and not is_dynamic:
        wanted = "has @@ variables, which only a dynamic campaign replaces; write what people shall hear"
        whole["read_via_text"] = DeferredProblem(wanted)
    for names, purpose in _REQUIRED_OF_A_FORM.items():
        offered = [name for name in names if name in declared]
        if offered and all(whole[name] is None for name in names):
            fields = " or ".join(f'"{FIELDS[name].title}"' if name in FIELDS else name for name in offered)
            whole[offered[0]] = DeferredProblem(f"is required {purpose}; fill in {fields}")
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
    is_emptied = "number_of_retries" in declared.keys() & conf.keys() - given.keys()
    if is_emptied and {"interval_mins", "mechanism", "on_status"} & given.keys():
        problems.append(Problem("number_of_retries", "is required with the other fields of retries; give 0 to 3"))
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
    """Let input errors name the fields that were filled in, with their labels, in place of the arguments made of them.

    :param arguments: the arguments by name, as the DAG gives them.
    :param params: the run's params; empty for a task that is not filled from them.
    :param declared: the names of the params that the DAG declares; empty for such a task.
    """
    try:
        yield
    except ExotelInputError as error:
        names = dict(_given_fields(arguments, params, declared))
        problems = [replace(one, field=_labelled(_renamed(one.field, names), declared)) for one in error.problems]
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


def _labelled(field: str, declared: Collection[str]) -> str:
    """Return a field with its label, which is all that a person sees in the form."""
    name = field.partition(".")[0]
    return f'{field} ("{FIELDS[name].title}")' if name in FIELDS and name in declared else field


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
