"""A campaign and its allowed actions, as a pure state machine (Exotel, how campaigns work).

A :class:`Campaign` has only its request and actions; status and counts are computed for a time of its timeline.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from hashlib import blake2b
from itertools import islice
from typing import Any

from airflow_provider_exotel.emulator.dialling import OUTCOMES, Counts, Dialling, Plan, counts
from airflow_provider_exotel.emulator.envelopes import Refusal
from airflow_provider_exotel.emulator.timeline import Anchor

INDIA = timezone(timedelta(hours=5, minutes=30))
DEFAULT_LIFE = 30 * 24 * 3600.0

CREATED, IN_PROGRESS, PAUSED = "created", "in-progress", "paused"
COMPLETED, FAILED, CANCELED, DELETED, ARCHIVED = "completed", "failed", "canceled", "deleted", "archived"

WORDS: Mapping[str, str] = {
    "created": "Created",
    "in-progress": "InProgress",
    "paused": "Paused",
    "completed": "Completed",
    "failed": "Failed",
    "canceled": "Canceled",
    "deleted": "Deleted",
    "archived": "Archived",
}

# Allowed statuses by action.
ACTIONS: Mapping[str, frozenset[str]] = {
    "pause": frozenset({CREATED, IN_PROGRESS}),
    "resume": frozenset({PAUSED}),
    "complete": frozenset({PAUSED}),
    "archive": frozenset({COMPLETED}),
}


@dataclass(frozen=True)
class Campaign:
    """The request and actions of a campaign.

    :param given: the fields of the create request, changed by later edits.
    :param dialling: how it dials, with all pauses; ``start`` is the send time, ``end`` the end time.
    :param anchor: the last known point of its timeline.
    :param reads_before: number of list requests answered before it was created.
    :param awaiting: whether one of its lists was still being imported at the last check.
    :param completed: whether the action ``complete`` has ended it.
    """

    id: str
    name: str
    given: Mapping[str, Any] = field(repr=False)
    dialling: Dialling
    created_at: float
    updated_at: float
    anchor: Anchor
    reads_before: int = 0
    awaiting: bool = False
    completed: bool = False
    archived: bool = False
    deleted: bool = False

    @property
    def lists(self) -> tuple[str, ...]:
        """Return the SIDs of its lists."""
        return tuple(self.given.get("lists", ()))

    @property
    def paused_since(self) -> float | None:
        """Return when an action paused the campaign, or ``None`` if it is not paused."""
        pauses = self.dialling.pauses
        return pauses[-1][0] if pauses and pauses[-1][1] == math.inf else None


@dataclass(frozen=True)
class Call:
    """One finished attempt to reach a number (Exotel, call details of a campaign).

    :param duration: seconds.
    :param digits: the keys pressed; empty unless answered.
    """

    call_sid: str
    number: str = field(repr=False)
    attempt: int
    status: str
    started: datetime
    ended: datetime
    duration: int
    digits: str


@dataclass(frozen=True)
class CampaignState:
    """A campaign at one time of its timeline.

    :param instant: seconds since 1970.
    :param plan: all of its calls; ``None`` before it may dial.
    """

    campaign: Campaign
    status: str
    counts: Counts
    instant: float
    plan: Plan | None = field(repr=False)

    @property
    def id(self) -> str:
        """Return the campaign's id."""
        return self.campaign.id

    @property
    def name(self) -> str:
        """Return the campaign's name."""
        return self.campaign.name

    @property
    def numbers(self) -> tuple[str, ...]:
        """Return its numbers."""
        return self.campaign.dialling.numbers

    @property
    def send_at(self) -> datetime:
        """Return the start of its window, in UTC."""
        return datetime.fromtimestamp(self.campaign.dialling.start, UTC)

    @property
    def end_at(self) -> datetime:
        """Return the end of its window, in UTC."""
        return datetime.fromtimestamp(self.campaign.dialling.end, UTC)

    @property
    def now(self) -> datetime:
        """Return the time on its own timeline, in UTC."""
        return datetime.fromtimestamp(self.instant, UTC)

    @property
    def updated_at(self) -> float:
        """Return the time of its last action, start or end, in seconds since 1970."""
        begins, ends = self.campaign.dialling.start, self.campaign.dialling.end
        if self.plan is None or self.instant < begins:
            return self.campaign.updated_at
        last = self.plan.last_end if self.plan.left == 0 else max(ends, self.plan.last_end)
        return max(self.campaign.updated_at, last if self.instant >= last else begins)

    @property
    def calls_finished(self) -> int:
        """Return the number of finished calls, without listing them."""
        return sum(self.plan.passed(name, self.instant) for name in ("dialled", "redialled")) if self.plan else 0

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """Return its finished calls in the order of their start."""
        return tuple(map(self.call, self.finished()))

    def finished(self, outcomes: Container[str] = OUTCOMES) -> Sequence[int]:
        """Return the positions of its finished calls in its plan, without making the calls.

        :param outcomes: only calls with these outcomes.
        """
        if self.plan is None:
            return ()
        if outcomes is OUTCOMES and self.instant >= self.plan.last_end:
            return range(len(self.plan.ends))
        wanted = [outcome in outcomes for outcome in OUTCOMES]
        ended = zip(self.plan.ends, self.plan.outcomes, strict=True)
        return [n for n, (end, outcome) in enumerate(ended) if end <= self.instant and wanted[outcome]]

    def call(self, position: int) -> Call:
        """Return one call of its plan."""
        if self.plan is None:
            raise IndexError("there is no call yet")
        return _call(self.campaign, self.plan, position)

    def latest_calls(self, most: int) -> list[Call]:
        """Return the latest finished calls, newest first, without listing the others."""
        if self.plan is None:
            return []
        begun = range(bisect_right(self.plan.starts, self.instant) - 1, -1, -1)
        finished = (position for position in begun if self.plan.ends[position] <= self.instant)
        return [_call(self.campaign, self.plan, position) for position in islice(finished, most)]

    def calls_begun(self, since: float, until: float) -> int:
        """Return the number of calls that started in a period up to now, without listing them.

        :param since: seconds since 1970, inclusive.
        :param until: seconds since 1970, exclusive.
        """
        if self.plan is None:
            return 0
        starts = self.plan.starts
        return max(0, bisect_left(starts, min(until, self.instant)) - bisect_left(starts, since))


