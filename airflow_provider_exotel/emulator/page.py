"""The page that shows what the emulator is doing. It never shows a phone number, only how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from airflow_provider_exotel.emulator.campaigns import INDIA, CampaignState
from airflow_provider_exotel.emulator.journal import JournalEntry, masked

MOST_CAMPAIGNS = 100
MOST_REQUESTS = 25
MOST_CALLS = 200
# The counts in the order in which they stand in a bar; the page gives each its colour.
PARTS = (
    "completed",
    "busy",
    "no_answer",
    "failed",
    "no_attempt",
    "dialling",
    "redialling",
    "waiting",
    "untried",
)


@cache
def _template() -> Template:
    return Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))


def overview(states: Sequence[CampaignState], journal: Sequence[JournalEntry], now: datetime) -> str:
    """Return the page of all campaigns, newest first.

    :param states: the campaigns in the order of their creation.
    :param journal: the requests so far.
    :param now: the time of the emulator.
    """
    newest = list(reversed(states[-MOST_CAMPAIGNS:]))
    requests = [
        (_time(each.at), each.method, masked(each.path), each.status or "dropped", each.fault or "")
        for each in reversed(journal[-MOST_REQUESTS:])
    ]
    content = (
        f"<h2>Campaigns <small>{len(states)}</small></h2>"
        + _table(("Campaign", "Status", "Window", "Its time", "Numbers", "Calls"), map(_row, newest))
        + f"<h2>Requests <small>{len(journal)}</small></h2>"
        + _table(("Time", "Method", "Path", "Status", "Fault"), map(_plain, requests))
    )
    return _template().substitute(title="Exotel emulator", now=_time(now), content=content)


def one(state: CampaignState, now: datetime) -> str:
    """Return the page of one campaign with its latest calls.

    :param state: the campaign.
    :param now: the time of the emulator.
    """
    calls = [
        (_time(each.started), "••••••••" + each.number[-2:], each.attempt, each.status, f"{each.duration} s")
        for each in reversed(state.calls[-MOST_CALLS:])
    ]
    counts = [(name.replace("_", " "), count) for name, count in asdict(state.counts).items()]
    content = (
        '<p><a href="/">All campaigns</a></p>'
        + _table(("Campaign", "Status", "Window", "Its time", "Numbers", "Calls"), [_row(state)])
        + "<h2>Counts</h2>"
        + _table(("Numbers", "Count"), map(_plain, counts))
        + f"<h2>Calls <small>{state.calls_finished}</small></h2>"
        + _table(("Start", "Number", "Attempt", "Status", "Duration"), map(_plain, calls))
    )
    return _template().substitute(title=escape(masked(state.name)), now=_time(now), content=content)


def _row(state: CampaignState) -> tuple[str, ...]:
    window = f"{_time(state.send_at)} to {_time(state.end_at)}"
    link = f'<a href="/campaigns/{state.id}">{escape(masked(state.name))}</a>'
    status = f'<span class="status {state.status}">{state.status}</span>'
    return (link, status, window, _time(state.now), _bar(state), str(state.counts.total))


def _bar(state: CampaignState) -> str:
    counts = asdict(state.counts)
    parts = "".join(
        f'<i class="{name}" style="flex:{counts[name]}" title="{name.replace("_", " ")}: {counts[name]}"></i>'
        for name in PARTS
        if counts[name]
    )
    return f'<span class="bar">{parts}</span>'


def _plain(cells: Iterable[Any]) -> tuple[str, ...]:
    return tuple(escape(str(each)) for each in cells)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    first = "".join(f"<th>{each}</th>" for each in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table>"


def _time(instant: datetime) -> str:
    return f"{instant.astimezone(INDIA):%d %b %H:%M:%S}"
