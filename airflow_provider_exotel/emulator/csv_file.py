"""Validate the CSV file of an upload as strictly as documented (Exotel, add contacts to a list via CSV).

An invalid header refuses the whole file; an invalid row fails alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO

from airflow_provider_exotel.emulator.envelopes import Refusal

MOST_CONTACTS = {"static": 100_000, "dynamic": 500_000}
MOST_BYTES = 60_000_000
MOST_VARIABLES = 5
STATIC_COLUMNS = ("first_name", "last_name", "company_name", "email", "tag")
COLUMN = "number"


def check_size(size: int, kind: str) -> None:
    """Check the size of a file; only dynamic lists have a limit.

    :param size: in bytes.
    :raises Refusal: 400.
    """
    if kind == "dynamic" and size >= MOST_BYTES:
        raise Refusal(400, f"The file must be smaller than {MOST_BYTES // 1_000_000} MB")


def read_numbers(file: BinaryIO, kind: str) -> tuple[tuple[str, ...], Iterator[str]]:
    """Return the columns of a file without ``number``, and the raw number of each row.

    :param file: the file at its beginning.
    :param kind: ``static`` or ``dynamic``.
    :raises Refusal: 400 for an invalid header; the iterator raises it for text that is not UTF-8.
    """
    rows = _rows(file)
    header = next(rows, [])
    _check_header(header, kind)
    position, width = header.index(COLUMN), len(header)
    columns = tuple(column for column in header if column != COLUMN)
    return columns, (row[position].strip() if len(row) == width else "" for row in rows if row)


def _rows(file: BinaryIO) -> Iterator[list[str]]:
    try:
        yield from csv.reader(line.decode() for line in file)
    except UnicodeDecodeError:
        raise Refusal(400, "The file must be UTF-8") from None
    except csv.Error:
        raise Refusal(400, "The file is not a CSV file") from None


def _check_header(header: list[str], kind: str) -> None:
    others = [column for column in header if column != COLUMN]
    if COLUMN not in header:
        raise Refusal(400, f"The column {COLUMN} is mandatory")
    if len(set(header)) < len(header):
        raise Refusal(400, "A column stands there twice")
    if kind == "static" and (unknown := [column for column in others if column not in STATIC_COLUMNS]):
        raise Refusal(400, f"A static list has no column {unknown[0][:40]!r}")
    if kind == "dynamic" and len(others) > MOST_VARIABLES:
        raise Refusal(400, f"A dynamic list has at most {MOST_VARIABLES} columns beside {COLUMN}")
    if kind == "dynamic" and not all(column and " " not in column for column in others):
        raise Refusal(400, "A column's name must be one word")
