"""The numbers of a single campaign, from a list or a file, cleaned with the same rules as an audience."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.contacts.numbers import clean_numbers, read_numbers_file
from airflow_provider_exotel.contacts.rejection import Reason

ONE, TWO = "+919876500001", "+919876500002"


def cleaned(given: Any, default_country: str | None = None, **options: Any) -> list[str]:
    return list(clean_numbers(given, default_country=default_country, **options).numbers or ())


def file(folder: Path, text: str) -> Path:
    path = folder / "people.csv"
    path.write_bytes(text.encode())
    return path


SPELLINGS = {
    "national": ("98765 00001", "IN", ONE),
    "with a trunk prefix": ("098765-00001", "IN", ONE),
    "dialled from abroad": ("0091 9876500001", None, ONE),
    "in brackets": ("+91 (98765) 00001", None, ONE),
    "of a spreadsheet": ("9876500001.0", "IN", ONE),
    "national, whose country nobody says": ("098765 00001", None, "09876500001"),
    "of another country": ("+971 50 000 0001", "IN", "+971500000001"),
}


@pytest.mark.parametrize(("spelled", "country", "number"), SPELLINGS.values(), ids=SPELLINGS)
def test_a_spelling_becomes_a_number(spelled: str, country: str | None, number: str) -> None:
    assert cleaned([spelled], country) == [number]


@pytest.mark.parametrize(
    "given_as",
    [[ONE, TWO], (ONE, TWO), f"{ONE},{TWO}", f"{ONE}\n{TWO}", f"['{ONE}', '{TWO}']", PhoneNumbers([ONE, TWO])],
)
def test_numbers_may_be_a_list_or_text(given_as: Any) -> None:
    assert cleaned(given_as) == [ONE, TWO]


def test_whole_numbers_of_a_list_are_numbers() -> None:
    assert cleaned([919876500001, 9876500002], "IN") == [ONE, TWO]


def test_missing_numbers_are_accepted() -> None:
    clean = clean_numbers(None, default_country="IN")

    assert (clean.numbers, clean.rejected, list(clean.problems())) == (None, 0, [])


@pytest.mark.parametrize("wrong", [5, {"number": ONE}, [[ONE]], [None], [True], [9.8]])
def test_the_error_does_not_repeat_invalid_input(wrong: Any) -> None:
    with pytest.raises(ExotelInputError, match="numbers: must be a list of numbers") as caught:
        clean_numbers(wrong, default_country="IN")
    assert "98765" not in str(caught.value)


@pytest.mark.parametrize(("keep", "count"), [(False, 2), (True, 3)])
def test_duplicates_are_removed_unless_kept(keep: bool, count: int) -> None:
    clean = clean_numbers([ONE, TWO, ONE.replace("+91", "+91 ")], default_country=None, keep_duplicates=keep)

    assert (len(clean.numbers or ()), clean.duplicates) == (count, 3 - count)


def test_a_list_is_evaluated_as_a_column() -> None:
    assert cleaned(["62812345678", "6281234567890"], "ID") == ["+62812345678", "+6281234567890"]
    assert clean_numbers(["62812345678"], default_country="ID").misfits == {Reason.AMBIGUOUS: [1]}
    assert cleaned(["62812345678"], "ID", has_country_code=True) == ["+62812345678"]


def test_rejected_entries_are_reported_by_position_and_reason() -> None:
    given = [ONE, "n/a", "+9112345", "", TWO, "9.19877E+11", "080 2345 6789 ext 2", "98765XXXXX"]

    clean = clean_numbers(given, default_country="IN")

    assert [str(problem).partition(";")[0] for problem in clean.problems()] == [
        "numbers: 3 of them (at position 2, 4, 8) cannot be a phone number",
        "numbers: 1 of them (at position 3): the number is not valid in any country's numbering plan",
        "numbers: 1 of them (at position 6): a spreadsheet or a 32-bit column has changed the number",
        "numbers: 1 of them (at position 7): the number has an extension, which cannot be dialled",
    ]
    assert (list(clean.numbers or ()), clean.rejected) == ([ONE, TWO], 6)


def test_an_unknown_country_is_refused() -> None:
    with pytest.raises(ExotelInputError, match="default_country: is not a country with phone numbers; did you mean IN"):
        clean_numbers([ONE], default_country="in")


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n{TWO}\n",
        f"{ONE}\r\n{TWO}",
        f"\n{ONE}\n\n{TWO}\n\n",
        f"number\n{ONE}\n{TWO}\n",
        f"NAME, Number ,city\nRavi,{ONE},Pune\nAsha,{TWO},Goa\n",
        f"\ufeffnumber,name\n{ONE},Ravi\n{TWO},Asha\n",
        f'\ufeff"number","name"\n{ONE},Ravi\n{TWO},Asha\n',
        f"\ufeff{ONE}\n{TWO}\n",
        f'name,number\n"Ravi, of Pune",{ONE}\n,,\n"Asha","{TWO}"\n',
        f'number,"address"\n{ONE},"two\nlines"\n{TWO},one\n',
    ],
    ids=repr,
)
def test_every_file_format_gives_its_numbers_in_order(tmp_path: Path, text: str) -> None:
    assert list(read_numbers_file(file(tmp_path, text))) == [ONE, TWO]


@given(st.lists(st.from_regex(r"\+91987650[0-9]{4}", fullmatch=True), min_size=1))
def test_one_number_per_line_is_read_unchanged(tmp_path_factory: Any, numbers: list[str]) -> None:
    path = file(tmp_path_factory.mktemp("lines"), "".join(f"{number}\n" for number in numbers))

    assert list(read_numbers_file(path)) == numbers


def test_the_number_may_be_in_another_column(tmp_path: Path) -> None:
    path = file(tmp_path, f"number,Phone\n1,{ONE}\n2,{TWO}\n")

    assert list(read_numbers_file(path, number_column="Phone")) == [ONE, TWO]


def test_one_column_may_have_another_name(tmp_path: Path) -> None:
    assert list(read_numbers_file(file(tmp_path, f"phone\n{ONE}\n"), number_column="phone")) == [ONE]


def test_a_cell_left_empty_keeps_its_position(tmp_path: Path) -> None:
    numbers = read_numbers_file(file(tmp_path, f"number,name\n,Ravi\n{ONE},Asha\n"))

    assert clean_numbers(numbers, default_country="IN").misfits == {Reason.EMPTY: [1]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty and has no header"),
        ("\n \n", "is empty and has no header"),
        ("number\n", "has no numbers"),
        (f"Ravi,{ONE}\n", "has a phone number in its first row and no header"),
        ("name,city\n", "has 2 columns and none is named 'number'"),
        (
            f"phone\n{ONE}\n",
            "has a first row that looks like a header; give its name in number_c",
        ),
        (f"name,number\nRavi,{ONE}\nAsha\n", "row 3 has 1 cells and the header has 2"),
        (f"{ONE}\n{TWO},{ONE}\n", "row 2 has 2 columns"),
        (f'number\n"{ONE}{"9" * 70_000}', "row 2 has a line longer than 64 kB"),
        (f'number,name\n{ONE},"Raju\n{TWO},Asha\n', "row 2 has an unclosed quotation mark"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_the_error_does_not_repeat_an_invalid_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ExotelInputError) as caught:
        read_numbers_file(file(tmp_path, text))

    assert [problem.field for problem in caught.value.problems] == ["numbers_from"]
    assert said in str(caught.value)
    assert not any(trace in str(caught.value) for trace in ("98765", "Ravi", "Raju"))


def test_at_most_five_thousand_numbers_are_read(tmp_path: Path) -> None:
    numbers = [f"+9198765{position:05}" for position in range(5_001)]
    most = file(tmp_path, "\n".join(numbers[:-1]))

    assert len(read_numbers_file(most)) == 5_000
    # The bytes after it are not valid text.
    most.write_bytes("\n".join([*numbers, *numbers]).encode() + b"\xff" * 1_000_000)
    with pytest.raises(ExotelInputError, match=r"numbers_from: has more than 5,000 numbers; use PlanAudienceOperator"):
        read_numbers_file(most)


def test_at_most_five_thousand_numbers_are_read_from_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.table({"number": [f"+9198765{one:05}" for one in range(5_001)]}), tmp_path / "a.parquet")

    with pytest.raises(ExotelInputError, match="has more than 5,000 numbers"):
        read_numbers_file(tmp_path / "a.parquet")
