"""What a task is given, by its DAG, its run and its files, on the way to a campaign."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.operators.form import arguments_of
from airflow_provider_exotel.operators.results import share_of

if TYPE_CHECKING:
    from airflow_provider_exotel.connection import ExotelSettings
    from airflow_provider_exotel.create.campaign_journal import AudienceMark
    from airflow_provider_exotel.create.draft import CampaignDraft
    from airflow_provider_exotel.create.fingerprint import Content
    from airflow_provider_exotel.create.once import OneCampaign
    from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
    from airflow_provider_exotel.windows.anchor import Anchor

    Context = Mapping[str, Any]

log = logging.getLogger(__name__)

REQUEST_FIELDS = (
    "numbers",
    "lists",
    "caller_id",
    "campaign_type",
    "flow_type",
    "url",
    "flow_id",
    "read_via_text",
    "name",
    "type",
    "call_duplicate_numbers",
    "call_retries",
    "call_status_callback",
    "call_schedule_callback",
    "status_callback",
    "mode",
    "throttle",
    "custom_field",
    "repeat_menu_attempts",
)
TIME_FIELDS = ("window", "schedule", "anchor", "max_lateness")
_WORDS = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(("false", "0", "no", "off", "none", ""), False)
FILLED_FROM_PARAMS = (*REQUEST_FIELDS, "numbers_from", *TIME_FIELDS, "plan_only")


def arguments_of_task(operator: CreateCampaignOperator, context: Context) -> dict[str, Any]:
    """Return what the DAG gives and, where it gives nothing and may, what the run's params say."""
    arguments = {name: getattr(operator, name) for name in FILLED_FROM_PARAMS}
    if not operator.from_params:
        return arguments
    offered = arguments_of(context.get("params") or {})
    offered["plan_only"] = offered.pop("dry_run", None)
    arguments = {name: offered.get(name) if value is None else value for name, value in arguments.items()}
    if operator.numbers is None and arguments["numbers"] is not None:
        arguments["numbers"] = hide(arguments["numbers"])
        log.warning("The numbers come from the run's params, which Airflow stores in clear; use numbers_from.")
    return arguments


def check_choices(**choices: tuple[str, tuple[str, ...]]) -> None:
    """Refuse, where the DAG is read, what is none of the words an argument may be.

    :param choices: for each argument what is given, and the words it may be.
    :raises ExotelInputError: naming each that is none of its words.
    """
    problems = [
        Problem(name, f"is none of {', '.join(map(repr, words))}")
        for name, (given, words) in choices.items()
        if given not in words
    ]
    if problems:
        raise ExotelInputError(problems)


def check_settings(operator: CreateCampaignOperator, context: Context, arguments: Mapping[str, Any]) -> None:
    """Refuse what makes no campaign known again, or leaves it open whether anybody is to be called.

    :raises ExotelInputError: naming it and every other problem of the task at once.
    """
    from airflow_provider_exotel.windows.calling_window import MissedWindow

    problems = [*_problems_of_identity(operator, arguments)]
    collect(problems, lambda: is_true(arguments["plan_only"], "dry_run"))
    collect(problems, lambda: share_of(operator.min_reached))
    if problems:
        with suppress(MissedWindow):
            collect(problems, lambda: drafted(operator, context, arguments))
        raise ExotelInputError(problems)


def one_of_task(operator: CreateCampaignOperator, context: Context, arguments: Mapping[str, Any]) -> OneCampaign:
    """Return the campaign that a task instance stands for."""
    from airflow_provider_exotel.create.identity import identify

    instance, settings = context["ti"], operator.hook.settings
    identity = identify(
        settings.account_sid,
        settings.deployment,
        dag_id=instance.dag_id,
        run_id=instance.run_id,
        task_id=instance.task_id,
        map_index=instance.map_index,
        name=arguments["name"],
        idempotency_key=operator.idempotency_key,
        exact_name=operator.exact_name,
    )
    return operator.hook.one_campaign(
        identity,
        context,
        idempotency_key=operator.idempotency_key,
        settle=operator.settle,
        content=lambda: content_of(arguments, settings),
    )


