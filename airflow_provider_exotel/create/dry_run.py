"""The dry run: describe a campaign before anything is sent."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_exotel.client.request import CampaignRequest, Schedule
from airflow_provider_exotel.create.cost import CostEstimate, Tariff
from airflow_provider_exotel.html.render import quantity

ACCOUNT_CALLS_PER_MINUTE = 60
"""Default calls per minute of an account (Exotel, campaign throttling)."""


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CampaignPlan:
    """A campaign as it would be sent.

    :param request: the request, with its resolved schedule.
    :param rejected: number of entries left out because they are not phone numbers.
    :param tariff: the price per minute; ``None`` if the connection has none.
    """

    request: CampaignRequest
    rejected: int = 0
    tariff: Tariff | None = None

    @property
    def contacts(self) -> int | None:
        """Number of contacts; ``None`` if they are in lists."""
        return None if self.request.numbers is None else len(self.request.numbers)

    @property
    def attempts(self) -> int:
        """Maximum number of call attempts per contact."""
        return 1 + (self.request.call_retries.number_of_retries or 0 if self.request.call_retries else 0)

    @property
    def description(self) -> str:
        """The campaign in a few sentences: contacts, attempts, local times, duration and cost."""
        whom = "The contacts of its lists" if self.contacts is None else quantity(self.contacts, "contact")
        verb = "is" if self.contacts == 1 else "are"
        times = "once" if self.attempts == 1 else f"up to {self.attempts} times"
        parts = [f"{whom} {verb} called {times}, {describe_schedule(self.request.schedule)}."]
        if self.minutes_to_finish is not None:
            parts.append(f"That takes at least {quantity(self.minutes_to_finish, 'minute')}.")
        if self.cost is not None:
            parts.append(f"It may cost {self.cost}.")
        return " ".join(parts)

    @property
    def minutes_to_finish(self) -> int | None:
        """Minutes from the first call to the start of the last attempt, if nobody is reached before it.

        A campaign in automatic mode shares the account's calls per minute, so this is the best case.
        """
        if self.contacts is None:
            return None
        dialling = math.ceil(self.contacts / (self.request.throttle or ACCOUNT_CALLS_PER_MINUTE))
        return dialling + (self.request.call_retries.longest_minutes() if self.request.call_retries else 0)

    @property
    def cost(self) -> CostEstimate | None:
        """The estimated cost; ``None`` if price or size is unknown."""
        if self.tariff is None or self.contacts is None:
            return None
        return self.tariff.estimate(self.contacts, self.request.call_retries)

    @property
    def fits(self) -> bool | None:
        """Whether all attempts fit before the end; ``None`` if size or end is unknown."""
        schedule = self.request.schedule
        if self.minutes_to_finish is None or schedule is None or not schedule.send_at or not schedule.end_at:
            return None
        return schedule.send_at + timedelta(minutes=self.minutes_to_finish) <= schedule.end_at

    @property
    def warnings(self) -> list[str]:
        """Warnings to check before anybody is called."""
        return list(self._warnings())

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON, with a count instead of phone numbers."""
        payload = self.request.safe_payload()
        return {
            "description": self.description,
            "name": self.request.name,
            "contacts": self.contacts,
            "rejected": self.rejected,
            **{name: payload.get("schedule", {}).get(name) for name in ("send_at", "end_at")},
            "minutes_to_finish": self.minutes_to_finish,
            "fits": self.fits,
            "cost": self.cost.as_json() if self.cost else None,
            "warnings": self.warnings,
            "payload": payload,
        }

    def _warnings(self) -> Iterator[str]:
        yield from self.request.warnings()
        if self.rejected:
            yield f"{self.rejected:,} entries are not phone numbers and were left out."
        if self.fits is False:
            yield (
                f"Dialling everybody with all retries takes at least {self.minutes_to_finish:,} minutes, which is "
                "longer than the window: some contacts will not be called. Widen the window, split the campaign, or "
                "raise throttle."
            )


def log_plan(plan: CampaignPlan) -> None:
    """Log a plan with its warnings."""
    log.info("%s", plan.description)
    for warning in plan.warnings:
        log.warning("%s", warning)
    log.info("The request: %s", json.dumps(plan.request.safe_payload(), ensure_ascii=False))


def describe_schedule(schedule: Schedule | None) -> str:
    """Return a description of when a campaign dials, with both times in one zone.

    :param schedule: its schedule; ``None`` for now. If its times have different offsets, the first one that is not UTC
        is used: a person wrote it, while a computed time is in UTC.
    """
    send_at, end_at = (schedule.send_at, schedule.end_at) if schedule else (None, None)
    offsets = [moment.utcoffset() for moment in (send_at, end_at) if moment is not None]
    zone = timezone(next(filter(None, offsets), timedelta()))
    begins = "from now on" if send_at is None else f"from {_clock(send_at, zone)}"
    if end_at is None:
        return f"{begins}{f' ({zone})' if send_at else ''} and for up to 30 days"
    same_day = send_at is not None and send_at.astimezone(zone).date() == end_at.astimezone(zone).date()
    until = f"{end_at.astimezone(zone):%H:%M}" if same_day else _clock(end_at, zone)
    return f"{begins} to {until} ({zone})"


def _clock(moment: datetime, zone: timezone) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
