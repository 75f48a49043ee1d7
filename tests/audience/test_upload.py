"""A chunk becomes a list exactly once: the protocol against the emulator over real HTTP, on the emulator's clock."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_exotel.audience.upload import (
    FURTHEST_LOOK,
    IMPORT_WITHIN,
    SEND_WITHIN,
    SETTLE,
    Chunk,
    OneList,
    Send,
    Wait,
    next_pause,
)
from airflow_provider_exotel.audience.upload_journal import UploadEntry, UploadJournal
from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.contact_list import ContactList
from airflow_provider_exotel.client.errors import (
    ExotelError,
    ExotelImportUnfinished,
    ExotelInputError,
    ExotelListMismatch,
    ExotelOutcomeUnknown,
    ExotelRequestRefused,
    ExotelResponseError,
)
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.emulator import Emulator, Fault

NAME = "reminders af-3f2a-c07d"
NUMBERS = tuple(f"+9198765{index:05d}" for index in range(12))
UPLOAD = "POST contacts/csv-upload"
ANSWER = timedelta(seconds=40)


def content(numbers: tuple[str, ...] = NUMBERS) -> bytes:
    return "".join(f"{line}\n" for line in ("number", *numbers)).encode()


CHUNK = Chunk(NAME, len(NUMBERS), lambda: io.BytesIO(content()))


class Store:
    """What outlives a try."""

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


def one_of(emulator: Emulator, client: ExotelClient, store: Store | None = None, **options: Any) -> OneList:
    """One try to make the list, which waits on the emulator's clock."""
    known = {
        "chunk": CHUNK,
        "lists": client.lists,
        "journal": store.journal() if store else UploadJournal.of_this_try(),
        "answer_within": ANSWER,
        "now": emulator.clock.now,
        "sleep": emulator.clock.advance,
    }
    return OneList(**{**known, **options})


Make = Callable[..., OneList]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(seed=1, import_seconds=60) as running:
        yield running


@pytest.fixture
def one(emulator: Emulator) -> Iterator[Make]:
    """Makes tries of one task."""
    with client_of(emulator) as client:
        yield lambda store=None, **options: one_of(emulator, client, store, **options)


def done(emulator: Emulator) -> list[str]:
    """What was asked of the service, in a word each."""
    words = {"contacts/csv-upload": "upload", "lists": "look"}
    return [words.get(request.path, request.path.split("/")[0]) for request in emulator.requests]


def upload_by_hand(emulator: Emulator, numbers: tuple[str, ...], name: str = NAME) -> str:
    """An upload nobody remembers; returns its id."""
    with client_of(emulator) as client:
        return client.lists.upload_csv(io.BytesIO(content(numbers)), name).upload_id


def assert_every_number_once(emulator: Emulator, made: ContactList) -> None:
    [only] = emulator.lists
    assert (made.sid, made.contacts) == (only.sid, len(NUMBERS))
    assert sorted(only.numbers) == sorted(NUMBERS)


# --- one try ---


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_a_first_try_looks_sends_waits_and_compares(emulator: Emulator, one: Make, dialect: str) -> None:
    emulator.settings.dialect = dialect

    made = one(Store()).complete()

    assert_every_number_once(emulator, made)
    assert done(emulator)[:4] == ["look", "look", "upload", "csv-status"]
    assert done(emulator)[-2:] == ["csv-status", "lists"]


def test_what_is_there_already_is_adopted_and_nothing_is_sent(emulator: Emulator, one: Make) -> None:
    emulator.add_list("march", NUMBERS, NAME)

    made = one().complete()

    assert_every_number_once(emulator, made)
    assert done(emulator) == ["look"]


@pytest.mark.parametrize("mode", ["exact", "substring", "casefold", "ignored", "failing"])
@pytest.mark.parametrize("spelled", [NAME, f" {NAME.upper()} "])
def test_a_list_is_found_however_the_service_filters_and_spells_names(
    emulator: Emulator, one: Make, mode: str, spelled: str
) -> None:
    emulator.settings.name_filter = mode
    emulator.add_list("longer", NUMBERS, f"{NAME}-more")
    emulator.add_list("march", NUMBERS, spelled)

    assert one().complete().sid == "march"
    assert "upload" not in done(emulator)


