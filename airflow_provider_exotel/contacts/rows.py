"""Rows of an audience or a suppression list, and where in their source the numbers and variables stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from math import isnan
from types import MappingProxyType
from typing import Any, NamedTuple

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

COLUMN = "number"
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
_BATCH = 1_024
# pandas' words for nothing, which would be read aloud.
_NOTHING = frozenset({"", "nan", "NaN", "None", "null", "NULL", "<NA>", "NaT", "#N/A", "\\N"})
_NOTHING_TYPES = frozenset({"NAType", "NaTType"})
_EXACT = 2**53
_LONGEST_DECIMAL = 40


class Row(NamedTuple):
    """One row of a source; its text shows neither the number nor anything else about a person.

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
    """The names of the columns that are read.

    :param number: the column of the numbers; if no column is called exactly so, the case of letters does not count.
    :param variables: the column of each variable, by the variable's name in the campaign's text.
    """

    number: str = COLUMN
    variables: Mapping[str, str] = field(default_factory=dict)


def rows_of_records(records: object, columns: Columns | None = None, *, name: str = "numbers_from") -> Iterator[Row]:
    """Yield rows of what a query or a function returns.

    :param records: an iterable of numbers (text or whole), or of mappings of column names to values.
    :param columns: the columns of the mappings.
    :param name: the caller's argument that gives them.
    :raises ExotelInputError: if it is no such iterable, a mapping lacks a column, or a record is neither.
    """
    columns = columns or Columns()
    wanted = (columns.number, *columns.variables.values())
    for position, record in enumerate(_iterable(records, name), 1):
        if isinstance(record, Mapping):
            if missing := [Problem(name, lacks(column)) for column in wanted if column not in record]:
                raise ExotelInputError(missing)
            said = {variable: spoken_text(record[column]) for variable, column in columns.variables.items()}
            yield Row(position, _number_text(record[columns.number], name), said or NO_VARIABLES)
        elif columns.variables or (isinstance(record, (bytes, Sequence)) and not isinstance(record, str)):
            raise ExotelInputError(
                [Problem(name, f"record {position} has no column names; return mappings of names to values")]
            )
        else:
            yield Row(position, _number_text(record, name))


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield rows by the thousands."""
    rows = iter(rows)
    while batch := list(islice(rows, _BATCH)):
        yield batch


def cell_text(value: object) -> str:
    """Return a typed value as it would be written: whole floats and decimals without a fraction, bytes decoded.

    :param value: a value of a query, a data frame or a Parquet column; ``None`` and NaN are empty.
    """
    if isinstance(value, str):
        return value
    if (
        value is None
        or type(value).__name__ in _NOTHING_TYPES
        or (isinstance(value, float) and isnan(value))
        or (isinstance(value, Decimal) and value.is_nan())
    ):
        return ""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _LONGEST_DECIMAL:
        return str(int(value)) if value == int(value) else format(value, "f")
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return str(value)


def number_text(value: object) -> str:
    """Return a typed value of a number column as a cell; a number that is not whole is none of a phone.

    :param value: as :func:`cell_text` takes it.
    """
    text = cell_text(value)
    # The digits on both sides of the dot would be read as one number. Powers of ten are judged as a spreadsheet's are.
    is_fraction = isinstance(value, (float, Decimal, Fraction)) and re.search(r"[./]", text) and "e" not in text.lower()
    return f"{text} (not whole)" if is_fraction else text


def spoken_text(value: object) -> str:
    """Return the text of a variable, which is empty for what programs write for nothing, and for what is no one value.

    :param value: a typed value or a cell.
    """
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return ""
    text = cell_text(value)
    return "" if text.strip() in _NOTHING else text


def place_columns(header: Sequence[str], columns: Columns, name: str) -> tuple[int, dict[str, int]]:
    """Return the position of the number column, and that of each variable's column.

    :param header: the names of the columns that are there.
    :param columns: those that are wanted.
    :param name: the caller's argument that names the source.
    :raises ExotelInputError: naming every column that is missing or there twice, and those that are there.
    """
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
            there = f"has {len(header)} columns and none is named {columns.number!r}; name one so"
            problems.append(Problem(name, f"{there}{_listed(header)}"))
        elif not count:
            problems.append(Problem(name, f"{lacks(column)}{_listed(header)}"))
    if problems:
        raise ExotelInputError(problems)
    return header.index(number), {variable: header.index(column) for variable, column in columns.variables.items()}


def lacks(column: str) -> str:
    """Return the words for a column that is missing."""
    return f"has no column named {column!r}; upper and lower case count"


def _listed(header: Sequence[str]) -> str:
    # Names of columns are short and hold few digits; anything else may be a row about a person.
    if len(set(header)) < len(header) or any(
        not 0 < len(cell) <= 40 or sum(map(str.isdigit, cell)) > 3 or "@" in cell for cell in header
    ):
        return ""
    return f"; there are {', '.join(map(repr, header))}"


def _number_text(value: object, name: str) -> str:
    if type(value).__name__ in {"float32", "float16"}:
        wanted = f"holds {type(value).__name__} numbers, which have lost digits; give them as text or as int64"
        raise ExotelInputError([Problem(name, wanted)])
    return number_text(value)


def _iterable(records: object, name: str) -> Iterable[Any]:
    if (
        isinstance(records, Iterable)
        and not isinstance(records, (str, bytes, Mapping))
        and not hasattr(records, "iterrows")
    ):
        return records
    got = "nothing" if records is None else f"a {type(records).__name__}"
    wanted = "return a list of numbers or of mappings, such as frame.to_dict('records')"
    raise ExotelInputError([Problem(name, f"returned {got}; {wanted}")])
