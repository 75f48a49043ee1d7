"""Write an audience to files of sizes that Exotel accepts, named by a digest of their contents."""

from __future__ import annotations

import csv
import hashlib
import hmac
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from types import SimpleNamespace
from typing import IO, Any

from airflow_provider_exotel.client.request import MAX_LISTS, MAX_NUMBERS
from airflow_provider_exotel.contacts.rows import COLUMN

OpenForWrite = Callable[[str], AbstractContextManager[Any]]
"""Opens a file for writing bytes, by its name."""

_IN_MEMORY = 1 << 20
_PENDING = 1 << 16
_NAMED_BY = 32
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class ChunkLimits:
    """The limits of a chunk and of a campaign (Exotel's pages on lists and CSV uploads).

    :param rows: maximum number of rows in a chunk.
    :param per_campaign: maximum number of chunks in a campaign.
    :param size: exclusive maximum size of a chunk in bytes; ``None`` if no limit is documented.
    """

    rows: int
    per_campaign: int = 1
    size: int | None = None


INLINE = ChunkLimits(MAX_NUMBERS)
STATIC_LIST = ChunkLimits(100_000, MAX_LISTS["static"])
DYNAMIC_LIST = ChunkLimits(500_000, MAX_LISTS["dynamic"], 60_000_000)


@dataclass(frozen=True)
class Chunk:
    """One file of an audience.

    :param name: its file name: the key and the start of the digest.
    :param key: the group of its numbers, such as a group of time zones.
    :param campaign: the index, from 1, of its campaign within the key.
    :param rows: number of its rows.
    :param size: its size in bytes.
    :param digest: HMAC-SHA256 of its content, in hex; numbers cannot be brute-forced without the secret.
    """

    name: str
    key: str
    campaign: int
    rows: int
    size: int
    digest: str


class ChunkWriter:
    """Writes contacts to chunks by key; incomplete chunks are kept in memory, or in unnamed temporary files.

    :param open_for_write: opens a file once its content is complete.
    :param limits: the limits of a chunk.
    :param variables: the columns besides the number.
    :param secret: the key of the digests.
    """

    def __init__(
        self, open_for_write: OpenForWrite, limits: ChunkLimits, variables: Sequence[str], secret: bytes
    ) -> None:
        self._open_for_write, self._limits, self._secret = open_for_write, limits, secret
        lines: list[str] = []
        self._lines, writer = lines, csv.writer(SimpleNamespace(write=lines.append), lineterminator="\n")
        self._write_line = writer.writerow
        self._header = self._line((COLUMN, *variables))
        self._growing: dict[str, _Growing] = {}
        self._finished: dict[str, list[Chunk]] = {}
        self._open = ExitStack()

    def __enter__(self) -> ChunkWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, key: str, number: str, values: Iterable[str]) -> None:
        """Add a contact; if its chunk is full, that chunk is written first.

        :param key: the key of its chunk.
        :param number: its number.
        :param values: the values of the variables; line breaks become spaces.
        """
        # A simple CSV reader would take a line break in a value for a new row.
        line = self._line((number, *(" ".join(value.splitlines()) for value in values)))
        growing = self._growing.get(key)
        if growing is not None and not self._fits(growing, line):
            self._finish(key)
            growing = None
        if growing is None:
            growing = self._growing[key] = _Growing(self._open, self._secret, self._header)
            self._finished.setdefault(key, [])
        growing.add(line)

    def finish(self) -> tuple[Chunk, ...]:
        """Write the remaining chunks, and return all chunks, grouped by key and in order."""
        for key in list(self._growing):
            self._finish(key)
        return tuple(chunk for chunks in self._finished.values() for chunk in chunks)

    def _line(self, cells: Sequence[str]) -> bytes:
        self._write_line(cells)
        return self._lines.pop().encode()

    def _fits(self, growing: _Growing, line: bytes) -> bool:
        size = self._limits.size
        return growing.rows < self._limits.rows and (size is None or growing.size + len(line) < size)

    def _finish(self, key: str) -> None:
        growing, earlier = self._growing.pop(key), self._finished[key]
        digest = growing.digest()
        name = f"{_NOT_IN_NAMES.sub('-', key)}-{digest[:_NAMED_BY]}.csv"
        with self._open_for_write(name) as file:
            growing.copy_to(file)
        campaign = len(earlier) // self._limits.per_campaign + 1
        earlier.append(Chunk(name, key, campaign, growing.rows, growing.size, digest))


class _Growing:
    """An incomplete chunk."""

    def __init__(self, opened: ExitStack, secret: bytes, header: bytes) -> None:
        self._file = opened.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - the stack does
        self._hmac = hmac.new(secret, digestmod=hashlib.sha256)
        self._pending = bytearray(header)
        self.rows, self.size = 0, len(header)

    def add(self, line: bytes) -> None:
        self.rows += 1
        self.size += len(line)
        self._pending += line
        if len(self._pending) >= _PENDING:
            self._flush()

    def digest(self) -> str:
        self._flush()
        return self._hmac.hexdigest()

    def copy_to(self, file: IO[bytes]) -> None:
        self._file.seek(0)
        shutil.copyfileobj(self._file, file)
        self._file.close()

    def _flush(self) -> None:
        self._file.write(self._pending)
        self._hmac.update(self._pending)
        self._pending.clear()
