"""Steer a campaign: which action is allowed when (Exotel, update campaign: actions), and what to say where it is not.

An action whose aim is reached already is done. Nothing is left half done silently: each action reads the campaign
before and after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_exotel.client.errors import ExotelError, ExotelInputError, ExotelNotFound, Problem
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.client.request import CampaignChanges
from airflow_provider_exotel.client.text import read_mapping
from airflow_provider_exotel.create.identity import renamed
from airflow_provider_exotel.waiting.pausing import pause_and_confirm

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

_CREATED, _IN_PROGRESS, _PAUSED = CampaignStatus.CREATED, CampaignStatus.IN_PROGRESS, CampaignStatus.PAUSED
_COMPLETED, _ARCHIVED, _DELETED = CampaignStatus.COMPLETED, CampaignStatus.ARCHIVED, CampaignStatus.DELETED
_ENDED = frozenset(status for status in CampaignStatus if status.has_ended)

ALREADY: Mapping[str, frozenset[CampaignStatus]] = {
    "pause": frozenset({_PAUSED}),
    "resume": frozenset({_IN_PROGRESS}),
    "complete": _ENDED,
    "stop": _ENDED,
    "archive": frozenset({_ARCHIVED}),
    "delete": frozenset({_DELETED}),
}
"""Where an action has nothing left to do."""

ALLOWED: Mapping[str, frozenset[CampaignStatus]] = {
    "pause": frozenset({_CREATED, _IN_PROGRESS}),
    "resume": frozenset({_PAUSED}),
    "complete": frozenset({_PAUSED}),
    "stop": frozenset({_CREATED, _IN_PROGRESS, _PAUSED}),
    "archive": frozenset({_COMPLETED}),
    "delete": frozenset({_CREATED}),
}
"""From where an action is allowed."""

_INSTEAD: Mapping[str, str] = {
    "pause": "only one that is created or in progress can be paused",
    "resume": "only a paused one can be resumed",
    "complete": "only a paused one can be completed; 'stop' pauses it first",
    "stop": "its status is not known to this version; look at it in the dashboard",
    "archive": "only a completed one can be archived",
    "delete": "only one that has not begun can be deleted; 'stop' ends one that has",
}
_ALWAYS_CHANGEABLE = frozenset({"call_status_callback", "call_schedule_callback", "status_callback"})


def control(
    campaigns: ExotelClient, campaign_id: str, action: str, *, sleep: Callable[[float], None] = time.sleep
) -> Campaign | None:
    """Carry out an action, and return the campaign as it stands afterwards; ``None`` if it is deleted.

    :param campaigns: the account's campaigns.
    :param campaign_id: which one.
    :param action: what to do. ``stop`` pauses, waits until that is confirmed, and completes.
    :param sleep: waits for seconds.
    :raises ExotelInputError: if there is no such action, or the campaign stands where it is not allowed.
    :raises ExotelNotFound: if there is no such campaign.
    :raises ExotelError: if the service does not do it.
    """
    if action not in ALLOWED:
        raise ExotelInputError([Problem("action", f"is none of {', '.join(ALLOWED)}")])
    try:
        campaign = campaigns.get_campaign(campaign_id)
    except ExotelNotFound:
        if action == "delete":
            return None
        raise
    if campaign.status in ALREADY[action]:
        return campaign
    if campaign.status not in ALLOWED[action]:
        raise ExotelInputError(
            [Problem("action", f"campaign {campaign_id} is {campaign.status_text!r}: {_INSTEAD[action]}")]
        )
    return _carried_out(campaigns, campaign, action, sleep)


def change(campaigns: ExotelClient, campaign_id: str, changes: Mapping[str, Any], *, force: bool = False) -> Campaign:
    """Change a campaign, and return it as the service shows it afterwards.

    Before it begins everything may be changed but whom it calls, afterwards only its callbacks (Exotel, update campaign
    details). The key in its name is kept.

    :param campaigns: the account's campaigns.
    :param campaign_id: which one.
    :param changes: fields of the create-campaign page, under the names of
        :class:`~airflow_provider_exotel.client.request.CampaignRequest`.
    :param force: whether to ask the service even where its reference says that it refuses.
    :raises ExotelInputError: if nothing is to be changed, or something that may not be.
    :raises ExotelError: if the service refuses, or shows something else afterwards.
    """
    problems = [
        Problem(f"changes.{name}", "cannot be changed: these people were looked at when it was created; create another")
        for name in ("numbers", "lists")
        if name in changes
    ]
    if not changes:
        problems.append(Problem("changes", "is empty; give the fields to change, such as {'throttle': 30}"))
    if problems:
        raise ExotelInputError(problems)
    before = campaigns.get_campaign(campaign_id)
    late = sorted(changes.keys() - _ALWAYS_CHANGEABLE) if before.status is not _CREATED else []
    if late and not force:
        why = f"campaign {campaign_id} is {before.status_text!r}, and once it has begun only callbacks can be changed"
        raise ExotelInputError([Problem(f"changes.{name}", why) for name in late])
    asked = CampaignChanges(**_completed(before, changes))
    if asked.name is not None:
        asked = asked.model_copy(update={"name": renamed(before.name, asked.name)})
    after = campaigns.update_campaign(campaign_id, **dict(asked))
    _compare(before, after, asked)
    return after


def _carried_out(
    campaigns: ExotelClient, campaign: Campaign, action: str, sleep: Callable[[float], None]
) -> Campaign | None:
    if action == "delete":
        campaigns.delete_campaign(campaign.id)
        return None
    if action == "stop" and campaign.status is not _PAUSED:
        campaign = pause_and_confirm(campaigns, campaign.id, sleep)
        if campaign.status in _ENDED:
            return campaign
        if campaign.status is not _PAUSED:
            raise ExotelError(f"campaign {campaign.id} was told to pause and is {campaign.status_text!r}")
    step = {
        "pause": campaigns.pause_campaign,
        "resume": campaigns.resume_campaign,
        "complete": campaigns.complete_campaign,
        "stop": campaigns.complete_campaign,
        "archive": campaigns.archive_campaign,
    }[action]
    return step(campaign.id)


def _completed(before: Campaign, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes with what belongs to them and is to stay.

    Whether the service keeps what a change leaves out is not documented, and a campaign that lost its schedule would
    dial at once and for 30 days.
    """
    schedule, retries = dict(before.schedule), dict(before.retries or {})
    wanted = dict(changes)
    if before.status is not _CREATED:
        schedule.pop("send_at")  # it has passed, and what has passed may be refused
    elif any(schedule.values()):
        wanted.setdefault("schedule", {})
    for name, stays in (("schedule", schedule), ("call_retries", retries)):
        if name in wanted:
            wanted[name] = _with_the_rest(wanted[name], stays)
    return wanted


