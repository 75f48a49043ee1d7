"""Input that Airflow changes on its way to a task: templates, maps, params, connections, the *Trigger* button."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowNotFoundException, task

from airflow_provider_exotel import CreateCampaignOperator, campaign_params
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.create.identity import identify
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.operators.form import FIELDS
from airflow_provider_exotel.operators.run_params import is_under

from ..versions import FINDS_ANY_EXTRA
from .task_runs import NUMBERS, Tries

OPEN = {"send_at": "PT1H", "end_at": "PT9H"}
Run = Callable[..., Any]


@pytest.fixture
def tries(exotel: Emulator) -> Tries:
    return Tries(exotel, keeps_state=False)


def create(**arguments: Any) -> CreateCampaignOperator:
    given = {"task_id": "create", "numbers": NUMBERS, "read_via_text": "Hello", "schedule": OPEN} | arguments
    return CreateCampaignOperator(**given)


@pytest.mark.parametrize("native", [True, False], ids=["native", "text"])
def test_a_number_keeps_its_plus_with_native_rendering(run_dag: Run, exotel: Emulator, native: bool) -> None:
    numbers = "+6591234567,+919876500000"

    run_dag(
        lambda: create(numbers="{{ params.numbers }}", default_country="IN"),
        params={"numbers": numbers},
        dag={"render_template_as_native_obj": native},
    )

    assert list(exotel.campaigns[0].numbers) == numbers.split(",")


@pytest.mark.parametrize("native", [True, False], ids=["native", "text"])
def test_a_single_number_does_not_become_an_int(run_dag: Run, exotel: Emulator, native: bool) -> None:
    run_dag(
        lambda: create(numbers="{{ params.n }}", default_country="IN"),
        params={"n": "+6591234567"},
        dag={"render_template_as_native_obj": native},
    )

    assert list(exotel.campaigns[0].numbers) == ["+6591234567"]


def test_a_key_is_the_same_text_with_native_rendering(run_dag: Run, exotel: Emulator) -> None:
    for native in (True, False):
        run_dag(
            lambda: create(idempotency_key="{{ params.day }}", settle=0),
            params={"day": "20261127"},
            dag={"render_template_as_native_obj": native},
        )

    assert len(exotel.campaigns) == 1


@pytest.mark.parametrize("native", [True, False], ids=["native", "text"])
def test_a_field_that_renders_to_none_is_not_given(run_dag: Run, exotel: Emulator, native: bool) -> None:
    run_dag(
        lambda: create(read_via_text="{{ params.text }}", flow_id="926", custom_field="{{ none }}"),
        params={"text": None},
        dag={"render_template_as_native_obj": native},
    )

    sent = next(entry.body for entry in exotel.requests if entry.method == "POST")
    assert {"read_via_text", "custom_field"} & set(sent) == set()


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ nothing.at_all }}", "'nothing' is undefined"),
        ("{{ params.text | nonsense }}", "nonsense"),
        ("{% if %}", "its template cannot be rendered"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ params.missing.inner }}", "its template cannot be rendered"),
    ],
)
def test_a_template_that_cannot_be_rendered_fails_once_and_names_its_field(
    run_dag: Run, exotel: Emulator, log: Any, template: str, reason: str
) -> None:
    ran = run_dag(lambda: create(read_via_text=template, retries=2, retry_delay=timedelta(0)), params={"text": "x"})

    [instance] = ran.dag_run.get_task_instances()
    assert (instance.state, instance.try_number) == ("failed", 1)
    assert "- read_via_text: " in log.text
    assert reason in log.text
    assert exotel.requests == []


def test_a_mapped_value_of_the_wrong_kind_fails_once(run_dag: Run, exotel: Emulator) -> None:
    def mapped() -> None:
        CreateCampaignOperator.partial(
            task_id="create", read_via_text="Hello", schedule=OPEN, retries=2, retry_delay=timedelta(0)
        ).expand(numbers=[NUMBERS, {"a": 1}])

    ran = run_dag(mapped)

    states = {one.map_index: (one.state, one.try_number) for one in ran.dag_run.get_task_instances()}
    assert states == {0: ("success", 1), 1: ("failed", 1)}
    assert len(exotel.campaigns) == 1


def test_a_scheme_without_a_driver_fails_once_and_names_the_package(run_dag: Run, exotel: Emulator, log: Any) -> None:
    ran = run_dag(
        lambda: create(numbers=None, numbers_from="gs://bucket/people.csv", retries=2, retry_delay=timedelta(0))
    )

    [instance] = ran.dag_run.get_task_instances()
    assert (instance.state, instance.try_number) == ("failed", 1)
    assert "numbers_from: " in log.text
    assert "install airflow-provider-exotel[gcs]" in log.text


@pytest.mark.parametrize(
    "params",
    [{"numbers": 5}, {"schedule": [1]}, {"window": "IN_SERVCE"}, {"schedule": [1], "send_at": "2030-01-01T10:00:00Z"}],
    ids=str,
)
def test_params_of_the_wrong_kind_are_refused(tries: Tries, params: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException):
        tries.run(numbers=None, schedule=None, from_params=True, params=params)

    assert tries.posts() == []


@pytest.mark.parametrize(
    "conf",
    [
        {"numbers": ["+14155550100"]},
        {"caller_id": "0999"},
        {"read_via_text": "Hi"},
        {"url": "http://evil.example/flow"},
        {"status_callback": "http://169.254.169.254/"},
        {"windw_start": "10:00"},
        {"exotel_conn_id": "another"},
        {"idempotency_key": "x"},
        {"Numbers": ["+14155550100"]},
    ],
    ids=lambda conf: next(iter(conf)),
)
def test_a_conf_cannot_set_arguments_that_the_dag_does_not_offer(tries: Tries, conf: dict[str, Any]) -> None:
    offered = {name: param.value for name, param in campaign_params(without=["caller_id", "read_via_text"]).items()}

    with pytest.raises(AirflowFailException, match=f"{next(iter(conf))}: this DAG does not offer it") as caught:
        tries.run(from_params=True, read_via_text=None, params=offered, conf=conf)

    assert "4155550100" not in str(caught.value)
    assert tries.posts() == []


@pytest.mark.parametrize("name", [*CreateCampaignOperator.arguments, *FIELDS])
def test_no_undeclared_argument_is_taken_from_a_conf(tries: Tries, name: str) -> None:
    with pytest.raises(AirflowFailException, match=f"{name}: this DAG does not offer it"):
        tries.run(from_params=True, conf={name: "1"})

    assert tries.posts() == []


def test_unrelated_keys_of_a_conf_are_allowed(tries: Tries) -> None:
    tries.run(from_params=True, params={"name": "Reminder"}, conf={"debug": True, "requested_by": "somebody"})

    assert len(tries.posts()) == 1


ROOT = "s3://bucket/marketing/"


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("s3://bucket/marketing/people.csv", True),
        ("s3://bucket/marketing/2026/11/people.csv", True),
        ("S3://bucket/marketing/people.csv", True),
        ("s3://bucket//marketing/people.csv", False),
        (" s3://bucket/marketing/people.csv", False),
        ("s3://bucket/marketing/%252e%252e/people.csv", False),
        ("s3://bucket/marketing/", False),
        ("s3://bucket/marketing-secret/people.csv", False),
        ("s3://bucket/marketing/../finance/people.csv", False),
        ("s3://bucket/marketing/%2e%2e/finance/people.csv", False),
        ("s3://other/marketing/people.csv", False),
        ("s3://conn@bucket/marketing/people.csv", False),
        ("gs://bucket/marketing/people.csv", False),
        ("file:///bucket/marketing/people.csv", False),
        ("/bucket/marketing/people.csv", False),
        ("simplecache::s3://bucket/marketing/people.csv", False),
        ("s3://bucket/marketing/..\\finance/people.csv", False),
        ("", False),
    ],
)
def test_a_file_of_numbers_must_be_in_the_offered_folder(path: str, inside: bool) -> None:
    assert is_under(path, ROOT) is inside


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "marketing").mkdir()
    (tmp_path / "secret.csv").write_text("+919876500000\n")
    (tmp_path / "marketing" / "people.csv").symlink_to(tmp_path / "secret.csv")

    assert not is_under(f"file://{tmp_path}/marketing/people.csv", f"file://{tmp_path}/marketing/")


def test_the_form_has_no_field_for_a_file_unless_its_folder_is_given() -> None:
    assert "numbers_from" not in campaign_params()
    assert "numbers_from" in campaign_params(numbers_from_under=ROOT)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"from_": NUMBERS}, r"from_: unknown argument; did you mean numbers\?"),
        ({"conn_id": "x"}, r"conn_id: unknown argument; did you mean exotel_conn_id\?"),
        ({"start_time": "10:00"}, r"start_time: unknown argument; did you mean window"),
        ({"retries": {"number_of_retries": 2}}, r"retries: .*did you mean call_retries\?"),
        ({"call_retries": 2}, "call_retries: "),
        ({"schedule": None, "window": {"start": "10:00", "end": "18:00"}}, r"window\.timezone: "),
        ({"schedule": None, "window": "IN_SERVCE"}, "IN_SERVICE"),
        ({"min_reached": 0.5}, "min_reached: is used only with wait_for_completion=True"),
        ({"on_missed_window": "skp"}, "on_missed_window: "),
        ({"default_country": "UK"}, "default_country: .*GB|default_country: "),
        ({"exact_name": "perhaps"}, "exact_name: must be true or false"),
        ({"poll_interval": "soon"}, "poll_interval: must be"),
        ({"numbers": {"a": 1}}, "numbers: "),
        ({"lists": ["one"]}, "numbers: is mutually exclusive with lists"),
        ({"schedule": {"send_at": "noon"}}, r"schedule\.send_at: "),
    ],
    ids=str,
)
def test_a_literal_mistake_fails_when_the_dag_is_parsed(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ExotelInputError, match=problem):
        create(**arguments)


@pytest.mark.parametrize("interval", [30, 30.0, "30", timedelta(seconds=30)], ids=repr)
def test_an_interval_is_seconds_or_a_timedelta(tries: Tries, interval: Any) -> None:
    tries.run(poll_interval=interval)

    assert len(tries.posts()) == 1


@pytest.mark.parametrize("word", ["False", "no", 0, False], ids=repr)
def test_a_flag_with_a_false_text_is_false(tries: Tries, word: Any) -> None:
    tries.run(exact_name=word, name="Reminder")

    assert " af-" in tries.posts()[0]["name"]


def test_a_date_that_is_backfilled_after_its_run_was_deleted_finds_its_campaign(tries: Tries) -> None:
    day = datetime.now(UTC).replace(microsecond=0)

    first = tries.run(run_id="scheduled__2026-11-27T00:00:00+00:00", logical_date=day)
    again = tries.run(run_id="backfill__2026-11-27T00:00:00+00:00", logical_date=day)

    assert first == again
    assert len(tries.posts()) == 1


def test_runs_of_different_dates_are_different_campaigns() -> None:
    keys = {
        identify("account", None, dag_id="dag", run_id="manual", logical_date=date, task_id="create").key
        for date in (None, datetime(2026, 11, 27, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC))
    }

    assert len(keys) == 3


@pytest.mark.parametrize("on_same_audience", ["fail", "warn", "allow"])
def test_the_same_people_twice_in_overlapping_hours(
    tries: Tries, caplog: pytest.LogCaptureFixture, on_same_audience: str
) -> None:
    tries.run(run_id="scheduled__1")

    if on_same_audience == "fail":
        with pytest.raises(AirflowFailException, match=r"numbers: campaign .* of the same name calls the same people"):
            tries.run(run_id="manual__1", on_same_audience="fail")
    else:
        tries.run(run_id="manual__1", on_same_audience=on_same_audience)

    assert len(tries.posts()) == (1 if on_same_audience == "fail" else 2)
    assert ("overlapping hours" in caplog.text) is (on_same_audience == "warn")


@pytest.mark.parametrize(
    "other",
    [
        {"numbers": NUMBERS[:1]},
        {"name": "An emergency alert"},
        {"schedule": {"send_at": "PT20H", "end_at": "PT22H"}},
    ],
    ids=["other people", "another name", "other hours"],
)
def test_a_campaign_with_other_people_or_hours_is_created(tries: Tries, other: dict[str, Any]) -> None:
    tries.run(run_id="scheduled__1")

    tries.run(run_id="manual__1", on_same_audience="fail", **other)

    assert len(tries.posts()) == 2


def test_a_mapped_flat_list_of_numbers_logs_a_warning(run_dag: Run, exotel: Emulator, log: Any) -> None:
    def mapped() -> None:
        CreateCampaignOperator.partial(task_id="create", read_via_text="Hello", schedule=OPEN).expand(numbers=NUMBERS)

    run_dag(mapped)

    assert len(exotel.campaigns) == len(NUMBERS)
    assert "one campaign per number" in log.text


def test_a_lazy_sequence_of_mapped_outputs_is_read(run_dag: Run, exotel: Emulator) -> None:
    @task
    def one(number: str) -> str:
        return number

    def mapped() -> None:
        create(numbers=one.expand(number=NUMBERS))

    run_dag(mapped)

    assert list(exotel.campaigns[0].numbers) == NUMBERS


def test_a_connection_whose_extra_is_not_an_object_is_refused(tries: Tries, monkeypatch: pytest.MonkeyPatch) -> None:
    exotel = tries.exotel
    as_python = "{'only_numbers': '+919876500000'}"
    connection = {
        "conn_type": "exotel",
        "login": exotel.api_key,
        "password": exotel.api_token,
        "host": exotel.host,
        "schema": exotel.account_sid,
        "extra": as_python,
    }
    monkeypatch.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", json.dumps(connection))

    refused, why = (AirflowFailException, "extra") if FINDS_ANY_EXTRA else (AirflowNotFoundException, "isn't defined")
    with pytest.raises(refused, match=why):
        tries.run()

    assert tries.posts() == []
