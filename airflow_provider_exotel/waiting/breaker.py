"""The circuit breaker: stop a campaign whose calls fail, before it has tried everybody for nothing.

A wrong flow, a dead ExoPhone or an empty balance fails call after call. The counts of a campaign do not show that in
every dialect: contacts that wait for a retry count as pending, and busy lines may count as failed. So the calls
themselves are counted, which takes two requests; the pauses between two counts double.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import CallStatus, ExotelClient

ENOUGH_CALLS = 30
"""How many calls are judged at least: a share of fewer says little."""
FIRST_AFTER = timedelta(minutes=2)
"""How long after its start a campaign's calls are counted first."""
_MOST_READ = 500


@dataclass(frozen=True)
class CallSample:
    """How many calls a campaign has made, and how many of them were not put through."""

    calls: int
    failed: int


@dataclass(frozen=True)
class Breaker:
    """Judges the calls of a campaign while it dials.

    :param limit: the share of failed calls, 0 to 1, above which the campaign is paused.
    :param judge_at: when the calls are counted next; ``None`` for as soon as the campaign dials.
    :param calls: the calls that have been judged.
    :param failed: those of them that had failed.
    """

    limit: float
    judge_at: datetime | None = None
    calls: int = 0
    failed: int = 0

    def is_due(self, now: datetime, started: datetime | None) -> bool:
        """Return whether the calls are to be counted now.

        :param now: the present moment.
        :param started: when the campaign began to dial.
        """
        first = None if started is None else started + FIRST_AFTER
        moment = self.judge_at or first
        return moment is None or now >= moment

    def judge(self, sample: CallSample, now: datetime, started: datetime | None) -> tuple[Self, str | None]:
        """Return the breaker as it goes on, and in words why the campaign is to be paused, ``None`` if it is not.

        Only the calls since the last judgement count, so that a balance that runs out shows after many good calls too.

        :param sample: the calls so far.
        :param now: the present moment.
        :param started: when the campaign began to dial.
        """
        pause = max(now - started, FIRST_AFTER) if started is not None else FIRST_AFTER
        calls, failed = sample.calls - self.calls, sample.failed - self.failed
        later = replace(self, judge_at=now + pause)
        if calls < ENOUGH_CALLS:
            return later, None
        if failed > self.limit * calls:
            return later, (
                f"{failed:,} of its {'last ' if self.calls else ''}{calls:,} calls failed, more than "
                f"pause_if_failed_above ({self.limit:.0%}) allows; check the ExoPhone, the flow, the balance and the "
                "numbers, then resume it"
            )
        return replace(later, calls=sample.calls, failed=sample.failed), None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {**self.__dict__, "judge_at": self.judge_at.isoformat() if self.judge_at else None}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the breaker that :meth:`as_json` stored; unknown keys are ignored."""
        moment = kept.get("judge_at")
        judge_at = datetime.fromisoformat(moment) if moment else None
        return cls(kept["limit"], judge_at, kept.get("calls", 0), kept.get("failed", 0))


def sample_calls(client: ExotelClient, campaign_id: str) -> CallSample:
    """Count the calls of a campaign, and those that failed: two requests.

    Where the service does not tell how many there are, its first 500 calls are counted.

    :param client: the account's client.
    :param campaign_id: the campaign.
    :raises ExotelError: if they cannot be read.
    """
    totals = []
    statuses: tuple[tuple[CallStatus, ...] | None, ...] = (None, ("failed",))
    for status in statuses:
        page = next(iter(client.call_details_pages(campaign_id, page_size=1, status=status)), None)
        totals.append(0 if page is None else page.total)
    calls, failed = totals
    if calls is not None and failed is not None:
        return CallSample(calls, failed)
    first = next(iter(client.call_details_pages(campaign_id, page_size=_MOST_READ)), None)
    records = first.records if first is not None else ()
    return CallSample(len(records), sum(record.status == "failed" for record in records))
