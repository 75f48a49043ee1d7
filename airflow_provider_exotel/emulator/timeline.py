"""The position of a campaign on its own timeline, from the progress of the clock.

A campaign's timeline moves with :meth:`Clock.progress`. If waits are skipped, a period in which the campaign only waits
(for ``send_at``, a retry or the end) takes at most a fixed amount of progress.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Anchor:
    """A known point of a timeline: its ``instant`` at ``progress`` (both in seconds)."""

    progress: float
    instant: float


def instant_at(
    anchor: Anchor, progress: float, waits: Iterable[tuple[float, float]] = (), cost: float | None = None
) -> float:
    """Return the current time of a timeline.

    :param anchor: an earlier point.
    :param progress: the clock's progress now.
    :param waits: sorted periods (from, until) of waiting.
    :param cost: maximum progress of a wait; ``None`` for its full duration.
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
    # Sums of seconds since 1970 are inexact by a fraction of a microsecond, which is enough to miss send_at.
    return round(instant, 3)
