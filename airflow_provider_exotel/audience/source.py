"""Reading numbers from a file: one number a line, or a CSV with a column ``number``."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from airflow_provider_exotel.api.errors import ExotelInputError, Problem
from airflow_provider_exotel.api.numbers import PhoneNumbers

COLUMN = "number"


def read_numbers(lines: Iterable[str]) -> PhoneNumbers:
    """Return the numbers of a file.

    :param lines: its lines as text; if the first holds the word ``number`` among its columns it is a header, otherwise
        each line is one number. Empty lines are passed over.
    :raises ExotelInputError: for a file with several columns and none named ``number``, or without any number.
    """
    try:
        numbers = PhoneNumbers(_numbers(csv.reader(lines)))
    except csv.Error:
        raise ExotelInputError(
            [Problem("numbers_from", "cannot be read as CSV; look for a quotation mark that is not closed")]
        ) from None
    if not numbers:
        raise ExotelInputError([Problem("numbers_from", "holds no number; write one number a line")])
    return numbers


def _numbers(rows: Iterator[list[str]]) -> Iterator[str]:
    column: int | None = None
    has_header = False
    for position, row in enumerate(rows, 1):
        cells = [cell.strip().lstrip("\ufeff") for cell in row]
        if not any(cells):
            continue
        if column is None:
            column, has_header = _column(cells)
            if has_header:
                continue
        if not has_header and len(cells) > 1:
            raise ExotelInputError(
                [Problem("numbers_from", f"row {position} has {len(cells)} columns; write one number a line")]
            )
        if column >= len(cells):
            raise ExotelInputError([Problem("numbers_from", f"row {position} has no cell under {COLUMN!r}")])
        yield cells[column]


def _column(first: list[str]) -> tuple[int, bool]:
    names = [cell.lower() for cell in first]
    if COLUMN in names:
        return names.index(COLUMN), True
    if len(first) == 1:
        return 0, False
    raise ExotelInputError(
        [Problem("numbers_from", f"has {len(first)} columns and none is named {COLUMN!r}; name one so")]
    )
