"""Find the campaign that an earlier try of a task may have created.

A lookup reads the account's campaigns, newest first, back to a day before the run. If they are in another order, it
reads all of them. If it cannot read far enough, the outcome is unknown and never "not found".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_exotel.client.errors import ExotelOutcomeUnknown
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.create.identity import CampaignIdentity, PlanOccasion, contains_key

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

MAX_CAMPAIGNS_READ = 10_000
"""Maximum number of campaigns read per lookup: about twenty requests."""
_CLOCK_SKEW = timedelta(days=1)
_ORDER_SHOWS_AFTER = 10
"""Number of steps back in time, without one forward, after which a list is assumed to be newest first."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LookupResult:
    """The result of one lookup.

    :param matches: the campaigns of the identity, earliest first.
    :param others: active campaigns with another key.
    """

    matches: list[Campaign]
    others: list[Campaign]


def find(campaigns: ExotelClient, identity: CampaignIdentity | PlanOccasion, since: datetime) -> LookupResult:
    """Return the campaigns of ``identity``; empty only if the list certainly has none.

    Every caller gets the same order, so that all keep the same campaign. The service's name filter is not used: its
    rules are not documented, so an empty result would prove nothing.

    :param campaigns: the account's campaigns.
    :param identity: the campaign to find, or all campaigns of an occasion.
    :param since: no wanted campaign was created before this time.
    :raises ExotelOutcomeUnknown: if the account has more campaigns since then than one lookup reads.
    """
    matches: list[Campaign] = []
    others: list[Campaign] = []
    steps_back, before, in_order = 0, None, True
    for count, campaign in enumerate(campaigns.list_campaigns(), 1):
        if identity.matches(campaign.name):
            matches.append(campaign)
        elif contains_key(campaign.name) and not campaign.status.has_ended:
            others.append(campaign)
        if (created := campaign.date_created) is not None:
            in_order = in_order and (before is None or created <= before)
            steps_back += before is not None and created < before
            before = created
            if in_order and steps_back >= _ORDER_SHOWS_AFTER and created < since - _CLOCK_SKEW:
                break
        if count >= MAX_CAMPAIGNS_READ and not matches:
            raise ExotelOutcomeUnknown(
                f"the account has more than {MAX_CAMPAIGNS_READ:,} campaigns, so it is unknown whether one since "
                f"{since:%Y-%m-%d} is named {identity.marker!r}; search for it in the dashboard"
            )
        if count >= MAX_CAMPAIGNS_READ:
            break
    # Dates have whole seconds: within one second the order of the list decides, newest first unless shown otherwise.
    in_list_order = matches[::-1] if in_order else matches
    return LookupResult(sorted(in_list_order, key=lambda one: one.date_created or _LONG_AGO), others)
