"""Contact lists and CSV imports as the service shows them: every dialect read into one shape.

Exotel's pages: create lists, bulk list details, add contacts to a list via CSV. Every field but a list's SID may be
missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Any, Literal, Self

from airflow_provider_exotel.client.parse import fold_status, parse_text, parse_time, parse_whole
from airflow_provider_exotel.client.redact import StoredRedacted

ListKind = Literal["static", "dynamic"]
"""What a list is for: ``static`` plain numbers, ``dynamic`` numbers with texts of their own for each."""

MAX_CONTACTS: Mapping[ListKind, int] = {"static": 100_000, "dynamic": 500_000}
"""The most contacts a list holds, those of earlier files included."""
MAX_DYNAMIC_BYTES = 60_000_000
"""A file for a dynamic list is smaller than this."""

_COUNT_NAMES = ("contact_count", "contacts_count", "total_contacts", "count")
_IMPORT_COUNTS = {
    "total": ("total", "total_records", "total_count"),
    "success": ("success", "success_count"),
    "duplicate": ("duplicate", "duplicate_count"),
    "failed": ("failed", "failure_count", "failed_count"),
}


@dataclass(frozen=True)
class ContactList:
    """A list of contacts as the service shows it; it shows whom it holds only page by page.

    :param contacts: how many it holds, ``None`` where the answer does not tell.
    """

    sid: str
    name: str = ""
    tag: str | None = None
    contacts: int | None = None
    date_created: datetime | None = None
    date_updated: datetime | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read one list of an answer.

        :param data: the list's object; it must hold a ``sid``.
        """
        return cls(
            sid=str(data["sid"]),
            name=str(data.get("name") or ""),
            tag=parse_text(data.get("tag")),
            contacts=_first([data], _COUNT_NAMES),
            date_created=parse_time(data.get("date_created")),
            date_updated=parse_time(data.get("date_updated")),
        )


@dataclass(frozen=True)
class Contact(StoredRedacted):
    """One contact of a list; who it is is left out of its text."""

    sid: str | None
    number: str = field(repr=False)
    first_name: str | None = field(default=None, repr=False)
    last_name: str | None = field(default=None, repr=False)
    company_name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    tag: str | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read one contact of an answer."""
        others = ("first_name", "last_name", "company_name", "email", "tag")
        return cls(
            sid=parse_text(data.get("sid") or data.get("contact_sid")),
            number=parse_text(data.get("number")) or "",
            **{name: parse_text(data.get(name)) for name in others},
        )


@dataclass(frozen=True)
class CsvUpload:
    """A file that has been taken and is being imported.

    :param upload_id: what its status is asked for by.
    :param list_sid: the list it goes into, ``None`` where the answer does not tell.
    """

    upload_id: str
    list_sid: str | None = None

    @classmethod
    def of(cls, answer: Any) -> Self | None:
        """Read the answer to an upload, wherever it holds the ids; ``None`` if it holds none."""
        upload_id = _search(answer, lambda place: place.get("upload_id"))
        return None if upload_id is None else cls(upload_id, _list_sid(answer))


class ImportState(StrEnum):
    """How far an import is (Exotel, CSV status)."""

    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """A word this version does not know; it never ends a wait. The word itself is ``ImportStatus.state_text``."""

    @classmethod
    def of(cls, text: object) -> ImportState:
        """Fold the spellings of the service: case, dashes, underscores, spaces, and ``processing``."""
        return _STATES.get(fold_status(text), cls.UNKNOWN)


_STATES = {
    "inprogress": ImportState.IN_PROGRESS,
    "processing": ImportState.IN_PROGRESS,
    "completed": ImportState.COMPLETED,
    "failed": ImportState.FAILED,
}


@dataclass(frozen=True)
class ImportCounts:
    """The rows of a file by what became of them.

    :param success: contacts that were added.
    :param duplicate: rows whose number the list held already or the file held before.
    :param failed: rows without a number the service takes.
    """

    total: int = 0
    success: int = 0
    duplicate: int = 0
    failed: int = 0

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self | None:
        """Read the counts of a status under whichever names; ``None`` if it has none."""
        stats = data.get("stats")
        places = [place for place in (stats, data) if isinstance(place, Mapping)]
        read = {name: _first(places, aliases) for name, aliases in _IMPORT_COUNTS.items()}
        if not any(count is not None for count in read.values()):
            return None
        known = {name: count or 0 for name, count in read.items()}
        if read["total"] is None:
            known["total"] = sum(known.values())
        return cls(**known)


@dataclass(frozen=True)
class ImportStatus:
    """How far the import of a file is.

    :param counts: ``None`` where the answer does not tell.
    """

    upload_id: str
    state: ImportState = ImportState.UNKNOWN
    state_text: str = ""
    """The state in the service's own spelling."""
    list_sid: str | None = None
    counts: ImportCounts | None = None

    @classmethod
    def of(cls, upload_id: str, data: Mapping[str, Any]) -> Self:
        """Read the status of an upload.

        :param upload_id: the upload that was asked for.
        :param data: the object of the answer.
        """
        summary = data.get("summary")
        told = {**summary, **data} if isinstance(summary, Mapping) else data
        return cls(
            upload_id=upload_id,
            state=ImportState.of(told.get("status")),
            state_text=parse_text(told.get("status")) or "",
            list_sid=_list_sid(told),
            counts=ImportCounts.of(told),
        )


def _list_sid(answer: Any) -> str | None:
    inner = _search(answer, lambda place: place["list"].get("sid") if isinstance(place.get("list"), Mapping) else None)
    return _search(answer, lambda place: place.get("list_sid")) or inner


def _search(value: Any, wanted: Callable[[Mapping[str, Any]], Any]) -> str | None:
    """Return the first id wanted, from outside in."""
    level = [value]
    while level:
        for place in level:
            if isinstance(place, Mapping) and isinstance(found := wanted(place), (str, int)) and found != "":
                return str(found)
        level = [inner for place in level for inner in _inside(place)]
    return None


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


def _first(places: Iterable[Mapping[str, Any]], names: Iterable[str]) -> int | None:
    """Return the first whole number that stands under one of the names."""
    counts = (parse_whole(place.get(name)) for place, name in product(places, names))
    return next((count for count in counts if count is not None), None)
