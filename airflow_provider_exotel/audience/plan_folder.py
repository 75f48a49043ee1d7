"""The folder of a plan: files with numbers, the quarantine file, and the plan itself, which is written last."""

from __future__ import annotations

import io
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from typing import Any

from airflow_provider_exotel.audience.plan import CHUNKS, AudiencePlan
from airflow_provider_exotel.audience.plan_page import render_markdown, render_page
from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.contacts.files import translate_file_errors
from airflow_provider_exotel.contacts.rejection import Rejection, quarantine_to

log = logging.getLogger(__name__)

_FILES = {"plan": "plan.json", "page": "plan.html", "markdown": "plan.md", "quarantine": "quarantine.csv"}


class PlanFolder:
    """The folder of a plan on any object storage.

    :param address: its path, such as ``s3://conn@bucket/plans/...``.
    :param open_path: returns the path object of an address.
    :raises ExotelInputError: if the address is not accessible.
    """

    def __init__(self, address: str, open_path: Callable[[str], Any]) -> None:
        self.address = address.rstrip("/")
        with translate_file_errors(self.address, "output_path"):
            self._path = open_path(self.address)
            self._fs = self._path.fs

    @classmethod
    def of_file(cls, path: str, open_path: Callable[[str], Any]) -> PlanFolder:
        """Return the plan folder of a file with numbers.

        :raises ExotelInputError: if the file is not in a plan folder.
        """
        folder, chunks, _ = path.rpartition(f"/{CHUNKS}/")
        if not chunks:
            raise ExotelInputError([Problem("campaign.lists", "must be files of a plan; use the output of a plan")])
        return cls(folder, open_path)

    @property
    def files(self) -> dict[str, str]:
        """The addresses of its files by kind: ``plan``, ``page``, ``markdown``, ``quarantine``."""
        return {what: f"{self.address}/{name}" for what, name in _FILES.items()}

    def open_chunk(self, name: str) -> AbstractContextManager[Any]:
        """Open a file with numbers for writing bytes."""
        return self._writing(self._path / CHUNKS / name)

    def write(self, what: str, text: str) -> None:
        """Write one of :attr:`files`, replacing an existing one."""
        with self._writing(self._path / _FILES[what]) as file:
            file.write(text.encode())

    @contextmanager
    def quarantine(self) -> Iterator[Callable[[Rejection], None]]:
        """Return a function that records rejected rows; the quarantine file is written in any case."""
        with tempfile.TemporaryFile() as rows:
            text = io.TextIOWrapper(rows, encoding="utf-8", newline="", write_through=True)
            write, count = quarantine_to(text), 0

            def left_out(rejection: Rejection) -> None:
                nonlocal count
                count += 1
                write(rejection)

            try:
                yield left_out
            except ExotelInputError:
                if count:
                    log.error("Rejected %d rows; see %s.", count, self.files["quarantine"])  # noqa: TRY400
                raise
            finally:
                rows.seek(0)
                with self._writing(self._path / _FILES["quarantine"]) as file:
                    shutil.copyfileobj(rows, file)

    def contacts_of(self, paths: Iterable[str]) -> list[tuple[str, int]]:
        """Return the files with numbers, each with its number of contacts.

        :param paths: their addresses.
        :raises ExotelInputError: if the plan is missing, does not contain a file, or a file has another size.
        """
        chunks = (self.read_plan() or {}).get("chunks", {})
        problems, files = [], []
        for path in paths:
            name = path.rpartition("/")[2]
            planned, file = chunks.get(name), self._path / CHUNKS / name
            if planned is None:
                problems.append(
                    Problem("campaign.lists", f"{name} is not in the plan of its folder; plan the run again")
                )
            elif not file.exists() or file.stat().st_size != planned["size"]:
                problems.append(Problem("campaign.lists", f"{name} is missing or was changed; plan the run again"))
            else:
                files.append((path, planned["rows"]))
        if problems:
            raise ExotelInputError(problems)
        return files

    def read_plan(self) -> dict[str, Any] | None:
        """Return the stored plan, or ``None`` if there is none.

        :raises ExotelInputError: if the stored file is not a plan.
        """
        try:
            with (self._path / _FILES["plan"]).open("rb") as file:
                plan = json.loads(file.read())
        except FileNotFoundError:
            return None
        except ValueError:
            plan = None
        if not isinstance(plan, dict) or not {"run", "settings", "plan", "campaigns", "chunks"} <= set(plan):
            message = "must be a separate folder for each run; its plan.json is not a plan"
            raise ExotelInputError([Problem("output_path", message)])
        return plan

    def _writing(self, path: Any) -> AbstractContextManager[Any]:
        self._fs.makedirs(path.parent.path, exist_ok=True)
        file: AbstractContextManager[Any] = path.open("wb")
        return file


def write_plan(
    folder: PlanFolder, plan: AudiencePlan, campaigns: Sequence[Mapping[str, Any]], run: str, settings: str
) -> dict[str, Any]:
    """Write the files of a plan, and return the stored JSON.

    :param folder: the plan's folder, whose files with numbers are complete.
    :param plan: the plan.
    :param campaigns: the arguments of its campaigns' tasks.
    :param run: unique id of the task in this run.
    :param settings: digest of all settings of the plan.
    """
    text = render_markdown(plan)
    document = {
        "run": run,
        "settings": settings,
        "plan": {**plan.as_json(), "markdown": text, "files": folder.files},
        "campaigns": list(campaigns),
        "chunks": {chunk.name: asdict(chunk) for chunk in plan.summary.chunks},
    }
    folder.write("markdown", text)
    folder.write("page", render_page(plan))
    # Written last: it marks the folder as complete.
    folder.write("plan", json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    return document


def check_same_plan(document: Mapping[str, Any], run: str, settings: str) -> None:
    """Refuse a stored plan of another run, or with other settings.

    :param document: the stored JSON of :func:`write_plan`.
    :param run: unique id of the task in this run.
    :param settings: digest of all settings of the plan.
    :raises ExotelInputError: if run or settings differ.
    """
    if document["run"] != run:
        message = "must be a separate folder for each run, such as .../{{ run_id }}; it has the plan of another run"
        raise ExotelInputError([Problem("output_path", message)])
    plan = document["plan"]
    if document["settings"] != settings:
        message = (
            f"has plan {plan['id']} of this run with other settings, and its campaigns may exist; trigger a run of "
            "another date, or delete plan.json there if there are none"
        )
        raise ExotelInputError([Problem("output_path", message)])
    log.warning(
        "This run already has plan %s with %d contacts; the audience is not read again.",
        plan["id"],
        plan["accepted"],
    )
