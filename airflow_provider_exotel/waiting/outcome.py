"""The outcome of a campaign, read from its counts and not from its status.

The service counts in two dialects (Exotel, get campaign details, and the create-campaign page):

* One has a key for each state, such as ``failed-no-attempt`` for uncalled contacts and ``retry`` between two calls.
  There, ``created`` counts the contacts that wait for their first call.
* The other has ``pending``, ``busy`` and ``no_answer``. There, ``created`` is the total, and uncalled contacts are
  counted under ``failed``, so the counts alone do not separate the two.

Pure: the caller makes all requests.
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

log = logging.getLogger(__name__)

MOST_CALLS = 10_000
"""Maximum number of calls read to separate uncalled from failed contacts: twenty requests."""
_KEYS_PER_STATE = frozenset({"failed_no_attempt", "failed_dnd", "retry", "retrying", "invalid", "paused"})
_KEYS_WITH_TOTAL = frozenset({"pending", "busy", "no_answer"})
_REASONS = ("busy", "no_answer", "failed", "failed_dnd", "invalid")
_BETWEEN_CALLS = ("in_progress", "retry", "retrying")


class CampaignFailed(ExotelError):
    """A campaign did not end as required, or cannot continue; a retry would not help."""


@dataclass(frozen=True)
class Tally:
    """Number of a campaign's contacts by state; ``open``, ``reached``, ``not_reached`` and ``never_tried`` add up.

    :param contacts: the total; ``None`` if the service does not return it.
    :param reached: contacts who answered.
    :param not_reached: contacts who were called and not reached, by the service's reason.
    :param never_tried: uncalled contacts that will not be called; ``None`` if the counts do not separate them from
        failed ones.
    :param open: contacts that may still be called, or are in a call.
    """

    contacts: int | None
    reached: int
    not_reached: Mapping[str, int]
    never_tried: int | None
    open: int

    @property
    def done(self) -> int:
        """Number of contacts that will not be called any more."""
        return self.reached + sum(self.not_reached.values()) + (self.never_tried or 0)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a campaign.

    :param campaign_id: the campaign.
    :param status: its status, normalised.
    :param tally: its contacts by state.
    :param started: when it began to dial; ``None`` if unknown.
    :param ended: when it ended; ``None`` if unknown.
    :param counts: the service's own counts.
    """

    campaign_id: str
    status: str
    tally: Tally
    started: datetime | None = None
    ended: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, without phone numbers."""
        tally = self.tally
        return {
            "id": self.campaign_id,
            "status": self.status,
            "contacts": tally.contacts,
            "reached": tally.reached,
            "not_reached": sum(tally.not_reached.values()),
            "not_reached_by_reason": dict(tally.not_reached),
            "never_tried": tally.never_tried,
            "started": _format_time(self.started),
            "ended": _format_time(self.ended),
            "counts": dict(self.counts),
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Outcome:
        """Return the outcome that :meth:`as_json` stored, whichever version stored it.

        :param kept: the stored JSON; unknown keys are ignored, missing ones count as unknown values.
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

    def with_called_count(self, called: int) -> Outcome:
        """Return the outcome with ``never_tried`` computed from the number of contacts called.

        :param called: number of different contacts in the campaign's calls.
        """
        tally = self.tally
        if tally.contacts is None or not self.counts:
            return self
        failed = tally.not_reached.get("failed", 0)
        may_be_uncalled = failed - sum(self.counts.get(name, 0) for name in _BETWEEN_CALLS)
        never_tried = max(0, min(tally.contacts - called, may_be_uncalled))
        failed -= never_tried
        not_reached = _non_zero({**tally.not_reached, "failed": failed})
        return replace(self, tally=replace(tally, not_reached=not_reached, never_tried=never_tried))


def tally_of(stats: CampaignStats, *, contacts: int | None = None, ended: bool = False) -> Tally:
    """Return the contacts of a campaign by state.

    :param stats: the service's counts.
    :param contacts: number of contacts in the request. The service's own total takes precedence: it may call a number
        that is listed twice only once.
    :param ended: whether the campaign has ended, so that open contacts were never tried. Uncalled contacts that the
        counts do not separate from failed ones are counted as failed.
    """
    includes_uncalled = counts_uncalled_as_failed(stats, contacts, ended=ended)
    waiting = stats.pending + stats.paused + (0 if includes_uncalled else stats.created)
    between_calls = sum(getattr(stats, name) for name in _BETWEEN_CALLS)
    not_reached = {name: getattr(stats, name) for name in _REASONS}
    if not ended:
        known = stats.completed + sum(not_reached.values()) + stats.failed_no_attempt + waiting + between_calls
        total = _total(stats, known, contacts, includes_uncalled=includes_uncalled)
        return Tally(total, stats.completed, _non_zero(not_reached), stats.failed_no_attempt, waiting + between_calls)
    # A contact between two calls was called and not reached.
    not_reached["failed"] += between_calls
    never_tried = stats.failed_no_attempt + waiting
    known = stats.completed + sum(not_reached.values()) + never_tried
    total = _total(stats, known, contacts, includes_uncalled=includes_uncalled)
    if not known:  # missing counts do not mean that nobody was called
        return Tally(total, 0, {}, None, 0)
    # In the dialect that counts uncalled contacts as failed, contacts that wait for a retry count as pending.
    is_exact = total == known and not (includes_uncalled and (waiting or not_reached["failed"]))
    if is_exact:
        return Tally(total, stats.completed, _non_zero(not_reached), never_tried, 0)
    not_reached["failed"] = (total or 0) - stats.completed - sum(not_reached.values()) + not_reached["failed"]
    return Tally(total, stats.completed, _non_zero(not_reached), None, 0)


