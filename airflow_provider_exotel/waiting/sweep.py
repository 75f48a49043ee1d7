"""Poll many campaigns at once, with one request per page of 500 campaigns.

Campaigns with a waiting task are mostly new. So the first pages of the account's list, newest first, show all of them
with their counts, active or ended. If the account has many newer campaigns, only active campaigns are listed, and the
few that have ended since are polled one by one.
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
SMALL_SWEEP = 2
"""Up to this number, campaigns are polled one by one, which takes no more requests than a list."""
PAGE = 490
"""New campaigns on each page of a list after the first, which holds 500: pages overlap."""
_MAX_SINGLE_POLLS = 20


@dataclass(frozen=True)
class SweepResult:
    """The result of a sweep.

    :param campaigns: the campaigns by id; ``None`` for campaigns that do not exist any more. A campaign that is missing
        here was not found in this sweep.
    :param only_active: whether the next sweep should list active campaigns only.
    """

    campaigns: Mapping[str, Campaign | None]
    only_active: bool = False


def pages_of(campaigns: int) -> int:
    """Return how many pages of a list hold so many campaigns, at least 1."""
    return 1 + max(0, campaigns - OVERLAP - 1) // PAGE


def sweep(campaigns: ExotelClient, wanted: Collection[str], *, only_active: bool = False) -> SweepResult:
    """Poll campaigns, and return all of them.

    :param campaigns: the account's campaigns.
    :param wanted: ids of the campaigns to poll.
    :param only_active: ``only_active`` of the last sweep.
    :raises ExotelError: if the service does not answer; the pages read until then are lost.
    """
    seen: dict[str, Campaign | None] = {}
    for page in sweep_by_page(campaigns, wanted, only_active=only_active):
        seen |= page.campaigns
        only_active = page.only_active
    return SweepResult(seen, only_active)


def sweep_by_page(
    campaigns: ExotelClient, wanted: Collection[str], *, only_active: bool = False
) -> Iterator[SweepResult]:
    """Poll campaigns, and yield the result of each request, so that no task has to wait for the last page.

    :param campaigns: the account's campaigns.
    :param wanted: ids of the campaigns to poll.
    :param only_active: ``only_active`` of the last sweep.
    :raises ExotelError: if the service does not answer.
    """
    missing, has_seen = dict.fromkeys(wanted), False
    for active in (only_active, not only_active) if len(missing) > SMALL_SWEEP else ():
        for found in _list(campaigns, missing, active=active):
            missing = {one: None for one in missing if one not in found}
            has_seen = has_seen or bool(found)
            yield SweepResult(found, only_active)
        if not active:
            only_active = len(missing) > _MAX_SINGLE_POLLS
        if len(missing) <= _MAX_SINGLE_POLLS:
            break
    yield SweepResult({}, only_active)
    for page in _poll_singly(campaigns, missing, is_error=not has_seen):
        yield SweepResult(page, only_active)


def _list(campaigns: ExotelClient, wanted: Collection[str], *, active: bool) -> Iterator[dict[str, Campaign | None]]:
    """Yield the wanted campaigns of each page of the list."""
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
                # A list without counts does not show the outcome of a campaign.
                if campaign.stats.given or not campaign.status.has_ended:
                    found[campaign.id] = campaign
            # Campaigns that do not follow within a page are much older, or were deleted.
            if not left or (last_found_at is not None and not active and read - last_found_at >= PAGE):
                break
            if read > OVERLAP and (read - OVERLAP) % PAGE == 0:
                yield found
                found = {}
    except ExotelRequestRefused:  # this account expects another spelling of the filter
        if not active:
            raise
    yield found


def _poll_singly(
    campaigns: ExotelClient, missing: Collection[str], *, is_error: bool
) -> Iterator[dict[str, Campaign | None]]:
    """Poll some campaigns one by one, and yield each.

    :param is_error: whether to raise the last error if no campaign could be read. One campaign that the service cannot
        show must not block the tasks of the others.
    """
    failed: ExotelError | None = None
    # In random order, so that each gets its turn if there are more than the maximum.
    for campaign_id in random.sample(list(missing), min(len(missing), _MAX_SINGLE_POLLS)):
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