def drafted(operator: CreateCampaignOperator, context: Context, arguments: Mapping[str, Any]) -> CampaignDraft:
    """Return the campaign of a task's arguments, everything about it checked.

    :raises ExotelInputError: naming every problem at once.
    :raises MissedWindow: if there is no problem, and the window is over.
    """
    from airflow_provider_exotel.create.draft import When, draft_campaign
    from airflow_provider_exotel.create.identity import printable
    from airflow_provider_exotel.operators.numbers import CleanNumbers, numbers_of_task

    problems: list[Problem] = []
    settings = operator.hook.settings
    anchor = collect(problems, lambda: run_anchor(context, arguments["anchor"]))
    clean = collect(problems, lambda: numbers_of_task(arguments, operator.default_country)) or CleanNumbers(None, {})
    if clean.misfits and operator.on_invalid_numbers == "fail":
        problems += clean.problems()
    if clean.duplicates:
        log.info("%d entries repeat an earlier number and are left out.", clean.duplicates)
    if files_among(arguments["lists"]):
        wanted = "holds files of which no lists are made yet; let UploadAudienceOperator do so, and take its output"
        problems.append(Problem("lists", wanted))
    if anchor is not None:
        log.info("The run stands for %s (%s).", anchor.moment.isoformat(), anchor.source)
    given = {
        **{name: arguments[name] for name in REQUEST_FIELDS},
        "numbers": clean.numbers,
        "name": printable(arguments["name"]) or None,
        "caller_id": arguments["caller_id"] or settings.exophone,
    }
    # What the DAG says of windows is not meant for explicit times that somebody fills in instead.
    instead = operator.schedule is None and arguments["schedule"] is not None and arguments["window"] is None
    when = When(
        anchor.moment if anchor is not None else datetime.now(UTC),
        window=arguments["window"],
        schedule=arguments["schedule"],
        max_lateness=None if instead else arguments["max_lateness"],
        on_missed_window="fail" if instead and operator.on_missed_window == "next" else operator.on_missed_window,
    )
    try:
        draft = draft_campaign(
            given,
            when,
            datetime.now(UTC),
            account_sid=settings.account_sid,
            on_invalid_numbers=operator.on_invalid_numbers,
            guard=settings.guard,
            known_problems=problems,
        )
    except ExotelInputError as error:
        # Where no entry is a number, that there is none left is no problem of its own.
        said_already = bool(problems and clean.misfits and not clean.numbers)
        raise ExotelInputError(
            one for one in error.problems if one in problems or one.field != "numbers" or not said_already
        ) from None
    return replace(draft, rejected=draft.rejected + clean.rejected)


def audience_of(arguments: Mapping[str, Any], secret: str, default_country: str | None) -> AudienceMark:
    """Return whom a task's arguments would call.

    :param arguments: the task's.
    :param secret: what digests are keyed with.
    :param default_country: whose national numbers are meant.
    """
    from airflow_provider_exotel.create.campaign_journal import AudienceMark
    from airflow_provider_exotel.operators.numbers import numbers_of_task

    clean = numbers_of_task(arguments, default_country)
    return AudienceMark.of(clean.numbers, lists_given(arguments), secret, rejected=clean.rejected)


def content_of(arguments: Mapping[str, Any], settings: ExotelSettings) -> Content:
    """Return what a task's arguments would send, apart from whom it calls, when, and its name."""
    from airflow_provider_exotel.client.request import CampaignChanges
    from airflow_provider_exotel.client.urls import flow_url
    from airflow_provider_exotel.create.fingerprint import Content

    fields = {name: arguments[name] for name in REQUEST_FIELDS if name not in {"numbers", "lists", "name", "flow_id"}}
    fields["caller_id"] = fields["caller_id"] or settings.exophone
    if arguments["flow_id"] is not None:
        fields["url"] = flow_url(settings.account_sid, str(arguments["flow_id"]).strip())
    return Content.of(CampaignChanges(**fields), settings.api_token)


def run_anchor(context: Context, given: str | datetime | None) -> Anchor:
    """Return the moment the run stands for, or the one that is given instead."""
    from airflow_provider_exotel.windows.anchor import anchor_given, anchor_of

    if given is not None:
        return anchor_given(given)
    run = context["dag_run"]
    return anchor_of(
        context.get("logical_date"),
        context.get("data_interval_start"),
        context.get("data_interval_end"),
        getattr(run, "run_after", None),
    )


def lists_given(arguments: Mapping[str, Any]) -> list[str]:
    """Return the SIDs of the lists, however they are spelled."""
    from airflow_provider_exotel.client.fields import words

    lists = words(arguments["lists"])
    return list(map(str, lists)) if isinstance(lists, (list, tuple)) else []


def files_among(lists: Any) -> list[str]:
    """Return those of ``lists`` that are paths of files, of which lists are still to be made."""
    return [sid for sid in lists_given({"lists": lists}) if "/" in sid]


def is_still_to_be_rendered(value: Any) -> bool:
    """Return whether Airflow will replace the value before the task runs: a template, an XCom, a list of such."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, (list, tuple)):
        # Numbers are many, and a text without a brace is no template.
        return any(is_still_to_be_rendered(one) for one in value if not isinstance(one, str) or "{" in one)
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


def default_deferrable() -> bool:
    """Return whether Airflow is told to wait in the triggerer wherever that is possible."""
    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))


def is_true(value: object, name: str) -> bool:
    """Return whether a flag is set; a template renders it as text.

    :param value: what is given.
    :param name: the argument.
    :raises ExotelInputError: for a word that says neither yes nor no: nobody is called by mistake.
    """
    word = str(value).strip().lower()
    if word not in _WORDS:
        raise ExotelInputError([Problem(name, "says neither yes nor no; write true or false")])
    return _WORDS[word]


def _problems_of_identity(operator: CreateCampaignOperator, arguments: Mapping[str, Any]) -> Iterator[Problem]:
    from airflow_provider_exotel.create.identity import names_a_key, printable

    name, key = printable(arguments["name"]), operator.idempotency_key
    if key is not None and str(key).strip().lower() in {"", "none"}:
        yield Problem(
            "idempotency_key",
            "is empty, as a template of nothing is, and would be the same for every run; "
            "write what tells this campaign from others, or leave it out",
        )
    if operator.exact_name and not name:
        yield Problem(
            "name", "is missing; exact_name=True sends it as it is, so it must tell this campaign from others"
        )
    if operator.exact_name and names_a_key(name):
        yield Problem("name", "holds the key of another campaign; leave 'af-' and what follows out")
