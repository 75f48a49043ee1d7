"""One plan for each occasion: refuse a plan whose people may already be called by campaigns of an earlier one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.models import CampaignStatus
from airflow_provider_exotel.create.identity import CampaignIdentity
from airflow_provider_exotel.create.lookup import find
from airflow_provider_exotel.html.render import quantity

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient


def check_occasion(campaigns: ExotelClient, planned: Iterable[CampaignIdentity], since: datetime) -> None:
    """Refuse a plan if a different plan of its occasion already has campaigns.

    Its own campaigns may exist: their tasks follow them. Campaigns of a different plan call some of the same people,
    split in another way, so no campaign of this plan can be created without calling people twice.

    :param campaigns: the account's campaigns.
    :param planned: the identities of the plan's campaigns, all of one occasion.
    :param since: no campaign of the occasion was created before this time.
    :raises ExotelInputError: naming the earliest campaign of the different plan.
    :raises ExotelOutcomeUnknown: if the account has too many campaigns to be sure.
    """
    planned = list(planned)
    if not planned:
        return
    existing = [
        one
        for one in find(campaigns, planned[0].occasion, since).matches
        if one.status is not CampaignStatus.DELETED and not any(own.matches(one.name) for own in planned)
    ]
    if existing:
        message = (
            "differs from an earlier plan of this date, whose people are called by "
            f"{quantity(len(existing), 'campaign')} (the first is {existing[0].id}); restore the people, their order "
            "and all settings to follow these campaigns, delete them if they have called nobody, or trigger a run of "
            "another date for those who are still to be called"
        )
        raise ExotelInputError([Problem("plan", message)])