def test_a_list_whose_name_only_holds_this_one_is_another_list(emulator: Emulator, one: Make) -> None:
    emulator.add_list("longer", NUMBERS, f"{NAME}-more")

    made = one().complete()

    assert made.sid != "longer"
    assert done(emulator).count("upload") == 1


def test_a_second_try_after_the_end_asks_twice_and_sends_nothing(emulator: Emulator, one: Make) -> None:
    store = Store()
    first = one(store).complete()
    before = len(emulator.requests)

    assert one(store, is_later_try=True).complete() == first
    assert done(emulator)[before:] == ["csv-status", "lists"]


def test_a_list_that_was_deleted_is_made_again(emulator: Emulator, one: Make) -> None:
    store = Store()
    first = one(store).complete()
    with client_of(emulator) as client:
        client.lists.delete(first.sid)

    made = one(store, is_later_try=True).complete()

    assert_every_number_once(emulator, made)


def test_an_upload_the_service_has_forgotten_is_judged_by_its_list(emulator: Emulator, one: Make) -> None:
    store = Store()
    one(store).complete()
    store.kept = replace(store.entry, upload_id="forgotten").as_json()

    assert_every_number_once(emulator, one(store, is_later_try=True).complete())
    assert done(emulator).count("upload") == 1


def test_where_a_list_does_not_tell_its_count_its_contacts_do(emulator: Emulator, one: Make) -> None:
    emulator.settings.list_counts = False

    assert_every_number_once(emulator, one(Store()).complete())


def test_where_nothing_tells_a_count_the_counts_of_the_import_are_enough(emulator: Emulator, one: Make) -> None:
    emulator.settings.update({"list_counts": False, "list_metadata": False})

    assert_every_number_once(emulator, one(Store()).complete())


def test_a_list_of_which_nothing_tells_the_count_is_not_called_from(emulator: Emulator, one: Make) -> None:
    emulator.settings.update({"list_counts": False, "list_metadata": False})
    emulator.add_list("march", NUMBERS, NAME)

    with pytest.raises(ExotelResponseError, match="how many contacts"):
        one().complete()


# --- lists that are not full ---


def test_an_import_that_is_still_running_is_waited_for(emulator: Emulator, one: Make) -> None:
    upload_by_hand(emulator, NUMBERS)
    emulator.clock.advance(20)

    assert_every_number_once(emulator, one().complete())
    assert done(emulator).count("upload") == 1


def test_an_import_that_was_cut_off_is_completed_once_its_count_has_settled(emulator: Emulator, one: Make) -> None:
    emulator.add_list("march", NUMBERS[:5], NAME)
    began = emulator.clock.now()
    step = one(store := Store()).look()
    assert isinstance(step, Wait)

    assert_every_number_once(emulator, one(store).complete())

    [sent] = [request.at for request in emulator.requests if request.path == "contacts/csv-upload"]
    assert sent - began >= SETTLE


def test_an_import_slower_than_it_seems_is_waited_for_by_later_tries(emulator: Emulator, one: Make) -> None:
    emulator.settings.import_seconds = 24 * SETTLE.total_seconds()
    upload_by_hand(emulator, NUMBERS)
    emulator.settings.import_seconds = 10
    store = Store()
    with pytest.raises(ExotelImportUnfinished, match="another import brings the rest"):
        one(store).complete()
    emulator.clock.advance(24 * SETTLE.total_seconds())

    assert_every_number_once(emulator, one(store, is_later_try=True).complete())


def test_an_import_that_broke_off_is_completed_by_a_later_try(emulator: Emulator, one: Make) -> None:
    emulator.settings.import_stops_after = 5
    store = Store()
    with pytest.raises(ExotelImportUnfinished, match=r"broke off: the list .* holds 5 of 12 contacts") as caught:
        one(store).complete()
    assert caught.value.retryable
    emulator.settings.import_stops_after = None

    assert_every_number_once(emulator, one(store, is_later_try=True).complete())
    assert done(emulator).count("upload") == 2