def _call(campaign: Campaign, plan: Plan, position: int) -> Call:
    number, attempt = campaign.dialling.numbers[plan.indexes[position]], plan.attempts[position]
    sid = blake2b(f"{campaign.id}:{position}".encode(), digest_size=16).hexdigest()
    status = OUTCOMES[plan.outcomes[position]]
    start, end = plan.starts[position], plan.ends[position]
    return Call(
        call_sid=sid,
        number=number,
        attempt=attempt,
        status=status,
        started=datetime.fromtimestamp(start, UTC),
        ended=datetime.fromtimestamp(end, UTC),
        duration=round(end - start),
        digits=("", "1", "2")[int(sid[0], 16) % 3] if status == "completed" else "",
    )


def state_at(campaign: Campaign, instant: float, plan: Plan | None, at_end: str) -> CampaignState:
    """Return the state of a campaign.

    :param instant: of its timeline, seconds since 1970.
    :param plan: its calls; may be ``None`` before its send time.
    :param at_end: the status when the window closes with numbers left: ``completed``, ``canceled`` or ``paused``.
    """
    status = status_at(campaign, instant, plan, at_end)
    ended = status in {COMPLETED, FAILED, CANCELED, ARCHIVED}
    if plan is None:
        total = len(campaign.dialling.numbers)
        tally = Counts(total, no_attempt=total) if ended else Counts(total, untried=total)
    else:
        tally = counts(plan, instant, ended=ended)
    return CampaignState(campaign, status, tally, instant, plan)


