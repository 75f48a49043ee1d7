"""Upload one file of contacts as exactly one contact list, even if workers or connections fail.

:meth:`ListUpload.next_step` only reads, and takes the first of these that applies:

1. The journal has an import: wait until it is over, then compare the counts.
2. The account has a list with the name. With the expected count, it is complete. With fewer contacts, an import may be
   running or may have been interrupted: wait until the count is stable, then send the file again, since the service
   drops duplicates (Exotel, add contacts to a list via CSV). With more contacts, somebody else has changed it.
3. An earlier try may have sent the file, and its list may not be visible yet: wait until it would certainly show.
4. Otherwise, the file has to be sent.

:meth:`ListUpload.send` stores the intent, sends the file, and stores the id of the import.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from airflow_provider_exotel.audience.errors import ExotelImportUnfinished, ExotelListMismatch
from airflow_provider_exotel.client.contact_list import ContactList, ImportCounts, ImportState, ImportStatus, ListKind
from airflow_provider_exotel.client.errors import (
    ExotelConnectionError,
    ExotelError,
    ExotelNotFound,
    ExotelOutcomeUnknown,
    ExotelRequestRefused,
    ExotelResponseError,
    ExotelServerError,
)
from airflow_provider_exotel.create.journal import Journal, as_stored, known_fields

if TYPE_CHECKING:
    from airflow_provider_exotel.client.lists import ContactLists

log = logging.getLogger(__name__)

SETTLE = timedelta(seconds=120)
"""Maximum time until a list appears after its response was due, and until an unchanged count is considered final."""
SEND_WITHIN = timedelta(seconds=30)
"""Maximum time between storing the intent and sending the file."""
IMPORT_WITHIN = timedelta(minutes=15)
"""Maximum time to wait for an import (Exotel, CSV status)."""
SUPPORT_AFTER = timedelta(minutes=30)
"""After this time, Exotel's guide says to contact its support about an import."""
MAX_LISTS_READ = 10_000
"""Maximum number of lists read to find one by name: twenty requests."""
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 30.0


