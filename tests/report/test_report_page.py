"""The page is self-contained: it loads and runs nothing, describes its charts, and contains no number."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_exotel.client.models import CallRecord, Campaign
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.create.cost import Tariff
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.report.accounting import Accounting
from airflow_provider_exotel.report.advice import suggest
from airflow_provider_exotel.report.campaign_report import CampaignReport
from airflow_provider_exotel.report.figures import Figures
from airflow_provider_exotel.report.page import render_page
from airflow_provider_exotel.report.summary import summarize
from airflow_provider_exotel.windows.calling_window import CallingWindow

from .report_samples import INDIA, START, client_of, order, people, report_of

WINDOW = CallingWindow(start="10:00", end="18:00", timezone=INDIA)


@pytest.fixture(scope="module")
def reports() -> list[CampaignReport]:
    """Two ended campaigns; the second ended before everybody was tried."""
    made = []
    with Emulator(start=START, seed=1) as emulator, client_of(emulator) as client:
        fleet = [order(people(400), name="North"), order(people(300), name="South & <b>East</b>", minutes=4)]
        ids = [client.create_campaign(CampaignRequest(**fields)).id for fields in fleet]
        emulator.clock.advance(86_400)
        for campaign_id in ids:
            records = list(client.call_details(campaign_id))
            campaign = client.get_campaign(campaign_id)
            made.append(report_of(campaign, records, window=WINDOW)[0])
    return made


def report_at(clocks: Sequence[str], **schedule: datetime) -> CampaignReport:
    """The report of a campaign that called one person after the other at these times of a day in India."""
    records = [
        CallRecord.of({"call_sid": number, "to": number, "status": "busy", "date_created": f"2026-03-02T{clock}+05:30"})
        for number, clock in zip(people(len(clocks)), clocks, strict=True)
    ]
    fields = {
        "id": "c",
        "status": "Completed",
        "stats": {"created": len(clocks), "busy": len(clocks)},
        "schedule": {name: instant.isoformat() for name, instant in schedule.items()},
    }
    return report_of(Campaign.of(fields), records)[0]


def heights(text: str, style: str) -> list[float]:
    """The heights of the bars in the chart of calls over time."""
    [picture] = re.findall(r'<svg class="stretched".*?</svg>', text, flags=re.DOTALL)
    return [float(height) for height in re.findall(rf'class="{style}"[^>]* height="([\d.]+)"', picture)]


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the unclosed ones."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_loads_nothing_and_runs_nothing(reports: list[CampaignReport]) -> None:
    elements = Elements(render_page(reports))

    assert elements.open == []
    assert not {"script", "img", "iframe", "object", "form"} & {tag for tag, _ in elements.found}
    addresses = [value for _, attributes in elements.found for name, value in attributes.items()
                 if name in {"src", "href", "action", "srcset"}]  # fmt: skip
    assert addresses == []
    assert "url(" not in render_page(reports)
    assert not re.search(r"https?://", render_page(reports))


def test_every_picture_has_a_description(reports: list[CampaignReport]) -> None:
    elements = Elements(render_page(reports)).found

    labels = [attributes["aria-label"] or "" for _, attributes in elements if attributes.get("role") == "img"]
    assert [tag for tag, attributes in elements if tag == "svg" and attributes.get("role") != "img"] == []
    assert [label.split(":")[0].split(" from ")[0] for label in labels] == [
        "Calls per minute",
        "People",
        "Keys pressed in answered calls",
        "Answered by hour",
        "Answered by attempt",
    ]
    assert re.match(r"People: reached \d+ \(\d+%\); busy ", labels[1])


def test_no_bar_crosses_the_edge_of_the_window_unless_calls_did(reports: list[CampaignReport]) -> None:
    assert reports[0].figures.outside == 0

    [picture] = re.findall(r'<svg class="stretched".*?</svg>', render_page(reports[:1]), flags=re.DOTALL)

    stretches = {
        kind: [(float(left), float(left) + float(width)) for left, width in re.findall(
            rf'<rect class="{kind}" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', picture)]
        for kind in ("allowed", "calls")
    }  # fmt: skip
    assert all(
        any(opening - 0.1 <= left and right <= closing + 0.1 for opening, closing in stretches["allowed"])
        for left, right in stretches["calls"]
    )


def test_the_hollow_bars_match_the_audit() -> None:
    """If a window closes within a minute, only the later calls of that minute are outside."""
    closing = datetime(2026, 3, 2, 10, 3, 30, tzinfo=ZoneInfo(INDIA))
    text = render_page([report_at(["10:02:10", "10:03:10", "10:03:50", "10:04:10"], end_at=closing)])

    assert "2 of 4 calls started outside the window." in text
    assert heights(text, "calls") == heights(text, "outside") == [70, 70]


@pytest.mark.parametrize("edge", ["send_at", "end_at"])
def test_a_schedule_without_one_of_its_ends_is_drawn(edge: str) -> None:
    instant = datetime(2026, 3, 2, 10, 2, tzinfo=ZoneInfo(INDIA))

    text = render_page([report_at(["10:01:10", "10:03:10"], **{edge: instant})])

    assert f"the window is open {'from' if edge == 'send_at' else 'until'} 2 Mar 10:02; 1 call outside of it" in text


def test_the_busiest_minute_is_named_if_bars_are_averages() -> None:
    text = render_page([report_at([*["10:01:10"] * 40, "16:00:00"])])

    assert "At most <b>40</b> a minute; each bar is the average of up to 5 minutes" in text


def test_pictures_are_well_formed(reports: list[CampaignReport]) -> None:
    for picture in re.findall(r"<svg.*?</svg>", render_page(reports), flags=re.DOTALL):
        ET.fromstring(picture)


def test_names_are_escaped(reports: list[CampaignReport]) -> None:
    assert "South &amp; &lt;b&gt;East&lt;/b&gt;" in render_page(reports)


def test_the_page_has_suggestions(reports: list[CampaignReport]) -> None:
    text = render_page(reports[1:])

    left = reports[1].accounting.never_tried
    assert left > 0
    assert f"{left:,} people were never tried before the campaign ended." in text


def test_the_page_of_several_campaigns_names_each_once(reports: list[CampaignReport]) -> None:
    assert render_page(reports).count('<th scope="row">North</th>') == 1
    assert "<title>2 campaigns</title>" in render_page(reports)
    assert "<title>North</title>" in render_page(reports[:1])


def test_a_campaign_without_calls_has_a_page_too() -> None:
    campaign = Campaign.of({"id": "c", "status": "Completed", "name": "", "stats": {"created": 3, "failed": 3}})

    text = render_page([report_of(campaign, [])[0]])

    assert "No call was made." in text
    assert "<b>3</b> never tried = <b>3</b> contacts" in text


def test_a_number_in_a_name_is_not_shown() -> None:
    name = "For +91 98765 43210 af-0123456789abcdef-1b2c"
    campaign = Campaign.of({"id": "c", "status": "Completed", "name": name})

    text = render_page([report_of(campaign, [])[0]])

    assert "<title>For [number]</title>" in text


def test_calls_that_cannot_be_checked_are_counted() -> None:
    campaign = Campaign.of({"id": "c", "status": "Completed", "stats": {"created": 1, "completed": 1}})
    record = CallRecord.of({"call_sid": "s", "to": people(1)[0], "status": "completed"})

    text = render_page([report_of(campaign, [record], window=WINDOW)[0]])

    assert "1 call has no time and was not checked." in text
    assert "outside the window" not in text


def test_missing_counts_are_not_said_to_agree() -> None:
    record = CallRecord.of({"call_sid": "s", "to": people(1)[0], "status": "completed"})

    text = render_page([report_of(Campaign.of({"id": "c", "status": "Completed"}), [record])[0]])

    assert "own counts agree" not in text
    assert "1 campaign without counts to compare with." in text


def test_the_limits_are_described(reports: list[CampaignReport]) -> None:
    assert "<p>Limits: calls 2 Mar 10:01 to 18:00 (Asia/Kolkata); at most 3 calls to a person.</p>" in render_page(
        reports
    )


def test_a_page_without_a_window_checks_no_call() -> None:
    assert "No window is known, so this was not checked." in render_page([report_at(["10:01:10"])])


def test_the_hours_of_a_night_are_adjacent() -> None:
    text = render_page([report_at(["22:10:00", "23:10:00", "00:10:00", "01:10:00"])])

    [label] = re.findall(r'aria-label="(Answered by hour: [^"]*)"', text)
    assert label == "Answered by hour: 22 0%; 23 0%; 00 0%; 01 0%"


def test_rates_have_a_scale_and_a_head_for_each_column(reports: list[CampaignReport]) -> None:
    text = render_page(reports)

    scale = [float(label) for label in re.findall(r'<text x="36" [^>]*>(\d+)%</text>', text)]
    assert scale == [0, scale[2] / 2, scale[2], 0, scale[5] / 2, scale[5]]
    assert '<th scope="col"></th>' not in text


def test_keys_are_sorted_digits_first() -> None:
    pressed = ["#", "12", "2", "*", "1", "0", "123"]
    records = [CallRecord.of({"call_sid": key, "to": number, "status": "completed", "digits": key})
               for key, number in zip(pressed, people(7), strict=True)]  # fmt: skip

    text = render_page([report_of(Campaign.of({"id": "c"}), records)[0]])

    [label] = re.findall(r'aria-label="Keys pressed in answered calls: ([^"]*)"', text)
    assert [bar.split(" ")[0] for bar in label.split("; ")] == ["0", "1", "2", "*", "#", "12", "longer"]


def test_a_cost_has_no_currency_but_the_number_of_its_calls() -> None:
    records = [
        CallRecord.of({"call_sid": number, "to": number, "status": "completed"} | price)
        for number, price in zip(people(2), [{"price": "0.50"}, {}], strict=True)
    ]

    text = render_page([report_of(Campaign.of({"id": "c"}), records)[0]])

    [cost] = re.findall(r"<dt>cost</dt><dd>([^<]*)<small>([^<]*)</small>", text)
    assert cost == (
        "0.50",
        "as reported by the service, in your account&#39;s currency; for 1 of 2 calls; the others have no price",
    )


def test_a_short_call_is_not_shown_as_zero_minutes() -> None:
    record = CallRecord.of({"call_sid": "s", "to": people(1)[0], "status": "completed", "duration": "24"})

    assert "<dt>minutes talked</dt><dd>0.4<" in render_page([report_of(Campaign.of({"id": "c"}), [record])[0]])


def test_calls_outside_the_window_are_the_first_suggestion() -> None:
    ended = datetime(2026, 3, 2, 10, 2, tzinfo=ZoneInfo(INDIA))
    report = report_at(["10:01:10", "10:03:10"], end_at=ended)

    [first] = list(suggest(report.accounting, report.figures, [report]))

    assert first.startswith("1 call outside the window")


def test_retries_are_not_mentioned_if_nobody_answers() -> None:
    report = report_at(["10:01:10"] * 30)

    [only] = list(suggest(report.accounting, report.figures, [report]))

    assert only.startswith("None of 30 calls was answered")


def test_the_missing_time_is_that_of_the_slowest_campaign() -> None:
    slow = report_at(["10:01:10", "10:02:10"])
    slow, fast = (
        replace(slow, accounting=Accounting(not_reached={"busy": 2}, never_tried=30)),
        report_at(["10:01:10"] * 300),
    )
    together = Figures.merge([slow.figures, fast.figures])

    suggestion = next(iter(suggest(slow.accounting, together, [slow, fast])))

    assert "need about 30 minutes more" in suggestion


def test_the_page_explains_why_people_were_not_reached(reports: list[CampaignReport]) -> None:
    page = render_page(reports)
    section = page.split("Why people were not reached")[1].split("</section>")[0]

    assert "The phone rang and nobody answered." in section
    assert "The campaign ended before the first call." in section


def test_the_page_shows_an_unknown_reason_unchanged() -> None:
    records = [CallRecord.of({"call_sid": "1", "to": people(1)[0], "status": "teleported"})]
    campaign = Campaign.of({"id": "c", "status": "Completed", "stats": {"created": 1, "failed": 1}})

    section = render_page([report_of(campaign, records)[0]]).split("Why people were not reached")[1]

    assert 'scope="row">teleported</th>' in section


def test_the_cost_follows_from_the_price_on_the_connection(reports: list[CampaignReport]) -> None:
    tariff = Tariff(Decimal("0.50"), "INR")
    minutes = sum(one.figures.minutes_charged for one in reports)
    answered = sum(one.figures.answered for one in reports)

    page, summary = render_page(reports, tariff), summarize(reports, tariff)

    assert answered < minutes <= 2 * answered  # no call of the emulator is longer than two minutes
    assert f"<dd>INR {minutes / 2:,.2f}" in page
    assert (summary["cost_by_minutes"], summary["currency"]) == (f"{minutes / 2:.2f}", "INR")
    assert "cost by minutes" not in render_page(reports)
