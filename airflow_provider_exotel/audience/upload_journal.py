"""What the tries of one task leave each other about an upload: that it is about to be sent, and then its id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

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


@dataclass
class UploadJournal:
    """The entry of one list, and where it is kept.

    :param read: returns what was kept, or ``None``.
    :param write: keeps it, or raises if it could not be kept, above all because another try has taken over.
    :param outlives_tries: whether a later try reads what this one writes.
    """

    read: Callable[[], Mapping[str, Any] | None]
    write: Callable[[dict[str, Any]], None]
    outlives_tries: bool = True
    entry: UploadEntry = field(init=False)

    def __post_init__(self) -> None:
        self.entry = UploadEntry.of(self.read())

    @classmethod
    def of_this_try(cls) -> UploadJournal:
        """Return one that is forgotten with the try."""
        return cls(lambda: None, lambda _: None, outlives_tries=False)

    def keep(self, **changes: Any) -> None:
        """Keep the entry with other values in some of its fields."""
        self._keep(replace(self.entry, **changes))

    def forget(self) -> None:
        """Keep that nothing is known."""
        self._keep(UploadEntry())

    def _keep(self, entry: UploadEntry) -> None:
        if entry != self.entry:
            self.write(entry.as_json())
            self.entry = entry
