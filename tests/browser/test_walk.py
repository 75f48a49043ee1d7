"""Everything a person without DAG code sees, in a real browser, from the connection to the campaign."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect

from airflow_provider_exotel.emulator import Emulator

from .conftest import LocalAirflow

NUMBER = re.compile(r"\+?91[6-9]\d{9}")


def picture(page: Page, name: str) -> None:
    """Save a screenshot for the docs, if a folder is configured for it."""
    if folder := os.environ.get("EXOTEL_PICTURES"):
        page.wait_for_timeout(800)  # wait for animations to end
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture
def connection_form(page: Page, local_airflow: LocalAirflow) -> Locator:
    page.goto(local_airflow.address("The connection"))
    page.get_by_role("button", name="Edit Connection").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_text("API token")).to_be_visible()
    return form


@pytest.fixture
def restored(page: Page, local_airflow: LocalAirflow) -> Iterator[None]:
    """Restore the connection after a test that changes it."""
    yield
    address = local_airflow.address("The local Exotel")
    save(page, local_airflow, password="emulator-token", host="127.0.0.1", port=address.rpartition(":")[2])


def save(page: Page, local_airflow: LocalAirflow, **fields: str) -> None:
    page.goto(local_airflow.address("The connection"))
    page.get_by_role("button", name="Edit Connection").click()
    form = page.get_by_role("dialog")
    for name, value in fields.items():
        form.locator(f"input[name={name}]").fill(value)
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()


def result_of_test(page: Page, local_airflow: LocalAirflow) -> str:
    """Press *Test* and return Airflow's message."""
    page.goto(local_airflow.address("The connection"))
    page.get_by_role("button", name="Test Connection").click()
    said = page.locator("[data-scope=toast][data-part=root]").first
    expect(said).to_be_visible()
    return said.inner_text()


def trigger_form(page: Page, local_airflow: LocalAirflow, dag_id: str) -> Locator:
    page.goto(f"{local_airflow.address('Airflow')}/dags/{dag_id}")
    page.get_by_role("button", name="Trigger Dag").first.click()
    return page.get_by_role("dialog")


def press_trigger(page: Page, form: Locator, task_id: str) -> None:
    """Start the run, and open the details of its task once it has succeeded."""
    form.get_by_role("button", name="Trigger", exact=True).click()
    page.wait_for_url("**/runs/manual*")
    task = f"{page.url}/tasks/{task_id}"
    page.goto(task)
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    page.goto(f"{task}/details")


def test_the_form_names_the_fields_and_masks_the_token(page: Page, connection_form: Locator) -> None:
    token = connection_form.locator("input[name=password]")

    for label in ("API key", "API token", "Account SID", "Host", "Port"):
        expect(connection_form.get_by_text(label, exact=True)).to_be_visible()
    assert token.get_attribute("type") == "password"
    assert token.input_value() == "***"
    picture(page, "connection-form")


def test_a_new_connection_is_offered_regions_and_guards(page: Page, local_airflow: LocalAirflow) -> None:
    page.goto(local_airflow.address("The connection"))
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.get_by_role("combobox").first.fill("Exotel")
    page.get_by_role("option", name="Exotel").click()
    form.get_by_role("button", name="Extra Fields", exact=True).click()

    for label in ("Region", "Default ExoPhone", "Requests per minute", "Only these numbers", "Most contacts"):
        expect(form.get_by_text(label, exact=True)).to_be_visible()
    picture(page, "connection-extra")


def test_a_right_connection_passes_its_test(page: Page, local_airflow: LocalAirflow) -> None:
    assert "accepted" in result_of_test(page, local_airflow)


def test_a_wrong_token_is_reported_with_advice(page: Page, local_airflow: LocalAirflow, restored: None) -> None:
    save(page, local_airflow, password="mistyped")

    assert "copy key and token again from the dashboard" in result_of_test(page, local_airflow)


def test_a_wrong_region_is_reported_with_advice(page: Page, local_airflow: LocalAirflow, restored: None) -> None:
    with Emulator(account_sid="elsewhere", api_key="another-key", api_token="another-token") as other_region:
        save(page, local_airflow, host="127.0.0.1", port=str(other_region.port), password="emulator-token")

        assert "check the region" in result_of_test(page, local_airflow)


