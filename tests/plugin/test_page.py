"""The content of the page, and its buttons."""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_exotel.emulator import Emulator, Fault

from ..client.raw_server import RawServer, http
from ..versions import AIRFLOW
from .conftest import PREFIX, Site, confirm_address, create, form_of, press

if AIRFLOW >= (3, 1):
    from airflow_provider_exotel.plugin import account, action, view

CANARY = "+919876512345"


def lists(exotel: Emulator) -> int:
    return sum((entry.method, entry.path) == ("GET", "campaigns") for entry in exotel.requests)


def test_a_campaign_is_shown_with_its_task_window_and_counts(site: Site, campaign: Any) -> None:
    page = site.of("VIEWER").get(f"{PREFIX}/").text

    assert ".create (success)" in page
    assert re.search(r"<dt>Window</dt><dd>\d+ \w+ \d\d:\d\d to [\w: ]+ UTC", page)
    assert "<dt>Reached</dt>" in page
    assert "Reminder" in page
    assert "af-" not in page


def test_all_viewers_cost_one_list_request(site: Site, exotel: Emulator, campaign: Any) -> None:
    before = lists(exotel)
    clients = [site.of(role) for role in ("VIEWER", "USER", "OP", "ADMIN") * 2]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda client: client.get(f"{PREFIX}/"), clients))

    assert all(campaign.id in answer.text for answer in answers)
    assert lists(exotel) - before == 1


