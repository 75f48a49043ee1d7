"""Find recently called contacts in the attempts tables of reports, which have keyed digests or plaintext numbers."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from airflow_provider_exotel.audience.suppression import Suppressed, number_key
from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.text import read_moment
from airflow_provider_exotel.contacts.grammar import unwrap
from airflow_provider_exotel.contacts.normalise import normalise
from airflow_provider_exotel.contacts.parquet_rows import open_parquet
from airflow_provider_exotel.contacts.rows import cell_text, spoken_text
from airflow_provider_exotel.report.call import digest_of

TABLE = re.compile(r"(?:.*/)?attempts\.(csv|jsonl|parquet)")
"""Names of the attempts tables of a report."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ROWS_TOGETHER = 10_000
_COLUMNS = ("contact", "start_utc")
_DIGIT = "digit"
_DELIMITERS = ",;\t"
_KEYS = re.compile(r"[0-9*#]*")
Read = TypeVar("Read")
Called = tuple[str, datetime | None, str]
"""The contact of a call, its start, and the keys pressed."""


def called_since(
    name: str,
    tables: Iterable[tuple[str, Any]],
    since: datetime,
    key: bytes | None,
    default_country: str | None,
    *,
    digit: str | None = None,
) -> Suppressed:
    """Return the contacts called since a time, as a suppression source.

    A call with a missing or unreadable time counts as recent.

    :param name: the name of the source in counts and errors.
    :param tables: format and open binary file of each table.
    :param since: ignore calls before this time, timezone-aware.
    :param key: the HMAC key of the reports; ``None`` if they have plaintext numbers.
    :param default_country: the country of national numbers in reports with plaintext numbers.
    :param digit: only contacts who pressed this key, alone or among others; ``None`` for all. Unreadable keys, such as
        ``[number]`` in a report, count as pressed.
    :raises ExotelInputError: if a table cannot be read, or lacks a report's columns.
    """
    # Spreadsheets remove leading zeros.
    wanted = None if digit is None else _folded_keys(digit).lstrip("0") or "0"
    read, unreadable, people = 0, 0, set[str]()
    columns = _COLUMNS if digit is None else (*_COLUMNS, _DIGIT)
    for contact, began, pressed in (row for kind, file in tables for row in _rows(name, kind, file, columns)):
        read += 1
        if (began is not None and began < since) or not _may_contain(wanted, pressed):
            continue
        if not contact or (key is not None and not _DIGEST.fullmatch(contact)):
            unreadable += 1
        else:
            people.add(contact)
    if key is not None:
        return Suppressed(name, _NumbersByDigest(key, people), read, unreadable)
    verdicts = normalise(sorted(people), default_country)
    known = {number_key(one) for one in verdicts if isinstance(one, str) and one.startswith("+")}
    bad = sum(not isinstance(one, str) or not one.startswith("+") for one in verdicts)
    return Suppressed(name, known, read, unreadable + bad)


@dataclass(frozen=True)
class _NumbersByDigest(Container[int | str]):
    """The set of numbers whose digest is known."""

    key: bytes = field(repr=False)
    digests: set[str] = field(repr=False)

    def __contains__(self, number: object) -> bool:
        return any(digest_of(spelling, self.key) in self.digests for spelling in spellings(number))


def spellings(number: object) -> Iterator[str]:
    """Yield the formats in which the service may have returned a number to a report."""
    if not isinstance(number, int):
        yield str(number)
        return
    digits = str(number)
    yield f"+{digits}"
    yield digits
    if digits.startswith("91"):
        yield f"0{digits[2:]}"
        yield digits[2:]


def read_columns(field: str, kind: str, file: Any, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Iterate over the rows of an attempts table as text.

    :param field: the name of the source in errors.
    :param kind: the format.
    :param file: the open binary file.
    :param columns: the columns to read.
    :raises ExotelInputError: if the table cannot be read, or lacks a column.
    """
    yield from _read(field, kind, file, columns, lambda row: tuple(unwrap(cell_text(cell)) for cell in row))


def _rows(name: str, kind: str, file: Any, columns: Sequence[str]) -> Iterator[Called]:
    yield from _read(f"suppress.{name}", kind, file, columns, _called)


def _called(row: Sequence[Any]) -> Called:
    contact, began, *pressed = row
    moment = began if isinstance(began, datetime) else _moment(str(began or ""))
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return unwrap(cell_text(contact)), moment, _pressed_text(*pressed)


def _read(
    field: str, kind: str, file: Any, columns: Sequence[str], read_row: Callable[[Sequence[Any]], Read]
) -> Iterator[Read]:
    try:
        table = _parquet(file, columns, field) if kind == "parquet" else _READERS[kind](file, columns)
        for row in table:
            yield read_row(row)
    except ExotelInputError:
        raise
    except (csv.Error, ValueError, LookupError, AttributeError, TypeError):
        message = f"has an attempts table (attempts.{kind}) that cannot be read; write the report again"
        raise ExotelInputError([Problem(field, message)]) from None


def _csv(file: Any, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
    """Read a table in the report's format or as saved by a spreadsheet: with a byte order mark or other delimiters."""
    lines = (line.decode("utf-8") for line in iter(file.readline, b""))
    header = next(lines, "").lstrip("\ufeff")
    if header.startswith("sep="):
        header = next(lines, "")
    delimiter = max(_DELIMITERS, key=header.count)
    names = next(csv.reader([header], delimiter=delimiter), [])
    places = [names.index(column) for column in columns]
    if any(names.count(column) > 1 for column in columns):
        raise ValueError("two columns of one name")
    for cells in csv.reader(lines, delimiter=delimiter, strict=True):
        # Cells of a report have no line breaks: a cell with one has absorbed other calls.
        if any(map(str.strip, cells[len(names) :])) or any("\n" in cell or "\r" in cell for cell in cells):
            raise ValueError("a row that does not fit the header")
        if any(map(str.strip, cells)):
            yield [cells[place] for place in places]


def _jsonl(file: Any, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
    for line in iter(file.readline, b""):
        row = json.loads(line)
        yield [row[column] for column in columns]


def _parquet(file: Any, columns: Sequence[str], field: str) -> Iterator[Sequence[Any]]:
    with open_parquet(file, field) as table:
        for batch in table.iter_batches(_ROWS_TOGETHER, columns=list(columns)):
            yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


_READERS: Mapping[str, Callable[[Any, Sequence[str]], Iterator[Sequence[Any]]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
}


def _moment(text: str) -> datetime | None:
    try:
        began = read_moment(unwrap(text))
    except ValueError:
        return None
    return began if began.tzinfo else began.replace(tzinfo=UTC)


def _pressed_text(pressed: object = "") -> str:
    return str(pressed) if isinstance(pressed, (list, dict)) else spoken_text(pressed)


def _may_contain(wanted: str | None, pressed: str) -> bool:
    """Return whether a key may be among those pressed, such as 9 twice, 9 and #, or 9 in a second menu."""
    keys = "" if wanted is None else _folded_keys(pressed)
    return wanted is None or wanted in keys or _KEYS.fullmatch(keys) is None


def _folded_keys(pressed: str) -> str:
    """Return pressed keys, normalised: the service quotes them, and spreadsheets turn them into numbers."""
    keys = re.sub(r"\s", "", unwrap(pressed).replace('"', "").replace("'", ""))
    return re.sub(r"(?<=[0-9])\.0+$", "", keys)
