"""The end of a wait for a campaign, and the times at which polling makes sense. Pure.

A wait always ends: the service dials until ``end_at``, or for 30 days without one (Exotel, schedule). If the campaign
still shows as running long after that, the wait gives up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.waiting.breaker import Breaker
from airflow_provider_exotel.waiting.outcome import tally_of

MAX_LIFETIME = timedelta(days=30)
"""How long the service dials a campaign without ``end_at``."""
LAST_CALLS_GRACE = timedelta(minutes=15)
"""How long calls that started inside the window may continue after it."""
OVERDUE_AFTER = timedelta(hours=2)
"""How long a campaign may still show as running after its window."""
CARRY_OVER_LEAD = timedelta(seconds=90)
"""Time before the end of a window at which a carry-over pauses the campaign."""
STOP_MARK = timedelta(seconds=1)
"""How much earlier a campaign's end becomes with each stop of everything."""
_MAX_MARKS = timedelta(minutes=5)
"""An end that is earlier by less than this was marked, by one stop or by many."""
_STORED_NAMES = {"carries_over": "hand_over"}
"""The stored name of a field, if it differs from the field's own."""


class Step(StrEnum):
    """The reason why a wait ended."""

    ENDED = "ended"
    """The campaign makes no more calls."""
    GONE = "gone"
    """The campaign was deleted."""
    CLOSING = "closing"
    """Its window is about to close, and contacts may be left."""
    OPENING = "opening"
    """The window opens in which the task resumes it."""
    FAILING = "failing"
    """Too many of its calls fail."""
    OVERDUE = "overdue"
    """The campaign still shows as running long after its window."""


