"""The shared parts of pages: they work under a strict policy, describe their charts and are accessible."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, UndefinedError
from markupsafe import escape

from airflow_provider_exotel.html import render as module
from airflow_provider_exotel.html.charts import Bar, Track, draw_rates, draw_stack, draw_timeline, draw_tracks
from airflow_provider_exotel.html.render import percent, render, style_policy

STYLE = (files("airflow_provider_exotel.html") / "templates" / "style.css").read_text()
UTC = ZoneInfo("UTC")


def part(name: str, *arguments: Any) -> str:
    """Return the output of a macro of parts.html."""
    environment: Environment = module._environment()
    return str(getattr(environment.get_template("parts.html").module, name)(*arguments))


def test_the_base_runs_nothing_and_loads_nothing() -> None:
    html = render("base.html", title="Plan", subtitle="Nobody was called")

    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert not any(word in html for word in ("<script", "<link", "<img", "url(", "@import", "http://", "https://"))
    assert "prefers-color-scheme: dark" in html


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="subtitle"):
        render("base.html", title="Plan")


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1))
def test_every_value_is_escaped(value: str) -> None:
    html = render("base.html", title=value, subtitle="")

    assert f"<title>{escape(value)}</title>" in html


LABEL = "recipient-hung-up-at-once & <twice>"


def test_a_bar_has_its_label_its_value_and_its_share_of_the_width() -> None:
    html = part("bars", "People", [Bar(LABEL, 1_000_000), Bar("busy", 250_000)], 1_000_000)

    assert f"<span>{escape(LABEL)}</span>" in html
    assert "<b>1,000,000 (100%)</b>" in html
    assert re.findall(r"width: ([\d.]+)%", html) == ["100.0", "25.0"]
    assert f'aria-label="People: {escape(LABEL)} 1,000,000 (100%); busy 250,000 (25%)"' in html


def test_empty_bars_have_no_width() -> None:
    assert re.findall(r"width: ([\d.]+)%", part("bars", "People", [Bar("reached", 0)], 0)) == ["0.0"]


def test_each_cell_of_a_table_has_a_label() -> None:
    """A phone shows a row as a block, without the head of the table."""
    html = part("table", ["Campaign", "Calls a minute"], [("North", "59")])

    assert '<th scope="row">North</th><td data-label="Calls a minute">59</td>' in html


CHARTS = {
    "rates": lambda: part("draw", draw_rates(LABEL, {"09": (5, 10), "10": (0, 0), "11": (1, 3)})),
    "timeline": lambda: part("timeline", draw_timeline({1: 5, 90: 2}, {90: 1}, [(60, float("inf"))], UTC)),
    "tracks": lambda: part("tracks", draw_tracks("Dials", [Track(LABEL, "59", [(0, 9)], [(1, 2)], [])], UTC)),
}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_a_chart_is_well_formed_and_has_a_description(chart: Any) -> None:
    [svg] = re.findall(r"<svg.*?</svg>", chart(), flags=re.DOTALL)

    root = ET.fromstring(svg)
    assert (root.get("role"), bool(root.get("aria-label"))) == ("img", True)
    assert [one for one in root.iter() if float(one.get("width", 0)) < 0 or float(one.get("height", 0)) < 0] == []


@pytest.mark.parametrize(
    ("first", "second"), [("--ink", "--card"), ("--quiet", "--card"), ("--quiet", "--ground"), ("--accent", "--card")]
)
def test_text_contrasts_with_its_background(first: str, second: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1, in both schemes."""
    for scheme in STYLE.split("@media screen")[:2]:
        colours = {name: f"#{value}" for name, value in re.findall(r"(--[a-z]+): #([0-9a-f]{3,6});", scheme)}
        assert contrast(colours[first], colours[second]) >= 4.5


@pytest.mark.parametrize("colour", ["--reached", "--busy", "--answer", "--failed", "--never", "--call"])
def test_bars_contrast_with_their_background(colour: str) -> None:
    """WCAG 2.2, 1.4.11: 3 to 1, in both schemes."""
    for scheme in STYLE.split("@media screen")[:2]:
        colours = {name: f"#{value}" for name, value in re.findall(r"(--[a-z]+): #([0-9a-f]{3,6});", scheme)}
        assert contrast(colours[colour], colours["--card"]) >= 3


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    shares = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_only_nothing_is_0_percent_and_only_everything_100_percent() -> None:
    assert [percent(part, 1000) for part in (0, 1, 500, 999, 1000)] == ["0%", "<1%", "50%", ">99%", "100%"]


def test_a_stack_has_the_width_of_its_parts_without_empty_ones() -> None:
    picture = draw_stack("Contacts", [Bar("reached", 3, "reached"), Bar("busy", 0), Bar("to be called", 1, "waiting")])

    assert [(one.attributes["x"], one.attributes["width"]) for one in picture.shapes] == [(0, 720), (720, 240)]
    assert picture.label == "Contacts: reached 3; to be called 1"


def test_the_style_policy_allows_exactly_that_style() -> None:
    page = "<style>p { color: red }</style>"

    assert style_policy(page) == style_policy(f"<p>{page}</p>") != style_policy(page.replace("red", "blue"))
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", style_policy(page))
