"""Rows of an audience from a CSV file, a Parquet file or anything that can be iterated over, one at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.numbers import PhoneNumbers

COLUMN = "number"
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
_BATCH = 1_024


class Row(NamedTuple):
    """One row of an audience; its text shows neither the number nor anything else about a person.

    :param row: its position in the source, from 1, as spreadsheets count: a header is row 1.
    :param number: the number as it stands there.
    :param variables: what a dynamic campaign says to this person, by the name in its text.
    :param fault: how the row does not fit its file, in words that hold nothing of it; empty if it fits.
    """

    row: int
    number: str
    variables: Mapping[str, str] = NO_VARIABLES
    fault: str = ""

    def __repr__(self) -> str:
        return f"Row({self.row})"


@dataclass(frozen=True)
class Columns:
    """Where in a source what is.

    :param number: the column of the numbers; if no column is called exactly so, the case of letters does not count.
    :param variables: the column of each variable, by the variable's name in the campaign's text.
    """

    number: str = COLUMN
    variables: Mapping[str, str] = field(default_factory=dict)


def rows_of_csv(lines: Iterable[str], columns: Columns | None = None, *, name: str = "numbers_from") -> Iterator[Row]:
    """Yield the rows of a CSV file.

    :param lines: its lines as text, such as a file opened with ``newline=""``. Empty lines are passed over.
    :param columns: what stands where. Without variables, and with the default name of the number column, the file may
        do without a header: one number a line.
    :param name: the caller's argument that names the file.
    :raises ExotelInputError: if it cannot be read, or lacks a column.
    """
    try:
        yield from _rows_of_csv(csv.reader(lines), columns or Columns(), name)
    except csv.Error:
        raise ExotelInputError(
            [Problem(name, "cannot be read as CSV; look for a quotation mark that is not closed")]
        ) from None
    except UnicodeDecodeError:
        raise ExotelInputError([Problem(name, "is not UTF-8 text; save it as CSV UTF-8")]) from None


def rows_of_parquet(file: Any, columns: Columns | None = None, *, name: str = "numbers_from") -> Iterator[Row]:
    """Yield the rows of a Parquet file, which is read one batch after the other.

    :param file: an open binary file that can seek.
    :param columns: what stands where.
    :param name: the caller's argument that names the file.
    :raises ExotelInputError: if pyarrow is not installed, or the file cannot be read or lacks a column.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ExotelInputError(
            [Problem(name, "is a Parquet file, which takes pyarrow; install airflow-provider-exotel[parquet]")]
        ) from None

    try:
        parquet = ParquetFile(file, pre_buffer=False)
        header = parquet.schema_arrow.names
        place, places = _places(header, columns or Columns(), name)
        position = 0
        for batch in parquet.iter_batches(_BATCH, columns=[header[wanted] for wanted in {place, *places.values()}]):
            numbers, *values = (
                map(_text, batch.column(header[wanted]).to_pylist()) for wanted in (place, *places.values())
            )
            for number, *said in zip(numbers, *values, strict=True):
                position += 1
                yield Row(position, number, dict(zip(places, said, strict=True)) if said else NO_VARIABLES)
    except ArrowException:
        raise ExotelInputError([Problem(name, "cannot be read as Parquet; write it again")]) from None


