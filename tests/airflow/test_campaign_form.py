"""A campaign from the trigger form of a DAG."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, ParamValidationError

from airflow_provider_exotel import CreateCampaignOperator, campaign_params
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.create.identity import identify
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.operators.form import FIELDS
from airflow_provider_exotel.operators.run_params import arguments_from_params

from .task_runs import Tries

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()


def created(**arguments: Any) -> CreateCampaignOperator:
    return CreateCampaignOperator(task_id="create", from_params=True, **arguments)


def test_the_filled_form_is_sent(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    exotel.add_list("march-list", ["+919876500000"])
    filled = {
        "name": "March reminder",
        "lists": ["march-list"],
        "campaign_type": "static",
        "flow_id": "926",
        "read_via_text": "Hello",
        "caller_id": "0XXXXXX4890",
        "send_at": f"{TOMORROW}T10:00:00+05:30",
        "end_at": f"{TOMORROW}T18:00:00+05:30",
        "number_of_retries": 2,
        "interval_mins": 15,
        "mechanism": "Exponential",
        "on_status": ["busy"],
        "throttle": 30,
        "mode": "custom",
    }

    ran = run_dag(created, params=campaign_params(), run_conf=filled)

    assert ran.state == "success"
    [sent] = [entry.body for entry in exotel.requests if entry.method == "POST"]
    assert sent.pop("name").startswith("March reminder af-")
    assert sent == {
        "lists": ["march-list"],
        "campaign_type": "static",
        "url": "http://my.exotel.com/emulator/exoml/start_voice/926",
        "read_via_text": "Hello",
        "caller_id": "0XXXXXX4890",
        "schedule": {"send_at": f"{TOMORROW}T10:00:00+05:30", "end_at": f"{TOMORROW}T18:00:00+05:30"},
        "retries": {
            "number_of_retries": 2,
            "interval_mins": 15,
            "mechanism": "Exponential",
            "on_status": ["busy"],
        },
        "throttle": 30,
        "mode": "custom",
    }


def test_hours_of_the_day_have_fields_of_their_own(
    run_dag: Callable[..., Any], exotel: Emulator, audience: str
) -> None:
    filled = {
        "numbers_from": audience,
        "read_via_text": "Hello",
        "window_start": "10:00",
        "window_end": "18:00",
        "window_timezone": "Asia/Kolkata",
        "window_weekdays": ["Monday", "Sunday"],
    }

    run_dag(
        lambda: created(on_missed_window="next"),
        params=campaign_params(numbers_from_under=audience.rpartition("/")[0]),
        run_conf=filled,
    )

    [campaign] = exotel.campaigns
    opening = campaign.send_at.astimezone(ZoneInfo("Asia/Kolkata"))
    assert opening.weekday() in {0, 6}
    assert campaign.end_at - campaign.send_at <= timedelta(hours=8)


@pytest.mark.parametrize("inside", ["{folder}/../people.csv", "{parent}/people.csv"])
def test_a_run_names_no_file_outside_of_the_folder(
    run_dag: Callable[..., Any], exotel: Emulator, log: Any, tmp_path: Any, inside: str
) -> None:
    (folder := tmp_path / "lists").mkdir()
    (tmp_path / "people.csv").write_text("number\n+919876500000\n")
    filled = {"numbers_from": inside.format(folder=folder.as_uri(), parent=tmp_path.as_uri()), "read_via_text": "Hello"}

    ran = run_dag(created, params=campaign_params(numbers_from_under=folder.as_uri()), run_conf=filled)

    assert ran.state == "failed"
    assert 'numbers_from ("Or a file of numbers"): must be a file under' in log.text
    assert exotel.campaigns == []


def test_a_run_names_no_file_if_the_dag_offers_no_folder(
    run_dag: Callable[..., Any], exotel: Emulator, log: Any, audience: str
) -> None:
    params = {"numbers_from": "s3://bucket/people.csv", "read_via_text": "Hello"}

    ran = run_dag(created, params=params, run_conf={"numbers_from": audience})

    assert ran.state == "failed"
    assert 'numbers_from ("Or a file of numbers"): a run may name no file here' in log.text
    assert exotel.campaigns == []


def test_a_file_that_the_dag_names_in_its_params_may_be_anywhere(
    run_dag: Callable[..., Any], exotel: Emulator, audience: str
) -> None:
    ran = run_dag(created, params={"numbers_from": audience, "read_via_text": "Hello"})

    assert ran.state == "success"
    assert len(exotel.campaigns) == 1


def test_the_form_is_valid_as_it_opens() -> None:
    form = campaign_params(numbers_from_under="s3://bucket/marketing/", test_first=True)

    assert {name: param.resolve() for name, param in form.items()} == {
        name: field.default for name, field in FIELDS.items()
    } | {"test_first": True}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "ab"),
        ("lists", ["one", "two", "three", "four", "five", "six"]),
        ("campaign_type", "other"),
        ("window_start", "10 o'clock"),
        ("window_end", "24:00"),
        ("number_of_retries", 4),
        ("interval_mins", 0),
        ("throttle", 0),
    ],
)
def test_the_form_refuses(field: str, value: object) -> None:
    param = campaign_params()[field]

    with pytest.raises(ParamValidationError):
        param.resolve(value)


def test_the_longest_name_that_the_form_accepts_is_kept_whole() -> None:
    name = "N" * 47
    param = campaign_params()["name"]

    assert identify("account", None, dag_id="dag", name=str(param.resolve(name))).name.startswith(f"{name} af-")
    with pytest.raises(ParamValidationError):
        param.resolve(name + "N")


def test_every_field_fills_an_argument_of_the_operator() -> None:
    operator = CreateCampaignOperator(task_id="create")

    arguments = {field.argument for field in FIELDS.values()}

    assert [name for name in arguments if name not in operator.template_fields] == []
    assert "numbers" not in arguments


def test_fields_that_the_dag_decides_are_left_out() -> None:
    params = campaign_params(without=["window", "name"], read_via_text="Hello")

    assert {name for name in FIELDS if name not in params} == {
        "name",
        "numbers_from",
        "test_first",
        "window_start",
        "window_end",
        "window_timezone",
        "window_weekdays",
    }
    assert params["read_via_text"].value == "Hello"


HOURS = {"window_start": "10:00", "window_end": "18:00", "window_timezone": "Asia/Kolkata"}


@pytest.mark.parametrize(
    ("filled", "named"),
    [
        ({}, ["lists"]),
        ({"numbers_from": "bad.csv"}, ["numbers_from"]),
        ({"lists": ["L"], "send_at": "2026-01-01"}, ["send_at"]),
        ({"lists": ["L"], "window_start": "10:00"}, ["window_end", "window_timezone"]),
        ({"lists": ["L"], **HOURS, "window_start": "18:00", "window_end": "10:00"}, ["window_end"]),
        ({"lists": ["L"], **HOURS, "window_weekdays": ["Moonday"]}, ["window_weekdays"]),
        ({"lists": ["L"], **HOURS, "end_at": f"{TOMORROW}T18:00:00+05:30"}, ["window_start"]),
        ({"lists": ["L"], "number_of_retries": 7, "on_status": ["asleep"]}, ["number_of_retries", "on_status.0"]),
    ],
)
def test_errors_name_the_fields_of_the_form(
    exotel: Emulator, tmp_path: Any, filled: dict[str, Any], named: list[str]
) -> None:
    (tmp_path / "bad.csv").write_text("number\n+9198765\n")
    if "numbers_from" in filled:
        filled = {"numbers_from": (tmp_path / filled["numbers_from"]).as_uri()}
    form = campaign_params(numbers_from_under=tmp_path.as_uri())
    given = {"numbers": None, "schedule": None, "params": form, "conf": filled, "from_params": True}

    with pytest.raises(AirflowFailException) as failed:
        Tries(exotel, keeps_state=False).run(**given)

    found = re.findall(r'^- ([\w.]+) \("[^"]+"\): ', str(failed.value), flags=re.MULTILINE)
    assert [name for name in dict.fromkeys(found) if name != "on_status"] == named
    assert exotel.campaigns == []


def test_a_form_without_text_and_flow_asks_for_one(exotel: Emulator) -> None:
    filled = {"lists": ["L"], "read_via_text": ""}

    with pytest.raises(AirflowFailException, match='fill in "Text to be read out" or "Flow"'):
        Tries(exotel, keeps_state=False).run(
            numbers=None, read_via_text=None, params=campaign_params(), conf=filled, from_params=True
        )


def test_a_form_without_lists_asks_for_the_file(exotel: Emulator, tmp_path: Any) -> None:
    form = campaign_params(numbers_from_under=tmp_path.as_uri(), without=["lists"])

    with pytest.raises(AirflowFailException, match=r'- numbers_from .*fill in "Or a file of numbers"'):
        Tries(exotel, keeps_state=False).run(numbers=None, params=form, from_params=True)


@pytest.mark.parametrize(
    ("filled", "error"),
    [
        ({"read_via_text": "Dear @@Name"}, r'read_via_text \("Text to be read out"\): has @@ variables'),
        (
            {"interval_mins": 15, "number_of_retries": None},
            r'number_of_retries \("How many more times"\): is required with the other fields',
        ),
    ],
)
def test_fields_that_have_no_effect_are_refused(exotel: Emulator, filled: dict[str, Any], error: str) -> None:
    given = {"read_via_text": None, "numbers": None, "params": campaign_params(), "from_params": True}

    with pytest.raises(AirflowFailException, match=error):
        Tries(exotel, keeps_state=False).run(**given, conf={"lists": ["L"], "read_via_text": "Hello", **filled})


@pytest.mark.parametrize(("without", "is_offered"), [([], True), (["campaign_type"], False)])
def test_a_form_without_personal_texts_does_not_explain_them(without: list[str], is_offered: bool) -> None:
    helps = [str(param.description) for param in campaign_params(without=without).values()]

    assert any("@@Name" in text for text in helps) is is_offered


def test_numbers_of_a_file_that_the_dag_names_are_told_by_its_argument(exotel: Emulator, tmp_path: Any) -> None:
    (tmp_path / "bad.csv").write_text("number\n+9198765\n")

    with pytest.raises(AirflowFailException, match=r"- numbers_from: .*is not valid in any country"):
        Tries(exotel, keeps_state=False).run(numbers=None, numbers_from=(tmp_path / "bad.csv").as_uri())


def test_a_field_there_is_not_is_named() -> None:
    with pytest.raises(ExotelInputError, match=r"nmae: the form has no such field"):
        campaign_params(nmae="Reminder")


def test_an_empty_form_gives_no_argument() -> None:
    params = {name: field.default for name, field in FIELDS.items()}

    filled = arguments_from_params(params, campaign_params(), params, CreateCampaignOperator.arguments)

    assert filled == {"plan_only": False}


def test_a_person_may_leave_the_test_numbers_out() -> None:
    declared = campaign_params(test_first=True)

    filled = arguments_from_params({"test_first": False}, declared, {}, CreateCampaignOperator.arguments)

    assert filled == {"test_first": False}
    assert "test_first" not in campaign_params()
