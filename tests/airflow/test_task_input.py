"""What a task is given and cannot mean: refused whole, before anything is sent."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_exotel import CreateCampaignOperator
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.operators.inputs import is_true

from .task_runs import NUMBERS, Tries


@pytest.fixture
def tries(exotel: Emulator) -> Tries:
    return Tries(exotel, keeps_state=False)


def refused(tries: Tries, **arguments: Any) -> str:
    """Return why a task is refused, having asked the service for nothing."""
    with pytest.raises(AirflowFailException) as caught:
        tries.run(**arguments)
    assert tries.posts() == []
    return str(caught.value)


@pytest.mark.parametrize("key", ["", " ", "None", " none "], ids=repr)
def test_a_key_that_a_template_made_of_nothing_is_refused(tries: Tries, key: str) -> None:
    assert "idempotency_key: is empty" in refused(tries, idempotency_key=key)
    assert tries.exotel.requests == []


@pytest.mark.parametrize("name", [None, "", "\n"], ids=repr)
def test_an_exact_name_that_is_missing_is_refused(tries: Tries, name: str | None) -> None:
    assert "name: is missing; exact_name=True" in refused(tries, exact_name=True, name=name)
    assert tries.exotel.requests == []


def test_an_exact_name_that_would_be_taken_for_another_campaign_is_refused(tries: Tries) -> None:
    tries.run()
    name = f"Follow-up of {tries.exotel.campaigns[0].name}"

    with pytest.raises(AirflowFailException, match="name: holds the key of another campaign"):
        tries.run(task_id="follow_up", exact_name=True, name=name)

    assert len(tries.posts()) == 1


@pytest.mark.parametrize("name", ["ab", " a\n", "é"], ids=repr)
def test_a_name_is_too_short_whatever_is_added_to_it(tries: Tries, name: str) -> None:
    assert "name: string should have at least 3 characters" in refused(tries, name=name)


@pytest.mark.parametrize(
    ("word", "meant"),
    [(word, True) for word in (True, "true", "True", " YES ", "1", 1, "on")]
    + [(word, False) for word in (False, None, "false", "0", 0, "no", "Off", "None", "", " ")],
    ids=repr,
)
def test_a_flag_is_read_from_the_words_people_and_templates_write(word: object, meant: bool) -> None:
    assert is_true(word, "dry_run") is meant


@pytest.mark.parametrize("word", ["y", "t", "1.0", "dry", "2", "nope", []], ids=repr)
def test_a_dry_run_that_says_neither_yes_nor_no_calls_nobody(tries: Tries, word: object) -> None:
    assert "dry_run: says neither yes nor no" in refused(tries, dry_run=word)
    assert tries.exotel.requests == []


@pytest.mark.parametrize("word", ["on", "True"])
def test_a_dry_run_in_other_words_calls_nobody_either(tries: Tries, word: str) -> None:
    plan = tries.run(dry_run=word)

    assert plan["contacts"] == 2
    assert re.fullmatch(r"reminders\.create af-[0-9a-f]{16}", plan["payload"]["name"])
    assert tries.exotel.requests == []


def test_every_problem_is_named_at_once(tries: Tries) -> None:
    said = refused(
        tries, idempotency_key="None", exact_name=True, dry_run="y", min_reached=2, numbers=["98765x"], throttle=0
    )

    for field in ("idempotency_key", "name", "dry_run", "min_reached", "numbers", "throttle"):
        assert f"- {field}: " in said
    assert "98765" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"max_lateness": 30}, "max_lateness: counts only with window"),
        ({"max_lateness": "soon"}, "max_lateness: counts only with window"),
        ({"schedule": None, "max_lateness": 30}, "max_lateness: counts only with window"),
        ({"on_missed_window": "next"}, "on_missed_window: 'next' counts only with window"),
    ],
    ids=str,
)
def test_what_counts_only_with_a_window_is_refused_beside_explicit_times(
    tries: Tries, arguments: dict[str, Any], said: str
) -> None:
    assert said in refused(tries, **arguments)


def test_what_a_dag_says_of_windows_is_not_meant_for_times_somebody_fills_in(tries: Tries) -> None:
    filled = {"send_at": "2030-01-01T10:00:00+05:30", "end_at": "2030-01-01T18:00:00+05:30"}

    tries.run(schedule=None, from_params=True, params=filled, on_missed_window="next", max_lateness=30)

    assert tries.posts()[0]["schedule"] == filled


def test_times_that_somebody_fills_in_and_that_are_over_fail(tries: Tries) -> None:
    over = {"end_at": "2026-01-01T18:00:00+05:30"}

    said = refused(tries, schedule=None, from_params=True, params=over, on_missed_window="next", max_lateness=30)

    assert "the run missed its window" in said


@pytest.mark.parametrize("settle", ["120", -1, True, timedelta(seconds=-1)], ids=repr)
def test_what_is_no_time_to_settle_fails_when_the_dag_is_parsed(settle: Any) -> None:
    with pytest.raises(ExotelInputError, match="settle: is no timedelta and no number of seconds"):
        CreateCampaignOperator(task_id="create", settle=settle)


def test_what_is_left_out_is_told_again_when_the_campaign_is_followed(tries: Tries) -> None:
    given = {"numbers": [*NUMBERS, "n/a"], "on_invalid_numbers": "drop", "idempotency_key": "march"}

    first = tries.run(**given), dict(tries.xcom["campaign"])
    second = tries.run(**given, task_id="again"), tries.xcom["campaign"]

    assert first == second
    assert (first[1]["contacts"], first[1]["rejected"]) == (2, 1)
