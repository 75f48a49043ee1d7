"""Lists of contacts and the files that fill them, against the emulator over real HTTP."""

from __future__ import annotations

import io
import logging
import math
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.contact_list import (
    ContactList,
    CsvUpload,
    ImportCounts,
    ImportState,
    ImportStatus,
)
from airflow_provider_exotel.client.errors import (
    ExotelConflict,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelOutcomeUnknown,
    ExotelRequestRefused,
    ExotelResponseError,
)
from airflow_provider_exotel.emulator import Emulator, Fault

from .api_samples import ClientFactory, people
from .raw_server import RawServer, http

DIALECTS = pytest.mark.parametrize("dialect", ["documented", "wrapped"])
UPLOAD = "POST contacts/csv-upload"


def csv_of(numbers: Iterable[str]) -> io.BytesIO:
    return io.BytesIO("".join(f"{line}\n" for line in ["number", *numbers]).encode())


def uploads(emulator: Emulator) -> int:
    return sum(request.path == "contacts/csv-upload" for request in emulator.requests)


# --- lists ---


@DIALECTS
def test_the_life_of_a_list(emulator: Emulator, client: ExotelClient, dialect: str) -> None:
    emulator.settings.dialect = dialect

    created = client.lists.create("March", tag="due")
    renamed = client.lists.update(created.sid, name="April")

    assert (created.name, created.tag, created.contacts) == ("March", "due", 0)
    assert (renamed.sid, renamed.name, renamed.tag) == (created.sid, "April", "due")
    assert client.lists.get(created.sid) == renamed
    client.lists.delete(created.sid)
    with pytest.raises(ExotelNotFound):
        client.lists.get(created.sid)


def test_a_taken_name_is_a_conflict_and_not_an_unknown_outcome(client: ExotelClient) -> None:
    client.lists.create("March")

    with pytest.raises(ExotelConflict, match="exists already"):
        client.lists.create("March")


@DIALECTS
def test_lists_come_newest_first_over_all_pages(emulator: Emulator, client: ExotelClient, dialect: str) -> None:
    emulator.settings.dialect = dialect
    for index in range(45):
        emulator.add_list(f"list-{index:02}", people(index))

    read = list(client.lists.all(page_size=20))

    assert [each.contacts for each in read] == list(range(45))[::-1]
    assert [each.sid for each in client.lists.all(name="list-07")] == ["list-07"]


@DIALECTS
@pytest.mark.parametrize("metadata", [True, False])
def test_all_contacts_of_a_list_are_read_in_pages_of_twenty(
    emulator: Emulator, client: ExotelClient, dialect: str, metadata: bool
) -> None:
    emulator.settings.update({"dialect": dialect, "list_metadata": metadata})
    emulator.add_list("one", people(45))

    assert [contact.number for contact in client.lists.contacts("one")] == people(45)


@pytest.mark.parametrize("counts", [True, False])
def test_the_count_of_a_list_comes_from_the_list_or_from_its_contacts(
    emulator: Emulator, client: ExotelClient, counts: bool
) -> None:
    emulator.settings.list_counts = counts
    emulator.add_list("one", people(45))

    assert client.lists.count("one") == 45


def test_an_unknown_count_is_an_error_and_not_zero(emulator: Emulator, client: ExotelClient) -> None:
    emulator.settings.update({"list_counts": False, "list_metadata": False})
    emulator.add_list("one", people(45))

    with pytest.raises(ExotelResponseError, match="how many"):
        client.lists.count("one")


def test_a_change_of_nothing_is_not_sent(emulator: Emulator, client: ExotelClient) -> None:
    with pytest.raises(ExotelInputError):
        client.lists.update("one")
    assert emulator.requests == []


CHANGES = {
    "PUT": lambda client: client.lists.update("one", name="April"),
    "DELETE": lambda client: client.lists.delete("one"),
}


@pytest.mark.parametrize("method", CHANGES)
def test_a_change_that_took_effect_is_not_sent_again(emulator: Emulator, client: ExotelClient, method: str) -> None:
    emulator.add_list("one", people(1), "March")
    emulator.faults.add(Fault(on=f"{method} lists/*", kind="drop_after_commit"))

    CHANGES[method](client)

    assert [request.method for request in emulator.requests].count(method) == 1
    assert [each.name for each in emulator.lists] == (["April"] if method == "PUT" else [])


@pytest.mark.parametrize("method", CHANGES)
def test_a_change_that_did_not_arrive_is_sent_again(emulator: Emulator, client: ExotelClient, method: str) -> None:
    emulator.add_list("one", people(1), "March")
    emulator.faults.add(Fault(on=f"{method} lists/*", kind="drop_before_commit"))

    CHANGES[method](client)

    assert [each.name for each in emulator.lists] == (["April"] if method == "PUT" else [])


def test_deleting_a_deleted_list_is_not_an_error(client: ExotelClient) -> None:
    client.lists.delete("never-there")


