"""What became of the people of a campaign, read from its counts and not from its status.

The service counts in two dialects (Exotel, get campaign details, and the create-campaign page):

* one with a key for each state (``failed-no-attempt`` for those never called, ``retry`` for those between two calls),
  in which ``created`` are the ones that wait for their first call;
* one with ``pending``, ``busy`` and ``no_answer``, in which ``created`` is the total and those never called end up
  under ``failed``, so that the counts alone do not tell them apart.

Pure: what has to be asked is the caller's to ask.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_exotel.client.errors import ExotelError
from airflow_provider_exotel.client.models import CallRecord, Campaign, CampaignStats, CampaignStatus
from airflow_provider_exotel.client.reasons import describe_unreached

if TYPE_CHECKING:
    from airflow_provider_exotel.create.options import OnWindowEnd

if TYPE_CHECKING:
    from airflow_provider_exotel.create.options import OnWindowEnd

log = logging.getLogger(__name__)

MOST_CALLS = 10_000
"""How many calls are read to tell those never called from those who failed: twenty requests."""
_EACH_STATE = frozenset({"failed_no_attempt", "failed_dnd", "retry", "retrying", "invalid", "paused"})
_TOTAL_AND_REST = frozenset({"pending", "busy", "no_answer"})
_REASONS = ("busy", "no_answer", "failed", "failed_dnd", "invalid")
_BETWEEN_CALLS = ("in_progress", "retry", "retrying")


class CampaignFailed(ExotelError):
    """A campaign did not end as wanted, or cannot go on; no retry changes that."""


@dataclass(frozen=True)
class Tally:
    """A campaign's people by where they stand; ``open``, ``reached``, ``not_reached`` and ``never_tried`` add up.

    :param contacts: how many people there are; ``None`` if the service does not tell.
    :param reached: who answered.
    :param not_reached: who was called and not reached, by the service's reason.
    :param never_tried: who was not called and will not be; ``None`` if they cannot be told from those who failed.
    :param open: who may still be called, or is in a call.
    """

    contacts: int | None
    reached: int
    not_reached: Mapping[str, int]
    never_tried: int | None
    open: int

    @property
    def done(self) -> int:
        """How many will not be called any more."""
        return self.reached + sum(self.not_reached.values()) + (self.never_tried or 0)


@dataclass(frozen=True)
class Outcome:
    """How a campaign ended.

    :param campaign_id: which one.
    :param status: the service's word for it, in one spelling.
    :param tally: its people.
    :param started: when it began to dial, as far as the service tells.
    :param ended: when it ended, as far as the service tells.
    :param counts: the service's own counts.
    """

    campaign_id: str
    status: str
    tally: Tally
    started: datetime | None = None
    ended: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, free of numbers."""
        tally = self.tally
        return {
            "id": self.campaign_id,
            "status": self.status,
            "contacts": tally.contacts,
            "reached": tally.reached,
            "not_reached": sum(tally.not_reached.values()),
            "not_reached_by_reason": dict(tally.not_reached),
            "never_tried": tally.never_tried,
            "started": _text_of(self.started),
            "ended": _text_of(self.ended),
            "counts": dict(self.counts),
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Outcome:
        """Return the outcome that :meth:`as_json` stored, whichever version stored it.

        :param kept: what was stored; unknown keys are ignored, missing ones count as "the service did not say".
        """
        tally = Tally(
            contacts=kept.get("contacts"),
            reached=kept.get("reached", 0),
            not_reached=dict(kept.get("not_reached_by_reason", {})),
            never_tried=kept.get("never_tried"),
            open=0,
        )
        moments = (kept.get(name) for name in ("started", "ended"))
        started, ended = (datetime.fromisoformat(moment) if moment else None for moment in moments)
        return cls(kept["id"], kept["status"], tally, started, ended, dict(kept.get("counts", {})))

    def with_people_called(self, called: int) -> Outcome:
        """Return the outcome once it is known how many people were called at all.

        :param called: how many different people the campaign's calls went to.
        """
        tally = self.tally
        if tally.contacts is None or not self.counts:
            return self
        failed = tally.not_reached.get("failed", 0)
        may_be_uncalled = failed - sum(self.counts.get(name, 0) for name in _BETWEEN_CALLS)
        never_tried = max(0, min(tally.contacts - called, may_be_uncalled))
        failed -= never_tried
        not_reached = _counted({**tally.not_reached, "failed": failed})
        return replace(self, tally=replace(tally, not_reached=not_reached, never_tried=never_tried))


def tally_of(stats: CampaignStats, *, contacts: int | None = None, ended: bool = False) -> Tally:
    """Return where the people of a campaign stand.

    :param stats: the service's counts.
    :param contacts: how many people the caller has named. The service's own total counts where it gives one: it calls
        a number that is named twice once.
    :param ended: whether nobody is called any more: who is left over then was never tried. Those who may have been
        never tried and cannot be told from those who failed are counted among these.
    """
    together = counts_uncalled_as_failed(stats, contacts, ended=ended)
    waiting = stats.pending + stats.paused + (0 if together else stats.created)
    between_calls = sum(getattr(stats, name) for name in _BETWEEN_CALLS)
    not_reached = {name: getattr(stats, name) for name in _REASONS}
    if not ended:
        known = stats.completed + sum(not_reached.values()) + stats.failed_no_attempt + waiting + between_calls
        total = _total(stats, known, contacts, together=together)
        return Tally(total, stats.completed, _counted(not_reached), stats.failed_no_attempt, waiting + between_calls)
    # Who was between two calls was called, and not reached.
    not_reached["failed"] += between_calls
    never_tried = stats.failed_no_attempt + waiting
    known = stats.completed + sum(not_reached.values()) + never_tried
    total = _total(stats, known, contacts, together=together)
    if not known:  # no counts tell nothing, not that there was nobody
        return Tally(total, 0, {}, None, 0)
    # Where those never called are counted as failed, those who wait for another call are counted as pending.
    told = total == known and not (together and (waiting or not_reached["failed"]))
    if told:
        return Tally(total, stats.completed, _counted(not_reached), never_tried, 0)
    not_reached["failed"] = (total or 0) - stats.completed - sum(not_reached.values()) + not_reached["failed"]
    return Tally(total, stats.completed, _counted(not_reached), None, 0)


def counts_uncalled_as_failed(stats: CampaignStats, contacts: int | None, *, ended: bool) -> bool:
    """Return whether these counts are in the second dialect: ``created`` is the total, ``failed`` holds the uncalled.

    :param stats: the service's counts.
    :param contacts: how many contacts the caller has named, ``None`` if unknown.
    :param ended: whether the campaign has ended.
    """
    if stats.given & _EACH_STATE:
        return False
    if stats.given & _TOTAL_AND_REST:
        return True
    # Where a service leaves out what is 0, only the total tells which of the two it is.
    settled = stats.completed + stats.failed + stats.in_progress
    adds_up = ended and stats.created == settled and stats.created + settled != contacts
    return settled > 0 and (stats.created == contacts or adds_up)


def outcome_of(campaign: Campaign, *, contacts: int | None = None) -> Outcome:
    """Return how a campaign ended.

    :param campaign: it, as read after its end.
    :param contacts: how many people it calls, where the caller knows it.
    """
    schedule = campaign.schedule
    ends = [moment for moment in (campaign.date_updated, schedule.end_at) if moment is not None]
    return Outcome(
        campaign.id,
        campaign.status_text if campaign.status is CampaignStatus.UNKNOWN else campaign.status.value,
        tally_of(campaign.stats, contacts=contacts, ended=True),
        campaign.date_started or schedule.send_at or campaign.date_created,
        min(ends, default=None),
        campaign.stats.as_dict(),
    )


def failure_of(
    outcome: Outcome, *, min_reached: float | None = None, on_window_end: OnWindowEnd = "complete"
) -> str | None:
    """Return in words why an outcome is not what was wanted, ``None`` if it is.

    :param outcome: how a campaign ended.
    :param min_reached: the least share of people reached, 0 to 1.
    :param on_window_end: what uncalled contacts mean: nothing with ``complete``, else a failure.
    """
    tally, who = outcome.tally, f"campaign {outcome.campaign_id} ({outcome.status})"
    if outcome.status == CampaignStatus.DELETED:
        return f"{who} was deleted"
    called_nobody = tally.contacts is not None and tally.never_tried == tally.contacts
    if called_nobody or (outcome.status == CampaignStatus.FAILED and not tally.reached):
        return f"{who} could call nobody: check balance, ExoPhone, flow and numbers, and whether somebody paused it"
    if on_window_end != "complete" and tally.never_tried != 0:
        left = "some people may never" if tally.never_tried is None else f"{tally.never_tried:,} people did never"
        return f"{left} get a call from {who} before its window closed"
    if min_reached and not outcome.counts:
        return f"the service gives no counts of {who}, so that min_reached cannot be judged"
    if min_reached is not None and tally.contacts and tally.reached < min_reached * tally.contacts:
        return (
            f"{who} reached {tally.reached:,} of {tally.contacts:,}, less than min_reached ({min_reached:.0%}) asks for"
        )
    return None


def judge_outcome(outcome: Outcome, *, min_reached: float | None, on_window_end: OnWindowEnd) -> str | None:
    """Return why an outcome is not what was wanted, ``None`` if it is; what else matters of it is logged.

    :param outcome: how a campaign ended.
    :param min_reached: the least share of people reached, 0 to 1.
    :param on_window_end: what to do with uncalled contacts when the window closes.
    """
    for warning in warnings_of(outcome):
        log.warning("%s", warning)
    if unreached := describe_unreached(outcome.tally.not_reached):
        log.info("Not reached by campaign %s: %s.", outcome.campaign_id, unreached)
    log.info("%s", describe_outcome(outcome))
    return failure_of(outcome, min_reached=min_reached, on_window_end=on_window_end)


def describe_outcome(outcome: Outcome) -> str:
    """Return how a campaign ended, in one sentence."""
    tally = outcome.tally
    contacts = "an unknown number of" if tally.contacts is None else f"{tally.contacts:,}"
    share = f" ({tally.reached / tally.contacts:.0%})" if tally.contacts else ""
    never = "an unknown number" if tally.never_tried is None else f"{tally.never_tried:,}"
    dialled = ""
    if outcome.started and outcome.ended:
        dialled = f"; it dialled from {_minute(outcome.started)} to {_minute(outcome.ended)}"
    return (
        f"Campaign {outcome.campaign_id} ({outcome.status}): of {contacts} contacts {tally.reached:,} reached{share}, "
        f"{sum(tally.not_reached.values()):,} not reached, {never} never called{dialled}."
    )


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %z}".strip()


