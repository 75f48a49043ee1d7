"""One page that tells how it went. No number is on it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from html import escape
from zoneinfo import ZoneInfo

from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.html.charts import FEW, Bar, bars, columns, joined, over_time, spans
from airflow_provider_exotel.html.parts import (
    counted,
    document,
    figure,
    gallery,
    key_figures,
    listed,
    percent,
    quiet,
    section,
    table,
    verdict,
)
from airflow_provider_exotel.report.accounting import DO_NOT_DISTURB, INVALID, NEVER_TRIED, Accounting
from airflow_provider_exotel.report.advice import suggest
from airflow_provider_exotel.report.campaign_report import CampaignReport
from airflow_provider_exotel.report.figures import OTHER_DIGITS, Figures

_KEY = re.compile(r" af-[0-9a-f]{16}(?:-[0-9a-f]{4})?$")
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


def render_page(reports: Sequence[CampaignReport]) -> str:
    """Return the page of one campaign, or of all of a fleet together.

    :param reports: one for each campaign.
    """
    accounting = Accounting.merge(one.accounting for one in reports)
    figures = Figures.merge(one.figures for one in reports)
    zone_name = reports[0].zone if reports else None
    zone: tzinfo = ZoneInfo(zone_name) if zone_name else UTC
    content = (
        _key_figures(accounting, figures)
        + section("Does it add up?", _adds_up(reports, accounting))
        + section("Was everybody called as asked?", _audit(reports, figures, zone, zone_name or "UTC"))
        + _charts(accounting, figures, reports, zone, zone_name or "UTC")
        + section("For the next one", listed(suggest(accounting, figures, reports)) or quiet("Nothing stands out."))
        + (section("The campaigns", _campaigns(reports)) if len(reports) > 1 else "")
    )
    title = _name(reports[0]) if len(reports) == 1 else f"{len(reports):,} campaigns"
    return document(
        title,
        _when(figures, zone, zone_name or "UTC"),
        content,
        footer="Made of the calls the service lists.",
        campaign_ids=(one.id for one in reports),
    )


def _name(report: CampaignReport) -> str:
    return redact(_KEY.sub("", report.name)) or f"Campaign {report.id}"


def _when(figures: Figures, zone: tzinfo, zone_name: str) -> str:
    if not figures.minutes:
        return "No call was made."
    first, last = (datetime.fromtimestamp(each(figures.minutes) * 60, zone) for each in (min, max))
    until = f"{last:%H:%M}" if first.date() == last.date() else f"{last.day} {last:%B %Y, %H:%M}"
    return f"Calls from {first.day} {first:%B %Y, %H:%M} to {until} ({zone_name})"


def _key_figures(accounting: Accounting, figures: Figures) -> str:
    minutes = figures.talked / 60
    hours = f"{minutes / 60:,.1f} hours" if minutes >= 120 else ""
    shown = [
        ("contacts", f"{accounting.contacts:,}", ""),
        ("reached", f"{accounting.reached:,}", percent(accounting.reached, accounting.contacts)),
        ("attempts", f"{figures.attempts:,}", f"{percent(figures.answered, figures.attempts)} answered"),
        ("minutes talked", f"{minutes:,.0f}" if minutes >= 10 else f"{minutes:.1f}".removesuffix(".0"), hours),
    ]
    if figures.priced:
        each = f"{figures.cost / accounting.reached:.2f} a person reached" if accounting.reached else ""
        partial = f"of {figures.priced:,} of {counted(figures.attempts, 'call')}; the others tell no price"
        shown.append(("cost", f"{figures.cost:,.2f}", each if figures.priced == figures.attempts else partial))
    return key_figures(shown)


def _adds_up(reports: Sequence[CampaignReport], accounting: Accounting) -> str:
    told = (
        f"<p><b>{accounting.reached:,}</b> reached + <b>{sum(accounting.not_reached.values()):,}</b> not reached + "
        f"<b>{accounting.never_tried:,}</b> never tried = <b>{accounting.contacts:,}</b> contacts</p>"
    )
    rows = [
        (_name(one), what.replace("_", " "), f"{calls:,}", f"{campaign:,}")
        for one in reports
        for what, calls, campaign in one.accounting.differences
    ]
    unknown = sum(not one.accounting.is_compared for one in reports)
    alone = quiet(f"{counted(unknown, 'campaign')} without counts to compare with.") if unknown else ""
    whose = "campaign's" if len(reports) == 1 else "campaigns'"
    if not rows:
        compared = unknown < len(reports)
        return told + (verdict(f"The {whose} own counts say the same.", good=True) if compared else "") + alone
    return (
        told
        + verdict(f"The {whose} own counts say something else.", good=False)
        + table(("Campaign", "Count", "By the calls", "By the campaign"), rows[:_MOST_CAMPAIGNS])
        + alone
    )


def _audit(reports: Sequence[CampaignReport], figures: Figures, zone: tzinfo, zone_name: str) -> str:
    if not figures.attempts:
        return quiet("No call was made.")
    bounded = [one for one in reports if one.limits.is_bounded]
    planned = [one for one in reports if one.limits.most_attempts is not None]
    # Only what could be judged speaks for a campaign.
    calls = sum(one.figures.attempts - one.figures.untimed for one in bounded)
    people = sum(one.figures.nth[1] for one in planned)
    shown = [_asked(bounded, planned, figures, zone, zone_name)]
    if calls:
        said = f"{figures.outside:,} of {counted(calls, 'call')} began outside of the window."
        shown.append(verdict(said, good=not figures.outside))
    if people:
        who = counted(people, "person was", "people were")
        said = f"{figures.too_often:,} of {who} called more often than asked for."
        shown.append(verdict(said, good=not figures.too_often))
    for known, what in ((bounded, "window"), (planned, "retry plan")):
        if not known:
            shown.append(quiet(f"No {what} is known, so nothing is judged by it."))
        elif left := len(reports) - len(known):
            shown.append(quiet(f"{counted(left, 'campaign')} without a known {what}."))
    for count, one, several in (
        (figures.untimed, "call has no time and is not judged.", "calls have no time and are not judged."),
        (figures.unnamed, "call has no number and is in nobody's account.",
         "calls have no number and are in nobody's account."),
    ):  # fmt: skip
        if count:
            shown.append(quiet(counted(count, one, several)))
    return "".join(shown)


def _asked(
    bounded: Sequence[CampaignReport],
    planned: Sequence[CampaignReport],
    figures: Figures,
    zone: tzinfo,
    zone_name: str,
) -> str:
    """Return what was asked for in words: without it nobody can tell what a verdict is worth."""
    said = []
    stretches = joined(stretch for one in bounded for stretch in one.limits.stretches)
    if figures.minutes and stretches:
        first, last = 60 * min(figures.minutes), 60 * max(figures.minutes)
        near = [one for one in stretches if one[1] > first and one[0] <= last + 60]
        said.append(f"calls {spans(near or stretches, zone)} ({zone_name})")
    plans = sorted({one.limits.most_attempts for one in planned if one.limits.most_attempts is not None})
    if plans:
        most = " to ".join(map(str, dict.fromkeys((plans[0], plans[-1]))))
        said.append(f"at most {most} call{'' if plans[-1] == 1 else 's'} to a person")
    return f"<p>Asked for: {escape('; '.join(said))}.</p>" if said else ""


def _charts(
    accounting: Accounting, figures: Figures, reports: Sequence[CampaignReport], zone: tzinfo, zone_name: str
) -> str:
    counted = {"reached": accounting.reached, **accounting.not_reached, NEVER_TRIED: accounting.never_tried}
    # In the order of the styles, words that are not known at the end.
    outcome = {name: counted[name] for name in dict.fromkeys([*_STYLES, *counted]) if name in counted}
    longest = max([*outcome.values(), 1])
    people = [
        Bar(
            name.replace("-", " "),
            count / longest,
            f"{count:,} ({percent(count, accounting.contacts)})",
            _STYLES.get(name, "other"),
        )
        for name, count in outcome.items()
        if count or name == "reached"
    ]
    made = []
    if figures.minutes:
        bounded = [one.limits for one in reports if one.limits.is_bounded]
        shaded = joined(stretch for one in bounded for stretch in one.stretches)
        chart = over_time(figures.minutes, figures.outside_minutes, shaded, zone)
        note = "The window is shaded." if bounded else "No window is known."
        note += " Hollow: outside of it." if figures.outside else ""
        made.append(figure("Calls per minute", chart, f"{note} Times of {zone_name}.", wide=True))
    made.append(figure("What became of people", bars("People", people)))
    if pressed := {digit: count for digit, count in figures.digits.items() if digit}:
        made.append(figure("Keys pressed", bars("Keys pressed in answered calls", list(_pressed(figures, pressed)))))
    if figures.hours:
        by_hour = {f"{hour:02}": (figures.hours_answered[hour], figures.hours[hour]) for hour in _day(figures.hours)}
        made.append(_rates("Answered by hour", "Hour", by_hour, zone_name))
    if figures.nth:
        by_attempt = {str(nth): (figures.nth_answered[nth], figures.nth[nth]) for nth in sorted(figures.nth)}
        made.append(_rates("Answered by attempt", "Attempt", by_attempt))
    return gallery("How it went", made)


def _pressed(figures: Figures, pressed: dict[str, int]) -> Iterator[Bar]:
    none = figures.digits[""]
    longest = max([*pressed.values(), none, 1])
    for digit, count in sorted(pressed.items(), key=lambda each: _place(each[0])):
        yield Bar(digit, count / longest, f"{count:,} ({percent(count, figures.answered)})")
    if none:
        yield Bar("none", none / longest, f"{none:,} ({percent(none, figures.answered)})", "never")


def _place(digit: str) -> tuple[bool, int, list[int]]:
    """Return where keys stand: alone before together, 0 to 9 before * and #."""
    return digit == OTHER_DIGITS, len(digit), [_KEYS.find(key) for key in digit]