def rows_of_records(
    records: Iterable[object], columns: Columns | None = None, *, name: str = "numbers_from"
) -> Iterator[Row]:
    """Yield rows of what a query or a program gives.

    :param records: numbers (as text or whole), or mappings of column names to values.
    :param columns: what stands where in the mappings.
    :param name: the caller's argument that gives them.
    :raises ExotelInputError: if a mapping lacks a column, or a record is neither.
    """
    columns = columns or Columns()
    wanted = (columns.number, *columns.variables.values())
    for position, record in enumerate(records, 1):
        if isinstance(record, Mapping):
            missing = [Problem(name, _lacks(column)) for column in wanted if column not in record]
            if missing:
                raise ExotelInputError(missing)
            said = {variable: _text(record[column]) for variable, column in columns.variables.items()}
            yield Row(position, _text(record[columns.number]), said or NO_VARIABLES)
        elif columns.variables or (isinstance(record, (bytes, Sequence)) and not isinstance(record, str)):
            raise ExotelInputError(
                [Problem(name, f"record {position} has no column names; give mappings of names to values")]
            )
        else:
            yield Row(position, _text(record))


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield rows by the thousands."""
    rows = iter(rows)
    while batch := list(islice(rows, _BATCH)):
        yield batch


def read_numbers(lines: Iterable[str]) -> PhoneNumbers:
    """Return the numbers of a file.

    :param lines: its lines as text; if the first holds the word ``number`` among its columns it is a header, otherwise
        each line is one number. Empty lines are passed over.
    :raises ExotelInputError: for a file with several columns and none named ``number``, for one whose rows do not fit
        its header, or without any number.
    """
    numbers = PhoneNumbers(_fitting(row).number for row in rows_of_csv(lines))
    if not numbers:
        raise ExotelInputError([Problem("numbers_from", "holds no number; write one number a line")])
    return numbers


def _fitting(row: Row) -> Row:
    if row.fault:
        raise ExotelInputError([Problem("numbers_from", row.fault)])
    return row


def _rows_of_csv(rows: Iterator[list[str]], columns: Columns, name: str) -> Iterator[Row]:
    numbered = enumerate(rows, 1)
    written = ((position, header) for position, cells in numbered if any(header := _without_mark(cells)))
    position, first = next(written, (0, []))
    if not first:
        return
    if len(first) == 1 and first[0].lower() != COLUMN and columns == Columns():
        yield Row(position, first[0])
        yield from _lines(numbered)
        return
    place, places = _places(first, columns, name)
    for position, cells in numbered:
        if not any(map(str.strip, cells)):
            continue
        fault = _misfit(position, cells, first, max((place, *places.values()))) if len(cells) != len(first) else ""
        if fault:
            yield Row(position, ",".join(cells), fault=fault)
        else:
            said = {variable: cells[at] for variable, at in places.items()} if places else NO_VARIABLES
            yield Row(position, cells[place], said)


def _lines(numbered: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
    for position, cells in numbered:
        if len(cells) > 1:
            fault = f"row {position} has {len(cells)} columns; write one number a line"
            yield Row(position, ",".join(cells), fault=fault)
        elif cells and cells[0].strip():
            yield Row(position, cells[0])


def _misfit(position: int, cells: list[str], header: Sequence[str], last: int) -> str:
    """Return how a row of another length than the header's does not fit it; nothing if what is wanted is there."""
    if any(map(str.strip, cells[len(header) :])):
        return f"row {position} has {len(cells)} cells and the header {len(header)}; quote text that holds commas"
    return f"row {position} has no cell under {header[last]!r}" if last >= len(cells) else ""


def _places(header: Sequence[str], columns: Columns, name: str) -> tuple[int, dict[str, int]]:
    """Return the position of the number column, and that of each variable's column."""
    number = columns.number
    if number not in header:
        number = number.lower()
        header = [cell.lower() if cell.lower() == number else cell for cell in header]
    problems = []
    for column in (number, *columns.variables.values()):
        count = header.count(column)
        if count > 1:
            problems.append(Problem(name, f"has {count} columns named {column!r}; name one so"))
        elif not count and column == number:
            problems.append(Problem(name, f"has {len(header)} columns and none is named {column!r}; name one so"))
        elif not count:
            problems.append(Problem(name, _lacks(column)))
    if problems:
        raise ExotelInputError(problems)
    return header.index(number), {variable: header.index(column) for variable, column in columns.variables.items()}


def _lacks(column: str) -> str:
    return f"has no column named {column!r}; upper and lower case count"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _without_mark(cells: Sequence[str]) -> list[str]:
    return [cell.lstrip("\ufeff").strip() for cell in cells]
