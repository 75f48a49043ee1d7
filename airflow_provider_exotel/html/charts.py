"""The geometry of charts, which ``parts.html`` draws. Every chart has a description in words."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import Any, NamedTuple

from airflow_provider_exotel.html.render import percent, quantity

# Size and margins of the column chart, which is as wide as a phone.
_WIDTH, _HEIGHT, _AXIS, _TOP, _SCALE = 360, 180, 22, 20, 42
# The average width of a bold character in these units.
_CHARACTER = 9
_MOST_BINS, _SPAN_WIDTH, _SPAN_HEIGHT, _TRACK_HEIGHT = 96, 960, 150, 26
FEW = 10
"""With fewer calls a rate means little, so its column is hollow."""

Stretch = tuple[float, float]
"""A stretch of time in seconds since 1970."""


class Bar(NamedTuple):
    """One bar of a bar chart.

    :param label: the name of the count.
    :param size: the count.
    :param style: the CSS class of its colour.
    """

    label: str
    size: int
    style: str = "call"


class Shape(NamedTuple):
    """One element of a picture.

    :param tag: its SVG element.
    :param attributes: its attributes.
    :param title: its tooltip.
    :param text: its content.
    """

    tag: str
    attributes: Mapping[str, Any]
    title: str = ""
    text: str = ""


class Picture(NamedTuple):
    """An SVG picture.

    :param label: its description in words.
    :param width: its width in units.
    :param height: its height in units.
    :param shapes: its elements in drawing order.
    """

    label: str
    width: int
    height: int
    shapes: Sequence[Shape]


class Timeline(NamedTuple):
    """Calls per minute over time.

    :param picture: the chart.
    :param most: calls in the busiest minute.
    :param averaged: the length of time averaged in each bar, in words; empty for one minute.
    :param highest: calls per minute of the highest bar, in words.
    :param marks: the times at its left end, middle and right end.
    """

    picture: Picture
    most: int
    averaged: str
    highest: str
    marks: Sequence[str]


class Track(NamedTuple):
    """The dialling of one campaign over time.

    :param label: its name.
    :param value: a few words about it.
    :param allowed: its calling hours.
    :param certain: times in which it certainly dials.
    :param possible: further times in which it may dial.
    """

    label: str
    value: str
    allowed: Sequence[Stretch]
    certain: Sequence[Stretch]
    possible: Sequence[Stretch]


class Tracks(NamedTuple):
    """Campaigns below each other on one time axis.

    :param rows: each campaign with its picture.
    :param marks: the times at the left and the right end.
    """

    rows: Sequence[tuple[Track, Picture]]
    marks: Sequence[str]


def draw_rates(title: str, rates: Mapping[str, tuple[int, int]]) -> Picture:
    """Return a column chart of shares.

    :param rates: the part and the whole by the label of each column; a column whose whole is 0 stays empty.
    """
    shares = {label: part / whole if whole else 0.0 for label, (part, whole) in rates.items()}
    labels = {label: percent(part, whole) for label, (part, whole) in rates.items() if whole}
    most = max(math.ceil(max(shares.values()) * 5), 1) / 5
    base, step = _HEIGHT - _AXIS, (_WIDTH - _SCALE) / len(rates)
    shapes = []
    for share in (0.0, most / 2, most):
        y = base - share / most * (base - _TOP)
        shapes.append(_line("grid", _SCALE, y, _WIDTH, y))
        shapes.append(_text(_SCALE - 6, y + 5, f"{share:.0%}", anchor="end"))
    every, width = math.ceil(len(rates) / 12), min(step - 3, 46)
    has_room = max(map(len, labels.values()), default=0) * _CHARACTER <= step
    for number, (label, share) in enumerate(shares.items()):
        middle, height = _SCALE + (number + 0.5) * step, share / most * (base - _TOP)
        if label in labels:
            style = "call" if rates[label][1] >= FEW else "few"
            title_of = f"{label}: {labels[label]}"
            shapes.append(_rect(style, middle - width / 2, base - height, width, max(height, 0.5), title_of))
            if has_room:
                shapes.append(_text(middle, base - height - 4, labels[label], style="value"))
        if number % every == 0:
            shapes.append(_text(middle, _HEIGHT - 4, label))
    in_words = "; ".join(f"{label} {share}" for label, share in labels.items())
    return Picture(f"{title}: {in_words}", _WIDTH, _HEIGHT, shapes)


def draw_stack(title: str, bars: Sequence[Bar]) -> Picture:
    """Return one bar whose parts add up.

    :param bars: the parts in their order; empty ones are left out.
    """
    parts = [bar for bar in bars if bar.size > 0]
    whole, x, shapes = sum(bar.size for bar in parts), 0.0, []
    for bar in parts:
        width = bar.size / whole * _SPAN_WIDTH
        shapes.append(_rect(bar.style, x, 0, width, _TRACK_HEIGHT, f"{bar.label}: {bar.size:,}"))
        x += width
    in_words = "; ".join(f"{bar.label} {bar.size:,}" for bar in parts)
    return Picture(f"{title}: {in_words or 'nobody'}", _SPAN_WIDTH, _TRACK_HEIGHT, shapes)


def draw_timeline(
    minutes: Mapping[int, int], outside: Mapping[int, int], stretches: Iterable[Stretch], zone: tzinfo
) -> Timeline:
    """Return a chart of calls per minute with the allowed times shaded.

    :param minutes: calls by the minute of their start, counted since 1970; not empty.
    :param outside: those that were not allowed, drawn hollow above the others.
    :param stretches: the times in which calls were allowed; an open end is infinite.
    :param zone: the zone of the times shown.
    """
    first, last = min(minutes), max(minutes)
    # The margin shows the edges of the window.
    margin = max(5, (last - first) // 20)
    begins, ends = first - margin, last + 1 + margin
    near = [one for one in merge_stretches(stretches) if one[0] / 60 < ends and one[1] / 60 > begins]
    allowed = [(math.floor(max(opening / 60, begins)), math.ceil(min(closing / 60, ends))) for opening, closing in near]
    width = max(1, math.ceil((ends - begins) / _MOST_BINS))
    bins = _fill_bins(minutes, outside, begins, ends, width, allowed)
    highest = max(count / (until - since) for since, until, count, _ in bins)

    def across(minute: float) -> float:
        return (minute - begins) / (ends - begins) * _SPAN_WIDTH

    shapes = [_rect("allowed", across(one), 0, across(two) - across(one), _SPAN_HEIGHT) for one, two in allowed]
    for since, until, count, not_allowed in bins:
        unit = (_SPAN_HEIGHT - 10) / highest / (until - since)
        bar_width = max(across(until) - across(since) - 1.5, 1)
        title = f"{_format_minute(since, zone)}: {_rate(count / (until - since))} a minute"
        top = float(_SPAN_HEIGHT)
        for style, part in (("calls", count - not_allowed), ("outside", not_allowed)):
            if part:
                top -= part * unit
                shapes.append(_rect(style, across(since), top, bar_width, part * unit, title))
    for edge in (edge for stretch in allowed for edge in stretch if begins < edge < ends):
        shapes.append(_line("edge", across(edge), 0, across(edge), _SPAN_HEIGHT))
    most = max(minutes.values())
    label = f"Calls per minute from {_format_minute(first, zone)} to {_format_minute(last, zone)}, {most:,} at most"
    if near:
        label += f"; the window is open {describe_stretches(near, zone)}"
    if outside:
        label += f"; {quantity(sum(outside.values()), 'call')} outside of it"
    averaged = "" if width == 1 else f"{width} minutes" if width < 120 else f"{width / 60:.0f} hours"
    marks = [_format_minute(mark, zone) for mark in (begins, (begins + ends) // 2, ends)]
    return Timeline(Picture(label, _SPAN_WIDTH, _SPAN_HEIGHT, shapes), most, averaged, _rate(highest), marks)


def draw_tracks(title: str, rows: Sequence[Track], zone: tzinfo) -> Tracks:
    """Return campaigns below each other on one time axis, each with its calling hours shaded.

    :param rows: the campaigns; not empty.
    :param zone: the zone of the times shown.
    """
    edges = [edge for row in rows for part in (*row.certain, *row.possible) for edge in part]
    begins, ends = min(edges), max(edges)
    margin = (ends - begins) / 25
    begins, ends = begins - margin, ends + margin
    unit = _SPAN_WIDTH / (ends - begins)

    def shapes(row: Track) -> Iterable[Shape]:
        for style, inset, stretches in (
            ("allowed", 0, row.allowed),
            ("calls", 6, row.certain),
            ("possible", 6, row.possible),
        ):
            for since, until in ((max(one, begins), min(two, ends)) for one, two in stretches):
                if since < until:
                    height = _TRACK_HEIGHT - 2 * inset
                    yield _rect(style, (since - begins) * unit, inset, max((until - since) * unit, 1), height)

    drawn = [
        (row, Picture(f"{title}: {row.label}, {row.value}", _SPAN_WIDTH, _TRACK_HEIGHT, list(shapes(row))))
        for row in rows
    ]
    return Tracks(drawn, [_format_minute(math.floor(edge / 60), zone) for edge in (begins, ends)])


def describe_stretches(stretches: Iterable[Stretch], zone: tzinfo, most: int = 3) -> str:
    """Return stretches of time in words, such as ``2 Mar 10:00 to 18:00``.

    :param stretches: in order; an open end is infinite.
    :param zone: the zone of the times shown.
    :param most: the most stretches to describe; the others are only counted.
    """
    described = [_describe(opening, closing, zone) for opening, closing in stretches]
    if len(described) > most:
        described[most:] = [f"{len(described) - most:,} more"]
    return " and ".join(filter(None, (", ".join(described[:-1]), *described[-1:])))


def merge_stretches(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return stretches of time in order, with touching ones merged."""
    merged: list[Stretch] = []
    for opening, closing in sorted(stretches):
        if merged and opening <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closing))
        else:
            merged.append((opening, closing))
    return merged