def _with_the_rest(given: Any, stays: Mapping[str, Any]) -> Any:
    try:
        parts = dict(read_mapping(given))  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return given  # no mapping, which is for the model to say
    return {**stays, **{name: value for name, value in parts.items() if value is not None}}


def _compare(before: Campaign, after: Campaign, asked: CampaignChanges) -> None:
    """Raise if the service kept what was to be changed, or changed what was to be kept."""
    was, is_now, wanted = _shown(before), _shown(after), _shown(asked)
    shown = was.keys() | is_now.keys()
    kept = sorted(name for name in wanted.keys() & shown if is_now.get(name) != wanted[name])
    lost = sorted(name for name in was.keys() - wanted.keys() if was[name] != is_now.get(name))
    if kept or lost:
        words = [f"kept {', '.join(kept)}"] if kept else []
        words += [f"changed {', '.join(lost)} too"] if lost else []
        raise ExotelError(
            f"campaign {after.id} was changed and is not as it was meant to be: the service {' and '.join(words)}"
        )


def _shown(campaign: Campaign | CampaignChanges) -> dict[str, Any]:
    """Return the fields that the service shows again, nested ones by their full name."""
    retries = campaign.call_retries if isinstance(campaign, CampaignChanges) else campaign.retries
    nested = {"schedule": campaign.schedule, "call_retries": retries}
    shown = {name: getattr(campaign, name) for name in ("name", "caller_id", "url", "campaign_type")}
    shown |= {
        f"{outer}.{name}": value for outer, fields in nested.items() if fields is not None for name, value in fields
    }
    return {name: _as_told(value) for name, value in shown.items() if value is not None}


def _as_told(value: Any) -> Any:
    """Return a value as it is told to the service, which hears of whole seconds."""
    return value.replace(microsecond=0) if isinstance(value, datetime) else value
