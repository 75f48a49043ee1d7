"""Which campaigns of an account have finished, told once each. Pure.

The service tells no order of ending, so the account's list is read, newest first, back to the oldest campaign that had
not finished at the last look: whatever is older has been told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Self

from airflow_provider_exotel.api.campaign import Campaign
from airflow_provider_exotel.campaign.outcome import Outcome, outcome_of
from airflow_provider_exotel.campaign.waiting import LONGEST_LIFE

LOOKS_BACK = LONGEST_LIFE + timedelta(days=1)
"""How far back a campaign may have been created that has not finished."""
SHOWS_WITHIN = timedelta(minutes=10)
"""How long a campaign may take to show in the list."""
MOST_REMEMBERED = 1_500
"""Ids kept of campaigns that were told: what Airflow keeps for an asset is limited to 64 KB."""


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
    """

    endings: tuple[Ending, ...]
    since: datetime


@dataclass(frozen=True)
class Told:
    """What a watcher has been told.

    :param since: what was created before has been told, or is of no interest.
    :param ids: what was created since and has been told.
    """

    since: datetime
    ids: frozenset[str] = field(default=frozenset())

    def news(self, finished: Finished) -> list[Outcome]:
        """Return how those campaigns ended that have not been told, the oldest first."""
        return [
            one.outcome
            for one in reversed(finished.endings)
            if one.created >= self.since and one.outcome.campaign_id not in self.ids
        ]

    @classmethod
    def all_of(cls, finished: Finished) -> Self:
        """Return what a watcher knows once it has been told all that a look saw."""
        of_interest = [one.outcome.campaign_id for one in finished.endings if one.created >= finished.since]
        return cls(finished.since, frozenset(of_interest[:MOST_REMEMBERED]))

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {"since": self.since.isoformat(), "ids": sorted(self.ids)}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return what :meth:`as_json` was made of."""
        return cls(datetime.fromisoformat(kept["since"]), frozenset(kept["ids"]))


def finished_since(campaigns: Iterable[Campaign], since: datetime | None, now: datetime) -> Finished:
    """Return the campaigns that have finished.

    :param campaigns: the account's campaigns, newest first; read only as far back as needed.
    :param since: what the last look returned; ``None`` for the first one.
    :param now: the present moment.
    """
    start = max(since, now - LOOKS_BACK) if since else now - LOOKS_BACK
    dated = ((one.date_created or now, one) for one in campaigns)
    young = list(takewhile(lambda dated_one: dated_one[0] >= start, dated))
    endings = tuple(Ending(created, outcome_of(one)) for created, one in young if one.status.has_ended)
    still_open = [created for created, one in young if not one.status.has_ended]
    # Not the present moment: the service's clock is another one.
    newest = max((created for created, _ in young), default=start)
    return Finished(endings, max(start, min([*still_open, newest]) - SHOWS_WITHIN))
