"""Pause campaigns that may dial: one, or all of an account.

A pause is sent before anything is read: while a campaign dials, a request that only reads it is a request too late. It
counts as done once an answer shows the campaign paused or ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from airflow_provider_exotel.client.errors import (
    ExotelAuthError,
    ExotelConflict,
    ExotelError,
    ExotelNotFound,
    ExotelRateLimited,
    ExotelRequestRefused,
)
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.waiting.sweep import ACTIVE
from airflow_provider_exotel.waiting.wait import LONGEST_LIFE

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

REFUSALS = (ExotelRequestRefused, ExotelConflict, ExotelNotFound, ExotelAuthError)
"""How a service may say that a campaign cannot be paused where it stands; some accounts answer 403."""
_LOOKS_BACK = LONGEST_LIFE + timedelta(days=1)
_PAGE = 500
_CONFIRMED_WITHIN = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between the polls of a campaign that was told to pause."""


class PauseResult(StrEnum):
    """What a pause has come to."""

    PAUSED = "paused"
    """The answer shows the campaign paused."""
    ALREADY = "already"
    """It was paused before, or has ended."""
    GONE = "gone"
    """The account does not know it: it was deleted."""
    UNCONFIRMED = "unconfirmed"
    """The service took the pause, and does not show it yet."""


def does_not_dial(campaign: Campaign) -> bool:
    """Return whether a campaign is paused or has ended; one of unknown status may dial."""
    return campaign.status is CampaignStatus.PAUSED or campaign.status.has_ended


def pause_if_it_may_dial(campaigns: ExotelClient, campaign_id: str) -> bool:
    """Pause a campaign that dials or will, and return whether there was anything to pause.

    :param campaigns: the account's campaigns.
    :param campaign_id: which one.
    :raises ExotelError: if the service does not do it.
    """
    try:
        campaigns.pause_campaign(campaign_id)
    except REFUSALS as refusal:
        if does_not_dial(campaigns.get_campaign(campaign_id)):
            return False
        raise refusal from None
    return True


def pause_and_confirm(
    campaigns: ExotelClient, campaign_id: str, sleep: Callable[[float], None] = time.sleep
) -> Campaign:
    """Pause a campaign, and poll it until that shows or half a minute has passed; return it as it stands then.

    :param campaigns: the account's campaigns.
    :param campaign_id: which one.
    :param sleep: waits for seconds.
    :raises ExotelError: if the service does not do it.
    """
    return _confirmed(campaigns, campaigns.pause_campaign(campaign_id), sleep)


def pause_once(campaigns: ExotelClient, campaign_id: str, *, check: Callable[[], None] = lambda: None) -> PauseResult:
    """Send one pause, read the campaign only if the service refuses it, and return what is known then.

    :param campaigns: the account's campaigns.
    :param campaign_id: which one.
    :param check: called right before sending; what it raises is raised, and nothing is sent.
    :raises ExotelError: if the service refuses while the campaign may dial, or its answer was lost.
    """
    try:
        campaign = campaigns.request_pause(campaign_id, check=check)
    except REFUSALS as refusal:
        result = pause_result(campaigns, campaign_id)
        if result is PauseResult.UNCONFIRMED:
            raise refusal from None
        return result
    return PauseResult.PAUSED if campaign is not None and does_not_dial(campaign) else PauseResult.UNCONFIRMED


def pause_result(campaigns: ExotelClient, campaign_id: str) -> PauseResult:
    """Read a campaign, and return what a pause has come to.

    :param campaigns: the account's campaigns.
    :param campaign_id: which one.
    :raises ExotelError: if it cannot be read.
    """
    try:
        campaign = campaigns.get_campaign(campaign_id)
    except ExotelNotFound:
        return PauseResult.GONE
    return PauseResult.ALREADY if does_not_dial(campaign) else PauseResult.UNCONFIRMED


