"""What the next campaign might do differently: only what the figures of this one say."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_exotel.report.accounting import DO_NOT_DISTURB, INVALID, Accounting
from airflow_provider_exotel.report.figures import Figures

_ENOUGH = 30
"""Calls from which on a rate is spoken of."""
_NOTABLE, _HARDLY = 1.25, 0.05


def advice(accounting: Accounting, figures: Figures) -> Iterator[str]:
    """Iterate over sentences, the most pressing first.

    :param accounting: what became of everybody.
    :param figures: what was counted of the calls.
    """
    yield from _room(accounting, figures)
    yield from _numbers(accounting)
    yield from _attempts(figures)
    yield from _hours(figures)


def _room(accounting: Accounting, figures: Figures) -> Iterator[str]:
    if not accounting.never_tried:
        return
    busy_minutes = len(figures.minutes)
    more = ""
    if busy_minutes and figures.attempts:
        pace = figures.attempts / busy_minutes
        more = (
            f" At the pace of these calls, {pace:.3g} a minute, their first attempts take about "
            f"{_length(accounting.never_tried / pace)} more: a longer window, a higher throttle, or fewer contacts."
        )
    yield f"{accounting.never_tried:,} people were never tried before the campaign ended.{more}"


def _numbers(accounting: Accounting) -> Iterator[str]:
    for reason, remedy in (
        (INVALID, "Check the list before the next campaign."),
        (DO_NOT_DISTURB, "The service does not call them; leave them out."),
    ):
        if count := accounting.not_reached.get(reason):
            yield f"{count:,} contacts: {reason.replace('-', ' ')}. {remedy}"


def _attempts(figures: Figures) -> Iterator[str]:
    for nth in sorted(figures.nth):
        calls, answered = figures.nth[nth], figures.nth_answered[nth]
        if nth == 1 or calls < _ENOUGH:
            continue
        if answered / calls < _HARDLY:
            yield f"Attempt {nth} was answered by {answered:,} of {calls:,}: hardly worth its calls."
            return
        yield f"Attempt {nth} was answered by {answered:,} of {calls:,}: retries pay."


def _hours(figures: Figures) -> Iterator[str]:
    enough = [hour for hour, calls in figures.hours.items() if calls >= _ENOUGH]
    if len(enough) < 2 or not figures.answered:
        return
    overall = figures.answered / figures.attempts
    rates = {hour: figures.hours_answered[hour] / figures.hours[hour] for hour in enough}
    best = max(sorted(rates), key=lambda hour: rates[hour])
    if rates[best] >= overall * _NOTABLE:
        yield (
            f"Between {best:02}:00 and {(best + 1) % 24:02}:00 {rates[best]:.0%} of calls were answered, "
            f"{overall:.0%} over all: more of the calls belong there."
        )


def _length(minutes: float) -> str:
    return f"{max(minutes, 1):.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
