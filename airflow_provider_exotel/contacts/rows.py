"""Rows of an audience or suppression list, and the columns of their numbers and variables."""

from __future__ import annotations

import logging
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

log = logging.getLogger(__name__)

COLUMN = "number"
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
_BATCH = 1_024
# Text that pandas writes for missing values; it would be read aloud.
_NOTHING = frozenset({"", "nan", "NaN", "None", "null", "NULL", "<NA>", "NaT", "#N/A", "\\N"})
_NOTHING_TYPES = frozenset({"NAType", "NaTType"})
# The letters of columns that tell who is not to be called, and of those that tell it of other channels.
_CHOICE = re.compile(
    "opt(?:ed)?(?:out|in$)|donot(?:call|contact|disturb)|^n?dn[cd]|unsubscri|blacklist|suppress|consent"
)
_OTHER_CHANNEL = re.compile("mail|sms|fax|whatsapp")
_TOO_SMALL = {"float32", "float16", "int32", "uint32", "int16", "uint16", "int8", "uint8"}
_EXACT = 2**53
_LONGEST_DECIMAL = 40


class Row(NamedTuple):
    """One row of a source; its ``repr`` contains no personal data.

    :param row: its position in the source, from 1, as in a spreadsheet: a header is row 1.
    :param number: the raw number.
    :param variables: values of a dynamic campaign's variables, by the name in its text.
    :param fault: why the row does not match its file, without its contents; empty if it matches.
    """

    row: int
    number: str
    variables: Mapping[str, str] = NO_VARIABLES
    fault: str = ""

    def __repr__(self) -> str:
        return f"Row({self.row})"


@dataclass(frozen=True)
class Columns:
    """The names of the columns to read.

    :param number: the number column; case-insensitive if no column has exactly this name.
    :param variables: the column of each variable, by the variable's name in the campaign's text.
    """

    number: str = COLUMN
    variables: Mapping[str, str] = field(default_factory=dict)


def rows_of_records(records: object, columns: Columns | None = None, *, name: str = "numbers_from") -> Iterator[Row]:
    """Yield the rows of a query result or a function's return value.

    :param records: an iterable of numbers (text or integers), or of mappings from column names to values.
    :param columns: the columns to read from the mappings.
    :param name: the argument that gives them, for errors.
    :raises ExotelInputError: if ``records`` is not iterable, a mapping lacks a column, or a record has another type.
    """
    columns = columns or Columns()
    needed = (columns.number, *columns.variables.values())
    for position, record in enumerate(_iterable(records, name), 1):
        if isinstance(record, Mapping):
            if missing := [Problem(name, missing_column_message(column)) for column in needed if column not in record]:
                raise ExotelInputError(missing)
            if position == 1:
                _warn_of_choices(map(str, record), columns, name)
            values = {variable: spoken_text(record[column]) for variable, column in columns.variables.items()}
            yield Row(position, _number_text(record[columns.number], name), values or NO_VARIABLES)
        elif columns.variables or (isinstance(record, (bytes, Sequence)) and not isinstance(record, str)):
            raise ExotelInputError(
                [Problem(name, f"record {position} has no column names; return mappings from names to values")]
            )
        else:
            yield Row(position, _number_text(record, name))


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield rows in batches of about a thousand."""
    rows = iter(rows)
    while batch := list(islice(rows, _BATCH)):
        yield batch


def cell_text(value: object) -> str:
    """Return a typed value as text: whole floats and decimals without a fraction, bytes decoded.

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
    """Return a typed value of a number column as text; a value with a fraction gives text that is no phone number.

    :param value: see :func:`cell_text`.
    """
    text = cell_text(value)
    # Digits on both sides of the dot would be read as one number. Exponents are handled as those of a spreadsheet.
    is_fraction = isinstance(value, (float, Decimal, Fraction)) and re.search(r"[./]", text) and "e" not in text.lower()
    return f"{text} (not whole)" if is_fraction else text


def spoken_text(value: object) -> str:
    """Return the text of a variable; empty for missing values and for collections.

    :param value: a typed value or a cell.
    """
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return ""
    text = cell_text(value)
    return "" if text.strip() in _NOTHING else text


def find_columns(header: Sequence[str], columns: Columns, name: str) -> tuple[int, dict[str, int]]:
    """Return the position of the number column, and that of each variable's column.

    :param header: the names of the columns in the source.
    :param columns: the columns to find.
    :param name: the argument that names the source, for errors.
    :raises ExotelInputError: naming every column that is missing or duplicated, and the existing ones.
    """
    number = columns.number
    if number not in header:
        number = number.lower()
        header = [cell.lower() if cell.lower() == number else cell for cell in header]
    problems = []
    for column in (number, *columns.variables.values()):
        count = header.count(column)
        if count > 1:
            problems.append(Problem(name, f"has {count} columns named {column!r}; keep one"))
        elif not count and column == number:
            there = f"has {len(header)} columns and none is named {columns.number!r}; rename the number column"
            problems.append(Problem(name, f"{there}{_list_columns(header)}"))
        elif not count:
            problems.append(Problem(name, f"{missing_column_message(column)}{_list_columns(header)}"))
    if problems:
        raise ExotelInputError(problems)
    _warn_of_choices(header, columns, name)
    return header.index(number), {variable: header.index(column) for variable, column in columns.variables.items()}


def _warn_of_choices(header: Iterable[str], columns: Columns, name: str) -> None:
    """Log the columns of an audience that seem to tell who opted out: they are not read."""
    if name.startswith("suppress."):
        return
    letters = {one: re.sub("[^a-z]", "", one.lower()) for one in header if one not in columns.variables.values()}
    choices = [one for one, text in letters.items() if _CHOICE.search(text) and not _OTHER_CHANNEL.search(text)]
    if choices:
        message = "%s: has the column %s, which is not read; leave out or suppress who opted out"
        log.warning(message, name, ", ".join(map(repr, choices)))


def missing_column_message(column: str) -> str:
    """Return the message for a missing column."""
    return f"has no column named {column!r}; names are case-sensitive"


def _list_columns(header: Sequence[str]) -> str:
    # Column names are short and have few digits; anything else may be a row with personal data.
    if len(set(header)) < len(header) or any(
        not 0 < len(cell) <= 40 or sum(map(str.isdigit, cell)) > 3 or "@" in cell for cell in header
    ):
        return ""
    return f"; the columns are {', '.join(map(repr, header))}"


def _number_text(value: object, name: str) -> str:
    if type(value).__name__ in _TOO_SMALL:
        message = f"has {type(value).__name__} numbers, which may have lost digits; give them as text or int64"
        raise ExotelInputError([Problem(name, message)])
    return number_text(value)


def _iterable(records: object, name: str) -> Iterable[Any]:
    if (
        isinstance(records, Iterable)
        and not isinstance(records, (str, bytes, Mapping))
        and not hasattr(records, "iterrows")
    ):
        return records
    got = "nothing" if records is None else f"a {type(records).__name__}"
    message = "return a list of numbers or mappings, such as frame.to_dict('records')"
    raise ExotelInputError([Problem(name, f"returned {got}; {message}")])
