"""Chunks: files of sizes that Exotel accepts, named by a digest of their contents."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.audience.chunks import (
    DYNAMIC_LIST,
    INLINE,
    STATIC_LIST,
    Chunk,
    ChunkLimits,
    ChunkWriter,
)

SECRET = "made-up secret"
Contact = tuple[str, str, list[str]]


class Folder(dict[str, bytes]):
    """Files in memory; one is there once it is complete."""

    @contextmanager
    def open_for_write(self, name: str) -> Iterator[io.BytesIO]:
        assert name not in self, "two chunks of one name"
        file = io.BytesIO()
        yield file
        self[name] = file.getvalue()


def write(
    contacts: Iterable[Contact], limits: ChunkLimits, variables: tuple[str, ...] = (), secret: str = SECRET
) -> tuple[tuple[Chunk, ...], Folder]:
    folder = Folder()
    with ChunkWriter(folder.open_for_write, limits, variables, secret.encode()) as chunks:
        for contact in contacts:
            chunks.add(*contact)
        return chunks.finish(), folder


def people(count: int, key: str = "all") -> list[Contact]:
    return [(key, f"+9198765{position:05}", []) for position in range(count)]


def test_the_limits_are_those_of_the_service() -> None:
    assert (INLINE.rows, STATIC_LIST.rows, DYNAMIC_LIST.rows) == (5_000, 100_000, 500_000)
    assert (STATIC_LIST.per_campaign, DYNAMIC_LIST.per_campaign) == (5, 1)
    assert DYNAMIC_LIST.size == 60_000_000


def test_the_csv_format_of_a_chunk() -> None:
    [chunk], folder = write([("all", "+919876500000", ["Rao, Asha", "₹ 5"])], DYNAMIC_LIST, ("Name", "Amount"))

    assert folder[chunk.name].decode() == 'number,Name,Amount\n+919876500000,"Rao, Asha",₹ 5\n'


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n", "\u2028"])
def test_a_value_cannot_add_a_row(line_break: str) -> None:
    [chunk], folder = write([("all", "+919876500000", [f"Asha{line_break}+919876500001"])], DYNAMIC_LIST, ("Name",))

    assert folder[chunk.name] == b"number,Name\n+919876500000,Asha +919876500001\n"


def test_a_static_list_holds_numbers_only() -> None:
    [chunk], folder = write(people(2), STATIC_LIST)

    assert folder[chunk.name] == b"number\n+919876500000\n+919876500001\n"


contacts = st.lists(
    st.tuples(
        st.sampled_from(["Asia/Kolkata", "Asia/Dubai", "x"]),
        st.from_regex(r"\+91987650[0-9]{4}", fullmatch=True),
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=2, max_size=2),
    ),
    max_size=40,
    unique_by=lambda contact: contact[1],
)


@given(contacts, st.integers(1, 12), st.none() | st.integers(120, 300))
def test_each_contact_is_in_one_chunk_of_its_key_within_the_limits(
    given_contacts: list[Contact], rows: int, size: int | None
) -> None:
    chunks, folder = write(given_contacts, ChunkLimits(rows, 2, size), ("Name", "Amount"))

    found: dict[str, list[list[str]]] = defaultdict(list)
    for chunk in chunks:
        content = folder[chunk.name]
        header, *lines = csv.reader(io.StringIO(content.decode(), newline=""))
        assert header == ["number", "Name", "Amount"]
        assert 0 < len(lines) == chunk.rows <= rows
        assert len(content) == chunk.size < (size or 1 << 30)
        assert chunk.digest == hmac.new(SECRET.encode(), content, hashlib.sha256).hexdigest()
        found[chunk.key] += lines
    expected: dict[str, list[list[str]]] = defaultdict(list)
    for key, number, values in given_contacts:
        expected[key].append([number, *(" ".join(value.splitlines()) for value in values)])
    assert found == expected
    assert folder.keys() == {chunk.name for chunk in chunks}


@given(contacts)
def test_the_same_people_give_the_same_chunks(given_contacts: list[Contact]) -> None:
    limits, variables = ChunkLimits(7), ("Name", "Amount")

    assert write(given_contacts, limits, variables) == write(given_contacts, limits, variables)


@pytest.mark.parametrize(
    ("limits", "count", "campaigns"),
    [
        (ChunkLimits(10, 5), 100, [1] * 5 + [2] * 5),
        (ChunkLimits(10, 5), 51, [1] * 5 + [2]),
        (ChunkLimits(10, 1), 25, [1, 2, 3]),
    ],
)
def test_chunks_have_the_index_of_their_campaign(limits: ChunkLimits, count: int, campaigns: list[int]) -> None:
    chunks, _ = write(people(count), limits)

    assert [chunk.campaign for chunk in chunks] == campaigns


def test_campaigns_are_counted_by_key() -> None:
    chunks, _ = write([*people(2, "east"), *[("west", "+6590001000", [])]], ChunkLimits(1))

    assert [(chunk.key, chunk.campaign) for chunk in chunks] == [("east", 1), ("east", 2), ("west", 1)]


def test_a_name_contains_the_key_and_the_digest() -> None:
    [chunk], _ = write(people(1, "Asia/Kolkata & more"), STATIC_LIST)

    assert chunk.name == f"Asia-Kolkata-more-{chunk.digest[:32]}.csv"


def test_numbers_cannot_be_guessed_from_a_name_without_the_secret() -> None:
    [one], folder = write(people(1), STATIC_LIST)
    [other], _ = write(people(1), STATIC_LIST, secret="another")

    assert one.name != other.name
    assert hashlib.sha256(folder[one.name]).hexdigest() not in {one.digest, other.digest}


def test_a_chunk_is_written_as_soon_as_it_is_full() -> None:
    folder = Folder()
    with ChunkWriter(folder.open_for_write, ChunkLimits(1_000), (), b"secret") as chunks:
        for position, contact in enumerate(people(3_001)):
            assert len(folder) == max(0, position - 1) // 1_000
            chunks.add(*contact)


def test_a_chunk_too_large_for_memory_is_written_whole() -> None:
    text = "x" * 10_000
    [chunk], folder = write([(key, number, [text]) for key, number, _ in people(500)], DYNAMIC_LIST, ("Text",))

    assert chunk.size == len(folder[chunk.name]) > 5_000_000
    assert chunk.digest == hmac.new(SECRET.encode(), folder[chunk.name], hashlib.sha256).hexdigest()


def test_unfinished_chunks_are_not_written() -> None:
    folder = Folder()

    with ChunkWriter(folder.open_for_write, STATIC_LIST, (), b"secret") as chunks:
        chunks.add(*people(1)[0])

    assert folder == {}
