"""The options of a task that creates a campaign: all arguments except the campaign's fields and schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.fields import Flag, Model, Moment, choice_of
from airflow_provider_exotel.client.text import fold, is_nothing, read_flag
from airflow_provider_exotel.contacts.normalise import check_country
from airflow_provider_exotel.create.cost import read_amount

OnMissedWindow = Literal["fail", "skip", "next"]
OnInvalidNumbers = Literal["fail", "drop"]
OnSameAudience = Literal["fail", "warn", "allow"]
IfPaused = Literal["follow", "resume"]
OnWindowEnd = Literal["complete", "resume", "fail"]


def read_seconds(value: object) -> timedelta:
    """Return a number of seconds as a timedelta.

    :param value: a timedelta, or seconds as a number or text.
    :raises ValueError: if it is negative or not a number.
    """
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    else:
        try:
            seconds = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else -1.0
        except ValueError:
            seconds = -1.0
    if not 0 <= seconds < timedelta.max.total_seconds():
        raise ValueError("must be a timedelta or a number of seconds, 0 or more")
    return timedelta(seconds=seconds)


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("must be more than 0 seconds")
    return value


def _share(value: object) -> float:
    try:
        share = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else -1.0
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("must be between 0 and 1")
    return share


def _key(value: object) -> str:
    if not isinstance(value, (str, int, date)) or isinstance(value, bool):
        raise ValueError("must be text or a whole number that is the same for every try")
    text = str(value)
    if is_nothing(text):
        raise ValueError("must not be empty, since it would be the same for every run")
    return text


def _country(value: object) -> str:
    text = str(value).strip().upper()
    try:
        check_country(text)
    except ExotelInputError as error:
        raise ValueError(error.problems[0].message) from None
    return text


Seconds = Annotated[timedelta, BeforeValidator(read_seconds)]
Interval = Annotated[timedelta, BeforeValidator(read_seconds), AfterValidator(_positive)]
Amount = Annotated[Decimal, BeforeValidator(read_amount)]
Share = Annotated[float, BeforeValidator(_share)]


class TaskOptions(Model):
    """The options of a task that creates a campaign.

    :raises ExotelInputError: naming every invalid option.
    """

    on_missed_window: Annotated[
        OnMissedWindow, choice_of(OnMissedWindow), Field(description="'fail', 'skip' or 'next'")
    ] = "fail"
    on_invalid_numbers: Annotated[
        OnInvalidNumbers, choice_of(OnInvalidNumbers), Field(description="'fail' or 'drop'")
    ] = "fail"
    on_same_audience: Annotated[
        OnSameAudience, choice_of(OnSameAudience), Field(description="'fail', 'warn' or 'allow'")
    ] = "warn"
    if_paused: Annotated[IfPaused, choice_of(IfPaused), Field(description="'follow' or 'resume'")] = "follow"
    on_window_end: Annotated[
        OnWindowEnd, choice_of(OnWindowEnd), Field(description="'complete', 'resume' or 'fail'")
    ] = "complete"
    exact_name: Flag = False
    callbacks: Flag = False
    test_first: Flag = True
    plan_only: Flag = False
    pause_on_kill: Flag = True
    wait_for_completion: Flag = False
    from_params: Flag = False
    deferrable: Flag | None = None
    numbers_have_country_code: Flag = False
    default_country: Annotated[str, BeforeValidator(_country)] | None = None
    idempotency_key: Annotated[
        Annotated[str, BeforeValidator(_key)] | None,
        Field(description="text that identifies this campaign, or leave it out"),
    ] = None
    settle: Annotated[Seconds | None, Field(description="seconds, such as 120")] = None
    poll_interval: Annotated[Interval, Field(description="seconds, such as 60")] = timedelta(seconds=60)
    min_reached: Annotated[Share | None, Field(description="0.5 for half of the contacts")] = None
    pause_if_failed_above: Annotated[Share | None, Field(description="0.5 for half of the calls")] = None
    max_cost: Annotated[Amount | None, Field(description="an amount, such as 500")] = None
    until: Annotated[
        Moment | None, Field(description="an RFC 3339 time with offset, such as '2026-03-06T18:00:00+05:30'")
    ] = None


def option_conflicts(given: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield problems for options that contradict each other, or that require another option.

    :param given: options and arguments by name, as written in the DAG; ``None`` means not given. Arguments whose value
        is not known yet are left out.
    """

    def is_given(name: str) -> bool:
        return given.get(name) is not None

    resumes = fold(str(given.get("on_window_end"))) == "resume"
    waits = [name for name in ("min_reached", "pause_if_failed_above", "until") if is_given(name)]
    waits += [name for name in ("on_window_end",) if is_given(name) and fold(str(given[name])) != "complete"]
    if _is_off(given, "wait_for_completion"):
        yield from (Problem(name, "is used only with wait_for_completion=True; add that") for name in waits)
    if resumes and not is_given("window") and "window" in given and _is_off(given, "from_params"):
        yield Problem("on_window_end", "'resume' needs a window; add window")
    if is_given("until") and "on_window_end" in given and not resumes:
        yield Problem("until", "is used only with on_window_end='resume'; leave it out, or add that")
    if _is_off(given, "plan_only") and _is_off(given, "from_params"):
        plan_options = [name for name in ("plan_path", "folder_url") if is_given(name)]
        yield from (Problem(name, "is used only with plan_only=True; add that") for name in plan_options)
    for first, second in (("numbers", "numbers_from"), ("url", "flow_id"), ("window", "schedule")):
        if is_given(first) and is_given(second):
            yield Problem(first, f"is mutually exclusive with {second}; give one of the two")
    if (
        is_given("number_column")
        and "numbers_from" in given
        and not is_given("numbers_from")
        and _is_off(given, "from_params")
    ):
        yield Problem("number_column", "is used only with numbers_from; leave it out, or add that")


def parse_options(arguments: Mapping[str, Any]) -> TaskOptions:
    """Return the options among a task's arguments.

    :param arguments: all arguments by name.
    :raises ExotelInputError: naming every invalid option.
    """
    return TaskOptions(**{name: arguments[name] for name in TaskOptions.model_fields if name in arguments})


def _is_off(given: Mapping[str, Any], name: str) -> bool:
    if name not in given:
        return False
    try:
        return given[name] is None or not read_flag(given[name])
    except ValueError:  # reported separately
        return False