# --- files ---


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
@pytest.mark.parametrize("shape", ["summary", "list", "item"])
def test_a_file_becomes_a_list(emulator: Emulator, client: ExotelClient, dialect: str, shape: str) -> None:
    emulator.settings.update({"dialect": dialect, "csv_answer": shape, "import_seconds": 10})

    upload = client.lists.upload_csv(csv_of([*people(5), people(1)[0]]), "March")
    assert client.lists.import_status(upload.upload_id).state is ImportState.IN_PROGRESS
    emulator.clock.advance(10)

    status = client.lists.import_status(upload.upload_id)
    assert (status.state, status.counts) == (ImportState.COMPLETED, ImportCounts(6, 5, 1, 0))
    [made] = emulator.lists
    assert (made.sid, made.name, made.kind, made.numbers) == (upload.list_sid, "March", "static", tuple(people(5)))
    assert status.list_sid == made.sid


def test_an_interrupted_import_is_failed(emulator: Emulator, client: ExotelClient) -> None:
    emulator.settings.import_stops_after = 1

    upload = client.lists.upload_csv(csv_of(people(2)), "March")

    assert client.lists.import_status(upload.upload_id).state is ImportState.FAILED


def test_a_dynamic_list_has_columns_of_its_own(emulator: Emulator, client: ExotelClient) -> None:
    client.lists.upload_csv(io.BytesIO(b"number,due\n+919876500000,5\n"), "March", "dynamic")

    assert (emulator.lists[0].kind, emulator.lists[0].columns) == ("dynamic", ("due",))


def test_a_file_is_sent_from_its_current_position(emulator: Emulator, client: ExotelClient) -> None:
    file = io.BytesIO(b"a comment\n" + csv_of(people(2)).getvalue())
    file.readline()

    client.lists.upload_csv(file, "March")

    assert emulator.lists[0].numbers == tuple(people(2))


@pytest.mark.parametrize("retry_after", ["seconds", "absent"])
@pytest.mark.parametrize("as_function", [True, False])
def test_a_file_that_was_certainly_not_received_is_sent_again_completely(
    emulator: Emulator, client: ExotelClient, retry_after: str, as_function: bool
) -> None:
    emulator.faults.add(Fault(on=UPLOAD, kind="rate_limited", retry_after=retry_after))
    file, opened = csv_of(people(50)), []

    def open_file() -> io.BytesIO:
        opened.append("opened")
        return csv_of(people(50))

    client.lists.upload_csv(open_file if as_function else file, "March")

    assert emulator.lists[0].numbers == tuple(people(50))
    assert len(opened) == (2 if as_function else 0)


def test_a_refused_connection_is_tried_again(emulator: Emulator, client_of: ClientFactory) -> None:
    emulator.stop()
    client = client_of(sleep=lambda _: emulator.start())

    client.lists.upload_csv(csv_of(people(3)), "March")

    assert emulator.lists[0].numbers == tuple(people(3))


NOT_KNOWN: list[dict[str, Any]] = [
    {"kind": "drop_before_commit"},
    {"kind": "drop_after_commit"},
    {"kind": "cut_body"},
    {"kind": "empty_body"},
    {"kind": "html_5xx", "status": 503},
    {"kind": "html_5xx", "status": 504, "stage": "after"},
    {"kind": "status", "status": 409},
]


@pytest.mark.parametrize("fault", NOT_KNOWN, ids=str)
def test_a_file_that_may_have_been_received_is_not_sent_again(
    emulator: Emulator, client: ExotelClient, fault: dict[str, Any]
) -> None:
    emulator.faults.add(Fault(on=UPLOAD, **fault))

    with pytest.raises(ExotelOutcomeUnknown, match="look for the list"):
        client.lists.upload_csv(csv_of(people(3)), "March")

    assert uploads(emulator) == 1


def test_an_answer_without_an_id_is_an_unknown_outcome(client_of: ClientFactory) -> None:
    taken = {"response": {"code": 200, "status": "success", "data": {"message": "taken"}}}
    with RawServer(http(200, taken)) as server, pytest.raises(ExotelOutcomeUnknown, match="has no id"):
        client_of(host=server.host).lists.upload_csv(csv_of(people(3)), "March")


def test_a_file_the_service_refuses_is_refused(emulator: Emulator, client: ExotelClient) -> None:
    with pytest.raises(ExotelRequestRefused, match="number is mandatory"):
        client.lists.upload_csv(io.BytesIO(b"phone\n+919876500000\n"), "March")


UNSENDABLE: list[tuple[Any, dict[str, Any], set[str]]] = [
    (io.BytesIO(b""), {}, {"file"}),
    (io.BytesIO(b""), {"list_name": " ", "kind": "moving"}, {"file", "list_name", "kind"}),
    (io.StringIO("number\n"), {}, {"file"}),
    ("contacts.csv", {}, {"file"}),
    (lambda: io.StringIO("number\n"), {}, {"file"}),
    (io.BytesIO(b"x" * 60_000_000), {"kind": "dynamic"}, {"file"}),
]


@pytest.mark.parametrize(("file", "fields", "wrong"), UNSENDABLE, ids=lambda value: type(value).__name__)
def test_an_invalid_file_of_contacts_is_not_sent(
    emulator: Emulator, client: ExotelClient, file: Any, fields: dict[str, Any], wrong: set[str]
) -> None:
    with pytest.raises(ExotelInputError) as caught:
        client.lists.upload_csv(file, **{"list_name": "March", **fields})

    assert {problem.field for problem in caught.value.problems} == wrong
    assert emulator.requests == []


