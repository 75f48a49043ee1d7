"""Pause every campaign of an account, and keep waiting tasks from resuming them.

A waiting task resumes a paused campaign when its window opens, and cannot know who paused it last. The stop works
without Airflow. So it can only leave a mark in the campaign itself: an ``end_at`` that is one second earlier.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from airflow_provider_exotel.client.errors import ExotelError, ExotelRateLimited
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.waiting.control import change
from airflow_provider_exotel.waiting.pausing import (
    REFUSALS,
    PauseResult,
    active_campaigns,
    confirm_pause,
    does_not_dial,
    pause_once,
    pause_with_retries,
)

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

log = logging.getLogger(__name__)

_PAGE = 500
_MARK = timedelta(seconds=1)
"""How much earlier the end becomes with each stop."""
_MAX_MARKS = timedelta(minutes=1)
"""An end that is earlier by less than this was marked, by up to 59 stops; people move a window by minutes."""
_SOON = timedelta(hours=1)
"""Time before its end in which a campaign that dials is marked too; longer than the time between two polls."""

MAY_BE_RESUMED = (
    "Run this again after a few minutes. Where the end of a paused campaign cannot be changed, a task with "
    "on_window_end='resume' or if_paused='resume' may still resume its campaign: mark such tasks failed in Airflow."
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
    not resume such a campaign (:func:`shows_stop`).

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
        yield from _pause_page(campaigns, [one for one in named if not does_not_dial(one)], sleep)
        may_be_resumed |= {one.id: one for one in named if _may_be_resumed(one, now)}
    for campaign in may_be_resumed.values():
        if (error := _mark(campaigns, campaign, now, sleep)) is not None:
            yield campaign, error


def shows_stop(campaign: Campaign, known_end: datetime | None) -> bool:
    """Return whether everything was stopped since a task has read the campaign's end, so that it must not resume it.

    :param campaign: the campaign.
    :param known_end: the ``end_at`` that the task knows.
    """
    end_at = campaign.schedule.end_at
    return known_end is not None and end_at is not None and timedelta() < known_end - end_at < _MAX_MARKS


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


def _may_be_resumed(campaign: Campaign, now: datetime) -> bool:
    """Return whether a waiting task may resume a campaign, by its state before the stop.

    A task whose last poll showed the campaign dialling takes a pause after the window's end for that of the window.
    """
    end_at = campaign.schedule.end_at
    if end_at is None or now >= end_at - _MARK:
        return False
    return campaign.status is not CampaignStatus.IN_PROGRESS or end_at - now < _SOON


def _mark(
    campaigns: ExotelClient, campaign: Campaign, now: datetime, sleep: Callable[[float], None]
) -> ExotelError | None:
    """Give a paused campaign an earlier end, and return an error only if it may dial afterwards."""
    schedule = {name: moment for name, moment in campaign.schedule if moment is not None}
    schedule["end_at"] -= _MARK
    if campaign.schedule.send_at is not None and campaign.schedule.send_at <= now:
        del schedule["send_at"]  # a time in the past may be refused
    try:
        # Exotel's papers differ on whether the end of a paused campaign can be changed.
        if does_not_dial(change(campaigns, campaign.id, {"schedule": schedule}, force=True)):
            return None
    except REFUSALS:  # the end of this campaign cannot be changed
        return None
    except ExotelError as error:
        log.warning("Campaign %s is paused, and a waiting task may resume it: %s", campaign.id, error)
    return pause_with_retries(campaigns, campaign.id, sleep)
