"""Invalid input of a task is refused before anything is sent, naming every problem."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_exotel import CreateCampaignOperator
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.emulator import Emulator

from .task_runs import NUMBERS, Tries


@pytest.fixture
def tries(exotel: Emulator) -> Tries:
    return Tries(exotel, keeps_state=False)


def refused(tries: Tries, **arguments: Any) -> str:
    """Return why a task is refused, when its DAG is parsed or when it runs; check that no request was sent."""
    with pytest.raises((AirflowFailException, ExotelInputError)) as caught:
        tries.run(**arguments)
    assert tries.posts() == []
    return str(caught.value)


@pytest.mark.parametrize("key", ["", " ", "None", " none "], ids=repr)
def test_a_key_that_renders_to_nothing_is_refused(tries: Tries, key: str) -> None:
    assert "idempotency_key: must not be empty" in refused(tries, idempotency_key=key)
    assert tries.exotel.requests == []


@pytest.mark.parametrize("name", [None, "", "\n"], ids=repr)
def test_an_exact_name_that_is_missing_is_refused(tries: Tries, name: str | None) -> None:
    assert "name: is required with exact_name=True" in refused(tries, exact_name=True, name=name)
    assert tries.exotel.requests == []


def test_an_exact_name_that_looks_like_another_campaign_s_key_is_refused(tries: Tries) -> None:
    tries.run()
    name = f"Follow-up of {tries.exotel.campaigns[0].name}"

    with pytest.raises(AirflowFailException, match="name: must not contain the key of another campaign"):
        tries.run(task_id="follow_up", exact_name=True, name=name)

    assert len(tries.posts()) == 1


@pytest.mark.parametrize("name", ["ab", " a\n", "é"], ids=repr)
def test_a_name_is_too_short_whatever_is_added_to_it(tries: Tries, name: str) -> None:
    assert "name: must have at least 3 characters" in refused(tries, name=name)


@pytest.mark.parametrize("word", ["y", "t", "1.0", "plan", "2", "nope", "on", "Off", "", []], ids=repr)
@pytest.mark.parametrize("flag", ["plan_only", "exact_name", "call_duplicate_numbers", "numbers_have_country_code"])
def test_a_flag_that_is_neither_true_nor_false_calls_nobody(tries: Tries, flag: str, word: object) -> None:
    assert f"{flag}: must be true or false" in refused(tries, **{flag: word})
    assert tries.exotel.requests == []


@pytest.mark.parametrize("word", ["yes", " True ", "1", 1])
def test_plan_only_in_another_spelling_calls_nobody_either(tries: Tries, word: str) -> None:
    plan = tries.run(plan_only=word)

    assert plan["contacts"] == 2
    assert re.fullmatch(r"reminders\.create af-[0-9a-f]{16}", plan["payload"]["name"])
    assert tries.exotel.requests == []


@pytest.mark.parametrize("path", ["", " ", ".", "nan", "/", "\0", "file://"], ids=repr)
def test_a_path_that_a_template_made_of_nothing_is_refused(tries: Tries, path: str) -> None:
    # It would be the worker's own folder, whatever files are in it.
    assert "numbers_from: must not be empty" in refused(tries, numbers=None, numbers_from=path)


def test_every_problem_is_named_at_once(tries: Tries) -> None:
    said = refused(
        tries,
        idempotency_key="None",
        exact_name=True,
        plan_only="y",
        min_reached=2,
        wait_for_completion=True,
        numbers=["98765x"],
        throttle=0,
    )

    for field in ("idempotency_key", "name", "plan_only", "min_reached", "throttle"):
        assert f"- {field}: " in said
    assert "98765" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"max_lateness": 30}, "max_lateness: is used only with window"),
        ({"max_lateness": "soon"}, "max_lateness: is used only with window"),
        ({"schedule": None, "max_lateness": 30}, "max_lateness: is used only with window"),
        ({"on_missed_window": "next"}, "on_missed_window: 'next' is used only with window"),
    ],
    ids=str,
)
def test_window_options_are_refused_with_explicit_times(tries: Tries, arguments: dict[str, Any], said: str) -> None:
    assert said in refused(tries, **arguments)


def test_window_options_of_the_dag_are_ignored_with_times_from_a_form(tries: Tries) -> None:
    filled = {"send_at": "2030-01-01T10:00:00+05:30", "end_at": "2030-01-01T18:00:00+05:30"}

    tries.run(schedule=None, from_params=True, params=filled, on_missed_window="next", max_lateness=30)

    assert tries.posts()[0]["schedule"] == filled


def test_times_from_a_form_in_the_past_fail(tries: Tries) -> None:
    over = {"end_at": "2026-01-01T18:00:00+05:30"}

    said = refused(tries, schedule=None, from_params=True, params=over, on_missed_window="next", max_lateness=30)

    assert "the run missed its window" in said


@pytest.mark.parametrize("settle", ["soon", -1, True, timedelta(seconds=-1)], ids=repr)
def test_an_invalid_settle_time_fails_when_the_dag_is_parsed(settle: Any) -> None:
    with pytest.raises(ExotelInputError, match="settle: must be a timedelta or a number of seconds"):
        CreateCampaignOperator(task_id="create", settle=settle)


def test_dropped_numbers_are_reported_again_when_the_campaign_is_followed(tries: Tries) -> None:
    given = {"numbers": [*NUMBERS, "n/a"], "on_invalid_numbers": "drop", "idempotency_key": "march"}

    first = tries.run(**given), dict(tries.xcom["campaign"])
    second = tries.run(**given, task_id="again"), tries.xcom["campaign"]

    assert first == second
    assert (first[1]["contacts"], first[1]["rejected"]) == (2, 1)
