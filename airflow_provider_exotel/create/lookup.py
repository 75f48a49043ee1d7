"""Find the campaign an earlier try of a task may have created.

A look goes through the account's campaigns, newest first, back to a day before the run; where they do not come in that
order, through all of them. One that could not go back far enough is an unknown outcome and never "not found".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_exotel.client.errors import ExotelOutcomeUnknown
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.create.identity import CampaignIdentity, names_a_key

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

FURTHEST_LOOK = 10_000
"""Campaigns read in one look: some twenty requests."""
_CLOCK_SKEW = timedelta(days=1)
_ORDER_SHOWS_AFTER = 10
"""Steps back in time without one forward, from which on a list is taken to be newest first."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """What one look at the account's list saw.

    :param matches: the campaigns of the identity, the earliest first.
    :param others: the campaigns that carry another key and have not ended.
    """

    matches: list[Campaign]
    others: list[Campaign]


def find(campaigns: ExotelClient, identity: CampaignIdentity, since: datetime) -> Seen:
    """Return the campaigns of ``identity``; none only if there surely is none in the list.

    Every caller sees them in the same order, so that all keep the same one.

    :param campaigns: the account's campaigns.
    :param identity: which one.
    :param since: nothing that is looked for is older.

    The service's name filter is not used: how it compares is not documented, so its silence proves nothing.

    :raises ExotelOutcomeUnknown: if the account has more campaigns since then than one look reads.
    """
    matches: list[Campaign] = []
    others: list[Campaign] = []
    steps_back, before, in_order = 0, None, True
    for count, campaign in enumerate(campaigns.list_campaigns(), 1):
        if identity.is_of(campaign.name):
            matches.append(campaign)
        elif names_a_key(campaign.name) and not campaign.status.has_ended:
            others.append(campaign)
        if (created := campaign.date_created) is not None:
            in_order = in_order and (before is None or created <= before)
            steps_back += before is not None and created < before
            before = created
            if in_order and steps_back >= _ORDER_SHOWS_AFTER and created < since - _CLOCK_SKEW:
                break
        if count >= FURTHEST_LOOK and not matches:
            raise ExotelOutcomeUnknown(
                f"the account's list goes on after {FURTHEST_LOOK:,} campaigns, so whether one since "
                f"{since:%Y-%m-%d} is named {identity.marker!r} is not known; look for it in the dashboard"
            )
        if count >= FURTHEST_LOOK:
            break
    # Dates are whole seconds: of one second the list's own order tells, which is newest first unless seen otherwise.
    in_list_order = matches[::-1] if in_order else matches
    return Seen(sorted(in_list_order, key=lambda one: one.date_created or _LONG_AGO), others)
