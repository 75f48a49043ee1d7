"""Suppression sources, and errors of sources that are not reliable."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel.audience.suppression import Suppression, number_key, read_suppressions
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.contacts.files import read_rows
from airflow_provider_exotel.contacts.rows import Row

TODAY = date(2026, 3, 10)
NUMBER = "+919876500000"


def source(*numbers: str, name: str = "opt-outs", **options: Any) -> Suppression:
    return Suppression(name, [Row(position, number) for position, number in enumerate(numbers, 1)], **options)


def test_numbers_are_read_by_the_rules_of_the_audience() -> None:
    [read] = read_suppressions([source("098765 00000", "9198765-00001", "9876500001", "+6590001000")], "IN", TODAY)

    assert read.numbers == {number_key(n) for n in (NUMBER, "+919876500001", "+6590001000")}
    assert (read.rows, read.unreadable) == (4, 0)


@pytest.mark.parametrize(
    "bad",
    [
        "n/a",
        "",
        "9.19877E+11",
        "+91 5000000000",
        "98765OOOO1",
        "98765XXXXX",
        "9876500001;9876500002",
        "98765 00001 (son)",
        "080 2345 6789 ext 23",
    ],
)
def test_an_unreadable_row_refuses_the_source(bad: str) -> None:
    with pytest.raises(ExotelInputError) as caught:
        read_suppressions([source(NUMBER, bad)], "IN", TODAY)

    [problem] = caught.value.problems
    assert problem.field == "suppress.opt-outs"
    assert problem.message.startswith("1 of its 2 rows have no number that can be compared (row 2)")
    assert "98765" not in str(caught.value)


def test_a_faulty_row_refuses_the_source() -> None:
    # Its number can be read, and may be another cell's.
    misfit = Row(2, NUMBER, fault="row 2 has 3 cells and the header 2")

    with pytest.raises(ExotelInputError, match=r"1 of its 1 rows"):
        read_suppressions([Suppression("opt-outs", [misfit])], "IN", TODAY)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty and has no header"),
        (b'number,name\n+919876500000,"Raju\n+919876500001,Asha\n', "row 2 has an unclosed quotation mark"),
        (b"number;name\n+919876500000;Raju\n", "is delimited by ';'"),
        (b"number,name\n+919876500000,Andr\xe9\n", "is not UTF-8 text"),
        (b"id,phone\n1,office\n", "none is named 'number'"),
    ],
)
@pytest.mark.parametrize("allow", [False, True])
def test_an_unreadable_file_always_refuses_the_source(tmp_path: Path, content: bytes, said: str, allow: bool) -> None:
    (tmp_path / "dnd.csv").write_bytes(content)
    rows = read_rows(tmp_path / "dnd.csv", name="suppress.dnd")

    with pytest.raises(ExotelInputError, match=r"suppress\.dnd: ") as caught:
        read_suppressions([Suppression("dnd", rows, allow_unreadable=allow)], "IN", TODAY)
    assert said in str(caught.value)
    assert "98765" not in str(caught.value)


@pytest.mark.parametrize("name", ["none.csv", "none"])
def test_a_missing_file_refuses_the_source(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExotelInputError, match=r"suppress\.dnd: there is no file at"):
        read_suppressions([Suppression("dnd", read_rows(tmp_path / name, name="suppress.dnd"))], "IN", TODAY)


def test_a_file_with_a_header_alone_suppresses_nobody(tmp_path: Path) -> None:
    (tmp_path / "dnd.csv").write_text("number,name\n")

    [read] = read_suppressions([Suppression("dnd", read_rows(tmp_path / "dnd.csv"))], "IN", TODAY)

    assert (read.numbers, read.rows, read.unreadable) == (set(), 0, 0)


def test_an_ambiguous_number_refuses_the_source_unless_decided() -> None:
    with pytest.raises(ExotelInputError, match=r"1 of its 1 rows"):
        read_suppressions([source("62812345678")], "ID", TODAY)

    for decided in (source("62812345678", "6281234567890"), source("62812345678", has_country_code=True)):
        [read] = read_suppressions([decided], "ID", TODAY)
        assert number_key("+62812345678") in read.numbers


def test_unreadable_rows_are_counted_if_allowed() -> None:
    [read] = read_suppressions([source(NUMBER, "n/a", "", allow_unreadable=True)], "IN", TODAY)

    assert (read.numbers, read.rows, read.unreadable) == ({number_key(NUMBER)}, 3, 2)


def test_without_a_country_a_national_number_cannot_be_compared() -> None:
    with pytest.raises(ExotelInputError, match=r"1 of its 2 rows .* \(row 1\)"):
        read_suppressions([source("9876500000", NUMBER)], None, TODAY)


def test_the_first_unreadable_rows_are_named() -> None:
    with pytest.raises(ExotelInputError, match=r"\(row 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1,990 more\)"):
        read_suppressions([source(*["n/a"] * 2_000)], "IN", TODAY)


def test_every_source_with_unreadable_rows_is_named() -> None:
    sources = [source("n/a", name="dnd"), source(NUMBER, name="paid"), source("n/a", name="opt-outs")]

    with pytest.raises(ExotelInputError) as caught:
        read_suppressions(sources, "IN", TODAY)

    assert [problem.field for problem in caught.value.problems] == ["suppress.dnd", "suppress.opt-outs"]


@pytest.mark.parametrize(
    ("age", "max_age_days", "usable"),
    [(7, 7, True), (8, 7, False), (0, 0, True), (1, 0, False), (400, None, True), (-1, 7, True), (-2, 7, False)],
)
def test_a_source_may_be_as_old_as_max_age_days(age: int, max_age_days: int | None, usable: bool) -> None:
    dated = source(NUMBER, as_of=TODAY - timedelta(days=age), max_age_days=max_age_days)

    try:
        read_suppressions([dated], "IN", TODAY)
    except ExotelInputError:
        assert not usable
    else:
        assert usable


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        (date(2026, 3, 1), "must be at most 7 days old (got 9, as of 2026-03-01); fetch it again"),
        (date(2026, 4, 1), "is as of 2026-04-01, which is in the future"),
        (None, "requires as_of with max_age_days"),
    ],
)
def test_a_source_of_the_wrong_age_is_refused_before_anything_is_read(as_of: date | None, said: str) -> None:
    read = []

    def rows() -> Any:
        read.append(True)
        yield Row(1, NUMBER)

    with pytest.raises(ExotelInputError) as caught:
        read_suppressions([Suppression("dnd", rows(), as_of=as_of, max_age_days=7), source(NUMBER)], "IN", TODAY)

    assert said in str(caught.value)
    assert read == []


def test_two_sources_of_one_name_are_refused() -> None:
    with pytest.raises(ExotelInputError, match=r"suppress\.opt-outs: must be unique"):
        read_suppressions([source(NUMBER), source(NUMBER)], "IN", TODAY)


def test_their_texts_show_no_number() -> None:
    one = source(NUMBER)

    assert not any("98765" in repr(shown) for shown in (one, read_suppressions([one], "IN", TODAY)))
