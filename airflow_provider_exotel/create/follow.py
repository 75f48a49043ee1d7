"""Follow the campaign of an earlier try, and describe a campaign for the tasks that come after."""

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
    resume: Callable[[str], Campaign],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Campaign:
    """Return a campaign of an earlier try as it stands, resumed if that is wanted.

    :param campaign: it.
    :param carried_to: the end of the window that an earlier try paused it for; it is resumed when that opens.
    :param timed_out: whether an earlier try paused it because it took too long.
    :param if_paused: what to do with one that is paused.
    :param resume: resumes it.
    :param now: the time.
    :raises ExotelCampaignTimedOut: if it is paused because an earlier try timed out, and is not to be resumed.
    """
    log.info("Campaign %s exists already (%s); following it.", campaign.id, campaign.status_text)
    if campaign.status is not CampaignStatus.PAUSED or (carried_to and carried_to == campaign.schedule.end_at):
        return campaign
    if timed_out and if_paused == "follow":
        raise ExotelCampaignTimedOut(
            f"campaign {campaign.id} was paused because an earlier try took longer than execution_timeout; a further "
            "try would wait for nothing. Resume it by hand, or set if_paused='resume'"
        )
    # One that is resumed before its time may dial at once (Exotel, campaign status values).
    if if_paused == "resume" and campaign.schedule.contains(now()):
        log.info("Campaign %s is paused; resuming it.", campaign.id)
        return resume(campaign.id)
    why = "; it is resumed only inside its window, since it may dial at once" if if_paused == "resume" else ""
    log.warning("Campaign %s is paused: it dials nobody until it is resumed%s.", campaign.id, why)
    return campaign


def summarise_campaign(campaign: Campaign, *, contacts: int | None, rejected: int, url: str) -> dict[str, Any]:
    """Return what the XCom ``campaign`` holds, and log it in one line.

    :param campaign: the campaign, as it stands.
    :param contacts: how many people it calls, where that is known.
    :param rejected: entries left out because they cannot be phone numbers.
    :param url: where a person sees it.
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
