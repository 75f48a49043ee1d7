"""The lists of contacts of one account: one method for each endpoint (Exotel, lists and CSV uploads)."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from os import SEEK_END
from typing import Any, BinaryIO, TypeVar

from airflow_provider_exotel.client import paging
from airflow_provider_exotel.client.contact_list import (
    MAX_CONTACTS,
    MAX_DYNAMIC_BYTES,
    Contact,
    ContactList,
    CsvUpload,
    ImportStatus,
    ListKind,
)
from airflow_provider_exotel.client.envelope import Answer, Item
from airflow_provider_exotel.client.errors import (
    ExotelConflict,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelOutcomeUnknown,
    ExotelResponseError,
    Problem,
)
from airflow_provider_exotel.client.retry import RequestKind, is_definite_refusal
from airflow_provider_exotel.client.text import unknown_value
from airflow_provider_exotel.client.transport import LARGEST_PAGE, Form, Transport
from airflow_provider_exotel.client.urls import check_id

# The service returns at most twenty contacts per request, whatever the limit.
_CONTACTS_PAGE = 20
_FILE_NAME = "contacts.csv"

Made = TypeVar("Made")


class ContactLists:
    """The lists of one account, which campaigns can name instead of numbers.

    :param transport: sends the requests.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, name: str, *, tag: str | None = None) -> ContactList:
        """Create an empty list.

        :param name: its name, unique in the account.
        :param tag: your own label for it.
        :raises ExotelConflict: if another list has the name.
        :raises ExotelOutcomeUnknown: if the list may or may not exist; it is not sent again.
        :raises ExotelError: if it definitely does not exist.
        """
        given = {"name": name} | ({} if tag is None else {"tag": tag})
        return self._once(
            "the list was sent and it is not known whether it exists",
            lambda: {"lists": [given]},
            "/lists",
            lambda item: ContactList.of(item.data) if item.data.get("sid") else None,
            refusals=(ExotelConflict,),
        )

    def get(self, list_sid: str) -> ContactList:
        """Return one list.

        :raises ExotelNotFound: if there is no such list.
        """
        return ContactList.of(self._transport.send(RequestKind.READ, "GET", _path(list_sid)).only("sid").data)

    def all(
        self, *, name: str | None = None, sort_by: str = "date_created:desc", page_size: int = LARGEST_PAGE
    ) -> Iterator[ContactList]:
        """Iterate over the account's lists, newest first, reading a page when it is needed.

        :param name: the service's name filter. It is not documented how names are compared, so an empty result proves
            nothing.
        :param sort_by: ``date_created`` or ``name``, a colon, ``asc`` or ``desc``.
        :param page_size: lists per request; the service may return fewer.
        """
        query = {"sort_by": sort_by} | ({} if name is None else {"name": name})
        seen: set[str] = set()
        for data in _entries(self._transport.page("/lists", query, page_size)):
            # Offsets shift while lists are created, so a list can come twice.
            if data.get("sid") and str(data["sid"]) not in seen:
                seen.add(str(data["sid"]))
                yield ContactList.of(data)

    def update(self, list_sid: str, *, name: str | None = None, tag: str | None = None) -> ContactList:
        """Give a list another name or tag, and read it again.

        :raises ExotelInputError: if neither is given.
        :raises ExotelNotFound: if there is no such list.
        """
        wanted = {key: value for key, value in (("name", name), ("tag", tag)) if value is not None}
        if not wanted:
            raise ExotelInputError([Problem("name", "is required unless tag is given")], "contact list")

        def is_changed() -> bool:
            shown = self.get(list_sid)
            return all(getattr(shown, key) == value for key, value in wanted.items())

        self._transport.change(
            lambda: self._transport.send(RequestKind.CHANGE, "PUT", _path(list_sid), body=lambda: wanted), is_changed
        )
        return self.get(list_sid)

    def delete(self, list_sid: str) -> None:
        """Delete a list; one that is already gone is not an error."""

        def gone() -> bool:
            self.get(list_sid)
            return False

        try:
            self._transport.change(lambda: self._transport.send(RequestKind.CHANGE, "DELETE", _path(list_sid)), gone)
        except ExotelNotFound:
            return

    def contacts(self, list_sid: str) -> Iterator[Contact]:
        """Iterate over the contacts of a list, reading a page when it is needed.

        A request returns twenty: 100,000 contacts take 5,000 requests, almost three hours at the default rate limit.

        :raises ExotelNotFound: if there is no such list.
        """
        seen: set[str | None] = set()
        for data in _entries(self._transport.page(f"{_path(list_sid)}/contacts", {}, _CONTACTS_PAGE)):
            contact = Contact.of(data)
            if contact.sid in seen:
                continue
            seen |= {contact.sid} - {None}
            yield contact

    def count(self, list_sid: str) -> int:
        """Return how many contacts a list holds, counting them if the list itself does not say.

        :raises ExotelNotFound: if there is no such list.
        :raises ExotelResponseError: if the service does not return the number.
        """
        if (count := self.get(list_sid).contacts) is not None:
            return count
        answer = self._transport.send(RequestKind.READ, "GET", f"{_path(list_sid)}/contacts", query={"limit": 1})
        total = str(answer.metadata.get("total"))
        if not total.isdecimal():
            raise ExotelResponseError("the answer does not say how many contacts the list holds")
        return int(total)

    def upload_csv(
        self, file: BinaryIO | Callable[[], BinaryIO], list_name: str, kind: ListKind = "static"
    ) -> CsvUpload:
        """Upload a CSV file to be imported into the list of this name, which the service creates if necessary.

        The file is read piece by piece while it is sent. The service answers when it has received the file, and imports
        it afterwards: see :meth:`import_status`. Numbers that the list already holds are not added again.

        :param file: the file, opened for reading bytes, UTF-8 with a header that has ``number``; it is sent from its
            position to its end. Or a function that returns it, called after the wait for the rate limit and right
            before each sending.
        :param list_name: the name of the list.
        :param kind: ``static`` (default; 100,000 contacts, no columns of your own) or ``dynamic`` (500,000 contacts,
            less than 60 MB, up to five columns of your own).
        :raises ExotelInputError: if the file is invalid; nothing was sent.
        :raises ExotelOutcomeUnknown: if the file may or may not have been received; it is not sent again.
        :raises ExotelError: if it was definitely not received.
        """
        start = None if callable(file) else _position(file)

        def form() -> Form:
            from requests_toolbelt import MultipartEncoder

            opened = file() if callable(file) else file
            rest = _Rest(opened, _position(opened) if start is None else start, list_name, kind)
            fields = {"list_name": list_name, "type": kind, "file_name": (_FILE_NAME, rest, "text/csv")}
            encoder = MultipartEncoder(fields)
            return Form(encoder, encoder.content_type)

        return self._once(
            "the file was sent and it is not known whether it is imported",
            form,
            "/contacts/csv-upload",
            lambda item: CsvUpload.of([item.data, item.summary or {}]),
        )

    def import_status(self, upload_id: str) -> ImportStatus:
        """Return the progress of the import of a file.

        :param upload_id: the id that :meth:`upload_csv` returned.
        :raises ExotelNotFound: if there is no such upload.
        """
        answer = self._transport.send(RequestKind.READ, "GET", f"/csv-status/{check_id(upload_id, 'upload_id')}")
        return ImportStatus.of(upload_id, answer.items[0].data if answer.items else {})

    def _once(
        self,
        unknown: str,
        body: Callable[[], dict[str, Any] | Form],
        path: str,
        read: Callable[[Item], Made | None],
        refusals: tuple[type[ExotelError], ...] = (),
    ) -> Made:
        """Send a request that must not be sent twice, and read its answer; errors in ``refusals`` are definite too."""
        try:
            answer = self._transport.send(RequestKind.CREATE, "POST", path, body=body)
            made = next((read(item) for item in answer.items[:1]), None)
            if made is None:
                raise ExotelResponseError("the answer has no id", request_id=answer.request_id)
        except ExotelError as error:
            if is_definite_refusal(error) or isinstance(error, refusals):
                raise
            remedy = "look for the list before sending it again"
            raise ExotelOutcomeUnknown.after(error, f"{unknown} ({error.message}); {remedy}") from error
        return made


