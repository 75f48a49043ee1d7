"""Carry a campaign over from one calling window to the next.

The service ends a campaign for good at its ``end_at`` (Exotel, schedule; a guide says that it is paused instead). So
shortly before, the campaign is paused and gets the next window as its schedule. It is resumed when that window opens,
but only if the service shows the new schedule: otherwise it might dial at night.
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
from airflow_provider_exotel.waiting.wait import CARRY_OVER_LEAD, Wait, has_open_contacts
from airflow_provider_exotel.windows.calling_window import MissedWindow, Window, read_as
from airflow_provider_exotel.windows.common_window import window_of

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient


class NextWindow(NamedTuple):
    """The next schedule of a campaign."""

    send_at: datetime
    end_at: datetime


@dataclass(frozen=True)
class CarryOver:
    """How to continue a campaign in later windows.

    :param window: the calling hours.
    :param until: do not open a window at or after this time; ``None`` to continue until no contacts are left.
    :param call_retries: the retry plan; each window must be long enough for it.
    :param remember: stores the end of the next window before the campaign is moved to it, and ``None`` once the
        campaign is no longer paused for a later window.
    :param now: returns the current time.
    """

    window: Window
    until: datetime | None = None
    call_retries: CallRetries | None = None
    remember: Callable[[datetime | None], None] = lambda end_at: None  # noqa: ARG005
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def move_to_next_window(self, client: ExotelClient, wait: Wait) -> Wait:
        """Pause a campaign whose window is about to close, and schedule it for the next one if contacts are left.

        :param client: the account's client.
        :param wait: the wait that has reached the end of its window.
        :return: the wait for the next window's opening, or for the campaign's end.
        :raises CampaignFailed: if the service does not accept the new schedule.
        """
        last = replace(wait, carries_over=False)
        campaign = client.get_campaign(wait.campaign_id)
        shown = campaign.schedule
        if wait.end_at is not None and shown.end_at is not None and shown.end_at > wait.end_at:
            return replace(wait, send_at=shown.send_at or wait.send_at, end_at=shown.end_at)  # rescheduled by a person
        if wait.shows_stop(campaign) and campaign.status is CampaignStatus.PAUSED:
            raise CampaignFailed(f"campaign {campaign.id} was stopped before its window closed; it stays paused")
        if not self._may_carry_over(campaign, wait):
            return replace(last, seen_dialling=wait.seen_dialling and campaign.status is not CampaignStatus.PAUSED)
        if not has_open_contacts(campaign, wait.contacts):
            return last
        following = self._next_window(wait)
        if following is None:
            return last
        self.remember(following.end_at)
        if campaign.status is not CampaignStatus.PAUSED:
            campaign = client.pause_campaign(campaign.id)
        # If still dialling, it would dial until its new end; and everything may have been stopped since it was read.
        if campaign.status is not CampaignStatus.PAUSED or wait.shows_stop(campaign):
            self.remember(None)
            return last
        return self._reschedule(client, campaign, following, wait)

    def resume_in_window(self, client: ExotelClient, wait: Wait) -> Wait:
        """Resume a campaign after its window has opened.

        :param client: the account's client.
        :param wait: the wait that has reached the opening of the window.
        :return: the wait for the campaign's end.
        :raises CampaignFailed: if the service shows another ``end_at`` than the one it was given.
        """
        going = replace(wait, opening=False)
        campaign = client.get_campaign(wait.campaign_id)
        if campaign.status is not CampaignStatus.PAUSED:  # resumed or ended by a person in the meantime
            return going
        if wait.shows_stop(campaign):
            raise CampaignFailed(f"campaign {campaign.id} was stopped while it was paused; it stays paused")
        if wait.end_at is None or campaign.schedule.end_at != wait.end_at:
            raise CampaignFailed(f"campaign {campaign.id} shows another end_at than it was given; it stays paused")
        opens = max(filter(None, (wait.send_at, campaign.schedule.send_at)), default=None)
        if opens is not None and self.now() < opens:
            return replace(wait, send_at=opens)
        if self.now() >= wait.end_at - CARRY_OVER_LEAD:  # no process was running when the window opened
            following = self._next_window(wait)
            if following is None:
                return replace(going, carries_over=False)
            self.remember(following.end_at)
            return self._reschedule(client, campaign, following, wait)
        client.resume_campaign(campaign.id)
        self.remember(None)
        return replace(going, seen_dialling=True)

    def _may_carry_over(self, campaign: Campaign, wait: Wait) -> bool:
        """Return whether the campaign dialled until now or was about to start, so that no person has paused it."""
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
        # The service stores whole seconds.
        end_at = min(following.end_at, self.until.replace(microsecond=0)) if self.until else following.end_at
        long_enough = end_at - following.send_at > CARRY_OVER_LEAD
        return NextWindow(following.send_at, end_at) if long_enough else None

    def _reschedule(self, client: ExotelClient, campaign: Campaign, following: NextWindow, wait: Wait) -> Wait:
        try:
            # The older reference forbids it, a guide allows it while paused (Exotel, update campaign): so it is tried.
            after = change(client, campaign.id, {"schedule": following._asdict()}, force=True)
            if after.status is CampaignStatus.IN_PROGRESS:
                after = client.pause_campaign(campaign.id)
        except ExotelError as error:
            self.remember(None)
            left = tally_of(campaign.stats, contacts=wait.contacts).open
            raise CampaignFailed(
                f"campaign {campaign.id} stays paused with {f'{left:,} ' if left else ''}contacts left: "
                f"it could not be rescheduled to the next window ({error})"
            ) from error
        if after.status not in {CampaignStatus.PAUSED, CampaignStatus.CREATED} and not after.status.has_ended:
            self.remember(None)
            raise CampaignFailed(
                f"campaign {campaign.id} is {after.status_text!r} after it was rescheduled to the next window, "
                "and may dial before that opens; check it in the dashboard"
            )
        return replace(
            wait,
            send_at=following.send_at,
            end_at=following.end_at,
            carries_over=True,
            opening=True,
            seen_dialling=False,
        )


def parse_carry_over(
    window: Any, call_retries: Any, until: datetime | None, remember: Callable[[datetime | None], None]
) -> CarryOver:
    """Return the carry-over from a task's arguments.

    :param window: the calling hours, in any form that a task accepts.
    :param call_retries: the retry plan, in any form that a task accepts.
    :param until: do not open a window after this time.
    :param remember: stores the end of the next window.
    :raises ExotelInputError: if there is no window, or an argument is invalid.
    """
    if window is None:
        raise ExotelInputError([Problem("on_window_end", "'resume' needs a window; add window")])
    if call_retries is not None and not isinstance(call_retries, CallRetries):
        call_retries = read_as(CallRetries, call_retries, "call_retries")
    return CarryOver(window_of(window), until, call_retries, remember)
