"""The report's page in a real browser: on a phone, on a desktop, in dark mode and on paper."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.operators.report import CampaignReportOperator

from .test_walk import NUMBER

START = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)  # 10:00 in India
WINDOW = {"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"}
WIDTHS = {"phone": 390, "desktop": 1280}
CUT_TEXTS = """() => [...document.querySelectorAll('svg text')].filter(text => {
  const frame = text.ownerSVGElement.getBoundingClientRect(), box = text.getBoundingClientRect();
  return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1;
}).map(text => text.textContent)"""


class Forgetful:
    """A task instance that stores no XComs."""

    def xcom_push(self, **_: Any) -> None:
        """Do nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the page of a campaign that ended before everybody was tried."""
    folder = tmp_path_factory.mktemp("report")
    outcomes = {"completed": 0.5, "busy": 0.15, "no-answer": 0.3, "failed": 0.05}
    request = CampaignRequest(
        numbers=[f"+9198765{index:05d}" for index in range(1_850)],
        caller_id="0XXXXXX4890",
        name="Appointment reminder, March",
        read_via_text="Hello",
        mode="custom",
        throttle=6,
        schedule={"send_at": START + timedelta(minutes=1), "end_at": START + timedelta(hours=8)},
        call_retries={"number_of_retries": 2, "interval_mins": 15, "on_status": ["busy", "no-answer"]},
    )
    with (
        Emulator(start=START, seed=1, outcomes=outcomes) as emulator,
        ExotelClient(
            emulator.api_key, emulator.api_token, emulator.account_sid, emulator.host, bucket=TokenBucket(1_000_000)
        ) as client,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", f"{emulator.connection_uri}?requests_per_minute=100000")
        patched.setenv("AIRFLOW_CONN_NAMES", json.dumps({"conn_type": "generic", "password": "a key of the tests"}))
        campaign_id = client.create_campaign(request).id
        emulator.clock.advance(86_400)
        CampaignReportOperator(
            task_id="report", campaign_ids=campaign_id, path=folder.as_uri(), window=WINDOW, hash_key_conn_id="names"
        ).execute({"ti": Forgetful()})
    return (folder / "report.html").as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", WIDTHS)
def test_the_report_fits_and_loads_nothing(
    page: Page, address: str, name: str, scheme: Literal["light", "dark"]
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": WIDTHS[name], "height": 1000})
    page.emulate_media(color_scheme=scheme)

    page.goto(address)

    assert [url for url in asked if not url.startswith("data:")] == [address]
    assert page.evaluate("document.documentElement.scrollWidth") == WIDTHS[name]
    assert page.evaluate(CUT_TEXTS) == []
    assert not NUMBER.search(page.content())
    if scheme == "light" and (folder := os.environ.get("EXOTEL_PICTURES")):
        page.screenshot(path=Path(folder) / f"report-{name}.png", full_page=True)


def test_a_campaign_takes_two_sheets_of_paper(page: Page, address: str) -> None:
    page.emulate_media(media=None, color_scheme="dark")
    page.goto(address)

    printed = page.pdf(format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "10mm"))

    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2
