"""Divide the account's calls per minute among the campaigns of a plan, and estimate when they finish. Pure."""

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
"""How long a campaign dials by default (Exotel, create-campaign page: default of ``end_at``)."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class CallVolume:
    """The calls of one campaign.

    :param contacts: number of contacts.
    :param window: their calling hours.
    """

    contacts: int
    window: Window


@dataclass(frozen=True)
class Share:
    """The share of one campaign in the account's calls per minute, and its duration.

    *At best* means that everybody answers the first call; *with retries* means that nobody answers and all retries are
    made.

    :param contacts: number of contacts.
    :param throttle: its calls per minute, sent with ``mode="custom"``.
    :param send_at: time of its first call.
    :param end_at: the end of its first window.
    :param earliest_finish: its finish at best; ``None`` if more than a year later.
    :param latest_finish: its finish with retries; ``None`` if more than a year later.
    :param windows_at_best: number of windows needed at best; ``None`` if those of a year are too few.
    :param windows: number of windows needed with retries; ``None`` if those of a year are too few.
    :param rate_at_best: calls per minute needed to finish in the first window at best; ``None`` if impossible.
    :param rate: calls per minute needed to finish in the first window with retries; ``None`` if impossible.
    """

    contacts: int
    throttle: int
    send_at: datetime
    end_at: datetime
    earliest_finish: datetime | None
    latest_finish: datetime | None
    windows_at_best: int | None
    windows: int | None
    rate_at_best: int | None
    rate: int | None

    @property
    def fits(self) -> bool:
        """Whether it finishes inside its first window with all retries."""
        return self.windows == 1

    @property
    def outlives_campaign(self) -> bool:
        """Whether it may need longer than the campaign's 30 days."""
        return self.latest_finish is None or self.latest_finish - self.send_at > CAMPAIGN_LIFE


@dataclass(frozen=True)
class Fit:
    """Whether a plan fits into one calling window, and what it would need.

    :param dials: total calls per minute of its campaigns.
    :param windows_at_best: number of windows needed if everybody answers; ``None`` if those of a year are too few.
    :param windows: number of windows needed with all retries; ``None`` if those of a year are too few.
    :param rate_at_best: calls per minute needed for one window if everybody answers; ``None`` if impossible.
    :param rate: calls per minute needed for one window with all retries; ``None`` if impossible.
    """

    dials: int
    windows_at_best: int | None
    windows: int | None
    rate_at_best: int | None
    rate: int | None

    @classmethod
    def of(cls, shares: Sequence[Share]) -> Self:
        """Return the fit of campaigns that run at the same time."""
        return cls(
            sum(share.throttle for share in shares),
            _all(max, [share.windows_at_best for share in shares]),
            _all(max, [share.windows for share in shares]),
            _all(sum, [share.rate_at_best for share in shares]),
            _all(sum, [share.rate for share in shares]),
        )

    def __str__(self) -> str:
        if self.windows == 1:
            return "Fits into one window, even if nobody answers and every call is retried."
        at_best, with_retries = _needs(self.rate_at_best, self.windows_at_best), _needs(self.rate, self.windows)
        dials = f"it dials {self.dials:,} calls per minute"
        if self.windows_at_best == 1:
            return (
                f"Fits into one window only if everybody answers: with all retries it needs {with_retries} ({dials})."
            )
        more = f"; with all retries {with_retries}" if with_retries != at_best else ""
        return f"Does not fit into one window even if everybody answers: it needs {at_best}{more} ({dials})."


def _all(combine: Callable[[list[int]], int], numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return combine(known) if len(known) == len(numbers) else None


def _needs(rate: int | None, windows: int | None) -> str:
    time = "more than a year" if windows is None else f"{windows:,} windows"
    return time if rate is None else f"{rate:,} calls per minute, or {time}"


def share_capacity(
    volumes: Sequence[CallVolume],
    anchor: datetime,
    *,
    calls_per_minute: int = ACCOUNT_CALLS_PER_MINUTE,
    concurrency: int | None = None,
    call_length: timedelta = _MINUTE,
    call_retries: CallRetries | None = None,
) -> list[Share]:
    """Return the share of each campaign in the account's calls per minute.

    All ``custom`` campaigns that run at once must together dial less than the account's limit (Exotel's
    campaign-throttling page). So the campaigns of a plan share one call per minute less than the limit, in proportion
    to their sizes, and at least one each. They are assumed to run at once, which they may do after a delay.

    :param volumes: the calls of each campaign.
    :param anchor: the time that the run stands for, timezone-aware; each campaign starts in the first window after it
        that is long enough.
    :param calls_per_minute: the account's limit, default 60.
    :param concurrency: the account's limit of simultaneous calls; ``None`` for no limit.
    :param call_length: duration of a call including ringing, default one minute.
    :param call_retries: the retry plan.
    :raises ExotelInputError: if a campaign has no contacts, the limit is too low for so many campaigns, or no window is
        long enough.
    """
    if call_length <= timedelta():
        raise ExotelInputError([Problem("call_length", "must be more than 0; give the duration of a call")])
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
        yield Problem("volumes", "must not include a campaign without contacts; leave it out")
    if budget < len(volumes):
        yield Problem(
            "calls_per_minute",
            f"must leave at least one call per minute for each of {len(volumes)} campaigns (leaves "
            f"{max(budget, 0)}); plan fewer, larger campaigns",
        )


def _shares(sizes: Sequence[int], budget: int) -> list[int]:
    """Divide ``budget`` in proportion to size, at least one each, by the largest remainder method."""
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
    # Attempts wait for the throttle and for the retry interval, in the worst case one after the other.
    intervals = retries.longest_minutes() if retries else 0
    earliest, windows_at_best = _finish(window, send_at, math.ceil(contacts / throttle) * _MINUTE)
    latest, windows = _finish(window, send_at, (math.ceil(calls / throttle) + intervals) * _MINUTE)
    minutes = (stretch.closing - send_at) // _MINUTE
    first, last = (with_offset_of(moment, window.zone) for moment in (send_at, stretch.closing))
    return Share(
        contacts,
        throttle,
        first,
        last,
        earliest,
        latest,
        windows_at_best,
        windows,
        rate_at_best=_rate(contacts, minutes),
        rate=_rate(calls, minutes - intervals),
    )


def _rate(calls: int, minutes: int) -> int | None:
    return math.ceil(calls / minutes) if minutes > 0 else None


def _finish(window: Window, send_at: datetime, needed: timedelta) -> tuple[datetime | None, int | None]:
    """Return when ``needed`` time of dialling inside windows is over, and the number of windows."""
    windows = 0
    for stretch in window.stretches_from(send_at):
        if stretch.closing <= send_at:
            continue
        windows += 1
        begin = max(stretch.opening, send_at)
        if begin + needed <= stretch.closing:
            return with_offset_of(begin + needed, window.zone), windows
        needed -= stretch.closing - begin
    return None, None
