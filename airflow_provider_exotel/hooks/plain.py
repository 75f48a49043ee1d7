"""Campaigns as plain JSON for agents and Python tasks: no phone number, no secret, no address with a token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.client.urls import flow_url

if TYPE_CHECKING:
    from airflow_provider_exotel.waiting.outcome import Outcome


def campaign_as_json(campaign: Campaign) -> dict[str, Any]:
    """Return how a campaign stands.

    :param campaign: it.
    """
    from airflow_provider_exotel.waiting.outcome import tally_of

    ended = campaign.status.has_ended
    tally, schedule = tally_of(campaign.stats, ended=ended), campaign.schedule.payload()
    return {
        "id": campaign.id,
        "name": redact(campaign.name),
        "status": campaign.status_text,
        "has_ended": ended,
        "send_at": schedule.get("send_at"),
        "end_at": schedule.get("end_at"),
        "contacts": tally.contacts,
        "reached": tally.reached,
        "not_reached": sum(tally.not_reached.values()),
        "open": tally.open,
    }


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """Return how a campaign ended, with the sentence that says so.

    :param outcome: it.
    """
    from airflow_provider_exotel.waiting.outcome import describe_outcome

    return {"has_ended": True, "summary": describe_outcome(outcome), **outcome.as_json()}


def request_fields(
    account_sid: str, lists: list[str], send_at: str, end_at: str, read_via_text: str, flow_id: str, name: str
) -> dict[str, Any]:
    """Return the fields of a campaign to contact lists that dials inside a stretch of time.

    :raises ExotelInputError: for times that cannot be read.
    :raises MissedWindow: if the end has passed.
    """
    from airflow_provider_exotel.windows.calling_window import LEAD
    from airflow_provider_exotel.windows.explicit_schedule import resolve_schedule

    now = datetime.now(UTC)
    schedule = resolve_schedule({"send_at": send_at, "end_at": end_at}, anchor=now, now=now, lead=LEAD)
    return {
        "lists": lists,
        "schedule": schedule,
        "read_via_text": read_via_text or None,
        "url": flow_url(account_sid, flow_id) if flow_id else None,
        "name": name or None,
    }
