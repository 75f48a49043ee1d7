"""Tables in the formats people load: CSV, JSON lines, Parquet. Rows are written as they come."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal

Cell = str | int | bool | datetime | None
Row = Sequence[Cell]
Write = Callable[[Row], None]
Kind = Literal["text", "whole", "truth", "instant"]
Columns = Mapping[str, Kind]

ATTEMPTS: Columns = {
    "campaign_id": "text",
    "contact": "text",
    "attempt": "whole",
    "call_sid": "text",
    "status": "text",
    "digit": "text",
    "duration_seconds": "whole",
    "start_utc": "instant",
    "end_utc": "instant",
    "start_local": "text",
    "end_local": "text",
    "inside_window": "truth",
    "price": "text",
}
CONTACTS: Columns = {
    "campaign_id": "text",
    "contact": "text",
    "status": "text",
    "attempts": "whole",
    "last_digit": "text",
}
AUDIT: Columns = {
    "campaign_id": "text",
    "contact": "text",
    "attempt": "whole",
    "finding": "text",
    "start_utc": "instant",
    "start_local": "text",
}
TABLES = {"attempts": ATTEMPTS, "contacts": CONTACTS, "audit": AUDIT}
FORMATS = ("csv", "jsonl", "parquet")
_ROWS_A_GROUP = 10_000


@contextmanager
def writer(format: str, columns: Columns, file: Any) -> Iterator[Write]:
    """Return a function that writes one row, for as long as the table is open.

    :param format: one of :data:`FORMATS`.
    :param columns: the table's columns.
    :param file: a binary file.
    """
    with _WRITERS[format](columns, file) as write:
        yield write


@contextmanager
def _csv(columns: Columns, file: Any) -> Iterator[Write]:
    encoded = csv.writer(_Encoded(file), lineterminator="\n")
    encoded.writerow(columns)
    yield lambda row: encoded.writerow(map(_text, row))


@contextmanager
def _jsonl(columns: Columns, file: Any) -> Iterator[Write]:
    def write(row: Row) -> None:
        cells = (_moment(cell) if isinstance(cell, datetime) else cell for cell in row)
        file.write(f"{json.dumps(dict(zip(columns, cells, strict=True)), ensure_ascii=False)}\n".encode())

    yield write


@contextmanager
def _parquet(columns: Columns, file: Any) -> Iterator[Write]:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    kinds = {
        "text": pa.string(),
        "whole": pa.int32(),
        "truth": pa.bool_(),
        "instant": pa.timestamp("us", "UTC"),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    rows: list[Row] = []

    def flush() -> None:
        if rows:
            arrays = map(pa.array, zip(*rows, strict=True), schema.types)
            table.write_batch(pa.RecordBatch.from_arrays(list(arrays), schema=schema))
            rows.clear()

    def write(row: Row) -> None:
        rows.append(row)
        if len(rows) >= _ROWS_A_GROUP:
            flush()

    with ParquetWriter(file, schema, compression="zstd") as table:
        yield write
        flush()


_WRITERS = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}


class _Encoded:
    """A binary file that takes text, in UTF-8."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.encode())


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return _moment(cell) if isinstance(cell, datetime) else str(cell)


def _moment(instant: datetime) -> str:
    # As many digits as the service gave: whole seconds mostly.
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
