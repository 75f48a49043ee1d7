"""Does it add up: reached, not reached and never tried are everybody, and the campaign's own counts say the same.

The calls tell of people who were called; only the campaign's counts tell of those who never were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from airflow_provider_exotel.client.models import Campaign, CampaignStats
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
    :param is_compared: whether there are such counts, of people as these are.
    """

    reached: int = 0
    not_reached: Mapping[str, int] = field(default_factory=dict)
    never_tried: int = 0
    differences: tuple[Difference, ...] = ()
    is_compared: bool = True

    @property
    def contacts(self) -> int:
        """Everybody."""
        return self.reached + sum(self.not_reached.values()) + self.never_tried


def account(
    campaign: Campaign, finals: Mapping[str, int], calls: int, said: int | None, first_calls: int = 0
) -> Accounting:
    """Return the accounting of a campaign.

    :param campaign: the campaign, with its counts.
    :param finals: how many people there are by final status.
    :param calls: how many calls there are.
    :param said: how many calls the service says there are, ``None`` if it does not.
    :param first_calls: how many calls are first attempts, as far as the service says so.
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
    of_calls = [Difference("attempts", calls, said)] if said is not None else []
    of_people = [Difference("contacts", made.contacts, everybody)] if everybody is not None else []
    # Counts that are missing altogether say nothing, and not that there was nobody.
    of_people += _compared(made, stats) if stats.given and everybody is not None else ()
    is_compared = bool(of_people and stats.given)
    if campaign.call_duplicate_numbers and _differing(of_people):
        # The campaign counts a number as often as it is listed, and the calls tell of people.
        left = max((everybody or 0) - max(tried, first_calls), 0)
        made, of_people, is_compared = replace(made, never_tried=min(left, _uncalled(stats))), [], False
    return replace(made, differences=_differing([*of_calls, *of_people]), is_compared=is_compared)


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
        all(one.is_compared for one in several),
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


def _differing(found: Iterable[Difference]) -> tuple[Difference, ...]:
    return tuple(one for one in found if one.calls != one.campaign)


def _is_newer(stats: CampaignStats) -> bool:
    return bool(stats.created or stats.busy or stats.no_answer)


def _uncalled(stats: CampaignStats) -> int:
    """Return how many were not called by the campaign's counts, at most."""
    return stats.pending + stats.paused + (stats.failed if _is_newer(stats) else stats.failed_no_attempt)


def _compared(made: Accounting, stats: CampaignStats) -> Iterable[Difference]:
    counted = {REACHED: made.reached, NEVER_TRIED: made.never_tried, **made.not_reached}
    # A word of the service that is not known here is a call in vain to it.
    known = {REACHED, NEVER_TRIED, "busy", "no-answer", DO_NOT_DISTURB, INVALID}
    counted["failed"] = sum(count for word, count in counted.items() if word not in known)
    for name, words in (_NEWER if _is_newer(stats) else _OLDER).items():
        # Whoever waits for a call that never came is open in the campaign's counts, and tried or not in these.
        if name == "completed" or not any(getattr(stats, one) for one in _OPEN):
            yield Difference(name, sum(counted.get(word, 0) for word in words), getattr(stats, name))
