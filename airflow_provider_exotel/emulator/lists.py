"""Lists of contacts, and the imports that fill them (Exotel, create lists and add contacts to a list via CSV).

Nothing runs in the background: an import is a pure function of the clock's progress, and so is the content of a list
that is partly filled.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import BinaryIO
from uuid import uuid4

from airflow_provider_exotel.emulator import csv_file
from airflow_provider_exotel.emulator.clock import Clock
from airflow_provider_exotel.emulator.envelopes import Refusal
from airflow_provider_exotel.emulator.paging import OLDEST_FIRST, Page, in_order, named, page
from airflow_provider_exotel.emulator.settings import Settings
from airflow_provider_exotel.emulator.validation import NUMBER

MOST_CONTACTS_PER_PAGE = 20
KINDS = tuple(csv_file.MOST_CONTACTS)


@dataclass(frozen=True)
class ContactList:
    """A contact list at one time.

    :param numbers: its numbers.
    :param kind: ``static`` or ``dynamic``.
    :param columns: the columns of its file without ``number``.
    :param created_at: seconds since 1970.
    :param reads_before: number of list requests answered before it was created.
    """

    sid: str
    name: str
    numbers: tuple[str, ...] = field(repr=False)
    tag: str = ""
    kind: str = "static"
    columns: tuple[str, ...] = ()
    created_at: float = 0.0
    updated_at: float = 0.0
    reads_before: int = 0


@dataclass(frozen=True)
class ImportCounts:
    """The rows of an import by result."""

    total: int
    success: int
    duplicate: int
    failed: int


@dataclass(frozen=True)
class Import:
    """The import of one file.

    :param began: the clock's progress at the upload.
    :param seconds: its duration in seconds of progress.
    :param added: the numbers it adds to its list, in order.
    :param counts: the final counts of its rows.
    :param breaks_off: whether it ends as ``failed``.
    """

    upload_id: str
    list_sid: str
    began: float
    seconds: float
    added: tuple[str, ...] = field(repr=False)
    counts: ImportCounts
    breaks_off: bool = False

    @property
    def ends(self) -> float:
        """Return the progress at which it ends."""
        return self.began + self.seconds

    def share(self, progress: float) -> float:
        """Return the finished share."""
        return min(1.0, (progress - self.began) / self.seconds) if self.seconds else 1.0

    def status(self, progress: float) -> str:
        """Return ``in-progress``, ``completed`` or ``failed``."""
        if progress < self.ends:
            return "in-progress"
        return "failed" if self.breaks_off else "completed"

    def counts_at(self, progress: float) -> ImportCounts:
        """Return the rows so far."""
        share = self.share(progress)
        return ImportCounts(*(int(share * count) for count in vars(self.counts).values()))


class Lists:
    """The lists of one account. Its methods may be called from any thread.

    :param settings: the switches.
    :param clock: the clock.
    :param lock: the lock of the account.
    """

    def __init__(self, settings: Settings, clock: Clock, lock: threading.RLock) -> None:
        self._settings, self._clock, self._lock = settings, clock, lock
        self._lists: dict[str, ContactList] = {}
        self._imports: dict[str, Import] = {}
        self._running: dict[str, list[Import]] = {}
        self._reads = 0

    def clear(self) -> None:
        """Remove all lists."""
        with self._lock:
            for each in (self._lists, self._imports, self._running):
                each.clear()
            self._reads = 0

    def add(self, sid: str, numbers: Iterable[str], name: str | None = None) -> ContactList:
        """Add a list with contacts, without an import.

        :param sid: its SID.
        :param numbers: its numbers.
        :param name: its name; the SID if ``None``.
        :raises ValueError: if the SID or a number is not text.
        """
        if not isinstance(sid, str) or not sid or isinstance(numbers, str):
            raise ValueError("a list has a SID and an array of numbers")
        held = tuple(numbers)
        if not all(isinstance(each, str) for each in held):
            raise ValueError("numbers are texts")
        with self._lock:
            return self._keep(self._new(sid, name or sid, numbers=held))

    def create(self, name: object, tag: object = "") -> ContactList:
        """Create an empty list (Exotel, create lists).

        :raises Refusal: 400 without a name, 409 for one that is taken.
        """
        if not isinstance(name, str) or not name.strip() or not isinstance(tag, str):
            raise Refusal(400, "name must be a text")
        with self._lock:
            if self._of_name(name):
                raise Refusal(409, "A list of this name exists already")
            return self._keep(self._new(uuid4().hex, name, tag=tag))

    def get(self, sid: str) -> ContactList:
        """Return the current state of a list (Exotel, get list details).

        :raises Refusal: 404 if there is none.
        """
        with self._lock:
            if sid not in self._lists:
                raise Refusal(404, "There is no such list")
            return self._now(sid)

    def all(self) -> list[ContactList]:
        """Return all lists in the order of their creation."""
        with self._lock:
            return [self._now(sid) for sid in self._lists]

    def numbers(self) -> Mapping[str, tuple[str, ...]]:
        """Return the numbers of each list by its SID."""
        return {each.sid: each.numbers for each in self.all()}

    def select(self, query: Mapping[str, str]) -> Page[ContactList]:
        """Return a page of lists (Exotel, bulk list details).

        :param query: ``offset``, ``limit``, ``name``, ``sort_by``.
        :raises Refusal: 400 for an invalid parameter, 500 if the name filter is set to fail.
        """
        with self._lock:
            found = [self._now(each.sid) for each in self._lists.values() if self._shown(each)]
            self._reads += 1
        if name := query.get("name"):
            found = named(found, name, self._settings.name_filter)
        return page(in_order(found, query.get("sort_by", OLDEST_FIRST)), query)

    def contacts(self, sid: str, query: Mapping[str, str]) -> Page[str]:
        """Return a page of a list's numbers, never more than twenty (Exotel, list contacts).

        :param query: ``offset``, ``limit``.
        :raises Refusal: 404, or 400 for an invalid parameter.
        """
        return page(self.get(sid).numbers, query, MOST_CONTACTS_PER_PAGE)

    def change(self, sid: str, given: object) -> ContactList:
        """Give a list another name or tag (Exotel, update a list).

        :raises Refusal: 404, 409 for a name that is taken, 400 for anything else.
        """
        if not isinstance(given, Mapping) or not set(given) & {"name", "tag"}:
            raise Refusal(400, "name or tag is mandatory")
        changes = {key: given[key] for key in ("name", "tag") if key in given}
        if not all(isinstance(value, str) and value.strip() for value in changes.values()):
            raise Refusal(400, "name and tag must be texts")
        with self._lock:
            self.get(sid)
            if any(other.sid != sid for other in self._of_name(changes.get("name"))):
                raise Refusal(409, "A list of this name exists already")
            self._keep(replace(self._lists[sid], updated_at=self._clock.time(), **changes))
            return self._now(sid)

    def delete(self, sid: str) -> ContactList:
        """Delete a list (Exotel, delete a list).

        :raises Refusal: 404 if there is none.
        """
        with self._lock:
            deleted = self.get(sid)
            self._running.pop(sid, None)
            del self._lists[sid]
            return deleted

    def upload(self, name: str, kind: str, file: BinaryIO, size: int) -> Import:
        """Start the import of a file into the list with a name, which is created if missing (Exotel, CSV upload).

        :param name: the name of the list.
        :param kind: ``static`` or ``dynamic``.
        :param file: the CSV file at its beginning.
        :param size: its length in bytes.
        :raises Refusal: 400 for an invalid file, kind or name, or for too many contacts.
        """
        if not name.strip():
            raise Refusal(400, "list_name is mandatory")
        if kind not in KINDS:
            raise Refusal(400, f"type must be {' or '.join(KINDS)}")
        csv_file.check_size(size, kind)
        columns, numbers = csv_file.read_numbers(file, kind)
        with self._lock:
            found = self._of_name(name)
            into = self._lists[found[0].sid] if found else self._new(uuid4().hex, name)
            running = self._running.get(into.sid, [])
            held = set(chain(into.numbers, *(each.added for each in running)))
            if held and (kind != into.kind or (kind == "dynamic" and columns != into.columns)):
                raise Refusal(400, "The list is of another type or has other columns")
            begun = self._begun(into.sid, numbers, held, csv_file.MOST_CONTACTS[kind])
            self._keep(replace(into, kind=kind, columns=columns, updated_at=self._clock.time()))
            self._imports[begun.upload_id] = begun
            self._running[into.sid] = [*running, begun]
            return begun

    def status(self, upload_id: str) -> tuple[Import, float]:
        """Return an import with the current progress (Exotel, CSV status).

        :raises Refusal: 404 if there is none.
        """
        with self._lock:
            if upload_id not in self._imports:
                raise Refusal(404, "There is no such upload")
            return self._imports[upload_id], self._clock.progress()

    def busy(self, sids: Iterable[str]) -> bool:
        """Return whether one of these lists is still being imported."""
        with self._lock:
            progress = self._clock.progress()
            return any(progress < each.ends for sid in sids for each in self._running.get(sid, ()))

    def idle_since(self, sids: Iterable[str]) -> float:
        """Return the progress at which the last import into one of these lists ended."""
        with self._lock:
            wanted = set(sids)
            return max((each.ends for each in self._imports.values() if each.list_sid in wanted), default=0.0)

    def _begun(self, sid: str, numbers: Iterable[str], held: set[str], most: int) -> Import:
        settings, total, invalid = self._settings, 0, 0
        keeps_all = not settings.drop_duplicates
        added: list[str] = []
        before = len(held)
        for number in numbers:
            total += 1
            if not NUMBER.fullmatch(number):
                invalid += 1
            elif keeps_all or number not in held:
                held.add(number)
                added.append(number)
        if not total:
            raise Refusal(400, "The file has no rows")
        if before + len(added) > most:
            raise Refusal(400, f"A list of this type holds at most {most} contacts")
        failing = min(settings.import_failed_rows, len(added))
        arriving = tuple(added[: len(added) - failing])
        counts = ImportCounts(total, len(arriving), total - invalid - len(added), invalid + failing)
        stops_after = settings.import_stops_after
        if stops_after is not None:
            arriving = arriving[:stops_after]
            counts = ImportCounts(total, len(arriving), 0, 0)
        return Import(
            uuid4().hex,
            sid,
            self._clock.progress(),
            settings.import_seconds,
            arriving,
            counts,
            breaks_off=stops_after is not None,
        )

    def _new(self, sid: str, name: str, *, numbers: tuple[str, ...] = (), tag: str = "") -> ContactList:
        now = self._clock.time()
        return ContactList(sid, name, numbers, tag, created_at=now, updated_at=now, reads_before=self._reads)

    def _keep(self, kept: ContactList) -> ContactList:
        self._lists[kept.sid] = kept
        return kept

    def _now(self, sid: str) -> ContactList:
        """Return a list with the contacts imported so far; finished imports are stored in it."""
        progress = self._clock.progress()
        for done in [each for each in self._running.get(sid, ()) if progress >= each.ends]:
            self._running[sid].remove(done)
            self._keep(replace(self._lists[sid], numbers=self._lists[sid].numbers + done.added))
        kept, running = self._lists[sid], self._running.get(sid)
        if not running:
            return kept
        arrived = (each.added[: int(each.share(progress) * len(each.added))] for each in running)
        return replace(kept, numbers=tuple(chain(kept.numbers, *arrived)))

    def _of_name(self, name: str | None) -> list[ContactList]:
        return [self._now(each.sid) for each in list(self._lists.values()) if each.name == name]

    def _shown(self, each: ContactList) -> bool:
        """Return whether a list appears in lists already."""
        return (
            self._reads - each.reads_before >= self._settings.list_delay_reads
            and self._clock.time() - each.created_at >= self._settings.list_delay_seconds
        )
