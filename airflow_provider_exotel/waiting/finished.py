"""Find the finished campaigns of an account, and report each one once. Pure.

The service cannot list campaigns by the time they ended. So each poll reads the account's list, newest first, back to
the oldest campaign that was open at the last poll; older ones have been reported. The cursor stays small for any
account: it holds the older campaigns that were still open, and the newest ones that had finished.
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
from airflow_provider_exotel.waiting.wait import LAST_CALLS_GRACE, MAX_LIFETIME, Step, Wait

LOOKBACK = MAX_LIFETIME + timedelta(days=1)
"""Maximum age of a campaign that has not finished."""
LIST_DELAY = timedelta(minutes=10)
"""Maximum delay until a new campaign appears in the list."""
MAX_FINGERPRINTS = 3_500
"""Maximum number of fingerprints in a cursor: Airflow limits the state of an asset to 64 KB."""
_FINGERPRINT_LENGTH = 12


@dataclass(frozen=True)
class FinishedCampaign:
    """A campaign that has finished.

    :param created: its creation time.
    :param outcome: its outcome.
    """

    created: datetime
    outcome: Outcome


@dataclass(frozen=True)
class Finished:
    """The result of one poll of the account.

    :param endings: the finished campaigns, newest first.
    :param since: creation time from which the next poll has to read.
    :param still_open: fingerprints of the unfinished campaigns, with their creation times.
    :param newest: creation time of the newest campaign.
    """

    endings: tuple[FinishedCampaign, ...]
    since: datetime
    still_open: Mapping[str, datetime]
    newest: datetime


@dataclass(frozen=True)
class WatcherCursor:
    """The finished campaigns that a watcher has reported.

    :param since: campaigns created before this time are not reported any more, unless they were still open.
    :param reported: fingerprints of the reported campaigns created since then.
    :param still_open: fingerprints of the unfinished campaigns created before then.
    """

    since: datetime
    reported: frozenset[str] = field(default=frozenset())
    still_open: frozenset[str] = field(default=frozenset())

    def unreported(self, finished: Finished) -> list[Outcome]:
        """Return the outcomes that have not been reported, oldest first."""
        return [one.outcome for one in reversed(finished.endings) if self._is_unreported(one)]

    @classmethod
    def after(cls, finished: Finished) -> Self:
        """Return the cursor after everything in a poll was reported."""
        candidates = [cls._from(finished, since) for since in (finished.newest - LIST_DELAY, finished.since)]
        best = min(candidates, key=_size)
        if _size(best) > MAX_FINGERPRINTS:  # give up campaigns that appear late in the list
            best = cls._from(finished, finished.newest + timedelta.resolution)
        # If neither cursor fits, prefer the one that reports a campaign twice over one that misses it.
        return best if _size(best) <= MAX_FINGERPRINTS else candidates[-1]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON; campaigns beyond :data:`MAX_FINGERPRINTS` are left out and reported again."""
        return {
            "since": self.since.isoformat(),
            "told": sorted(self.reported)[:MAX_FINGERPRINTS],
            "still_open": sorted(self.still_open),
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the cursor that :meth:`as_json` stored, whichever version stored it.

        :param kept: what was stored; unknown keys are ignored, missing fingerprints default to none.
        :raises KeyError: if ``since`` is missing.
        """
        reported, still_open = (frozenset(kept.get(name, ())) for name in ("told", "still_open"))
        return cls(datetime.fromisoformat(kept["since"]), reported, still_open)

    @classmethod
    def _from(cls, finished: Finished, since: datetime) -> Self:
        return cls(
            since,
            frozenset(_fingerprint(one.outcome.campaign_id) for one in finished.endings if one.created >= since),
            frozenset(fingerprint for fingerprint, created in finished.still_open.items() if created < since),
        )

    def _is_unreported(self, one: FinishedCampaign) -> bool:
        fingerprint = _fingerprint(one.outcome.campaign_id)
        return fingerprint in self.still_open or (one.created >= self.since and fingerprint not in self.reported)


def finished_since(campaigns: Iterable[Campaign], since: datetime | None, now: datetime) -> Finished:
    """Return the campaigns that have finished.

    :param campaigns: the account's campaigns, newest first; read only as far back as needed.
    :param since: ``since`` of the last poll; ``None`` for the first one.
    :param now: the current time.
    """
    start = max(since, now - LOOKBACK) if since else now - LOOKBACK
    dated = ((one.date_created or now, one) for one in campaigns)
    recent = list(takewhile(lambda pair: pair[0] >= start, dated))
    endings = tuple(FinishedCampaign(created, outcome_of(one)) for created, one in recent if _has_finished(one, now))
    still_open = {_fingerprint(one.id): created for created, one in recent if not _has_finished(one, now)}
    # Not the current time: the clock of the service may differ.
    newest = max((created for created, _ in recent), default=start)
    oldest = min([newest - LIST_DELAY, *still_open.values()])
    return Finished(endings, max(start, oldest), still_open, newest)


def _size(cursor: WatcherCursor) -> int:
    return len(cursor.reported) + len(cursor.still_open)


def _fingerprint(campaign_id: str) -> str:
    """Return the fingerprint of a campaign, which is shorter than its id."""
    return hashlib.sha256(campaign_id.encode()).hexdigest()[:_FINGERPRINT_LENGTH]


def _has_finished(campaign: Campaign, now: datetime) -> bool:
    """Return whether the campaign makes no more calls; some accounts leave it paused after its window has closed."""
    if campaign.status.has_ended:
        return True
    # Allow some time: shortly after the end, a task may still carry it over into the next window.
    return Wait.for_campaign(campaign, now).step(campaign, now - LAST_CALLS_GRACE) is Step.ENDED
