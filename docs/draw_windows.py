"""Draw ``windows.svg``: what a calling window makes of runs, computed by the window itself.

``python docs/draw_windows.py`` writes the picture anew; a test compares it with the one that is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from airflow_provider_exotel.windows.calling_window import CallingWindow, MissedWindow

PICTURE = Path(__file__).parent / "windows.svg"
DAYS, DAY_WIDTH, LEFT, TOP, ROW = 5, 140, 262, 64, 46
INDIA: dict[str, Any] = {"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"}
WEEKDAYS = {**INDIA, "weekdays": "mon-fri"}
NIGHT = {**INDIA, "start": "20:00", "end": "02:00"}


class Case(NamedTuple):
    """One row: a window, the moment a run stands for, and the moment it really runs."""

    title: str
    remark: str
    window: dict[str, Any]
    anchor: str
    now: str
    options: Mapping[str, Any] = MappingProxyType({})


# The first day of the picture is Thursday, 5 March 2026.
CASES = (
    Case("Before it opens", "waits for the opening", INDIA, "05T06:00", "05T06:00"),
    Case("Inside", "a minute from now", INDIA, "05T13:00", "05T13:00"),
    Case("After it closed", "the next day's window", INDIA, "05T20:00", "05T20:00"),
    Case("Late by hours", "what is left of the window", INDIA, "05T06:00", "05T15:00"),
    Case("Late by a day", "missed; the default", INDIA, "05T06:00", "06T12:00"),
    Case("The same with 'next'", "the window directly after", INDIA, "05T06:00", "06T12:00", {"on_missed_window": "next"}),
    Case("Later with 'next'", "no later one is taken", INDIA, "05T06:00", "07T12:00", {"on_missed_window": "next"}),
    Case("Too late for max_lateness", "two hours allowed", INDIA, "05T06:00", "05T15:00", {"max_lateness": "PT2H"}),
    Case("Friday evening, mon-fri", "waits for Monday", WEEKDAYS, "06T20:00", "06T20:00"),
    Case("A holiday on the 6th", "is passed over", {**INDIA, "holidays": ["2026-03-06"]}, "05T20:00", "05T20:00"),
    Case("Across midnight", "one stretch", NIGHT, "05T12:00", "05T12:00"),
    Case("Across midnight, mon-fri", "Saturday cuts Friday night", {**NIGHT, "weekdays": "mon-fri"}, "06T12:00", "06T12:00"),
    Case("Ends 2 hours early", "end_buffer=120", {**INDIA, "end_buffer": 120}, "05T06:00", "05T06:00"),
)  # fmt: skip
ZONE = ZoneInfo("Asia/Kolkata")
FIRST = datetime(2026, 3, 5, tzinfo=ZONE)


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(picture(), encoding="utf-8")


def picture() -> str:
    """Return the picture as SVG."""
    width, height = LEFT + DAYS * DAY_WIDTH + 16, TOP + len(CASES) * ROW + 44
    rows = "".join(row(number, case) for number, case in enumerate(CASES))
    spoken = "; ".join(f"{case.title}: {words(case)}" for case in CASES)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13"><title>Calling windows</title><desc>{escape(spoken)}</desc>'
        '<defs><pattern id="may" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" fill="#eef2f0"/><line y2="6" stroke="#b9c7c2" stroke-width="2"/></pattern></defs>'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>{days()}{rows}{legend(height - 20)}</svg>\n'
    )


def days() -> str:
    """Return the heads of the days, and a line at each midnight."""
    drawn = ""
    for number in range(DAYS):
        day, left = FIRST + timedelta(days=number), LEFT + number * DAY_WIDTH
        drawn += text(left + DAY_WIDTH / 2, 24, f"{day:%a %d %b}", anchor="middle", weight=600)
        for hour in (6, 12, 18):
            drawn += text(left + hour * DAY_WIDTH / 24, 44, f"{hour}", anchor="middle", size=10, colour="#5b6a66")
    lines = range(DAYS + 1)
    return drawn + "".join(
        f'<line x1="{LEFT + n * DAY_WIDTH}" x2="{LEFT + n * DAY_WIDTH}" y1="{TOP - 14}" '
        f'y2="{TOP + len(CASES) * ROW}" stroke="#c9d1ce"/>'
        for n in lines
    )


def row(number: int, case: Case) -> str:
    """Return one case: what may be, when the run is, and what comes of it."""
    top = TOP + number * ROW
    drawn = text(12, top + 14, case.title, weight=600) + text(12, top + 30, case.remark, size=11, colour="#5b6a66")
    for opening, closing in CallingWindow(**case.window).stretches(date(2026, 3, 4)):
        if opening > FIRST + timedelta(days=DAYS):
            break
        drawn += box(opening, closing, top + 4, 26, 'fill="url(#may)" stroke="#8fa39c"')
    anchor, now = at(case.anchor), at(case.now)
    schedule = scheduled(case)
    if schedule is not None:
        drawn += box(schedule[0], schedule[1], top + 10, 14, 'fill="#0b6e63"')
    else:
        drawn += text(x(now) + 8, top + 22, "missed", weight=700, colour="#a32626")
    drawn += f'<circle cx="{x(anchor):.1f}" cy="{top + 17}" r="5" fill="#ffffff" stroke="#1d2a2a" stroke-width="2"/>'
    if now != anchor:
        drawn += f'<path d="M{x(now):.1f} {top + 1}v32" stroke="#a32626" stroke-width="2.5"/>'
    return drawn


def scheduled(case: Case) -> tuple[datetime, datetime] | None:
    """Return what the window makes of the run, nothing if it is missed."""
    try:
        schedule = CallingWindow(**case.window).schedule_for(at(case.anchor), at(case.now), **case.options)
    except MissedWindow:
        return None
    assert schedule.send_at is not None
    assert schedule.end_at is not None
    return schedule.send_at, schedule.end_at


def words(case: Case) -> str:
    """Return what comes of a case, in words."""
    schedule = scheduled(case)
    return f"{schedule[0]:%d %b %H:%M} to {schedule[1]:%d %b %H:%M}" if schedule else "missed"


def legend(top: int) -> str:
    """Return what the signs mean."""
    marks = (
        (12, f'<circle cx="18" cy="{top - 4}" r="5" fill="#ffffff" stroke="#1d2a2a" stroke-width="2"/>', "the run's date"),
        (140, f'<path d="M146 {top - 13}v18" stroke="#a32626" stroke-width="2.5"/>', "now, where the run is late"),
        (340, f'<rect x="340" y="{top - 12}" width="20" height="16" fill="url(#may)" stroke="#8fa39c"/>', "may be called"),
        (470, f'<rect x="470" y="{top - 10}" width="20" height="12" fill="#0b6e63"/>', "send_at to end_at"),
    )  # fmt: skip
    return "".join(mark + text(left + 28, top, meaning, size=12) for left, mark, meaning in marks)


def at(moment: str) -> datetime:
    """Return a moment of March 2026 in the window's zone."""
    return datetime.fromisoformat(f"2026-03-{moment}").replace(tzinfo=ZONE)


def x(moment: datetime) -> float:
    """Return where a moment stands, kept inside of the picture."""
    days_gone = (moment - FIRST) / timedelta(days=1)
    return LEFT + min(max(days_gone, 0.0), float(DAYS)) * DAY_WIDTH


def box(begins: datetime, ends: datetime, top: int, height: int, style: str) -> str:
    """Return a stretch of time, nothing if it lies outside of the picture."""
    left, right = x(begins), x(ends)
    return (
        f'<rect x="{left:.1f}" y="{top}" width="{right - left:.1f}" height="{height}" {style}/>' if right > left else ""
    )


def text(
    left: float,
    top: float,
    words: str,
    *,
    anchor: str = "start",
    size: int = 13,
    weight: int = 400,
    colour: str = "#1d2a2a",
) -> str:
    """Return a piece of text."""
    return (
        f'<text x="{left:.1f}" y="{top}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
        f'fill="{colour}">{escape(words)}</text>'
    )


if __name__ == "__main__":
    main()
