"""Pause every campaign of an account, and keep waiting tasks from resuming them.

A waiting task resumes a paused campaign when its window opens, and cannot know who paused it last. The stop works
without Airflow. So it can only leave a mark in the campaign itself: an ``end_at`` that is one second earlier.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from airflow_provider_exotel.client.errors import ExotelError, ExotelRateLimited
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.waiting.pausing import (
    REFUSALS,
    PauseResult,
    active_campaigns,
    confirm_pause,
    does_not_dial,
    pause_once,
    pause_with_retries,
)
from airflow_provider_exotel.waiting.wait import STOP_MARK

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

log = logging.getLogger(__name__)

_PAGE = 500

MAY_BE_RESUMED = (
    "Run this again after a few minutes. A task with on_window_end='resume' or if_paused='resume' may still resume its "
    "campaign if the window has just closed, if the campaign's end cannot be changed, and each time it is started, "
    "retried or cleared: mark such tasks failed in Airflow, and pause their DAGs."
)
"""What else to do after everything was paused."""


def pause_all(
    campaigns: ExotelClient,
    now: datetime,
    *,
    name_starts: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[Campaign, ExotelError | None]]:
    """Pause every campaign of an account that dials or will dial, starting with those that dial now.

    Each campaign gets one pause request. If it fails or the pause does not show, it is retried after all others of the
    page. In the end, campaigns that a waiting task may resume get an ``end_at`` that is one second earlier: a task does
    not resume such a campaign (:meth:`~airflow_provider_exotel.waiting.wait.Wait.shows_stop`).

    :param campaigns: the account's campaigns.
    :param now: the current time.
    :param name_starts: pause only campaigns whose name starts with this text, case-insensitive; default all.
    :param sleep: sleeps for a number of seconds.
    :return: each campaign with the error of its pause, or ``None`` if it does not dial any more. A campaign comes again
        with an error if it may dial after its end was changed.
    :raises ExotelError: if the list cannot be read.
    """
    found = active_campaigns(campaigns, now)
    may_be_resumed: dict[str, Campaign] = {}
    while page := list(islice(found, _PAGE)):
        named = [one for one in page if one.name.casefold().startswith(name_starts.casefold())]
        may_be_resumed |= {one.id: one for one in named}
        for campaign, error in _pause_page(campaigns, [one for one in named if not does_not_dial(one)], sleep):
            yield campaign, error
            if error is not None:
                may_be_resumed.pop(campaign.id, None)
    for campaign in may_be_resumed.values():
        if (error := _mark(campaigns, campaign.id, now, sleep)) is not None:
            yield campaign, error


def _pause_page(
    campaigns: ExotelClient, wanted: Iterable[Campaign], sleep: Callable[[float], None]
) -> Iterator[tuple[Campaign, ExotelError | None]]:
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
        yield campaign, confirm_pause(campaigns, campaign, sleep)


def _mark(
    campaigns: ExotelClient, campaign_id: str, now: datetime, sleep: Callable[[float], None]
) -> ExotelError | None:
    """Give a paused campaign an earlier end, and return an error only if it may dial afterwards."""
    try:
        # As it is now: its task may have moved it to the next window before it was paused.
        campaign = campaigns.get_campaign(campaign_id)
        end_at = campaign.schedule.end_at
        if not does_not_dial(campaign) and (failed := pause_with_retries(campaigns, campaign_id, sleep)) is not None:
            return failed  # its task has resumed it since
        if campaign.status.has_ended or end_at is None or end_at - STOP_MARK <= now:
            return None
        schedule = {name: moment for name, moment in campaign.schedule if moment is not None and moment > now}
        after = campaigns.update_campaign(campaign_id, schedule={**schedule, "end_at": end_at - STOP_MARK})
        if after.schedule.end_at == end_at:
            log.warning("The end of campaign %s cannot be changed, so a waiting task may resume it.", campaign_id)
        if does_not_dial(after):
            return None
    except REFUSALS:  # Exotel's papers differ on whether the end of a paused campaign can be changed
        return None
    except ExotelError as error:
        log.warning("Campaign %s is paused, and a waiting task may resume it: %s", campaign_id, error)
    return pause_with_retries(campaigns, campaign_id, sleep)
