"""Follow the campaign of an earlier try, and summarise a campaign for downstream tasks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.create.dry_run import describe_schedule
from airflow_provider_exotel.create.errors import ExotelCampaignTimedOut
from airflow_provider_exotel.create.options import IfPaused
from airflow_provider_exotel.html.render import quantity

log = logging.getLogger(__name__)


def follow_campaign(
    campaign: Campaign,
    *,
    carried_to: datetime | None,
    timed_out: bool,
    if_paused: IfPaused,
    waits: bool,
    resume: Callable[[str], Campaign],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Campaign:
    """Return the campaign of an earlier try, resumed if required and the task does not wait for it.

    :param campaign: the campaign.
    :param carried_to: the end of the window for which an earlier try paused it; it is resumed when that window opens.
    :param timed_out: whether an earlier try paused it because of a timeout.
    :param if_paused: what to do if it is paused.
    :param waits: whether the task waits for it; the wait then resumes it.
    :param resume: resumes the campaign.
    :param now: returns the current time.
    :raises ExotelCampaignTimedOut: if a timeout of an earlier try paused it, and ``if_paused`` is not ``resume``.
    """
    log.info("Campaign %s exists already (%s); following it.", campaign.id, campaign.status_text)
    if campaign.status is not CampaignStatus.PAUSED or (carried_to and carried_to == campaign.schedule.end_at):
        return campaign
    if timed_out and if_paused == "follow":
        raise ExotelCampaignTimedOut(
            f"campaign {campaign.id} was paused because an earlier try exceeded execution_timeout; a further "
            "try would wait in vain. Resume it by hand, or set if_paused='resume'"
        )
    if if_paused == "follow":
        log.warning("Campaign %s is paused: it dials nobody until it is resumed.", campaign.id)
        return campaign
    schedule, moment = campaign.schedule, now()
    if not schedule.closes_after(moment):
        why = "its window has closed" if schedule.end_at else "it has no end_at, and might dial at any hour"
        log.warning("Campaign %s is paused and is not resumed: %s.", campaign.id, why)
        return campaign
    if waits:
        log.info("Campaign %s is paused; the task resumes it inside its window.", campaign.id)
        return campaign
    # A campaign that is resumed before send_at may dial at once (Exotel, campaign status values).
    if schedule.contains(moment):
        log.info("Resuming campaign %s, which is paused.", campaign.id)
        return resume(campaign.id)
    log.warning(
        "Campaign %s is paused and is not resumed: its window has not opened. Clear the task inside the window, or set "
        "wait_for_completion to resume it then.",
        campaign.id,
    )
    return campaign


def summarise_campaign(campaign: Campaign, *, contacts: int | None, rejected: int, url: str) -> dict[str, Any]:
    """Return the value of the XCom ``campaign``, and log it in one line.

    :param campaign: the current campaign.
    :param contacts: number of its contacts; ``None`` if unknown.
    :param rejected: number of entries left out because they are not phone numbers.
    :param url: its address in the dashboard.
    """
    schedule = campaign.schedule.payload()
    whom = "the contacts of its lists" if contacts is None else quantity(contacts, "contact")
    calls = f"calls {whom}, {describe_schedule(campaign.schedule)}"
    summary = f"Campaign {campaign.id} ({campaign.status_text}) {calls}."
    log.info("%s See %s", summary, url)
    return {
        "summary": summary,
        "id": campaign.id,
        "name": campaign.name,
        "status": campaign.status_text,
        "send_at": schedule.get("send_at"),
        "end_at": schedule.get("end_at"),
        "contacts": contacts,
        "rejected": rejected,
        "url": url,
    }
