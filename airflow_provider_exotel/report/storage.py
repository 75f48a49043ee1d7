"""Files on any object storage that are either whole or not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

UNFINISHED = "_unfinished"
"""The folder beside the report in which a task works; what is of the same mark is gone when the report is there."""


@dataclass(frozen=True)
class Workplace:
    """Where a report is made: whatever is written goes to a folder of its own, and moves when all of it is there.

    A move replaces what is there at once: a rename on a disk, a copy on the side of an object store.

    :param folder: the ``ObjectStoragePath`` of the report.
    :param mark: tells apart what must not be mixed up.
    :param own: tells apart tries that overlap, so that none moves a file another one is still writing.
    """

    folder: Any
    mark: str
    own: str = field(default_factory=lambda: uuid4().hex[:12])

    @contextmanager
    def writing(self, name: str) -> Iterator[Any]:
        """Open a file of the report for bytes."""
        with _open_for_write(self._at(self.own, name)) as file:
            yield file

    def publish(self, names: Iterable[str]) -> None:
        """Move files under their final names, unless another try of the same mark has left the whole report there."""
        for name in names:
            try:
                self.folder.fs.mv(self._at(self.own, name).path, (self.folder / name).path)
            except FileNotFoundError:
                # What is ours is cleared by nobody but a try that was at work beside this one and had published all.
                if not (self.folder / name).exists():
                    raise

    def clear(self) -> None:
        """Leave nothing but the report."""
        for place in (self._at(), self.folder / UNFINISHED):
            # Another task may be at work beside this one.
            if place.exists() and (place == self._at() or not list(place.iterdir())):
                place.fs.rm(place.path, recursive=True)

    def parts(self, mark: str) -> Parts:
        """Return the parts of one campaign.

        :param mark: tells apart campaigns, and how their people are named.
        """
        return Parts(self._at(mark))

    def _at(self, *names: str) -> Any:
        place = self.folder / UNFINISHED / self.mark
        for name in names:
            place /= name
        return place


@dataclass(frozen=True)
class Parts:
    """The parts of a campaign's calls that a try has put aside (see :mod:`airflow_provider_exotel.report.gather`)."""

    folder: Any

    def read(self, number: int) -> Iterator[str]:
        """Iterate over the lines of a part; none if there is no such part."""
        try:
            with self._path(number).open("rb") as file:
                # What Airflow 2.11 opens can be read and not iterated over.
                for line in iter(file.readline, b""):
                    yield line.decode("utf-8", "replace")
        except FileNotFoundError:
            return

    def write(self, number: int, lines: Iterable[str]) -> None:
        """Put a part aside."""
        with _open_for_write(self._path(number)) as file:
            file.write("".join(lines).encode())

    def _path(self, number: int) -> Any:
        return self.folder / f"{number:05}.jsonl"


def _open_for_write(path: Any) -> Any:
    path.fs.makedirs(path.parent.path, exist_ok=True)
    return path.open("wb")
