"""The page of a report, about one campaign or several together. It contains no phone number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from airflow_provider_exotel.client.reasons import explain_unreached
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.create.cost import Tariff
from airflow_provider_exotel.html.charts import (
    FEW,
    Bar,
    Picture,
    describe_stretches,
    draw_rates,
    draw_timeline,
    merge_stretches,
)
from airflow_provider_exotel.html.render import percent, quantity, render
from airflow_provider_exotel.report.accounting import DO_NOT_DISTURB, INVALID, NEVER_TRIED, Accounting
from airflow_provider_exotel.report.advice import suggest
from airflow_provider_exotel.report.campaign_report import CampaignReport
from airflow_provider_exotel.report.figures import OTHER_DIGITS, Figures
from airflow_provider_exotel.report.recordings import RecordingCounts

_KEY = re.compile(r" af-[0-9a-f]{16}(?:-[0-9a-f]{4})?$")
# The CSS class of each outcome, in drawing order.
_STYLES = {
    "reached": "reached",
    "busy": "busy",
    "no-answer": "no-answer",
    "failed": "failed",
    NEVER_TRIED: "never",
    DO_NOT_DISTURB: "blocked",
    INVALID: "blocked",
}
_MOST_CAMPAIGNS = 200
_KEYS = "0123456789*#"


class _Rates(NamedTuple):
    title: str
    what: str
    note: str
    picture: Picture
    rows: Sequence[tuple[str, ...]]


def render_page(reports: Sequence[CampaignReport], tariff: Tariff | None = None) -> str:
    """Return the page of one campaign, or of several together.

    :param reports: one for each campaign; not empty.
    :param tariff: the price of a minute, ``None`` if unknown.
    """
    accounting = Accounting.merge(one.accounting for one in reports)
    figures = Figures.merge(one.figures for one in reports)
    zone = ZoneInfo(reports[0].zone or "UTC")
    bounded = [one for one in reports if one.limits.is_bounded]
    planned = [one for one in reports if one.limits.most_attempts is not None]
    stretches = merge_stretches(stretch for one in bounded for stretch in one.limits.stretches)
    differences = [
        (_name(one), what.replace("_", " "), f"{calls:,}", f"{campaign:,}")
        for one in reports
        for what, calls, campaign in one.accounting.differences
    ]
    return render(
        "report.html",
        title=_name(reports[0]) if len(reports) == 1 else f"{len(reports):,} campaigns",
        subtitle=_period(figures, zone),
        reports=reports,
        accounting=accounting,
        figures=figures,
        key_figures=[*_key_figures(accounting, figures), *_costs(accounting, figures, tariff), *_recordings(reports)],
        differences=differences[:_MOST_CAMPAIGNS],
        limits=list(_limits(planned, figures, stretches, zone)),
        # Only calls and people that could be checked are counted.
        checked_calls=sum(one.figures.attempts - one.figures.untimed for one in bounded),
        checked_people=sum(one.figures.nth[1] for one in planned),
        without_window=len(reports) - len(bounded),
        without_plan=len(reports) - len(planned),
        zone=zone.key,
        timeline=draw_timeline(figures.minutes, figures.outside_minutes, stretches, zone) if figures.minutes else None,
        people=list(_people(accounting)),
        unreached=list(_unreached(accounting)),
        keys=list(_keys(figures)),
        rates=list(_rates(figures, zone)),
        suggestions=list(suggest(accounting, figures, reports)),
        campaigns=[_row(one) for one in reports[:_MOST_CAMPAIGNS]],
    )


def _name(report: CampaignReport) -> str:
    return redact(_KEY.sub("", report.name)) or f"Campaign {report.id}"


def _period(figures: Figures, zone: ZoneInfo) -> str:
    if not figures.minutes:
        return "No call was made."
    first, last = (datetime.fromtimestamp(edge(figures.minutes) * 60, zone) for edge in (min, max))
    until = f"{last:%H:%M}" if first.date() == last.date() else f"{last.day} {last:%B %Y, %H:%M}"
    return f"Calls from {first.day} {first:%B %Y, %H:%M} to {until} ({zone.key})"


def _key_figures(accounting: Accounting, figures: Figures) -> Iterator[tuple[str, str, str]]:
    yield "contacts", f"{accounting.contacts:,}", ""
    yield "reached", f"{accounting.reached:,}", percent(accounting.reached, accounting.contacts)
    yield "attempts", f"{figures.attempts:,}", f"{percent(figures.answered, figures.attempts)} answered"
    minutes = figures.talked / 60
    hours = f"{minutes / 60:,.1f} hours" if minutes >= 120 else ""
    yield "minutes talked", f"{minutes:,.0f}" if minutes >= 10 else f"{minutes:.1f}".removesuffix(".0"), hours


def _costs(accounting: Accounting, figures: Figures, tariff: Tariff | None) -> Iterator[tuple[str, str, str]]:
    if figures.priced:
        # The service's prices have no currency.
        currency = tariff.currency if tariff and tariff.currency else "your account's currency"
        notes = [f"as reported by the service, in {currency}"]
        if figures.priced < figures.attempts:
            notes.append(f"for {figures.priced:,} of {quantity(figures.attempts, 'call')}; the others have no price")
        elif accounting.reached:
            notes.append(f"{figures.cost / accounting.reached:.2f} a person reached")
        yield "cost", f"{figures.cost:,f}", "; ".join(notes)
    if tariff is not None:
        note = f"{quantity(figures.minutes_charged, 'minute')} at {tariff.price_per_minute:f}, in whole minutes a call"
        yield "cost by minutes", tariff.describe(tariff.cost_of(figures.minutes_charged)), note


def _recordings(reports: Sequence[CampaignReport]) -> Iterator[tuple[str, str, str]]:
    wanted = [one.recordings for one in reports if one.recordings is not None]
    if wanted:
        counts = RecordingCounts.merge(wanted)
        missing = {
            "gone": counts.gone,
            "refused": counts.refused,
            "not audio": counts.not_audio,
            "not fetched yet": counts.failed,
        }
        yield (
            "recordings",
            f"{counts.saved:,}",
            "; ".join(f"{count:,} {why}" for why, count in missing.items() if count),
        )


def _limits(
    planned: Sequence[CampaignReport], figures: Figures, stretches: Sequence[tuple[float, float]], zone: ZoneInfo
) -> Iterator[str]:
    """Yield a description of the limits, which the reader needs to judge the violations."""
    if figures.minutes and stretches:
        first, last = 60 * min(figures.minutes), 60 * max(figures.minutes)
        near = [one for one in stretches if one[1] > first and one[0] <= last + 60]
        yield f"calls {describe_stretches(near or stretches, zone)} ({zone.key})"
    plans = sorted({one.limits.most_attempts or 0 for one in planned})
    if plans:
        most = " to ".join(map(str, dict.fromkeys((plans[0], plans[-1]))))
        yield f"at most {most} call{'' if plans[-1] == 1 else 's'} to a person"


def _people(accounting: Accounting) -> Iterator[Bar]:
    counts = {"reached": accounting.reached, **accounting.not_reached, NEVER_TRIED: accounting.never_tried}
    for name in dict.fromkeys([*_STYLES, *counts]):
        if (count := counts.get(name, 0)) or name == "reached":
            yield Bar(name.replace("-", " "), count, _STYLES.get(name, "other"))


def _unreached(accounting: Accounting) -> Iterator[tuple[str, ...]]:
    counts = {**accounting.not_reached, NEVER_TRIED: accounting.never_tried}
    for code, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        if count:
            reason = explain_unreached(code)
            yield code.replace("-", " "), f"{count:,}", reason.meaning, reason.remedy


def _keys(figures: Figures) -> Iterator[Bar]:
    pressed = [key for key in figures.digits if key]
    for key in sorted(pressed, key=_digit_order):
        yield Bar(key, figures.digits[key])
    if pressed and figures.digits[""]:
        yield Bar("none", figures.digits[""], "never")


def _digit_order(digit: str) -> tuple[bool, int, list[int]]:
    """Return the sort key of digits: single keys first, 0 to 9 before * and #."""
    return digit == OTHER_DIGITS, len(digit), [_KEYS.find(key) for key in digit]


