"""Who was called lately, by our own reports: their tables of attempts name people by keyed digests, or in clear."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_provider_exotel.audience.suppression import Suppressed, number_key
from airflow_provider_exotel.contacts.normalise import normalise
from airflow_provider_exotel.report.call import digest_of

TABLE = re.compile(r"(?:.*/)?attempts\.(csv|jsonl|parquet)")
"""The files of a report that tell who was called when."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ROWS_TOGETHER = 10_000
Called = tuple[str, datetime | None, str]
"""Whom a call went to, when it began, and which keys were pressed."""


def called_since(
    name: str,
    tables: Iterable[tuple[str, Any]],
    since: datetime,
    key: bytes | None,
    default_country: str | None,
    *,
    digit: str | None = None,
) -> Suppressed:
    """Return everybody whom the tables know to have been called, as a source of numbers not to be called.

    A call that has no time counts as a late one.

    :param name: what counts and errors call the source.
    :param tables: of each table its format and the open binary file.
    :param since: calls before do not count, aware.
    :param key: the key the reports were made under; ``None`` if they hold numbers in clear.
    :param default_country: whose national numbers are meant in reports in clear.
    :param digit: only those who pressed this key; ``None`` for everybody.
    """
    read, unreadable, people = 0, 0, set[str]()
    for contact, began, pressed in (row for kind, file in tables for row in _READERS[kind](file)):
        read += 1
        if (began is not None and began < since) or digit not in {None, pressed}:
            continue
        if not contact or (key is not None and not _DIGEST.fullmatch(contact)):
            unreadable += 1
        else:
            people.add(contact)
    if key is not None:
        return Suppressed(name, _NamedByDigest(key, people), read, unreadable)
    verdicts = normalise(sorted(people), default_country)
    known = {number_key(one) for one in verdicts if isinstance(one, str) and one.startswith("+")}
    bad = sum(not isinstance(one, str) or not one.startswith("+") for one in verdicts)
    return Suppressed(name, known, read, unreadable + bad)


@dataclass(frozen=True)
class _NamedByDigest(Container[int | str]):
    """Tells of a number whether its digest is known."""

    key: bytes = field(repr=False)
    digests: set[str] = field(repr=False)

    def __contains__(self, number: object) -> bool:
        return any(digest_of(spelling, self.key) in self.digests for spelling in _spellings(number))


def _spellings(number: object) -> Iterator[str]:
    """Yield how the service may have spelled a number in the answers that a report was made of."""
    if not isinstance(number, int):
        yield str(number)
        return
    digits = str(number)
    yield f"+{digits}"
    yield digits
    if digits.startswith("91"):
        yield f"0{digits[2:]}"
        yield digits[2:]


def _csv(file: Any) -> Iterator[Called]:
    lines = (line.decode("utf-8") for line in iter(file.readline, b""))
    return (_of(row) for row in csv.DictReader(lines))


def _jsonl(file: Any) -> Iterator[Called]:
    return (_of(json.loads(line)) for line in iter(file.readline, b""))


def _parquet(file: Any) -> Iterator[Called]:
    from pyarrow.parquet import ParquetFile

    columns = ["contact", "start_utc", "digit"]
    for batch in ParquetFile(file, pre_buffer=False).iter_batches(_ROWS_TOGETHER, columns=columns):
        for contact, began, digit in zip(*(batch.column(name).to_pylist() for name in columns), strict=True):
            yield contact or "", began, str(digit or "")


_READERS: Mapping[str, Callable[[Any], Iterator[Called]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
}


def _of(row: Mapping[str, Any]) -> Called:
    began = datetime.fromisoformat(row["start_utc"]) if row.get("start_utc") else None
    moment = began if began is None or began.tzinfo else began.replace(tzinfo=UTC)
    return row.get("contact") or "", moment, str(row.get("digit") or "")
