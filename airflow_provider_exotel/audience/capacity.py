"""How the campaigns of one plan share what an account may dial, and when they are done. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.create.dry_run import ACCOUNT_CALLS_PER_MINUTE
from airflow_provider_exotel.windows.calling_window import LEAD, Window
from airflow_provider_exotel.windows.local_time import as_utc, whole_second_after, with_offset_of

CAMPAIGN_LIFE = timedelta(days=30)
"""How long a campaign goes on by itself (Exotel, create-campaign page: the default of ``end_at``)."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class CallVolume:
    """What one campaign has to call.

    :param contacts: how many people.
    :param window: the hours in which they may be called.
    """

    contacts: int
    window: Window


@dataclass(frozen=True)
class Share:
    """What one campaign of a plan may dial, and how long that takes.

    *At best* everybody answers the first call; *with retries* nobody ever answers, and every call is made again as
    often as the retry plan says.

    :param contacts: how many it calls.
    :param throttle: its calls per minute, to be sent with ``mode="custom"``.
    :param send_at: its first call.
    :param end_at: when the first window it dials in closes.
    :param earliest_finish: when it is done at best; ``None`` for more than a year later.
    :param latest_finish: when it is done with retries; ``None`` for more than a year later.
    :param days_at_best: windows it needs at best; ``None`` for more than a year of them.
    :param days: windows it needs with retries; ``None`` for more than a year of them.
    :param rate_at_best: calls per minute with which the first window is enough at best; ``None`` if none is.
    :param rate: calls per minute with which the first window is enough with retries; ``None`` if none is.
    """

    contacts: int
    throttle: int
    send_at: datetime
    end_at: datetime
    earliest_finish: datetime | None
    latest_finish: datetime | None
    days_at_best: int | None
    days: int | None
    rate_at_best: int | None
    rate: int | None

    @property
    def fits(self) -> bool:
        """Whether it is done inside its first window, whoever answers."""
        return self.days == 1

    @property
    def outlives_campaign(self) -> bool:
        """Whether it may need longer than the 30 days a campaign lives."""
        return self.latest_finish is None or self.latest_finish - self.send_at > CAMPAIGN_LIFE


@dataclass(frozen=True)
class Fit:
    """Whether a plan fits into one calling window, and what it would need.

    :param dials: calls per minute of all its campaigns together.
    :param days_at_best: windows it needs if everybody answers; ``None`` for more than a year of them.
    :param days: windows it needs with all retries; ``None`` for more than a year of them.
    :param rate_at_best: calls per minute that one window would take if everybody answers; ``None`` if none is enough.
    :param rate: calls per minute that one window would take with all retries; ``None`` if none is enough.
    """

    dials: int
    days_at_best: int | None
    days: int | None
    rate_at_best: int | None
    rate: int | None

    @classmethod
    def of(cls, shares: Sequence[Share]) -> Self:
        """Return how campaigns that run at the same time fit."""
        return cls(
            sum(share.throttle for share in shares),
            _all(max, [share.days_at_best for share in shares]),
            _all(max, [share.days for share in shares]),
            _all(sum, [share.rate_at_best for share in shares]),
            _all(sum, [share.rate for share in shares]),
        )

    def __str__(self) -> str:
        if self.days == 1:
            return "Fits into one window, even if nobody answers and every call is retried."
        at_best, with_retries = _needs(self.rate_at_best, self.days_at_best), _needs(self.rate, self.days)
        dials = f"it dials {self.dials:,} calls a minute"
        if self.days_at_best == 1:
            return f"Fits into one window only if everybody answers: with all retries needs {with_retries} ({dials})."
        more = f"; with all retries {with_retries}" if with_retries != at_best else ""
        return f"Does not fit even if everybody answers: needs {at_best}{more} ({dials})."


