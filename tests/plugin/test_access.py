"""Permissions of the page: every route checks them and denies."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
import time_machine

from airflow_provider_exotel.emulator import Emulator

from .conftest import NUMBERS, PREFIX, Site, confirm_address, create, form_of

DENIED = {401, 403, 404}
ACTIONS = ("pause", "resume", "stop", "stop_all")
# For every route, a user who lacks one permission.
TOO_LITTLE = {"/": "nobody", "/confirm": "VIEWER", "/act": "VIEWER"}


def requests_of(site: Site, campaign_id: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return a request for each method of each existing route."""
    requests = []
    for route in site.page.routes:
        for method in sorted(route.methods - {"HEAD"}):
            for action in ACTIONS:
                fields = {"action": action, "connection": "exotel_default", "campaign": campaign_id}
                given = {"params": fields} if method == "GET" else {"data": fields}
                requests.append((method, route.path, given))
    return requests


def changes(exotel: Emulator) -> list[str]:
    return [entry.path for entry in exotel.requests if entry.method in {"PUT", "DELETE"}]


def test_every_route_denies_users_who_are_not_signed_in(site: Site, exotel: Emulator, campaign: Any) -> None:
    client = site.of(None)

    answers = {
        (method, path, client.request(method, PREFIX + path, **given).status_code)
        for method, path, given in requests_of(site, campaign.id)
    }

    assert {path for _, path, _ in answers} == set(TOO_LITTLE)
    assert {status for _, _, status in answers} == {401}
    assert changes(exotel) == []


def test_every_route_denies_users_with_too_little_permission(site: Site, exotel: Emulator, campaign: Any) -> None:
    for method, path, given in requests_of(site, campaign.id):
        answer = site.of(TOO_LITTLE[path]).request(method, PREFIX + path, **given)

        assert answer.status_code in DENIED, (method, path, given)
        assert campaign.id not in answer.text
    assert changes(exotel) == []


def test_a_token_of_another_user_is_denied(site: Site, campaign: Any) -> None:
    forged = site.of(None)
    forged.cookies.set("_token", "eyJhbGciOiJIUzUxMiJ9.e30.AAAA")

    assert forged.get(f"{PREFIX}/").status_code in DENIED


def test_a_user_may_act_on_the_campaign_and_not_on_the_account(site: Site, campaign: Any) -> None:
    page = site.of("USER").get(f"{PREFIX}/").text

    assert ">Pause</a>" in page
    assert "Stop everything" not in page


def test_a_viewer_sees_the_campaign_without_a_button(site: Site, campaign: Any) -> None:
    page = site.of("VIEWER").get(f"{PREFIX}/").text

    assert campaign.id in page
    assert 'class="button' not in page


def test_only_users_who_may_edit_the_connection_see_campaigns_without_a_task(site: Site, exotel: Emulator) -> None:
    by_hand = dashboard_campaign(exotel)

    assert by_hand not in site.of("USER").get(f"{PREFIX}/").text
    assert by_hand in site.of("OP").get(f"{PREFIX}/").text


def test_an_xcom_does_not_make_another_task_the_owner(
    site: Site, exotel: Emulator, run_dag: Callable[..., Any]
) -> None:
    from airflow.sdk import task

    by_hand = dashboard_campaign(exotel)

    @task
    def claim(**context: Any) -> None:
        context["ti"].xcom_push(key="campaign_link", value=f"{exotel.url}/campaigns/{by_hand}")
        context["ti"].xcom_push(key="campaign", value={"id": by_hand, "name": "By hand"})

    run_dag(claim)

    assert by_hand not in site.of("USER").get(f"{PREFIX}/").text


