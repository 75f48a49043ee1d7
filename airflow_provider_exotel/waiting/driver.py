"""The driver of a wait: one campaign followed to its end, through as many windows as it takes.

Worker, sensor and trigger differ in how they poll. What follows from what they see is decided here, once.
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
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.waiting.breaker import Breaker, sample_calls
from airflow_provider_exotel.waiting.carry_over import CarryOver
from airflow_provider_exotel.waiting.outcome import CampaignFailed, Outcome, resolve_uncalled
from airflow_provider_exotel.waiting.pausing import pause_if_it_may_dial
from airflow_provider_exotel.waiting.wait import Step, Wait
from airflow_provider_exotel.waiting.watch import WaitEvent, Watched, watch

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

log = logging.getLogger(__name__)
Answer = TypeVar("Answer", covariant=True)

_RETRIES_WITHIN = timedelta(seconds=15)
"""A carry-over that failed is tried again so soon: its window closes within minutes."""


class Ask(Protocol):
    """Asks the service, with a client whose credentials are renewed when they are refused."""

    def __call__(self, question: Callable[[ExotelClient], Answer], /) -> Answer:
        """Return what the question returns."""
        ...


def _never_killed() -> None:
    """Go on."""


@dataclass(frozen=True)
class WaitDriver:
    """Follows one campaign from window to window.

    :param ask: asks the service.
    :param carry_over: continues the campaign in the next window; ``None`` where that is not wanted.
    :param poll_interval: the time between two polls.
    :param pause_if_failed_above: the share of failed calls above which the campaign is paused; ``None`` for never.
    :param stop_if_killed: raises if the task was killed; called before and after each step that lets a campaign dial.
    :param now: the time.
    :param sleep: waits for seconds; may raise to end the wait.
    """

    ask: Ask
    carry_over: CarryOver | None = None
    poll_interval: timedelta = timedelta(seconds=60)
    pause_if_failed_above: float | None = None
    stop_if_killed: Callable[[], None] = _never_killed
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep

    def start(self, campaign: Campaign, *, contacts: int | None, carried_to: datetime | None) -> Wait | Outcome:
        """Return what to wait for, or the outcome of a campaign that has ended.

        :param campaign: it, as it stands.
        :param contacts: how many people it calls, where that is known.
        :param carried_to: the end of the window that an earlier try paused it for.
        """
        limit = self.pause_if_failed_above
        wait = Wait.for_campaign(
            campaign,
            self.now(),
            contacts=contacts,
            hand_over=self.carry_over is not None,
            breaker=None if limit is None else Breaker(limit),
        )
        if self.carry_over and campaign.status == "paused" and carried_to and carried_to == campaign.schedule.end_at:
            wait = replace(wait, opening=True)
        watched = Watched(wait)
        watched.see(campaign, self.now())
        return self.resolve(watched.event) if watched.event else wait

    def follow(self, step: Wait | Outcome, defer: Callable[[Wait], None] | None = None) -> Outcome:
        """Follow the campaign to its end, and return its outcome.

        :param step: what to wait for, or the outcome.
        :param defer: hands a wait to the triggerer and does not return; ``None`` to wait in this process.
        :raises CampaignFailed: as :meth:`resolve`.
        """
        while not isinstance(step, Outcome):
            if defer is not None:
                defer(step)
            step = self.resolve(self.watch(step))
        return step

    def watch(self, wait: Wait) -> WaitEvent:
        """Wait in this process until something is to be done.

        :param wait: what to wait for.
        """
        return watch(
            Watched(wait),
            lambda: self._poll(wait.campaign_id),
            now=self.now,
            sleep=self.sleep,
            interval=self.poll_interval.total_seconds(),
            note=lambda line: log.info("%s", line),
            count_calls=lambda: self.ask(lambda client: sample_calls(client, wait.campaign_id)),
        )

    def resolve(self, event: WaitEvent) -> Wait | Outcome:
        """Do what an event asks for, and return what to wait for next, or the outcome.

        :param event: what a wait has come to.
        :raises CampaignFailed: if the campaign was deleted, cannot be continued, or does not end.
        """
        if event.step is Step.FAILING:
            raise CampaignFailed(pause_failing(event, self.ask))
        paused_at_its_end = event.outcome is not None and event.outcome.status == "paused"
        if self.carry_over is not None and (event.step in {Step.OPENING, Step.CLOSING} or paused_at_its_end):
            following = self._carry(self.carry_over, event)
            if following.opening or not paused_at_its_end:
                return following
        if event.step is Step.GONE:
            raise CampaignFailed(f"campaign {event.wait.campaign_id} was deleted while it was waited for")
        if event.step is Step.OVERDUE or event.outcome is None:
            state = f"is still {event.outcome.status!r}" if event.outcome is not None else "could not be polled"
            raise CampaignFailed(
                f"campaign {event.wait.campaign_id} {state} long after its window closed; check it in the dashboard"
            )
        return event.outcome

    def _poll(self, campaign_id: str) -> Campaign | None:
        try:
            return self.ask(lambda client: client.get_campaign(campaign_id))
        except ExotelNotFound:
            return None

    def _carry(self, carry_over: CarryOver, event: WaitEvent) -> Wait:
        wait = event.wait
        self.stop_if_killed()
        try:
            if event.step is Step.OPENING:
                following = self.ask(lambda client: carry_over.resume_in_window(client, wait))
            else:
                following = self.ask(lambda client: carry_over.leave_window(client, wait))
        except CampaignFailed:
            raise
        except ExotelError as error:
            return self._not_carried(event, error)
        self.stop_if_killed()
        if following.opening:
            log.info("Campaign %s goes on at %s.", wait.campaign_id, following.send_at)
        elif event.step is Step.OPENING:
            log.info("Campaign %s goes on, until %s.", wait.campaign_id, following.end_at)
        return following

    def _not_carried(self, event: WaitEvent, error: ExotelError) -> Wait:
        """Return what to wait for after a step that failed: the same step once more, or the end of the campaign."""
        wait = event.wait
        is_over = wait.end_at is not None and self.now() >= wait.end_at
        if event.step is Step.OPENING and (is_over or isinstance(error, ExotelNotFound)):
            log.error("Campaign %s could not be resumed: %s", wait.campaign_id, error)
            return replace(wait, opening=False, hand_over=False)  # which ends by its clock, or as one that is gone
        if event.step is Step.OPENING:
            log.warning("Campaign %s could not be resumed yet: %s", wait.campaign_id, error)
            return replace(wait, send_at=self.now() + self.poll_interval)
        log.warning("Campaign %s could not be continued in the next window yet: %s", wait.campaign_id, error)
        again = (error.retryable or isinstance(error, ExotelAuthError)) and not is_over
        if again:  # it would come back at once
            self.sleep(min(self.poll_interval, _RETRIES_WITHIN).total_seconds())
        return replace(wait, hand_over=again)


def pause_failing(event: WaitEvent, ask: Ask) -> str:
    """Pause a campaign whose calls fail, and return in words what was done and why.

    :param event: what its wait has come to.
    :param ask: asks the service.
    :raises ExotelError: if it could not be paused and another try may do it.
    """
    campaign_id = event.wait.campaign_id
    try:
        ask(lambda client: pause_if_it_may_dial(client, campaign_id))
    except ExotelError as error:
        log.error("Campaign %s could not be paused and may dial: %s", campaign_id, error)  # noqa: TRY400
        if error.retryable:
            raise
        return f"campaign {campaign_id} could not be paused ({error}) and may dial: {event.reason}"
    return f"campaign {campaign_id} was paused: {event.reason}"


def complete_outcome(outcome: Outcome, ask: Ask) -> Outcome:
    """Return an outcome that tells who was never called, reading the calls where the counts do not tell.

    :param outcome: how a campaign ended.
    :param ask: asks the service.
    """
    with suppress(ExotelError):
        return ask(lambda client: resolve_uncalled(outcome, client.call_details(outcome.campaign_id)))
    log.warning("The calls of campaign %s could not be read.", outcome.campaign_id)
    return outcome