def _day(hours: Iterable[int]) -> list[int]:
    """Return the hours from the first to the last, so that a night is whole: a day begins after its longest pause."""
    called = sorted(set(hours))
    before = [called[-1] - 24, *called[:-1]]
    first = max(zip(called, before, strict=True), key=lambda pair: pair[0] - pair[1])[0]
    return [(first + more) % 24 for more in range(max((hour - first) % 24 for hour in called) + 1)]


def _rates(title: str, what: str, rates: dict[str, tuple[int, int]], zone_name: str = "") -> str:
    shares = {label: answered / calls if calls else 0.0 for label, (answered, calls) in rates.items()}
    most = max(math.ceil(max(shares.values()) * 5), 1) / 5
    drawn = [
        Bar(
            label,
            share,
            percent(*rates[label]) if rates[label][1] else "",
            "plain" if rates[label][1] >= FEW else "few",
        )
        for label, share in shares.items()
    ]
    rows = ((label, f"{answered:,}", f"{calls:,}", percent(answered, calls))
            for label, (answered, calls) in rates.items() if calls)  # fmt: skip
    note = f"Share of calls that were answered{f', by the hour in {zone_name}' if zone_name else ''}."
    if any(0 < calls < FEW for _, calls in rates.values()):
        note += f" Hollow: fewer than {FEW} calls."
    counted = table((what, "Answered", "Calls", "Share"), rows)
    chart = columns(title, drawn, most)
    return figure(title, f"{chart}<details><summary>In numbers</summary>{counted}</details>", note)


def _campaigns(reports: Sequence[CampaignReport]) -> str:
    rows = (
        (
            _name(one),
            f"{one.accounting.contacts:,}",
            f"{one.accounting.reached:,}",
            percent(one.accounting.reached, one.accounting.contacts),
            f"{one.accounting.never_tried:,}",
            f"{one.figures.attempts:,}",
            f"{one.figures.outside:,}",
            _adding_up(one.accounting),
        )
        for one in reports[:_MOST_CAMPAIGNS]
    )
    head = ("Campaign", "Contacts", "Reached", "Share", "Never tried", "Attempts", "Outside", "Adds up")
    left = len(reports) - _MOST_CAMPAIGNS
    return table(head, rows) + (quiet(f"And {left:,} more, which are in the tables.") if left > 0 else "")


def _adding_up(accounting: Accounting) -> str:
    return "no" if accounting.differences else "yes" if accounting.is_compared else "not known"