@dataclass(frozen=True)
class UploadEntry:
    """The journal entry of an upload.

    :param list_sid: the list, once it is known.
    :param upload_id: the latest import, once its response has arrived.
    :param sent_at: when that response arrived.
    :param posted_before: deadline of a file that may have been sent; ``None`` if none is open.
    :param held: number of contacts in the list at the last poll.
    :param held_since: when the list first had this number.
    """

    list_sid: str | None = None
    upload_id: str | None = None
    sent_at: datetime | None = None
    posted_before: datetime | None = None
    held: int | None = None
    held_since: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON, without contact data."""
        return as_stored(vars(self))

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self:
        """Read an entry; ``None`` gives an empty one."""
        return cls(**known_fields(cls, stored or {}, "sent_at", "posted_before", "held_since"))


class UploadJournal(Journal):
    """The journal of a task that uploads a file."""

    @property
    def entry(self) -> UploadEntry:
        """The stored entry."""
        return UploadEntry.of(self.state)

    def update(self, **changes: Any) -> None:
        """Store the entry with some fields changed."""
        self.save(replace(self.entry, **changes).as_json())


@dataclass(frozen=True)
class ListFile:
    """A file of contacts that becomes one list.

    :param list_name: the list's name, which must contain a digest of the content: the same for every try, and different
        for other contacts.
    :param contacts: number of different numbers in the file.
    :param open: returns the CSV file, open for reading bytes and seekable; it is closed after sending.
    :param kind: ``static`` or ``dynamic``.
    """

    list_name: str
    contacts: int
    open: Callable[[], BinaryIO] = field(repr=False)
    kind: ListKind = "static"


@dataclass(frozen=True)
class Wait:
    """Wait before the next step.

    :param seconds: how long to wait.
    :param reason: why.
    """

    seconds: float
    reason: str


@dataclass(frozen=True)
class Send:
    """Send the file.

    :param reason: why.
    """

    reason: str


Step = ContactList | Wait | Send
"""The complete list, or what has to be done first."""


def next_pause(waited: timedelta, within: timedelta = IMPORT_WITHIN) -> float | None:
    """Return the seconds until the next poll, or ``None`` if the time is over.

    The pause is a quarter of the time waited so far: short imports are noticed soon, and long ones take few requests.

    :param waited: the time waited so far.
    :param within: the maximum time to wait.
    """
    left = (within - waited).total_seconds()
    return None if left <= 0 else min(max(_FIRST_PAUSE, waited.total_seconds() / 4), _LONGEST_PAUSE, left)


@dataclass(frozen=True)
class ListUpload:
    """The upload of one file.

    :param file: the file.
    :param lists: the account's lists.
    :param journal: the journal of the task.
    :param is_later_try: whether an earlier try may have sent the file.
    :param answer_within: maximum time until a response.
    :param settle: maximum time after that until a list appears, and until an unchanged count is considered final.
    :param import_within: maximum time of an import.
    :param now: returns the current time.
    """

    file: ListFile
    lists: ContactLists
    journal: UploadJournal
    is_later_try: bool = False
    answer_within: timedelta = timedelta(seconds=40)
    settle: timedelta = SETTLE
    import_within: timedelta = IMPORT_WITHIN
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def next_step(self) -> Step:
        """Return the list if it is complete, or what has to be done first. Nothing is sent.

        :raises ExotelListMismatch: if it has other contacts, or not all of them.
        :raises ExotelImportUnfinished: if its import has not finished in time.
        :raises ExotelOutcomeUnknown: if the account has too many lists to read.
        """
        if self.is_later_try and not self.journal.knows_earlier_tries and self.journal.entry == UploadEntry():
            # An earlier try may have written its intent before that was discarded, and may still send.
            late = SEND_WITHIN if self.journal.outlives_tries else timedelta()
            self.journal.update(posted_before=self.now() + late)
        status = self._import_status()
        if status is not None and status.state not in {ImportState.COMPLETED, ImportState.FAILED}:
            return self._wait_for_import(status)
        found = self._find()
        return self._step_without_list() if found is None else self._compare(found, status)

    def send(self) -> None:
        """Send the file, after :meth:`next_step` has returned :class:`Send`.

        :raises ExotelOutcomeUnknown: if it is unknown whether the service processed it; the next step finds out.
        :raises ExotelError: if it certainly did not.
        """
        with ExitStack() as opened:

            def file() -> BinaryIO:
                opened.close()
                content = opened.enter_context(self.file.open())
                posted_before = self.now() + SEND_WITHIN
                self.journal.update(posted_before=posted_before, upload_id=None, sent_at=None, held=None)
                if self.now() >= posted_before:
                    raise ExotelConnectionError("the file was not sent: storing the intent took too long")
                return content

            try:
                upload = self.lists.upload_csv(file, self.file.list_name, self.file.kind)
            except ExotelOutcomeUnknown:
                raise
            except ExotelError:
                self.journal.update(posted_before=None)
                raise
        list_sid = upload.list_sid or self.journal.entry.list_sid
        self.journal.update(upload_id=upload.upload_id, list_sid=list_sid, sent_at=self.now(), posted_before=None)

    def _import_status(self) -> ImportStatus | None:
        """Return the state of the import in the journal, or ``None`` if the journal or the service has none."""
        upload_id = self.journal.entry.upload_id
        if upload_id is None:
            return None
        try:
            return self.lists.import_status(upload_id)
        except ExotelNotFound:
            return None

    def _wait_for_import(self, status: ImportStatus) -> Wait:
        waited = self.now() - (self.journal.entry.sent_at or self.now())
        pause = next_pause(waited, self.import_within)
        if pause is not None:
            return Wait(pause, f"the import {status.upload_id} is {status.state_text or 'running'}")
        minutes = f"{SUPPORT_AFTER.total_seconds() / 60:.0f} minutes"
        call = "contact Exotel's support about" if waited >= SUPPORT_AFTER else f"after {minutes} contact support about"
        raise ExotelImportUnfinished(
            f"Exotel is still importing a file after {waited.total_seconds() / 60:.0f} minutes; a later try continues "
            f"to wait; {call} the upload {status.upload_id}"
        )

    def _find(self) -> ContactList | None:
        known = self.journal.entry.list_sid
        if known is not None:
            try:
                return self.lists.get(known)
            except ExotelNotFound:
                log.warning("List %s was deleted.", known)
                self.journal.forget()
        # The rules of the name filter are not documented, so an empty result proves nothing.
        found = self._named(self.file.list_name) or self._named(None)
        if len(found) > 1:
            log.error("%d lists have the same name; using the one with the expected number of contacts.", len(found))
        return next((one for one in found if one.contacts == self.file.contacts), found[-1] if found else None)

    def _named(self, name_filter: str | None) -> list[ContactList]:
        wanted, found = _folded(self.file.list_name), []
        try:
            for count, one in enumerate(self.lists.all(name=name_filter), 1):
                if _folded(one.name) == wanted:
                    found.append(one)
                if count >= MAX_LISTS_READ and not found:
                    raise ExotelOutcomeUnknown(
                        f"the account has more than {MAX_LISTS_READ:,} lists, so it is unknown whether one is "
                        "this audience's; delete lists that are not needed any more"
                    )
        except (ExotelRequestRefused, ExotelServerError):
            if name_filter is None:
                raise
        return found

    def _step_without_list(self) -> Step:
        posted_before = self.journal.entry.posted_before
        if posted_before is None:
            return Send("there is no list with its name")
        pause = next_pause(max(self.now() - posted_before, timedelta()), self.answer_within + self.settle)
        if pause is None:
            return Send("no list with its name has appeared")
        return Wait(pause, "the file may have been sent, and its list may not be visible yet")

    def _compare(self, found: ContactList, status: ImportStatus | None) -> Step:
        wanted, held = self.file.contacts, self._count(found)
        counts = status.counts if status and status.state is ImportState.COMPLETED else None
        if held is not None and held > wanted:
            raise ExotelListMismatch(
                f"list {found.sid} has {held:,} contacts instead of {wanted:,}: somebody else has changed it, "
                "so it is not called; delete it and try again"
            )
        if counts is not None and (counts.failed or counts.success + counts.duplicate < wanted):
            raise ExotelListMismatch(f"{_describe(counts)} of {wanted:,}, so list {found.sid} is not called")
        if held == wanted or (held is None and counts is not None and counts.success == wanted):
            self.journal.update(list_sid=found.sid, posted_before=None)
            return replace(found, contacts=wanted)
        if held is None:
            raise ExotelResponseError(f"Exotel does not return the number of contacts of list {found.sid}")
        if status is not None and status.state is ImportState.FAILED:
            return Send(f"its import was interrupted: list {found.sid} has {held:,} of {wanted:,} contacts")
        return self._wait_for_count(found, held, status)

    def _wait_for_count(self, found: ContactList, held: int, status: ImportStatus | None) -> Step:
        """Return the next step if the list has too few contacts: wait for more, or send the file again."""
        entry, few = self.journal.entry, f"list {found.sid} has {held:,} of {self.file.contacts:,} contacts"
        if (entry.list_sid, entry.held) != (found.sid, held):
            self.journal.update(list_sid=found.sid, held=held, held_since=self.now())
        waited = self.now() - (self.journal.entry.held_since or self.now())
        pause = next_pause(waited, self.settle)
        if pause is not None:
            return Wait(pause, few)
        if status is None:
            return Send(f"{few}, and the number does not grow")
        counts = status.counts
        if counts is None or 0 < counts.success == held:
            raise ExotelListMismatch(f"the import is over and {few}, so the list is not called")
        raise ExotelImportUnfinished(f"{few}; another import adds the rest, and a later try continues to wait")

    def _count(self, found: ContactList) -> int | None:
        if found.contacts is not None:
            return found.contacts
        try:
            return self.lists.count(found.sid)
        except ExotelResponseError:
            return None


def _folded(name: str) -> str:
    return name.strip().casefold()


def _describe(counts: ImportCounts) -> str:
    return (
        f"of {counts.total:,} rows Exotel added {counts.success:,}, skipped {counts.duplicate:,} duplicates and "
        f"refused {counts.failed:,}"
    )
