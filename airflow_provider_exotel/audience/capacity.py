"""How the campaigns of one plan share what an account may dial, and when they are done. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.create.dry_run import ACCOUNT_CALLS_PER_MINUTE
from airflow_provider_exotel.windows.calling_window import LEAD, Window
from airflow_provider_exotel.windows.local_time import as_utc, whole_second_after, with_offset_of

CAMPAIGN_LIFE = timedelta(days=30)
"""How long a campaign goes on by itself (Exotel, create-campaign page: the default of ``end_at``)."""


@dataclass(frozen=True)
class Chunk:
    """Contacts that one campaign will call.

    :param contacts: how many.
    :param window: the hours in which they may be called.
    """

    contacts: int
    window: Window


@dataclass(frozen=True)
class Share:
    """What one campaign of a plan may dial, and how long that takes.

    :param contacts: how many it calls.
    :param throttle: its calls per minute, to be sent with ``mode="custom"``.
    :param send_at: its first call.
    :param end_at: when the first window it dials in closes.
    :param earliest_finish: when it is done if everybody is reached at once; ``None`` for more than a year later.
    :param latest_finish: when it is done if nobody is reached and every call is made again as often as the retry plan
        says; ``None`` for more than a year later.
    :param days: windows it needs for that; ``None`` for more than a year of them.
    """

    contacts: int
    throttle: int
    send_at: datetime
    end_at: datetime
    earliest_finish: datetime | None
    latest_finish: datetime | None
    days: int | None

    @property
    def fits(self) -> bool:
        """Whether it is done inside its first window, whoever is reached."""
        return self.days == 1

    @property
    def outlives_campaign(self) -> bool:
        """Whether it may need longer than the 30 days a campaign lives."""
        return self.latest_finish is None or self.latest_finish - self.send_at > CAMPAIGN_LIFE

    @property
    def warnings(self) -> list[str]:
        """What to look at before anybody is called, in plain words."""
        return list(self._warnings())

    def _warnings(self) -> Iterator[str]:
        if self.outlives_campaign:
            yield (
                f"Calling {self.contacts:,} contacts with all retries at {self.throttle} calls per minute takes "
                f"{f'{self.days:,} windows' if self.days else 'more than a year'}, longer than the 30 days a campaign "
                "lives: some people will not be tried. Split them over several plans, or raise calls_per_minute."
            )
        elif not self.fits:
            yield (
                f"Calling {self.contacts:,} contacts with all retries at {self.throttle} calls per minute may take "
                f"{self.days} windows: what is left when one closes waits for the next."
            )


def share_capacity(
    chunks: Sequence[Chunk],
    anchor: datetime,
    *,
    calls_per_minute: int = ACCOUNT_CALLS_PER_MINUTE,
    concurrency: int | None = None,
    call_length: timedelta = timedelta(minutes=1),
    call_retries: CallRetries | None = None,
) -> list[Share]:
    """Return what each campaign of a plan may dial, and when it is done.

    A ``custom`` campaign has to dial less than the account may, and so do all that run at once together (Exotel's
    campaign-throttling page). All the campaigns of the plan share one call per minute less than the account may dial,
    by their sizes, each at least one; they are taken to run at once, as after a delay they may.

    :param chunks: the campaigns to be.
    :param anchor: the moment the run stands for, aware; each campaign starts in the first window that has room then.
    :param calls_per_minute: what the account may dial, default 60.
    :param concurrency: calls the account may have at once; ``None`` if that is not the limit.
    :param call_length: how long a call holds one of them, ringing included, default a minute.
    :param call_retries: the retry plan.
    :raises ExotelInputError: if a chunk is empty, the account cannot dial so many campaigns at once, or a window never
        has room.
    """
    if call_length <= timedelta():
        raise ExotelInputError([Problem("call_length", "is no time at all; write how long a call takes")])
    budget = _budget(calls_per_minute, concurrency, call_length)
    problems = list(_problems(chunks, budget))
    if problems:
        raise ExotelInputError(problems)
    throttles = _shares([chunk.contacts for chunk in chunks], budget)
    return [_share(chunk, throttle, anchor, call_retries) for chunk, throttle in zip(chunks, throttles, strict=True)]


def _budget(calls_per_minute: int, concurrency: int | None, call_length: timedelta) -> int:
    most = calls_per_minute - 1
    return most if concurrency is None else min(most, int(concurrency * timedelta(minutes=1) / call_length))


def _problems(chunks: Sequence[Chunk], budget: int) -> Iterator[Problem]:
    if not chunks or any(chunk.contacts < 1 for chunk in chunks):
        yield Problem("chunks", "holds no contacts, or a chunk without any; leave out what is empty")
    if budget < len(chunks):
        yield Problem(
            "calls_per_minute",
            f"leaves {max(budget, 0)} calls per minute to {len(chunks)} campaigns at once, which need one each; "
            "make fewer, larger chunks",
        )


def _shares(sizes: Sequence[int], budget: int) -> list[int]:
    """Divide ``budget`` by size, each at least one; what rounding leaves goes to whom it left most behind."""
    free, total = budget - len(sizes), sum(sizes)
    shares = [1 + free * size // total for size in sizes]
    behind = sorted(range(len(sizes)), key=lambda index: free * sizes[index] % total, reverse=True)
    for index in behind[: budget - sum(shares)]:
        shares[index] += 1
    return shares


def _share(chunk: Chunk, throttle: int, anchor: datetime, retries: CallRetries | None) -> Share:
    window = chunk.window
    stretch = window.stretch_for(anchor, call_retries=retries)
    send_at = whole_second_after(max(as_utc(anchor, "anchor") + LEAD, stretch.opening))
    attempts = 1 + ((retries.number_of_retries or 0) if retries else 0)
    quickest = timedelta(minutes=math.ceil(chunk.contacts / throttle))
    # Attempts may wait for their turn and for their interval, at worst for one after the other.
    slowest = timedelta(
        minutes=math.ceil(chunk.contacts * attempts / throttle) + (retries.longest_minutes() if retries else 0)
    )
    earliest, _ = _finish(window, send_at, quickest)
    latest, days = _finish(window, send_at, slowest)
    first, last = (with_offset_of(moment, window.zone) for moment in (send_at, stretch.closing))
    return Share(chunk.contacts, throttle, first, last, earliest, latest, days)


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
