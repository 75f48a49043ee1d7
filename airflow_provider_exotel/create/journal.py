"""What the tries of one task leave each other: an entry of plain JSON, and where it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar


class JournalEntry(Protocol):
    """What is known, as a frozen dataclass; one made of nothing says that nothing is."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __init__(self) -> None: ...

    def as_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON."""

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Self:
        """Read an entry; nothing kept is an empty one."""


EntryT = TypeVar("EntryT", bound=JournalEntry)


@dataclass
class Journal(Generic[EntryT]):
    """An entry, and where it is kept.

    :param read: returns what was kept, or ``None``.
    :param write: keeps it, or raises if it could not be kept, above all because another try has taken over.
    :param outlives_tries: whether a later try reads what this one writes.
    """

    kind: ClassVar[type[Any]]
    read: Callable[[], Mapping[str, Any] | None]
    write: Callable[[dict[str, Any]], None]
    outlives_tries: bool = True
    entry: EntryT = field(init=False)

    def __post_init__(self) -> None:
        self.entry = self.kind.of(self.read())

    @classmethod
    def of_this_try(cls) -> Self:
        """Return one that is forgotten with the try: Airflow before 3.3 has no place for it."""
        return cls(lambda: None, lambda _: None, outlives_tries=False)

    def keep(self, **changes: Any) -> None:
        """Keep the entry with other values in some of its fields."""
        self._keep(replace(self.entry, **changes))

    def forget(self) -> None:
        """Keep that nothing is known."""
        self._keep(self.kind())

    def _keep(self, entry: EntryT) -> None:
        if entry != self.entry:
            self.write(entry.as_json())
            self.entry = entry
