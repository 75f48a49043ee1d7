"""What a task is to plan, checked whole before a row is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_exotel.audience.hours import Hours, hours_of
from airflow_provider_exotel.audience.plan import Order
from airflow_provider_exotel.audience.variables import check_variables
from airflow_provider_exotel.client.errors import ExotelInputError, Problem, collect
from airflow_provider_exotel.client.fields import words
from airflow_provider_exotel.client.literals import read_literal
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.contacts.normalise import check_country
from airflow_provider_exotel.contacts.rows import COLUMN, Columns
from airflow_provider_exotel.operators.sources import Source
from airflow_provider_exotel.operators.suppress import SuppressionGiven, suppressions_given
from airflow_provider_exotel.windows import fields
from airflow_provider_exotel.windows.calling_window import read_as

if TYPE_CHECKING:
    from airflow_provider_exotel.operators.audience import PlanAudienceOperator

    Context = Mapping[str, Any]


@dataclass(frozen=True)
class AudienceOrder:
    """What is to be planned.

    :param source: the audience.
    :param hours: when whom may be called.
    :param fleet: what the campaigns have in common.
    :param suppress: who is not to be called.
    :param max_rejected: the largest share of the rows that may be left out.
    :param remarks: what is hardly meant, in plain words.
    """

    source: Source
    hours: Hours
    fleet: Order
    suppress: list[SuppressionGiven]
    max_rejected: float
    remarks: tuple[str, ...]


def order_of(task: PlanAudienceOperator, context: Context) -> AudienceOrder:
    """Return what a task is to plan.

    :param task: the task, its templates rendered.
    :param context: of this execution.
    :raises ExotelInputError: naming every problem.
    """
    problems = list(_problems(task))
    variables = collect(problems, lambda: _variables(task.variables)) or {}
    checked = check_variables(task.read_via_text or "", variables)
    problems += checked.problems
    if variables and not task.read_via_text:
        problems.append(Problem("read_via_text", "is missing; write the text that says the variables as @@Name"))
    source = Source(
        "", Columns(task.number_column or COLUMN, variables), task.path, task.sql, task.sql_conn_id, task.records
    )
    problems += source.problems()
    hours = collect(problems, lambda: hours_of(task.window, task.presets))
    suppress = collect(problems, lambda: suppressions_given(words(task.suppress) or []))
    retries = collect(problems, lambda: _retries(task.call_retries))
    share = collect(problems, lambda: _share(task.max_rejected))
    rate = collect(problems, lambda: _whole("calls_per_minute", task.calls_per_minute, 2))
    concurrency = collect(
        problems, lambda: None if task.concurrency is None else _whole("concurrency", task.concurrency, 1)
    )
    length = collect(problems, lambda: _length(task.call_length))
    if problems:
        raise ExotelInputError(problems)
    fleet = Order(
        name=str(task.name or context["ti"].dag_id),
        call_retries=retries,
        read_via_text=task.read_via_text,
        variables=tuple(variables),
        calls_per_minute=rate,
        concurrency=concurrency,
        call_length=length,
    )
    return AudienceOrder(source, hours, fleet, suppress, share, tuple(map(str, checked.warnings)))


def _problems(task: PlanAudienceOperator) -> Iterator[Problem]:
    if not str(task.output_path or "").strip():
        yield Problem("output_path", "is missing; write a folder such as 's3://conn@bucket/plans/{{ run_id }}'")
    try:
        check_country(task.default_country)
    except ExotelInputError as error:
        yield from error.problems


def _variables(given: Any) -> dict[str, str]:
    value = read_literal(given) if isinstance(given, str) and read_literal(given) is not None else given
    if isinstance(value, Mapping):
        return {str(name): str(column) for name, column in value.items()}
    named = words(value) or []
    if not isinstance(named, (list, tuple)):
        raise ExotelInputError([Problem("variables", "is neither a list of columns nor a mapping of names to columns")])
    if doubled := sorted({str(name) for name in named if list(named).count(name) > 1}):
        raise ExotelInputError([Problem("variables", f"names {', '.join(doubled)} several times; name each once")])
    return {str(name): str(name) for name in named}


def _retries(given: Any) -> CallRetries | None:
    if given is None or isinstance(given, CallRetries):
        return given
    retries: CallRetries = read_as(CallRetries, given, "call_retries")
    return retries


def _share(given: Any) -> float:
    wanted = "share from 0 to 1; write 0.05 for 5 %"
    return float(_number("max_rejected", given, float, lambda share: 0 <= share <= 1, wanted))


def _whole(name: str, given: Any, least: int) -> int:
    return int(_number(name, given, int, lambda number: number >= least, f"whole number from {least}"))


def _number(name: str, given: Any, kind: Callable[[Any], Any], fits: Callable[[Any], bool], wanted: str) -> Any:
    try:
        number = kind(given)
    except (TypeError, ValueError):
        number = None
    if number is None or isinstance(given, bool) or not fits(number):
        raise ExotelInputError([Problem(name, f"is no {wanted}")])
    return number


def _length(given: Any) -> timedelta:
    try:
        length = fields.length_of_time(given)
    except ValueError as error:
        raise ExotelInputError([Problem("call_length", f"{error}; write minutes, such as 1, or 'PT45S'")]) from None
    if length <= timedelta():
        raise ExotelInputError([Problem("call_length", "is no time at all; write how long a call takes")])
    return length