def test_a_list_somebody_else_wrote_into_is_not_called_from(emulator: Emulator, one: Make) -> None:
    emulator.add_list("march", [*NUMBERS, "+919876599999"], NAME)

    with pytest.raises(ExotelListMismatch, match="march holds 13 contacts and should hold 12: somebody else") as caught:
        one().complete()

    assert "98765" not in str(caught.value)
    assert "upload" not in done(emulator)


def test_a_service_that_does_not_drop_what_a_list_holds_is_found_out(emulator: Emulator, one: Make) -> None:
    emulator.settings.drop_duplicates = False
    emulator.add_list("march", NUMBERS[:5], NAME)

    with pytest.raises(ExotelListMismatch, match="holds 17 contacts and should hold 12"):
        one().complete()


def test_rows_the_service_refuses_are_an_error_that_names_counts_only(emulator: Emulator, one: Make) -> None:
    emulator.settings.import_failed_rows = 2

    with pytest.raises(ExotelListMismatch) as caught:
        one().complete()

    assert "of 12 rows Exotel added 10, knew 0 already and refused 2 of 12" in str(caught.value)
    assert "98765" not in str(caught.value)
    assert not caught.value.retryable


def test_numbers_the_service_takes_for_the_same_are_an_error_after_the_count_has_settled(
    emulator: Emulator, one: Make
) -> None:
    twice = Chunk(NAME, 12, lambda: io.BytesIO(content((*NUMBERS[:11], NUMBERS[0]))))

    with pytest.raises(ExotelListMismatch, match=r"is over and the list .* holds 11 of 12"):
        one(chunk=twice).complete()


# --- imports that take long ---


def test_an_import_that_takes_too_long_is_left_to_a_later_try(emulator: Emulator, one: Make) -> None:
    emulator.settings.import_seconds = 40 * 60
    store, began = Store(), emulator.clock.now()
    with pytest.raises(
        ExotelImportUnfinished, match=r"after 15 minutes; .* after 30 minutes ask its support"
    ) as caught:
        one(store).complete()
    assert caught.value.retryable
    assert emulator.clock.now() - began < IMPORT_WITHIN + timedelta(minutes=1)

    emulator.clock.advance(20 * 60)
    with pytest.raises(ExotelImportUnfinished, match=r"after 35 minutes; .*; ask Exotel's support and name the upload"):
        one(store, is_later_try=True).complete()
    emulator.clock.advance(10 * 60)

    assert_every_number_once(emulator, one(store, is_later_try=True).complete())
    assert done(emulator).count("upload") == 1


@given(st.integers(1, 7200))
def test_pauses_grow_and_end_exactly_when_the_time_is_over(seconds: int) -> None:
    within, waited, pauses = timedelta(seconds=seconds), timedelta(), []
    while (pause := next_pause(waited, within)) is not None:
        pauses.append(pause)
        waited += timedelta(seconds=pause)

    assert waited == within
    assert pauses[:-1] == sorted(pauses[:-1])
    assert len(pauses) <= 10 + seconds / 30


# --- answers that get lost ---


@pytest.mark.parametrize("kind", ["drop_after_commit", "cut_body", "empty_body"])
def test_a_lost_answer_of_a_file_that_was_taken_is_looked_for(emulator: Emulator, one: Make, kind: str) -> None:
    emulator.faults.add(Fault(on=UPLOAD, kind=kind))
    store = Store()

    assert_every_number_once(emulator, one(store).complete())
    assert (done(emulator).count("upload"), store.entry.posted_before) == (1, None)


def test_a_lost_answer_is_looked_for_until_its_list_shows(emulator: Emulator, one: Make) -> None:
    emulator.settings.list_delay_seconds = 150
    emulator.faults.add(Fault(on=UPLOAD, kind="drop_after_commit"))

    assert_every_number_once(emulator, one(Store()).complete())
    assert done(emulator).count("upload") == 1


