"""What a task leaves for those after it: its campaign, and how that ended."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_exotel.client.errors import ExotelError, ExotelInputError, Problem
from airflow_provider_exotel.client.urls import campaign_page
from airflow_provider_exotel.links import CampaignLink

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.connection import ExotelSettings
    from airflow_provider_exotel.create.dry_run import CampaignPlan
    from airflow_provider_exotel.waiting.outcome import Outcome

log = logging.getLogger(__name__)

OUTCOME = "outcome"
"""The XCom that tells how a campaign ended."""


@contextmanager
def failing_for_good() -> Iterator[None]:
    """Turn errors that no retry can mend into Airflow's word for that; the others pass."""
    try:
        yield
    except ExotelError as error:
        if error.retryable:
            raise
        raise AirflowFailException(str(error)) from None


def announce(plan: CampaignPlan) -> None:
    """Log what is about to dial, and what to look at before it does."""
    for warning in plan.warnings:
        log.warning("%s", warning)
    log.info("Campaign to dial: %s", json.dumps(plan.request.safe_payload(), ensure_ascii=False))


def publish(
    task_instance: Any, settings: ExotelSettings, campaign: Campaign, *, contacts: int | None, rejected: int
) -> None:
    """Leave a campaign in the XCom ``campaign``, and the link to it.

    :param task_instance: the task's.
    :param settings: the connection.
    :param campaign: it, as it stands.
    :param contacts: how many people it calls, where that is known.
    :param rejected: entries left out because they cannot be phone numbers.
    """
    schedule, url = campaign.schedule.payload(), campaign_page(settings.host, settings.account_sid, campaign.id)
    task_instance.xcom_push(key=CampaignLink.key, value=url)
    task_instance.xcom_push(
        key="campaign",
        value={
            "id": campaign.id,
            "name": campaign.name,
            "status": campaign.status_text,
            "send_at": schedule.get("send_at"),
            "end_at": schedule.get("end_at"),
            "contacts": contacts,
            "rejected": rejected,
            "url": url,
        },
    )
    log.info(
        "Campaign %s (%s) dials from %s to %s: %s",
        campaign.id,
        campaign.status_text,
        schedule.get("send_at", "now"),
        schedule.get("end_at", "30 days later"),
        url,
    )


def with_those_never_called(client: ExotelClient, outcome: Outcome) -> Outcome:
    """Return an outcome that tells who was never called, asking for the calls where the counts do not tell."""
    from airflow_provider_exotel.waiting.outcome import told_apart

    try:
        return told_apart(outcome, client.call_details(outcome.campaign_id))
    except ExotelError as error:
        log.warning("The calls of campaign %s could not be read: %s", outcome.campaign_id, error)
        return outcome


def judged(outcome: Outcome, min_reached: float | None, on_window_end: str) -> str | None:
    """Return in words why an outcome is not what was wanted; what else somebody should know of it is logged."""
    from airflow_provider_exotel.waiting.outcome import failure_of, warnings_of

    for warning in warnings_of(outcome):
        log.warning("%s", warning)
    tally = outcome.tally
    log.info(
        "Campaign %s (%s): %d reached, %d not reached, %s never called.",
        outcome.campaign_id,
        outcome.status,
        tally.reached,
        sum(tally.not_reached.values()),
        "an unknown number" if tally.never_tried is None else tally.never_tried,
    )
    return failure_of(outcome, min_reached=min_reached, on_window_end=on_window_end)


def share_of(min_reached: Any) -> float | None:
    """Return ``min_reached`` as a share.

    :raises ExotelInputError: if it is none from 0 to 1.
    """
    try:
        share = None if min_reached is None else float(min_reached)
    except (TypeError, ValueError):
        share = -1.0
    if share is not None and not 0 <= share <= 1:
        raise ExotelInputError([Problem("min_reached", "is no share from 0 to 1; write 0.5 for half of the people")])
    return share
