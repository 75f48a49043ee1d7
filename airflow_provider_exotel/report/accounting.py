"""Does it add up: reached, not reached and never tried are all contacts, and the campaign's own counts agree.

The calls show who was called; only the campaign's counts show how many never were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

from airflow_provider_exotel.client.models import Campaign, CampaignStats
from airflow_provider_exotel.report.call import REACHED
from airflow_provider_exotel.waiting.outcome import Tally, counts_uncalled_as_failed, tally_of

NEVER_TRIED = "never-tried"
DO_NOT_DISTURB, INVALID = "do-not-disturb", "invalid-number"
_OPEN = ("pending", "in_progress", "retry", "retrying", "paused")
# The reasons that a dialect may count apart, by the status of a call; all others it counts as failed.
_COUNTED_APART = {"busy": "busy", "no-answer": "no_answer"}


class Difference(NamedTuple):
    """A count that the calls and the campaign disagree about.

    :param what: which count.
    :param calls: its value by the calls.
    :param campaign: its value by the campaign's own counts.
    """

    what: str
    calls: int
    campaign: int


@dataclass(frozen=True)
class Accounting:
    """What became of the contacts; :attr:`contacts` is the sum of the others.

    :param reached: contacts with a completed call.
    :param not_reached: contacts who were not reached, by the reason of the last attempt.
    :param never_tried: contacts who were not called before the campaign ended.
    :param differences: where the campaign's own counts disagree.
    :param is_compared: whether there are such counts to compare with.
    """

    reached: int = 0
    not_reached: Mapping[str, int] = field(default_factory=dict)
    never_tried: int = 0
    differences: tuple[Difference, ...] = ()
    is_compared: bool = True

    @property
    def contacts(self) -> int:
        """All contacts."""
        return self.reached + sum(self.not_reached.values()) + self.never_tried

    @classmethod
    def merge(cls, several: Iterable[Accounting]) -> Self:
        """Return the accounting of several campaigns together; a person in two of them counts twice."""
        several = list(several)
        reasons: Counter[str] = Counter()
        for one in several:
            reasons.update(one.not_reached)
        return cls(
            sum(one.reached for one in several),
            dict(reasons),
            sum(one.never_tried for one in several),
            tuple(difference for one in several for difference in one.differences),
            all(one.is_compared for one in several),
        )


def reconcile(
    campaign: Campaign, finals: Mapping[str, int], calls: int, total_calls: int | None, first_calls: int = 0
) -> Accounting:
    """Return the accounting of a campaign by its calls, compared with the campaign's own counts.

    :param campaign: the campaign, with its counts.
    :param finals: contacts by final status.
    :param calls: how many calls there are.
    :param total_calls: how many calls the service says there are, ``None`` if it does not.
    :param first_calls: how many calls are first attempts, as far as the service says so.
    """
    stats, named, tried = campaign.stats, _named_contacts(campaign), sum(finals.values())
    tally = tally_of(stats, contacts=named, ended=True)
    # Where the service names a total, its other counts must add up to it.
    total = stats.created if counts_uncalled_as_failed(stats, named, ended=True) and stats.created else tally.contacts
    left = max((total or 0) - tried, 0)
    # Blocked contacts whose calls the service lists are among the failed already, so none are left to be counted here.
    blocked = min(stats.failed_dnd, left)
    invalid = min(stats.invalid, left - blocked)
    reasons = {status: count for status, count in finals.items() if status != REACHED}
    reasons |= {name: count for name, count in ((DO_NOT_DISTURB, blocked), (INVALID, invalid)) if count}
    made = Accounting(finals.get(REACHED, 0), reasons, left - blocked - invalid)
    by_calls = [] if total_calls is None else [Difference("attempts", calls, total_calls)]
    # Missing counts say nothing, and not that there were no contacts.
    is_compared = bool(stats.given) and total is not None
    by_contacts = [] if total is None else [Difference("contacts", made.contacts, total)]
    by_contacts += _compare(made, tally, stats) if is_compared else ()
    if campaign.call_duplicate_numbers and _differing(by_contacts):
        # The campaign counts a number as often as it is listed; the calls show people.
        uncalled = tally.not_reached.get("failed", 0) if tally.never_tried is None else tally.never_tried
        left = max((total or 0) - max(tried, first_calls), 0)
        made, by_contacts, is_compared = replace(made, never_tried=min(left, uncalled)), [], False
    return replace(made, differences=_differing([*by_calls, *by_contacts]), is_compared=is_compared)


def _named_contacts(campaign: Campaign) -> int | None:
    scheduled = str(campaign.summary.get("call_scheduled", ""))
    return int(scheduled) if scheduled.isdecimal() else len(campaign.numbers or ()) or None


def _differing(found: Iterable[Difference]) -> tuple[Difference, ...]:
    return tuple(one for one in found if one.calls != one.campaign)


def _compare(made: Accounting, tally: Tally, stats: CampaignStats) -> Iterable[Difference]:
    yield Difference("reached", made.reached, tally.reached)
    if any(getattr(stats, name) for name in _OPEN):
        # Contacts who wait for a call that never came are open in the campaign's counts, and tried or not in these.
        return
    by_calls, by_counts = dict(made.not_reached), dict(tally.not_reached)
    for status, name in _COUNTED_APART.items():
        if name in stats.given:
            yield Difference(name, by_calls.pop(status, 0), by_counts.pop(name, 0))
    failed = sum(by_calls.values())
    if tally.never_tried is None:
        failed += made.never_tried
    else:
        yield Difference("never_tried", made.never_tried, tally.never_tried)
    yield Difference("failed", failed, sum(by_counts.values()))
