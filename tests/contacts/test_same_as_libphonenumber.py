"""Verdicts equal those of libphonenumber, for India's whole numbering plan and for arbitrary text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from phonenumbers import SUPPORTED_REGIONS, PhoneMetadata

from airflow_provider_exotel.contacts import india
from airflow_provider_exotel.contacts.normalise import NumberColumn, Undecided, normalise
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.contacts.spreadsheet import repair

from ..properties import examples
from .asking import libphonenumber, without_reasons
from .numbering_plan import Block, indian_blocks

SPELLINGS = ("{}", "0{}", "91{}", "910{}", "+91{}", "+910{}", "0091{}", "00910{}", "091{}", "+{}", "00{}", "000{}")
# Parts of numbers, text around them, and text that libphonenumber reads as an extension or a second number.
NEAR_A_NUMBER = """
    + 0 00 91 +91 9876500000 98765 43210 1800 22 7 ( ) - . / x12 ext5 , ; # * a E tel: ＋ ٩ – +65 90001000 +1 2025550100
    +44 7700900000 +39 06 +800
"""


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return indian_blocks()


def test_the_blocks_hold_every_number_of_ten_digits_once(blocks: list[Block]) -> None:
    firsts, lasts = [block.number("0") for block in blocks], [block.number("9") for block in blocks]

    assert (firsts[0], lasts[-1]) == ("0" * 10, "9" * 10)
    assert all(int(last) + 1 == int(first) for last, first in zip(lasts, firsts[1:], strict=False))


def test_sampled_numbers_of_every_block_have_the_verdict_of_libphonenumber(blocks: list[Block]) -> None:
    numbers = [block.number(filling) for block in blocks for filling in ("0", "5", "9")]

    verdicts = without_reasons(normalise(numbers, "IN"))

    assert verdicts == libphonenumber(numbers)
    # Each block has one verdict. A leading 0 is skipped: it is a prefix and not part of the number.
    said = [block.valid for block in blocks for _ in range(3)]
    assert all((v is not None) == valid for v, valid, n in zip(verdicts, said, numbers, strict=True) if n[0] != "0")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_prefix_of_a_block_has_the_verdict_of_libphonenumber(blocks: list[Block], spelling: str) -> None:
    numbers = [spelling.format(block.number("1")) for block in blocks]

    assert without_reasons(normalise(numbers, "IN")) == libphonenumber(numbers)


@pytest.mark.parametrize("country", ["US", "FR", "SG", "IT", "AR"])
def test_indian_numbers_are_the_same_from_abroad(blocks: list[Block], country: str) -> None:
    numbers = [
        spelling.format(block.number("1")) for block in blocks[::7] for spelling in ("+91{}", "+910{}", "91{}", "{}")
    ]

    assert without_reasons(normalise(numbers, country)) == libphonenumber(numbers, country)


near_a_number = st.lists(st.sampled_from([*NEAR_A_NUMBER.split(), " ", "\u00a0", "\t", "\n"]), max_size=7).map("".join)
typed = st.one_of(near_a_number, st.text(max_size=20), st.from_regex(r"\+?[0-9]{5,16}", fullmatch=True))


@examples(500)
@given(st.lists(typed, max_size=6))
def test_accepted_numbers_equal_those_of_libphonenumber(texts: list[str]) -> None:
    assume(all(repair(text) == text for text in texts))

    accepted = without_reasons(normalise(texts, "IN"))

    asked = libphonenumber(text.replace("\t", " ") for text in texts)
    assert all(ours in {None, theirs} for ours, theirs in zip(accepted, asked, strict=True))


@examples(200)
@given(st.lists(near_a_number, max_size=4), st.sampled_from(sorted(SUPPORTED_REGIONS)))
def test_accepted_numbers_equal_those_of_libphonenumber_in_every_country(texts: list[str], country: str) -> None:
    assume(all(repair(text) == text for text in texts))

    accepted = without_reasons(normalise(texts, country))

    # 00 is an international prefix in every country here, but not in libphonenumber.
    abroad = ["+" + re.sub(r"[^0-9]", "", text)[2:] for text in texts]
    readings = zip(libphonenumber(texts, country), libphonenumber(abroad, None), strict=True)
    assert all(ours in {None, *theirs} for ours, theirs in zip(accepted, readings, strict=True))


@given(st.from_regex(r"(\+91|91|0|0091)?[2-9][0-9]{9}", fullmatch=True), st.data())
def test_a_separator_changes_nothing(number: str, data: Any) -> None:
    between = st.sampled_from(["", "", "", "-", " ", "(", ")", "\u00a0", " - ", "\u2013"])
    spelled = number[:2] + "".join(data.draw(between) + character for character in number[2:])
    assume("()" not in spelled)

    # A short last group may be an alternative ending of the number before it: 91510 20000-0.
    assume(normalise([spelled], "IN") != [Reason.AMBIGUOUS])
    assert normalise([spelled], "IN") == normalise([number], "IN")
    assert without_reasons(normalise([spelled], "IN")) == libphonenumber([spelled])


def test_text_longer_than_libphonenumber_reads_is_rejected() -> None:
    texts = ["9876500000" + " " * fill for fill in (239, 240, 241)]

    assert without_reasons(normalise(texts, "IN")) == libphonenumber(texts) == ["+919876500000"] * 2 + [None]


def test_indian_numbers_are_validated_without_parsing() -> None:
    assert india.indian_numbers(at_home=True) is not None
    assert india.indian_numbers(at_home=False) is not None


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("national_prefix_for_parsing", "0|9"),
        ("national_prefix_transform_rule", "9\\1"),
        ("international_prefix", "0[01]"),
        ("country_code", 92),
    ],
)
def test_libphonenumber_is_used_if_the_metadata_has_changed(field: str, changed: Any) -> None:
    metadata = PhoneMetadata.metadata_for_region("IN", None)
    other = SimpleNamespace(**vars(metadata) | {field: changed})

    assert (india.is_understood(metadata), india.is_understood(other)) == (True, False)


@pytest.fixture
def changed_metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(india._UNDERSTOOD, "international_prefix", "011")
    india.indian_numbers.cache_clear()
    yield
    india.indian_numbers.cache_clear()


@pytest.mark.usefixtures("changed_metadata")
def test_verdicts_are_the_same_with_changed_metadata(blocks: list[Block]) -> None:
    numbers = [block.number("1") for block in blocks[::50]]

    assert india.indian_numbers(at_home=True) is None
    assert without_reasons(normalise(numbers, "IN")) == libphonenumber(numbers)
    assert normalise(["919876500000.0", ""], "IN") == ["+919876500000", Reason.EMPTY]


@pytest.mark.parametrize("pattern", [r"(\d{10})", r"[^1]\d{9}", r"9(?!1)\d{9}", r"\d+", r"9\D\d{8}"])
def test_a_pattern_of_an_unknown_kind_is_left_to_libphonenumber(pattern: str) -> None:
    metadata = PhoneMetadata.metadata_for_region("IN", None)
    mobile = SimpleNamespace(national_number_pattern=pattern)

    assert not india.is_understood(SimpleNamespace(**vars(metadata) | {"mobile": mobile}))


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("1", ["1"]),
        ("1|2", ["1", "2"]),
        ("(?:1|2)3|[4-6]\\d{2}", ["(?:1|2)3", "[4-6]\\d{2}"]),
        ("(?:1(?:2|3)|4)", None),
    ],
)
def test_a_pattern_is_split_at_its_top_level_bars(pattern: str, parts: list[str] | None) -> None:
    assert india.alternatives(pattern) == (parts or [pattern])


@st.composite
def indian_spellings(draw: st.DrawFn) -> str:
    """An Indian number, or nearly one, with separators anywhere."""
    number = draw(st.sampled_from(["9876500001", "9198765000", "2223456789", "1800221234", "919876500001"]))
    text = draw(st.sampled_from(SPELLINGS)).format(number)
    ends = draw(st.sampled_from(["", "", "-01", "/35", "-(1", ".0", "-0 1"]))
    marked = list(f"{text}{ends}")
    for mark in draw(st.lists(st.sampled_from([*"-()+. /'0", "\u00a0", "  ", "- ", ") "]), max_size=5)):
        marked.insert(draw(st.integers(0, len(marked)) | st.integers(0, 3)), mark)
    return "".join(marked)


@pytest.mark.parametrize(("country", "has_code"), [("IN", False), ("IN", True), (None, False), ("SG", False)])
@examples(500)
@given(text=indian_spellings() | st.text("0123456789+-() ", max_size=18))
@example(text="9198765000-01")
@example(text=")+919876500001")
@example(text="+-919876500001")
@example(text="-(9876500001")
@example(text="6231000000")  # also valid in Indonesia
def test_a_batch_gives_the_same_verdicts_as_single_numbers(country: str | None, has_code: bool, text: str) -> None:
    column = NumberColumn(country, has_country_code=has_code)

    of_batch, of_one = column.evaluate(["98", text, "98"])[1], column._evaluate(text)

    assert settled(column, of_batch) == settled(column, of_one)


def settled(column: NumberColumn, verdict: Any) -> Any:
    return column.settle(verdict) if isinstance(verdict, Undecided) else verdict
