"""Which campaigns of an account have finished, told once each. Pure.

The service tells no order of ending, so the account's list is read, newest first, back to the oldest campaign that had
not finished at the last look: whatever is older has been told. What is remembered between two looks is small however
many campaigns an account has: of the older ones those that had not finished, of the youngest ones those that had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Self

from airflow_provider_exotel.api.campaign import Campaign
from airflow_provider_exotel.campaign.outcome import Outcome, outcome_of
from airflow_provider_exotel.campaign.waiting import LAST_CALLS, LONGEST_LIFE, Step, Wait

LOOKS_BACK = LONGEST_LIFE + timedelta(days=1)
"""How far back a campaign may have been created that has not finished."""
SHOWS_WITHIN = timedelta(minutes=10)
"""How long a campaign may take to show in the list."""
MOST_REMEMBERED = 1_500
"""Ids kept of campaigns: what Airflow keeps for an asset is limited to 64 KB."""


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
    :param still_open: ids of the campaigns that have not finished, and when they were created.
    :param settled: what was created before shows in the list.
    """

    endings: tuple[Ending, ...]
    since: datetime
    still_open: Mapping[str, datetime]
    settled: datetime


@dataclass(frozen=True)
class Told:
    """What a watcher has been told.

    :param since: what was created before has been told, or is of no interest, unless it was still open.
    :param ids: what was created since and has been told.
    :param still_open: what was created before and had not finished.
    """

    since: datetime
    ids: frozenset[str] = field(default=frozenset())
    still_open: frozenset[str] = field(default=frozenset())

    def news(self, finished: Finished) -> list[Outcome]:
        """Return how those campaigns ended that have not been told, the oldest first."""
        return [one.outcome for one in reversed(finished.endings) if self._is_news(one)]

    @classmethod
    def all_of(cls, finished: Finished) -> Self:
        """Return what a watcher knows once it has been told all that a look saw."""
        ways = [cls._from(finished, finished.settled), cls._from(finished, finished.since)]
        best = min(ways, key=lambda told: len(told.ids) + len(told.still_open))
        # Too much to remember either way: the one that tells a campaign twice rather than never.
        return best if len(best.ids) + len(best.still_open) <= MOST_REMEMBERED else ways[-1]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON; ids beyond :data:`MOST_REMEMBERED` are left out, and told once more."""
        return {
            "since": self.since.isoformat(),
            "ids": sorted(self.ids)[:MOST_REMEMBERED],
            "still_open": sorted(self.still_open),
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return what :meth:`as_json` was made of."""
        return cls(datetime.fromisoformat(kept["since"]), frozenset(kept["ids"]), frozenset(kept["still_open"]))

    @classmethod
    def _from(cls, finished: Finished, since: datetime) -> Self:
        return cls(
            since,
            frozenset(one.outcome.campaign_id for one in finished.endings if one.created >= since),
            frozenset(campaign_id for campaign_id, created in finished.still_open.items() if created < since),
        )

    def _is_news(self, one: Ending) -> bool:
        campaign_id = one.outcome.campaign_id
        return campaign_id in self.still_open or (one.created >= self.since and campaign_id not in self.ids)


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
    still_open = {one.id: created for created, one in young if not _has_finished(one, now)}
    # Not the present moment: the service's clock is another one.
    newest = max((created for created, _ in young), default=start)
    settled = max(start, newest - SHOWS_WITHIN)
    return Finished(endings, max(start, min([settled, *still_open.values()])), still_open, settled)


def _has_finished(campaign: Campaign, now: datetime) -> bool:
    """Return whether nobody is called any more: some accounts leave a campaign paused when its window has closed."""
    if campaign.status.has_ended:
        return True
    # Not at once: shortly after, a task may still carry it into its next window.
    return Wait.for_campaign(campaign, now).step(campaign, now - LAST_CALLS) is Step.ENDED
