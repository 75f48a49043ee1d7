"""Pause one campaign that may dial, or all of an account.

The pause is sent before the campaign is read: a request that only reads it would let it dial longer. The pause is
confirmed once a response shows the campaign as paused or ended.
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
from airflow_provider_exotel.waiting.wait import MAX_LIFETIME

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

REFUSALS = (ExotelRequestRefused, ExotelConflict, ExotelNotFound, ExotelAuthError)
"""Errors for a campaign that cannot be paused in its current status; some accounts answer 403."""
_LOOKBACK = MAX_LIFETIME + timedelta(days=1)
_PAGE = 500
_EARLIER = timedelta(minutes=1)
_CONFIRM_DELAYS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between polls after a pause was requested."""


MAY_BE_RESUMED = (
    "A task with if_paused='resume' that starts or is retried after this resumes its campaign: "
    "pause its DAG in Airflow."
)
"""What else to do after everything was paused."""


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
    return (one for one in _active_campaigns(campaigns, now, most) if not does_not_dial(one))


def _active_campaigns(campaigns: ExotelClient, now: datetime, most: int | None = None) -> Iterator[Campaign]:
    """Iterate over the campaigns of an account that have not ended, each once."""
    seen: set[str] = set()
    for status, limit in ((ACTIVE, None), (None, most)):
        is_newest_first = False  # not every account sorts its list as requested
        try:
            for campaign in campaigns.list_campaigns(status=status, most=limit):
                is_old = campaign.date_created is not None and campaign.date_created < now - _LOOKBACK
                if is_old and is_newest_first:
                    break
                is_newest_first = is_newest_first or not is_old
                if campaign.id not in seen and not campaign.status.has_ended:
                    seen.add(campaign.id)
                    yield campaign
        except ExotelError as error:
            # The whole list is read next; only if it is cut short, it cannot stand for the filtered one.
            if status is None or (most is not None and not isinstance(error, ExotelRequestRefused)):
                raise


def pause_all(
    campaigns: ExotelClient,
    now: datetime,
    *,
    name_starts: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[Campaign, ExotelError | None]]:
    """Pause every campaign of an account that dials or will dial, starting with those that dial now.

    Each campaign gets one pause request. If it fails or the pause does not show, it is retried after all others of the
    page. A campaign that is paused for a later window gets an earlier ``end_at``, by one minute, so that the task that
    waits for that window does not resume it.

    :param campaigns: the account's campaigns.
    :param now: the current time.
    :param name_starts: pause only campaigns whose name starts with this text, case-insensitive; default all.
    :param sleep: sleeps for a number of seconds.
    :return: each campaign with the error of its pause, or ``None`` if it does not dial any more.
    :raises ExotelError: if the list cannot be read.
    """
    found = _active_campaigns(campaigns, now)
    while page := list(islice(found, _PAGE)):
        named = [one for one in page if one.name.casefold().startswith(name_starts.casefold())]
        wanted = [one for one in named if not does_not_dial(one)]
        again: list[Campaign] = []
        unconfirmed: list[Campaign] = []
        for campaign in sorted(wanted, key=lambda one: one.status is CampaignStatus.CREATED):
            try:
                if pause_once(campaigns, campaign.id) is PauseResult.UNCONFIRMED:
                    unconfirmed.append(campaign)
                else:
                    yield campaign, None
            except ExotelRateLimited:  # the limit applies to all campaigns: wait here
                yield campaign, pause_with_retries(campaigns, campaign.id, sleep)
            except ExotelError:
                again.append(campaign)
        for campaign in again:
            yield campaign, pause_with_retries(campaigns, campaign.id, sleep)
        for campaign in unconfirmed:
            yield campaign, _error_of(partial(_poll_until_paused, campaigns, campaign, sleep))
        for campaign in named:
            if does_not_dial(campaign) and _has_later_window(campaign, now):
                yield campaign, _error_of(partial(_keep_paused, campaigns, campaign, sleep))


def _has_later_window(campaign: Campaign, now: datetime) -> bool:
    send_at, end_at = campaign.schedule.send_at, campaign.schedule.end_at
    return send_at is not None and end_at is not None and now < send_at < end_at - _EARLIER


def _keep_paused(campaigns: ExotelClient, campaign: Campaign, sleep: Callable[[float], None]) -> Campaign:
    """Give a paused campaign an earlier end, since tasks only resume campaigns with the end that they know."""
    schedule = campaign.schedule
    earlier = schedule.model_copy(update={"end_at": schedule.end_at and schedule.end_at - _EARLIER})
    try:
        after = campaigns.update_campaign(campaign.id, schedule=dict(earlier))
    except REFUSALS:  # then no task can have moved it to a later window
        after = campaigns.get_campaign(campaign.id)
    return after if does_not_dial(after) else pause_and_confirm(campaigns, campaign.id, sleep)


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