def counts_uncalled_as_failed(stats: CampaignStats, contacts: int | None, *, ended: bool) -> bool:
    """Return whether the counts use the second dialect, where ``failed`` includes uncalled contacts.

    :param stats: the service's counts.
    :param contacts: number of contacts in the request; ``None`` if unknown.
    :param ended: whether the campaign has ended.
    """
    if stats.given & _KEYS_PER_STATE:
        return False
    if stats.given & _KEYS_WITH_TOTAL:
        return True
    # If the service omits zero counts, only the total shows which dialect it is.
    settled = stats.completed + stats.failed + stats.in_progress
    adds_up = ended and stats.created == settled and stats.created + settled != contacts
    return settled > 0 and (stats.created == contacts or adds_up)


def outcome_of(campaign: Campaign, *, contacts: int | None = None) -> Outcome:
    """Return the outcome of a campaign.

    :param campaign: the campaign, read after its end.
    :param contacts: number of its contacts; ``None`` if unknown.
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
    """Return the reason why an outcome is a failure, or ``None`` if it is a success.

    :param outcome: the outcome of a campaign.
    :param min_reached: the minimum share of reached contacts, 0 to 1.
    :param on_window_end: uncalled contacts are a failure unless this is ``complete``.
    """
    tally, who = outcome.tally, f"campaign {outcome.campaign_id} ({outcome.status})"
    if outcome.status == CampaignStatus.DELETED:
        return f"{who} was deleted"
    called_nobody = tally.contacts is not None and tally.never_tried == tally.contacts
    if called_nobody or (outcome.status == CampaignStatus.FAILED and not tally.reached):
        return f"{who} called nobody: check balance, ExoPhone, flow and numbers, and whether somebody paused it"
    if on_window_end != "complete" and tally.never_tried != 0:
        left = "some contacts may be" if tally.never_tried is None else f"{tally.never_tried:,} contacts are"
        return f"{left} uncalled after the window of {who} closed"
    if min_reached and not outcome.counts:
        return f"the service returns no counts for {who}, so min_reached cannot be checked"
    if min_reached is not None and tally.contacts and tally.reached < min_reached * tally.contacts:
        return (
            f"{who} reached {tally.reached:,} of {tally.contacts:,} contacts, less than min_reached ({min_reached:.0%})"
        )
    return None


def judge_outcome(outcome: Outcome, *, min_reached: float | None, on_window_end: OnWindowEnd) -> str | None:
    """Log an outcome with its warnings, and return the reason why it is a failure, or ``None``.

    :param outcome: the outcome of a campaign.
    :param min_reached: the minimum share of reached contacts, 0 to 1.
    :param on_window_end: what to do with uncalled contacts when the window closes.
    """
    for warning in warnings_of(outcome):
        log.warning("%s", warning)
    if unreached := describe_unreached(outcome.tally.not_reached):
        log.info("Not reached by campaign %s: %s.", outcome.campaign_id, unreached)
    log.info("%s", describe_outcome(outcome))
    return failure_of(outcome, min_reached=min_reached, on_window_end=on_window_end)


def describe_outcome(outcome: Outcome) -> str:
    """Return a one-sentence description of an outcome."""
    tally = outcome.tally
    contacts = "an unknown number of" if tally.contacts is None else f"{tally.contacts:,}"
    share = f" ({tally.reached / tally.contacts:.0%})" if tally.contacts else ""
    never = "an unknown count" if tally.never_tried is None else f"{tally.never_tried:,}"
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
    """Yield the warnings about an outcome, whether it is a failure or not."""
    tally, who = outcome.tally, f"campaign {outcome.campaign_id}"
    if tally.never_tried:
        yield f"{tally.never_tried:,} of {tally.contacts or 0:,} contacts of {who} were never called."
    elif not outcome.counts:
        yield f"The service returns no counts for {who}, so it is unknown who was called."
    elif tally.never_tried is None:
        failed = tally.not_reached.get("failed", 0)
        yield (
            f"Some of the {failed:,} failed contacts of {who} may never have been called: the service does "
            "not count them separately."
        )


def resolve_uncalled(outcome: Outcome, calls: Iterable[CallRecord]) -> Outcome:
    """Return the outcome with uncalled contacts separated from failed ones, if the calls show it.

    :param outcome: the outcome of a campaign.
    :param calls: its calls, read only if needed, and only up to :data:`MOST_CALLS`.
    :raises ExotelError: if the calls cannot be read.
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
    # If a number is called as often as it is listed, only first attempts show how many entries were called.
    return outcome.with_called_count(max(len(people), first_attempts))


def _total(stats: CampaignStats, known: int, contacts: int | None, *, includes_uncalled: bool) -> int | None:
    """Return the total number of contacts.

    :param known: the sum of all counts that this version knows.
    """
    total = max(stats.created, known) if includes_uncalled else known
    if stats.other:  # some may be counted under an unknown key
        total = max(total, contacts or 0)
    return total or contacts


def _non_zero(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _format_time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
