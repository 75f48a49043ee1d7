"""What a plan is asked for: the operator's arguments, checked whole before a row is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from airflow_provider_exotel.audience.hours import Hours, hours_of
from airflow_provider_exotel.audience.not_reached import NotReached
from airflow_provider_exotel.audience.sources import Source
from airflow_provider_exotel.audience.suppression_sources import SuppressionSource, parse_suppressions
from airflow_provider_exotel.audience.variables import check_variables
from airflow_provider_exotel.client.errors import ExotelInputError, Problem, collect
from airflow_provider_exotel.client.fields import Flag, Model, Text, Whole
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.client.text import read_literal, read_mapping, split_words
from airflow_provider_exotel.contacts.normalise import check_country
from airflow_provider_exotel.contacts.rows import COLUMN, Columns
from airflow_provider_exotel.create.dry_run import ACCOUNT_CALLS_PER_MINUTE
from airflow_provider_exotel.create.options import Amount
from airflow_provider_exotel.windows import fields


def _retries(value: object) -> CallRetries:
    return value if isinstance(value, CallRetries) else CallRetries(**_mapping(value))


def _mapping(value: object) -> dict[str, Any]:
    given = read_mapping(value)
    if not isinstance(given, Mapping):
        raise ValueError("must be a mapping of its fields")
    return dict(given)


def _variables(value: object) -> dict[str, str]:
    read = read_literal(value) if isinstance(value, str) else None
    given = split_words(value) if read is None else read
    if isinstance(given, Mapping):
        return {str(name): str(column) for name, column in given.items()}
    if not isinstance(given, (list, tuple)):
        raise ValueError("must be a list of columns, or a mapping of names to columns")
    names = [str(name) for name in given]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"must name each column once (repeated: {', '.join(doubled)})")
    return {name: name for name in names}


def _call_length(value: object) -> timedelta:
    length = fields.length_of_time(value)
    if length <= timedelta():
        raise ValueError("must be longer than nothing")
    return length


def _no_flag(value: object) -> object:
    # Python counts True as 1.
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


class PlanSettings(Model):
    """What the campaigns of a plan have in common.

    :param name: what their names begin with.
    :param call_retries: the retry plan.
    :param read_via_text: the text to be read out, if there is no flow.
    :param variables: the variables of a dynamic campaign, and the column of each; with any, the campaigns are dynamic.
    :param calls_per_minute: what the account may dial.
    :param concurrency: calls the account may have at once; ``None`` if that is not the limit.
    :param call_length: how long a call takes, ringing included.
    :param max_cost: the most it may cost in the worst case; ``None`` for any cost.
    :param max_windows: the most calling windows the plan may need, all retries included; ``None`` for any number.
    """

    name: Text
    call_retries: Annotated[CallRetries | None, BeforeValidator(_retries)] = None
    read_via_text: str | None = None
    variables: Annotated[dict[str, str], BeforeValidator(_variables), Field(default_factory=dict)]
    calls_per_minute: Annotated[Whole, Field(ge=2, description="a whole number")] = ACCOUNT_CALLS_PER_MINUTE
    concurrency: Annotated[Whole, Field(ge=1, description="a whole number")] | None = None
    call_length: Annotated[
        timedelta, BeforeValidator(_call_length), Field(description="minutes, such as 1, or 'PT45S'")
    ] = timedelta(minutes=1)
    max_cost: Annotated[Amount, Field(description="an amount, such as 500")] | None = None
    max_windows: Annotated[Whole, Field(ge=1, description="a whole number")] | None = None

    @property
    def campaign_type(self) -> str:
        """The campaigns' type, as Exotel's create-campaign page names it."""
        return "dynamic" if self.variables else "static"


class _AudienceSettings(Model):
    output_path: Annotated[
        Text, BeforeValidator(str), Field(description="a folder such as 's3://conn@bucket/plans/{{ run_id }}'")
    ]
    number_column: Text = COLUMN
    default_country: str | None = None
    numbers_have_country_code: Flag = False
    max_rejected: Annotated[
        float, BeforeValidator(_no_flag), Field(ge=0, le=1, description="a share, such as 0.05 for 5 %")
    ] = 0.05


@dataclass(frozen=True)
class PlanRequest:
    """What is to be planned.

    :param output_path: the address of the plan's folder.
    :param source: the audience.
    :param hours: when whom may be called.
    :param settings: what the campaigns have in common.
    :param suppress: who is not to be called.
    :param not_reached: calls only those whom earlier campaigns did not reach; ``None`` for everybody.
    :param default_country: whose national numbers are meant; ``None`` for nobody's.
    :param numbers_have_country_code: whether every number begins with its country's calling code.
    :param max_rejected: the largest share of the rows that may be left out.
    :param remarks: what is probably a mistake, in plain words.
    """

    output_path: str
    source: Source
    hours: Hours
    settings: PlanSettings
    suppress: list[SuppressionSource]
    not_reached: NotReached | None
    default_country: str | None
    numbers_have_country_code: bool
    max_rejected: float
    remarks: tuple[str, ...]


def parse_plan_request(
    arguments: Mapping[str, Any], default_name: str, known_problems: Sequence[Problem] = ()
) -> PlanRequest:
    """Return what is to be planned; nothing is opened.

    :param arguments: the arguments of
        :class:`~airflow_provider_exotel.operators.audience.PlanAudienceOperator` by name, templates rendered.
    :param default_name: the plan's name if none is given.
    :param known_problems: what is known to be wrong; nothing else is said of these arguments.
    :raises ExotelInputError: naming every problem.
    """
    wrong = {one.field for one in known_problems}
    given = {name: None if name in wrong or value == "None" else value for name, value in arguments.items()}
    problems: list[Problem] = []
    collect(problems, lambda: check_country(given.get("default_country")))
    audience = collect(problems, lambda: _AudienceSettings(**_of(_AudienceSettings, given)))
    named = {"name": given.get("name") or default_name}
    settings = collect(problems, lambda: PlanSettings(**_of(PlanSettings, given) | named))
    variables = settings.variables if settings else _parsed_variables(given)
    checked = check_variables(given.get("read_via_text") or "", variables)
    problems += checked.problems
    if variables and not given.get("read_via_text"):
        problems.append(Problem("read_via_text", "is required with variables; name them in it as @@Name"))
    source = _source(given, variables)
    problems += source.problems()
    hours = collect(problems, lambda: hours_of(given.get("window"), given.get("presets")))
    # None is no list: who is not to be called is never left out because a template found nothing.
    suppress = collect(problems, lambda: parse_suppressions(given.get("suppress", ())))
    not_reached = collect(problems, lambda: _not_reached(given))
    problems = [*known_problems, *(one for one in problems if one.field.partition(".")[0] not in wrong)]
    if problems:
        raise ExotelInputError(problems)
    return PlanRequest(
        source=source,
        hours=hours,
        settings=settings,
        suppress=suppress,
        not_reached=not_reached,
        remarks=tuple(map(str, checked.warnings)),
        **{name: getattr(audience, name) for name in type(audience).model_fields if name != "number_column"},
    )


def _source(given: Mapping[str, Any], variables: Mapping[str, str]) -> Source:
    path, columns = given.get("path"), Columns(given.get("number_column") or COLUMN, variables)
    return Source(
        "",
        columns,
        None if path is None else str(path),
        given.get("sql"),
        given.get("sql_conn_id"),
        given.get("records"),
    )


def _not_reached(given: Mapping[str, Any]) -> NotReached | None:
    fields = {name: given[name] for name in NotReached.model_fields if given.get(name) is not None}
    if not fields:
        return None
    if missing := [name for name in ("reports", "outcome") if name not in fields]:
        wanted = f"counts only with {' and '.join(missing)}; give reports and outcome='not_reached'"
        raise ExotelInputError([Problem(name, wanted) for name in fields])
    if "hash_key_conn_id" in fields and "hash_key_variable" in fields:
        raise ExotelInputError([Problem("hash_key_conn_id", "is mutually exclusive with hash_key_variable")])
    return NotReached(**fields)


def _of(model: type[Model], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in model.model_fields if name in given}


def _parsed_variables(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables where other settings are wrong, so that all problems are told at once."""
    try:
        return _variables(given.get("variables") or ())
    except ValueError:
        return {}