def campaigns_that_may_dial(campaigns: ExotelClient, now: datetime, *, most: int | None = None) -> Iterator[Campaign]:
    """Iterate over the campaigns of an account that dial or will, each once.

    The status filter of the list is documented in two spellings, so what it leaves out proves nothing. The filtered
    list comes first, being short; the whole list after it, back to the oldest campaign that may dial.

    :param campaigns: the account's campaigns.
    :param now: the present moment.
    :param most: how many campaigns of the whole list are read at most; ``None`` for all.
    :raises ExotelError: if the list cannot be read.
    """
    seen: set[str] = set()
    for status, limit in ((ACTIVE, None), (None, most)):
        from_young_to_old = False  # not every account sorts its list as it is asked to
        try:
            for campaign in campaigns.list_campaigns(status=status, most=limit):
                is_old = campaign.date_created is not None and campaign.date_created < now - _LOOKS_BACK
                if is_old and from_young_to_old:
                    break
                from_young_to_old = from_young_to_old or not is_old
                if campaign.id not in seen and not does_not_dial(campaign):
                    seen.add(campaign.id)
                    yield campaign
        except ExotelRequestRefused:
            if status is None:
                raise


def pause_all(
    campaigns: ExotelClient,
    now: datetime,
    *,
    name_starts: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[Campaign, ExotelError | None]]:
    """Pause every campaign of an account that dials or will, those that dial now first.

    Each is sent one pause; those whose pause failed or does not show are paused again, with more patience, when all
    others of their page have been.

    :param campaigns: the account's campaigns.
    :param now: the present moment.
    :param name_starts: only campaigns whose name starts with this text, in upper or lower case; default all.
    :param sleep: waits for seconds.
    :return: each campaign, and what kept it from being paused, ``None`` if it does not dial any more.
    :raises ExotelError: if the list cannot be read.
    """
    found = campaigns_that_may_dial(campaigns, now)
    while page := list(islice(found, _PAGE)):
        wanted = [one for one in page if one.name.casefold().startswith(name_starts.casefold())]
        again: list[Campaign] = []
        unconfirmed: list[Campaign] = []
        for campaign in sorted(wanted, key=lambda one: one.status is CampaignStatus.CREATED):
            try:
                if pause_once(campaigns, campaign.id) is PauseResult.UNCONFIRMED:
                    unconfirmed.append(campaign)
                else:
                    yield campaign, None
            except ExotelRateLimited:  # for the others too: they wait with this one
                yield campaign, pause_patiently(campaigns, campaign.id, sleep)
            except ExotelError:
                again.append(campaign)
        for campaign in again:
            yield campaign, pause_patiently(campaigns, campaign.id, sleep)
        for campaign in unconfirmed:
            yield campaign, _outcome_of(partial(_confirmed, campaigns, campaign, sleep))


def pause_patiently(
    campaigns: ExotelClient, campaign_id: str, sleep: Callable[[float], None] = time.sleep
) -> ExotelError | None:
    """Pause a campaign as often as the client's policy allows, until that shows.

    :param campaigns: the account's campaigns.
    :param campaign_id: which one.
    :param sleep: waits for seconds.
    :return: what went wrong, ``None`` if it does not dial any more.
    """

    def pause() -> Campaign:
        try:
            return pause_and_confirm(campaigns, campaign_id, sleep)
        except REFUSALS as refusal:
            campaign = campaigns.get_campaign(campaign_id)
            if not does_not_dial(campaign):
                raise refusal from None
            return campaign

    return _outcome_of(pause)


def _confirmed(campaigns: ExotelClient, campaign: Campaign, sleep: Callable[[float], None]) -> Campaign:
    for pause in _CONFIRMED_WITHIN:
        if does_not_dial(campaign):
            break
        sleep(pause)
        campaign = campaigns.get_campaign(campaign.id)
    return campaign


def _outcome_of(pause: Callable[[], Campaign]) -> ExotelError | None:
    try:
        campaign = pause()
    except ExotelNotFound:
        return None
    except ExotelError as error:
        return error
    if does_not_dial(campaign):
        return None
    return ExotelError(f"campaign {campaign.id} was told to pause and is {campaign.status_text!r}")
