"""Parse a task's arguments into a campaign that lacks only its schedule. Everything is parsed here, once."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem, collect
from airflow_provider_exotel.client.guard import StagingGuard
from airflow_provider_exotel.client.request import CampaignChanges, CampaignRequest, Schedule
from airflow_provider_exotel.client.text import is_no_path, read_flag, read_lists
from airflow_provider_exotel.client.urls import flow_url
from airflow_provider_exotel.contacts.files import translate_file_errors
from airflow_provider_exotel.contacts.numbers import CleanNumbers, clean_numbers, read_numbers_file
from airflow_provider_exotel.create.cost import Tariff, check_max_cost
from airflow_provider_exotel.create.dry_run import CampaignPlan
from airflow_provider_exotel.create.fingerprint import CampaignFields
from airflow_provider_exotel.create.identity import CampaignIdentity, contains_key, printable
from airflow_provider_exotel.create.journal import AudienceFingerprint
from airflow_provider_exotel.create.options import TaskOptions, option_conflicts, parse_options
from airflow_provider_exotel.create.testers import build_test_request, digest_of_test, read_test_numbers
from airflow_provider_exotel.windows.anchor import Anchor
from airflow_provider_exotel.windows.calling_window import LEAD, MissedWindow
from airflow_provider_exotel.windows.common_window import window_of
from airflow_provider_exotel.windows.explicit_schedule import resolve_schedule

log = logging.getLogger(__name__)

REQUEST_FIELDS = (*(name for name in CampaignRequest.model_fields if name != "schedule"), "flow_id")
"""Arguments of a task that are fields of its request, in the order of Exotel's page."""
_WHOM = {"numbers", "numbers_from", "lists"}


@dataclass(frozen=True)
class Account:
    """The settings of a campaign that come from its connection.

    :param account_sid: the account, part of the URL of a flow.
    :param guard: the numbers that the connection allows to dial.
    :param exophone: the default ``caller_id``.
    :param secret: key of the fingerprints.
    :param tariff: the price per minute; ``None`` if the connection has none.
    :param callback_urls: callback URLs of campaigns with ``callbacks``, by request field; empty for none.
    """

    account_sid: str
    guard: StagingGuard
    exophone: str | None = None
    secret: str = field(default="", repr=False)
    tariff: Tariff | None = None
    callback_urls: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class CampaignSpec:
    """A checked campaign that lacks only its schedule.

    :param request: the request without its schedule.
    :param schedule_at: returns the schedule for a time of sending.
    :param audience: fingerprint of the audience, with its counts.
    :param tariff: the price per minute; ``None`` if the connection has none.
    :param test: the campaign for the test numbers; ``None`` for none.
    :param digest: of such a test campaign, what tells it from a corrected one; empty for others.
    """

    request: CampaignRequest
    schedule_at: Callable[[datetime], Schedule | None]
    audience: AudienceFingerprint
    tariff: Tariff | None = None
    test: CampaignSpec | None = None
    digest: str = ""

    def at(self, now: datetime) -> CampaignRequest:
        """Return the request for sending at ``now``.

        :raises MissedWindow: if its window has closed.
        """
        return self.request.model_copy(update={"schedule": self.schedule_at(now)})

    def plan(self, now: datetime) -> CampaignPlan:
        """Return the plan for sending at ``now``."""
        return CampaignPlan(self.at(now), self.audience.rejected, self.tariff)


