"""One look at many campaigns, in as few requests as there are pages of 500.

Campaigns that are waited for are mostly young, so the account's list, newest first, holds all of them on its first
pages, with their counts, whether they have ended or not. On an account whose list is much longer, only the active ones
are asked for, and the few that have left those are looked at one by one.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from airflow_provider_exotel.api.campaign import Campaign, CampaignStatus
from airflow_provider_exotel.api.errors import ExotelNotFound

ACTIVE = frozenset({CampaignStatus.CREATED, CampaignStatus.IN_PROGRESS, CampaignStatus.PAUSED})
ONE_BY_ONE = 2
"""Up to so many campaigns are looked at one by one, which is no dearer than a list."""
_MOST_SINGLY = 20
_PAGE = 500


class LooksAtCampaigns(Protocol):
    """What is needed of :class:`~airflow_provider_exotel.api.client.ExotelClient`."""

    def get_campaign(self, campaign_id: str) -> Campaign:
        """Return one campaign."""
        ...

    def list_campaigns(self, *, status: Iterable[CampaignStatus] | None = None) -> Iterator[Campaign]:
        """Iterate over the account's campaigns, newest first."""
        ...


@dataclass(frozen=True)
class Swept:
    """What a sweep saw.

    :param campaigns: the campaigns by id; ``None`` for those that the service knows no more. What is missing here was
        not seen this time.
    :param only_active: whether the next sweep had better ask for active campaigns only.
    """

    campaigns: Mapping[str, Campaign | None]
    only_active: bool = False


def sweep(campaigns: LooksAtCampaigns, wanted: Collection[str], *, only_active: bool = False) -> Swept:
    """Look at campaigns.

    :param campaigns: the account's campaigns.
    :param wanted: ids of those to look at.
    :param only_active: what the last sweep returned.
    :raises ExotelError: if the service does not answer; what was seen until then is lost, and seen the next time.
    """
    if len(wanted) <= ONE_BY_ONE:
        return Swept({campaign_id: _get(campaigns, campaign_id) for campaign_id in wanted}, only_active)
    seen: dict[str, Campaign | None] = {}
    if only_active:
        seen |= _listed(campaigns.list_campaigns(status=ACTIVE), wanted)
    missing = [campaign_id for campaign_id in wanted if campaign_id not in seen]
    if not only_active or len(missing) > _MOST_SINGLY:
        newest = islice(campaigns.list_campaigns(), 2 * len(wanted) + _PAGE)
        seen |= _listed(newest, missing)
        missing = [campaign_id for campaign_id in missing if campaign_id not in seen]
        only_active = only_active or len(missing) > _MOST_SINGLY
    # By chance, so that none is passed over for ever where there are more than may be looked at.
    for campaign_id in random.sample(missing, min(len(missing), _MOST_SINGLY)):
        seen[campaign_id] = _get(campaigns, campaign_id)
    return Swept(seen, only_active)


def _listed(listed: Iterator[Campaign], wanted: Collection[str]) -> dict[str, Campaign | None]:
    found: dict[str, Campaign | None] = {}
    looked_for = set(wanted)
    for campaign in listed:
        if campaign.id in looked_for:
            looked_for.remove(campaign.id)
            # A list that shows no counts does not say how a campaign ended.
            if campaign.stats.given or not campaign.status.has_ended:
                found[campaign.id] = campaign
        if not looked_for:
            break
    return found


def _get(campaigns: LooksAtCampaigns, campaign_id: str) -> Campaign | None:
    try:
        return campaigns.get_campaign(campaign_id)
    except ExotelNotFound:
        return None
