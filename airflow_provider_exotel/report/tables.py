"""Writers of tables as CSV, JSON lines or Parquet. Rows are written in batches as they arrive."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal

Cell = str | int | bool | datetime | None
Row = Sequence[Cell]
Write = Callable[[Row], None]
WriteRows = Callable[[Iterable[Row]], None]
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
_BATCH_SIZE = 10_000


@contextmanager
def writer(format: str, columns: Columns, file: Any) -> Iterator[Write]:
    """Return a context manager whose value is a function that writes one row.

    :param format: one of :data:`FORMATS`.
    :param columns: the table's columns.
    :param file: a binary file.
    """
    rows: list[Row] = []
    with _FORMATS[format](columns, file) as write_rows:

        def write(row: Row) -> None:
            rows.append(row)
            if len(rows) >= _BATCH_SIZE:
                write_rows(rows)
                rows.clear()

        yield write
        if rows:
            write_rows(rows)


@contextmanager
def _csv(columns: Columns, file: Any) -> Iterator[WriteRows]:
    def write(rows: Iterable[Row]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(map(_text, row) for row in rows)
        file.write(text.getvalue().encode())

    write([tuple(columns)])
    yield write


@contextmanager
def _jsonl(columns: Columns, file: Any) -> Iterator[WriteRows]:
    def write(rows: Iterable[Row]) -> None:
        lines = (json.dumps(dict(zip(columns, map(_json, row), strict=True)), ensure_ascii=False) for row in rows)
        file.write("".join(f"{line}\n" for line in lines).encode())

    yield write


@contextmanager
def _parquet(columns: Columns, file: Any) -> Iterator[WriteRows]:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    kinds = {
        "text": pa.string(),
        "whole": pa.int32(),
        "truth": pa.bool_(),
        "instant": pa.timestamp("us", "UTC"),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])

    def write(rows: Iterable[Row]) -> None:
        arrays = map(pa.array, zip(*rows, strict=True), schema.types)
        table.write_batch(pa.RecordBatch.from_arrays(list(arrays), schema=schema))

    with ParquetWriter(file, schema, compression="zstd") as table:
        yield write


_FORMATS = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}
FORMATS = tuple(_FORMATS)


def _json(cell: Cell) -> Cell:
    return _moment(cell) if isinstance(cell, datetime) else cell


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return _moment(cell) if isinstance(cell, datetime) else str(cell)


def _moment(instant: datetime) -> str:
    # With the precision of the service, mostly whole seconds.
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
