"""The numbers of a single campaign are cleaned as those of an audience of any size are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow_provider_exotel.operators.numbers import CleanNumbers, numbers_of_task

from airflow_provider_exotel import CreateCampaignOperator
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.emulator import Emulator

ONE, TWO = "+919876500001", "+919876500002"


def clean(numbers: Any, default_country: str | None = None, **arguments: Any) -> CleanNumbers:
    given = {"numbers": numbers, "numbers_from": None, "call_duplicate_numbers": None}
    return numbers_of_task(given | arguments, default_country)


SPELLINGS = {
    "national": ("98765 00001", "IN", ONE),
    "with a trunk prefix": ("098765-00001", "IN", ONE),
    "dialled from abroad": ("0091 9876500001", None, ONE),
    "in brackets": ("+91 (98765) 00001", None, ONE),
    "of a spreadsheet": ("9876500001.0", "IN", ONE),
    "national, whose country nobody says": ("098765 00001", None, "09876500001"),
    "of another country": ("+971 50 000 0001", "IN", "+971500000001"),
}


@pytest.mark.parametrize(("spelled", "country", "number"), SPELLINGS.values(), ids=SPELLINGS)
def test_a_spelling_becomes_a_number(spelled: str, country: str | None, number: str) -> None:
    assert list(clean([spelled], country).numbers or ()) == [number]


@pytest.mark.parametrize(("as_often", "count"), [(None, 2), (False, 2), ("false", 2), (True, 3), ("True", 3)])
def test_nobody_is_named_twice_unless_people_are_to_be_called_as_often(as_often: Any, count: int) -> None:
    cleaned = clean([ONE, TWO, ONE.replace("+91", "+91 ")], call_duplicate_numbers=as_often)

    assert (len(cleaned.numbers or ()), cleaned.duplicates) == (count, 3 - count)


def test_what_is_no_number_is_told_by_its_position_and_its_reason() -> None:
    cleaned = clean([ONE, "n/a", "+9112345", "", TWO, "9.19877E+11"], "IN")

    assert [str(problem) for problem in cleaned.problems()] == [
        "numbers: 2 of them (at position 2, 4) cannot be a phone number; write E.164, such as +91 and ten digits",
        "numbers: 1 of them (at position 3): no country's numbering plan has such a number; mend them, or leave them "
        "out with on_invalid_numbers='drop'",
        "numbers: 1 of them (at position 6): a spreadsheet has rounded it and its last digits are lost; format the "
        "column as text",
    ]
    assert (list(cleaned.numbers or ()), cleaned.rejected) == ([ONE, TWO], 4)


def test_a_country_there_is_not_is_refused() -> None:
    with pytest.raises(ExotelInputError, match="default_country: is not a country with phone numbers; is IN meant"):
        clean([ONE], "in")


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


def test_where_no_entry_is_a_number_that_alone_is_told(run_dag: Callable[..., Any], exotel: Emulator, log: Any) -> None:
    run_dag(lambda: create(numbers=["n/a", "none"], throttle=3))

    written = log.text
    assert "nothing was sent; 2 to mend" in written
    assert "numbers: 2 of them (at position 1, 2) cannot be a phone number" in written
    assert "throttle: counts only with mode='custom'" in written


def test_more_than_a_request_takes_leads_to_the_plan(run_dag: Callable[..., Any], exotel: Emulator, log: Any) -> None:
    run_dag(lambda: create(numbers=[f"+9198765{one:05}" for one in range(5_001)]))

    assert "holds 5,001 numbers and the service takes 5,000; let PlanAudienceOperator split them" in log.text
    assert exotel.campaigns == []
