"""Pages with the state of the emulator. They show only the last two digits of phone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from airflow_provider_exotel.emulator.campaigns import IN_PROGRESS, INDIA, Call, CampaignState
from airflow_provider_exotel.emulator.clock import Clock
from airflow_provider_exotel.emulator.journal import JournalEntry, masked
from airflow_provider_exotel.html.charts import Bar, Timeline, draw_timeline
from airflow_provider_exotel.html.render import render

MOST_CAMPAIGNS = 60
MOST_REQUESTS = 25
MOST_CALLS = 60
CALLS_IN_FEED = 12
_KEY = re.compile(r" (af-[0-9a-f]{16}(?:-[0-9a-f]{4})?)$")
# The label and style of each count, in the order of the bar.
_PARTS = {
    "completed": ("reached", "reached"),
    "busy": ("busy", "busy"),
    "no_answer": ("no answer", "no-answer"),
    "failed": ("failed", "failed"),
    "no_attempt": ("never tried", "never"),
    "dialling": ("in a first call", "dialling"),
    "redialling": ("in another call", "redialling"),
    "waiting": ("to be called again", "waiting"),
    "untried": ("not yet called", "untried"),
}


class _Table(NamedTuple):
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    empty: str = ""


def render_overview(
    states: Sequence[CampaignState], journal: Sequence[JournalEntry], clock: Clock, reports: Mapping[str, str]
) -> str:
    """Return the page of all campaigns, newest first.

    :param states: the campaigns in the order of their creation.
    :param journal: the requests so far.
    :param clock: the clock of the emulator.
    :param reports: the addresses of reports, by campaign id.
    """
    newest = states[-MOST_CAMPAIGNS:][::-1]
    key_figures = {
        "campaigns": len(states),
        "dialling": sum(state.status == IN_PROGRESS for state in states),
        "calls": sum(state.calls_finished for state in states),
        "people reached": sum(state.counts.completed for state in states),
    }
    calls = [(call, state) for state in newest for call in state.latest_calls(CALLS_IN_FEED)]
    calls.sort(key=lambda pair: pair[0].started, reverse=True)
    call_rows = [
        (_second(call.started), _hidden(call), _KEY.sub("", masked(state.name)), call.attempt, call.status)
        for call, state in calls[:CALLS_IN_FEED]
    ]
    requests = [
        (_second(one.at), one.method, one.status or "dropped", f"⚡ {one.fault}" if one.fault else "", masked(one.path))
        for one in reversed(journal[-MOST_REQUESTS:])
    ]
    tables = [
        _Table(
            "Latest calls", ("Campaign clock", "Number", "Campaign", "Attempt", "Status"), call_rows, "No call yet."
        ),
        _Table("Latest requests", ("Time", "Method", "Status", "Fault", "Path"), requests, "No request yet."),
    ]
    return _render("Exotel emulator", clock, key_figures, newest, reports, tables, is_overview=True)


def render_campaign(state: CampaignState, clock: Clock, reports: Mapping[str, str]) -> str:
    """Return the page of one campaign with its latest calls.

    :param state: the campaign.
    :param clock: the clock of the emulator.
    :param reports: the addresses of reports, by campaign id.
    """
    counts = state.counts
    key_figures = {
        "numbers": counts.total,
        "reached": counts.completed,
        "still to settle": counts.open,
        "calls": state.calls_finished,
    }
    calls = [
        (_second(call.started), _hidden(call), call.attempt, call.status, f"{call.duration} s", call.digits)
        for call in state.latest_calls(MOST_CALLS)
    ]
    head = ("Campaign clock", "Number", "Attempt", "Status", "Duration", "Digit")
    tables = [
        _Table("As ordered", ("Field", "Value"), list(_ordered(state))),
        _Table("Latest calls", head, calls, "No call yet."),
    ]
    title = _KEY.sub("", masked(state.name))
    return _render(title, clock, key_figures, [state], reports, tables, is_overview=False, timeline=_timeline(state))


def _render(
    title: str,
    clock: Clock,
    key_figures: Mapping[str, int],
    states: Iterable[CampaignState],
    reports: Mapping[str, str],
    tables: Sequence[_Table],
    **values: Any,
) -> str:
    its_own = f"Each campaign has a clock of its own, {clock.speed:g} times as fast as this one"
    pace = its_own if clock.speed else "The clock is stepped by hand"
    return render(
        "emulator.html",
        title=title,
        subtitle=f"Nobody is called. {pace}: {_second(clock.now())} IST",
        key_figures=[(name, f"{count:,}", "") for name, count in key_figures.items()],
        campaigns=[_card(state, reports) for state in states],
        tables=tables,
        **{"timeline": None} | values,
    )


def _card(state: CampaignState, reports: Mapping[str, str]) -> dict[str, Any]:
    name, counts = masked(state.name), asdict(state.counts)
    key = _KEY.search(name)
    begins, ends = state.send_at.timestamp(), state.end_at.timestamp()
    elapsed = min(1.0, max(0.0, (state.instant - begins) / max(1.0, ends - begins)))
    return {
        "id": state.id,
        "name": _KEY.sub("", name),
        "key": key and key[1],
        "status": state.status,
        "throttle": state.campaign.dialling.calls_per_minute,
        "begins": _minute(state.send_at),
        "clock": _minute(state.now),
        "ends": _minute(state.end_at),
        "elapsed": f"{elapsed:.2%}",
        "total": counts["total"],
        "bars": [Bar(label, counts[part], style) for part, (label, style) in _PARTS.items()],
        "report": reports.get(state.id),
    }


def _timeline(state: CampaignState) -> Timeline | None:
    begins = state.campaign.dialling.start
    last = min(state.instant, state.plan.last_end if state.plan else begins)
    span = range(int(begins // 60), int(last // 60) + 1)
    minutes = {minute: calls for minute in span if (calls := state.calls_begun(60 * minute, 60 * minute + 60))}
    return draw_timeline(minutes, {}, [(begins, state.campaign.dialling.end)], INDIA) if minutes else None


def _ordered(state: CampaignState) -> Iterable[tuple[str, str]]:
    dialling = state.campaign.dialling
    yield "first call", _minute(state.send_at)
    yield "last call", _minute(state.end_at)
    yield "calls a minute", str(dialling.calls_per_minute)
    yield "more attempts", str(dialling.retries.extra)
    if dialling.retries.extra:
        yield "minutes between", f"{dialling.retries.interval / 60:g}" + ", doubling" * dialling.retries.exponential
        yield "called again when", ", ".join(sorted(dialling.retries.on))


def _hidden(call: Call) -> str:
    return "••••••••" + call.number[-2:]


def _minute(instant: datetime) -> str:
    return f"{instant.astimezone(INDIA):%d %b %H:%M}"


def _second(instant: datetime) -> str:
    return f"{instant.astimezone(INDIA):%d %b %H:%M:%S}"