def test_a_connection_that_only_names_an_account_gives_no_right_to_it(
    site: Site, exotel: Emulator, campaign: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = f"exotel://a-key:a-token@{exotel.host.partition('//')[2] or exotel.host}/{exotel.account_sid}?region=other"
    monkeypatch.setenv("AIRFLOW_CONN_AN_INTRUDER", named)
    monkeypatch.setenv("AIRFLOW__EXOTEL__CONNECTIONS", "an_intruder,exotel_default")

    _, intruder, own = site.of("OP").get(f"{PREFIX}/").text.split("<h2>Connection ")

    assert intruder.startswith("an_intruder<")
    assert "does not accept the connection" in intruder
    assert own.startswith("exotel_default<")
    assert (campaign.id in intruder, campaign.id in own) == (False, True)
    asked = {"action": "pause", "connection": "an_intruder", "campaign": campaign.id}
    assert site.of("OP").get(f"{PREFIX}/confirm", params=asked).status_code == 404


@pytest.mark.parametrize(
    ("key", "is_shown"), [("0123456789abcdef", True), ("fedcba9876543210", False), ("None", False)]
)
def test_an_owner_record_counts_only_under_the_key_of_the_campaign(
    site: Site, exotel: Emulator, key: str, is_shown: bool
) -> None:
    from airflow.models.variable import Variable

    name = "Reminder" if key == "None" else "Reminder af-0123456789abcdef"
    by_hand = dashboard_campaign(exotel, name)
    record = {"connection": "exotel_default", "campaign": by_hand, "dag": "a_dag", "run": "a_run", "task": "a_task"}
    Variable.set(f"exotel_owner_{key}", json.dumps(record))
    try:
        page = site.of("USER").get(f"{PREFIX}/").text
    finally:
        Variable.delete(f"exotel_owner_{key}")

    assert (by_hand in page) is is_shown


def test_a_task_is_the_owner_although_the_service_s_clock_is_ahead(
    site: Site, exotel: Emulator, run_dag: Callable[..., Any]
) -> None:
    exotel.clock.advance(600)
    run_dag(create)

    assert ".create (success)" in site.of("USER").get(f"{PREFIX}/").text


def test_guessed_ids_cost_few_requests(site: Site, exotel: Emulator, campaign: Any) -> None:
    viewer = site.of("VIEWER")
    guesses = [{"action": "pause", "connection": "exotel_default", "campaign": f"guess{n}"} for n in range(20)]

    statuses = [viewer.get(f"{PREFIX}/confirm", params=guess).status_code for guess in guesses]

    assert set(statuses) == {404, 503}
    assert sum("guess" in entry.path for entry in exotel.requests) == statuses.count(404) < 10


@pytest.mark.parametrize(
    "arguments", [{"idempotency_key": "may"}, {"exact_name": True, "name": "A name of our own"}], ids=["key", "name"]
)
def test_a_task_with_its_own_key_or_exact_name_is_the_owner(
    site: Site, exotel: Emulator, run_dag: Callable[..., Any], arguments: dict[str, Any]
) -> None:
    run_dag(lambda: create(**arguments))

    page = site.of("USER").get(f"{PREFIX}/").text

    assert exotel.campaigns[-1].id in page
    assert ".create (success)" in page


def test_a_confirmation_holds_only_for_its_user_action_and_hour(site: Site, exotel: Emulator, campaign: Any) -> None:
    user, other = site.of("USER"), site.of("OP")
    form = form_of(user.get(confirm_address(user.get(f"{PREFIX}/").text, "Pause")).text)

    assert other.post(f"{PREFIX}/act", data=form).status_code == 403
    assert user.post(f"{PREFIX}/act", data=form | {"action": "stop"}).status_code == 403
    assert user.post(f"{PREFIX}/act", data=form | {"token": form["token"][:-1]}).status_code == 403
    assert user.post(f"{PREFIX}/act", data={**form, "token": ""}).status_code == 403
    assert changes(exotel) == []


def test_a_confirmation_is_no_longer_valid_after_an_hour() -> None:
    from airflow_provider_exotel.plugin.access import Viewer, is_valid_token, sign_token

    class User:
        def get_id(self) -> str:
            return "anna"

    viewer = Viewer(User())
    with time_machine.travel(1_800_000_000, tick=False) as traveller:
        token = sign_token(viewer, "pause", "exotel_default", "c1")
        assert is_valid_token(token, viewer, "pause", "exotel_default", "c1")
        traveller.shift(3_700)
        assert not is_valid_token(token, viewer, "pause", "exotel_default", "c1")


@pytest.mark.skipif(
    not os.environ.get("AIRFLOW__CORE__AUTH_MANAGER", "").endswith("FabAuthManager"),
    reason="the simple auth manager has no rights for a single DAG",
)
def test_a_user_who_may_read_one_dag_sees_only_its_campaigns(
    site: Site, exotel: Emulator, make_known: Callable[[Any], None]
) -> None:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.sdk import DAG

    for dag_id in ("of_marketing", "of_finance"):
        with DAG(dag_id, schedule=None) as dag:
            create(name=dag_id)
        make_known(dag)
        dag.test()
    manager = get_auth_manager()
    with manager.flask_app.app_context():
        people = manager.security_manager
        role = people.add_role("Marketing")
        for action, resource in (("can_read", "DAG:of_marketing"), ("can_edit", "DAG:of_marketing")):
            people.add_permission_to_role(role, people.create_permission(action, resource))
        person = people.add_user("maria", "a", "marketer", "maria@example.com", role, "a password")
        token = manager.generate_jwt(person)
    browser = site.of(None)
    browser.cookies.set("_token", token)

    page = browser.get(f"{PREFIX}/").text

    assert "of_marketing.create" in page
    assert "of_finance" not in page
    assert 'class="button' not in page  # permission to edit a DAG does not include setting task states
    hidden = {"action": "pause", "connection": "exotel_default", "campaign": exotel.campaigns[-1].id}
    assert browser.get(f"{PREFIX}/confirm", params=hidden).status_code == 404


def dashboard_campaign(exotel: Emulator, name: str = "By hand") -> str:
    """Return the id of a campaign that somebody created in Exotel's dashboard."""
    from airflow_provider_exotel import CampaignRequest, ExotelClient

    with ExotelClient(
        exotel.api_key, exotel.api_token, exotel.account_sid, exotel.host, requests_per_minute=6000
    ) as client:
        return client.create_campaign(
            CampaignRequest(numbers=NUMBERS, caller_id="0XXXXXX4890", read_via_text="Hi", name=name)
        ).id
