from __future__ import annotations

import copy
import json
import pickle
import re
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.numbers import PhoneNumbers

from .api_samples import people

anybody = st.lists(st.from_regex(r"\+[1-9][0-9]{9,14}", fullmatch=True), min_size=1, max_size=5)


def unseen(numbers: list[str], text: str) -> bool:
    return not any(number.lstrip("+")[:7] in text or number[-7:] in text for number in numbers)


@given(anybody)
def test_its_text_is_a_count(numbers: list[str]) -> None:
    held = PhoneNumbers(numbers)

    for text in (repr(held), str(held), f"{held}", f"{[held]}", "%s" % held, json.dumps(held.serialize())):  # noqa: UP031
        assert unseen(numbers, text)
        assert str(len(numbers)) in text


@given(anybody)
def test_no_serialiser_reads_the_numbers_by_accident(numbers: list[str]) -> None:
    held = PhoneNumbers(numbers)

    for refused in (lambda: json.dumps(held), lambda: f"{held:>40}", lambda: held.nothing_of_the_kind):
        with pytest.raises((TypeError, AttributeError)) as caught:
            refused()
        assert unseen(numbers, "".join(traceback.format_exception_only(caught.value)))
    assert not isinstance(held, (list, tuple, str))


@given(anybody)
def test_what_airflow_stores_comes_back_as_a_count(numbers: list[str]) -> None:
    held = PhoneNumbers(numbers)

    assert PhoneNumbers.deserialize(held.serialize(), held.__version__) == f"<{len(held)} numbers>"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda held: pickle.loads(pickle.dumps(held))])
def test_it_survives_copying_and_pickling(again: Any) -> None:
    held = PhoneNumbers(people(3))

    assert (list(again(held)), hash(again(held))) == (people(3), hash(held))


@pytest.mark.parametrize(
    "written",
    [
        people(2),
        tuple(people(2)),
        pytest.param(iter(people(2)), id="iterator"),
        ",".join(people(2)),
        "; ".join(people(2)),
        "\r\n".join(people(2)),
        " , ".join(people(2)) + ",",
        ",\n".join(people(2)),
        "\t" + ",\t".join(people(2)) + "\t",
        "\t\r\n\t".join(people(2)),
        str(people(2)),
        str(tuple(people(2))),
        json.dumps(people(2)),
        PhoneNumbers(people(2)),
    ],
    ids=repr,
)
def test_every_notation_of_numbers(written: Any) -> None:
    assert list(PhoneNumbers.of(written)) == people(2)


def test_integers_keep_their_digits() -> None:
    assert list(PhoneNumbers.of([919876500000])) == ["919876500000"]


@pytest.mark.parametrize(
    "first",
    [
        "080 2345 6789;ext=23",
        "tel:+918023456789; EXT 23",
        "080 2345 6789, extn 23",
        "080 2345 6789,x 23",
        "8023456789,,23",
    ],
)
def test_an_extension_stays_with_its_number(first: str) -> None:
    assert list(PhoneNumbers.of(f"{first},{people(1)[0]}")) == [first, people(1)[0]]


def test_empty_entries_are_skipped() -> None:
    assert list(PhoneNumbers.of(",".join([*people(2), "", "", *people(1)]))) == [*people(2), *people(1)]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        919876500000,
        b"919876500000",
        bytearray(b"919876500000"),
        memoryview(b"919876500000"),
        {"919876500000": 1},
        [True],
        [None],
        [["1"]],
        "[(9000012345, 919876500000), (9000012346, 919876500001)]",
        "[(9000012345, Decimal('919876500000')), (9000012346, Decimal('919876500001'))]",
        "[919876500000, None]",
        "[919876500000, nan]",
        "[['919876500000']]",
        "{'number': '919876500000'}",
        "[919876500000 919876500001]",
        "9000012345,919876500000\n9000012346,919876500001",
        "number;name\n919876500000;Asha\n",
        "44\t9876500000\n65\t9876500001",
    ],
)
def test_anything_else_is_refused_without_being_repeated(wrong: Any) -> None:
    with pytest.raises(TypeError) as caught:
        PhoneNumbers.of(wrong)

    assert "98765" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "may_be_one"),
    [
        ("+919876500000", True),
        ("0XXXXXX4890", False),
        ("080-4567 8901", True),
        ("(080) 4567.8901", True),
        ("1234567", True),
        ("123456", False),
        ("+123456789012345", True),
        ("+1234567890123456", False),
        ("91+9876500000", False),
        ("+91 98765 0000O", False),
        ("", False),
        ("919876500000\n919876500001", False),
        ("98765\n00000", True),
        ("٩٨٧٦٥٤٣٢١٠", False),
    ],
)
def test_text_that_cannot_be_a_number_in_any_country_is_malformed(text: str, may_be_one: bool) -> None:
    assert PhoneNumbers([*people(1), text]).malformed() == ([] if may_be_one else [2])


@given(
    st.lists(st.text("+0123456789 ().-\n\ta٩\u00a0", max_size=18) | st.from_regex(r"\+?[0-9]{6,16}", fullmatch=True))
)
def test_many_numbers_are_checked_and_compacted_like_single_ones(texts: list[str]) -> None:
    held = PhoneNumbers(texts)

    may_be = [bool(re.fullmatch(r"\+?[0-9 ().\-\n\t]*", one)) and 7 <= sum(map(str.isdigit, one)) <= 15 for one in held]
    assert held.malformed() == [position for position, so in enumerate(may_be, 1) if not so]
    assert list(held.compact()) == [re.sub(r"[\s().\-]", "", one) for one in held]


def test_entries_are_removed_by_position() -> None:
    assert list(PhoneNumbers(["a", *people(1), "b"]).without([1, 3])) == people(1)


def test_compact_removes_only_separators() -> None:
    assert list(PhoneNumbers(["+91 (98765)-00.000", "call 1"]).compact()) == ["+919876500000", "call1"]
