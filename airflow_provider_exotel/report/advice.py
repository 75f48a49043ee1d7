"""Suggestions for the next campaign, based only on the figures of this one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from airflow_provider_exotel.html.render import quantity
from airflow_provider_exotel.report.accounting import DO_NOT_DISTURB, INVALID, Accounting
from airflow_provider_exotel.report.campaign_report import CampaignReport
from airflow_provider_exotel.report.figures import Figures

_ENOUGH = 30
"""The fewest calls for a statement about a rate."""
_NOTABLE_RATIO, _POOR_RATE = 1.25, 0.05


def suggest(accounting: Accounting, figures: Figures, reports: Sequence[CampaignReport]) -> Iterator[str]:
    """Iterate over suggestions, the most urgent first.

    :param accounting: the sum of the accountings.
    :param figures: the sum of the figures.
    :param reports: the reports of the campaigns.
    """
    yield from _violations(figures)
    yield from _uncalled(accounting, reports)
    yield from _numbers(accounting)
    if figures.attempts >= _ENOUGH and not figures.answered:
        yield f"None of {figures.attempts:,} calls was answered: check the ExoPhone and the calling hours first."
        return
    yield from _attempts(figures)
    yield from _hours(figures)


def _violations(figures: Figures) -> Iterator[str]:
    if figures.outside:
        yield (
            f"{quantity(figures.outside, 'call')} outside the window, listed in the audit table. If the campaign "
            "had this window, ask Exotel why it was not kept; otherwise set it in the next one."
        )
    if figures.too_often:
        yield (
            f"{quantity(figures.too_often, 'person was', 'people were')} called too often, listed in the audit table. "
            "If the campaign had this retry plan, ask Exotel why it was not kept; otherwise set it in the next one."
        )


def _uncalled(accounting: Accounting, reports: Sequence[CampaignReport]) -> Iterator[str]:
    if not accounting.never_tried:
        return
    # Campaigns dial side by side, each at its own pace.
    paces = [(one.accounting.never_tried, one.figures.attempts / len(one.figures.minutes))
             for one in reports if one.accounting.never_tried and one.figures.minutes]  # fmt: skip
    more = ""
    if paces:
        longest = max(left / pace for left, pace in paces)
        pace = f", {paces[0][1]:.3g} a minute," if len(reports) == 1 else ""
        more = (
            f" At the pace of these calls{pace} their first attempts need about {_length(longest)} more: use a longer "
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
        if answered / calls < _POOR_RATE:
            yield f"Attempt {nth} was answered by {answered:,} of {calls:,}: it is hardly worth its calls."
            return
        yield f"Attempt {nth} was answered by {answered:,} of {calls:,}: retries are worthwhile."


def _hours(figures: Figures) -> Iterator[str]:
    enough = [hour for hour, calls in figures.hours.items() if calls >= _ENOUGH]
    if len(enough) < 2 or not figures.answered:
        return
    overall = figures.answered / figures.attempts
    rates = {hour: figures.hours_answered[hour] / figures.hours[hour] for hour in enough}
    best = max(sorted(rates), key=lambda hour: rates[hour])
    if rates[best] >= overall * _NOTABLE_RATIO:
        yield (
            f"Between {best:02}:00 and {(best + 1) % 24:02}:00 {rates[best]:.0%} of calls were answered, "
            f"{overall:.0%} overall: schedule more calls then."
        )


def _length(minutes: float) -> str:
    return quantity(max(round(minutes), 1), "minute") if minutes < 120 else f"{minutes / 60:,.0f} hours"
