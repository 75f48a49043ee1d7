"""A file is uploaded as exactly one list: the driver against the emulator over real HTTP."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from airflow_provider_exotel.audience.errors import ExotelImportUnfinished, ExotelListMismatch
from airflow_provider_exotel.audience.list_upload import (
    IMPORT_WITHIN,
    MAX_LISTS_READ,
    SEND_WITHIN,
    SETTLE,
    ListFile,
    ListUpload,
    Send,
    UploadEntry,
    UploadJournal,
    Wait,
    next_pause,
)
from airflow_provider_exotel.audience.upload import UploadState, complete_uploads
from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.contact_list import ContactList
from airflow_provider_exotel.client.errors import (
    ExotelError,
    ExotelInputError,
    ExotelOutcomeUnknown,
    ExotelRequestRefused,
    ExotelResponseError,
)
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.hooks.task import upload_journal_of

from ..properties import examples

NAME = "reminders af-3f2a-c07d"
NUMBERS = tuple(f"+9198765{index:05d}" for index in range(12))
UPLOAD = "POST contacts/csv-upload"
ANSWER = timedelta(seconds=40)


def content(numbers: tuple[str, ...] = NUMBERS) -> bytes:
    return "".join(f"{line}\n" for line in ("number", *numbers)).encode()


FILE = ListFile(NAME, len(NUMBERS), lambda: io.BytesIO(content()))


class Store:
    """The task state that is kept between tries."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] | None = None

    def write(self, entry: dict[str, Any]) -> None:
        self.kept = entry

    def journal(self) -> UploadJournal:
        return UploadJournal(lambda: self.kept, self.write)

    @property
    def entry(self) -> UploadEntry:
        return UploadEntry.of(self.kept)


def client_of(emulator: Emulator) -> ExotelClient:
    return ExotelClient(
        emulator.api_key,
        emulator.api_token,
        emulator.account_sid,
        emulator.host,
        bucket=TokenBucket(1_000_000),
        sleep=emulator.clock.advance,
    )


def one_of(emulator: Emulator, client: ExotelClient, store: Store | None = None, **options: Any) -> ListUpload:
    """Return an upload by one try, which waits on the emulator's clock."""
    known = {
        "file": FILE,
        "lists": client.lists,
        "journal": store.journal() if store else UploadJournal.in_memory(),
        "answer_within": ANSWER,
        "now": emulator.clock.now,
    }
    return ListUpload(**{**known, **options})


Make = Callable[..., ListUpload]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(seed=1, import_seconds=60) as running:
        yield running


@pytest.fixture
def one(emulator: Emulator) -> Iterator[Make]:
    """Return a function that makes tries of one task."""
    with client_of(emulator) as client:
        yield lambda store=None, **options: one_of(emulator, client, store, **options)


def complete(emulator: Emulator, *uploads: ListUpload) -> Any:
    """Do what a worker does, on the emulator's clock."""
    made = complete_uploads(uploads, [], emulator.clock.advance)
    return made[0] if len(uploads) == 1 else made


def done(emulator: Emulator) -> list[str]:
    """Return a word for each request to the service."""
    words = {"contacts/csv-upload": "upload", "lists": "look"}
    return [words.get(request.path, request.path.split("/")[0]) for request in emulator.requests]


def upload_by_hand(emulator: Emulator, numbers: tuple[str, ...], name: str = NAME) -> str:
    """Upload a file without a journal, and return the id of the import."""
    with client_of(emulator) as client:
        return client.lists.upload_csv(io.BytesIO(content(numbers)), name).upload_id


def assert_every_number_once(emulator: Emulator, made: ContactList) -> None:
    [only] = emulator.lists
    assert (made.sid, made.contacts) == (only.sid, len(NUMBERS))
    assert sorted(only.numbers) == sorted(NUMBERS)


# --- one try ---


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_a_first_try_polls_sends_waits_and_compares(emulator: Emulator, one: Make, dialect: str) -> None:
    emulator.settings.dialect = dialect

    made = complete(emulator, one(Store()))

    assert_every_number_once(emulator, made)
    assert done(emulator)[:4] == ["look", "look", "upload", "csv-status"]
    assert done(emulator)[-2:] == ["csv-status", "lists"]


def test_an_existing_list_is_used(emulator: Emulator, one: Make) -> None:
    emulator.add_list("march", NUMBERS, NAME)

    made = complete(emulator, one())

    assert_every_number_once(emulator, made)
    assert done(emulator) == ["look"]