def _fill_bins(
    minutes: Mapping[int, int],
    outside: Mapping[int, int],
    begins: int,
    ends: int,
    width: int,
    allowed: Iterable[tuple[int, int]],
) -> list[tuple[int, int, int, int]]:
    """Return bins of minutes with all calls and those outside; no bin crosses an edge of an allowed time."""
    cuts = sorted({begins, ends, *(edge for stretch in allowed for edge in stretch)})
    edges = [edge for since, until in pairwise(cuts) for edge in range(since, until, width)] + [ends]
    calls: Counter[int] = Counter()
    not_allowed: Counter[int] = Counter()
    for minute, count in minutes.items():
        place = bisect_right(edges, minute) - 1
        calls[place] += count
        not_allowed[place] += outside.get(minute, 0)
    return [(edges[place], edges[place + 1], count, not_allowed[place]) for place, count in sorted(calls.items())]


def _rect(style: str, x: float, y: float, width: float, height: float, title: str = "") -> Shape:
    box = {"x": x, "y": y, "width": width, "height": height}
    return Shape("rect", {"class": style, **{name: round(value, 1) for name, value in box.items()}}, title)


def _line(style: str, x1: float, y1: float, x2: float, y2: float) -> Shape:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return Shape("line", {"class": style, **{name: round(value, 1) for name, value in ends.items()}})


def _text(x: float, y: float, text: str, *, anchor: str = "middle", style: str | None = None) -> Shape:
    return Shape("text", {"class": style, "x": round(x, 1), "y": round(y, 1), "text-anchor": anchor}, text=text)


def _describe(opening: float, closing: float, zone: tzinfo) -> str:
    begins, ends = (None if math.isinf(edge) else datetime.fromtimestamp(edge, zone) for edge in (opening, closing))
    if begins is None or ends is None:
        return (begins and f"from {_format_time(begins)}") or (ends and f"until {_format_time(ends)}") or "at any time"
    return f"{_format_time(begins)} to {f'{ends:%H:%M}' if begins.date() == ends.date() else _format_time(ends)}"


def _format_minute(minute: int, zone: tzinfo) -> str:
    return _format_time(datetime.fromtimestamp(minute * 60, zone))


def _format_time(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %H:%M}"


def _rate(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}".removesuffix(".0")
