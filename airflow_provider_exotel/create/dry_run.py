"""What a campaign would do, before anything is sent: the dry run."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow_provider_exotel.client.request import CampaignRequest

ACCOUNT_CALLS_PER_MINUTE = 60
"""What an account may dial by default (Exotel, campaign throttling)."""


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CampaignPlan:
    """A campaign as it would be sent.

    :param request: the request, its schedule resolved.
    :param rejected: entries left out because they cannot be phone numbers.
    """

    request: CampaignRequest
    rejected: int = 0

    @property
    def contacts(self) -> int | None:
        """How many people it calls; ``None`` where lists hold them."""
        return None if self.request.numbers is None else len(self.request.numbers)

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
    def fits(self) -> bool | None:
        """Whether every attempt finds room before the end; ``None`` where size or end is not known."""
        schedule = self.request.schedule
        if self.minutes_to_finish is None or schedule is None or not schedule.send_at or not schedule.end_at:
            return None
        return schedule.send_at + timedelta(minutes=self.minutes_to_finish) <= schedule.end_at

    @property
    def warnings(self) -> list[str]:
        """What to look at before anybody is called, in plain words."""
        return list(self._warnings())

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON, numbers as a count."""
        payload = self.request.safe_payload()
        return {
            "name": self.request.name,
            "contacts": self.contacts,
            "rejected": self.rejected,
            **{name: payload.get("schedule", {}).get(name) for name in ("send_at", "end_at")},
            "minutes_to_finish": self.minutes_to_finish,
            "fits": self.fits,
            "warnings": self.warnings,
            "payload": payload,
        }

    def _warnings(self) -> Iterator[str]:
        yield from self.request.warnings()
        if self.rejected:
            yield f"{self.rejected:,} entries cannot be phone numbers and were left out."
        if self.fits is False:
            yield (
                f"Dialling everybody with all retries takes at least {self.minutes_to_finish:,} minutes, more than the "
                "window has: some people will not be tried. Widen the window, split the campaign, or raise throttle."
            )


def log_plan(plan: CampaignPlan) -> None:
    """Log what is about to dial, and what to check before it does."""
    for warning in plan.warnings:
        log.warning("%s", warning)
    log.info("Campaign to dial: %s", json.dumps(plan.request.safe_payload(), ensure_ascii=False))
