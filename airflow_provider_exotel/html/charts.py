"""What the page draws: bars that are labelled where they stand, and calls over time against the window.

Every chart says in words what it shows, and nothing hangs on colour alone.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from html import escape
from itertools import pairwise
from typing import NamedTuple

from airflow_provider_exotel.html.parts import counted

# Units of a picture that is as wide as a phone; on a desk it grows to half a page.
_WIDTH, _ROW, _LABEL, _VALUE = 360, 29, 116, 104
_HEIGHT, _AXIS, _TOP, _SCALE = 180, 22, 20, 42
# What a bold sign takes at most on average, and how many signs there is room for before a bar.
_SIGN, _LONGEST_LABEL = 9, 14
_BINS, _SPAN_WIDTH, _SPAN_HEIGHT, _TRACK = 96, 960, 150, 26
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
    longest = max((len(bar.value) for bar in rows), default=0)
    room, drawn = _WIDTH - _LABEL - max(_VALUE, longest * _SIGN), ""
    for number, bar in enumerate(rows):
        top = number * _ROW
        drawn += (
            f'<text x="{_LABEL - 8}" y="{top + 19}" text-anchor="end">{escape(_short(bar.label))}</text>'
            f'<rect class="{bar.style}" x="{_LABEL}" y="{top + 5}" width="{max(bar.length * room, 1):.1f}" '
            f'height="{_ROW - 9}" rx="2"/>'
            f'<text class="value" x="{_LABEL + max(bar.length * room, 1) + 7:.1f}" y="{top + 19}">'
            f"{escape(bar.value)}</text>"
        )
    return _picture(title, (f"{bar.label} {bar.value}" for bar in rows), len(rows) * _ROW + 2, drawn)


def columns(title: str, rows: Sequence[Bar], most: float) -> str:
    """Return columns beside each other over a scale from 0 to ``most``, a share of 1."""
    base, step = _HEIGHT - _AXIS, (_WIDTH - _SCALE) / max(len(rows), 1)
    wide, drawn = min(step - 3, 46), ""
    for share in (0.0, most / 2, most):
        y = base - share / most * (base - _TOP)
        drawn += (
            f'<line class="grid" x1="{_SCALE}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_SCALE - 6}" y="{y + 5:.1f}" text-anchor="end">{share:.0%}</text>'
        )
    every = math.ceil(len(rows) / 12)
    has_room = max((len(bar.value) for bar in rows), default=0) * _SIGN <= step
    for number, bar in enumerate(rows):
        middle, tall = _SCALE + (number + 0.5) * step, bar.length / most * (base - _TOP)
        if bar.value:
            drawn += (
                f'<rect class="{bar.style}" x="{middle - wide / 2:.1f}" y="{base - tall:.1f}" width="{wide:.1f}" '
                f'height="{max(tall, 0.5):.1f}"><title>{escape(f"{bar.label}: {bar.value}")}</title></rect>'
            )
        if number % every == 0:
            drawn += f'<text x="{middle:.1f}" y="{_HEIGHT - 4}" text-anchor="middle">{escape(bar.label)}</text>'
        if has_room and bar.value:
            drawn += (
                f'<text class="value" x="{middle:.1f}" y="{base - tall - 4:.1f}" text-anchor="middle">'
                f"{escape(bar.value)}</text>"
            )
    return _picture(title, (f"{bar.label} {bar.value}" for bar in rows if bar.value), _HEIGHT, drawn)


def over_time(
    minutes: Mapping[int, int], outside: Mapping[int, int], stretches: Iterable[tuple[float, float]], zone: tzinfo
) -> str:
    """Return calls per minute from the first to the last, over the stretches of time in which they were allowed.

    :param minutes: calls by the minute since 1970 in which they began.
    :param outside: those of them that were not allowed; they are drawn hollow, above the others.
    :param stretches: when may be called, seconds since 1970; without an end where there is none.
    :param zone: whose clocks the times are told on.
    """
    first, last = min(minutes), max(minutes)
    # A little before and after, so that the edges of the window are seen.
    margin = max(5, (last - first) // 20)
    begins, ends = first - margin, last + 1 + margin
    near = [stretch for stretch in joined(stretches) if stretch[0] / 60 < ends and stretch[1] / 60 > begins]
    allowed = [(math.floor(max(opening / 60, begins)), math.ceil(min(closing / 60, ends))) for opening, closing in near]
    width = max(1, math.ceil((ends - begins) / _BINS))
    bins = _bins(minutes, outside, begins, ends, width, allowed)
    highest = max(count / (until - since) for since, until, count, _ in bins)

    def across(minute: float) -> float:
        return (minute - begins) / (ends - begins) * _SPAN_WIDTH

    drawn = "".join(
        f'<rect class="allowed" x="{across(since):.1f}" y="0" width="{across(until) - across(since):.1f}" '
        f'height="{_SPAN_HEIGHT}"/>'
        for since, until in allowed
    )
    for since, until, count, not_allowed in bins:
        tall = (_SPAN_HEIGHT - 10) / highest / (until - since)
        wide = max(across(until) - across(since) - 1.5, 1)
        said = f"{_moment(since, zone)}: {_few(count / (until - since))} a minute"
        top = float(_SPAN_HEIGHT)
        for style, part in (("calls", count - not_allowed), ("outside", not_allowed)):
            if part:
                top -= part * tall
                drawn += (
                    f'<rect class="{style}" x="{across(since):.1f}" y="{top:.1f}" width="{wide:.1f}" '
                    f'height="{part * tall:.1f}"><title>{said}</title></rect>'
                )
    drawn += "".join(
        f'<line class="edge" x1="{across(edge):.1f}" x2="{across(edge):.1f}" y1="0" y2="{_SPAN_HEIGHT}"/>'
        for stretch in allowed
        for edge in stretch
        if begins < edge < ends
    )
    most = f"{max(minutes.values()):,}"
    scale = f"At most <b>{most}</b> a minute"
    if width > 1:
        scale += f"; each bar is the average of up to {_lasting(width)}, the highest is <b>{_few(highest)}</b>"
    text = f"Calls per minute from {_moment(first, zone)} to {_moment(last, zone)}, {most} at most"
    if near:
        text += f"; the window is open {spans(near, zone)}"
    if outside:
        text += f"; {counted(sum(outside.values()), 'call')} outside of it"
    marks = "".join(f"<span>{_moment(mark, zone)}</span>" for mark in (begins, (begins + ends) // 2, ends))
    return (
        f'<p class="scale">{scale}</p><svg class="span" viewBox="0 0 {_SPAN_WIDTH} {_SPAN_HEIGHT}" '
        f'preserveAspectRatio="none" role="img" aria-label="{text}">{drawn}</svg><p class="ends">{marks}</p>'
    )


class Track(NamedTuple):
    """What one campaign does over time; instants are seconds since 1970.

    :param label: which.
    :param value: what to say of it.
    :param allowed: when may be called.
    :param certain: when it dials in any case.
    :param possible: when it may dial besides.
    """

    label: str
    value: str
    allowed: Sequence[tuple[float, float]]
    certain: Sequence[tuple[float, float]]
    possible: Sequence[tuple[float, float]]


def tracks(title: str, rows: Sequence[Track], zone: tzinfo) -> str:
    """Return campaigns beneath each other over one stretch of time, each with its hours shaded.

    :param zone: whose clocks the ends are told on.
    """
    edges = [edge for row in rows for part in (*row.certain, *row.possible) for edge in part]
    begins, ends = min(edges), max(edges)
    margin = (ends - begins) / 25
    begins, ends = begins - margin, ends + margin

    def parts(style: str, stretches: Iterable[tuple[float, float]], top: int, height: int) -> str:
        inside = [(max(since, begins), min(until, ends)) for since, until in stretches]
        return "".join(
            f'<rect class="{style}" x="{(since - begins) / (ends - begins) * _SPAN_WIDTH:.1f}" y="{top}" '
            f'width="{max((until - since) / (ends - begins) * _SPAN_WIDTH, 1):.1f}" height="{height}"/>'
            for since, until in inside
            if since < until
        )

    drawn = "".join(
        f"<li><span>{escape(row.label)}<small>{escape(row.value)}</small></span>"
        f'<svg class="track" viewBox="0 0 {_SPAN_WIDTH} {_TRACK}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(f"{title}: {row.label}, {row.value}", quote=True)}">'
        f"{parts('allowed', row.allowed, 0, _TRACK)}{parts('calls', row.certain, 6, _TRACK - 12)}"
        f"{parts('possible', row.possible, 6, _TRACK - 12)}</svg></li>"
        for row in rows
    )
    first, last = (_moment(math.floor(edge / 60), zone) for edge in (begins, ends))
    return f'<ul class="tracks">{drawn}</ul><p class="ends after"><span>{first}</span><span>{last}</span></p>'


def _bins(
    minutes: Mapping[int, int],
    outside: Mapping[int, int],
    begins: int,
    ends: int,
    width: int,
    allowed: Iterable[tuple[int, int]],
) -> list[tuple[int, int, int, int]]:
    """Return stretches of minutes with their calls and those outside, none across an edge of what is allowed."""
    cuts = sorted({begins, ends, *(edge for stretch in allowed for edge in stretch)})
    edges = [edge for since, until in pairwise(cuts) for edge in range(since, until, width)] + [ends]
    counted: Counter[int] = Counter()
    not_allowed: Counter[int] = Counter()
    for minute, count in minutes.items():
        place = bisect_right(edges, minute) - 1
        counted[place] += count
        not_allowed[place] += outside.get(minute, 0)
    return [(edges[place], edges[place + 1], count, not_allowed[place]) for place, count in sorted(counted.items())]


def spans(stretches: Iterable[tuple[float, float]], zone: tzinfo, most: int = 3) -> str:
    """Return stretches of time in words, such as ``2 Mar 10:00 to 18:00``.

    :param stretches: seconds since 1970, in order; without an end where there is none.
    :param zone: whose clocks they are told on.
    :param most: how many are told; of the others only how many there are.
    """
    told = list(stretches)
    said = [_span(opening, closing, zone) for opening, closing in told[:most]]
    if len(told) > most:
        said.append(f"{len(told) - most:,} more")
    return " and ".join(filter(None, (", ".join(said[:-1]), *said[-1:])))


def _span(opening: float, closing: float, zone: tzinfo) -> str:
    begins, ends = (None if math.isinf(edge) else datetime.fromtimestamp(edge, zone) for edge in (opening, closing))
    if begins is None or ends is None:
        return (begins and f"from {_told(begins)}") or (ends and f"until {_told(ends)}") or "at any time"
    return f"{_told(begins)} to {f'{ends:%H:%M}' if begins.date() == ends.date() else _told(ends)}"


def _lasting(minutes: int) -> str:
    return f"{minutes} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"


def _told(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %H:%M}"


def _moment(minute: int, zone: tzinfo) -> str:
    return _told(datetime.fromtimestamp(minute * 60, zone))


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


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def _few(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}".removesuffix(".0")
