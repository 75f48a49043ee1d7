"""Read the rows of a Parquet file, and check whether the type of its number column keeps all digits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.contacts.rows import NO_VARIABLES, Columns, Row, find_columns, number_text, spoken_text

_BATCH = 1_024
_DAMAGED = "is a damaged or incomplete Parquet file; write it again"


def rows_of_parquet(file: Any, columns: Columns | None = None, *, name: str = "numbers_from") -> Iterator[Row]:
    """Yield the rows of a Parquet file, reading one batch at a time.

    :param file: an open binary file that can seek.
    :param columns: the columns to read.
    :param name: the argument that names the file, for errors.
    :raises ExotelInputError: if pyarrow is not installed, the file cannot be read or lacks a column, or the type of the
        number column cannot represent phone numbers.
    """
    with open_parquet(file, name) as parquet:
        header = parquet.schema_arrow.names
        place, places = find_columns(header, columns or Columns(), name)
        _check_type(parquet.schema_arrow.field(place).type, name)
        needed = dict.fromkeys(header[at] for at in (place, *places.values()))
        position = 0
        for batch in parquet.iter_batches(_BATCH, columns=list(needed)):
            numbers = map(number_text, batch.column(header[place]).to_pylist())
            values = [map(spoken_text, batch.column(header[at]).to_pylist()) for at in places.values()]
            for number, *texts in zip(numbers, *values, strict=True):
                position += 1
                yield Row(position, number, dict(zip(places, texts, strict=True)) if texts else NO_VARIABLES)
        if position != parquet.metadata.num_rows:
            raise ExotelInputError([Problem(name, _DAMAGED)])


@contextmanager
def open_parquet(file: Any, name: str) -> Iterator[Any]:
    """Open a Parquet file; damage that is found only while reading raises the same error.

    :param file: an open binary file that can seek.
    :param name: the argument that names the file, for errors.
    :raises ExotelInputError: if pyarrow is not installed, or the file is damaged.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ExotelInputError(
            [Problem(name, "is a Parquet file, which needs pyarrow; install airflow-provider-exotel[parquet]")]
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
        # pyarrow raises plain OSError without an errno if it cannot decode. Errors of the storage have an errno.
        if type(error) is not OSError or error.errno is not None:
            raise
        raise ExotelInputError([Problem(name, _DAMAGED)]) from None


def _check_type(kind: Any, name: str) -> None:
    """Refuse a number column whose type loses digits, or is not for numbers or text."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    text = types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view"
    raw = types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    exact = types.is_int64(kind) or types.is_uint64(kind) or types.is_decimal(kind)
    if not (text or raw or exact or types.is_float64(kind) or types.is_null(kind)):
        message = f"has numbers in a column of type {kind}, which may lose digits; write them as text or int64"
        raise ExotelInputError([Problem(name, message)])