@dataclass(frozen=True)
class CampaignInput:
    """The input of a task for its campaign. Numbers are read and checked once.

    :param arguments: the task's arguments by name; ``None`` means not given.
    :param account: the settings from the connection.
    :param anchor: returns the time that the run stands for.
    :param open_path: returns the file at a path, such as an ``ObjectStoragePath``.
    :param problems: problems found earlier, reported with all others.
    :param now: returns the current time.
    :param is_mapped: whether the task is an instance of a mapped one.
    """

    arguments: Mapping[str, Any] = field(repr=False)
    account: Account
    anchor: Callable[[], Anchor]
    open_path: Callable[[str], Any]
    problems: Sequence[Problem] = ()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    is_mapped: bool = False
    _recipients_read: list[CleanNumbers] = field(default_factory=list, init=False, repr=False)

    def parse_options(self) -> TaskOptions:
        """Return the options of the task.

        :raises ExotelInputError: naming every problem of the options and of the campaign.
        """
        problems = [*self.problems, *option_conflicts(self.arguments)]
        options: TaskOptions | None = collect(problems, lambda: parse_options(self.arguments))
        problems += _problems_of_name(self.arguments["name"], exact=bool(options and options.exact_name))
        if options is None or problems:
            self.parse(options or TaskOptions(), known_problems=problems)
            raise ExotelInputError(problems)
        return options

    def parse(
        self, options: TaskOptions, identity: CampaignIdentity | None = None, known_problems: Iterable[Problem] = ()
    ) -> CampaignSpec:
        """Return the checked campaign.

        :param options: the options of the task.
        :param identity: the name it is created with; ``None`` for the caller's name.
        :param known_problems: problems of the options, reported in the same error.
        :raises ExotelInputError: naming every problem at once.
        """
        problems, now = [*self.problems, *known_problems], self.now()
        anchor: Anchor | None = collect(problems, self.anchor)
        clean = self._recipients(options, problems)
        request = _request(_request_fields(self.arguments, self.account, problems), clean, problems)
        if request is not None:
            collect(problems, partial(self.account.guard.check_request, request))
            problems += _problems_of_cost(request, options, self.account.tariff)
        testers = read_test_numbers(self.arguments.get("test_numbers"), options, problems, is_mapped=self.is_mapped)
        test_request = (
            build_test_request(request, testers, self.account.guard, problems) if request and testers else None
        )
        problems += _problems_of_times(self.arguments, options)
        moment = anchor.moment if anchor is not None else now
        schedule_at = collect(problems, lambda: _schedule_at(self.arguments, options, moment, request, now))
        if schedule_at is not None:
            with suppress(MissedWindow):  # raised when the campaign is sent
                collect(problems, lambda: schedule_at(now))
        if problems or request is None or schedule_at is None or clean is None:
            raise ExotelInputError(dict.fromkeys(problems))
        if identity is not None:
            request = request.model_copy(update={"name": identity.name})
        audience = AudienceFingerprint.of(request.numbers, request.lists, self.account.secret, rejected=clean.rejected)
        spec = CampaignSpec(request, schedule_at, audience, self.account.tariff)
        if test_request is None:
            return spec
        test_audience = AudienceFingerprint.of(test_request.numbers, None, self.account.secret)
        digest = digest_of_test(test_request, self.account.secret)
        return replace(spec, test=replace(spec, request=test_request, audience=test_audience, digest=digest))

    def parse_audience(self, options: TaskOptions) -> AudienceFingerprint:
        """Return the fingerprint of the task's audience."""
        clean = self.recipients(options)
        lists = parse_lists(self.arguments["lists"])
        return AudienceFingerprint.of(clean.numbers, lists, self.account.secret, rejected=clean.rejected)

    def parse_fields(self) -> CampaignFields:
        """Return the fields that the task would send, without audience, schedule and name."""
        given = _request_fields(self.arguments, self.account, [])
        fields = {name: value for name, value in given.items() if name not in {"numbers", "lists", "name"}}
        return CampaignFields.of(CampaignChanges(**fields), self.account.secret)

    def recipients(self, options: TaskOptions) -> CleanNumbers:
        """Return the cleaned numbers of the DAG or of its file.

        :raises ExotelInputError: if they cannot be read.
        """
        if not self._recipients_read:
            self._recipients_read.append(_read_recipients(self.arguments, options, self.open_path))
        return self._recipients_read[0]

    def _recipients(self, options: TaskOptions, problems: list[Problem]) -> CleanNumbers | None:
        clean: CleanNumbers | None = collect(problems, lambda: self.recipients(options))
        if clean is not None and clean.misfits and options.on_invalid_numbers == "fail":
            problems += clean.problems()
        with suppress(ExotelInputError):  # reported by the request
            if find_file_paths(self.arguments["lists"]):
                message = "must be SIDs of lists, not files; upload the files with UploadAudienceOperator and use its"
                problems.append(Problem("lists", f"{message} output"))
        return clean