def test_the_trigger_form_starts_a_campaign_and_the_task_links_to_it(page: Page, local_airflow: LocalAirflow) -> None:
    form = trigger_form(page, local_airflow, "exotel_campaign_form")
    form.get_by_role("button", name="Whom to call").click()
    form.locator("#element_name").fill("Reminder for tomorrow")
    form.locator("#element_lists").fill("demo-list")
    picture(page, "trigger-form")
    press_trigger(page, form, "create_campaign")

    link = page.get_by_role("link", name="Exotel campaign")
    expect(link).to_be_visible()
    picture(page, "task-link")
    page.goto(link.get_attribute("href") or "")

    expect(page.get_by_text("Reminder for tomorrow").first).to_be_visible()
    picture(page, "campaign-page")
    assert not NUMBER.search(page.content())


def test_the_report_task_links_to_its_page(page: Page, local_airflow: LocalAirflow) -> None:
    exotel = local_airflow.address("The local Exotel")
    page.goto(exotel)
    campaign = page.get_by_role("link", name="Reminder for tomorrow").first.get_attribute("href") or ""
    page.goto(exotel + campaign)
    expect(page.locator(".status.completed")).to_be_visible()

    form = trigger_form(page, local_airflow, "exotel_report_on_demand")
    form.locator("#element_campaign_ids").fill(campaign.rpartition("/")[2])
    press_trigger(page, form, "report")

    link = page.get_by_role("link", name="Campaign report")
    expect(link).to_be_visible()
    picture(page, "report-link")
    address = link.get_attribute("href") or ""
    page.goto(address)
    expect(page.get_by_role("heading", name="Reminder for tomorrow")).to_be_visible()
    assert not NUMBER.search(page.content())

    page.goto(exotel + campaign)
    page.get_by_role("link", name="Report", exact=True).click()
    expect(page).to_have_url(address)


def test_the_page_of_the_emulator_shows_the_campaign(page: Page, local_airflow: LocalAirflow) -> None:
    page.goto(local_airflow.address("The local Exotel"))

    expect(page.get_by_text("Reminder for tomorrow").first).to_be_visible()
    assert not NUMBER.search(page.content())
    picture(page, "emulator-page")


def test_the_page_inside_airflow_controls_a_campaign(page: Page, local_airflow: LocalAirflow) -> None:
    form = trigger_form(page, local_airflow, "exotel_campaign_form")
    form.get_by_role("button", name="Whom to call").click()
    form.locator("#element_name").fill("Reminder, slowly")
    form.locator("#element_lists").fill("demo-list")
    form.get_by_role("button", name="Pace and trial").click()
    form.get_by_role("spinbutton").fill("1")
    form.locator("#element_mode").click()
    page.get_by_role("option", name="My own").click()
    press_trigger(page, form, "create_campaign")
    page.goto(local_airflow.address("Airflow"))
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Exotel campaigns").click()
    frame = page.frame_locator("iframe")
    card = frame.locator("article").filter(has_text="Reminder, slowly")
    expect(card.get_by_text("exotel_campaign_form.create_campaign")).to_be_visible()
    picture(page, "page-in-airflow")

    # It is resumed only inside its window, which is not open at every hour that tests run.
    for label, said in (("Pause", "It is paused"), ("Stop", "It has ended")):
        card.get_by_role("link", name=label, exact=True).click()
        frame.get_by_role("button", name=label, exact=True).click()
        expect(frame.get_by_text(said)).to_be_visible()
        frame.get_by_role("link", name="Back to the campaigns").click()

    expect(card.locator(".status.completed")).to_be_visible()
    assert not NUMBER.search(frame.locator("body").inner_text())
    assert frame.get_by_role("link", name="Open the task").count() == 0


def test_a_scheduler_that_dies_is_started_again(local_airflow: LocalAirflow) -> None:
    for one in psutil.Process(local_airflow.process.pid).children(recursive=True):
        with suppress(psutil.Error):  # some processes end meanwhile
            if "airflow scheduler" in " ".join(one.cmdline()):
                one.kill()

    local_airflow.read_until("The scheduler had ended and was started again.")

    assert any("scheduler" in command for command in local_airflow.processes())


def test_a_closed_terminal_leaves_no_process(local_airflow: LocalAirflow) -> None:
    assert len(local_airflow.processes()) > 4

    code = local_airflow.stop(signal.SIGHUP)

    assert (code, local_airflow.processes()) == (0, [])


def test_ctrl_c_leaves_no_process_even_while_it_starts() -> None:
    starting = LocalAirflow.start()
    starting.read_until("done Airflow prepares")

    code = starting.stop(signal.SIGINT)

    assert (code, starting.processes()) == (0, [])
