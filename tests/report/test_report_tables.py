"""A table has the same content in every format."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from airflow_provider_exotel.report.tables import FORMATS, TABLES, Columns, Row, writer

COLUMNS: Columns = {"name": "text", "count": "whole", "is_so": "truth", "when": "instant"}
MOMENT = datetime(2026, 3, 2, 4, 30, 0, 250_000, tzinfo=UTC)
ROWS: list[Row] = [('a "quoted", \n text ä', 1, True, MOMENT), (None, None, None, None), ("", 0, False, MOMENT)]


def written(format: str, rows: list[Row], columns: Columns = COLUMNS) -> bytes:
    file = io.BytesIO()
    with writer(format, columns, file) as write:
        for row in rows:
            write(row)
    return file.getvalue()


def test_missing_values_are_empty_in_csv() -> None:
    text = written("csv", ROWS).decode()

    assert list(csv.reader(io.StringIO(text))) == [
        ["name", "count", "is_so", "when"],
        ['a "quoted", \n text ä', "1", "true", "2026-03-02T04:30:00.250000Z"],
        ["", "", "", ""],
        ["", "0", "false", "2026-03-02T04:30:00.250000Z"],
    ]


def test_missing_values_are_null_in_json_lines() -> None:
    lines = written("jsonl", ROWS).decode().splitlines()

    assert json.loads(lines[0]) == {
        "name": 'a "quoted", \n text ä',
        "count": 1,
        "is_so": True,
        "when": "2026-03-02T04:30:00.250000Z",
    }
    assert set(json.loads(lines[1]).values()) == {None}


def test_parquet_keeps_the_types() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")

    table = parquet.read_table(io.BytesIO(written("parquet", ROWS)))

    assert [tuple(row.values()) for row in table.to_pylist()] == [tuple(row) for row in ROWS]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_has_its_columns(format: str, name: str) -> None:
    content = written(format, [], TABLES[name])

    if format == "csv":
        assert content.decode().strip().split(",") == list(TABLES[name])
    elif format == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        assert parquet.read_schema(io.BytesIO(content)).names == list(TABLES[name])
    else:
        assert content == b""


@pytest.mark.parametrize("format", FORMATS)
def test_equal_rows_are_equal_bytes(format: str) -> None:
    rows: list[Row] = [(str(number), number, None, MOMENT) for number in range(25_000)]

    assert written(format, rows) == written(format, rows)
