"""The circuit breaker: pause a campaign whose calls fail before it has dialled all of its contacts.

A wrong flow, a dead ExoPhone or an empty balance makes every call fail. The campaign's own counts do not always show
this: contacts that wait for a retry may count as pending, and busy lines may count as failed. So the breaker counts the
calls themselves. One count takes two requests, and the time between two counts doubles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_exotel.client.errors import ExotelRequestRefused

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import CallStatus, ExotelClient

MIN_CALLS = 30
"""Minimum number of calls per evaluation; the failure rate of fewer calls is not meaningful."""
FIRST_SAMPLE_AFTER = timedelta(minutes=2)
"""Time between the start of a campaign and the first count of its calls."""
_MAX_READ = 500


@dataclass(frozen=True)
class CallSample:
    """Number of calls of a campaign, and number of failed calls among them."""

    calls: int
    failed: int


@dataclass(frozen=True)
class Breaker:
    """The failure rate limit of a campaign, and the calls that were evaluated so far.

    :param limit: the share of failed calls, 0 to 1, above which the campaign is paused.
    :param judge_at: time of the next count; ``None`` to count as soon as the campaign dials.
    :param calls: number of calls evaluated so far.
    :param failed: number of failed calls among them.
    :param joins: whether the calls of the first count are older than this wait, and so not evaluated.
    """

    limit: float
    judge_at: datetime | None = None
    calls: int = 0
    failed: int = 0
    joins: bool = False

    @classmethod
    def of_wait(cls, limit: float, now: datetime, started: datetime | None) -> Self:
        """Return the breaker of a wait that begins now.

        A campaign that has been dialling for a while was dealt with by an earlier try or a person: calls that failed
        before the cause was mended must not have it paused once more.

        :param limit: the share of failed calls above which the campaign is paused.
        :param now: the current time.
        :param started: when the campaign began to dial.
        """
        return cls(limit, joins=started is not None and now >= started + FIRST_SAMPLE_AFTER)

    def is_due(self, now: datetime, started: datetime | None) -> bool:
        """Return whether the calls should be counted now.

        :param now: the current time.
        :param started: when the campaign began to dial.
        """
        first = None if started is None else started + FIRST_SAMPLE_AFTER
        moment = self.judge_at or first
        return moment is None or now >= moment

    def evaluate(self, sample: CallSample, now: datetime, started: datetime | None) -> tuple[Self, str | None]:
        """Return the updated breaker, and the reason to pause the campaign, or ``None`` to let it dial.

        Only calls since the last evaluation count. Otherwise many earlier successes would hide a balance that runs out.

        :param sample: the calls so far.
        :param now: the current time.
        :param started: when the campaign began to dial.
        """
        if self.joins:
            known = replace(self, calls=sample.calls, failed=sample.failed, joins=False)
            return replace(known, judge_at=now + FIRST_SAMPLE_AFTER), None
        delay = max(now - started, FIRST_SAMPLE_AFTER) if started is not None else FIRST_SAMPLE_AFTER
        calls, failed = sample.calls - self.calls, sample.failed - self.failed
        later = replace(self, judge_at=now + delay)
        if calls < MIN_CALLS:
            return later, None
        if failed > self.limit * calls:
            return later, (
                f"{failed:,} of its {'last ' if self.calls else ''}{calls:,} calls failed, more than "
                f"pause_if_failed_above ({self.limit:.0%}) allows; check the ExoPhone, the flow, the balance and the "
                "numbers, then resume it"
            )
        return replace(later, calls=sample.calls, failed=sample.failed), None

    def as_json(self) -> dict[str, Any]:
        """Return the breaker as plain JSON."""
        return {**self.__dict__, "judge_at": self.judge_at.isoformat() if self.judge_at else None}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the breaker that :meth:`as_json` stored; unknown keys are ignored."""
        moment = kept.get("judge_at")
        judge_at = datetime.fromisoformat(moment) if moment else None
        return cls(kept["limit"], judge_at, kept.get("calls", 0), kept.get("failed", 0), kept.get("joins", False))


def sample_calls(client: ExotelClient, campaign_id: str) -> CallSample:
    """Count all calls and the failed calls of a campaign, in two requests.

    If the service returns no totals, or does not filter calls by their status, only the first 500 calls are counted: a
    wrong count would pause a campaign whose calls go well.

    :param client: the account's client.
    :param campaign_id: the campaign.
    :raises ExotelError: if the calls cannot be read.
    """
    calls, failed = _count(client, campaign_id), _count(client, campaign_id, "failed")
    if calls is not None and failed is not None and failed <= calls:
        return CallSample(calls, failed)
    first = next(iter(client.call_details_pages(campaign_id, page_size=_MAX_READ)), None)
    records = first.records if first is not None else ()
    return CallSample(len(records), sum(record.status == "failed" for record in records))


def _count(client: ExotelClient, campaign_id: str, status: CallStatus | None = None) -> int | None:
    """Return how many calls a campaign has made, ``None`` if the answer is no proof of it."""
    try:
        pages = client.call_details_pages(campaign_id, page_size=1, status=(status,) if status else None)
        page = next(iter(pages), None)
    except ExotelRequestRefused:
        if status is None:
            raise
        return None  # a filter in another spelling than this account's
    if page is None:
        return 0
    is_filtered = all(status in {None, record.status} for record in page.records)
    is_of_page = page.total == len(page.records) > 0  # as one dialect may count
    return page.total if is_filtered and not is_of_page else None
