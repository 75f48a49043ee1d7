"""Compare an existing campaign with the one that a try would send: its audience and its fields."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.create.fingerprint import CampaignFields
from airflow_provider_exotel.create.journal import AudienceFingerprint, Entry


def describe_audience_difference(
    campaign: Campaign, wanted: AudienceFingerprint, entry: Entry, in_name: str | None
) -> str | None:
    """Return a description of how the audience of a campaign differs, or ``None`` if no difference is known.

    :param campaign: the campaign, as the service shows it.
    :param wanted: fingerprint of the audience of this try.
    :param entry: the journal entry of earlier tries.
    :param in_name: the audience fingerprint in its name; ``None`` if its name has none.
    """
    kept = entry.audience
    # If the name has another audience than the journal's intent, the campaign that was found is not that intent.
    if kept is not None and entry.campaign_id != campaign.id and kept.is_other(in_name):
        kept = None
    # The same fingerprint in the name is better evidence than the numbers in a response, which may be reformatted.
    shown = _shown(campaign, wanted) if in_name != wanted.short else None
    for known in (kept, shown):
        if known is not None and (difference := wanted.difference(known)) is not None:
            return difference
    return "other people" if wanted.is_other(in_name) else None


def find_different_fields(campaign: Campaign, content: CampaignFields, entry: Entry) -> list[str]:
    """Return the names of the fields in which a campaign differs from what this try would send.

    :param campaign: the campaign, as the service shows it; used only if the journal has no fingerprint.
    :param content: the fields that this try would send.
    :param entry: the journal entry of earlier tries.
    """
    if entry.content is not None and entry.campaign_id == campaign.id:
        return content.differences(entry.content)
    return content.differences_shown(campaign)


def _shown(campaign: Campaign, wanted: AudienceFingerprint) -> AudienceFingerprint | None:
    """Return the audience that the service shows, or ``None``: few of its responses show it."""
    if campaign.lists:
        return AudienceFingerprint.of(None, campaign.lists, "")
    if campaign.numbers is None:
        return None
    # The service may reformat numbers and leave out duplicates, so only their count is compared.
    count = len(campaign.numbers)
    without_repeats = (wanted.contacts or 0) - wanted.repeats
    return wanted if count == without_repeats else replace(wanted, contacts=count)