def check_literals(arguments: Mapping[str, Any], known_problems: Iterable[Problem] = ()) -> None:
    """Check, when the DAG is parsed, the arguments that do not depend on a run.

    Numbers are checked in the run: checking them here would slow down every parse.

    :param arguments: the literal arguments of the DAG, without templated ones.
    :param known_problems: problems found earlier.
    :raises ExotelInputError: naming every problem.
    """
    problems, now = [*known_problems, *option_conflicts(arguments)], datetime.now(UTC)
    if arguments.get("lists") is not None:
        given = [name for name in ("numbers", "numbers_from") if arguments.get(name) is not None]
        problems += [Problem(name, "is mutually exclusive with lists; give one of the two") for name in given]
    collect(problems, lambda: parse_options(arguments))
    fields = {name: arguments[name] for name in CampaignChanges.model_fields if arguments.get(name) is not None}
    for one in ("numbers", "schedule", "name"):
        fields.pop(one, None)
    if printable(arguments.get("name")):
        fields["name"] = printable(arguments["name"])
    elif "name" in arguments:
        with suppress(ExotelInputError):
            problems += _problems_of_name(None, exact=TaskOptions(exact_name=arguments.get("exact_name")).exact_name)
    collect(problems, lambda: CampaignChanges(**fields))
    if arguments.get("window") is not None:
        collect(problems, lambda: window_of(arguments["window"]))
    if arguments.get("schedule") is not None:
        with suppress(MissedWindow):
            collect(problems, lambda: resolve_schedule(arguments["schedule"], anchor=now, now=now, lead=LEAD))
    if problems:
        raise ExotelInputError(dict.fromkeys(problems))


def parse_lists(lists: Any, field: str = "lists") -> list[str]:
    """Return the SIDs of lists; empty if ``lists`` is ``None``.

    :param lists: the SIDs, as a list or as text.
    :param field: the argument name for errors.
    :raises ExotelInputError: if they are not SIDs.
    """
    try:
        return [] if lists is None else read_lists(lists)
    except ValueError as error:
        raise ExotelInputError([Problem(field, f"{error}; give SIDs of contact lists")]) from None


def find_file_paths(lists: Any, field: str = "lists") -> list[str]:
    """Return the file paths in ``lists``, which still have to be uploaded.

    :param lists: SIDs and paths, as a list or as text.
    :param field: the argument name for errors.
    :raises ExotelInputError: if it contains anything but paths and SIDs.
    """
    return [sid for sid in parse_lists(lists, field) if "/" in sid]


def _read_recipients(
    arguments: Mapping[str, Any], options: TaskOptions, open_path: Callable[[str], Any]
) -> CleanNumbers:
    numbers, source = arguments["numbers"], arguments["numbers_from"]
    if numbers is None and source is None:
        return CleanNumbers(None, {})
    if source is not None:
        if is_no_path(str(source)):
            raise ExotelInputError([Problem("numbers_from", "must not be empty; give the path of a file")])
        with translate_file_errors(str(source), "numbers_from"):
            numbers = read_numbers_file(open_path(str(source)), number_column=_column(arguments["number_column"]))
    clean = clean_numbers(
        numbers,
        default_country=options.default_country,
        has_country_code=options.numbers_have_country_code,
        keep_duplicates=_keeps_duplicates(arguments["call_duplicate_numbers"]),
    )
    if clean.duplicates:
        log.info("Left out %d duplicate numbers.", clean.duplicates)
    return clean


def _is_on(flag: Any) -> bool:
    # Invalid flags are reported with the other options.
    with suppress(ValueError):
        return flag is not None and read_flag(flag)
    return False


def _column(name: Any) -> str | None:
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise ExotelInputError([Problem("number_column", "must be text; give the name of a column in the file")])
    return name


