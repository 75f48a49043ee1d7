"""The numbers of a single campaign are cleaned like those of an audience."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel import CreateCampaignOperator
from airflow_provider_exotel.emulator import Emulator

ONE, TWO = "+919876500001", "+919876500002"


@pytest.mark.parametrize(("as_often", "count"), [(None, 2), ("false", 2), ("True", 3)])
def test_duplicate_numbers_are_dropped_unless_they_are_allowed(
    run_dag: Callable[..., Any], exotel: Emulator, as_often: Any, count: int
) -> None:
    run_dag(lambda: create(numbers=[ONE, TWO, ONE], call_duplicate_numbers=as_often))

    assert len(exotel.campaigns[0].numbers) == count


def create(**arguments: Any) -> CreateCampaignOperator:
    given = {"task_id": "create", "read_via_text": "Hello", "schedule": {"send_at": "PT1H", "end_at": "PT9H"}}
    return CreateCampaignOperator(**(given | arguments))


def test_a_file_in_any_spelling_becomes_one_campaign(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("name,number\nA,98765 00001\nB,0-98765-00002\nC,+919876500001\n")

    ran = run_dag(lambda: create(numbers_from=(tmp_path / "people.csv").as_uri(), default_country="IN"))

    assert list(exotel.campaigns[0].numbers) == [ONE, TWO]
    assert (ran.xcom(key="campaign")["contacts"], ran.xcom(key="campaign")["rejected"]) == (2, 0)


def test_a_later_try_knows_the_campaign_of_a_cleaned_audience(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    spelled = {"numbers": ["98765 00001", "n/a", "98765-00001"], "default_country": "IN", "idempotency_key": "march"}

    first, again = (run_dag(lambda: create(on_invalid_numbers="drop", **spelled)) for _ in range(2))

    assert (first.state, again.state) == ("success", "success")
    assert first.xcom() == again.xcom()
    assert len(exotel.campaigns) == 1


def test_if_no_entry_is_a_number_only_this_is_reported(run_dag: Callable[..., Any], exotel: Emulator, log: Any) -> None:
    run_dag(lambda: create(numbers=["n/a", "none"], throttle=3))

    written = log.text
    assert "Invalid campaign, nothing was sent (2 problems):" in written
    assert "numbers: 2 of them (at position 1, 2) cannot be a phone number" in written
    assert "throttle: requires mode='custom'" in written


def test_more_numbers_than_a_request_takes_lead_to_the_plan_operator(
    run_dag: Callable[..., Any], exotel: Emulator, log: Any
) -> None:
    run_dag(lambda: create(numbers=[f"+9198765{one:05}" for one in range(5_001)]))

    assert "numbers: must be at most 5,000 (got 5,001); let PlanAudienceOperator split them" in log.text
    assert exotel.campaigns == []