def _rates(figures: Figures, zone: tzinfo) -> Iterator[_Rates]:
    if figures.hours:
        by_hour = {
            f"{hour:02}": (figures.hours_answered[hour], figures.hours[hour]) for hour in _shown_hours(figures.hours)
        }
        yield _answer_rates("Answered by hour", "Hour", f", by the hour in {zone}", by_hour)
    if figures.nth:
        by_attempt = {str(nth): (figures.nth_answered[nth], figures.nth[nth]) for nth in sorted(figures.nth)}
        yield _answer_rates("Answered by attempt", "Attempt", "", by_attempt)


def _answer_rates(title: str, what: str, how: str, rates: Mapping[str, tuple[int, int]]) -> _Rates:
    hollow = f" Hollow: fewer than {FEW} calls." if any(0 < calls < FEW for _, calls in rates.values()) else ""
    rows = [
        (label, f"{answered:,}", f"{calls:,}", percent(answered, calls))
        for label, (answered, calls) in rates.items()
        if calls
    ]
    note = f"Share of calls that were answered{how}.{hollow}"
    return _Rates(title, what, note, draw_rates(title, rates), rows)


def _shown_hours(hours: Iterable[int]) -> list[int]:
    """Return the hours from first to last; the day begins after its longest pause, so that a night is not split."""
    called = sorted(set(hours))
    before = [called[-1] - 24, *called[:-1]]
    first = max(zip(called, before, strict=True), key=lambda pair: pair[0] - pair[1])[0]
    return [(first + more) % 24 for more in range(max((hour - first) % 24 for hour in called) + 1)]


def _row(report: CampaignReport) -> tuple[str, ...]:
    accounting, figures = report.accounting, report.figures
    return (
        _name(report),
        f"{accounting.contacts:,}",
        f"{accounting.reached:,}",
        percent(accounting.reached, accounting.contacts),
        f"{accounting.never_tried:,}",
        f"{figures.attempts:,}",
        f"{figures.outside:,}",
        "no" if accounting.differences else "yes" if accounting.is_compared else "unknown",
    )