def _all(combine: Callable[[list[int]], int], numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return combine(known) if len(known) == len(numbers) else None


def _needs(rate: int | None, days: int | None) -> str:
    time = "more than a year" if days is None else f"{days:,} days"
    return time if rate is None else f"{rate:,} calls a minute, or {time}"


def share_capacity(
    volumes: Sequence[CallVolume],
    anchor: datetime,
    *,
    calls_per_minute: int = ACCOUNT_CALLS_PER_MINUTE,
    concurrency: int | None = None,
    call_length: timedelta = _MINUTE,
    call_retries: CallRetries | None = None,
) -> list[Share]:
    """Return what each campaign of a plan may dial, and when it is done.

    A ``custom`` campaign has to dial less than the account may, and so do all that run at once together (Exotel's
    campaign-throttling page). All the campaigns of the plan share one call per minute less than the account may dial,
    by their sizes, each at least one; they are taken to run at once, as after a delay they may.

    :param volumes: what each campaign has to call.
    :param anchor: the moment the run stands for, aware; each campaign starts in the first window that has room then.
    :param calls_per_minute: what the account may dial, default 60.
    :param concurrency: calls the account may have at once; ``None`` if that is not the limit.
    :param call_length: how long a call takes, ringing included, default a minute.
    :param call_retries: the retry plan.
    :raises ExotelInputError: if a campaign calls nobody, the account cannot dial so many campaigns at once, or a
        window never has room.
    """
    if call_length <= timedelta():
        raise ExotelInputError([Problem("call_length", "must be longer than nothing; write how long a call takes")])
    budget = _budget(calls_per_minute, concurrency, call_length)
    problems = list(_problems(volumes, budget))
    if problems:
        raise ExotelInputError(problems)
    throttles = _shares([volume.contacts for volume in volumes], budget)
    return [_share(volume, throttle, anchor, call_retries) for volume, throttle in zip(volumes, throttles, strict=True)]


def _budget(calls_per_minute: int, concurrency: int | None, call_length: timedelta) -> int:
    most = calls_per_minute - 1
    return most if concurrency is None else min(most, int(concurrency * _MINUTE / call_length))


def _problems(volumes: Sequence[CallVolume], budget: int) -> Iterator[Problem]:
    if not volumes or any(volume.contacts < 1 for volume in volumes):
        yield Problem("volumes", "must not include a campaign without contacts; leave out what is empty")
    if budget < len(volumes):
        yield Problem(
            "calls_per_minute",
            f"leaves {max(budget, 0)} calls per minute to {len(volumes)} campaigns at once, which need one each; "
            "make fewer, larger campaigns",
        )


def _shares(sizes: Sequence[int], budget: int) -> list[int]:
    """Divide ``budget`` by size, each at least one; what rounding leaves goes to whom it left most behind."""
    free, total = budget - len(sizes), sum(sizes)
    shares = [1 + free * size // total for size in sizes]
    behind = sorted(range(len(sizes)), key=lambda index: free * sizes[index] % total, reverse=True)
    for index in behind[: budget - sum(shares)]:
        shares[index] += 1
    return shares


def _share(volume: CallVolume, throttle: int, anchor: datetime, retries: CallRetries | None) -> Share:
    window, contacts = volume.window, volume.contacts
    stretch = window.stretch_for(anchor, call_retries=retries)
    send_at = whole_second_after(max(as_utc(anchor, "anchor") + LEAD, stretch.opening))
    calls = contacts * (1 + ((retries.number_of_retries or 0) if retries else 0))
    # Attempts may wait for their turn and for their interval, at worst for one after the other.
    intervals = retries.longest_minutes() if retries else 0
    earliest, days_at_best = _finish(window, send_at, math.ceil(contacts / throttle) * _MINUTE)
    latest, days = _finish(window, send_at, (math.ceil(calls / throttle) + intervals) * _MINUTE)
    minutes = (stretch.closing - send_at) // _MINUTE
    first, last = (with_offset_of(moment, window.zone) for moment in (send_at, stretch.closing))
    return Share(
        contacts,
        throttle,
        first,
        last,
        earliest,
        latest,
        days_at_best,
        days,
        rate_at_best=_rate(contacts, minutes),
        rate=_rate(calls, minutes - intervals),
    )


def _rate(calls: int, minutes: int) -> int | None:
    return math.ceil(calls / minutes) if minutes > 0 else None


def _finish(window: Window, send_at: datetime, needed: timedelta) -> tuple[datetime | None, int | None]:
    """Return when ``needed`` of dialling is done that rests between windows, and in how many of them."""
    days = 0
    for stretch in window.stretches_from(send_at):
        if stretch.closing <= send_at:
            continue
        days += 1
        begin = max(stretch.opening, send_at)
        if begin + needed <= stretch.closing:
            return with_offset_of(begin + needed, window.zone), days
        needed -= stretch.closing - begin
    return None, None
