"""Contact lists and CSV imports as the service shows them, in one shape for every dialect.

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
"""Kind of list: ``static`` for numbers, ``dynamic`` for numbers with the variables of a personalised text."""

MAX_CONTACTS: Mapping[ListKind, int] = {"static": 100_000, "dynamic": 500_000}
"""The most contacts that a list may hold, those of earlier files included."""
MAX_DYNAMIC_BYTES = 60_000_000
"""A file for a dynamic list must be smaller than this."""

_COUNT_NAMES = ("contact_count", "contacts_count", "total_contacts", "count")
_IMPORT_COUNTS = {
    "total": ("total", "total_records", "total_count"),
    "success": ("success", "success_count"),
    "duplicate": ("duplicate", "duplicate_count"),
    "failed": ("failed", "failure_count", "failed_count"),
}


@dataclass(frozen=True)
class ContactList:
    """A contact list as the service shows it, without its contacts.

    :param contacts: number of its contacts, ``None`` if the answer does not say.
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
    """One contact of a list; number, names and address are left out of its ``repr``."""

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
    """A file that the service has received and is importing.

    :param upload_id: the id of its import.
    :param list_sid: the list that it is imported into, ``None`` if the answer does not say.
    """

    upload_id: str
    list_sid: str | None = None

    @classmethod
    def of(cls, answer: Any) -> Self | None:
        """Read the ids from any place in the answer to an upload; ``None`` if it has none."""
        upload_id = _search(answer, lambda place: place.get("upload_id"))
        return None if upload_id is None else cls(upload_id, _list_sid(answer))


class ImportState(StrEnum):
    """State of an import (Exotel, CSV status)."""

    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """A state that this version does not know; it never ends a wait. ``ImportStatus.state_text`` holds its text."""

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
    """Counts of the rows of a file by result.

    :param success: contacts that were added.
    :param duplicate: rows whose number was in the list or in an earlier row.
    :param failed: rows without a valid number.
    """

    total: int = 0
    success: int = 0
    duplicate: int = 0
    failed: int = 0

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self | None:
        """Read the counts of a status, under any of their names; ``None`` if there are none."""
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
    """Progress of the import of a file.

    :param counts: ``None`` if the answer does not say.
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

        :param upload_id: the id of the import.
        :param data: the object of the answer.
        """
        summary = data.get("summary")
        fields = {**summary, **data} if isinstance(summary, Mapping) else data
        return cls(
            upload_id=upload_id,
            state=ImportState.of(fields.get("status")),
            state_text=parse_text(fields.get("status")) or "",
            list_sid=_list_sid(fields),
            counts=ImportCounts.of(fields),
        )


def _list_sid(answer: Any) -> str | None:
    inner = _search(answer, lambda place: place["list"].get("sid") if isinstance(place.get("list"), Mapping) else None)
    return _search(answer, lambda place: place.get("list_sid")) or inner


def _search(value: Any, wanted: Callable[[Mapping[str, Any]], Any]) -> str | None:
    """Return the first id found, searching from the outermost level inwards."""
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
    """Return the first whole number under one of the names."""
    counts = (parse_whole(place.get(name)) for place, name in product(places, names))
    return next((count for count in counts if count is not None), None)
