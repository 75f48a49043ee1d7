"""What the page draws: bars that are labelled where they stand, and calls over time against the window.

Every chart says in words what it shows, and nothing hangs on colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from html import escape
from typing import NamedTuple

# Units of a picture that is as wide as a phone; on a desk it grows to half a page.
_WIDTH, _ROW, _LABEL, _VALUE = 400, 29, 116, 112
_HEIGHT, _AXIS, _TOP = 180, 22, 20
_BINS, _SPAN_WIDTH, _SPAN_HEIGHT = 96, 960, 150
FEW = 10
"""Calls of which a rate says little; it is drawn hollow."""


class Bar(NamedTuple):
    """One bar.

    :param label: what it stands for.
    :param length: how long it is beside the longest, 0 to 1.
    :param value: what stands at its end.
    :param style: the class it is drawn in.
    """

    label: str
    length: float
    value: str
    style: str = "plain"


def bars(title: str, rows: Sequence[Bar]) -> str:
    """Return bars beneath each other, each with its label and its value."""
    room, drawn = _WIDTH - _LABEL - _VALUE, ""
    for number, bar in enumerate(rows):
        top = number * _ROW
        drawn += (
            f'<text x="{_LABEL - 8}" y="{top + 19}" text-anchor="end">{escape(bar.label)}</text>'
            f'<rect class="{bar.style}" x="{_LABEL}" y="{top + 5}" width="{max(bar.length * room, 1):.1f}" '
            f'height="{_ROW - 9}" rx="2"/>'
            f'<text class="value" x="{_LABEL + max(bar.length * room, 1) + 7:.1f}" y="{top + 19}">'
            f"{escape(bar.value)}</text>"
        )
    return _picture(title, (f"{bar.label} {bar.value}" for bar in rows), len(rows) * _ROW + 2, drawn)


def columns(title: str, rows: Sequence[Bar], most: float) -> str:
    """Return columns beside each other over a scale from 0 to ``most``, a share of 1."""
    base, step = _HEIGHT - _AXIS, _WIDTH / max(len(rows), 1)
    wide, drawn = min(step - 3, 46), ""
    for share in (0.0, most / 2, most):
        y = base - share / most * (base - _TOP)
        drawn += f'<line class="grid" x1="0" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
    every = math.ceil(len(rows) / 12)
    for number, bar in enumerate(rows):
        middle, tall = (number + 0.5) * step, bar.length / most * (base - _TOP)
        drawn += (
            f'<rect class="{bar.style}" x="{middle - wide / 2:.1f}" y="{base - tall:.1f}" width="{wide:.1f}" '
            f'height="{max(tall, 0.5):.1f}"><title>{escape(f"{bar.label}: {bar.value}")}</title></rect>'
        )
        if number % every == 0:
            drawn += f'<text x="{middle:.1f}" y="{_HEIGHT - 4}" text-anchor="middle">{escape(bar.label)}</text>'
        if len(rows) <= 12 and bar.value:
            drawn += (
                f'<text class="value" x="{middle:.1f}" y="{base - tall - 4:.1f}" text-anchor="middle">'
                f"{escape(bar.value)}</text>"
            )
    return _picture(title, (f"{bar.label} {bar.value}" for bar in rows if bar.value), _HEIGHT, drawn)


def over_time(
    minutes: Mapping[int, int], stretches: Iterable[tuple[float, float]], zone: tzinfo, *, is_bounded: bool
) -> str:
    """Return calls per minute from the first to the last, over the stretches of time in which they were allowed.

    :param minutes: calls by the minute since 1970 in which they began.
    :param stretches: when may be called, seconds since 1970.
    :param zone: whose clocks the ends are told on.
    :param is_bounded: whether any hours were asked for.
    """
    first, last = min(minutes), max(minutes)
    # A little before and after, so that the edges of the window are seen.
    margin = max(5, (last - first) // 20)
    first, last = first - margin, last + 1 + margin
    width = max(1, math.ceil((last - first) / _BINS))
    counted: dict[int, int] = {}
    for minute, count in minutes.items():
        place = (minute - first) // width
        counted[place] = counted.get(place, 0) + count
    count_of_bins = math.ceil((last - first) / width)
    step, most = _SPAN_WIDTH / count_of_bins, max(counted.values()) / width
    begins, ends = first * 60.0, (first + count_of_bins * width) * 60.0

    def across(moment: float) -> float:
        return (min(max(moment, begins), ends) - begins) / (ends - begins) * _SPAN_WIDTH

    allowed = [(across(opening), across(closing)) for opening, closing in joined(stretches)] if is_bounded else []
    drawn = "".join(
        f'<rect class="allowed" x="{left:.1f}" y="0" width="{right - left:.1f}" height="{_SPAN_HEIGHT}"/>'
        for left, right in allowed
        if right > left
    )
    for place, count in sorted(counted.items()):
        tall = count / width / most * (_SPAN_HEIGHT - 10)
        moment = datetime.fromtimestamp((first + place * width) * 60, zone)
        drawn += (
            f'<rect class="calls" x="{place * step:.1f}" y="{_SPAN_HEIGHT - tall:.1f}" '
            f'width="{max(step - 1.5, 1):.1f}" height="{tall:.1f}">'
            f"<title>{moment:%d %b %H:%M}: {_few(count / width)} a minute</title></rect>"
        )
    start, end = (datetime.fromtimestamp(each * 60, zone) for each in (min(minutes), max(minutes)))
    text = f"Calls per minute from {start:%d %b %H:%M} to {end:%d %b %H:%M}, {_few(most)} at most"
    return (
        f'<svg class="span" viewBox="0 0 {_SPAN_WIDTH} {_SPAN_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{text}">{drawn}</svg><p class="ends"><span>{datetime.fromtimestamp(begins, zone):%d %b %H:%M}'
        f"</span><span>at most <b>{_few(most)}</b> a minute</span><span>"
        f"{datetime.fromtimestamp(ends, zone):%d %b %H:%M}</span></p>"
    )


def joined(stretches: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return stretches of time in order, those that touch as one."""
    made: list[tuple[float, float]] = []
    for opening, closing in sorted(stretches):
        if made and opening <= made[-1][1]:
            made[-1] = (made[-1][0], max(made[-1][1], closing))
        else:
            made.append((opening, closing))
    return made


def _picture(title: str, said: Iterable[str], height: float, drawn: str) -> str:
    text = escape(f"{title}: {'; '.join(said)}", quote=True)
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{text}">{drawn}</svg>'


def _few(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}".removesuffix(".0")
