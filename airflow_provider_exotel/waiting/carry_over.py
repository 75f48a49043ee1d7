"""Carry a campaign over several days: out of one calling window and into the next.

The service ends a campaign for good at its ``end_at`` (Exotel, schedule; a guide says it is paused then). So shortly
before, it is paused, given the next window as its schedule, and resumed when that opens. Nothing is resumed before the
service shows the schedule it was given: otherwise it would dial at night.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_exotel.client.errors import ExotelError, ExotelInputError, Problem
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.waiting.control import change
from airflow_provider_exotel.waiting.outcome import CampaignFailed, tally_of
from airflow_provider_exotel.waiting.wait import HAND_OVER, Wait, people_are_left
from airflow_provider_exotel.windows.calling_window import MissedWindow, Window, read_as
from airflow_provider_exotel.windows.common_window import window_of

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient


class NextWindow(NamedTuple):
    """The stretch of time a campaign is given next."""

    send_at: datetime
    end_at: datetime


@dataclass(frozen=True)
class CarryOver:
    """Continues one campaign in the next window, and the next.

    :param window: the calling hours.
    :param until: no window that opens then or later is used; ``None`` for as long as there are people left.
    :param call_retries: the retry plan, for which a window must have room.
    :param remember: keeps, before it is moved, until when the campaign is about to dial; ``None`` once it is not
        paused for a later window any more.
    :param now: the time.
    """

    window: Window
    until: datetime | None = None
    call_retries: CallRetries | None = None
    remember: Callable[[datetime | None], None] = lambda end_at: None  # noqa: ARG005
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def leave_window(self, client: ExotelClient, wait: Wait) -> Wait:
        """Pause a campaign whose window is about to close and give it the next one, if people are left to call.

        :param client: the account's client.
        :param wait: the wait that came to its window's end.
        :return: the wait for the next window's opening, or for the campaign's end.
        :raises CampaignFailed: if the service does not take the next window.
        """
        last = replace(wait, hand_over=False)
        campaign = client.get_campaign(wait.campaign_id)
        shown = campaign.schedule
        if wait.end_at is not None and shown.end_at is not None and shown.end_at > wait.end_at:
            return replace(wait, send_at=shown.send_at or wait.send_at, end_at=shown.end_at)  # somebody moved it
        if not self._is_ours_to_carry(campaign, wait):
            return replace(last, seen_dialling=wait.seen_dialling and campaign.status is not CampaignStatus.PAUSED)
        if not people_are_left(campaign, wait.contacts):
            return last
        following = self._next_window(wait)
        if following is None:
            return last
        self.remember(following.end_at)
        if campaign.status is not CampaignStatus.PAUSED:
            campaign = client.pause_campaign(campaign.id)
        if campaign.status is not CampaignStatus.PAUSED:  # one that dials on would do so until the end it is given
            self.remember(None)
            return last
        return self._give(client, campaign, following, wait)

    def resume_in_window(self, client: ExotelClient, wait: Wait) -> Wait:
        """Resume a campaign in the window that has opened.

        :param client: the account's client.
        :param wait: the wait that came to the window's opening.
        :return: the wait for the campaign's end.
        :raises CampaignFailed: if it does not stand as it was left.
        """
        going = replace(wait, opening=False)
        campaign = client.get_campaign(wait.campaign_id)
        if campaign.status is not CampaignStatus.PAUSED:  # somebody resumed or ended it meanwhile
            return going
        if wait.end_at is None or campaign.schedule.end_at != wait.end_at:
            raise CampaignFailed(f"campaign {campaign.id} shows another end than it was given; it stays paused")
        opens = max(filter(None, (wait.send_at, campaign.schedule.send_at)), default=None)
        if opens is not None and self.now() < opens:
            return replace(wait, send_at=opens)
        if self.now() >= wait.end_at - HAND_OVER:  # nobody was there to open it
            following = self._next_window(wait)
            if following is None:
                return replace(going, hand_over=False)
            self.remember(following.end_at)
            return self._give(client, campaign, following, wait)
        client.resume_campaign(campaign.id)
        self.remember(None)
        return replace(going, seen_dialling=True)

    def _is_ours_to_carry(self, campaign: Campaign, wait: Wait) -> bool:
        """Return whether the campaign dialled, or was about to, up to now: one that a person has paused is left."""
        if wait.end_at is not None and self.now() >= wait.end_at:
            return campaign.status is CampaignStatus.PAUSED and wait.seen_dialling
        return campaign.status in {CampaignStatus.CREATED, CampaignStatus.IN_PROGRESS}

    def _next_window(self, wait: Wait) -> NextWindow | None:
        now = self.now()
        try:
            following = self.window.schedule_for(
                max(wait.end_at or now, now), now, on_missed_window="next", call_retries=self.call_retries
            )
        except (MissedWindow, ExotelInputError):
            return None
        if following.send_at is None or following.end_at is None:
            return None
        # Schedules are told in whole seconds.
        end_at = min(following.end_at, self.until.replace(microsecond=0)) if self.until else following.end_at
        long_enough = end_at - following.send_at > HAND_OVER
        return NextWindow(following.send_at, end_at) if long_enough else None

    def _give(self, client: ExotelClient, campaign: Campaign, following: NextWindow, wait: Wait) -> Wait:
        try:
            # The older reference refuses it, a guide allows it while paused (Exotel, update campaign): so it is asked.
            after = change(client, campaign.id, {"schedule": following._asdict()}, force=True)
            if after.status is CampaignStatus.IN_PROGRESS:
                after = client.pause_campaign(campaign.id)
        except ExotelError as error:
            self.remember(None)
            left = tally_of(campaign.stats, contacts=wait.contacts).open
            raise CampaignFailed(
                f"campaign {campaign.id} stays paused with {f'{left:,} ' if left else ''}people left: "
                f"it could not be given the next window ({error})"
            ) from error
        if after.status not in {CampaignStatus.PAUSED, CampaignStatus.CREATED} and not after.status.has_ended:
            self.remember(None)
            raise CampaignFailed(
                f"campaign {campaign.id} is {after.status_text!r} after it was given the next window, "
                "and may dial before that opens: look at it in the dashboard"
            )
        return replace(
            wait, send_at=following.send_at, end_at=following.end_at, hand_over=True, opening=True, seen_dialling=False
        )


def parse_carry_over(
    window: Any, call_retries: Any, until: datetime | None, remember: Callable[[datetime | None], None]
) -> CarryOver:
    """Return what continues a campaign in the next window, from a task's arguments.

    :param window: the calling hours, in any form that a task takes.
    :param call_retries: the retry plan, in any form that a task takes.
    :param until: do not open a window after this time.
    :param remember: keeps until when the campaign is about to dial.
    :raises ExotelInputError: if there is no window, or one of them cannot be read.
    """
    if window is None:
        raise ExotelInputError([Problem("on_window_end", "'resume' needs a window, the next of which it goes on in")])
    if call_retries is not None and not isinstance(call_retries, CallRetries):
        call_retries = read_as(CallRetries, call_retries, "call_retries")
    return CarryOver(window_of(window), until, call_retries, remember)