def warnings_of(outcome: Outcome) -> Iterable[str]:
    """Yield what somebody should know of an outcome that is no failure."""
    tally, who = outcome.tally, f"campaign {outcome.campaign_id}"
    if tally.never_tried:
        yield f"{tally.never_tried:,} of {tally.contacts or 0:,} people were never called by {who}."
    elif not outcome.counts:
        yield f"The service gives no counts of {who}: nobody knows who was called."
    elif tally.never_tried is None:
        failed = tally.not_reached.get("failed", 0)
        yield (
            f"Of the {failed:,} people counted as failed by {who} some may never have been called: the service does "
            "not count them apart."
        )


def resolve_uncalled(outcome: Outcome, calls: Iterable[CallRecord]) -> Outcome:
    """Return the outcome with those who were never called told from those who failed, where the counts do not tell.

    :param outcome: how a campaign ended.
    :param calls: its calls, which are read only if they are needed, and only up to :data:`MOST_CALLS`.
    :raises ExotelError: if they cannot be read.
    """
    if outcome.tally.never_tried is not None:
        return outcome
    people: set[str] = set()
    first_attempts = 0
    for read, call in enumerate(calls, 1):
        people.add(call.number)
        first_attempts += call.attempt == 1
        if read > MOST_CALLS or not (call.number or call.attempt):
            return outcome
    # Where a number is called as often as it is listed, only the attempts tell how many entries were called.
    return outcome.with_people_called(max(len(people), first_attempts))


def _total(stats: CampaignStats, known: int, contacts: int | None, *, together: bool) -> int | None:
    """Return how many people there are, for whom ``known`` counts account."""
    total = max(stats.created, known) if together else known
    if stats.other:  # some may be counted under a name that this version does not know
        total = max(total, contacts or 0)
    return total or contacts


def _counted(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _text_of(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
