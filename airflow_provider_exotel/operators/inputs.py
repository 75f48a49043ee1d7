"""What a task is given, by its DAG, its run and its files, on the way to a campaign."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_exotel.api.errors import ExotelInputError, Problem
from airflow_provider_exotel.api.numbers import PhoneNumbers
from airflow_provider_exotel.api.redact import redact

if TYPE_CHECKING:
    from airflow_provider_exotel.campaign.anchor import Anchor

    Context = Mapping[str, Any]


def run_anchor(context: Context, given: str | datetime | None) -> Anchor:
    """Return the moment the run stands for, or the one that is given instead."""
    from airflow_provider_exotel.campaign.anchor import anchor_given, anchor_of

    if given is not None:
        return anchor_given(given)
    run = context["dag_run"]
    return anchor_of(
        context.get("logical_date"),
        context.get("data_interval_start"),
        context.get("data_interval_end"),
        getattr(run, "run_after", None),
    )


def numbers_given(arguments: Mapping[str, Any]) -> Any:
    """Return the numbers of the DAG, or of the file it names."""
    source = arguments["numbers_from"]
    if source is None:
        return arguments["numbers"]
    if arguments["numbers"] is not None:
        raise ExotelInputError([Problem("numbers_from", "stands beside numbers; give one of the two")])
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    from airflow_provider_exotel.audience.source import read_numbers

    try:
        with ObjectStoragePath(source).open("r", encoding="utf-8", newline="") as lines:  # type: ignore[no-untyped-call]
            # What Airflow 2.11 opens can be read and not iterated over.
            return read_numbers(iter(lines.readline, ""))
    except FileNotFoundError:
        raise ExotelInputError(
            [Problem("numbers_from", f"no file is at {redact(source)}; write the path of one")]
        ) from None


def lists_given(arguments: Mapping[str, Any]) -> list[str]:
    """Return the SIDs of the lists, however they are spelled."""
    from airflow_provider_exotel.api.fields import words

    lists = words(arguments["lists"])
    return list(map(str, lists)) if isinstance(lists, (list, tuple)) else []


def is_still_to_be_rendered(value: Any) -> bool:
    """Return whether Airflow will replace the value before the task runs: a template, an XCom, a list of such."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, (list, tuple)):
        return any(map(is_still_to_be_rendered, value))
    return callable(getattr(value, "resolve", None))


def hide(value: Any) -> PhoneNumbers:
    """Return numbers in the type that shows only their count."""
    try:
        return PhoneNumbers.of(value)
    except TypeError as error:
        raise ExotelInputError([Problem("numbers", str(error))]) from None


def collect(problems: list[Problem], step: Callable[[], Any]) -> Any:
    """Return what a step makes, or ``None`` and the problems it finds among ``problems``."""
    try:
        return step()
    except ExotelInputError as error:
        problems.extend(error.problems)
        return None


def is_true(value: object) -> bool:
    """Return whether a flag is set; a template renders it as text."""
    return str(value).strip().lower() in {"true", "1", "yes"}
