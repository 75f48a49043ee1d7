"""Does it add up: reached, not reached and never tried are everybody, and the campaign's own counts say the same.

The calls tell of people who were called; only the campaign's counts tell of those who never were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from airflow_provider_exotel.api.campaign import Campaign, CampaignStats
from airflow_provider_exotel.report.call import REACHED

NEVER_TRIED = "never-tried"
DO_NOT_DISTURB, INVALID = "do-not-disturb", "invalid-number"
_OPEN = ("pending", "in_progress", "retry", "retrying", "paused")
# What each count of a dialect holds, by the words of this accounting. The newer pages count who was never tried among
# the failed; the older reference counts them apart, and all who were called in vain as failed.
_NEWER: Mapping[str, tuple[str, ...]] = {
    "completed": (REACHED,),
    "busy": ("busy",),
    "no_answer": ("no-answer",),
    "failed": ("failed", NEVER_TRIED),
}
_OLDER: Mapping[str, tuple[str, ...]] = {
    "completed": (REACHED,),
    "failed": ("busy", "no-answer", "failed"),
    "failed_no_attempt": (NEVER_TRIED,),
}


class Difference(NamedTuple):
    """A count the calls and the campaign do not agree about.

    :param what: which.
    :param calls: what comes of the calls.
    :param campaign: what the campaign says.
    """

    what: str
    calls: int
    campaign: int


@dataclass(frozen=True)
class Accounting:
    """What became of everybody; :attr:`contacts` is the sum of the others.

    :param reached: people with a completed call.
    :param not_reached: people who were not reached, by the reason of the last attempt.
    :param never_tried: people who were not called before the campaign ended.
    :param differences: where the campaign's own counts say otherwise.
    :param has_counts: whether the campaign has counts of its own, so that agreeing with them means something.
    """

    reached: int = 0
    not_reached: Mapping[str, int] = field(default_factory=dict)
    never_tried: int = 0
    differences: tuple[Difference, ...] = ()
    has_counts: bool = True

    @property
    def contacts(self) -> int:
        """Everybody."""
        return self.reached + sum(self.not_reached.values()) + self.never_tried


def account(campaign: Campaign, finals: Mapping[str, int], calls: int, said: int | None) -> Accounting:
    """Return the accounting of a campaign.

    :param campaign: the campaign, with its counts.
    :param finals: how many people there are by final status.
    :param calls: how many calls there are.
    :param said: how many calls the service says there are, ``None`` if it does not.
    """
    stats, tried = campaign.stats, sum(finals.values())
    everybody = _everybody(campaign)
    left = max((everybody or 0) - tried, 0)
    # Where the service lists calls to these people they are among the failed already, and nobody is left to be them.
    blocked = min(stats.failed_dnd, left)
    invalid = min(stats.invalid, left - blocked)
    reasons = {status: count for status, count in finals.items() if status != REACHED}
    reasons |= {name: count for name, count in ((DO_NOT_DISTURB, blocked), (INVALID, invalid)) if count}
    made = Accounting(finals.get(REACHED, 0), reasons, left - blocked - invalid)
    found = [Difference("attempts", calls, said)] if said is not None else []
    if everybody is not None:
        found.append(Difference("contacts", made.contacts, everybody))
        found += _compared(made, stats)
    differences = tuple(one for one in found if one.calls != one.campaign)
    return Accounting(made.reached, made.not_reached, made.never_tried, differences, everybody is not None)


def total(accountings: Iterable[Accounting]) -> Accounting:
    """Return what became of everybody in several campaigns; a person in two of them counts twice."""
    several = list(accountings)
    reasons: Counter[str] = Counter()
    for one in several:
        reasons.update(one.not_reached)
    return Accounting(
        sum(one.reached for one in several),
        dict(reasons),
        sum(one.never_tried for one in several),
        tuple(difference for one in several for difference in one.differences),
        all(one.has_counts for one in several),
    )


def _everybody(campaign: Campaign) -> int | None:
    """Return how many people the campaign has by its own counts, ``None`` if it does not say.

    Once it has ended, ``created`` is everybody in the newer pages and nobody in the older reference.
    """
    scheduled = str(campaign.summary.get("call_scheduled", ""))
    if scheduled.isdecimal():
        return int(scheduled)
    stats = campaign.stats
    known = sum(stats.as_dict().values()) - sum(stats.other.values())
    return stats.created or known or (len(campaign.numbers) if campaign.numbers else None)


def _compared(made: Accounting, stats: CampaignStats) -> Iterable[Difference]:
    counted = {REACHED: made.reached, NEVER_TRIED: made.never_tried, **made.not_reached}
    # A word of the service that is not known here is a call in vain to it.
    known = {REACHED, NEVER_TRIED, "busy", "no-answer", DO_NOT_DISTURB, INVALID}
    counted["failed"] = sum(count for word, count in counted.items() if word not in known)
    newer = stats.created or stats.busy or stats.no_answer
    for name, words in (_NEWER if newer else _OLDER).items():
        # Whoever waits for a call that never came is open in the campaign's counts, and tried or not in these.
        if name == "completed" or not any(getattr(stats, one) for one in _OPEN):
            yield Difference(name, sum(counted.get(word, 0) for word in words), getattr(stats, name))
