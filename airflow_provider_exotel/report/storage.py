"""Files on any object storage that are written completely or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

UNFINISHED = "_unfinished"
"""The folder beside the report in which a task works; its files are removed once the report is complete."""


@dataclass(frozen=True)
class Workspace:
    """The folder in which a report is written until it is complete and its files are moved.

    A move replaces an existing file atomically: it is a rename on a disk, and a copy inside an object store.

    :param folder: the ``ObjectStoragePath`` of the report.
    :param key: a name for the work, so that different reports do not share files.
    :param attempt_id: a name for the try, so that overlapping tries do not move each other's unfinished files.
    """

    folder: Any
    key: str
    attempt_id: str = field(default_factory=lambda: uuid4().hex[:12])

    @contextmanager
    def open_file(self, name: str) -> Iterator[Any]:
        """Open a file of the report for bytes."""
        with _open_for_write(self._at(self.attempt_id, name)) as file:
            yield file

    def publish(self, names: Iterable[str]) -> None:
        """Move files to their final names, unless another try with the same key has completed the report."""
        for name in names:
            try:
                self.folder.fs.mv(self._at(self.attempt_id, name).path, (self.folder / name).path)
            except FileNotFoundError:
                # Only an overlapping try that has published everything clears the files of this one.
                if not (self.folder / name).exists():
                    raise

    def clear(self) -> None:
        """Remove everything but the report."""
        for place in (self._at(), self.folder / UNFINISHED):
            # Another task may be using the parent folder.
            if place.exists() and (place == self._at() or not list(place.iterdir())):
                place.fs.rm(place.path, recursive=True)

    def parts(self, key: str) -> Parts:
        """Return the parts of one campaign.

        :param key: a name for the campaign and the naming of its people.
        """
        return Parts(self._at(key))

    def _at(self, *names: str) -> Any:
        place = self.folder / UNFINISHED / self.key
        for name in names:
            place /= name
        return place


@dataclass(frozen=True)
class Parts:
    """The parts of a campaign's calls that a try has stored (see :mod:`airflow_provider_exotel.report.gather`)."""

    folder: Any

    def read(self, number: int) -> Iterator[str]:
        """Iterate over the lines of a part; empty if the part does not exist."""
        try:
            with self._path(number).open("rb") as file:
                # A file that Airflow 2.11 opens can be read but not iterated over.
                for line in iter(file.readline, b""):
                    yield line.decode("utf-8", "replace")
        except FileNotFoundError:
            return

    def write(self, number: int, lines: Iterable[str]) -> None:
        """Store a part."""
        with _open_for_write(self._path(number)) as file:
            file.write("".join(lines).encode())

    def _path(self, number: int) -> Any:
        return self.folder / f"{number:05}.jsonl"


def _open_for_write(path: Any) -> Any:
    path.fs.makedirs(path.parent.path, exist_ok=True)
    return path.open("wb")
