"""Carry a campaign over several days: out of one calling window and into the next.

The service ends a campaign for good at its ``end_at`` (Exotel, schedule; a guide says it is paused then). So shortly
before, it is paused, given the next window as its schedule, and resumed when that opens. Nothing is resumed before the
service shows the schedule it was given: otherwise it would dial at night.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from airflow_provider_exotel.client.errors import ExotelError, ExotelInputError
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.waiting.control import SteersCampaigns, change
from airflow_provider_exotel.waiting.outcome import tally_of
from airflow_provider_exotel.waiting.wait import HAND_OVER, Wait, people_are_left
from airflow_provider_exotel.windows.calling_window import MissedWindow, Window


class NextWindow(NamedTuple):
    """The stretch of time a campaign is given next."""

    send_at: datetime
    end_at: datetime


class CannotCarry(Exception):
    """A campaign cannot go on in the next window; it is left as the message says, paused where that can be had."""


@dataclass(frozen=True)
class Carrier:
    """Carries one campaign from window to window.

    :param campaigns: the account's campaigns.
    :param window: the calling hours.
    :param until: no window that opens then or later is used; ``None`` for as long as there are people left.
    :param call_retries: the retry plan, for which a window must have room.
    :param remember: keeps, before it is moved, until when the campaign is about to dial; ``None`` once it is not
        paused for a later window any more.
    :param now: the time.
    """

    campaigns: SteersCampaigns
    window: Window
    until: datetime | None = None
    call_retries: CallRetries | None = None
    remember: Callable[[datetime | None], None] = lambda end_at: None  # noqa: ARG005
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def take_out(self, wait: Wait) -> Wait:
        """Take a campaign out of the window that is about to close, if there is anything to carry.

        :param wait: the wait that came to its window's end.
        :return: the wait for the next window's opening, or for the campaign's end.
        :raises CannotCarry: if the service does not take the next window.
        """
        last = replace(wait, hand_over=False)
        campaign = self.campaigns.get_campaign(wait.campaign_id)
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
            campaign = self.campaigns.pause_campaign(campaign.id)
        if campaign.status is not CampaignStatus.PAUSED:  # one that dials on would do so until the end it is given
            self.remember(None)
            return last
        return self._give(campaign, following, wait)

    def put_in(self, wait: Wait) -> Wait:
        """Let a campaign dial on in the window that has opened.

        :param wait: the wait that came to the window's opening.
        :return: the wait for the campaign's end.
        :raises CannotCarry: if it does not stand as it was left.
        """
        going = replace(wait, opening=False)
        campaign = self.campaigns.get_campaign(wait.campaign_id)
        if campaign.status is not CampaignStatus.PAUSED:  # somebody resumed or ended it meanwhile
            return going
        if wait.end_at is None or campaign.schedule.end_at != wait.end_at:
            raise CannotCarry(f"campaign {campaign.id} shows another end than it was given; it stays paused")
        opens = max(filter(None, (wait.send_at, campaign.schedule.send_at)), default=None)
        if opens is not None and self.now() < opens:
            return replace(wait, send_at=opens)
        if self.now() >= wait.end_at - HAND_OVER:  # nobody was there to open it
            following = self._next_window(wait)
            if following is None:
                return replace(going, hand_over=False)
            self.remember(following.end_at)
            return self._give(campaign, following, wait)
        self.campaigns.resume_campaign(campaign.id)
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

    def _give(self, campaign: Campaign, following: NextWindow, wait: Wait) -> Wait:
        try:
            # The older reference refuses it, a guide allows it while paused (Exotel, update campaign): so it is asked.
            after = change(self.campaigns, campaign.id, {"schedule": following._asdict()}, force=True)
            if after.status is CampaignStatus.IN_PROGRESS:
                after = self.campaigns.pause_campaign(campaign.id)
        except ExotelError as error:
            self.remember(None)
            left = tally_of(campaign.stats, contacts=wait.contacts).open
            raise CannotCarry(
                f"campaign {campaign.id} stays paused with {f'{left:,} ' if left else ''}people left: "
                f"it could not be given the next window ({error})"
            ) from error
        if after.status not in {CampaignStatus.PAUSED, CampaignStatus.CREATED} and not after.status.has_ended:
            self.remember(None)
            raise CannotCarry(
                f"campaign {campaign.id} is {after.status_text!r} after it was given the next window, "
                "and may dial before that opens: look at it in the dashboard"
            )
        return replace(
            wait, send_at=following.send_at, end_at=following.end_at, hand_over=True, opening=True, seen_dialling=False
        )
