"""The page that shows what the emulator is doing. It never shows a phone number, only how many there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from airflow_provider_exotel.emulator.campaigns import IN_PROGRESS, INDIA, Call, CampaignState
from airflow_provider_exotel.emulator.journal import JournalEntry, masked
from airflow_provider_exotel.emulator.pictures import PARTS, calls_over_time, moment, outcomes, status, window

MOST_CAMPAIGNS = 60
MOST_REQUESTS = 25
MOST_CALLS = 60
CALLS_IN_FEED = 12
_KEY = re.compile(r" (af-[0-9a-f]{16}(?:-[0-9a-f]{4})?)$")


def overview(
    states: Sequence[CampaignState], journal: Sequence[JournalEntry], now: datetime, reports: Mapping[str, str]
) -> str:
    """Return the page of all campaigns, newest first.

    :param states: the campaigns in the order of their creation.
    :param journal: the requests so far.
    :param now: the time of the emulator.
    :param reports: the addresses of reports, by the campaign.
    """
    newest = list(reversed(states[-MOST_CAMPAIGNS:]))
    figures = {
        "campaigns": len(states),
        "dialling now": sum(state.status == IN_PROGRESS for state in states),
        "calls": sum(state.calls_finished for state in states),
        "people reached": sum(state.counts.completed for state in states),
    }
    content = (
        _figures(figures)
        + _section("Campaigns", "".join(_card(state, reports) for state in newest) or _nothing_yet())
        + '<div class="columns">'
        + _section("Latest calls", _feed(newest))
        + _section("Latest requests", _requests(journal))
        + "</div>"
    )
    return _page("Exotel emulator", "Nobody is called.", now, content)


def one(state: CampaignState, now: datetime, reports: Mapping[str, str]) -> str:
    """Return the page of one campaign with its latest calls.

    :param state: the campaign.
    :param now: the time of the emulator.
    :param reports: the addresses of reports, by the campaign.
    """
    counts = state.counts
    figures = {
        "numbers": counts.total,
        "reached": counts.completed,
        "still to settle": counts.open,
        "calls": state.calls_finished,
    }
    settled = asdict(counts)
    rows = ((PARTS[name], f"{settled[name]:,}") for name in PARTS)
    calls = (
        (_clock(call.started), _masked(call), call.attempt, call.status, f"{call.duration} s", call.digits)
        for call in state.latest_calls(MOST_CALLS)
    )
    content = (
        '<p><a href="/">← All campaigns</a></p>'
        + _figures(figures)
        + _section("Progress", _card(state, reports))
        + _section("Calls per minute", calls_over_time(state))
        + '<div class="columns">'
        + _section("Numbers", _table(("What became of them", "Count"), rows))
        + _section("As ordered", _table(("Field", "Value"), _ordered(state)))
        + "</div>"
        + _section(
            "Latest calls", _table(("Start", "Number", "Attempt", "Status", "Duration", "Digit"), calls, "No call yet.")
        )
    )
    return _page(masked(state.name), f"Campaign {state.id}", now, content)


@cache
def _template() -> Template:
    return Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))


def _page(title: str, subtitle: str, now: datetime, content: str) -> str:
    return _template().substitute(title=escape(title), subtitle=escape(subtitle), now=_clock(now), content=content)


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def _figures(figures: dict[str, int]) -> str:
    cells = "".join(f"<div><dd>{count:,}</dd><dt>{name}</dt></div>" for name, count in figures.items())
    return f'<dl class="figures">{cells}</dl>'


def _card(state: CampaignState, reports: Mapping[str, str]) -> str:
    address = reports.get(state.id)
    report = f'<p><a href="{escape(address)}">Report</a></p>' if address else ""
    return f'<article class="card">{_title(state)}{window(state)}{outcomes(state)}{report}</article>'


def _title(state: CampaignState) -> str:
    name = masked(state.name)
    key = _KEY.search(name)
    shown = escape(_KEY.sub("", name)) + (f" <small>{key[1]}</small>" if key else "")
    throttle = f"{state.campaign.dialling.calls_per_minute} calls a minute"
    return f'<h3><a href="/campaigns/{state.id}">{shown}</a>{status(state.status)}<span>{throttle}</span></h3>'


def _nothing_yet() -> str:
    return (
        '<p class="empty">No campaign yet. Give the connection that the emulator printed when it started to Airflow '
        "as <code>AIRFLOW_CONN_EXOTEL_DEFAULT</code> and run a DAG; what it orders appears here.</p>"
    )


def _feed(states: Iterable[CampaignState]) -> str:
    calls = [(call, state) for state in states for call in state.latest_calls(CALLS_IN_FEED)]
    calls.sort(key=lambda pair: pair[0].started, reverse=True)
    rows = (
        (_clock(call.started), _masked(call), _KEY.sub("", masked(state.name)), call.attempt, call.status)
        for call, state in calls[:CALLS_IN_FEED]
    )
    return _table(("Start", "Number", "Campaign", "Attempt", "Status"), rows, "No call yet.")


def _requests(journal: Sequence[JournalEntry]) -> str:
    rows = (
        (_clock(each.at), each.method, each.status or "dropped", each.fault and f"⚡ {each.fault}", masked(each.path))
        for each in reversed(journal[-MOST_REQUESTS:])
    )
    return _table(("Time", "Method", "Status", "Fault", "Path"), rows, "No request yet.")


def _ordered(state: CampaignState) -> Iterable[tuple[str, str]]:
    dialling = state.campaign.dialling
    yield "first call", moment(state.send_at)
    yield "last call", moment(state.end_at)
    yield "calls a minute", str(dialling.calls_per_minute)
    yield "more attempts", str(dialling.retries.extra)
    if dialling.retries.extra:
        yield "minutes between", f"{dialling.retries.interval / 60:g}" + ", doubling" * dialling.retries.exponential
        yield "called again when", ", ".join(sorted(dialling.retries.on))


def _masked(call: Call) -> str:
    return "••••••••" + call.number[-2:]


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]], empty: str = "") -> str:
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell or ''))}</td>" for cell in row) + "</tr>" for row in rows)
    if not body:
        return f'<p class="empty">{empty}</p>'
    first = "".join(f'<th scope="col">{each}</th>' for each in head)
    return f'<div class="scroll"><table><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table></div>'


def _clock(instant: datetime) -> str:
    return f"{instant.astimezone(INDIA):%d %b %H:%M:%S}"
