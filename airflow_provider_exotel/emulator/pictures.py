"""What the page draws: outcomes as a bar, a window as a line of time, calls per minute as a chart.

Each says in words what it shows, and nothing hangs on colour alone: every part has a pattern and stands in the legend.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from html import escape

from airflow_provider_exotel.emulator.campaigns import INDIA, CampaignState

# What becomes of numbers, in the order in which it stands in a bar, and what people call it.
PARTS = {
    "completed": "reached",
    "busy": "busy",
    "no_answer": "no answer",
    "failed": "failed",
    "no_attempt": "never tried",
    "dialling": "in a first call",
    "redialling": "in another call",
    "waiting": "to be called again",
    "untried": "not yet called",
}
_BINS = 48
_WIDTH, _HEIGHT = 480, 72


def outcomes(state: CampaignState) -> str:
    """Return the bar of a campaign's numbers with its legend."""
    counts = asdict(state.counts)
    present = {name: counts[name] for name in PARTS if counts[name]}
    text = ", ".join(f"{PARTS[name]} {count:,}" for name, count in present.items()) or "nobody"
    segments = "".join(
        f'<i class="{name}" style="flex-grow:{counts[name]}"></i>' for name in PARTS
    )  # all of them, also empty ones, so that each moves to its new width
    legend = "".join(
        f'<li><i class="{name}"></i>{PARTS[name]} <b>{count:,}</b></li>' for name, count in present.items()
    )
    return (
        f'<div class="bar" role="img" aria-label="Of {counts["total"]:,} numbers: {text}">{segments}</div>'
        f'<ul class="legend" aria-hidden="true">{legend}</ul>'
    )


def window(state: CampaignState) -> str:
    """Return the campaign's window as a line from its first moment to its last, with the present marked."""
    begins, ends = state.send_at.timestamp(), state.end_at.timestamp()
    gone = min(1.0, max(0.0, (state.instant - begins) / max(1.0, ends - begins)))
    text = f"Dials from {moment(state.send_at)} to {moment(state.end_at)}; it is {moment(state.now)} for it"
    return (
        f'<div class="window" role="img" aria-label="{text}">'
        f'<span class="line"><i style="width:{gone:.2%}"></i><b style="left:{gone:.2%}"></b></span>'
        f'<span class="ends"><span>{moment(state.send_at)}</span><span class="now">now {moment(state.now)}</span>'
        f"<span>{moment(state.end_at)}</span></span></div>"
    )


def calls_over_time(state: CampaignState) -> str:
    """Return the campaign's calls per minute, from its first call to the present, as a chart."""
    begins = state.campaign.dialling.start
    last = min(state.instant, state.plan.last_end if state.plan else begins)
    width = max(60.0, (last - begins) / _BINS)
    bins = [state.calls_begun(begins + n * width, begins + (n + 1) * width) * 60 / width for n in range(_BINS)]
    most = max(bins)
    if not most:
        return '<p class="empty">No call so far.</p>'
    step = _WIDTH / _BINS
    columns = "".join(
        f'<rect x="{n * step:.1f}" y="{_HEIGHT - value / most * _HEIGHT:.1f}" width="{step - 1:.1f}" '
        f'height="{value / most * _HEIGHT:.1f}"><title>{moment(datetime.fromtimestamp(begins + n * width, INDIA))}: '
        f"{value:.0f} a minute</title></rect>"
        for n, value in enumerate(bins)
        if value
    )
    text = f"Calls per minute since {moment(state.send_at)}, {most:.0f} at most"
    until = moment(datetime.fromtimestamp(begins + _BINS * width, INDIA))
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{text}">'
        f"{columns}</svg><figcaption><span>{moment(state.send_at)}</span><span>at most <b>{most:.0f}</b> a minute"
        f"</span><span>{until}</span></figcaption></figure>"
    )


def status(word: str) -> str:
    """Return a campaign's status as a badge."""
    return f'<span class="status {escape(word)}">{escape(word.replace("-", " "))}</span>'


def moment(instant: datetime) -> str:
    """Return a moment on India's clocks, which is the service's."""
    return f"{instant.astimezone(INDIA):%d %b %H:%M}"
