"""Poll many campaigns at once, in as few requests as there are pages of 500.

Campaigns that are waited for are mostly young, so the account's list, newest first, holds all of them on its first
pages, with their counts, whether they have ended or not. On an account whose list is much longer only the active ones
are listed, and the few that have left those are polled singly.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_exotel.client.errors import ExotelAuthError, ExotelError, ExotelNotFound, ExotelRequestRefused
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.client.paging import OVERLAP

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

ACTIVE = frozenset({CampaignStatus.CREATED, CampaignStatus.IN_PROGRESS, CampaignStatus.PAUSED})
SINGLY = 2
"""Up to so many campaigns are polled singly, which takes no more requests than a list."""
PAGE = 490
"""New campaigns on each page of a list after the first, which holds 500: pages overlap."""
_MOST_SINGLY = 20


@dataclass(frozen=True)
class Swept:
    """Campaigns that a sweep saw.

    :param campaigns: the campaigns by id; ``None`` for those that the service does not know any more. Campaigns that
        are missing here were not seen this time.
    :param only_active: whether the next sweep should list active campaigns only.
    """

    campaigns: Mapping[str, Campaign | None]
    only_active: bool = False


def pages_of(campaigns: int) -> int:
    """Return how many pages of a list hold so many campaigns, at least 1."""
    return 1 + max(0, campaigns - OVERLAP - 1) // PAGE


def sweep(campaigns: ExotelClient, wanted: Collection[str], *, only_active: bool = False) -> Swept:
    """Poll campaigns, and return all that was seen.

    :param campaigns: the account's campaigns.
    :param wanted: ids of the campaigns to poll.
    :param only_active: what the last sweep returned.
    :raises ExotelError: if the service does not answer; what was seen until then is lost.
    """
    seen: dict[str, Campaign | None] = {}
    for page in sweep_by_page(campaigns, wanted, only_active=only_active):
        seen |= page.campaigns
        only_active = page.only_active
    return Swept(seen, only_active)


def sweep_by_page(campaigns: ExotelClient, wanted: Collection[str], *, only_active: bool = False) -> Iterator[Swept]:
    """Poll campaigns, and yield what was seen after each request, so that nobody waits for the last page.

    :param campaigns: the account's campaigns.
    :param wanted: ids of the campaigns to poll.
    :param only_active: what the last sweep returned.
    :raises ExotelError: if the service does not answer.
    """
    missing, has_seen = dict.fromkeys(wanted), False
    for active in (only_active, not only_active) if len(missing) > SINGLY else ():
        for found in _list(campaigns, missing, active=active):
            missing = {one: None for one in missing if one not in found}
            has_seen = has_seen or bool(found)
            yield Swept(found, only_active)
        if not active:
            only_active = len(missing) > _MOST_SINGLY
        if len(missing) <= _MOST_SINGLY:
            break
    yield Swept({}, only_active)
    for page in _poll_singly(campaigns, missing, is_error=not has_seen):
        yield Swept(page, only_active)


def _list(campaigns: ExotelClient, wanted: Collection[str], *, active: bool) -> Iterator[dict[str, Campaign | None]]:
    """Yield the wanted campaigns that the list shows, after each page of it."""
    left = set(wanted)
    # A filter that the service ignores lists the whole account.
    most = 2 * len(left) + PAGE
    found: dict[str, Campaign | None] = {}
    read, last_found_at = 0, None
    try:
        for campaign in campaigns.list_campaigns(status=ACTIVE if active else None, most=most):
            read += 1
            if campaign.id in left:
                left.remove(campaign.id)
                last_found_at = read
                # A list that shows no counts does not say how a campaign ended.
                if campaign.stats.given or not campaign.status.has_ended:
                    found[campaign.id] = campaign
            # Campaigns that are not near the others are much older, or were deleted.
            if not left or (last_found_at is not None and not active and read - last_found_at >= PAGE):
                break
            if read > OVERLAP and (read - OVERLAP) % PAGE == 0:
                yield found
                found = {}
    except ExotelRequestRefused:  # a filter in another spelling than this account's
        if not active:
            raise
    yield found


def _poll_singly(
    campaigns: ExotelClient, missing: Collection[str], *, is_error: bool
) -> Iterator[dict[str, Campaign | None]]:
    """Yield some campaigns, one at a time.

    :param is_error: whether to raise the last error if none was seen; one campaign that the service cannot show must
        not keep the others' tasks waiting.
    """
    failed: ExotelError | None = None
    # By chance, so that each gets its turn if there are more than may be polled.
    for campaign_id in random.sample(list(missing), min(len(missing), _MOST_SINGLY)):
        try:
            page = {campaign_id: _get(campaigns, campaign_id)}
        except ExotelAuthError:
            raise
        except ExotelError as error:
            failed = error
            if error.retryable:
                break
        else:
            is_error = False
            yield page
    if failed is not None and is_error:
        raise failed


def _get(campaigns: ExotelClient, campaign_id: str) -> Campaign | None:
    try:
        return campaigns.get_campaign(campaign_id)
    except ExotelNotFound:
        return None
