"""Render a plan as a page, and as Markdown for an approval form, both without phone numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from airflow_provider_exotel.audience.hours import EVERYBODY
from airflow_provider_exotel.audience.plan import AudiencePlan, PlannedCampaign
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.html.charts import Bar, Track, Tracks, draw_tracks
from airflow_provider_exotel.html.render import quantity, render
from airflow_provider_exotel.windows.calling_window import Window
from airflow_provider_exotel.windows.common_window import CommonWindow

_MAX_CAMPAIGNS_SHOWN = 60
_MAX_CHART_TIME = timedelta(days=31)
_HEAD = ("Campaign", "Contacts", "By", "Calls a minute", "First call", "Done at best", "Done at latest", "Windows")


def render_page(plan: AudiencePlan) -> str:
    """Return the plan as a self-contained HTML page."""
    tracks, zone = _tracks(plan)
    return render(
        "plan.html",
        title=f"{plan.settings.name}: a plan of {quantity(len(plan.campaigns), 'campaign')}",
        subtitle=f"Plan {plan.id}, made before anybody was called",
        tracks=tracks,
        zone=zone,
        people=list(_people(plan)),
        left_out=list(_left_out(plan)),
        suppressions=[
            (name, f"{one.rows:,}", f"{one.unreadable:,}", f"{one.suppressed:,}")
            for name, one in plan.summary.suppressions.items()
        ],
        most=_MAX_CAMPAIGNS_SHOWN,
        **_values(plan),
    )


def render_markdown(plan: AudiencePlan) -> str:
    """Return the plan as a few lines of Markdown."""
    reasons = [(Reason(reason).explanation, count) for reason, count in plan.summary.rejected.items()]
    return render("plan.md", reasons=reasons, **_values(plan))


def _values(plan: AudiencePlan) -> dict[str, Any]:
    return {
        "plan": plan,
        "summary": plan.summary,
        "earliest": _moment(plan.earliest_finish),
        "latest": _moment(plan.latest_finish),
        "head": _HEAD,
        "campaigns": [_row(one) for one in plan.campaigns],
    }


def _row(one: PlannedCampaign) -> tuple[str, ...]:
    share = one.share
    return (
        one.name,
        f"{one.contacts:,}",
        "numbers" if one.is_inline else quantity(one.lists, "list"),
        f"{share.throttle:,}",
        _moment(share.send_at),
        _moment(share.earliest_finish),
        _moment(share.latest_finish),
        f"{share.windows:,}" if share.windows else "more than a year's",
    )


def _people(plan: AudiencePlan) -> Iterator[Bar]:
    zones = {one.key: ", ".join(_zones(one.open)) for one in plan.campaigns}
    for key, count in sorted(plan.summary.keys.items(), key=lambda each: -each[1]):
        yield Bar(zones[key] if key == EVERYBODY else f"{key} ({zones[key]})", count)


def _zones(window: Window) -> Iterator[str]:
    windows = window.all_of if isinstance(window, CommonWindow) else (window,)
    yield from dict.fromkeys(one.zone.key for one in windows)


def _left_out(plan: AudiencePlan) -> Iterator[Bar]:
    summary = plan.summary
    for reason, count in summary.rejected.items():
        yield Bar(reason.replace("_", " "), count, "never")
    if summary.duplicates:
        yield Bar("duplicate", summary.duplicates, "never")
    for name, one in summary.suppressions.items():
        if one.suppressed:
            yield Bar(name, one.suppressed, "never")


def _tracks(plan: AudiencePlan) -> tuple[Tracks | None, str]:
    """Return a chart of the dialling times, and its time zone: the campaigns' common zone, or UTC."""
    if not plan.campaigns:
        return None, ""
    zones = {one.open.zone.key: one.open.zone for one in plan.campaigns}
    name, zone = next(iter(zones.items())) if len(zones) == 1 else ("UTC", UTC)
    return draw_tracks("When it dials", [_track(one) for one in plan.campaigns[:_MAX_CAMPAIGNS_SHOWN]], zone), name


def _track(one: PlannedCampaign) -> Track:
    share, window = one.share, one.open
    last = share.latest_finish or share.send_at + _MAX_CHART_TIME
    earliest = min(share.earliest_finish or last, last)
    return Track(
        one.name,
        f"{one.contacts:,} at {share.throttle:,} a minute",
        list(_open(window, share.send_at - timedelta(days=2), last + timedelta(days=2))),
        list(_open(window, share.send_at, earliest)),
        list(_open(window, earliest, last)),
    )


def _open(window: Window, since: datetime, until: datetime) -> Iterator[tuple[float, float]]:
    for opening, closing in takewhile(lambda stretch: stretch.opening < until, window.stretches_from(since)):
        if max(opening, since) < min(closing, until):
            yield max(opening, since).timestamp(), min(closing, until).timestamp()


def _moment(moment: datetime | None) -> str:
    if moment is None:
        return "more than a year later"
    hours = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    return f"{moment.day} {moment:%b %Y %H:%M} ({'+' if hours >= 0 else '−'}{abs(hours) // 60:02}:{abs(hours) % 60:02})"
