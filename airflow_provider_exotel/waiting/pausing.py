"""Pause a campaign that may dial, and find all of an account that may.

The pause is sent before the campaign is read: a request that only reads it would let it dial longer. The pause is
confirmed once a response shows the campaign as paused or ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_provider_exotel.client.errors import (
    ExotelAuthError,
    ExotelConflict,
    ExotelError,
    ExotelNotFound,
    ExotelRequestRefused,
)
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.waiting.sweep import ACTIVE
from airflow_provider_exotel.waiting.wait import MAX_LIFETIME

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

REFUSALS = (ExotelRequestRefused, ExotelConflict, ExotelNotFound, ExotelAuthError)
"""Errors for a campaign that cannot be paused in its current status; some accounts answer 403."""
_LOOKBACK = MAX_LIFETIME + timedelta(days=1)
_CONFIRM_DELAYS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between polls after a pause was requested."""


class PauseResult(StrEnum):
    """The result of a pause."""

    PAUSED = "paused"
    """The response shows the campaign as paused."""
    ALREADY = "already"
    """The campaign was paused before, or has ended."""
    GONE = "gone"
    """The campaign does not exist any more."""
    UNCONFIRMED = "unconfirmed"
    """The service accepted the pause but does not show it yet."""


def does_not_dial(campaign: Campaign) -> bool:
    """Return whether a campaign is paused or has ended; an unknown status may dial."""
    return campaign.status is CampaignStatus.PAUSED or campaign.status.has_ended


def pause_if_it_may_dial(campaigns: ExotelClient, campaign_id: str) -> bool:
    """Pause a campaign, and return whether it was running or waiting to start.

    :param campaigns: the account's campaigns.
    :param campaign_id: the campaign.
    :raises ExotelError: if the service refuses or fails.
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
    """Pause a campaign, poll it for up to half a minute until the pause shows, and return it.

    :param campaigns: the account's campaigns.
    :param campaign_id: the campaign.
    :param sleep: sleeps for a number of seconds.
    :raises ExotelError: if the service refuses or fails.
    """
    return _poll_until_paused(campaigns, campaigns.pause_campaign(campaign_id), sleep)


def pause_once(campaigns: ExotelClient, campaign_id: str, *, check: Callable[[], None] = lambda: None) -> PauseResult:
    """Send one pause, read the campaign only if the service refuses it, and return the result.

    :param campaigns: the account's campaigns.
    :param campaign_id: the campaign.
    :param check: called right before sending; if it raises, nothing is sent.
    :raises ExotelError: if the service refuses while the campaign may dial, or its response was lost.
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
    """Read a campaign, and return the result of an earlier pause.

    :param campaigns: the account's campaigns.
    :param campaign_id: the campaign.
    :raises ExotelError: if it cannot be read.
    """
    try:
        campaign = campaigns.get_campaign(campaign_id)
    except ExotelNotFound:
        return PauseResult.GONE
    return PauseResult.ALREADY if does_not_dial(campaign) else PauseResult.UNCONFIRMED


def campaigns_that_may_dial(campaigns: ExotelClient, now: datetime, *, most: int | None = None) -> Iterator[Campaign]:
    """Iterate over the campaigns of an account that dial or will dial, each once.

    The status filter of the list is documented in two spellings, so a filtered list may miss campaigns. The filtered
    list is read first because it is short, and then the whole list back to the oldest campaign that may dial.

    :param campaigns: the account's campaigns.
    :param now: the current time.
    :param most: maximum number of campaigns to read from the whole list; ``None`` for all.
    :raises ExotelError: if the list cannot be read.
    """
    return (one for one in active_campaigns(campaigns, now, most) if not does_not_dial(one))


def active_campaigns(campaigns: ExotelClient, now: datetime, most: int | None = None) -> Iterator[Campaign]:
    """Iterate over the campaigns of an account that have not ended, each once, or twice if it was resumed meanwhile.

    :param campaigns: the account's campaigns.
    :param now: the current time.
    :param most: maximum number of campaigns to read from the whole list; ``None`` for all.
    :raises ExotelError: if the list cannot be read.
    """
    seen: set[tuple[str, bool]] = set()
    for status, limit in ((ACTIVE, None), (None, most)):
        is_newest_first = False  # not every account sorts its list as requested
        try:
            for campaign in campaigns.list_campaigns(status=status, most=limit):
                is_old = campaign.date_created is not None and campaign.date_created < now - _LOOKBACK
                if is_old and is_newest_first:
                    break
                is_newest_first = is_newest_first or not is_old
                state = campaign.id, does_not_dial(campaign)
                if state not in seen and not campaign.status.has_ended:
                    seen.add(state)
                    yield campaign
        except ExotelError as error:
            # The whole list is read next; only if it is cut short, it cannot stand for the filtered one.
            if status is None or (most is not None and not isinstance(error, ExotelRequestRefused)):
                raise


def confirm_pause(
    campaigns: ExotelClient, campaign: Campaign, sleep: Callable[[float], None] = time.sleep
) -> ExotelError | None:
    """Poll a campaign whose pause was requested for up to half a minute until the pause shows.

    :param campaigns: the account's campaigns.
    :param campaign: the campaign.
    :param sleep: sleeps for a number of seconds.
    :return: the error, or ``None`` if the campaign does not dial any more.
    """
    return _error_of(lambda: _poll_until_paused(campaigns, campaign, sleep))


def pause_with_retries(
    campaigns: ExotelClient, campaign_id: str, sleep: Callable[[float], None] = time.sleep
) -> ExotelError | None:
    """Pause a campaign, retrying as the client's policy allows, until the pause shows.

    :param campaigns: the account's campaigns.
    :param campaign_id: the campaign.
    :param sleep: sleeps for a number of seconds.
    :return: the error, or ``None`` if the campaign does not dial any more.
    """

    def pause() -> Campaign:
        try:
            return pause_and_confirm(campaigns, campaign_id, sleep)
        except REFUSALS as refusal:
            campaign = campaigns.get_campaign(campaign_id)
            if not does_not_dial(campaign):
                raise refusal from None
            return campaign

    return _error_of(pause)


def _poll_until_paused(campaigns: ExotelClient, campaign: Campaign, sleep: Callable[[float], None]) -> Campaign:
    for pause in _CONFIRM_DELAYS:
        if does_not_dial(campaign):
            break
        sleep(pause)
        campaign = campaigns.get_campaign(campaign.id)
    return campaign


def _error_of(pause: Callable[[], Campaign]) -> ExotelError | None:
    try:
        campaign = pause()
    except ExotelNotFound:
        return None
    except ExotelError as error:
        return error
    if does_not_dial(campaign):
        return None
    return ExotelError(f"campaign {campaign.id} is still {campaign.status_text!r} after a pause was requested")