@dataclass(frozen=True)
class Wait:
    """A wait for one campaign.

    :param campaign_id: the campaign.
    :param send_at: the campaign does not dial before this time.
    :param end_at: the campaign does not dial after this time.
    :param contacts: number of its contacts; ``None`` if unknown.
    :param carries_over: whether to stop waiting shortly before ``end_at``, to carry it over to the next window.
    :param opening: whether to wait only for ``send_at``, and to resume it then. It was paused by a carry-over if
        ``carries_over``, otherwise by a person or an ended task.
    :param seen_dialling: whether it was dialling at the last poll.
    :param breaker: its circuit breaker; ``None`` for none.
    """

    campaign_id: str
    send_at: datetime | None = None
    end_at: datetime | None = None
    contacts: int | None = None
    carries_over: bool = False
    opening: bool = False
    seen_dialling: bool = False
    breaker: Breaker | None = None

    @classmethod
    def for_campaign(
        cls,
        campaign: Campaign,
        now: datetime,
        *,
        contacts: int | None = None,
        carries_over: bool = False,
        breaker: Breaker | None = None,
    ) -> Self:
        """Return the wait for a campaign's end.

        :param campaign: the current campaign.
        :param now: the current time.
        :param contacts: number of its contacts; ``None`` if unknown.
        :param carries_over: whether to carry it over to the next window.
        :param breaker: its circuit breaker; ``None`` for none.
        """
        begins = campaign.schedule.send_at or campaign.date_created or now
        ends = campaign.schedule.end_at or begins + MAX_LIFETIME
        return cls(campaign.id, begins, ends, contacts, carries_over, breaker=breaker)

    def shows_stop(self, campaign: Campaign) -> bool:
        """Return whether everything was stopped since the campaign's end was read, so that no task must resume it.

        :param campaign: the current campaign.
        """
        end_at = campaign.schedule.end_at
        return self.end_at is not None and end_at is not None and timedelta() < self.end_at - end_at < _MAX_MARKS

    def rescheduled_as(self, campaign: Campaign, now: datetime) -> Self:
        """Return the wait with the campaign's current schedule, which a person may have changed.

        :param campaign: the current campaign.
        :param now: the current time.
        """
        if self.end_at is None:
            given: dict[str, Any] = {
                "contacts": self.contacts,
                "carries_over": self.carries_over,
                "breaker": self.breaker,
            }
            return self.for_campaign(campaign, now, **given)
        shown = campaign.schedule
        if self.opening or shown.end_at is None or shown.end_at == self.end_at:
            return self
        return replace(self, send_at=shown.send_at or self.send_at, end_at=shown.end_at)

    def as_json(self) -> dict[str, Any]:
        """Return the wait as plain JSON."""
        plain = {name: value for name, value in self.__dict__.items() if name != "breaker"}
        texts = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in plain.items()}
        values = {_STORED_NAMES.get(name, name): value for name, value in texts.items()}
        return values | ({"breaker": self.breaker.as_json()} if self.breaker else {})

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the wait that :meth:`as_json` stored, whichever version stored it.

        :param kept: the stored JSON; unknown keys are ignored, missing ones have defaults.
        """
        stored = {name: _STORED_NAMES.get(name, name) for name in cls.__dataclass_fields__}
        known = {name: kept[key] for name, key in stored.items() if key in kept}
        moments = {name: datetime.fromisoformat(known[name]) for name in ("send_at", "end_at") if known.get(name)}
        if known.get("breaker"):
            known["breaker"] = Breaker.of_json(known["breaker"])
        return cls(**{**known, **moments})

    def has_begun(self, now: datetime) -> bool:
        """Return whether the campaign should be polled."""
        begins = self.polled_from()
        return not self.opening and (begins is None or begins <= now)

    def polled_from(self) -> datetime | None:
        """Return the time before which polling is pointless, or ``None`` if it is not known.

        A campaign that was seen dialling has begun, even if the service's clock is ahead of ours, as the emulator's is.
        """
        return None if self.seen_dialling else self.send_at

    def is_breaker_due(self, campaign: Campaign | None, now: datetime) -> bool:
        """Return whether the circuit breaker is due now.

        :param campaign: the campaign as of the last poll.
        :param now: the current time.
        """
        dials = campaign is not None and campaign.status is CampaignStatus.IN_PROGRESS
        return dials and self.breaker is not None and self.breaker.is_due(now, self.send_at)

    def wakes_at(self) -> datetime | None:
        """Return the time at which the wait ends in any case."""
        if self.opening:
            return self.send_at
        if self.end_at is None:
            return None
        return self.end_at - CARRY_OVER_LEAD if self.carries_over else self.end_at + OVERDUE_AFTER

    def step_by_clock(self, now: datetime) -> Step | None:
        """Return the reason why the wait ends by the clock alone, or ``None`` to continue."""
        wakes_at = self.wakes_at()
        if wakes_at is None or now < wakes_at:
            return None
        return Step.OPENING if self.opening else Step.CLOSING if self.carries_over else Step.OVERDUE

    def step(self, campaign: Campaign | None, now: datetime) -> Step | None:
        """Return the reason why the wait ends after a poll, or ``None`` to continue.

        :param campaign: the polled campaign; ``None`` if it does not exist any more.
        :param now: the current time.
        """
        if campaign is None or campaign.status is CampaignStatus.DELETED:
            return Step.GONE
        if campaign.status.has_ended or self._is_over(campaign, now):
            return Step.ENDED
        return self.step_by_clock(now)

    def _is_over(self, campaign: Campaign, now: datetime) -> bool:
        """Return whether the window has closed; some accounts then show the campaign as paused, some as in progress."""
        if self.end_at is None or now < self.end_at:
            return False
        if campaign.status is CampaignStatus.PAUSED:
            return True
        between_calls = campaign.stats.in_progress + campaign.stats.retrying
        known = campaign.status is not CampaignStatus.UNKNOWN
        return known and not between_calls and now >= self.end_at + LAST_CALLS_GRACE


def has_open_contacts(campaign: Campaign, contacts: int | None) -> bool:
    """Return whether contacts are left for the next window; true if the counts do not show it."""
    return not campaign.stats.given or tally_of(campaign.stats, contacts=contacts).open > 0
