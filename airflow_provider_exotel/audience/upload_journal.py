"""What the tries of one task leave each other about an upload: that it is about to be sent, and then its id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from airflow_provider_exotel.create.journal import Journal

_MOMENTS = ("posted_before", "sent_at", "held_since")


@dataclass(frozen=True)
class UploadEntry:
    """What is known of the upload of one list.

    :param list_sid: the list, once it is known.
    :param upload_id: the import that was begun last, once its answer came.
    :param sent_at: when that answer came.
    :param posted_before: until when the file may have been begun to be sent, where that is open; ``None`` if it surely
        was not, or its answer came.
    :param held: how many contacts the list was last seen with.
    :param held_since: since when it has been seen with so many.
    """

    list_sid: str | None = None
    upload_id: str | None = None
    sent_at: datetime | None = None
    posted_before: datetime | None = None
    held: int | None = None
    held_since: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON, without anything of a contact."""
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in vars(self).items()}

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Self:
        """Read an entry; nothing kept is an empty one."""
        known = {name: value for name, value in (kept or {}).items() if name in cls.__dataclass_fields__}
        return cls(**known | {name: datetime.fromisoformat(known[name]) for name in _MOMENTS if known.get(name)})


class UploadJournal(Journal[UploadEntry]):
    """What the tries of one task know of an upload."""

    kind = UploadEntry