@pytest.mark.parametrize("with_journal", [True, False])
def test_a_file_that_was_not_taken_is_an_unknown_outcome_and_sent_by_a_later_try(
    emulator: Emulator, one: Make, with_journal: bool
) -> None:
    store, began = Store() if with_journal else None, emulator.clock.now()
    emulator.faults.add(Fault(on=UPLOAD, kind="drop_before_commit"))
    with pytest.raises(ExotelOutcomeUnknown, match="its answer was lost, and no list of its name showed"):
        one(store).complete()
    assert emulator.clock.now() - began >= SEND_WITHIN + ANSWER + SETTLE
    assert done(emulator).count("upload") == 1

    assert_every_number_once(emulator, one(store, is_later_try=True).complete())


def test_a_file_that_surely_was_not_taken_leaves_nothing_open(emulator: Emulator, one: Make) -> None:
    store = Store()
    wrong = replace(CHUNK, open=lambda: io.BytesIO(b"phone\n+919876500000\n"))
    with pytest.raises(ExotelRequestRefused, match="number is mandatory"):
        one(store, chunk=wrong).complete()

    assert store.entry.posted_before is None


def test_a_file_that_cannot_be_opened_leaves_nothing_open(emulator: Emulator, one: Make) -> None:
    def gone() -> BinaryIO:
        raise FileNotFoundError("part-1.csv")

    store = Store()
    with pytest.raises(FileNotFoundError):
        one(store, chunk=replace(CHUNK, open=gone)).complete()

    assert (store.kept, "upload" in done(emulator)) == (None, False)


def test_a_file_is_closed_after_it_was_sent_and_before_it_is_opened_again(emulator: Emulator, one: Make) -> None:
    emulator.faults.add(Fault(on=UPLOAD, kind="rate_limited", times=2))
    files: list[BinaryIO] = []

    def opened() -> BinaryIO:
        assert all(file.closed for file in files)
        files.append(io.BytesIO(content()))
        return files[-1]

    assert_every_number_once(emulator, one(chunk=replace(CHUNK, open=opened)).complete())
    assert [file.closed for file in files] == [True] * 3


# --- tries that overlap, and journals that cannot be written ---


def test_a_try_that_cannot_write_down_its_intent_sends_nothing(emulator: Emulator, one: Make) -> None:
    def superseded(_: dict[str, Any]) -> None:
        raise RuntimeError("another try has taken over")

    with pytest.raises(RuntimeError, match="taken over"):
        one(journal=UploadJournal(lambda: None, superseded)).complete()

    assert "upload" not in done(emulator)


def test_a_try_that_took_too_long_to_write_it_down_sends_nothing(emulator: Emulator, one: Make) -> None:
    slow = UploadJournal(lambda: None, lambda _: emulator.clock.advance(31))

    with pytest.raises(ExotelError, match="took too long"):
        one(journal=slow).complete()

    assert "upload" not in done(emulator)


def test_two_tries_that_overlap_make_one_list(emulator: Emulator, one: Make) -> None:
    first, second = one(), one()
    assert [type(first.look()), type(second.look())] == [Send, Send]
    first.upload()
    second.upload()

    assert_every_number_once(emulator, first.complete())
    assert_every_number_once(emulator, second.complete())


