"""Watching campaigns until something is to be done: the same steps in a worker, a sensor and a trigger. Pure.

Nobody is asked before the earliest ``send_at``; a campaign that the service does not know is asked for again before it
counts as deleted, since what was just created may take a while to be found.
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
from airflow_provider_exotel.waiting.wait import LONGEST_LIFE, Step, Wait

GONE_AFTER = 3
"""Looks in a row after which a campaign that is not there counts as deleted."""


@dataclass(frozen=True)
class WaitEvent:
    """What a wait has come to.

    :param step: what.
    :param wait: what was waited for, as it stands.
    :param outcome: how the campaign ended, where it was seen.
    :param reason: in words why its calls fail, for a campaign that is to be paused.
    """

    step: Step
    wait: Wait
    outcome: Outcome | None = None
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, free of numbers."""
        return {
            "step": self.step.value,
            "wait": self.wait.as_json(),
            "outcome": self.outcome.as_json() if self.outcome else None,
            **({"reason": self.reason} if self.reason else {}),
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the event that :meth:`as_json` stored; unknown keys are ignored.

        :raises ValueError: if its step is unknown to this version.
        """
        outcome = kept.get("outcome")
        wait = Wait.of_json(kept["wait"])
        return cls(Step(kept["step"]), wait, Outcome.of_json(outcome) if outcome else None, kept.get("reason"))


@dataclass
class Watched:
    """One campaign that is waited for, and what was seen of it.

    :param wait: what is waited for.
    """

    wait: Wait
    event: WaitEvent | None = None
    _latest: Campaign | None = None
    _missing: int = 0
    _first: tuple[datetime, int] | None = field(default=None, repr=False)

    def see(self, campaign: Campaign | None, now: datetime) -> str | None:
        """Take in a look at the campaign; :attr:`event` tells whether the wait is over.

        :param campaign: it, ``None`` if the service does not know it.
        :param now: the present moment.
        :return: a line on what has changed, ``None`` if nothing has.
        """
        self._missing = self._missing + 1 if campaign is None else 0
        if campaign is None and self._missing < GONE_AFTER:
            return None
        if campaign is not None:
            self.wait = self.wait.following(campaign, now)
            if self.wait.end_at is not None and now < self.wait.end_at:
                self.wait = replace(self.wait, seen_dialling=campaign.status is CampaignStatus.IN_PROGRESS)
        before, self._latest = self._latest, campaign
        self._come_to(self.wait.step(campaign, now))
        return self._change(before, campaign, now)

    @property
    def is_missing(self) -> bool:
        """Whether it was not there at the last look, and may yet be."""
        return self._missing > 0 and self.event is None

    def judges_calls(self, now: datetime) -> bool:
        """Return whether its calls are to be counted now, for :meth:`judge`."""
        return self.event is None and self.wait.judges_calls(self._latest, now)

    def judge(self, sample: CallSample, now: datetime) -> None:
        """Take in how many of its calls failed; :attr:`event` tells whether that is too many.

        :param sample: its calls so far.
        :param now: the present moment.
        """
        if self.wait.breaker is None or self.event is not None:
            return
        breaker, reason = self.wait.breaker.judge(sample, now, self.wait.send_at)
        self.wait = replace(self.wait, breaker=breaker)
        if reason:
            self.event = WaitEvent(Step.FAILING, self.wait, reason=reason)

    def see_clock(self, now: datetime) -> None:
        """Take in the time: some waits are over by the clock alone."""
        self._come_to(self.wait.step_by_clock(now))

    def _come_to(self, step: Step | None) -> None:
        if step is None or self.event is not None:
            return
        seen = self._latest if step in {Step.ENDED, Step.OVERDUE} else None
        self.event = WaitEvent(step, self.wait, outcome_of(seen, contacts=self.wait.contacts) if seen else None)

    def _change(self, before: Campaign | None, campaign: Campaign | None, now: datetime) -> str | None:
        if campaign is None:
            return f"Campaign {self.wait.campaign_id} is not there any more."
        done = tally_of(campaign.stats, contacts=self.wait.contacts).done
        if self._first is None:
            self._first = (now, done)
        if before is not None and (before.status_text, before.stats) == (campaign.status_text, campaign.stats):
            return None
        return progress_line(campaign, self.wait, self._first, now)


def progress_line(campaign: Campaign, wait: Wait, first: tuple[datetime, int], now: datetime) -> str:
    """Return how far a campaign is, in one line.

    :param campaign: it.
    :param wait: what is waited for.
    :param first: when it was first looked at, and how many people were done then.
    :param now: the present moment.
    """
    tally = tally_of(campaign.stats, contacts=wait.contacts, ended=campaign.status.has_ended)
    people = f"{tally.done:,} of {tally.contacts:,}" if tally.contacts else f"{tally.done:,}"
    parts = [f"Campaign {campaign.id} ({campaign.status_text}): {people} done, {tally.reached:,} reached"]
    minutes = (now - first[0]).total_seconds() / 60
    per_minute = (tally.done - first[1]) / minutes if minutes > 0 else 0.0
    if per_minute > 0 and tally.open and campaign.status is CampaignStatus.IN_PROGRESS:
        parts.append(f"{per_minute:.1f} a minute, {_expected_end(tally.open / per_minute, wait.end_at, now)}")
    return ", ".join(parts) + "."


def _expected_end(minutes: float, end_at: datetime | None, now: datetime) -> str:
    latest = end_at if end_at is not None else now + LONGEST_LIFE
    if minutes * 60 > (latest - now).total_seconds():
        return "too slow to reach everybody before its window closes"
    expected = now + timedelta(minutes=minutes)
    return f"expected to end at {expected.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def next_wake(waits: Iterable[Wait], deadline: datetime | None = None) -> datetime | None:
    """Return the next moment at which something happens by the clock alone."""
    moments = [moment for moment in (*(wait.wakes_at() for wait in waits), deadline) if moment is not None]
    return min(moments, default=None)


def watch(
    watched: Watched,
    look: Callable[[], Campaign | None],
    *,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    interval: float,
    note: Callable[[str], None],
    count_calls: Callable[[], CallSample] | None = None,
) -> WaitEvent:
    """Watch one campaign, in a worker, until something is to be done.

    :param watched: it.
    :param look: looks at it.
    :param now: the time.
    :param sleep: waits for seconds; may raise to end the watch.
    :param interval: seconds between two looks.
    :param note: takes a line on what has changed.
    :param count_calls: counts its calls, where these are judged.
    """
    while True:
        if watched.wait.has_begun(now()):
            try:
                line = watched.see(look(), now())
                if count_calls is not None and watched.judges_calls(now()):
                    watched.judge(count_calls(), now())
            except ExotelError as error:  # the wait ends by its clock, whatever the service does
                line = f"Campaign {watched.wait.campaign_id} could not be looked at: {error}"
        else:
            line = None
        watched.see_clock(now())
        pause = _pause(watched.wait, now(), interval)
        if line:
            note(line if watched.event is not None else f"{line} {next_poll(now() + timedelta(seconds=pause))}")
        if watched.event is not None:
            return watched.event
        sleep(pause)


def next_poll(moment: datetime) -> str:
    """Return when the next poll is, as a sentence."""
    return f"The next poll is at {moment.astimezone(UTC):%H:%M:%S} UTC."


def _pause(wait: Wait, now: datetime, interval: float) -> float:
    """Return the seconds to the next look or the next thing that happens by the clock."""
    until = [wakes_at] if (wakes_at := wait.wakes_at()) is not None else []
    begins = wait.send_at if wait.send_at is not None and now < wait.send_at else None
    until.append(begins or now + timedelta(seconds=interval))
    return max(0.0, (min(until) - now).total_seconds())
