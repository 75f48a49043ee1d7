from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.contacts.rows import read_numbers

FIRST, SECOND = "+919876500000", "+919876500001"


@pytest.mark.parametrize(
    "text",
    [
        f"{FIRST}\n{SECOND}\n",
        f"{FIRST}\r\n{SECOND}",
        f"\n{FIRST}\n\n  {SECOND}  \n\n",
        f"number\n{FIRST}\n{SECOND}\n",
        f"NAME, Number ,city\nRavi,{FIRST},Pune\nAsha,{SECOND},Goa\n",
        f"\ufeffnumber,name\n{FIRST},Ravi\n{SECOND},Asha\n",
        f"\ufeff{FIRST}\n{SECOND}\n",
        f'name,number\n"Ravi, of Pune",{FIRST}\n,,\n"Asha","{SECOND}"\n',
        f'number,"address"\n{FIRST},"two\nlines"\n{SECOND},one\n',
    ],
    ids=repr,
)
def test_every_form_of_a_file_gives_its_numbers_in_order(text: str) -> None:
    assert list(read_numbers(io.StringIO(text, newline=""))) == [FIRST, SECOND]


@given(st.lists(st.from_regex(r"\+91987650[0-9]{4}", fullmatch=True), min_size=1))
def test_a_number_a_line_comes_back_as_it_stands(numbers: list[str]) -> None:
    assert list(read_numbers(f"{number}\n" for number in numbers)) == numbers


def test_a_cell_left_empty_keeps_its_position_for_whoever_judges_numbers() -> None:
    numbers = read_numbers(["number,name", ",Ravi", f"{FIRST},Asha"])

    assert (list(numbers), numbers.malformed()) == (["", FIRST], [1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no number"),
        ("\n \n", "holds no number"),
        ("number\n", "holds no number"),
        (f"Ravi,{FIRST}\n", "has 2 columns and none is named 'number'"),
        (f"name,number\nRavi,{FIRST}\nAsha\n", "row 3 has no cell under 'number'"),
        (f"{FIRST},\n{SECOND},\n", "has 2 columns"),
        (f"{FIRST}\n{SECOND},{FIRST}\n", "row 2 has 2 columns"),
        (f'number\n"{FIRST}{"9" * 200_000}', "cannot be read as CSV"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_is_no_file_of_numbers_is_refused_without_being_repeated(text: str, said: str) -> None:
    with pytest.raises(ExotelInputError) as caught:
        read_numbers(io.StringIO(text, newline=""))

    assert [problem.field for problem in caught.value.problems] == ["numbers_from"]
    assert said in str(caught.value)
    assert not any(trace in str(caught.value) for trace in ("98765", "Ravi", "Asha"))
