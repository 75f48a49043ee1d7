"""The page of campaigns behind two API servers, of which a load balancer takes either."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from airflow_provider_exotel import ExotelClient
from airflow_provider_exotel.client.request import CampaignRequest

from .clients import ANSWERS_WITHIN, answer, until
from .parts import free_ports
from .stack import READY_WITHIN, Stack

NAME = "Two servers"


@pytest.fixture
def servers(stack: Stack) -> Iterator[tuple[str, str]]:
    """The addresses of two API servers of one Airflow; the second one runs for this test."""
    first, [port] = stack.parts["api-server"], free_ports(1)
    folder, second = stack.folder / "api-server-2", f"http://127.0.0.1:{port}"
    changes = {"AIRFLOW__API__PORT": str(port), "AIRFLOW_HOME": str(folder)}
    environment = {**first.environment, **changes}
    part = replace(first, name=folder.name, environment=environment, folder=folder, process=None)
    stack.parts.start(part)
    try:
        until(lambda: requests.get(f"{second}/api/v2/version", timeout=ANSWERS_WITHIN).ok, within=READY_WITHIN)
        yield stack.airflow.address, second
    finally:
        part.held = True
        stack.parts.kill(part.name)


def test_a_stop_confirmed_by_one_api_server_is_carried_out_by_another(stack: Stack, servers: tuple[str, str]) -> None:
    first, second = servers
    exotel = stack.accounts["kills"]
    host = exotel.address.removeprefix("http://")
    with ExotelClient(exotel.api_key, exotel.api_token, exotel.account_sid, host) as at_the_dashboard:
        numbers = [f"+9198765{person:05}" for person in range(100)]
        request = CampaignRequest(
            numbers=numbers, name=NAME, caller_id="0XXXXXX4890", read_via_text="Hello", mode="custom", throttle=1
        )
        campaign = at_the_dashboard.create_campaign(request).id
    until(lambda: exotel.statuses(NAME) == {"in-progress": 1})
    browser = requests.Session()
    browser.cookies.set("_token", answer("GET", f"{first}/auth/token")["access_token"])

    page = until(lambda: stop_address(browser.get(f"{first}/exotel/", timeout=ANSWERS_WITHIN).text, campaign))
    asked = browser.get(f"{first}/exotel/{page}", timeout=ANSWERS_WITHIN).text
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked))
    done = browser.post(f"{second}/exotel/act", data=form, timeout=ANSWERS_WITHIN)

    assert (done.status_code, "It has ended" in done.text) == (200, True)
    assert exotel.statuses(NAME) == {"completed": 1}
    until(lambda: stop_address(browser.get(f"{first}/exotel/", timeout=ANSWERS_WITHIN).text, campaign) is None)


def stop_address(page: str, campaign: str) -> str | None:
    """Return where the button *Stop* of a campaign leads to, ``None`` without such a button."""
    found = re.findall(r'href="(confirm\?action=stop&amp;[^"]*)"', page)
    return next((one.replace("&amp;", "&") for one in found if campaign in one), None)