def status_at(campaign: Campaign, instant: float, plan: Plan | None, at_end: str) -> str:
    """Return a campaign's status; the parameters are those of :func:`state_at`."""
    if campaign.deleted:
        return DELETED
    if campaign.archived:
        return ARCHIVED
    if campaign.completed:
        return COMPLETED
    return _status_by_time(campaign, instant, plan, at_end)


def _status_by_time(campaign: Campaign, instant: float, plan: Plan | None, at_end: str) -> str:
    held, end = campaign.paused_since is not None, campaign.dialling.end
    last_end = plan.last_end if plan else end
    if not held and plan is not None and plan.left == 0 and instant >= plan.last_end:
        return FAILED if plan.nothing_possible else COMPLETED
    # Calls that started inside the window continue after it.
    if instant >= max(end, last_end):
        return PAUSED if at_end == PAUSED else CANCELED if held else at_end
    if held:
        return PAUSED
    return CREATED if campaign.awaiting or instant < campaign.dialling.start else IN_PROGRESS


def act(state: CampaignState, action: str, wrong_state_status: int, resume_before_start: str = "waits") -> Campaign:
    """Return the campaign after an action (Exotel, update campaign).

    :param state: its current state.
    :param action: ``pause``, ``resume``, ``complete`` or ``archive``.
    :param wrong_state_status: the HTTP status for an action in the wrong state.
    :param resume_before_start: the switch of that name: ``waits`` or ``dials``.
    :raises Refusal: 400 for an unknown action, ``wrong_state_status`` if its status does not allow it.
    """
    if action not in ACTIONS:
        raise Refusal(400, f"action must be one of {', '.join(ACTIONS)}")
    if state.status not in ACTIONS[action]:
        raise Refusal(wrong_state_status, f"A campaign that is {state.status} cannot take the action {action}")
    campaign, now = state.campaign, state.instant
    if action == "archive":
        return replace(campaign, archived=True)
    if action == "complete":
        return replace(_held(campaign, now), completed=True)
    if action == "pause":
        return _held(campaign, now)
    if now >= campaign.dialling.end:
        raise Refusal(wrong_state_status, "schedule.end_at has passed")
    start = min(campaign.dialling.start, now) if resume_before_start == "dials" else campaign.dialling.start
    return replace(campaign, dialling=replace(campaign.dialling, start=start, pauses=_closed(campaign, now)))


def delete(state: CampaignState, wrong_state_status: int, deletes: str = "created") -> Campaign:
    """Return the campaign deleted (Exotel, delete campaign).

    :param state: its current state.
    :param wrong_state_status: the HTTP status of a refusal.
    :param deletes: the switch of that name: ``created``, ``any`` or ``never``.
    :raises Refusal: if the campaign cannot be deleted.
    """
    if deletes == "never":
        raise Refusal(wrong_state_status, "Campaigns cannot be deleted")
    if deletes == "created" and state.status != CREATED:
        raise Refusal(wrong_state_status, f"A campaign that is {state.status} cannot be deleted")
    return replace(_held(state.campaign, state.instant), deleted=True)


def _held(campaign: Campaign, now: float) -> Campaign:
    """Return the campaign with an open pause; without one it would continue to dial in an extended window."""
    if campaign.paused_since is not None:
        return campaign
    # A call at exactly the old end was not made, and must not be made after the end has moved.
    since = min(now, math.nextafter(campaign.dialling.end, 0))
    return replace(campaign, dialling=replace(campaign.dialling, pauses=(*campaign.dialling.pauses, (since, math.inf))))


def _closed(campaign: Campaign, now: float) -> tuple[tuple[float, float], ...]:
    pauses = campaign.dialling.pauses
    return (*pauses[:-1], (pauses[-1][0], now)) if campaign.paused_since is not None else pauses


def reschedule(state: CampaignState, end_at: float) -> Campaign:
    """Return a paused campaign with another end; its past calls do not change.

    :param state: its state, paused by an action or by the end of its window.
    :param end_at: seconds since 1970.
    """
    held = _held(state.campaign, state.instant)
    return replace(held, dialling=replace(held.dialling, end=end_at))
