"""One look at many campaigns, in as few requests as there are pages of 500.

Campaigns that are waited for are mostly young, so the account's list, newest first, holds all of them on its first
pages, with their counts, whether they have ended or not. On an account whose list is much longer, only the active ones
are asked for, and the few that have left those are looked at one by one.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_exotel.client.errors import ExotelAuthError, ExotelError, ExotelNotFound, ExotelRequestRefused

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.models import Campaign, CampaignStatus

ACTIVE = frozenset({CampaignStatus.CREATED, CampaignStatus.IN_PROGRESS, CampaignStatus.PAUSED})
ONE_BY_ONE = 2
"""Up to so many campaigns are looked at one by one, which is no dearer than a list."""
_MOST_SINGLY = 20
_PAGE = 500


@dataclass(frozen=True)
class Swept:
    """What a sweep saw.

    :param campaigns: the campaigns by id; ``None`` for those that the service knows no more. What is missing here was
        not seen this time.
    :param only_active: whether the next sweep had better ask for active campaigns only.
    """

    campaigns: Mapping[str, Campaign | None]
    only_active: bool = False


def sweep(campaigns: ExotelClient, wanted: Collection[str], *, only_active: bool = False) -> Swept:
    """Look at campaigns.

    :param campaigns: the account's campaigns.
    :param wanted: ids of those to look at.
    :param only_active: what the last sweep returned.
    :raises ExotelError: if the service does not answer; what was seen until then is lost, and seen the next time.
    """
    seen: dict[str, Campaign | None] = {}
    missing = list(wanted)
    for active in (only_active, not only_active) if len(missing) > ONE_BY_ONE else ():
        seen |= _listed(campaigns, missing, active=active)
        missing = [campaign_id for campaign_id in missing if campaign_id not in seen]
        if not active:
            only_active = len(missing) > _MOST_SINGLY
        if len(missing) <= _MOST_SINGLY:
            break
    singly, failed = _one_by_one(campaigns, missing)
    seen |= singly
    if failed is not None and not seen:  # one that cannot be shown keeps nobody from hearing of the others
        raise failed
    return Swept(seen, only_active)


def _listed(campaigns: ExotelClient, wanted: Collection[str], *, active: bool) -> dict[str, Campaign | None]:
    looked_for = set(wanted)
    # A filter that the service ignores gives the whole account.
    most = 2 * len(looked_for) + _PAGE
    found: dict[str, Campaign | None] = {}
    since_the_last = 0
    try:
        for campaign in campaigns.list_campaigns(status=ACTIVE if active else None, most=most):
            since_the_last += 1
            if campaign.id in looked_for:
                looked_for.remove(campaign.id)
                since_the_last = 0
                # A list that shows no counts does not say how a campaign ended.
                if campaign.stats.given or not campaign.status.has_ended:
                    found[campaign.id] = campaign
            # What is not near the others is much older, or was deleted.
            if not looked_for or (found and not active and since_the_last >= _PAGE):
                break
    except ExotelRequestRefused:  # a filter in another spelling than this account's
        if not active:
            raise
    return found


def _one_by_one(
    campaigns: ExotelClient, missing: Sequence[str]
) -> tuple[dict[str, Campaign | None], ExotelError | None]:
    """Return the campaigns seen, and what went wrong with one that was not."""
    seen: dict[str, Campaign | None] = {}
    failed: ExotelError | None = None
    # By chance, so that none is passed over for ever where there are more than may be looked at.
    for campaign_id in random.sample(missing, min(len(missing), _MOST_SINGLY)):
        try:
            seen[campaign_id] = _get(campaigns, campaign_id)
        except ExotelAuthError:
            raise
        except ExotelError as error:
            failed = error
            if error.retryable:
                break
    return seen, failed


def _get(campaigns: ExotelClient, campaign_id: str) -> Campaign | None:
    try:
        return campaigns.get_campaign(campaign_id)
    except ExotelNotFound:
        return None