class _Rest:
    """A file from a position to its end, with a length known beforehand, as the multipart encoder reads it.

    :raises ExotelInputError: if it is invalid.
    """

    def __init__(self, file: BinaryIO, start: int, list_name: str, kind: str) -> None:
        self._file = file
        size = file.seek(0, SEEK_END) - start
        file.seek(start)
        if problems := list(_problems(size, list_name, kind)):
            raise ExotelInputError(problems, "contact list")
        self.len = size

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes.

        :raises OSError: if there are none although there should be; the encoder would read forever.
        """
        try:
            piece = self._file.read(self.len if size < 0 else min(size, self.len))
        except Exception as error:
            # The cause is dropped: a connection error of the file's storage would be taken for one of this request.
            reason = f"the file could not be read to its end ({type(error).__name__})"
            raise OSError(errno.EIO, reason) from None
        if not piece and self.len:
            raise OSError(errno.EIO, "the file became shorter while it was sent")
        self.len -= len(piece)
        return piece


def _position(file: BinaryIO) -> int:
    if not hasattr(file, "read") or not file.seekable() or isinstance(file.read(0), str):
        message = "must be opened for reading bytes and able to seek; open it with 'rb'"
        raise ExotelInputError([Problem("file", message)], "contact list")
    return file.tell()


def _problems(size: int, list_name: str, kind: str) -> Iterator[Problem]:
    if not list_name.strip():
        yield Problem("list_name", "is required")
    if kind not in MAX_CONTACTS:
        yield Problem("kind", unknown_value(kind, MAX_CONTACTS))
    if not size:
        yield Problem("file", "must not be empty; write a header with the column number, and one contact per line")
    if kind == "dynamic" and size >= MAX_DYNAMIC_BYTES:
        yield Problem("file", f"must be less than {MAX_DYNAMIC_BYTES:,} bytes (got {size:,}); make several lists")


def _entries(page: Callable[[int], Answer]) -> Iterator[Any]:
    return (item.data for answer in paging.iterate_pages(page) for item in answer.items)


def _path(list_sid: str) -> str:
    return f"/lists/{check_id(list_sid, 'list_sid')}"