@pytest.mark.parametrize("mode", ["exact", "substring", "casefold", "ignored", "failing"])
@pytest.mark.parametrize("spelled", [NAME, f" {NAME.upper()} "])
def test_a_list_is_found_with_any_filter_and_name_format(
    emulator: Emulator, one: Make, mode: str, spelled: str
) -> None:
    emulator.settings.name_filter = mode
    emulator.add_list("longer", NUMBERS, f"{NAME}-more")
    emulator.add_list("march", NUMBERS, spelled)

    assert complete(emulator, one()).sid == "march"
    assert "upload" not in done(emulator)


def test_a_list_with_a_longer_name_is_another_list(emulator: Emulator, one: Make) -> None:
    emulator.add_list("longer", NUMBERS, f"{NAME}-more")

    made = complete(emulator, one())

    assert made.sid != "longer"
    assert done(emulator).count("upload") == 1


def test_a_second_try_after_the_end_asks_twice_and_sends_nothing(emulator: Emulator, one: Make) -> None:
    store = Store()
    first = complete(emulator, one(store))
    before = len(emulator.requests)

    assert complete(emulator, one(store, is_later_try=True)) == first
    assert done(emulator)[before:] == ["csv-status", "lists"]


def test_a_list_that_was_deleted_is_made_again(emulator: Emulator, one: Make) -> None:
    store = Store()
    first = complete(emulator, one(store))
    with client_of(emulator) as client:
        client.lists.delete(first.sid)

    made = complete(emulator, one(store, is_later_try=True))

    assert_every_number_once(emulator, made)


def test_a_forgotten_upload_is_checked_by_its_list(emulator: Emulator, one: Make) -> None:
    store = Store()
    complete(emulator, one(store))
    store.kept = replace(store.entry, upload_id="forgotten").as_json()

    assert_every_number_once(emulator, complete(emulator, one(store, is_later_try=True)))
    assert done(emulator).count("upload") == 1


def test_contacts_are_counted_if_the_list_has_no_count(emulator: Emulator, one: Make) -> None:
    emulator.settings.list_counts = False

    assert_every_number_once(emulator, complete(emulator, one(Store())))


def test_the_counts_of_the_import_are_used_if_there_are_no_others(emulator: Emulator, one: Make) -> None:
    emulator.settings.update({"list_counts": False, "list_metadata": False})

    assert_every_number_once(emulator, complete(emulator, one(Store())))


def test_a_list_without_any_count_is_not_called(emulator: Emulator, one: Make) -> None:
    emulator.settings.update({"list_counts": False, "list_metadata": False})
    emulator.add_list("march", NUMBERS, NAME)

    with pytest.raises(ExotelResponseError, match="number of contacts"):
        complete(emulator, one())


# --- lists that are not full ---


def test_an_import_that_is_still_running_is_waited_for(emulator: Emulator, one: Make) -> None:
    upload_by_hand(emulator, NUMBERS)
    emulator.clock.advance(20)

    assert_every_number_once(emulator, complete(emulator, one()))
    assert done(emulator).count("upload") == 1


def test_an_interrupted_import_is_completed_after_its_count_is_stable(emulator: Emulator, one: Make) -> None:
    emulator.add_list("march", NUMBERS[:5], NAME)
    began = emulator.clock.now()
    step = one(store := Store()).next_step()
    assert isinstance(step, Wait)

    assert_every_number_once(emulator, complete(emulator, one(store)))

    [sent] = [request.at for request in emulator.requests if request.path == "contacts/csv-upload"]
    assert sent - began >= SETTLE


def test_later_tries_wait_for_a_slow_import(emulator: Emulator, one: Make) -> None:
    emulator.settings.import_seconds = 24 * SETTLE.total_seconds()
    upload_by_hand(emulator, NUMBERS)
    emulator.settings.import_seconds = 10
    store = Store()
    with pytest.raises(ExotelImportUnfinished, match="another import adds the rest"):
        complete(emulator, one(store))
    emulator.clock.advance(24 * SETTLE.total_seconds())

    assert_every_number_once(emulator, complete(emulator, one(store, is_later_try=True)))


def test_an_import_that_broke_off_is_completed_by_a_later_try(emulator: Emulator, one: Make) -> None:
    emulator.settings.import_stops_after = 5
    store = Store()
    with pytest.raises(ExotelImportUnfinished, match=r"interrupted: list .* has 5 of 12 contacts") as caught:
        complete(emulator, one(store))
    assert caught.value.retryable
    emulator.settings.import_stops_after = None

    assert_every_number_once(emulator, complete(emulator, one(store, is_later_try=True)))
    assert done(emulator).count("upload") == 2


