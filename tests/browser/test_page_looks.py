"""The page of campaigns in a real browser: on a phone, on a desktop, in dark mode, and with different permissions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from airflow.providers.common.compat.sdk import DAG
from playwright.sync_api import Page, expect

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.waiting.owner import campaign_key

from ..plugin.conftest import (  # noqa: F401
    PREFIX,
    Site,
    airflow_app,
    airflow_database,
    create,
    exotel,
    make_known,
    served,
    site,
    skip_waits,
)
from .test_walk import NUMBER

WIDTHS = {"phone": 390, "desktop": 1280}
MANY = [f"+9198765{person:05d}" for person in range(400)]
TASKS = {  # the tasks and campaigns of one morning
    "appointment_reminders": {"name": "Appointment reminder", "throttle": 40},
    "payment_due": {"name": "Payment due this week", "throttle": 5},
    "delivery_survey": {"name": "Delivery survey, south", "throttle": 30},
    "welcome_calls": {"name": "Welcome call", "throttle": 59, "numbers": MANY[:90]},
}


@pytest.fixture
def morning(site: Site, exotel: Emulator, make_known: Callable[[Any], None]) -> Iterator[str]:  # noqa: F811
    """The address of an API server with campaigns of all kinds."""
    for dag_id, arguments in TASKS.items():
        with DAG(dag_id, schedule=None) as dag:
            create(**({"numbers": MANY, "schedule": {"end_at": "PT3H"}} | arguments))
        make_known(dag)
        dag.test()
    reminders, payments, survey, _ = exotel.campaigns
    with ExotelClient(
        exotel.api_key, exotel.api_token, exotel.account_sid, exotel.host, bucket=TokenBucket(1_000_000)
    ) as client:
        begins = datetime.now(UTC) + timedelta(hours=20)
        client.create_campaign(
            CampaignRequest(
                numbers=MANY[:40],
                caller_id="0XXXXXX4890",
                read_via_text="Hello",
                name=f"Call back {MANY[0]}",
                schedule={"send_at": begins, "end_at": begins + timedelta(hours=6)},
            )
        )
        exotel.clock.advance(420)
        client.pause_campaign(survey.id)
        wait_for(payments, "payment_due", "failed")
        wait_for(reminders, "appointment_reminders", "deferred")
        site.of("OP").get(f"{PREFIX}/")
        exotel.clock.advance(120)
        with served(site.app) as address:
            yield address


def wait_for(campaign: Any, dag_id: str, state: str) -> None:
    """Make a task look as if it waits for its campaign."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session

    with create_session() as session:
        of_dag = session.query(TaskInstance).filter(TaskInstance.dag_id == dag_id)
        task = of_dag.order_by(TaskInstance.start_date.desc()).first()
        task.state = state
        kept = {"connection": "exotel_default", "campaign": campaign.id, "dag": dag_id}
        kept |= {"run": task.run_id, "task": task.task_id}
        session.add(Variable(key=f"exotel_owner_{campaign_key(campaign.name)}", val=json.dumps(kept)))


@pytest.fixture
def sign_in(page: Page, site: Site, morning: str) -> Callable[[str], None]:  # noqa: F811
    def sign_in(role: str) -> None:
        page.context.clear_cookies()
        page.context.add_cookies([{"name": "_token", "value": site.token(role), "url": morning}])

    return sign_in


def test_the_page_fits_and_loads_nothing_from_elsewhere(
    page: Page, morning: str, sign_in: Callable[[str], None]
) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    sign_in("OP")
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for name, width in WIDTHS.items():
        for scheme in schemes:
            page.set_viewport_size({"width": width, "height": 1000})
            page.emulate_media(color_scheme=scheme)
            page.goto(f"{morning}{PREFIX}/")

            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert not NUMBER.search(page.content())
            if folder := os.environ.get("EXOTEL_PICTURES"):
                dark = "-dark" if scheme == "dark" else ""
                page.screenshot(path=Path(folder) / f"page-{name}{dark}.png", full_page=True)

    assert {url for url in asked if not url.startswith("data:")} <= {f"{morning}{PREFIX}/", f"{morning}/favicon.ico"}
    assert [text for text in complaints if "Content Security Policy" in text] == []


def test_the_page_shows_what_airflow_allows(
    page: Page,
    morning: str,
    sign_in: Callable[[str], None],
    exotel: Emulator,  # noqa: F811
) -> None:
    address, reminders = f"{morning}{PREFIX}/", exotel.campaigns[0].id
    asked = f"?action=pause&connection=exotel_default&campaign={reminders}"
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")
    page.context.clear_cookies()
    page.goto(address)
    expect(page.get_by_text("Sign in to Airflow first")).to_be_visible()

    sign_in("VIEWER")
    page.goto(address)
    expect(page.get_by_text("Appointment reminder")).to_be_visible()
    expect(page.locator(".button")).to_have_count(0)
    page.goto(f"{address}confirm{asked}")
    expect(page.get_by_text("You may not do this")).to_be_visible()

    sign_in("USER")
    page.goto(address)
    expect(page.get_by_role("link", name="Stop everything")).to_have_count(0)
    card = page.locator("article").filter(has_text="Appointment reminder")
    for label, said, status in (
        ("Pause", "It is paused", "paused"),
        ("Resume", "It is resumed", "in-progress"),
        ("Stop", "It has ended", "completed"),
    ):
        card.get_by_role("link", name=label, exact=True).click()
        if (folder := os.environ.get("EXOTEL_PICTURES")) and label == "Stop":
            page.screenshot(path=Path(folder) / "page-confirm.png")
        page.get_by_role("button", name=label, exact=True).click()
        expect(page.get_by_text(said)).to_be_visible()
        assert exotel.campaign(reminders).status == status
        page.get_by_role("link", name="Back to the campaigns").click()
        expect(card.locator(f".status.{status}")).to_be_visible()

    sign_in("OP")
    page.goto(address)
    page.get_by_role("link", name="Stop everything").click()
    page.get_by_role("button", name="Stop everything").click()
    page.get_by_role("link", name="Back to the campaigns").click()
    expect(page.get_by_text("Everything was stopped: 2 campaigns paused.")).to_be_visible()
    assert {one.status for one in exotel.campaigns} == {"paused", "completed"}
