"""The calls of one campaign in order of time, whatever their number and their order of arrival.

A database on disk sorts and deduplicates them, so that memory does not grow with the campaign. It has no name: SQLite
creates a temporary file and unlinks it at once, so that nothing is left if a worker is killed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from types import TracebackType
from typing import NamedTuple, Self

from airflow_provider_exotel.report.call import REACHED, Call

_COLUMNS = ", ".join(Call._fields)
_PLACEHOLDERS = ", ".join("?" for _ in Call._fields)
# An unknown start sorts last. The SID breaks ties, so that pages and reports have the same order.
_IN_ORDER = "start IS NULL, start, call_sid, id"
# Only the names above are formatted into these statements.
_INSERT = f"INSERT OR IGNORE INTO calls ({_COLUMNS}) VALUES ({_PLACEHOLDERS})"  # noqa: S608
_NTH = f"ROW_NUMBER() OVER (PARTITION BY contact ORDER BY {_IN_ORDER})"
_ATTEMPTS = f"SELECT {_COLUMNS}, {_NTH} FROM calls ORDER BY {_IN_ORDER}"  # noqa: S608
_CONTACTS = f"SELECT contact, status, digit FROM calls WHERE contact <> '' ORDER BY contact, {_IN_ORDER}"  # noqa: S608
_WITH_RECORDING = f"SELECT {_COLUMNS} FROM calls WHERE recording IS NOT NULL ORDER BY {_IN_ORDER}"  # noqa: S608
_CACHE_KIB = 8_192


class Contact(NamedTuple):
    """The outcome of all attempts to one person.

    :param status: ``completed`` if any attempt was, otherwise the status of the last one.
    :param digit: the last keys pressed.
    """

    contact: str
    status: str
    attempts: int
    digit: str | None


class Ledger:
    """The calls of one campaign, each call SID once."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute(
            "CREATE TABLE calls (id INTEGER PRIMARY KEY, call_sid TEXT UNIQUE, contact TEXT, status TEXT, "
            "attempt INTEGER, digit TEXT, duration INTEGER, start REAL, end REAL, price TEXT, recording TEXT)"
        )

    def add(self, calls: Iterable[Call]) -> None:
        """Add calls; duplicates are ignored."""
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany(_INSERT, calls)

    def clear(self) -> None:
        """Remove all calls."""
        self._database.execute("DELETE FROM calls")

    def span(self) -> tuple[float, float] | None:
        """Return the start of the first and the last call, ``None`` if no start is known."""
        first, last = self._database.execute("SELECT min(start), max(start) FROM calls").fetchone()
        return None if first is None else (first, last)

    def attempts(self) -> Iterator[tuple[Call, int]]:
        """Iterate over the calls in order of time, each with its number among the calls of its contact."""
        rows = self._database.execute(_ATTEMPTS)
        return ((Call(*row[:-1]), row[-1]) for row in rows)

    def with_recording(self) -> Iterator[Call]:
        """Iterate over the calls that have a recording, in order of time."""
        return (Call(*row) for row in self._database.execute(_WITH_RECORDING))

    def contacts(self) -> Iterator[Contact]:
        """Iterate over the people who were called, in the order of their names."""
        rows = self._database.execute(_CONTACTS)
        for contact, calls in groupby(rows, key=lambda row: row[0]):
            reached, attempts, status, digit = False, 0, "", None
            for _, status, pressed in calls:
                attempts, reached, digit = attempts + 1, reached or status == REACHED, pressed or digit
            yield Contact(contact, REACHED if reached else status, attempts, digit)

    def call(self, call_sid: str | None) -> Call | None:
        """Return the call with a SID, ``None`` if there is none."""
        row = self._database.execute(f"SELECT {_COLUMNS} FROM calls WHERE call_sid = ?", (call_sid,)).fetchone()  # noqa: S608
        return None if row is None else Call(*row)

    @property
    def untimed(self) -> int:
        """Number of calls whose start is unknown."""
        count: int = self._database.execute("SELECT count(*) FROM calls WHERE start IS NULL").fetchone()[0]
        return count

    def __len__(self) -> int:
        count: int = self._database.execute("SELECT count(*) FROM calls").fetchone()[0]
        return count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database.close()