def test_a_second_upload_with_a_lost_response_is_completed(emulator: Emulator, one: Make) -> None:
    emulator.settings.import_stops_after = 5
    store = Store()
    with pytest.raises(ExotelImportUnfinished):
        complete(emulator, one(store))
    emulator.settings.import_stops_after = None
    emulator.faults.add(Fault(on=UPLOAD, kind="drop_after_commit"))

    assert_every_number_once(emulator, complete(emulator, one(store, is_later_try=True)))
    assert done(emulator).count("upload") == 2


def test_a_list_changed_by_somebody_else_is_not_called(emulator: Emulator, one: Make) -> None:
    emulator.add_list("march", [*NUMBERS, "+919876599999"], NAME)

    with pytest.raises(ExotelListMismatch, match="march has 13 contacts instead of 12: somebody else") as caught:
        complete(emulator, one())

    assert "98765" not in str(caught.value)
    assert "upload" not in done(emulator)


def test_a_service_that_keeps_duplicates_is_detected(emulator: Emulator, one: Make) -> None:
    emulator.settings.drop_duplicates = False
    emulator.add_list("march", NUMBERS[:5], NAME)

    with pytest.raises(ExotelListMismatch, match="has 17 contacts instead of 12"):
        complete(emulator, one())


def test_the_error_of_refused_rows_has_only_counts(emulator: Emulator, one: Make) -> None:
    emulator.settings.import_failed_rows = 2

    with pytest.raises(ExotelListMismatch) as caught:
        complete(emulator, one())

    assert "of 12 rows Exotel added 10, skipped 0 duplicates and refused 2 of 12" in str(caught.value)
    assert "98765" not in str(caught.value)
    assert not caught.value.retryable


def test_numbers_merged_by_the_service_are_an_error(emulator: Emulator, one: Make) -> None:
    twice = ListFile(NAME, 12, lambda: io.BytesIO(content((*NUMBERS[:11], NUMBERS[0]))))

    with pytest.raises(ExotelListMismatch, match=r"is over and list .* has 11 of 12"):
        complete(emulator, one(file=twice))


# --- imports that take long ---


def test_an_import_that_takes_too_long_is_left_to_a_later_try(emulator: Emulator, one: Make) -> None:
    emulator.settings.import_seconds = 40 * 60
    store, began = Store(), emulator.clock.now()
    with pytest.raises(
        ExotelImportUnfinished, match=r"after 15 minutes; .* after 30 minutes contact support"
    ) as caught:
        complete(emulator, one(store))
    assert caught.value.retryable
    assert emulator.clock.now() - began < IMPORT_WITHIN + timedelta(minutes=1)

    emulator.clock.advance(20 * 60)
    with pytest.raises(
        ExotelImportUnfinished, match=r"after 35 minutes; .*; contact Exotel's support about the upload"
    ):
        complete(emulator, one(store, is_later_try=True))
    emulator.clock.advance(10 * 60)

    assert_every_number_once(emulator, complete(emulator, one(store, is_later_try=True)))
    assert done(emulator).count("upload") == 1


@given(st.integers(1, 7200))
def test_pauses_grow_and_end_at_the_maximum_time(seconds: int) -> None:
    within, waited, pauses = timedelta(seconds=seconds), timedelta(), []
    while (pause := next_pause(waited, within)) is not None:
        pauses.append(pause)
        waited += timedelta(seconds=pause)

    assert waited == within
    assert pauses[:-1] == sorted(pauses[:-1])
    assert len(pauses) <= 10 + seconds / 30


# --- answers that get lost ---


@pytest.mark.parametrize("kind", ["drop_after_commit", "cut_body", "empty_body"])
def test_after_a_lost_response_the_list_is_found(emulator: Emulator, one: Make, kind: str) -> None:
    emulator.faults.add(Fault(on=UPLOAD, kind=kind))
    store = Store()

    assert_every_number_once(emulator, complete(emulator, one(store)))
    assert (done(emulator).count("upload"), store.entry.posted_before) == (1, None)


def test_after_a_lost_response_lists_are_polled_until_it_appears(emulator: Emulator, one: Make) -> None:
    emulator.settings.list_delay_seconds = 150
    emulator.faults.add(Fault(on=UPLOAD, kind="drop_after_commit"))

    assert_every_number_once(emulator, complete(emulator, one(Store())))
    assert done(emulator).count("upload") == 1


