"""Control a campaign: the actions that each status allows (Exotel, update campaign: actions).

An action succeeds at once if the campaign already has the status it leads to. Each action reads the campaign before and
after it, so that a partial change is never silent.
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
from airflow_provider_exotel.create.identity import rename_keeping_key
from airflow_provider_exotel.waiting.pausing import pause_and_confirm

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

_CREATED, _IN_PROGRESS, _PAUSED = CampaignStatus.CREATED, CampaignStatus.IN_PROGRESS, CampaignStatus.PAUSED
_COMPLETED, _ARCHIVED, _DELETED = CampaignStatus.COMPLETED, CampaignStatus.ARCHIVED, CampaignStatus.DELETED
_UNKNOWN = CampaignStatus.UNKNOWN  # it may dial, so it may be stopped
_ENDED = frozenset(status for status in CampaignStatus if status.has_ended)

ALREADY: Mapping[str, frozenset[CampaignStatus]] = {
    "pause": frozenset({_PAUSED}),
    "resume": frozenset({_IN_PROGRESS}),
    "complete": _ENDED,
    "stop": _ENDED,
    "archive": frozenset({_ARCHIVED}),
    "delete": frozenset({_DELETED}),
}
"""Statuses in which an action has nothing to do."""

ALLOWED: Mapping[str, frozenset[CampaignStatus]] = {
    "pause": frozenset({_CREATED, _IN_PROGRESS, _UNKNOWN}),
    "resume": frozenset({_PAUSED}),
    "complete": frozenset({_PAUSED}),
    "stop": frozenset({_CREATED, _IN_PROGRESS, _PAUSED, _UNKNOWN}),
    "archive": frozenset({_COMPLETED}),
    "delete": frozenset({_CREATED}),
}
"""Statuses in which an action is allowed."""

_REFUSALS: Mapping[str, str] = {
    "pause": "a campaign that has ended cannot be paused",
    "resume": "only a paused campaign can be resumed",
    "complete": "only a paused campaign can be completed; use 'stop', which pauses it first",
    "archive": "only a completed campaign can be archived",
    "delete": "only a campaign that has not started can be deleted; use 'stop' to end it",
}
_ALWAYS_CHANGEABLE = frozenset({"call_status_callback", "call_schedule_callback", "status_callback"})


def control(
    campaigns: ExotelClient, campaign_id: str, action: str, *, sleep: Callable[[float], None] = time.sleep
) -> Campaign | None:
    """Run an action, and return the updated campaign, or ``None`` if it is deleted.

    :param campaigns: the account's campaigns.
    :param campaign_id: the campaign.
    :param action: the action. ``stop`` pauses the campaign, waits until the pause is confirmed, and completes it.
    :param sleep: sleeps for a number of seconds.
    :raises ExotelInputError: if the action is unknown, or not allowed in the campaign's status.
    :raises ExotelNotFound: if the campaign does not exist.
    :raises ExotelError: if the service refuses or fails.
    """
    if action not in ALLOWED:
        raise ExotelInputError([Problem("action", f"unknown value; use one of {', '.join(ALLOWED)}")])
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
            [Problem("action", f"campaign {campaign_id} is {campaign.status_text!r}: {_REFUSALS[action]}")]
        )
    return _run_action(campaigns, campaign, action, sleep)


def change(campaigns: ExotelClient, campaign_id: str, changes: Mapping[str, Any], *, force: bool = False) -> Campaign:
    """Change a campaign, and return it as the service shows it after the change.

    Before it starts, everything but its contacts can be changed; afterwards only its callbacks (Exotel, update campaign
    details). The key in its name is kept.

    :param campaigns: the account's campaigns.
    :param campaign_id: the campaign.
    :param changes: fields of the create-campaign page, named as in
        :class:`~airflow_provider_exotel.client.request.CampaignRequest`.
    :param force: whether to send a change even if the service's reference says that it will be refused.
    :raises ExotelInputError: if there is nothing to change, or a field cannot be changed.
    :raises ExotelError: if the service refuses, or does not show the change afterwards.
    """
    problems = [
        Problem(f"changes.{name}", "cannot be changed after the campaign was created; create another campaign")
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
        why = f"campaign {campaign_id} is {before.status_text!r}; once it has started, only callbacks can be changed"
        raise ExotelInputError([Problem(f"changes.{name}", why) for name in late])
    requested = CampaignChanges(**_complete_changes(before, changes))
    if requested.name is not None:
        requested = requested.model_copy(update={"name": rename_keeping_key(before.name, requested.name)})
    after = campaigns.update_campaign(campaign_id, **dict(requested))
    _verify_change(before, after, requested)
    return after


def _run_action(
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
            raise ExotelError(f"campaign {campaign.id} is still {campaign.status_text!r} after a pause was requested")
    step = {
        "pause": campaigns.pause_campaign,
        "resume": campaigns.resume_campaign,
        "complete": campaigns.complete_campaign,
        "stop": campaigns.complete_campaign,
        "archive": campaigns.archive_campaign,
    }[action]
    return step(campaign.id)


def _complete_changes(before: Campaign, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes, completed with the current schedule and retry plan.

    Whether the service keeps fields that a change leaves out is not documented. A campaign that lost its schedule would
    dial at once and for 30 days.
    """
    schedule, retries = dict(before.schedule), dict(before.retries or {})
    wanted = dict(changes)
    if before.status is not _CREATED:
        schedule.pop("send_at")  # a time in the past may be refused
    elif any(schedule.values()):
        wanted.setdefault("schedule", {})
    for name, stays in (("schedule", schedule), ("call_retries", retries)):
        if name in wanted:
            wanted[name] = _merge(wanted[name], stays)
    return wanted


def _merge(given: Any, stays: Mapping[str, Any]) -> Any:
    try:
        parts = dict(read_mapping(given))  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return given  # not a mapping; the model reports it
    return {**stays, **{name: value for name, value in parts.items() if value is not None}}


def _verify_change(before: Campaign, after: Campaign, requested: CampaignChanges) -> None:
    """Raise if the service did not change a field that it should, or changed one that it should not."""
    was, is_now, wanted = _returned_fields(before), _returned_fields(after), _returned_fields(requested)
    shown = was.keys() | is_now.keys()
    kept = sorted(name for name in wanted.keys() & shown if is_now.get(name) != wanted[name])
    lost = sorted(name for name in was.keys() - wanted.keys() if was[name] != is_now.get(name))
    if kept or lost:
        words = [f"kept {', '.join(kept)}"] if kept else []
        words += [f"changed {', '.join(lost)} too"] if lost else []
        raise ExotelError(f"campaign {after.id} was not changed as requested: the service {' and '.join(words)}")


def _returned_fields(campaign: Campaign | CampaignChanges) -> dict[str, Any]:
    """Return the fields that the service returns, nested ones by their full name."""
    retries = campaign.call_retries if isinstance(campaign, CampaignChanges) else campaign.retries
    nested = {"schedule": campaign.schedule, "call_retries": retries}
    shown = {name: getattr(campaign, name) for name in ("name", "caller_id", "url", "campaign_type")}
    shown |= {
        f"{outer}.{name}": value for outer, fields in nested.items() if fields is not None for name, value in fields
    }
    return {name: _as_sent(value) for name, value in shown.items() if value is not None}


def _as_sent(value: Any) -> Any:
    """Return a value as it is sent; the service stores whole seconds."""
    return value.replace(microsecond=0) if isinstance(value, datetime) else value