def test_accounts_are_read_in_parallel(site: Site, exotel: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(2)

    class Waiting(RawServer):
        """Answers once the other account has been asked too."""

        def _read(self, connection: socket.socket) -> str:
            asked = super()._read(connection)
            meeting.wait(60)
            return asked

    nothing = http(200, {"http_code": 200, "metadata": {"total": 0}, "response": []})
    with Waiting(nothing) as one, Waiting(nothing) as two:
        for name, server in (("one", one), ("two", two)):
            uri = f"exotel://key:token@127.0.0.1:{server.port}/{name}?region=other&requests_per_minute=6000"
            monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", uri)
        monkeypatch.setenv("AIRFLOW__EXOTEL__CONNECTIONS", "one,two")
        monkeypatch.setattr("airflow_provider_exotel.plugin.app.PATIENCE", 60)

        page = site.of("OP").get(f"{PREFIX}/").text

    assert page.count("All campaigns of the account. Read from Exotel at") == 2
    assert "has not answered yet" not in page


@pytest.mark.parametrize(
    ("label", "said", "status"),
    [("Pause", "It is paused", "paused"), ("Stop", "It has ended", "completed")],
)
def test_a_button_acts_and_the_log_says_who_pressed_it(
    site: Site, exotel: Emulator, campaign: Any, caplog: pytest.LogCaptureFixture, label: str, said: str, status: str
) -> None:
    caplog.set_level(logging.INFO, logger="airflow_provider_exotel")

    answer = press(site.of("USER"), label)

    assert (answer.status_code, said in answer.text) == (200, True)
    assert exotel.campaign(campaign.id).status == status
    assert any("a USER pressed" in line and campaign.id in line for line in caplog.messages)
    assert audit()[-1][:2] == ("a USER", f"exotel_{label.lower()}")


def test_a_paused_campaign_is_resumed_inside_its_window(site: Site, exotel: Emulator, campaign: Any) -> None:
    user = site.of("USER")
    press(user, "Pause")

    answer = press(user, "Resume")

    assert "It is resumed" in answer.text
    assert exotel.campaign(campaign.id).status == "in-progress"


def test_a_campaign_is_not_resumed_before_its_window_opens(
    site: Site, exotel: Emulator, run_dag: Callable[..., Any]
) -> None:
    run_dag(lambda: create(schedule={"send_at": "PT5H", "end_at": "PT9H"}))
    user = site.of("USER")
    press(user, "Pause")

    page = user.get(f"{PREFIX}/").text

    assert ">Stop</a>" in page
    assert ">Resume</a>" not in page


def test_stop_everything_pauses_all_campaigns_of_the_account(
    site: Site, exotel: Emulator, run_dag: Callable[..., Any]
) -> None:
    run_dag(lambda: [create(task_id=f"create_{number}", name=f"Number {number}") for number in range(3)])
    exotel.clock.advance(90)

    answer = press(site.of("OP"), "Stop everything")

    [account] = site.page.state.accounts.read()[0]
    assert account.reader.stop.finished.wait(60)
    assert "being stopped" in answer.text
    assert {one.status for one in exotel.campaigns} == {"paused"}
    assert "3 campaigns paused" in site.of("OP").get(f"{PREFIX}/").text


def test_a_confirmation_of_one_api_server_is_valid_on_another(site: Site, exotel: Emulator, campaign: Any) -> None:
    user = site.of("USER")
    asked = user.get(confirm_address(user.get(f"{PREFIX}/").text, "Pause"))

    site.restart()  # the second server shares only Airflow's secret key
    answer = user.post(f"{PREFIX}/act", data=form_of(asked.text))

    assert answer.status_code == 200
    assert exotel.campaign(campaign.id).status == "paused"


def test_a_campaign_older_than_the_latest_ones_can_be_paused_too(
    site: Site, exotel: Emulator, campaign: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = site.of("USER")
    asked = user.get(confirm_address(user.get(f"{PREFIX}/").text, "Stop"))
    site.restart()
    monkeypatch.setattr(account, "LATEST", 0)

    answer = user.post(f"{PREFIX}/act", data=form_of(asked.text))

    assert answer.status_code == 200
    assert exotel.campaign(campaign.id).status == "completed"


def test_active_campaigns_beyond_the_latest_ones_follow_with_the_next_request(
    site: Site, exotel: Emulator, run_dag: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dag(lambda: [create(task_id=f"create_{number}", name=f"Number {number}") for number in range(4)])
    monkeypatch.setattr(account, "LATEST", 3)
    exotel.clock.advance(90)
    viewer = site.of("VIEWER")

    first = viewer.get(f"{PREFIX}/").text
    before = lists(exotel)
    exotel.clock.advance(15)
    monkeypatch.setattr(account, "LATEST", 4)
    second = viewer.get(f"{PREFIX}/").text

    assert "older active ones follow in 15 seconds" in first
    assert (first.count("<article"), second.count("<article")) == (3, 4)
    assert lists(exotel) - before == 1


def test_a_long_list_has_pages(
    site: Site, exotel: Emulator, run_dag: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dag(lambda: [create(task_id=f"create_{number}", name=f"Number {number}") for number in range(3)])
    monkeypatch.setattr(view, "PAGE_SIZE", 2)
    viewer = site.of("VIEWER")

    pages = [viewer.get(f"{PREFIX}/", params={"1a": number}).text for number in ("1", "2", "99", "-1", "x")]

    assert [page.count("<article") for page in pages] == [2, 1, 1, 2, 2]
    assert "Page 2 of 2" in pages[1]


def test_a_lost_answer_is_reported_as_unconfirmed(site: Site, exotel: Emulator, campaign: Any) -> None:
    user = site.of("USER")
    exotel.faults.add(Fault(on="PUT campaigns/*", kind="status", status=403, times=9))

    answer = press(user, "Pause")

    assert answer.status_code == 502
    assert "may still be calling people" in answer.text


HANGS = {"kind": "delay", "stage": "after", "seconds": 600.0}
FAILS = {"kind": "status", "status": 503}


def press_unanswered(
    user: Any, label: str, exotel: Emulator, fault: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, list[str]]:
    """Confirm an action while Exotel does not answer; return the page, and the methods of the requests."""
    asked = user.get(confirm_address(user.get(f"{PREFIX}/").text, label))
    monkeypatch.setattr(account, "ANSWER_WITHIN", 0.2)
    exotel.faults.add(Fault(times=None, **fault))
    before = len(exotel.requests)
    answer = user.post(f"{PREFIX}/act", data=form_of(asked.text))
    return answer, [entry.method for entry in exotel.requests[before:]]


@pytest.mark.parametrize("fault", [HANGS, FAILS], ids=["hangs", "answers 503"])
@pytest.mark.parametrize("label", ["Pause", "Stop"])
def test_an_action_ends_after_two_requests_without_an_answer_and_says_what_to_do(
    site: Site, exotel: Emulator, campaign: Any, monkeypatch: pytest.MonkeyPatch, label: str, fault: dict[str, Any]
) -> None:
    answer, methods = press_unanswered(site.of("USER"), label, exotel, fault, monkeypatch)

    assert answer.status_code == 502
    assert "may still be calling people" in answer.text
    assert f"Press {label} again" in answer.text
    assert "airflow_provider_exotel.commands.stop" in answer.text
    assert methods == ["PUT", "GET"]


@pytest.mark.parametrize("fault", [HANGS, FAILS], ids=["hangs", "answers 503"])
def test_a_resume_without_an_answer_ends_after_one_request(
    site: Site, exotel: Emulator, campaign: Any, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    user = site.of("USER")
    press(user, "Pause")

    answer, methods = press_unanswered(user, "Resume", exotel, fault, monkeypatch)

    assert answer.status_code == 502
    assert "may call people again, or may not" in answer.text
    assert methods == ["GET"]


def test_a_stop_that_only_paused_says_so(site: Site, exotel: Emulator, campaign: Any) -> None:
    exotel.faults.add(Fault(on="PUT campaigns/*", after=1, **FAILS))

    answer = press(site.of("USER"), "Stop")

    assert answer.status_code == 502
    assert "It is paused, and calls nobody until it is resumed. That it has ended could not be confirmed" in answer.text
    assert "may still be calling people" not in answer.text


def test_a_pause_with_a_lost_answer_is_confirmed_by_a_poll(site: Site, exotel: Emulator, campaign: Any) -> None:
    exotel.faults.add(Fault(on="PUT campaigns/*", kind="drop_after_commit"))

    answer = press(site.of("USER"), "Stop")

    assert "It has ended" in answer.text
    assert exotel.campaign(campaign.id).status == "completed"


def test_a_pause_that_is_never_confirmed_is_reported_as_unconfirmed(
    site: Site, exotel: Emulator, campaign: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action, "CONFIRM_WITHIN", 0.0)
    exotel.faults.add(Fault(on="PUT campaigns/*", kind="not_done", times=None))

    answer = press(site.of("USER"), "Stop")

    assert answer.status_code == 502
    assert "still shows it as in-progress" in answer.text


def test_a_confirmation_of_an_unknown_campaign_is_not_called_missing_while_the_service_is_silent(
    site: Site, exotel: Emulator, campaign: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = site.of("USER")
    address = confirm_address(user.get(f"{PREFIX}/").text, "Stop")
    site.restart()
    exotel.faults.add(Fault(times=None, **FAILS))

    answer = user.get(address)

    assert answer.status_code == 503
    assert "Exotel reports an internal error. Nothing was done" in answer.text


def test_a_service_that_does_not_answer_is_reported_in_words(site: Site, exotel: Emulator, campaign: Any) -> None:
    exotel.stop()

    page = site.of("OP").get(f"{PREFIX}/")

    assert page.status_code == 200
    assert "Exotel cannot be reached" in page.text


def test_no_page_holds_a_number_or_a_token_even_if_answers_do(
    site: Site, monkeypatch: pytest.MonkeyPatch, exotel: Emulator
) -> None:
    secret = "a-token-of-sixteen"
    answer = {
        "http_code": 200,
        "metadata": {"total": 1},
        "response": [
            {
                "code": 200,
                "status": "success",
                "data": {
                    "id": "c1",
                    "name": f"Call {CANARY} with {secret}",
                    "status": f"In {CANARY}",
                    "from": [CANARY],
                    "caller_id": CANARY,
                    "url": f"https://example.com/{CANARY}?token={secret}",
                    "custom_field": CANARY,
                    "stats": {"created": 5, CANARY: 4},
                    "date_created": "2026-03-02T10:00:00+05:30",
                },
            }
        ],
    }
    with RawServer(http(200, answer)) as server:
        monkeypatch.setenv(
            "AIRFLOW_CONN_EXOTEL_DEFAULT",
            f"exotel://key:{secret}@127.0.0.1:{server.port}/sid?region=other&requests_per_minute=6000",
        )
        operator = site.of("OP")
        pages = [
            operator.get(f"{PREFIX}/").text,
            operator.get(f"{PREFIX}/confirm?action=stop_all&connection=exotel_default&campaign={CANARY}").text,
            operator.get(f"{PREFIX}/confirm?action=stop&connection=exotel_default&campaign=c1").text,
            operator.get(f"{PREFIX}/confirm?action={CANARY}&connection={secret}").text,
        ]

    assert "c1" in pages[0]
    assert not [page for page in pages if CANARY.lstrip("+") in page or secret in page]


def test_an_error_of_the_service_is_shown_without_its_text(
    site: Site, monkeypatch: pytest.MonkeyPatch, exotel: Emulator
) -> None:
    refusal = {"http_code": 401, "response": {"error_data": {"description": f"no {CANARY} key:hunter2hunter2"}}}
    with RawServer(http(401, refusal)) as server:
        monkeypatch.setenv(
            "AIRFLOW_CONN_EXOTEL_DEFAULT",
            f"exotel://key:hunter2hunter2@127.0.0.1:{server.port}/sid?region=other&requests_per_minute=6000",
        )
        page = site.of("OP").get(f"{PREFIX}/").text

    assert "does not accept the connection" in page
    assert CANARY.lstrip("+") not in page
    assert "hunter2" not in page


def test_an_unreadable_connection_is_named_only_to_users_who_may_edit_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, exotel: Emulator
) -> None:
    monkeypatch.setenv("AIRFLOW__EXOTEL__CONNECTIONS", "exotel_default,exotel_gone")

    assert "exotel_gone" in site.of("OP").get(f"{PREFIX}/").text
    assert "exotel_gone" not in site.of("USER").get(f"{PREFIX}/").text


def test_a_connection_in_the_database_is_shown_without_configuration(
    site: Site, monkeypatch: pytest.MonkeyPatch, exotel: Emulator
) -> None:
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    monkeypatch.delenv("AIRFLOW__EXOTEL__CONNECTIONS")
    with create_session() as session:
        session.add(Connection(conn_id="exotel_kept", uri=exotel.connection_uri))
    try:
        assert "exotel_kept" in site.of("OP").get(f"{PREFIX}/").text
    finally:
        with create_session() as session:
            session.query(Connection).filter(Connection.conn_id == "exotel_kept").delete()


def test_links_to_airflow_are_text_inside_its_frame(site: Site, campaign: Any) -> None:
    viewer = site.of("VIEWER")

    framed = viewer.get(f"{PREFIX}/", headers={"Sec-Fetch-Dest": "iframe"}).text
    alone = viewer.get(f"{PREFIX}/", headers={"Sec-Fetch-Dest": "document"}).text

    assert '<a href="http' not in framed
    assert re.search(r'<code class="copy">http[^<]+/tasks/create</code>', framed)
    assert re.search(r'<a href="http[^"]+/tasks/create">', alone)


def test_the_policy_allows_the_style_of_the_page_and_nothing_else(site: Site, campaign: Any) -> None:
    answer = site.of("USER").get(f"{PREFIX}/")

    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"<script|\sstyle=|\son\w+=", answer.text)
    assert answer.headers["Cache-Control"] == "no-store"


def test_reports_and_waiting_plans_are_listed(site: Site, exotel: Emulator, run_dag: Callable[..., Any]) -> None:
    from airflow.sdk import task

    @task
    def report(**context: Any) -> None:
        context["ti"].xcom_push(
            key="report", value={"page": "s3://reports/may/report.html", "url": "https://reports.example.com/may.html"}
        )

    run_dag(report)

    assert "https://reports.example.com/may.html" in site.of("VIEWER").get(f"{PREFIX}/").text
    assert site.of("nobody").get(f"{PREFIX}/").status_code == 403


@pytest.mark.parametrize(
    "value",
    [
        {"id": "p1", "accepted": 1200, "url": None, "files": {"page": "file:///plans/plan.html"}},
        {"contacts": 1200, "url": None, "page": "file:///plans/plan.html"},
    ],
    ids=["audience", "campaign"],
)
def test_a_waiting_plan_shows_where_to_answer(
    site: Site, exotel: Emulator, run_dag: Callable[..., Any], value: dict[str, Any]
) -> None:
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.sdk import task
    from airflow.utils.session import create_session

    @task
    def plan(**context: Any) -> None:
        context["ti"].xcom_push(key="plan", value=value)

    ran = run_dag(plan)
    with create_session() as session:
        [asking] = session.query(TaskInstance).filter(TaskInstance.run_id == ran.dag_run.run_id).all()
        asking.state = "deferred"
        session.add(HITLDetail(ti_id=asking.id, options=["Approve", "Reject"], subject="Call them?", params={}))

    page = site.of("VIEWER").get(f"{PREFIX}/").text

    assert "Plans that wait for approval" in page
    assert "1,200 contacts" in page
    assert "file:///plans/plan.html" in page
    assert re.search(r"/dags/[^<]+/tasks/plan</code>", page)


def audit() -> list[tuple[str, str]]:
    from airflow.models.log import Log
    from airflow.utils.session import create_session

    with create_session() as session:
        return [
            (owner, event)
            for owner, event in session.query(Log.owner, Log.event).filter(Log.event.like("exotel%")).order_by(Log.id)
        ]