@pytest.mark.parametrize("with_journal", [True, False])
def test_a_lost_file_is_an_unknown_outcome_and_sent_by_a_later_try(
    emulator: Emulator, one: Make, with_journal: bool
) -> None:
    store, began = Store() if with_journal else None, emulator.clock.now()
    emulator.faults.add(Fault(on=UPLOAD, kind="drop_before_commit"))
    with pytest.raises(ExotelOutcomeUnknown, match="its response was lost, and no list with its name has appeared"):
        complete(emulator, one(store))
    assert emulator.clock.now() - began >= SEND_WITHIN + ANSWER + SETTLE
    assert done(emulator).count("upload") == 1

    assert_every_number_once(emulator, complete(emulator, one(store, is_later_try=True)))


def test_a_refused_file_leaves_no_intent(emulator: Emulator, one: Make) -> None:
    store = Store()
    wrong = replace(FILE, open=lambda: io.BytesIO(b"phone\n+919876500000\n"))
    with pytest.raises(ExotelRequestRefused, match="number is mandatory"):
        complete(emulator, one(store, file=wrong))

    assert store.entry.posted_before is None


def test_a_file_that_cannot_be_opened_leaves_no_intent(emulator: Emulator, one: Make) -> None:
    def gone() -> BinaryIO:
        raise FileNotFoundError("part-1.csv")

    store = Store()
    with pytest.raises(FileNotFoundError):
        complete(emulator, one(store, file=replace(FILE, open=gone)))

    assert (store.kept, "upload" in done(emulator)) == (None, False)


def test_a_file_is_closed_after_it_was_sent_and_before_it_is_opened_again(emulator: Emulator, one: Make) -> None:
    emulator.faults.add(Fault(on=UPLOAD, kind="rate_limited", times=2))
    files: list[BinaryIO] = []

    def opened() -> BinaryIO:
        assert all(file.closed for file in files)
        files.append(io.BytesIO(content()))
        return files[-1]

    assert_every_number_once(emulator, complete(emulator, one(file=replace(FILE, open=opened))))
    assert [file.closed for file in files] == [True] * 3


# --- tries that overlap, and journals that cannot be written ---


def test_a_try_that_cannot_store_its_intent_sends_nothing(emulator: Emulator, one: Make) -> None:
    def superseded(_: dict[str, Any]) -> None:
        raise RuntimeError("another try has taken over")

    with pytest.raises(RuntimeError, match="taken over"):
        complete(emulator, one(journal=UploadJournal(lambda: None, superseded)))

    assert "upload" not in done(emulator)


def test_a_slow_journal_write_prevents_sending(emulator: Emulator, one: Make) -> None:
    slow = UploadJournal(lambda: None, lambda _: emulator.clock.advance(31))

    with pytest.raises(ExotelError, match="took too long"):
        complete(emulator, one(journal=slow))

    assert "upload" not in done(emulator)


def test_two_tries_that_overlap_make_one_list(emulator: Emulator, one: Make) -> None:
    first, second = one(), one()
    assert [type(first.next_step()), type(second.next_step())] == [Send, Send]
    first.send()
    second.send()

    assert_every_number_once(emulator, complete(emulator, first))
    assert_every_number_once(emulator, complete(emulator, second))


@pytest.mark.parametrize("order", [("full", "half"), ("half", "full")], ids=" ".join)
def test_the_complete_one_of_two_lists_is_used(
    emulator: Emulator, one: Make, caplog: pytest.LogCaptureFixture, order: tuple[str, ...]
) -> None:
    for name in order:
        emulator.add_list(name, NUMBERS if name == "full" else NUMBERS[:5], NAME)

    assert complete(emulator, one()).sid == "full"
    assert "2 lists have the same name" in caplog.text


def test_unreadable_lists_are_an_error(emulator: Emulator, one: Make) -> None:
    emulator.faults.add(Fault(on="GET lists", kind="status", status=400, times=None))

    with pytest.raises(ExotelRequestRefused):
        complete(emulator, one())

    assert "upload" not in done(emulator)


def test_too_many_lists_are_an_unknown_outcome(emulator: Emulator, one: Make) -> None:
    for count in range(MAX_LISTS_READ):
        emulator.add_list(f"other-{count}", [], f"other {count}")

    with pytest.raises(ExotelOutcomeUnknown, match="more than 10,000 lists"):
        complete(emulator, one())

    assert "upload" not in done(emulator)


# --- deferrals: the same driver, with nothing but JSON between its calls ---


