"""The report of a campaign, and pages of calls that are smaller than was asked for."""

from __future__ import annotations

import csv
import io

import pytest

from airflow_provider_exotel.emulator import Emulator

from .conftest import Api


def test_an_ended_campaign_has_its_report_url(emulator: Emulator, api: Api) -> None:
    emulator.settings.report_url = emulator.report_url
    campaign = api.create()
    before = api.read(campaign)

    emulator.clock.advance(86_400)

    assert "report_url" not in before
    assert api.read(campaign)["report_url"] == f"{emulator.url}/v2/accounts/emulator/campaigns/{campaign['id']}/report"


def test_there_is_no_report_url_without_the_switch(emulator: Emulator, api: Api) -> None:
    campaign = api.create()
    emulator.clock.advance(86_400)

    assert "report_url" not in api.read(campaign)


@pytest.mark.parametrize(("dialect", "name"), [("documented", "to"), ("wrapped", "number")])
def test_the_report_has_every_call_with_the_names_of_the_dialect(
    emulator: Emulator, api: Api, dialect: str, name: str
) -> None:
    emulator.settings.dialect = dialect
    campaign = api.create(5)
    emulator.clock.advance(86_400)

    answer = api("GET", f"campaigns/{campaign['id']}/report")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    calls = emulator.calls(campaign["id"])
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert [(row["call_sid"], row[name], row["status"]) for row in rows] == [
        (call.call_sid, call.number, call.status) for call in calls
    ]


def test_the_report_requires_credentials(emulator: Emulator, api: Api) -> None:
    campaign = api.create()
    api.session.auth = None

    assert api("GET", f"campaigns/{campaign['id']}/report").status_code == 401


def test_a_page_of_calls_may_be_smaller_than_requested(emulator: Emulator, api: Api) -> None:
    emulator.settings.calls_per_page = 2
    campaign = api.create(5)
    emulator.clock.advance(86_400)

    pages = [
        api("GET", f"campaigns/{campaign['id']}/call-details", params={"offset": offset, "limit": 500}).json()
        for offset in (0, 2, 4)
    ]

    assert [len(page["response"]) for page in pages] == [2, 2, 1]
    sids = [call["call_sid"] for page in pages for call in page["response"]]
    assert sids == [call.call_sid for call in emulator.calls(campaign["id"])]
