"""Parse the operator's arguments into a plan request; all of them are checked before a row is read."""

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
        raise ValueError(f"must have each column once (duplicates: {', '.join(doubled)})")
    return {name: name for name in names}


def _call_length(value: object) -> timedelta:
    length = fields.length_of_time(value)
    if length <= timedelta():
        raise ValueError("must be more than 0")
    return length


def _no_flag(value: object) -> object:
    # Python counts True as 1.
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


class PlanSettings(Model):
    """The common settings of the campaigns of a plan.

    :param name: prefix of their names.
    :param call_retries: the retry plan.
    :param read_via_text: the text to read out, if there is no flow.
    :param variables: column of each variable; with any variable, the campaigns are dynamic.
    :param calls_per_minute: the account's calls per minute.
    :param concurrency: the account's limit of simultaneous calls; ``None`` for no limit.
    :param call_length: duration of a call including ringing.
    :param max_cost: the limit for the worst case; ``None`` for no limit.
    :param max_windows: maximum number of calling windows with all retries; ``None`` for no limit.
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
        """The type of the campaigns, as on Exotel's create-campaign page."""
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
    """A request for a plan.

    :param output_path: the address of the plan's folder.
    :param source: the audience.
    :param hours: the calling hours.
    :param settings: the common settings of the campaigns.
    :param suppress: the suppression sources.
    :param not_reached: restricts the audience to contacts not reached before; ``None`` for all.
    :param default_country: the country of national numbers; ``None`` for none.
    :param numbers_have_country_code: whether every number starts with its country code.
    :param max_rejected: the maximum share of rejected rows.
    :param remarks: warnings about probable mistakes.
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
    """Parse a plan request; no source is opened.

    :param arguments: the arguments of
        :class:`~airflow_provider_exotel.operators.audience.PlanAudienceOperator` by name, templates rendered.
    :param default_name: the plan's name if none is given.
    :param known_problems: problems found earlier; these arguments are not checked again.
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
        problems.append(Problem("read_via_text", "is required with variables; use them in it as @@Name"))
    source = _source(given, variables)
    problems += source.problems()
    hours = collect(problems, lambda: hours_of(given.get("window"), given.get("presets")))
    # None is not accepted as an empty list: a template without a result must not disable suppression.
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
        message = f"is used only with {' and '.join(missing)}; give reports and outcome='not_reached'"
        raise ExotelInputError([Problem(name, message) for name in fields])
    if "hash_key_conn_id" in fields and "hash_key_variable" in fields:
        raise ExotelInputError([Problem("hash_key_conn_id", "is mutually exclusive with hash_key_variable; give one")])
    return NotReached(**fields)


def _of(model: type[Model], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in model.model_fields if name in given}


def _parsed_variables(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables if other settings are invalid, so that all problems are reported at once."""
    try:
        return _variables(given.get("variables") or ())
    except ValueError:
        return {}