class Deferred(BaseException):
    """The worker is released until the next poll."""


def defer(seconds: float) -> None:
    raise Deferred(seconds)


def deferred(emulator: Emulator, make: Make, state: dict[str, Any], **options: Any) -> tuple[Any, dict[str, Any], int]:
    """Run a try in workers that each end at a wait; return its list, its state, and how many workers it took."""
    workers = 0
    while True:
        workers += 1
        known = UploadState.of(json.loads(json.dumps(state)))
        journal = upload_journal_of({}, NAME, known.journals)
        try:
            [made] = complete_uploads([make(journal=journal, **options)], known.sent, defer)
        except Deferred as end:
            emulator.clock.advance(end.args[0])
            state = vars(known)
        else:
            return made, vars(known), workers


def test_a_deferred_upload_sends_once_and_ends_with_the_whole_list(emulator: Emulator, one: Make) -> None:
    made, state, workers = deferred(emulator, one, {})

    assert_every_number_once(emulator, made)
    assert done(emulator).count("upload") == 1
    assert state["sent"] == [NAME]
    assert workers > 2


def test_a_deferred_upload_does_not_resend_in_the_same_try(emulator: Emulator, one: Make) -> None:
    emulator.settings.import_stops_after = 5

    with pytest.raises(ExotelImportUnfinished, match=r"interrupted: list .* has 5 of 12 contacts; a later try"):
        deferred(emulator, one, {})

    assert done(emulator).count("upload") == 1


def test_a_state_of_another_version_is_read(emulator: Emulator, one: Make) -> None:
    emulator.add_list("march", NUMBERS[:5], NAME)
    state = {"sent": [NAME], "of a later version": 1}

    with pytest.raises(ExotelImportUnfinished, match="the number does not grow; a later try sends it again"):
        deferred(emulator, one, state)

    assert "upload" not in done(emulator)
    assert UploadState.of({}) == UploadState()


def test_all_files_are_sent_before_any_import_is_waited_for(emulator: Emulator, one: Make) -> None:
    files = [replace(FILE, list_name=f"{NAME}-{count}") for count in range(3)]

    made = complete(emulator, *(one(file=file) for file in files))

    assert [one.name for one in made] == [file.list_name for file in files]
    words = done(emulator)
    last_upload = len(words) - 1 - words[::-1].index("upload")
    assert words.count("upload") == 3
    assert max(request.at for request in emulator.requests[: last_upload + 1]) == emulator.requests[0].at


def test_a_list_that_is_complete_is_not_polled_again(emulator: Emulator, one: Make) -> None:
    there = replace(FILE, list_name=f"{NAME}-there")
    emulator.add_list("there", NUMBERS, there.list_name)

    made = complete(emulator, one(), one(file=there))

    assert [one.name for one in made] == [NAME, there.list_name]
    assert [request.query.get("name") for request in emulator.requests].count(there.list_name) == 1
    assert "lists/there" not in [request.path for request in emulator.requests]


def test_the_shortest_wait_of_several_lists_is_used(emulator: Emulator, one: Make) -> None:
    emulator.settings.import_seconds = 400
    old = one(store := Store(), file=replace(FILE, list_name=f"{NAME}-old"))
    with suppress(Deferred):
        complete_uploads([old], [], defer)
    emulator.clock.advance(120)
    waits: list[float] = []

    def first_wait(seconds: float) -> None:
        waits.append(seconds)
        raise Deferred

    with suppress(Deferred):
        complete_uploads([one(store, file=old.file), one()], [], first_wait)

    assert waits == [5.0]


def test_next_step_never_sends(emulator: Emulator, one: Make) -> None:
    assert one().next_step() == Send("there is no list with its name")
    assert {request.method for request in emulator.requests} == {"GET"}


def test_an_entry_is_plain_json_without_phone_numbers() -> None:
    now = datetime(2026, 3, 2, 4, tzinfo=UTC)
    entry = UploadEntry("list", "upload", now, now, 5, now)

    assert UploadEntry.of(entry.as_json()) == entry
    assert UploadEntry.of(None) == UploadEntry()
    assert UploadEntry.of({**entry.as_json(), "of a later version": 1}) == entry


def test_file_and_journal_texts_have_no_phone_numbers(emulator: Emulator, one: Make) -> None:
    store = Store()
    made = one(store)
    complete(emulator, made)

    assert not any("98765" in text for text in (repr(made), repr(FILE), str(store.kept)))


# --- deaths ---


class Killed(BaseException):
    """The end of a worker."""


