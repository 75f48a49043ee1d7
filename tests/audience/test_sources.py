"""Rows of a query: each column is found once by its name, or the query is refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from airflow_provider_exotel.audience.sources import Access, Source
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.contacts.rows import Columns

FIRST, SECOND = "+919876500001", "+919876500002"
COLUMNS = Columns(variables={"Name": "name"})


def rows(sql: str, columns: Columns = COLUMNS) -> list[tuple[str, dict[str, str]]]:
    access = Access(Path, lambda *_: sqlite3.connect(":memory:"), lambda *_: b"")
    source = Source("", columns, sql=sql, sql_conn_id="warehouse")
    return [(row.number, dict(row.variables)) for row in source.rows(access)]


@pytest.mark.parametrize("names", ["number, name", "NUMBER, Name", "number, name, 'a' as other, 'b' as other"])
def test_columns_of_a_query_are_found_by_name(names: str) -> None:
    one, *more = names.split(", ")

    assert rows(f"select '{FIRST}' as {one}, 'Asha' as {', '.join(more)}") == [(FIRST, {"Name": "Asha"})]


def test_the_exact_column_name_takes_precedence() -> None:
    assert rows(f"select '{SECOND}' as NUMBER, '{FIRST}' as number", Columns()) == [(FIRST, {})]


@pytest.mark.parametrize(
    ("names", "doubled"),
    [
        ("number, number, name", "number"),
        ("number, NUMBER, number, name", "number"),
        ("NUMBER, Number, name", "number"),
        ("number, name, name", "name"),
        ("number, Name, NAME", "name"),
    ],
)
def test_two_columns_of_one_name_refuse_a_query(names: str, doubled: str) -> None:
    selected = ", ".join(f"'{FIRST}' as {name}" for name in names.split(", "))

    with pytest.raises(ExotelInputError, match=f"sql: has 2 columns named '{doubled}'; keep one") as caught:
        rows(f"select {selected}")

    assert "98765" not in str(caught.value)
