"""Whether a campaign that exists is the one a try would send: whom it calls, and with what."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.create.fingerprint import Content
from airflow_provider_exotel.create.journal import AudienceMark, Entry


def other_people(campaign: Campaign, wanted: AudienceMark, entry: Entry, told: str | None) -> str | None:
    """Return in words how a campaign calls other people than wanted, ``None`` if it is not known to.

    :param campaign: it, as the service shows it.
    :param wanted: whom this try would call.
    :param entry: what earlier tries left.
    :param told: what its name tells of whom it calls, if it does.
    """
    kept = entry.audience
    # What was about to be sent is not what was found, where the name tells of others.
    if kept is not None and entry.campaign_id != campaign.id and kept.is_other(told):
        kept = None
    # A name that tells the same people vouches for more than what few answers show, in a spelling of their own.
    shown = _shown(campaign, wanted) if told != wanted.short else None
    for known in (kept, shown):
        if known is not None and (difference := wanted.difference(known)) is not None:
            return difference
    return "other people" if wanted.is_other(told) else None


def other_fields(campaign: Campaign, content: Content, entry: Entry) -> list[str]:
    """Return the fields a campaign was sent with that are others than those this try would send.

    :param campaign: it, as the service shows it, which is all there is to go by where no earlier try left anything.
    :param content: what this try would send.
    :param entry: what earlier tries left.
    """
    if entry.content is not None and entry.campaign_id == campaign.id:
        return content.differences(entry.content)
    return content.differences_shown(campaign)


def _shown(campaign: Campaign, wanted: AudienceMark) -> AudienceMark | None:
    """Return what the service shows of whom a campaign calls; few of its answers show anything."""
    if campaign.lists:
        return AudienceMark.of(None, campaign.lists, "")
    if campaign.numbers is None:
        return None
    # The service may spell numbers in its own way and leave repeats out, so only their count tells.
    count = len(campaign.numbers)
    without_repeats = (wanted.contacts or 0) - wanted.repeats
    return wanted if count == without_repeats else replace(wanted, contacts=count)
