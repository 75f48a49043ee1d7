"""The accounting of a campaign: its contacts are reached, not reached or never tried, and its own counts agree.

The calls show who was called; only the campaign's own counts show how many contacts were never called.
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
# Names of the counts that some dialects keep apart from "failed", by the status of a call.
_SEPARATE_COUNTS = {"busy": "busy", "no-answer": "no_answer"}


class Difference(NamedTuple):
    """A count that differs between the calls and the campaign.

    :param what: the name of the count.
    :param calls: its value from the calls.
    :param campaign: its value from the campaign's own counts.
    """

    what: str
    calls: int
    campaign: int


@dataclass(frozen=True)
class Accounting:
    """Contacts of a campaign by outcome; :attr:`contacts` is the sum of the other counts.

    :param reached: contacts with a completed call.
    :param not_reached: contacts who were not reached, by the reason of the last attempt.
    :param never_tried: contacts who were not called before the campaign ended.
    :param differences: counts that differ from the campaign's own.
    :param is_compared: whether the campaign has counts to compare with.
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
    """Return the accounting of a campaign from its calls, compared with the campaign's own counts.

    :param campaign: the campaign, with its counts.
    :param finals: contacts by final status.
    :param calls: number of calls.
    :param total_calls: number of calls by the service's count, ``None`` if unknown.
    :param first_calls: number of calls that the service marks as first attempts.
    """
    stats, named, tried = campaign.stats, _expected_contacts(campaign), sum(finals.values())
    tally = tally_of(stats, contacts=named, ended=True)
    # If the service gives a total, its other counts must add up to it.
    total = stats.created if counts_uncalled_as_failed(stats, named, ended=True) and stats.created else tally.contacts
    left = max((total or 0) - tried, 0)
    # Blocked contacts whose calls the service lists are already among the failed; "left" does not contain them.
    blocked = min(stats.failed_dnd, left)
    invalid = min(stats.invalid, left - blocked)
    reasons = {status: count for status, count in finals.items() if status != REACHED}
    reasons |= {name: count for name, count in ((DO_NOT_DISTURB, blocked), (INVALID, invalid)) if count}
    result = Accounting(finals.get(REACHED, 0), reasons, left - blocked - invalid)
    by_calls = [] if total_calls is None else [Difference("attempts", calls, total_calls)]
    # Missing counts do not mean that there were no contacts.
    is_compared = bool(stats.given) and total is not None
    by_contacts = [] if total is None else [Difference("contacts", result.contacts, total)]
    by_contacts += _compare(result, tally, stats) if is_compared else ()
    if campaign.call_duplicate_numbers and _only_different(by_contacts):
        # The campaign counts a repeated number each time, the calls show each person once.
        uncalled = tally.not_reached.get("failed", 0) if tally.never_tried is None else tally.never_tried
        left = max((total or 0) - max(tried, first_calls), 0)
        result, by_contacts, is_compared = replace(result, never_tried=min(left, uncalled)), [], False
    return replace(result, differences=_only_different([*by_calls, *by_contacts]), is_compared=is_compared)


def _expected_contacts(campaign: Campaign) -> int | None:
    scheduled = str(campaign.summary.get("call_scheduled", ""))
    return int(scheduled) if scheduled.isdecimal() else len(campaign.numbers or ()) or None


def _only_different(found: Iterable[Difference]) -> tuple[Difference, ...]:
    return tuple(one for one in found if one.calls != one.campaign)


def _compare(result: Accounting, tally: Tally, stats: CampaignStats) -> Iterable[Difference]:
    yield Difference("reached", result.reached, tally.reached)
    if any(getattr(stats, name) for name in _OPEN):
        # The campaign counts contacts without a final call as open; here they are tried or never tried.
        return
    by_calls, by_counts = dict(result.not_reached), dict(tally.not_reached)
    for status, name in _SEPARATE_COUNTS.items():
        if name in stats.given:
            yield Difference(name, by_calls.pop(status, 0), by_counts.pop(name, 0))
    failed = sum(by_calls.values())
    if tally.never_tried is None:
        failed += result.never_tried
    else:
        yield Difference("never_tried", result.never_tried, tally.never_tried)
    yield Difference("failed", failed, sum(by_counts.values()))