class Broken(io.BytesIO):
    """A file that cannot be read to its end."""

    def __init__(self, ends: bool) -> None:
        super().__init__(csv_of(people(5_000)).getvalue())
        self._ends = ends

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() <= 30_000:
            return super().read(size)
        if self._ends:
            return b""
        raise ValueError("+919876500000 cannot be read")


@pytest.mark.parametrize(("ends", "reason"), [(True, "became shorter"), (False, "could not be read to its end")])
def test_a_file_that_breaks_off_while_it_is_sent_creates_no_list(
    emulator: Emulator, client: ExotelClient, ends: bool, reason: str
) -> None:
    with pytest.raises(ExotelOutcomeUnknown, match=reason) as caught:
        client.lists.upload_csv(Broken(ends), "March")

    assert "98765" not in "".join(traceback.format_exception(caught.value))
    assert list(client.lists.all()) == []


# --- messages ---


def test_no_number_of_a_list_is_in_a_log_a_text_or_an_error(
    emulator: Emulator, client: ExotelClient, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.faults.add(Fault(on=UPLOAD, kind="rate_limited", message="+919876500000 is one too many"))
    emulator.faults.add(Fault(on="GET lists/*", kind="status", status=400, message="+919876500000 is not wanted"))

    with caplog.at_level(logging.DEBUG):
        upload = client.lists.upload_csv(csv_of(people(3)), "March")
        status = client.lists.import_status(upload.upload_id)
        with pytest.raises(ExotelError) as caught:
            client.lists.get(str(upload.list_sid))
        contacts = list(client.lists.contacts(str(upload.list_sid)))

    texts = [record.getMessage() for record in caplog.records]
    texts += [repr(each) for each in (upload, status, contacts, client.lists, caught.value)]
    assert len(contacts) == 3
    assert "[number] is not wanted" in str(caught.value)
    assert not any("98765" in text for text in texts)


# --- answers in every shape ---


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ({"summary": {"upload_id": "u", "list_sid": "l", "url": "x"}}, CsvUpload("u", "l")),
        ({"upload_id": "u", "list": {"sid": "l"}}, CsvUpload("u", "l")),
        ([{"data": {"upload_id": 7, "list_sid": 8}}], CsvUpload("7", "8")),
        ({"upload_id": "u"}, CsvUpload("u")),
        ({"list_sid": "l"}, None),
        ("taken", None),
    ],
)
def test_the_ids_of_an_upload_are_found_in_any_place(answer: Any, read: CsvUpload | None) -> None:
    assert CsvUpload.of(answer) == read


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["upload_id", "list_sid", "list", "stats", "status", "summary", "total", "sid"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_id_and_no_count_is_invented_from_any_answer(answer: Any) -> None:
    held = set(scalars_of(answer))

    upload = CsvUpload.of(answer)
    assert upload is None or {upload.upload_id, upload.list_sid} <= held | {None}
    if isinstance(answer, dict):
        status = ImportStatus.of("u", answer)
        assert (status.upload_id, {status.list_sid} <= held | {None}) == ("u", True)
        assert {ContactList.of({**answer, "sid": "1"}).contacts} <= {int(one) for one in held if is_whole(one)} | {None}


def scalars_of(value: Any) -> Iterator[str]:
    """Return every text and number in a value, as text."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inner is None:
        yield str(value)
    else:
        for one in inner:
            yield from scalars_of(one)


def is_whole(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


OLDER = {"total": 4, "success": "2", "duplicate": 1, "failed": 1}
NEWER = {"total_records": 4, "success_count": 3, "duplicate_count": 0, "failure_count": 1}


@pytest.mark.parametrize(
    ("data", "state", "counts"),
    [
        ({"status": "completed", "stats": OLDER}, "completed", (4, 2, 1, 1)),
        ({"status": "Completed", **NEWER}, "completed", (4, 3, 0, 1)),
        ({"status": "In Progress", "stats": {"success_count": 3}}, "in-progress", (3, 3, 0, 0)),
        ({"summary": {"status": "failed", "stats": {}}}, "failed", None),
        ({"status": "queued"}, "unknown", None),
        ({}, "unknown", None),
    ],
)
def test_the_status_of_an_import_in_every_spelling(data: dict[str, Any], state: str, counts: Any) -> None:
    read = ImportStatus.of("u", data)

    assert read.state == state
    assert read.counts == (None if counts is None else ImportCounts(*counts))


@pytest.mark.parametrize("sid", ["", "..", "a/../b", "a/b", "?x", "a b", "a%2Fb", "a#b", "ä"])
def test_an_id_that_would_lead_to_another_path_is_not_sent(emulator: Emulator, client: ExotelClient, sid: str) -> None:
    for ask in (client.lists.get, client.lists.delete, client.lists.import_status, client.lists.count):
        with pytest.raises(ExotelInputError, match="must be an id"):
            ask(sid)

    assert emulator.requests == []
