"""Rows of a Parquet file, whose columns have types that tell what a number in them is worth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.contacts.rows import NO_VARIABLES, Columns, Row, number_text, place_columns, spoken_text

_BATCH = 1_024
_DAMAGED = "is a Parquet file that is damaged or not complete; write it again"


def rows_of_parquet(file: Any, columns: Columns | None = None, *, name: str = "numbers_from") -> Iterator[Row]:
    """Yield the rows of a Parquet file, which is read one batch after the other.

    :param file: an open binary file that can seek.
    :param columns: the columns that are read.
    :param name: the caller's argument that names the file.
    :raises ExotelInputError: if pyarrow is not installed, the file cannot be read or lacks a column, or the type of the
        number column cannot hold phone numbers.
    """
    with open_parquet(file, name) as parquet:
        header = parquet.schema_arrow.names
        place, places = place_columns(header, columns or Columns(), name)
        _check_type(parquet.schema_arrow.field(place).type, name)
        wanted = dict.fromkeys(header[at] for at in (place, *places.values()))
        position = 0
        for batch in parquet.iter_batches(_BATCH, columns=list(wanted)):
            numbers = map(number_text, batch.column(header[place]).to_pylist())
            values = [map(spoken_text, batch.column(header[at]).to_pylist()) for at in places.values()]
            for number, *said in zip(numbers, *values, strict=True):
                position += 1
                yield Row(position, number, dict(zip(places, said, strict=True)) if said else NO_VARIABLES)
        if position != parquet.metadata.num_rows:
            raise ExotelInputError([Problem(name, _DAMAGED)])


@contextmanager
def open_parquet(file: Any, name: str) -> Iterator[Any]:
    """Open a Parquet file, and refuse it if it is damaged, noticed as late as while it is read.

    :param file: an open binary file that can seek.
    :param name: the caller's argument that names the file.
    :raises ExotelInputError: if pyarrow is not installed, or the file is damaged.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ExotelInputError(
            [Problem(name, "is a Parquet file, which takes pyarrow; install airflow-provider-exotel[parquet]")]
        ) from None

    try:
        parquet = ParquetFile(file, pre_buffer=False, page_checksum_verification=True)
        groups = [parquet.metadata.row_group(at).num_rows for at in range(parquet.num_row_groups)]
        if sum(groups) != parquet.metadata.num_rows:
            raise ExotelInputError([Problem(name, _DAMAGED)])
        yield parquet
    except (ArrowException, UnicodeDecodeError):
        raise ExotelInputError([Problem(name, _DAMAGED)]) from None
    except OSError as error:
        # pyarrow raises this very class, without a code, for what it cannot decode. A storage's own errors have a code.
        if type(error) is not OSError or error.errno is not None:
            raise
        raise ExotelInputError([Problem(name, _DAMAGED)]) from None


def _check_type(kind: Any, name: str) -> None:
    """Refuse a number column whose type has lost digits, or holds something other than numbers."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    text = types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view"
    raw = types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    exact = types.is_int64(kind) or types.is_uint64(kind) or types.is_decimal(kind)
    if not (text or raw or exact or types.is_float64(kind) or types.is_null(kind)):
        wanted = f"has numbers in a column of type {kind}, which cannot hold them; write them as text or as int64"
        raise ExotelInputError([Problem(name, wanted)])
