"""What the next campaign might do differently: only what the figures of this one say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from airflow_provider_exotel.html.render import quantity
from airflow_provider_exotel.report.accounting import DO_NOT_DISTURB, INVALID, Accounting
from airflow_provider_exotel.report.campaign_report import CampaignReport
from airflow_provider_exotel.report.figures import Figures

_ENOUGH = 30
"""Calls from which on a rate is spoken of."""
_NOTABLE, _HARDLY = 1.25, 0.05


def suggest(accounting: Accounting, figures: Figures, reports: Sequence[CampaignReport]) -> Iterator[str]:
    """Iterate over sentences, the most pressing first.

    :param accounting: what became of everybody.
    :param figures: what was counted of the calls.
    :param reports: the campaigns these are the sums of.
    """
    yield from _kept(figures)
    yield from _room(accounting, reports)
    yield from _numbers(accounting)
    if figures.attempts >= _ENOUGH and not figures.answered:
        yield f"None of {figures.attempts:,} calls was answered: look at the ExoPhone and the hours first."
        return
    yield from _attempts(figures)
    yield from _hours(figures)


def _kept(figures: Figures) -> Iterator[str]:
    if figures.outside:
        yield (
            f"{quantity(figures.outside, 'call')} outside of the window, listed in the audit table. If the campaign "
            "had this window, ask Exotel why it was not kept; if not, give it to the next one."
        )
    if figures.too_often:
        yield (
            f"{quantity(figures.too_often, 'person was', 'people were')} called too often, listed in the audit table. "
            "If the campaign had this retry plan, ask Exotel why it was not kept; if not, give it to the next one."
        )


def _room(accounting: Accounting, reports: Sequence[CampaignReport]) -> Iterator[str]:
    if not accounting.never_tried:
        return
    # Campaigns of a fleet dial side by side, each at a pace of its own.
    paces = [(one.accounting.never_tried, one.figures.attempts / len(one.figures.minutes))
             for one in reports if one.accounting.never_tried and one.figures.minutes]  # fmt: skip
    more = ""
    if paces:
        longest = max(left / pace for left, pace in paces)
        pace = f", {paces[0][1]:.3g} a minute," if len(reports) == 1 else ""
        more = (
            f" At the pace of these calls{pace} their first attempts take about {_length(longest)} more: a longer "
            "window, a higher throttle, or fewer contacts."
        )
    ended = "the campaign" if len(reports) == 1 else "their campaigns"
    who = quantity(accounting.never_tried, "person was", "people were")
    yield f"{who} never tried before {ended} ended.{more}"


def _numbers(accounting: Accounting) -> Iterator[str]:
    for reason, remedy in (
        (INVALID, "Check the list before the next campaign."),
        (DO_NOT_DISTURB, "The service does not call them; leave them out."),
    ):
        if count := accounting.not_reached.get(reason):
            yield f"{quantity(count, 'contact')}: {reason.replace('-', ' ')}. {remedy}"


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
    return quantity(max(round(minutes), 1), "minute") if minutes < 120 else f"{minutes / 60:,.0f} hours"
