"""From what a caller gives to a campaign that only waits for its moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.guard import StagingGuard
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.request import CampaignRequest, Schedule
from airflow_provider_exotel.client.urls import flow_url
from airflow_provider_exotel.create.campaign_journal import AudienceMark
from airflow_provider_exotel.create.dry_run import CampaignPlan
from airflow_provider_exotel.windows.calling_window import LEAD, MissedWindow, resolve_schedule
from airflow_provider_exotel.windows.common_window import window_of


@dataclass(frozen=True)
class When:
    """When a campaign may dial, as the caller gives it.

    :param anchor: the moment the run stands for.
    :param window: calling hours, as :func:`~airflow_provider_exotel.windows.common_window.window_of` reads them.
    :param schedule: instead of a window, explicit times.
    :param max_lateness: how late a run may still dial, as a timedelta or in minutes; ``None`` for as long as the window
        is usable.
    :param on_missed_window: ``next`` takes the window directly after; the other two leave it to the caller.
    """

    anchor: datetime
    window: Any = None
    schedule: Any = None
    max_lateness: Any = None
    on_missed_window: str = "fail"


@dataclass(frozen=True)
class CampaignDraft:
    """A campaign that is checked and lacks only its schedule.

    :param request: all of it but the schedule.
    :param schedule_at: gives the schedule for a moment of sending.
    :param rejected: entries left out because they cannot be phone numbers.
    """

    request: CampaignRequest
    schedule_at: Callable[[datetime], Schedule | None]
    rejected: int = 0

    def at(self, now: datetime) -> CampaignRequest:
        """Return the request as it is to be sent at ``now``.

        :raises MissedWindow: if its window is over.
        """
        return self.request.model_copy(update={"schedule": self.schedule_at(now)})

    def named(self, name: str) -> CampaignDraft:
        """Return it under another name than the caller's, which is checked by then."""
        return replace(self, request=self.request.model_copy(update={"name": name}))

    def audience(self, secret: str) -> AudienceMark:
        """Return what its audience is known again by.

        :param secret: what digests are keyed with.
        """
        return AudienceMark.of(self.request.numbers, self.request.lists, secret, rejected=self.rejected)

    def plan(self, now: datetime) -> CampaignPlan:
        """Return what sending at ``now`` would do."""
        return CampaignPlan(self.at(now), self.rejected)


def draft_campaign(
    fields: Mapping[str, Any],
    when: When,
    now: datetime,
    *,
    account_sid: str,
    guard: StagingGuard,
    on_invalid_numbers: str = "fail",
    known_problems: Iterable[Problem] = (),
) -> CampaignDraft:
    """Return the campaign of ``fields``, everything about it checked.

    :param fields: fields of a :class:`CampaignRequest` and ``flow_id``; those that are ``None`` are not given.
    :param when: when it may dial.
    :param now: the present moment.
    :param account_sid: the account, which the address of a flow names.
    :param guard: what the connection refuses to dial.
    :param on_invalid_numbers: ``drop`` leaves out what cannot be a phone number, ``fail`` refuses it.
    :param known_problems: what the caller found wrong already, to be told in the same error.
    :raises ExotelInputError: naming every problem at once.
    :raises MissedWindow: if there is no problem, and the window is over.
    """
    problems = list(known_problems)
    given = {name: value for name, value in fields.items() if value is not None}
    rejected = _clean_numbers(given, on_invalid_numbers, problems)
    _name_flow(given, account_sid, problems)
    request = _collect(problems, lambda: CampaignRequest(**given))
    if request is not None:
        _collect(problems, lambda: guard.check(request.numbers, request.lists))
    _check_choices(when, problems)
    schedule_at = _collect(problems, lambda: _schedule_at(when, request, now))
    if schedule_at is not None:
        try:
            _collect(problems, lambda: schedule_at(now))
        except MissedWindow:
            if not problems:
                raise
    if problems or request is None or schedule_at is None:
        raise ExotelInputError(problems)
    return CampaignDraft(request, schedule_at, rejected)


def _clean_numbers(given: dict[str, Any], on_invalid: str, problems: list[Problem]) -> int:
    if on_invalid not in {"fail", "drop"}:
        problems.append(Problem("on_invalid_numbers", "is neither 'fail' nor 'drop'"))
    try:
        numbers = PhoneNumbers.of(given["numbers"]).compact()
    except (KeyError, TypeError):
        return 0
    malformed = numbers.malformed() if on_invalid == "drop" else []
    given["numbers"] = numbers.without(malformed)
    return len(malformed)


def _name_flow(given: dict[str, Any], account_sid: str, problems: list[Problem]) -> None:
    flow_id = given.pop("flow_id", None)
    if flow_id is None:
        return
    if "url" in given:
        problems.append(Problem("flow_id", "stands beside url; give one of the two"))
    elif not str(flow_id).strip().isalnum():
        problems.append(Problem("flow_id", "is not the number of a flow; write it as the dashboard shows it"))
    else:
        given["url"] = flow_url(account_sid, str(flow_id).strip())


def _check_choices(when: When, problems: list[Problem]) -> None:
    if when.on_missed_window not in {"fail", "skip", "next"}:
        problems.append(Problem("on_missed_window", "is none of 'fail', 'skip', 'next'"))
    if when.window is None and when.max_lateness is not None:
        problems.append(
            Problem("max_lateness", "counts only with window; leave it out, or write the times in schedule")
        )
    if when.window is None and when.schedule is not None and when.on_missed_window == "next":
        told = "'next' counts only with window: nothing comes after explicit times; write 'fail' or 'skip'"
        problems.append(Problem("on_missed_window", told))
    if when.window is not None and when.schedule is not None:
        problems.append(Problem("window", "stands beside schedule; give one of the two"))


def _schedule_at(when: When, request: CampaignRequest | None, now: datetime) -> Callable[[datetime], Schedule | None]:
    retries = request.call_retries if request else None
    if when.window is not None:
        window = window_of(when.window, today=now.date())
        return lambda now: window.schedule_for(
            when.anchor,
            now,
            lead=LEAD,
            max_lateness=when.max_lateness,
            on_missed_window=when.on_missed_window,
            call_retries=retries,
        )
    if when.schedule is not None:
        return lambda now: resolve_schedule(when.schedule, anchor=when.anchor, now=now, lead=LEAD)
    return lambda _: None


def _collect(problems: list[Problem], step: Callable[[], Any]) -> Any:
    try:
        return step()
    except ExotelInputError as error:
        problems.extend(error.problems)
        return None
