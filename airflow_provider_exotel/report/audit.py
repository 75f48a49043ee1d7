"""The limits that calls are audited against: calling hours, and attempts per contact."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.windows.calling_window import Window

OUTSIDE = "outside-window"
TOO_OFTEN = "too-many-attempts"
_LOOKBACK = timedelta(days=2)  # a window opens on a day of its own time zone, and may span midnight
_ALWAYS = ((float("-inf"), float("inf")),)


@dataclass(frozen=True)
class Limits:
    """The limits that the calls of a campaign are audited against.

    :param stretches: the times in which calls may begin, as opening and closing in seconds since 1970, in order.
    :param is_bounded: whether the times are limited at all.
    :param most_attempts: the most calls to a contact, ``None`` if unknown.
    """

    stretches: tuple[tuple[float, float], ...] = _ALWAYS
    is_bounded: bool = False
    most_attempts: int | None = None

    def allows(self, start: float | None) -> bool | None:
        """Return whether a call may begin at ``start``; ``None`` if unknown."""
        if start is None or not self.is_bounded:
            return None
        place = bisect_right(self.stretches, (start, float("inf"))) - 1
        return place >= 0 and start < self.stretches[place][1]


def resolve_limits(
    campaign: Campaign,
    span: tuple[float, float] | None,
    window: Window | None = None,
    call_retries: CallRetries | None = None,
) -> Limits:
    """Return the limits of a campaign: its own schedule, and within it the hours of the window.

    :param campaign: the campaign, with its schedule and its retry plan.
    :param span: start of its first and its last call, in seconds since 1970.
    :param window: the intended calling hours, ``None`` for the schedule alone.
    :param call_retries: the intended retry plan, ``None`` for the campaign's own.
    """
    schedule, retries = campaign.schedule, call_retries or campaign.retries
    begins = schedule.send_at.timestamp() if schedule.send_at else _ALWAYS[0][0]
    ends = schedule.end_at.timestamp() if schedule.end_at else _ALWAYS[0][1]
    open_at = _ALWAYS if window is None else tuple(_open_stretches(window, span))
    return Limits(
        stretches=tuple(
            (max(opening, begins), min(closing, ends))
            for opening, closing in open_at
            if max(opening, begins) < min(closing, ends)
        ),
        is_bounded=window is not None or schedule.end_at is not None or schedule.send_at is not None,
        # If duplicate numbers are called, a number may rightly get more calls than the plan.
        most_attempts=None
        if retries is None or campaign.call_duplicate_numbers
        else 1 + (retries.number_of_retries or 0),
    )


def _open_stretches(window: Window, span: tuple[float, float] | None) -> Iterable[tuple[float, float]]:
    if span is None:
        return
    first = datetime.fromtimestamp(span[0], UTC) - _LOOKBACK
    stretches = ((opening.timestamp(), closing.timestamp()) for opening, closing in window.stretches_from(first))
    yield from takewhile(lambda stretch: stretch[0] <= span[1] + _LOOKBACK.total_seconds(), stretches)
