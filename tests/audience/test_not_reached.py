"""A second campaign calls the contacts that the first did not reach, up to a maximum number of attempts."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from airflow_provider_exotel.audience.not_reached import NotReached, read_calls
from airflow_provider_exotel.audience.plan_request import parse_plan_request
from airflow_provider_exotel.audience.sources import Access
from airflow_provider_exotel.audience.suppression import number_key
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.report.call import plaintext, pseudonymise_with
from airflow_provider_exotel.report.tables import ATTEMPTS, FORMATS, writer

from .audience_plans import INDIA, indians

KEY = b"a key of the tests"
REACHED, BUSY, TWICE, NEVER = indians(4)
CALLS = [
    ("one", REACHED, "no-answer"),
    ("two", REACHED, "completed"),
    ("three", BUSY, "busy"),
    ("four", TWICE, "busy"),
    ("five", TWICE, "failed"),
]
NAMED = pytest.mark.parametrize(
    ("name", "key"), [(pseudonymise_with(KEY), KEY), (plaintext, None)], ids=["digests", "plaintext"]
)


def table(calls: Iterable[tuple[str | None, str, str]], name: Callable[[str], str], format: str = "csv") -> bytes:
    """Return a table of attempts as a report writes it."""
    file = io.BytesIO()
    with writer(format, ATTEMPTS, file) as write:
        for sid, number, status in calls:
            known = {"call_sid": sid, "contact": name(number) if number else None, "status": status}
            write([known.get(column) for column in ATTEMPTS])
    return file.getvalue()


def access() -> Access:
    def no_connection(*_: str) -> Any:
        raise AssertionError("no query is asked")

    return Access(UPath, no_connection, lambda *_: KEY)


def left_out(folder: Path, **arguments: Any) -> list[list[str]]:
    """Return who of the audience is left out, by each of the reasons."""
    given = {"reports": str(folder), "outcome": "not_reached", "hash_key_variable": "names"} | arguments
    sources = NotReached(**given).open(access(), None)
    everybody = (REACHED, BUSY, TWICE, NEVER)
    return [[number for number in everybody if number_key(number) in source.numbers] for source in sources]


@pytest.mark.parametrize("format", FORMATS)
@NAMED
def test_the_calls_of_all_reports_are_counted_by_person(name: Any, key: bytes | None, format: str) -> None:
    tables = [(format, io.BytesIO(table(half, name, format))) for half in (CALLS[:3], CALLS[3:])]

    calls = read_calls(tables, key)

    assert [calls.calls_to(number_key(number)) for number in (REACHED, BUSY, TWICE, NEVER)] == [2, 1, 2, 0]
    assert [calls.has_reached(number_key(number)) for number in (REACHED, BUSY, TWICE, NEVER)] == [
        True,
        False,
        False,
        False,
    ]
    assert calls.rows == 5


def test_a_call_in_two_reports_counts_once() -> None:
    tables = [("csv", io.BytesIO(table(CALLS, pseudonymise_with(KEY)))) for _ in range(2)]

    assert read_calls(tables, KEY).calls_to(number_key(TWICE)) == 2


def test_a_call_that_two_reports_spell_differently_reached_its_contact() -> None:
    spellings = (("one", REACHED, "in-progress"), ("one", REACHED.removeprefix("+91"), "completed"))
    tables = [("csv", io.BytesIO(table([call], plaintext))) for call in spellings]

    assert read_calls(tables, None, "IN").has_reached(number_key(REACHED))


def test_reached_and_often_called_contacts_are_left_out(tmp_path: Path) -> None:
    for name, calls in (("may", CALLS[:3]), ("june", CALLS[3:])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "attempts.csv").write_bytes(table(calls, pseudonymise_with(KEY)))

    assert left_out(tmp_path) == [[REACHED]]
    assert left_out(tmp_path, max_attempts=2) == [[REACHED], [REACHED, TWICE]]
    assert left_out(tmp_path, max_attempts="1") == [[REACHED], [REACHED, BUSY, TWICE]]


@pytest.mark.parametrize(
    ("calls", "name"),
    [([("one", "", "busy")], pseudonymise_with(KEY)), (CALLS, plaintext), (CALLS, lambda _: "n/a")],
    ids=["without a number", "plaintext numbers under a key", "no numbers"],
)
def test_calls_that_cannot_be_compared_refuse_the_plan(calls: Any, name: Any, tmp_path: Path) -> None:
    (tmp_path / "attempts.csv").write_bytes(table(calls, name))

    with pytest.raises(ExotelInputError, match=r"reports: .* calls have no contact that can be compared") as refused:
        left_out(tmp_path)

    assert "98765" not in str(refused.value)


def test_a_folder_without_reports_refuses_the_plan(tmp_path: Path) -> None:
    with pytest.raises(ExotelInputError, match="reports: must be a folder with reports"):
        left_out(tmp_path)


def test_a_table_that_cannot_be_read_refuses_the_plan(tmp_path: Path) -> None:
    (tmp_path / "attempts.csv").write_text("contact,colour\n")

    with pytest.raises(ExotelInputError, match="cannot be read"):
        left_out(tmp_path)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"reports": "x"}, ["reports"]),
        ({"outcome": "not_reached"}, ["outcome"]),
        ({"max_attempts": 3}, ["max_attempts"]),
        ({"reports": "x", "outcome": "reached"}, ["outcome"]),
        ({"reports": "x", "outcome": "not_reached", "max_attempts": 0}, ["max_attempts"]),
        (
            {"reports": "x", "outcome": "not_reached", "hash_key_conn_id": "a", "hash_key_variable": "b"},
            ["hash_key_conn_id"],
        ),
    ],
)
def test_contradicting_arguments_are_named(given: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(ExotelInputError) as caught:
        parse_plan_request({"output_path": "plans", "path": "people.csv", "window": INDIA} | given, "plan")

    assert [problem.field for problem in caught.value.problems] == fields
