"""The plan as one page for people, and as a few lines for a form of approval. No number is on either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import takewhile

from airflow_provider_exotel.audience.plan import FleetPlan, PlannedCampaign
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.html.charts import Bar, Track, bars, tracks
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
from airflow_provider_exotel.windows.calling_window import Window

_MOST_CAMPAIGNS = 60
_LONGEST_LOOK = timedelta(days=31)


def page(plan: FleetPlan) -> str:
    """Return the plan as a page that stands by itself."""
    content = (
        key_figures(_figures(plan))
        + section("Does it add up?", _adds_up(plan))
        + section("Does it fit?", _fits(plan))
        + (gallery("Who and when", _charts(plan)) if plan.summary.rows else "")
        + (section("The campaigns", _campaigns(plan)) if plan.campaigns else "")
        + (section("Who is not to be called", _suppressions(plan)) if plan.summary.suppressions else "")
    )
    return document(
        f"{plan.order.name}: a plan of {counted(len(plan.campaigns), 'campaign')}",
        f"Plan {plan.id}, made before anybody was called",
        content,
        footer="Made of the audience as it was read.",
    )


def markdown(plan: FleetPlan) -> str:
    """Return the plan in a few lines of Markdown."""
    summary = plan.summary
    left_out = [
        *((f"{count:,} rejected: {Reason(reason).explanation}") for reason, count in summary.rejected.items()),
        *((f"{one.suppressed:,} suppressed by {name}") for name, one in summary.suppressions.items()),
        *([f"{summary.duplicates:,} duplicates"] if summary.duplicates else []),
    ]
    lines = [
        f"# {plan.order.name}",
        "",
        f"Plan `{plan.id}`: **{summary.accepted:,}** people of {summary.rows:,} rows, "
        f"{counted(len(plan.campaigns), 'campaign')}, {counted(plan.lists, 'list')}, "
        f"at least {plan.requests:,} requests.",
        "",
        *(f"- {line}" for line in left_out),
        *([""] if left_out else []),
        *([f"Done between {_moment(plan.earliest_finish)} and {_moment(plan.latest_finish)}.", ""]
          if plan.campaigns else ["Nobody is to be called.", ""]),
        *(f"**Mind:** {warning}\n" for warning in plan.warnings),
    ]  # fmt: skip
    if plan.campaigns:
        lines += ["| " + " | ".join(_HEAD) + " |", "|---" * len(_HEAD) + "|"]
        lines += ["| " + " | ".join(_row(one)) + " |" for one in plan.campaigns]
    return "\n".join(lines) + "\n"


_HEAD = ("Campaign", "Contacts", "By", "Calls a minute", "First call", "Done at best", "Done at latest", "Windows")


def _row(one: PlannedCampaign) -> tuple[str, ...]:
    share = one.share
    return (
        one.name,
        f"{one.contacts:,}",
        "numbers" if one.is_inline else counted(one.lists, "list"),
        f"{share.throttle:,}",
        _moment(share.send_at),
        _moment(share.earliest_finish),
        _moment(share.latest_finish),
        f"{share.days:,}" if share.days else "more than a year's",
    )


def _figures(plan: FleetPlan) -> Iterator[tuple[str, str, str]]:
    summary = plan.summary
    yield "to call", f"{summary.accepted:,}", f"of {summary.rows:,} rows"
    yield "left out", f"{summary.rows - summary.accepted:,}", "rejected, duplicate or suppressed"
    yield "campaigns", f"{len(plan.campaigns):,}", counted(plan.lists, "list") if plan.lists else "without lists"
    yield "requests", f"{plan.requests:,}", "at least"


def _adds_up(plan: FleetPlan) -> str:
    summary = plan.summary
    rejected = sum(summary.rejected.values())
    suppressed = sum(one.suppressed for one in summary.suppressions.values())
    return (
        f"<p><b>{summary.accepted:,}</b> to call + <b>{rejected:,}</b> rejected + <b>{summary.duplicates:,}</b> "
        f"duplicate + <b>{suppressed:,}</b> suppressed = <b>{summary.rows:,}</b> rows</p>"
        + (quiet("Every rejected row stands in the quarantine file with its reason.") if rejected else "")
    )


def _fits(plan: FleetPlan) -> str:
    if not plan.campaigns:
        return quiet("Nobody is to be called.")
    said = (
        "Every campaign is done inside its first window, even if nobody is reached."
        if plan.fits
        else "Not every campaign is done inside its first window, should few people be reached."
    )
    return (
        verdict(said, good=plan.fits)
        + f"<p>Done between <b>{_moment(plan.earliest_finish)}</b> and <b>{_moment(plan.latest_finish)}</b>.</p>"
        + listed(plan.warnings)
    )


def _charts(plan: FleetPlan) -> Iterator[str]:
    summary = plan.summary
    if plan.campaigns:
        shown, zone = plan.campaigns[:_MOST_CAMPAIGNS], _zone(plan)
        chart = tracks("When it dials", [_track(one) for one in shown], zone or UTC)
        note = "Shaded: when may be called. Dark: dialling if everybody is reached at once; light: with all retries. "
        where = next(iter(plan.campaigns)).open.zone.key if zone else "UTC"
        left = len(plan.campaigns) - len(shown)
        more = f" {left:,} more campaigns are not drawn." if left else ""
        yield figure("When each campaign dials", chart, f"{note}Times of {where}.{more}", wide=True)
        longest = max(summary.keys.values())
        people = sorted(summary.keys.items(), key=lambda each: -each[1])
        yield figure(
            "People by time zone",
            bars("People", [Bar(key, count / longest, _of(count, summary.accepted)) for key, count in people]),
        )
    left_out = {
        **{word.replace("_", " "): count for word, count in summary.rejected.items()},
        **({"duplicate": summary.duplicates} if summary.duplicates else {}),
        **{name: one.suppressed for name, one in summary.suppressions.items() if one.suppressed},
    }
    if left_out:
        longest = max(left_out.values())
        drawn = [Bar(name, count / longest, _of(count, summary.rows), "never") for name, count in left_out.items()]
        yield figure("Rows left out", bars("Rows left out", drawn), "Of all rows.")


def _campaigns(plan: FleetPlan) -> str:
    left = len(plan.campaigns) - _MOST_CAMPAIGNS
    rows = map(_row, plan.campaigns[:_MOST_CAMPAIGNS])
    return table(_HEAD, rows) + (quiet(f"And {left:,} more, which are in plan.json.") if left > 0 else "")


def _suppressions(plan: FleetPlan) -> str:
    rows = (
        (name, f"{one.rows:,}", f"{one.unreadable:,}", f"{one.suppressed:,}")
        for name, one in plan.summary.suppressions.items()
    )
    return table(("Source", "Rows", "Unreadable", "Not called because of it"), rows)


def _track(one: PlannedCampaign) -> Track:
    share, window = one.share, one.open
    last = share.latest_finish or share.send_at + _LONGEST_LOOK
    surely = min(share.earliest_finish or last, last)
    return Track(
        one.name,
        f"{one.contacts:,} at {share.throttle:,} a minute",
        list(_open(window, share.send_at - timedelta(days=2), last + timedelta(days=2))),
        list(_open(window, share.send_at, surely)),
        list(_open(window, surely, last)),
    )


def _open(window: Window, since: datetime, until: datetime) -> Iterator[tuple[float, float]]:
    for opening, closing in takewhile(lambda stretch: stretch.opening < until, window.stretches_from(since)):
        if max(opening, since) < min(closing, until):
            yield max(opening, since).timestamp(), min(closing, until).timestamp()


def _zone(plan: FleetPlan) -> tzinfo | None:
    """Return the zone of all campaigns, ``None`` if there are several."""
    zones: Iterable[tzinfo] = {one.open.zone for one in plan.campaigns}
    first, *others = zones
    return None if others else first


def _moment(moment: datetime | None) -> str:
    if moment is None:
        return "more than a year later"
    hours = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    return f"{moment.day} {moment:%b %Y %H:%M} ({'+' if hours >= 0 else '−'}{abs(hours) // 60:02}:{abs(hours) % 60:02})"


def _of(count: int, whole: int) -> str:
    return f"{count:,} ({percent(count, whole)})"
