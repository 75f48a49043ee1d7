"""The folder of a plan: files of numbers, the quarantine, and the plan itself, which is written last."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_provider_exotel.audience.plan import CHUNKS
from airflow_provider_exotel.client.errors import ExotelInputError, Problem

if TYPE_CHECKING:
    from airflow_provider_exotel.contacts.rejection import Rejection

_FILES = {"plan": "plan.json", "page": "plan.html", "markdown": "plan.md", "quarantine": "quarantine.csv"}


@dataclass(frozen=True)
class PlannedFile:
    """A file of numbers.

    :param name: its name, which tells its content.
    :param rows: how many numbers it holds.
    :param open: opens it for reading bytes.
    """

    name: str
    rows: int
    open: Callable[[], BinaryIO]


class PlanFolder:
    """A folder on any object storage.

    :param address: its path, such as ``s3://conn@bucket/plans/...``.
    """

    def __init__(self, address: str) -> None:
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        self.address = address.rstrip("/")
        self._path: Any = ObjectStoragePath(self.address)

    @classmethod
    def of_file(cls, path: str) -> PlanFolder:
        """Return the folder that a file of numbers is in.

        :raises ExotelInputError: if it is not one of a plan.
        """
        folder, chunks, _ = path.rpartition(f"/{CHUNKS}/")
        if not chunks:
            raise ExotelInputError(
                [Problem("campaign.lists", "names a file that is not of a plan; take a plan's output")]
            )
        return cls(folder)

    @property
    def files(self) -> dict[str, str]:
        """The addresses of its files, by what they are: ``plan``, ``page``, ``markdown``, ``quarantine``."""
        return {what: f"{self.address}/{name}" for what, name in _FILES.items()}

    def open_chunk(self, name: str) -> AbstractContextManager[Any]:
        """Open a file of numbers for writing bytes."""
        return self._writing(self._path / CHUNKS / name)

    def write(self, what: str, text: str) -> None:
        """Write one of :attr:`files`; what was there is replaced."""
        with self._writing(self._path / _FILES[what]) as file:
            file.write(text.encode())

    @contextmanager
    def quarantine(self) -> Iterator[Callable[[Rejection], None]]:
        """Return a function that hears of every row that is left out; the file is there afterwards in any case."""
        from airflow_provider_exotel.contacts.rejection import quarantine_to

        with tempfile.TemporaryFile() as rows:
            text = io.TextIOWrapper(rows, encoding="utf-8", newline="", write_through=True)
            try:
                yield quarantine_to(text)
            finally:
                rows.seek(0)
                with self._writing(self._path / _FILES["quarantine"]) as file:
                    shutil.copyfileobj(rows, file)

    def planned(self, paths: Iterable[str]) -> list[PlannedFile]:
        """Return what was planned of files of numbers.

        :param paths: their addresses.
        :raises ExotelInputError: if the plan is gone, does not know one, or one is not as long as it was.
        """
        kept = self.kept() or {}
        problems, files = [], []
        for path in paths:
            name = path.rpartition("/")[2]
            told, file = kept.get("chunks", {}).get(name), self._path / CHUNKS / name
            if told is None:
                problems.append(Problem("campaign.lists", f"names {name}, which no plan in its folder knows"))
            elif not file.exists() or file.stat().st_size != told["size"]:
                problems.append(Problem("campaign.lists", f"names {name}, which is gone or is not as it was planned"))
            else:
                files.append(PlannedFile(name, told["rows"], partial(file.open, "rb")))
        if problems:
            raise ExotelInputError(problems)
        return files

    def keep(self, kept: dict[str, Any]) -> None:
        """Write the plan, which makes the folder complete."""
        self.write("plan", json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n")

    def kept(self) -> dict[str, Any] | None:
        """Return the plan that is there, ``None`` if there is none.

        :raises ExotelInputError: if what is there is no plan.
        """
        try:
            with (self._path / _FILES["plan"]).open("rb") as file:
                kept = json.loads(file.read())
        except FileNotFoundError:
            return None
        except ValueError:
            kept = None
        if not isinstance(kept, dict) or not {"run", "settings", "plan", "campaigns", "chunks"} <= set(kept):
            raise ExotelInputError(
                [Problem("output_path", "holds a plan.json that is no plan; give a folder of its own")]
            )
        return kept

    def _writing(self, path: Any) -> AbstractContextManager[Any]:
        path.fs.makedirs(path.parent.path, exist_ok=True)
        file: AbstractContextManager[Any] = path.open("wb")
        return file
