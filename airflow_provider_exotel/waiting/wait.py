"""When a wait for a campaign is over, and when it is worth asking. Pure.

A wait always ends: the service keeps a campaign no longer than its ``end_at``, or 30 days where it has none (Exotel,
schedule), and what still shows as running a while after that is not waited for.
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

LONGEST_LIFE = timedelta(days=30)
"""How long the service keeps dialling a campaign without an end."""
LAST_CALLS = timedelta(minutes=15)
"""How long calls may go on that were begun inside the window."""
LINGERS = timedelta(hours=2)
"""How long after its window a campaign may still show as running."""
HAND_OVER = timedelta(seconds=90)
"""How long before its window closes a campaign is taken out of it, to be carried into the next one."""


class Step(StrEnum):
    """What a wait has come to."""

    ENDED = "ended"
    """Nobody is called any more."""
    GONE = "gone"
    """The campaign was deleted."""
    CLOSING = "closing"
    """Its window is about to close and people are left over."""
    OPENING = "opening"
    """The window it was carried into opens."""
    FAILING = "failing"
    """Too many of its calls fail."""
    OVERDUE = "overdue"
    """It shows as running long after its window."""


@dataclass(frozen=True)
class Wait:
    """What is waited for.

    :param campaign_id: the campaign.
    :param send_at: it does not dial before.
    :param end_at: it does not dial after.
    :param contacts: how many people it calls, where that is known.
    :param hand_over: whether to stop waiting shortly before the end, so that it can be carried into the next window.
    :param opening: whether to wait only for ``send_at``.
    :param seen_dialling: whether it was dialling when it was last looked at.
    :param breaker: judges its calls while it dials; ``None`` for not at all.
    """

    campaign_id: str
    send_at: datetime | None = None
    end_at: datetime | None = None
    contacts: int | None = None
    hand_over: bool = False
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
        hand_over: bool = False,
        breaker: Breaker | None = None,
    ) -> Self:
        """Return the wait for a campaign's end.

        :param campaign: it, as it stands.
        :param now: the present moment.
        :param contacts: how many people it calls, where the caller knows it.
        :param hand_over: whether it is to be carried into the next window.
        :param breaker: judges its calls while it dials.
        """
        begins = campaign.schedule.send_at or campaign.date_created or now
        ends = campaign.schedule.end_at or begins + LONGEST_LIFE
        return cls(campaign.id, begins, ends, contacts, hand_over, breaker=breaker)

    def following(self, campaign: Campaign, now: datetime) -> Self:
        """Return the wait with the schedule that the campaign shows: somebody may have moved it meanwhile.

        :param campaign: it, as it stands.
        :param now: the present moment.
        """
        if self.end_at is None:
            given: dict[str, Any] = {"contacts": self.contacts, "hand_over": self.hand_over, "breaker": self.breaker}
            return self.for_campaign(campaign, now, **given)
        shown = campaign.schedule
        if self.opening or shown.end_at is None or shown.end_at == self.end_at:
            return self
        return replace(self, send_at=shown.send_at or self.send_at, end_at=shown.end_at)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        plain = {name: value for name, value in self.__dict__.items() if name != "breaker"}
        told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in plain.items()}
        return told | ({"breaker": self.breaker.as_json()} if self.breaker else {})

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the wait that :meth:`as_json` stored, whichever version stored it.

        :param kept: what was stored; unknown keys are ignored, missing ones have their defaults.
        """
        known = {name: kept[name] for name in cls.__dataclass_fields__ if name in kept}
        moments = {name: datetime.fromisoformat(known[name]) for name in ("send_at", "end_at") if known.get(name)}
        if known.get("breaker"):
            known["breaker"] = Breaker.of_json(known["breaker"])
        return cls(**{**known, **moments})

    def has_begun(self, now: datetime) -> bool:
        """Return whether a look is worth a request."""
        return not self.opening and (self.send_at is None or self.send_at <= now)

    def judges_calls(self, campaign: Campaign | None, now: datetime) -> bool:
        """Return whether the calls of a campaign are to be judged now.

        :param campaign: it, as it was last seen.
        :param now: the present moment.
        """
        dials = campaign is not None and campaign.status is CampaignStatus.IN_PROGRESS
        return dials and self.breaker is not None and self.breaker.is_due(now, self.send_at)

    def wakes_at(self) -> datetime | None:
        """Return the moment at which the wait is over, whatever the service says."""
        if self.opening:
            return self.send_at
        if self.end_at is None:
            return None
        return self.end_at - HAND_OVER if self.hand_over else self.end_at + LINGERS

    def step_by_clock(self, now: datetime) -> Step | None:
        """Return what the clock alone makes of the wait, ``None`` while it goes on."""
        wakes_at = self.wakes_at()
        if wakes_at is None or now < wakes_at:
            return None
        return Step.OPENING if self.opening else Step.CLOSING if self.hand_over else Step.OVERDUE

    def step(self, campaign: Campaign | None, now: datetime) -> Step | None:
        """Return what a look at the campaign makes of the wait, ``None`` while it goes on.

        :param campaign: it, ``None`` if the service knows it no more.
        :param now: the present moment.
        """
        if campaign is None or campaign.status is CampaignStatus.DELETED:
            return Step.GONE
        if campaign.status.has_ended or self._is_over(campaign, now):
            return Step.ENDED
        return self.step_by_clock(now)

    def _is_over(self, campaign: Campaign, now: datetime) -> bool:
        """Return whether the window has closed on it, which some pages call paused and some leave in progress."""
        if self.end_at is None or now < self.end_at:
            return False
        if campaign.status is CampaignStatus.PAUSED:
            return True
        between_calls = campaign.stats.in_progress + campaign.stats.retrying
        known = campaign.status is not CampaignStatus.UNKNOWN
        return known and not between_calls and now >= self.end_at + LAST_CALLS


def people_are_left(campaign: Campaign, contacts: int | None) -> bool:
    """Return whether there is anybody to carry into the next window; where the counts do not say, there is."""
    return not campaign.stats.given or tally_of(campaign.stats, contacts=contacts).open > 0