def _keeps_duplicates(given: Any) -> bool:
    # Invalid flags are reported with the rest of the request.
    with suppress(ExotelInputError):
        return bool(CampaignChanges(call_duplicate_numbers=given).call_duplicate_numbers)
    return True


def _request_fields(arguments: Mapping[str, Any], account: Account, problems: list[Problem]) -> dict[str, Any]:
    given = {name: arguments[name] for name in REQUEST_FIELDS if arguments.get(name) is not None}
    given.setdefault("caller_id", account.exophone)
    given["name"] = printable(arguments["name"]) or None
    if _is_on(arguments.get("callbacks")):
        if not account.callback_urls:
            message = "needs callback_base_url in the connection; set it to the address of the callback program"
            problems.append(Problem("callbacks", message))
        given = {**account.callback_urls, **given}
    flow_id = given.pop("flow_id", None)
    if flow_id is not None and (isinstance(flow_id, bool) or not re.fullmatch(r"[0-9]+", str(flow_id).strip())):
        problems.append(Problem("flow_id", "must be the number of a flow; give it as shown in the dashboard"))
    elif flow_id is not None and "url" not in given:
        given["url"] = flow_url(account.account_sid, str(flow_id).strip())
    return {name: value for name, value in given.items() if value is not None}


def _request(given: dict[str, Any], clean: CleanNumbers | None, problems: list[Problem]) -> CampaignRequest | None:
    given.pop("numbers", None)
    if clean is not None and clean.numbers is not None:
        given["numbers"] = clean.numbers
    try:
        return CampaignRequest(**given)
    except ExotelInputError as error:
        # If numbers could not be read or are all invalid, do not report missing numbers as well.
        reported = clean is None or bool(problems and clean.misfits and not clean.numbers)
        reported = reported or bool(_WHOM & {problem.field for problem in problems})
        problems.extend(one for one in error.problems if one.field != "numbers" or not reported)
        return None


def _problems_of_cost(request: CampaignRequest, options: TaskOptions, tariff: Tariff | None) -> Iterator[Problem]:
    estimate = CampaignPlan(request, tariff=tariff).cost
    if (wrong := check_max_cost(options.max_cost, estimate, tariff)) is not None:
        yield Problem("max_cost", wrong)


def _problems_of_times(arguments: Mapping[str, Any], options: TaskOptions) -> Iterator[Problem]:
    window, schedule = arguments["window"], arguments["schedule"]
    if window is None and arguments["max_lateness"] is not None:
        yield Problem("max_lateness", "is used only with window; leave it out, or give the times in schedule")
    if window is None and schedule is not None and options.on_missed_window == "next":
        message = "'next' is used only with window, not with explicit times; use 'fail' or 'skip'"
        yield Problem("on_missed_window", message)
    if window is not None and schedule is not None:
        yield Problem("window", "is mutually exclusive with schedule; give one of the two")


def _schedule_at(
    arguments: Mapping[str, Any],
    options: TaskOptions,
    anchor: datetime,
    request: CampaignRequest | None,
    now: datetime,
) -> Callable[[datetime], Schedule | None]:
    retries = request.call_retries if request else None
    if arguments["window"] is not None:
        window = window_of(arguments["window"], today=now.date(), caller_id=request.caller_id if request else None)
        return lambda now: window.schedule_for(
            anchor,
            now,
            lead=LEAD,
            max_lateness=arguments["max_lateness"],
            on_missed_window=options.on_missed_window,
            call_retries=retries,
        )
    if arguments["schedule"] is not None:
        return lambda now: resolve_schedule(arguments["schedule"], anchor=anchor, now=now, lead=LEAD)
    return lambda _: None


def _problems_of_name(name: Any, *, exact: bool) -> Iterator[Problem]:
    text = printable(name)
    if exact and not text:
        yield Problem("name", "is required with exact_name=True and must be unique; add it")
    if exact and contains_key(text):
        yield Problem("name", "must not contain the key of another campaign; remove 'af-' and the digits after it")
