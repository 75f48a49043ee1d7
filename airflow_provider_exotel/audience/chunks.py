"""An audience in files of the sizes Exotel takes, each named by what it holds."""

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
"""Opens the file of a name for writing bytes."""

_IN_MEMORY = 1 << 20
_PENDING = 1 << 16
_NAMED_BY = 32
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class ChunkLimits:
    """How large a chunk may be, and how many make a campaign (Exotel's pages on lists and CSV uploads).

    :param rows: the most numbers in a chunk.
    :param per_campaign: the most chunks in a campaign.
    :param size: bytes a chunk stays below, ``None`` where no limit is documented.
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

    :param name: its name: the key, and the beginning of the digest.
    :param key: what its numbers have in common.
    :param campaign: which campaign of the key it belongs to, from 1.
    :param rows: how many numbers it holds.
    :param size: bytes.
    :param digest: HMAC-SHA256 of its content, in hex; without the secret no number can be guessed from it.
    """

    name: str
    key: str
    campaign: int
    rows: int
    size: int
    digest: str


class ChunkWriter:
    """Sorts contacts into chunks by key; what is not full yet waits in memory, then in temporary files without a name.

    :param open_for_write: opens the file of a name, once its content is complete.
    :param limits: how large chunks may be.
    :param variables: the columns beside the number's.
    :param secret: the secret of the digests.
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
        """Add a contact; a chunk that it no longer fits into is written first.

        :param key: what its chunk's numbers have in common.
        :param number: its number.
        :param values: the values of the variables; a line break in one becomes a space.
        """
        # A line break in a value would be a row of its own to a reader of CSV that does not know better.
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
        """Write what is not full, and return all chunks, those of a key together, in the order of their numbers."""
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
    """A chunk that is not complete."""

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
