"""Upload one file of contacts as one contact list, whatever fails on the way.

:meth:`ListUpload.next_step` takes the first of these that applies, and only reads:

1. The journal knows the import: wait until it is over, then compare the counts.
2. The account has a list of the name: it is the one if it holds as many contacts as it should. With fewer, an earlier
   import may be running or may have been cut off: wait until the count settles, then send the file once more, since
   the service drops what a list holds already (Exotel, add contacts to a list via CSV). With more, somebody else wrote
   into it.
3. An earlier try may have sent the file, and its list may not be visible yet: wait until the service has had all the
   time it may need.
4. The file has to be sent.

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
"""How long after its answer is due a list may take to show, and how long an unchanged count is waited for."""
SEND_WITHIN = timedelta(seconds=30)
"""How long after the intent is stored the sending of a file may begin."""
IMPORT_WITHIN = timedelta(minutes=15)
"""How long an import is waited for (Exotel, CSV status)."""
SUPPORT_AFTER = timedelta(minutes=30)
"""After this an import that is not over is a case for Exotel's support, as one of its guides says."""
MOST_LISTS = 10_000
"""Lists that are read to find one by its name: twenty requests."""
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 30.0


@dataclass(frozen=True)
class UploadEntry:
    """What is known of the upload of one list.

    :param list_sid: the list, once it is known.
    :param upload_id: the latest import, once its answer came.
    :param sent_at: when that answer came.
    :param posted_before: the deadline of a file that may have been sent; ``None`` if none was, or its answer came.
    :param held: how many contacts the list was last seen with.
    :param held_since: when it was first seen with so many.
    """

    list_sid: str | None = None
    upload_id: str | None = None
    sent_at: datetime | None = None
    posted_before: datetime | None = None
    held: int | None = None
    held_since: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON, without anything of a contact."""
        return as_stored(vars(self))

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self:
        """Read an entry; nothing stored is an empty one."""
        return cls(**known_fields(cls, stored or {}, "sent_at", "posted_before", "held_since"))


class UploadJournal(Journal):
    """What the tries of one task know of an upload."""

    @property
    def entry(self) -> UploadEntry:
        """What is stored."""
        return UploadEntry.of(self.state)

    def update(self, **changes: Any) -> None:
        """Store the entry with other values in some of its fields."""
        self.save(replace(self.entry, **changes).as_json())


@dataclass(frozen=True)
class ListFile:
    """A file of contacts that becomes one list.

    :param list_name: the list's name. It must hold a digest of the content: the same for every try, and never the same
        for other people.
    :param contacts: how many different numbers the file holds.
    :param open: returns the CSV file, opened for reading bytes and able to seek; it is closed after it was sent.
    :param kind: ``static`` or ``dynamic``.
    """

    list_name: str
    contacts: int
    open: Callable[[], BinaryIO] = field(repr=False)
    kind: ListKind = "static"


@dataclass(frozen=True)
class Wait:
    """Nothing is to be done now.

    :param seconds: how long to wait before the next step.
    :param reason: what is waited for.
    """

    seconds: float
    reason: str


@dataclass(frozen=True)
class Send:
    """The file has to be sent.

    :param reason: why.
    """

    reason: str


Step = ContactList | Wait | Send
"""The list with all its contacts, or what has to happen first."""


def next_pause(waited: timedelta, within: timedelta = IMPORT_WITHIN) -> float | None:
    """Return the seconds to wait before the next poll, ``None`` once the time is over.

    A quarter of what was waited already, so that neither a short import nor the rate limit suffers.

    :param waited: so far.
    :param within: how long to wait at most.
    """
    left = (within - waited).total_seconds()
    return None if left <= 0 else min(max(_FIRST_PAUSE, waited.total_seconds() / 4), _LONGEST_PAUSE, left)


@dataclass(frozen=True)
class ListUpload:
    """The upload of one file.

    :param file: the file.
    :param lists: the account's lists.
    :param journal: what earlier tries stored.
    :param is_later_try: whether an earlier try may have come as far as sending.
    :param answer_within: how long an answer may take.
    :param settle: how long after that a list may take to show, and how long an unchanged count is waited for.
    :param import_within: how long an import may take.
    :param now: returns the time.
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
        """Return the list if it holds all its contacts, or what has to happen first. Nothing is sent.

        :raises ExotelListMismatch: if it holds others, or not all of them.
        :raises ExotelImportUnfinished: if its import has not come to an end within its time.
        :raises ExotelOutcomeUnknown: if the account has too many lists to read.
        """
        if self.is_later_try and not self.journal.outlives_tries and self.journal.entry == UploadEntry():
            self.journal.update(posted_before=self.now())
        status = self._import_status()
        if status is not None and status.state not in {ImportState.COMPLETED, ImportState.FAILED}:
            return self._wait_for_import(status)
        found = self._find()
        return self._step_without_list() if found is None else self._compare(found, status)

    def send(self) -> None:
        """Send the file, if :meth:`next_step` said so.

        :raises ExotelOutcomeUnknown: if nobody can say whether it was taken; the next steps tell.
        :raises ExotelError: if it surely was not.
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
        """Return the state of the import in the journal, ``None`` if neither it nor the service knows one."""
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
            return Wait(pause, f"the import {status.upload_id} is {status.state_text or 'not over'}")
        minutes = f"{SUPPORT_AFTER.total_seconds() / 60:.0f} minutes"
        call = "ask Exotel's support and name" if waited >= SUPPORT_AFTER else f"after {minutes} ask its support about"
        raise ExotelImportUnfinished(
            f"Exotel is still importing a file after {waited.total_seconds() / 60:.0f} minutes; a later try goes on "
            f"waiting; {call} the upload {status.upload_id}"
        )

    def _find(self) -> ContactList | None:
        known = self.journal.entry.list_sid
        if known is not None:
            try:
                return self.lists.get(known)
            except ExotelNotFound:
                log.warning("The list %s was deleted.", known)
                self.journal.forget()
        # How the service compares names is not documented, so its silence proves nothing.
        found = self._named(self.file.list_name) or self._named(None)
        if len(found) > 1:
            log.error("%d lists have the same name; the one that holds what it should is taken.", len(found))
        return next((one for one in found if one.contacts == self.file.contacts), found[-1] if found else None)

    def _named(self, name_filter: str | None) -> list[ContactList]:
        wanted, found = _folded(self.file.list_name), []
        try:
            for count, one in enumerate(self.lists.all(name=name_filter), 1):
                if _folded(one.name) == wanted:
                    found.append(one)
                if count >= MOST_LISTS and not found:
                    raise ExotelOutcomeUnknown(
                        f"the account has more than {MOST_LISTS:,} lists, so whether one of them is this audience's "
                        "is not known; delete lists that are not needed any more"
                    )
        except (ExotelRequestRefused, ExotelServerError):
            if name_filter is None:
                raise
        return found

    def _step_without_list(self) -> Step:
        posted_before = self.journal.entry.posted_before
        if posted_before is None:
            return Send("there is no list of its name")
        pause = next_pause(max(self.now() - posted_before, timedelta()), self.answer_within + self.settle)
        if pause is None:
            return Send("no list of its name showed")
        return Wait(pause, "the file may have been sent, and its list may not be visible yet")

    def _compare(self, found: ContactList, status: ImportStatus | None) -> Step:
        wanted, held = self.file.contacts, self._count(found)
        counts = status.counts if status and status.state is ImportState.COMPLETED else None
        if held is not None and held > wanted:
            raise ExotelListMismatch(
                f"the list {found.sid} holds {held:,} contacts and should hold {wanted:,}: somebody else has written "
                "into it, so nobody is called from it; delete it and try again"
            )
        if counts is not None and (counts.failed or counts.success + counts.duplicate < wanted):
            raise ExotelListMismatch(
                f"{_describe(counts)} of {wanted:,}, so nobody is called from the list {found.sid}"
            )
        if held == wanted or (held is None and counts is not None and counts.success == wanted):
            self.journal.update(list_sid=found.sid, posted_before=None)
            return replace(found, contacts=wanted)
        if held is None:
            raise ExotelResponseError(f"Exotel does not say how many contacts the list {found.sid} holds")
        if status is not None and status.state is ImportState.FAILED:
            return Send(f"its import broke off: the list {found.sid} holds {held:,} of {wanted:,} contacts")
        return self._wait_for_count(found, held, status)

    def _wait_for_count(self, found: ContactList, held: int, status: ImportStatus | None) -> Step:
        """Return what follows from too few contacts: more may be arriving, or no more."""
        entry, few = self.journal.entry, f"the list {found.sid} holds {held:,} of {self.file.contacts:,} contacts"
        if (entry.list_sid, entry.held) != (found.sid, held):
            self.journal.update(list_sid=found.sid, held=held, held_since=self.now())
        waited = self.now() - (self.journal.entry.held_since or self.now())
        pause = next_pause(waited, self.settle)
        if pause is not None:
            return Wait(pause, few)
        if status is None:
            return Send(f"{few} and no more arrive")
        counts = status.counts
        if counts is None or 0 < counts.success == held:
            raise ExotelListMismatch(f"the import is over and {few}, so nobody is called from it")
        raise ExotelImportUnfinished(f"{few}; another import brings the rest, and a later try goes on waiting")

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
        f"of {counts.total:,} rows Exotel added {counts.success:,}, knew {counts.duplicate:,} already and refused "
        f"{counts.failed:,}"
    )