class Mortal:
    """Forwards calls and dies at one of them: before it, or after it and before returning its result."""

    def __init__(self, inner: Any, lives: list[int]) -> None:
        self._inner, self._lives = inner, lives

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            self._tick()
            result = getattr(self._inner, name)(*arguments, **options)
            self._tick()
            return result

        return call

    def _tick(self) -> None:
        self._lives[0] -= 1
        if not self._lives[0]:
            raise Killed


def mortal(made: ListUpload, lives: int) -> ListUpload:
    """Return a try that dies at its ``lives``-th call of the service or the journal."""
    left = [lives]
    journal = UploadJournal(made.journal.read, Mortal(made.journal, left).write, made.journal.outlives_tries)
    return replace(made, lists=Mortal(made.lists, left), journal=journal)


@pytest.mark.parametrize("with_journal", [True, False])
@pytest.mark.parametrize("lives", range(1, 33))
def test_after_a_crash_at_any_step_the_next_try_does_only_what_is_missing(
    emulator: Emulator, one: Make, lives: int, with_journal: bool
) -> None:
    store = Store() if with_journal else None
    with suppress(Killed):
        complete(emulator, mortal(one(store), lives))
    emulator.clock.advance(5)

    made = complete(emulator, one(store, is_later_try=True))

    assert_every_number_once(emulator, made)
    assert done(emulator).count("upload") == 1


@pytest.mark.parametrize("with_journal", [True, False])
def test_the_list_of_a_crashed_try_is_polled_until_it_appears(
    emulator: Emulator, one: Make, with_journal: bool
) -> None:
    emulator.settings.list_delay_seconds = 150
    store = Store() if with_journal else None
    emulator.faults.add(Fault(on=UPLOAD, kind="drop_after_commit"))
    first = one(store)
    first.next_step()
    with pytest.raises(ExotelOutcomeUnknown):
        first.send()

    assert_every_number_once(emulator, complete(emulator, one(store, is_later_try=True)))
    assert done(emulator).count("upload") == 1


FAULTS = ("drop_before_commit", "drop_after_commit", "cut_body", "html_5xx", "rate_limited")
TROUBLE = st.fixed_dictionaries(
    {
        "lives": st.integers(1, 60),
        "fault": st.sampled_from(
            [None, "drop_before_commit", "drop_after_commit", "cut_body", "html_5xx", "rate_limited"]
        ),
        "on": st.sampled_from([UPLOAD, "GET lists", "GET lists/*", "GET csv-status/*"]),
        "stops_after": st.none() | st.integers(0, 12),
        "pause": st.integers(0, 400),
    }
)


@examples(40, suppress_health_check=[HealthCheck.too_slow])
@given(
    tries=st.lists(TROUBLE, max_size=4),
    with_journal=st.booleans(),
    import_seconds=st.sampled_from([0, 1, 60, 800]),
    delay=st.sampled_from([0, 100]),
    mode=st.sampled_from(["exact", "substring", "ignored", "failing"]),
    dialect=st.sampled_from(["documented", "wrapped"]),
)
def test_every_number_is_in_one_list_once_in_any_history(
    tries: list[dict[str, Any]], with_journal: bool, import_seconds: int, delay: int, mode: str, dialect: str
) -> None:
    store = Store() if with_journal else None
    switches = {"import_seconds": import_seconds, "list_delay_seconds": delay, "name_filter": mode, "dialect": dialect}
    with Emulator(seed=1, **switches) as emulator, client_of(emulator) as client:
        for number, trouble in enumerate(tries):
            emulator.settings.import_stops_after = trouble["stops_after"]
            if trouble["fault"]:
                emulator.faults.add(Fault(on=trouble["on"], kind=trouble["fault"]))
            with suppress(Killed, ExotelError):
                complete(emulator, mortal(one_of(emulator, client, store, is_later_try=number > 0), trouble["lives"]))
            emulator.clock.advance(trouble["pause"])
        emulator.faults.clear()
        emulator.settings.import_stops_after = None

        made = complete(emulator, one_of(emulator, client, store, is_later_try=bool(tries)))

        assert_every_number_once(emulator, made)


def test_a_file_that_cannot_seek_is_refused_before_anything_is_sent(emulator: Emulator, one: Make) -> None:
    store = Store()
    with pytest.raises(ExotelInputError):
        complete(emulator, one(store, file=replace(FILE, open=lambda: io.StringIO("number\n"))))

    assert (store.entry.posted_before, "upload" in done(emulator)) == (None, False)
