"""The driver of a wait: follow one campaign to its end, through as many windows as it takes.

A worker polls by itself, and a deferred task lets its trigger poll. This module decides for both what follows. The
sensor watches many campaigns, and uses only the functions for a failing and an ended campaign.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from airflow_provider_exotel.client.errors import ExotelAuthError, ExotelError, ExotelNotFound
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.waiting.breaker import Breaker, sample_calls
from airflow_provider_exotel.waiting.carry_over import CarryOver
from airflow_provider_exotel.waiting.outcome import CampaignFailed, Outcome, resolve_uncalled
from airflow_provider_exotel.waiting.pausing import PauseResult, pause_if_it_may_dial, pause_once
from airflow_provider_exotel.waiting.wait import Step, Wait
from airflow_provider_exotel.waiting.watch import WaitEvent, WatchedCampaign, watch

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

log = logging.getLogger(__name__)
Answer = TypeVar("Answer", covariant=True)

_MAX_RETRY_DELAY = timedelta(seconds=15)
"""Maximum delay before a failed carry-over is retried: its window closes within minutes."""


class WithClient(Protocol):
    """Calls a function with a client whose credentials are renewed if the service refuses them."""

    def __call__(self, function: Callable[[ExotelClient], Answer], /) -> Answer:
        """Return the result of the function."""
        ...


def _do_nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class WaitDriver:
    """Settings and connections for following one campaign from window to window.

    :param with_client: calls a function with the account's client.
    :param carry_over: how to continue the campaign in the next window; ``None`` to end it with its window.
    :param poll_interval: the time between two polls.
    :param pause_if_failed_above: the share of failed calls above which the campaign is paused; ``None`` for never.
    :param stop_if_killed: raises if the task was killed; called before and after each step that lets a campaign dial.
    :param now: returns the current time.
    :param sleep: sleeps for a number of seconds; may raise to end the wait.
    """

    with_client: WithClient
    carry_over: CarryOver | None = None
    poll_interval: timedelta = timedelta(seconds=60)
    pause_if_failed_above: float | None = None
    stop_if_killed: Callable[[], None] = _do_nothing
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep

    def start(
        self, campaign: Campaign, *, contacts: int | None, carried_to: datetime | None, resume_paused: bool = False
    ) -> Wait | Outcome:
        """Return the first wait for a campaign, or its outcome if it has ended.

        :param campaign: the current campaign.
        :param contacts: number of its contacts; ``None`` if unknown.
        :param carried_to: the end of the window for which an earlier try paused it.
        :param resume_paused: whether to resume it inside its window if it is paused, whoever paused it.
        """
        limit, carries_over = self.pause_if_failed_above, self.carry_over is not None
        wait = Wait.for_campaign(campaign, self.now(), contacts=contacts, carries_over=carries_over)
        if limit is not None:
            wait = replace(wait, breaker=Breaker.of_wait(limit, self.now(), wait.send_at))
        is_paused = campaign.status is CampaignStatus.PAUSED
        if self.carry_over and is_paused and carried_to and carried_to == campaign.schedule.end_at:
            wait = replace(wait, opening=True)
        elif resume_paused and is_paused:
            wait = replace(wait, opening=True, carries_over=False)
        watched = WatchedCampaign(wait)
        watched.update(campaign, self.now())
        return self.resolve(watched.event) if watched.event else wait

    def follow(self, step: Wait | Outcome, defer: Callable[[Wait], None] | None = None) -> Outcome:
        """Follow the campaign to its end, and return its outcome.

        :param step: the next wait, or the outcome.
        :param defer: defers a wait to the triggerer and does not return; ``None`` to wait in this process.
        :raises CampaignFailed: see :meth:`resolve`.
        """
        while not isinstance(step, Outcome):
            if defer is not None:
                defer(step)
            step = self.resolve(self.watch(step))
        return step

    def watch(self, wait: Wait) -> WaitEvent:
        """Wait in this process until there is an event.

        :param wait: the wait.
        """
        return watch(
            WatchedCampaign(wait),
            lambda: self._poll(wait.campaign_id),
            now=self.now,
            sleep=self.sleep,
            interval=self.poll_interval.total_seconds(),
            note=lambda line: log.info("%s", line),
            count_calls=lambda: self.with_client(lambda client: sample_calls(client, wait.campaign_id)),
        )

    def resolve(self, event: WaitEvent) -> Wait | Outcome:
        """Handle an event, and return the next wait or the outcome.

        :param event: the event that ended a wait.
        :raises CampaignFailed: if the campaign was deleted, cannot be continued, or does not end.
        """
        if event.step is Step.FAILING:
            raise CampaignFailed(pause_failing(event, self.with_client))
        if event.step is Step.OPENING and not event.wait.carries_over:
            return self._open(event)
        paused_at_its_end = event.outcome is not None and event.outcome.status == "paused"
        if self.carry_over is not None and (event.step in {Step.OPENING, Step.CLOSING} or paused_at_its_end):
            following = self._carry(self.carry_over, event)
            if following.opening or not paused_at_its_end:
                return following
        if event.step is Step.GONE:
            raise CampaignFailed(f"campaign {event.wait.campaign_id} was deleted while the task waited for it")
        if event.step is Step.OVERDUE or event.outcome is None:
            state = f"is still {event.outcome.status!r}" if event.outcome is not None else "could not be polled"
            raise CampaignFailed(
                f"campaign {event.wait.campaign_id} {state} long after its window closed; check it in the dashboard"
            )
        return event.outcome

    def _poll(self, campaign_id: str) -> Campaign | None:
        try:
            return self.with_client(lambda client: client.get_campaign(campaign_id))
        except ExotelNotFound:
            return None

    def _carry(self, carry_over: CarryOver, event: WaitEvent) -> Wait:
        wait = event.wait
        self.stop_if_killed()
        try:
            if event.step is Step.OPENING:
                following = self.with_client(lambda client: carry_over.resume_in_window(client, wait))
            else:
                following = self.with_client(lambda client: carry_over.move_to_next_window(client, wait))
        except CampaignFailed:
            raise
        except ExotelError as error:
            return self._handle_failed_step(event, error)
        self.stop_if_killed()
        if following.opening:
            log.info("Paused campaign %s; it continues at %s.", wait.campaign_id, following.send_at)
        elif event.step is Step.OPENING:
            log.info("Resumed campaign %s; it dials until %s.", wait.campaign_id, following.end_at)
        return following

    def _open(self, event: WaitEvent) -> Wait:
        """Resume a paused campaign whose window has opened, and return the next wait.

        :raises ExotelError: if the service refuses to resume it.
        """
        try:
            following = self.with_client(lambda client: self._resume_if_paused(client, event.wait))
        except ExotelError as error:
            if not (error.retryable or isinstance(error, (ExotelAuthError, ExotelNotFound))):
                raise
            return self._handle_failed_step(event, error)
        self.stop_if_killed()
        return following

    def _resume_if_paused(self, client: ExotelClient, wait: Wait) -> Wait:
        campaign = client.get_campaign(wait.campaign_id)
        # A person may have resumed, ended or moved it.
        current = Wait.for_campaign(
            campaign,
            self.now(),
            contacts=wait.contacts,
            carries_over=self.carry_over is not None,
            breaker=wait.breaker,
        )
        if campaign.status is not CampaignStatus.PAUSED or not campaign.schedule.closes_after(self.now()):
            return current
        if wait.shows_stop(campaign):
            raise CampaignFailed(f"campaign {campaign.id} was stopped while the task waited; it stays paused")
        if not campaign.schedule.contains(self.now()):
            log.info("Campaign %s is paused; the task resumes it at %s.", campaign.id, current.send_at)
            return replace(current, opening=True, carries_over=False)
        self.stop_if_killed()
        client.resume_campaign(campaign.id)
        log.info("Resumed campaign %s; it dials until %s.", campaign.id, current.end_at)
        return replace(current, seen_dialling=True)

    def _handle_failed_step(self, event: WaitEvent, error: ExotelError) -> Wait:
        """Return the next wait after a failed step: for a retry of the step, or for the end of the campaign."""
        wait = event.wait
        is_over = wait.end_at is not None and self.now() >= wait.end_at
        if event.step is Step.OPENING and (is_over or isinstance(error, ExotelNotFound)):
            log.error("Could not resume campaign %s: %s", wait.campaign_id, error)
            # It ends by the clock, or because the campaign is gone.
            return replace(wait, opening=False, carries_over=False)
        if event.step is Step.OPENING:
            log.warning("Could not resume campaign %s yet: %s", wait.campaign_id, error)
            return replace(wait, send_at=self.now() + self.poll_interval)
        log.warning("Could not move campaign %s to the next window yet: %s", wait.campaign_id, error)
        again = (error.retryable or isinstance(error, ExotelAuthError)) and not is_over
        if again:  # without a delay the next wait would end at once
            self.sleep(min(self.poll_interval, _MAX_RETRY_DELAY).total_seconds())
        return replace(wait, carries_over=again)


def pause_failing(event: WaitEvent, with_client: WithClient) -> str:
    """Pause a campaign whose calls fail, and return a description of the result and the reason.

    :param event: the event that ended its wait.
    :param with_client: calls a function with the account's client.
    :raises ExotelError: if the pause failed and a retry may succeed.
    """
    campaign_id = event.wait.campaign_id
    try:
        with_client(lambda client: _pause(client, campaign_id))
    except ExotelError as error:
        log.error("Campaign %s could not be paused and may dial: %s", campaign_id, error)  # noqa: TRY400
        if error.retryable:
            raise
        return f"campaign {campaign_id} could not be paused ({error}) and may dial: {event.reason}"
    return f"campaign {campaign_id} was paused: {event.reason}"


def _pause(client: ExotelClient, campaign_id: str) -> None:
    """Pause a campaign; once an answer shows that, nothing else may fail: another try might let it dial again."""
    with suppress(ExotelError):
        if pause_once(client, campaign_id) is not PauseResult.UNCONFIRMED:
            return
    pause_if_it_may_dial(client, campaign_id)


def complete_outcome(outcome: Outcome, with_client: WithClient) -> Outcome:
    """Return the outcome with the number of uncalled contacts, reading the calls if the counts do not show it.

    :param outcome: the outcome of a campaign.
    :param with_client: calls a function with the account's client.
    """
    with suppress(ExotelError):
        return with_client(lambda client: resolve_uncalled(outcome, client.call_details(outcome.campaign_id)))
    log.warning("Could not read the calls of campaign %s.", outcome.campaign_id)
    return outcome
