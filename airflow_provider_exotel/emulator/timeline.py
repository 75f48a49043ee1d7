"""Where on its own timeline a campaign stands, given the progress of the clock.

A campaign's timeline moves second for second with :meth:`Clock.progress`. If waits are skipped, a stretch in which the
campaign only waits (for ``send_at``, for a retry, for the end) takes no more than a fixed amount of progress.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Anchor:
    """A known point of a timeline: at ``progress`` it stood at ``instant`` (both in seconds)."""

    progress: float
    instant: float


def instant_at(
    anchor: Anchor, progress: float, waits: Iterable[tuple[float, float]] = (), cost: float | None = None
) -> float:
    """Return the instant a timeline has reached.

    :param anchor: a point it passed.
    :param progress: the clock's progress now.
    :param waits: stretches (from, until) of waiting, in order.
    :param cost: the most progress a wait takes; None: as much as it is long.
    """
    instant, rest = anchor.instant, max(0.0, progress - anchor.progress)
    if cost is None:
        return _rounded(instant + rest)
    for begin, until in waits:
        begin = max(begin, instant)
        if until <= begin:
            continue
        if rest <= begin - instant:
            break
        rest -= begin - instant
        needed = min(until - begin, cost)
        if rest < needed:
            return _rounded(begin + (until - begin) * rest / needed)
        instant, rest = until, rest - needed
    return _rounded(instant + rest)


def _rounded(instant: float) -> float:
    # Sums of seconds since 1970 are off by a fraction of a microsecond: enough to miss send_at when it is reached.
    return round(instant, 3)
