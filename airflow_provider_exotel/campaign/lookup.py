"""Find the campaign an earlier try of a task may have created.

A look goes through the account's campaigns, newest first, back to a day before the run. One that could not go back far
enough is an unknown outcome and never "not found".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Protocol

from airflow_provider_exotel.api.campaign import Campaign
from airflow_provider_exotel.api.errors import ExotelOutcomeUnknown
from airflow_provider_exotel.campaign.identity import CampaignIdentity

FURTHEST_LOOK = 10_000
"""Campaigns read in one look: twenty requests."""
_CLOCK_SKEW = timedelta(days=1)


class ListsCampaigns(Protocol):
    """What is needed of :class:`~airflow_provider_exotel.api.client.ExotelClient`."""

    def list_campaigns(self) -> Iterator[Campaign]:
        """Iterate over the account's campaigns, newest first."""
        ...


def find(campaigns: ListsCampaigns, identity: CampaignIdentity, since: datetime) -> list[Campaign]:
    """Return the campaigns of ``identity``, the earliest first; none only if there surely is none in the list.

    :param campaigns: the account's campaigns.
    :param identity: which one.
    :param since: nothing that is looked for is older.

    The service's name filter is not used: how it compares is not documented, so its silence proves nothing.

    :raises ExotelOutcomeUnknown: if the account has more campaigns since then than one look reads.
    """
    matches: list[Campaign] = []
    for count, campaign in enumerate(campaigns.list_campaigns(), 1):
        if identity.is_of(campaign.name):
            matches.append(campaign)
        if campaign.date_created is not None and campaign.date_created < since - _CLOCK_SKEW:
            break
        if count >= FURTHEST_LOOK and not matches:
            raise ExotelOutcomeUnknown(
                f"the account has more than {FURTHEST_LOOK:,} campaigns since {since:%Y-%m-%d}, so whether one is "
                f"named {identity.marker!r} is not known; look for it in the dashboard"
            )
        if count >= FURTHEST_LOOK:
            break
    return matches[::-1]