def test_of_two_lists_of_the_name_the_one_that_is_full_is_taken(
    emulator: Emulator, one: Make, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.add_list("full", NUMBERS, NAME)
    emulator.add_list("half", NUMBERS[:5], NAME)

    assert one().complete().sid == "full"
    assert "2 lists have the same name" in caplog.text


def test_a_look_that_cannot_reach_the_end_of_the_lists_proves_nothing(emulator: Emulator) -> None:
    class Endless:
        def all(self, *, name: str | None = None) -> Iterator[ContactList]:
            return (ContactList(str(count), f"other {count}") for count in range(FURTHEST_LOOK + 1))

    with pytest.raises(ExotelOutcomeUnknown, match="more than 10,000 lists"):
        OneList(CHUNK, Endless(), UploadJournal.of_this_try()).look()  # type: ignore[arg-type]


# --- steps, for whoever does the waiting elsewhere ---


def test_the_steps_can_be_taken_one_by_one_with_nothing_but_json_between_them(emulator: Emulator, one: Make) -> None:
    kept, seen = None, []
    while not seen or not isinstance(seen[-1], ContactList):
        store = Store()
        store.kept = kept
        step = one(store).look()
        if isinstance(step, Send):
            one(store).upload()
        if isinstance(step, Wait):
            emulator.clock.advance(step.seconds)
        kept, seen = store.kept, [*seen, step]

    assert_every_number_once(emulator, seen[-1])
    assert [type(step) for step in seen[:2]] == [Send, Wait]


def test_a_look_never_sends(emulator: Emulator, one: Make) -> None:
    assert one().look() == Send("there is no list of its name")
    assert {request.method for request in emulator.requests} == {"GET"}


def test_an_entry_is_kept_as_plain_json_without_a_number() -> None:
    now = datetime(2026, 3, 2, 4, tzinfo=UTC)
    entry = UploadEntry("list", "upload", now, now, 5, now)

    assert UploadEntry.of(entry.as_json()) == entry
    assert UploadEntry.of(None) == UploadEntry()
    assert UploadEntry.of({**entry.as_json(), "of a later version": 1}) == entry


def test_neither_a_chunk_nor_its_journal_shows_anybody(emulator: Emulator, one: Make) -> None:
    store = Store()
    made = one(store)
    made.complete()

    assert not any("98765" in text for text in (repr(made), repr(CHUNK), str(store.kept)))


# --- deaths ---


class Killed(BaseException):
    """The end of a worker."""


class Mortal:
    """Passes calls on and dies at one of them: before it, or after it when nobody has heard of it yet."""

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


def mortal(made: OneList, lives: int) -> OneList:
    """A try that dies at its ``lives``-th step: a call of the service or of the journal."""
    left = [lives]
    journal = UploadJournal(made.journal.read, Mortal(made.journal, left).write, made.journal.outlives_tries)
    return replace(made, lists=Mortal(made.lists, left), journal=journal)


@pytest.mark.parametrize("with_journal", [True, False])
@pytest.mark.parametrize("lives", range(1, 33))
def test_whichever_step_a_try_dies_at_the_next_one_does_only_what_is_missing(
    emulator: Emulator, one: Make, lives: int, with_journal: bool
) -> None:
    store = Store() if with_journal else None
    with suppress(Killed):
        mortal(one(store), lives).complete()
    emulator.clock.advance(5)

    made = one(store, is_later_try=True).complete()

    assert_every_number_once(emulator, made)
    assert done(emulator).count("upload") == 1


@pytest.mark.parametrize("with_journal", [True, False])
def test_a_list_of_a_try_that_died_is_waited_for_until_it_shows(
    emulator: Emulator, one: Make, with_journal: bool
) -> None:
    emulator.settings.list_delay_seconds = 150
    store = Store() if with_journal else None
    emulator.faults.add(Fault(on=UPLOAD, kind="drop_after_commit"))
    first = one(store)
    first.look()
    with pytest.raises(ExotelOutcomeUnknown):
        first.upload()

    assert_every_number_once(emulator, one(store, is_later_try=True).complete())
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


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tries=st.lists(TROUBLE, max_size=4),
    with_journal=st.booleans(),
    import_seconds=st.sampled_from([0, 1, 60, 800]),
    delay=st.sampled_from([0, 100]),
    mode=st.sampled_from(["exact", "substring", "ignored", "failing"]),
    dialect=st.sampled_from(["documented", "wrapped"]),
)
def test_whatever_happens_every_number_is_in_one_list_once(
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
                mortal(one_of(emulator, client, store, is_later_try=number > 0), trouble["lives"]).complete()
            emulator.clock.advance(trouble["pause"])
        emulator.faults.clear()
        emulator.settings.import_stops_after = None

        made = one_of(emulator, client, store, is_later_try=bool(tries)).complete()

        assert_every_number_once(emulator, made)


def test_a_file_that_cannot_seek_is_refused_before_anything_is_sent(emulator: Emulator, one: Make) -> None:
    store = Store()
    with pytest.raises(ExotelInputError):
        one(store, chunk=replace(CHUNK, open=lambda: io.StringIO("number\n"))).complete()

    assert (store.entry.posted_before, "upload" in done(emulator)) == (None, False)
