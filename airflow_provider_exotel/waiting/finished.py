"""Which campaigns of an account have finished, told once each. Pure.

The service tells no order of ending, so the account's list is read, newest first, back to the oldest campaign that had
not finished at the last look: whatever is older has been told. What is remembered between two looks is small however
many campaigns an account has: of the older ones those that had not finished, of the youngest ones those that had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Self

from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.waiting.outcome import Outcome, outcome_of
from airflow_provider_exotel.waiting.wait import LAST_CALLS, LONGEST_LIFE, Step, Wait

LOOKS_BACK = LONGEST_LIFE + timedelta(days=1)
"""How far back a campaign may have been created that has not finished."""
SHOWS_WITHIN = timedelta(minutes=10)
"""How long a campaign may take to show in the list."""
MOST_REMEMBERED = 3_500
"""Marks kept of campaigns: what Airflow keeps for an asset is limited to 64 KB."""
_MARK_LENGTH = 12


@dataclass(frozen=True)
class Ending:
    """A campaign that has finished.

    :param created: when it was created.
    :param outcome: how it ended.
    """

    created: datetime
    outcome: Outcome


@dataclass(frozen=True)
class Finished:
    """What a look at the account saw.

    :param endings: the campaigns that have finished, the newest first.
    :param since: from when on to look the next time.
    :param still_open: marks of the campaigns that have not finished, and when they were created.
    :param newest: when the newest campaign was created.
    """

    endings: tuple[Ending, ...]
    since: datetime
    still_open: Mapping[str, datetime]
    newest: datetime


@dataclass(frozen=True)
class WatcherCursor:
    """Which finished campaigns a watcher has reported.

    :param since: what was created before has been told, or is of no interest, unless it was still open.
    :param told: marks of what was created since and has been told.
    :param still_open: marks of what was created before and had not finished.
    """

    since: datetime
    told: frozenset[str] = field(default=frozenset())
    still_open: frozenset[str] = field(default=frozenset())

    def news(self, finished: Finished) -> list[Outcome]:
        """Return how those campaigns ended that have not been told, the oldest first."""
        return [one.outcome for one in reversed(finished.endings) if self._is_news(one)]

    @classmethod
    def all_of(cls, finished: Finished) -> Self:
        """Return what a watcher knows once it has been told all that a look saw."""
        ways = [cls._from(finished, since) for since in (finished.newest - SHOWS_WITHIN, finished.since)]
        best = min(ways, key=_size)
        if _size(best) > MOST_REMEMBERED:  # without waiting for what shows late
            best = cls._from(finished, finished.newest + timedelta.resolution)
        # Too much to remember in any way: the one that tells a campaign twice rather than never.
        return best if _size(best) <= MOST_REMEMBERED else ways[-1]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON; what is beyond :data:`MOST_REMEMBERED` is left out, and told once more."""
        return {
            "since": self.since.isoformat(),
            "told": sorted(self.told)[:MOST_REMEMBERED],
            "still_open": sorted(self.still_open),
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the cursor that :meth:`as_json` stored, whichever version stored it.

        :param kept: what was stored; unknown keys are ignored, missing marks count as none.
        :raises KeyError: without ``since``, which is no cursor.
        """
        told, still_open = (frozenset(kept.get(name, ())) for name in ("told", "still_open"))
        return cls(datetime.fromisoformat(kept["since"]), told, still_open)

    @classmethod
    def _from(cls, finished: Finished, since: datetime) -> Self:
        return cls(
            since,
            frozenset(_mark(one.outcome.campaign_id) for one in finished.endings if one.created >= since),
            frozenset(mark for mark, created in finished.still_open.items() if created < since),
        )

    def _is_news(self, one: Ending) -> bool:
        mark = _mark(one.outcome.campaign_id)
        return mark in self.still_open or (one.created >= self.since and mark not in self.told)


def finished_since(campaigns: Iterable[Campaign], since: datetime | None, now: datetime) -> Finished:
    """Return the campaigns that have finished.

    :param campaigns: the account's campaigns, newest first; read only as far back as needed.
    :param since: what the last look returned; ``None`` for the first one.
    :param now: the present moment.
    """
    start = max(since, now - LOOKS_BACK) if since else now - LOOKS_BACK
    dated = ((one.date_created or now, one) for one in campaigns)
    young = list(takewhile(lambda dated_one: dated_one[0] >= start, dated))
    endings = tuple(Ending(created, outcome_of(one)) for created, one in young if _has_finished(one, now))
    still_open = {_mark(one.id): created for created, one in young if not _has_finished(one, now)}
    # Not the present moment: the service's clock is another one.
    newest = max((created for created, _ in young), default=start)
    oldest = min([newest - SHOWS_WITHIN, *still_open.values()])
    return Finished(endings, max(start, oldest), still_open, newest)


def _size(told: WatcherCursor) -> int:
    return len(told.told) + len(told.still_open)


def _mark(campaign_id: str) -> str:
    """Return what a campaign is remembered by, shorter than its id."""
    return hashlib.sha256(campaign_id.encode()).hexdigest()[:_MARK_LENGTH]


def _has_finished(campaign: Campaign, now: datetime) -> bool:
    """Return whether nobody is called any more: some accounts leave a campaign paused when its window has closed."""
    if campaign.status.has_ended:
        return True
    # Not at once: shortly after, a task may still carry it into its next window.
    return Wait.for_campaign(campaign, now).step(campaign, now - LAST_CALLS) is Step.ENDED
