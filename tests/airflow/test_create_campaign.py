"""CreateCampaignOperator in real DAG runs against the local Exotel."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import Param, task

from airflow_provider_exotel import CallingWindow, CampaignLink, CreateCampaignOperator
from airflow_provider_exotel.client.callback_urls import callback_token
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.create.spec import REQUEST_FIELDS
from airflow_provider_exotel.emulator import Emulator, Fault

from .conftest import connect

NUMBERS = ["+919876500000", "+919876500001"]
# A window that is open at any time, for hours.
OPEN = {"send_at": "PT1H", "end_at": "PT9H"}


def create(**arguments: Any) -> CreateCampaignOperator:
    given = {"numbers": NUMBERS, "read_via_text": "Hello", "schedule": OPEN} | arguments
    return CreateCampaignOperator(task_id="create", **given)


def posts(exotel: Emulator) -> list[Any]:
    return [entry.body for entry in exotel.requests if entry.method == "POST"]


def test_a_run_creates_one_campaign_and_returns_its_id(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    ran = run_dag(lambda: create(name="Reminder"))

    [campaign] = exotel.campaigns
    assert ran.xcom() == campaign.id
    assert re.fullmatch(r"Reminder af-[0-9a-f]{16}-[0-9a-f]{12}", campaign.name)
    summary = ran.xcom(key="campaign")
    assert summary.pop("summary").startswith(f"Campaign {campaign.id} (Created) calls 2 contacts, from ")
    assert summary == {
        "id": campaign.id,
        "name": campaign.name,
        "status": "Created",
        "send_at": campaign.send_at.isoformat(timespec="seconds"),
        "end_at": campaign.end_at.isoformat(timespec="seconds"),
        "contacts": 2,
        "rejected": 0,
        "url": f"{exotel.url}/campaigns/{campaign.id}",
    }


def test_a_create_takes_one_look_up_and_one_post(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    run_dag(create)

    assert [entry.method for entry in exotel.requests] == ["GET", "POST"]


def test_a_campaign_whose_answer_was_lost_is_found_and_followed(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    lost = Fault(on="POST campaigns", kind="drop_after_commit")
    exotel.faults.add(lost)
    when = datetime(2026, 3, 2, tzinfo=UTC)

    first = run_dag(lambda: create(schedule=None, exact_name=True, name="March reminder"), **_at(when))
    created = first.xcom()
    second = run_dag(lambda: create(schedule=None, exact_name=True, name="March reminder"), **_at(when))

    assert (first.state, second.state) == ("success", "success")
    assert len(posts(exotel)) == 1
    assert created == second.xcom() == exotel.campaigns[0].id


def test_an_existing_campaign_is_followed_after_its_window_closed(
    run_dag: Callable[..., Any], exotel: Emulator
) -> None:
    def closed() -> CreateCampaignOperator:
        return create(schedule={"end_at": "2026-03-02T18:00:00Z"}, idempotency_key="march")

    missed = run_dag(closed)
    run_dag(lambda: create(idempotency_key="march"))
    followed = run_dag(closed)

    assert (missed.state, followed.state) == ("failed", "success")
    assert followed.xcom() == exotel.campaigns[0].id


def test_the_window_is_counted_from_the_logical_date(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(hour=3, minute=0, second=0, microsecond=0)
    window = CallingWindow(start="10:00", end="18:00", timezone="Asia/Kolkata")

    run_dag(lambda: create(schedule=None, window=window), **_at(tomorrow))

    [sent] = posts(exotel)
    day = tomorrow.date().isoformat()
    assert sent["schedule"] == {"send_at": f"{day}T10:00:00+05:30", "end_at": f"{day}T18:00:00+05:30"}


@pytest.mark.skipif(airflow_version.startswith("2."), reason="Airflow 2 knows no run without a date")
def test_a_run_without_a_date_is_counted_from_run_after(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    ran = run_dag(create, logical_date=None)

    assert ran.state == "success"
    assert exotel.campaigns[0].send_at - datetime.now(UTC) > timedelta(minutes=50)


@pytest.mark.parametrize(
    ("on_missed_window", "state"), [("fail", "failed"), ("skip", "skipped"), ("next", "failed")], ids=str
)
def test_a_missed_window_dials_nobody(
    run_dag: Callable[..., Any], exotel: Emulator, on_missed_window: str, state: str
) -> None:
    past = {"send_at": "2026-03-02T10:00:00Z", "end_at": "2026-03-02T18:00:00Z"}

    ran = run_dag(lambda: create(schedule=past, on_missed_window=on_missed_window, retries=2))

    assert ran.task_state() == state
    assert posts(exotel) == []


@pytest.mark.parametrize(
    "text",
    ["name,number\nA,+919876500000\nB,+919876500001\n", "+919876500000\n\n+919876500001\n"],
    ids=["csv", "lines"],
)
def test_numbers_come_from_a_file(run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Any, text: str) -> None:
    (tmp_path / "people").write_text(text)

    run_dag(lambda: create(numbers=None, numbers_from=(tmp_path / "people").as_uri()))

    assert list(exotel.campaigns[0].numbers) == NUMBERS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("name,number\nJosé,+919876500000\n".encode("latin-1"), "is not UTF-8 text", id="Latin-1"),
        pytest.param("number\n+919876500000\n".encode("utf-16"), "is UTF-16 text", id="UTF-16"),
        pytest.param(gzip.compress(b"number\n+919876500000\n")[:-9], "is damaged or incomplete", id="cut gzip"),
    ],
)
def test_a_file_that_is_not_utf_8_is_refused_without_quoting_it(
    run_dag: Callable[..., Any], exotel: Emulator, log: Any, tmp_path: Any, content: bytes, said: str
) -> None:
    (tmp_path / "people").write_bytes(content)

    ran = run_dag(lambda: create(numbers=None, numbers_from=(tmp_path / "people").as_uri(), throttle="{{ 0 }}"))

    logged = log.text
    assert ran.task_state() == "failed"
    assert "- numbers_from: " in logged
    assert said in logged
    assert "- throttle: " in logged
    assert not any(trace in logged for trace in ("9876500000", "UnicodeDecodeError"))
    assert posts(exotel) == []


def test_every_field_of_the_page_is_sent_from_templates(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    words = {
        "numbers": "+919876500000,+919876500001",
        "caller_id": "0XXXXXX4890",
        "campaign_type": "static",
        "flow_type": "ivr",
        "url": "http://my.exotel.com/emulator/exoml/start_voice/926",
        "read_via_text": "Hello",
        "name": "Reminder",
        "type": "trans",
        "call_duplicate_numbers": "true",
        "call_retries": {"number_of_retries": 2, "interval_mins": 15, "mechanism": "Linear", "on_status": ["busy"]},
        "call_status_callback": "https://example.org/call",
        "call_schedule_callback": "https://example.org/contact",
        "status_callback": "https://example.org/campaign",
        "mode": "custom",
        "throttle": "30",
        "custom_field": "march",
        "repeat_menu_attempts": "1",
    }
    assert words.keys() == {*REQUEST_FIELDS} - {"lists", "flow_id", "extra_fields"}
    templates = {name: f"{{{{ params.{name} }}}}" for name in words}

    run_dag(lambda: create(**templates), params=words)

    [sent] = posts(exotel)
    expected = words | {"call_duplicate_numbers": True, "throttle": 30, "repeat_menu_attempts": 1}
    expected |= {"from": expected.pop("numbers"), "retries": expected.pop("call_retries")}
    assert {name: value for name, value in sent.items() if name not in {"name", "schedule"}} == {
        name: value for name, value in expected.items() if name != "name"
    }


def test_times_and_choices_may_be_templates(run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Any) -> None:
    (tmp_path / "people").write_text("number\n+919876500000\nn/a\n")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    words = {
        "exotel_conn_id": "exotel_default",
        "numbers_from": (tmp_path / "people").as_uri(),
        "flow_id": "926",
        "window": {"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata", "end_buffer": "PT15M"},
        "anchor": f"{tomorrow}T03:00:00Z",
        "max_lateness": "PT2H",
        "on_missed_window": "next",
        "on_invalid_numbers": "drop",
        "idempotency_key": "march",
        "plan_only": "false",
    }
    templates = {name: f"{{{{ params.{name} }}}}" for name in words}

    ran = run_dag(lambda: create(numbers=None, schedule=None, read_via_text=None, **templates), params=words)

    [sent] = posts(exotel)
    assert sent["schedule"] == {"send_at": f"{tomorrow}T10:00:00+05:30", "end_at": f"{tomorrow}T17:45:00+05:30"}
    assert sent["url"].endswith("/emulator/exoml/start_voice/926")
    assert ran.xcom(key="campaign")["rejected"] == 1


def test_times_of_a_schedule_may_be_templates(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    times = {"send_at": "{{ params.day }}T10:00:00+05:30", "end_at": "{{ params.day }}T18:00:00+05:30"}
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()

    run_dag(lambda: create(schedule=times), params={"day": tomorrow})

    assert posts(exotel)[0]["schedule"]["send_at"] == f"{tomorrow}T10:00:00+05:30"


def test_one_number_of_many_may_be_a_template(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    run_dag(lambda: create(numbers=[NUMBERS[0], "{{ params.number }}"]), params={"number": NUMBERS[1]})

    assert posts(exotel)[0]["from"] == ",".join(NUMBERS[:2])


def test_lists_may_be_a_template(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    exotel.add_list("march-list", NUMBERS)

    run_dag(lambda: create(numbers=None, lists="{{ params.lists }}"), params={"lists": ["march-list"]})

    assert posts(exotel)[0]["lists"] == ["march-list"]


def test_a_mapped_task_makes_a_campaign_for_each_index(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    def fill() -> None:
        CreateCampaignOperator.partial(task_id="create", read_via_text="Hello", schedule=OPEN).expand(
            numbers=[["+919876500000"], ["+919876500001"], ["+919876500002"]]
        )

    run_dag(fill)

    assert sorted(next(iter(campaign.numbers)) for campaign in exotel.campaigns) == [*NUMBERS, "+919876500002"]
    assert len({campaign.name for campaign in exotel.campaigns}) == 3


def test_numbers_may_be_the_output_of_another_task(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    @task
    def people() -> list[str]:
        return NUMBERS

    run_dag(lambda: create(numbers=people()))

    assert list(exotel.campaigns[0].numbers) == NUMBERS


def test_params_fill_what_the_operator_leaves_unset(
    run_dag: Callable[..., Any], exotel: Emulator, audience: str
) -> None:
    params = {
        "numbers_from": audience,
        "name": "From the form",
        "read_via_text": "Not this",
        "throttle": Param(None, type=["null", "integer"]),
    }

    run_dag(lambda: create(numbers=None, from_params=True), params=params)

    [campaign] = exotel.campaigns
    assert campaign.name.startswith("From the form af-")
    assert len(campaign.numbers) == 3
    assert posts(exotel)[0]["read_via_text"] == "Hello"


def test_a_dry_run_sends_nothing_and_returns_the_plan(run_dag: Callable[..., Any], exotel: Emulator, log: Any) -> None:
    ran = run_dag(lambda: create(plan_only=True))

    assert exotel.requests == []
    plan = ran.xcom()
    assert (plan["contacts"], plan["fits"], plan["payload"]["from"]) == (2, True, "<2 numbers>")
    assert ran.xcom(key="plan") == {**plan, "page": None, "url": None}
    assert "2 contacts are called once, from " in log.text
    assert "Give plan_path, such as" in log.text


def test_a_dry_run_can_write_its_plan_as_a_page(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, exotel, price_per_minute="0.5", currency="INR")
    folder, address = tmp_path / "new" / "plan", "https://plans.example.com/one"

    ran = run_dag(lambda: create(name="Reminder", plan_only=True, plan_path=folder.as_uri(), folder_url=address))

    page = (folder / "plan.html").read_text()
    assert exotel.requests == []
    assert ran.xcom() == f"{folder.as_uri()}/plan.html"
    assert ran.xcom(key="plan_link") == ran.xcom(key="plan")["url"] == f"{address}/plan.html"
    assert ran.xcom(key="plan")["cost"] == {"expected": "1.00", "worst_case": "1.00", "currency": "INR"}
    assert "<title>Reminder</title>" in page
    assert "2 contacts are called once, from " in page
    assert "2 contacts are called once, from " in log.text
    assert [trace for trace in ("9876500000", "<script", "http://", "https://") if trace in page] == []


def test_plan_path_requires_plan_only() -> None:
    with pytest.raises(ExotelInputError, match="plan_path: is used only with plan_only=True"):
        create(plan_path="s3://bucket/plans")


def test_the_log_describes_the_campaign_before_it_is_sent(
    run_dag: Callable[..., Any], exotel: Emulator, log: Any
) -> None:
    retries = {"number_of_retries": 2, "interval_mins": 15}
    window = {"start": "00:00", "end": "23:59", "timezone": "Asia/Kolkata"}

    run_dag(lambda: create(schedule=None, window=window, on_missed_window="next", call_retries=retries))

    when = r"from [\d-]+ [\d:]+ to (?:[\d-]+ )?23:59 \(UTC\+05:30\)"
    assert re.search(rf"2 contacts are called up to 3 times, {when}\. That takes at least 31 minutes\.", log.text)


def test_entries_that_cannot_be_numbers_are_left_out_if_asked(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    ran = run_dag(lambda: create(numbers=[*NUMBERS, "n/a"], on_invalid_numbers="drop"))

    assert (ran.xcom(key="campaign")["contacts"], ran.xcom(key="campaign")["rejected"]) == (2, 1)


def test_all_bad_input_is_named_and_nothing_is_sent(run_dag: Callable[..., Any], exotel: Emulator, log: Any) -> None:
    ran = run_dag(
        lambda: create(
            numbers=["9876500000x"],
            throttle="{{ 0 }}",
            name="{{ 'ab' }}",
            schedule={"send_at": "{{ 'noon' }}"},
            retries=3,
        )
    )

    logged = log.text
    assert ran.task_state() == "failed"
    assert posts(exotel) == []
    for field in ("numbers", "throttle", "schedule.send_at"):
        assert f"- {field}: " in logged
    assert "98765" not in logged


def test_window_and_schedule_together_fail_when_the_dag_is_parsed() -> None:
    with pytest.raises(ExotelInputError, match="window: is mutually exclusive with schedule"):
        create(window=CallingWindow(start="10:00", end="18:00", timezone="Asia/Kolkata"))


def test_an_unknown_argument_fails_when_the_dag_is_parsed() -> None:
    with pytest.raises(ExotelInputError, match=r"number: unknown argument; did you mean numbers\?"):
        create(number=["+919876500000"])


@pytest.mark.parametrize("guard", [{"max_contacts": 1}, {"only_numbers": "+919876500000"}], ids=str)
def test_the_guards_of_a_staging_connection_hold(
    run_dag: Callable[..., Any], exotel: Emulator, monkeypatch: pytest.MonkeyPatch, guard: dict[str, Any]
) -> None:
    connect(monkeypatch, exotel, **guard)

    ran = run_dag(create)

    assert ran.task_state() == "failed"
    assert posts(exotel) == []


def test_a_refusal_is_final_and_names_no_number(run_dag: Callable[..., Any], exotel: Emulator, log: Any) -> None:
    exotel.faults.add(
        Fault(on="POST campaigns", kind="status", status=400, times=9, message="number +919876500000 is invalid")
    )

    ran = run_dag(lambda: create(retries=3))

    assert ran.task_state() == "failed"
    logged = log.text
    assert "[number] is invalid" in logged
    assert "+919876500000 is invalid" not in logged


def test_a_retry_after_an_unknown_outcome_follows_the_campaign(
    run_dag: Callable[..., Any], exotel: Emulator, log: Any
) -> None:
    exotel.faults.add(Fault(on="POST campaigns", kind="html_5xx", stage="after"))

    ran = run_dag(lambda: create(retries=1, retry_delay=timedelta(0)))

    assert "it is not known whether it exists" in log.text
    assert ran.task_state() == "success"
    assert ran.xcom() == exotel.campaigns[0].id
    assert len(posts(exotel)) == 1


def test_an_unknown_outcome_fails_if_no_retry_is_left(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    exotel.faults.add(Fault(on="POST campaigns", kind="drop_before_commit", times=None))

    ran = run_dag(lambda: create(settle=0))

    assert ran.task_state() == "failed"
    assert len(posts(exotel)) == 1


def test_the_link_leads_to_the_page_of_the_campaign(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    ran = run_dag(create)

    [campaign] = exotel.campaigns
    address = ran.xcom(key=CampaignLink().xcom_key)
    with urlopen(address) as page:
        assert campaign.name in page.read().decode()


def test_a_task_without_a_folder_url_does_not_read_an_absent_url(
    run_dag: Callable[..., Any], exotel: Emulator, log: Any
) -> None:
    assert run_dag(create).state == "success"

    assert "XCom not found" not in log.text


@pytest.mark.parametrize("on_missed_window", ["fail", "skip"])
def test_a_run_too_late_for_its_window_dials_nobody(
    run_dag: Callable[..., Any], exotel: Emulator, on_missed_window: str
) -> None:
    long_ago = datetime(2026, 3, 2, 3, tzinfo=UTC)
    window = CallingWindow(start="10:00", end="18:00", timezone="Asia/Kolkata")

    ran = run_dag(
        lambda: create(schedule=None, window=window, on_missed_window=on_missed_window, retries=2), **_at(long_ago)
    )

    assert ran.task_state() == {"fail": "failed", "skip": "skipped"}[on_missed_window]
    assert posts(exotel) == []


def test_a_late_run_may_take_the_next_window(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    # Yesterday's window of one hour ended at least twenty hours ago; the window after it is in the future.
    opening = datetime.now(UTC) + timedelta(hours=2)
    window = CallingWindow(
        start=opening.strftime("%H:%M"), end=(opening + timedelta(hours=1)).strftime("%H:%M"), timezone="UTC"
    )

    run_dag(
        lambda: create(schedule=None, window=window, on_missed_window="next"),
        **_at(opening - timedelta(days=1, minutes=30)),
    )

    assert exotel.campaigns[0].send_at == opening.replace(second=0, microsecond=0)


def test_an_exact_name_is_sent_as_it_is(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    run_dag(lambda: create(name="March reminder", exact_name=True))

    assert exotel.campaigns[0].name == "March reminder"


def test_another_idempotency_key_is_another_campaign(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    for key in ("first", "second", "first"):
        run_dag(lambda key=key: create(idempotency_key=key))

    assert len(exotel.campaigns) == 2


def _at(moment: datetime) -> dict[str, Any]:
    return {"execution_date" if airflow_version.startswith("2.") else "logical_date": moment}


def test_callbacks_fill_the_three_urls_that_are_not_given(
    run_dag: Callable[..., Any], exotel: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, exotel, callback_base_url="http://127.0.0.1:9/exotel/")

    run_dag(lambda: create(callbacks=True, status_callback="http://127.0.0.1:9/mine"))

    [sent] = posts(exotel)
    token = callback_token(exotel.api_token, exotel.account_sid)
    assert sent["call_status_callback"] == f"http://127.0.0.1:9/exotel/{token}/call"
    assert sent["call_schedule_callback"] == f"http://127.0.0.1:9/exotel/{token}/contact"
    assert sent["status_callback"] == "http://127.0.0.1:9/mine"


def test_callbacks_without_an_address_are_refused(run_dag: Callable[..., Any], exotel: Emulator, log: Any) -> None:
    ran = run_dag(lambda: create(callbacks=True))

    assert ran.state == "failed"
    assert "callbacks: needs callback_base_url in the connection" in log.text
    assert posts(exotel) == []
