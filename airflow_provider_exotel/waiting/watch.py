"""Watch campaigns until there is an event, with the same steps in a worker, a sensor and a trigger. Pure.

The first poll is at ``send_at``. A campaign counts as deleted only after several polls have not found it, since a new
campaign may take a while to appear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from airflow_provider_exotel.client.errors import ExotelError
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.waiting.breaker import CallSample
from airflow_provider_exotel.waiting.outcome import Outcome, outcome_of, tally_of
from airflow_provider_exotel.waiting.progress import progress_of
from airflow_provider_exotel.waiting.wait import Step, Wait

GONE_AFTER = 3
"""Number of consecutive polls without a campaign after which it counts as deleted."""


@dataclass(frozen=True)
class WaitEvent:
    """The event that ends a wait.

    :param step: why the wait ended.
    :param wait: the wait, in its last state.
    :param outcome: the outcome of the campaign; ``None`` if unknown.
    :param reason: why the circuit breaker pauses the campaign; ``None`` if it does not.
    """

    step: Step
    wait: Wait
    outcome: Outcome | None = None
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, without phone numbers."""
        return {
            "step": self.step.value,
            "wait": self.wait.as_json(),
            "outcome": self.outcome.as_json() if self.outcome else None,
            **({"reason": self.reason} if self.reason else {}),
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the event that :meth:`as_json` stored; unknown keys are ignored.

        :raises ValueError: if this version does not know its step.
        """
        outcome = kept.get("outcome")
        wait = Wait.of_json(kept["wait"])
        return cls(Step(kept["step"]), wait, Outcome.of_json(outcome) if outcome else None, kept.get("reason"))


@dataclass
class WatchedCampaign:
    """A campaign that is being watched, and the results of its polls.

    :param wait: the wait for it.
    """

    wait: Wait
    event: WaitEvent | None = None
    _latest: Campaign | None = None
    _missing: int = 0
    _first: tuple[datetime, int] | None = field(default=None, repr=False)

    def update(self, campaign: Campaign | None, now: datetime) -> str | None:
        """Process a poll of the campaign, and set :attr:`event` if the wait is over.

        :param campaign: the polled campaign; ``None`` if it was not found.
        :param now: the current time.
        :return: a log line about the change, or ``None`` if nothing has changed.
        """
        self._missing = self._missing + 1 if campaign is None else 0
        if campaign is None and self._missing < GONE_AFTER:
            return None
        if campaign is not None:
            is_stopped = self.wait.shows_stop(campaign)
            self.wait = self.wait.rescheduled_as(campaign, now)
            if is_stopped or (self.wait.end_at is not None and now < self.wait.end_at):
                self.wait = replace(self.wait, seen_dialling=campaign.status is CampaignStatus.IN_PROGRESS)
        before, self._latest = self._latest, campaign
        self._finish(self.wait.step(campaign, now))
        return self._change(before, campaign, now)

    @property
    def is_missing(self) -> bool:
        """Whether the last poll did not find it, but it does not count as deleted yet."""
        return self._missing > 0 and self.event is None

    def is_breaker_due(self, now: datetime) -> bool:
        """Return whether its calls should be counted now, for :meth:`evaluate`."""
        return self.event is None and self.wait.is_breaker_due(self._latest, now)

    def evaluate(self, sample: CallSample, now: datetime) -> None:
        """Pass a count of calls to the circuit breaker, and set :attr:`event` if too many failed.

        :param sample: the calls so far.
        :param now: the current time.
        """
        if self.wait.breaker is None or self.event is not None:
            return
        breaker, reason = self.wait.breaker.evaluate(sample, now, self.wait.send_at)
        self.wait = replace(self.wait, breaker=breaker)
        if reason:
            self.event = WaitEvent(Step.FAILING, self.wait, reason=reason)

    def update_clock(self, now: datetime) -> None:
        """Set :attr:`event` if the wait is over by the clock alone."""
        self._finish(self.wait.step_by_clock(now))

    def _finish(self, step: Step | None) -> None:
        if step is None or self.event is not None:
            return
        seen = self._latest if step in {Step.ENDED, Step.OVERDUE} else None
        self.event = WaitEvent(step, self.wait, outcome_of(seen, contacts=self.wait.contacts) if seen else None)

    def _change(self, before: Campaign | None, campaign: Campaign | None, now: datetime) -> str | None:
        if campaign is None:
            return f"Campaign {self.wait.campaign_id} does not exist any more."
        done = tally_of(campaign.stats, contacts=self.wait.contacts).done
        if self._first is None:
            self._first = (now, done)
        if before is not None and (before.status_text, before.stats) == (campaign.status_text, campaign.stats):
            return None
        return progress_line(campaign, self.wait, self._first, now)


def progress_line(campaign: Campaign, wait: Wait, first: tuple[datetime, int], now: datetime) -> str:
    """Return the progress of a campaign as one log line.

    :param campaign: the campaign.
    :param wait: the wait for it.
    :param first: the time of the first poll, and the number of contacts done at that time.
    :param now: the current time.
    """
    progress = progress_of(campaign, first, now, contacts=wait.contacts, end_at=wait.end_at)
    tally = progress.tally
    people = f"{tally.done:,} of {tally.contacts:,}" if tally.contacts else f"{tally.done:,}"
    parts = [f"Campaign {campaign.id} ({campaign.status_text}): {people} done, {tally.reached:,} reached"]
    if progress.too_slow:
        parts.append(f"{progress.per_minute:.1f} a minute, too slow to reach everybody before its window closes")
    elif progress.expected_end is not None:
        expected = progress.expected_end.astimezone(UTC)
        parts.append(f"{progress.per_minute:.1f} a minute, expected to end at {expected:%Y-%m-%d %H:%M} UTC")
    return ", ".join(parts) + "."


def next_wake(waits: Iterable[Wait], deadline: datetime | None = None) -> datetime | None:
    """Return the next time at which a wait ends by the clock alone."""
    moments = [moment for moment in (*(wait.wakes_at() for wait in waits), deadline) if moment is not None]
    return min(moments, default=None)


def watch(
    watched: WatchedCampaign,
    poll: Callable[[], Campaign | None],
    *,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    interval: float,
    note: Callable[[str], None],
    count_calls: Callable[[], CallSample] | None = None,
) -> WaitEvent:
    """Watch one campaign in a worker until there is an event.

    :param watched: the campaign.
    :param poll: polls it.
    :param now: returns the current time.
    :param sleep: sleeps for a number of seconds; may raise to end the watch.
    :param interval: seconds between two polls.
    :param note: logs a line about a change.
    :param count_calls: counts its calls; ``None`` without a circuit breaker.
    """
    while True:
        if watched.wait.has_begun(now()):
            # The wait ends by the clock, even if the service fails.
            try:
                line = watched.update(poll(), now())
            except ExotelError as error:
                line = f"Could not poll campaign {watched.wait.campaign_id}: {error}"
            try:
                if count_calls is not None and watched.is_breaker_due(now()):
                    watched.evaluate(count_calls(), now())
            except ExotelError as error:
                note(f"Could not count the calls of campaign {watched.wait.campaign_id}: {error}")
        else:
            line = None
        watched.update_clock(now())
        pause = _pause(watched.wait, now(), interval)
        if line:
            note(line if watched.event is not None else f"{line} {next_poll(now() + timedelta(seconds=pause))}")
        if watched.event is not None:
            return watched.event
        sleep(pause)


def next_poll(moment: datetime) -> str:
    """Return the time of the next poll as a sentence."""
    return f"The next poll is at {moment.astimezone(UTC):%H:%M:%S} UTC."


def _pause(wait: Wait, now: datetime, interval: float) -> float:
    """Return the seconds until the next poll, or until the wait ends by the clock if that is sooner."""
    until = [wakes_at] if (wakes_at := wait.wakes_at()) is not None else []
    begins = wait.polled_from()
    until.append(begins if begins is not None and now < begins else now + timedelta(seconds=interval))
    return max(0.0, (min(until) - now).total_seconds())
