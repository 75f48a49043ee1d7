"""Ways in which a stranger, or somebody who opted out, would be called."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_exotel.audience.suppression_sources import parse_suppressions
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.contacts.files import read_rows
from airflow_provider_exotel.contacts.numbers import clean_numbers


@pytest.mark.parametrize("text", ["[+6591234567, +919876500000]", "(+6591234567, +919876500000)"])
def test_a_plus_is_not_lost_in_the_text_of_a_list(text: str) -> None:
    clean = clean_numbers(text, default_country="IN")

    assert list(clean.numbers or ()) == ["+6591234567", "+919876500000"]


@pytest.mark.parametrize(
    "content",
    [
        'number,name\n919876500001.0,"Raju\n919876500002.0,Asha\n919876500003.0,Ben"\n919876500004,X\n',
        'number,name\n919876500001,"Raju\n9.19876500002E+11,Asha\n919876500003,Ben"\n919876500004,X\n',
    ],
    ids=["fractions", "powers"],
)
def test_a_quote_that_is_not_closed_refuses_the_file_however_the_rows_are_written(content: str, tmp_path: Path) -> None:
    file = tmp_path / "opt-outs.csv"
    file.write_text(content)

    with pytest.raises(ExotelInputError, match="quotation mark that is not closed") as caught:
        list(read_rows(file))

    assert "98765" not in str(caught.value)


@pytest.mark.parametrize("digit", ["", " ", "nine"])
def test_a_digit_that_nobody_can_press_is_refused(digit: str) -> None:
    with pytest.raises(ExotelInputError, match="digit: must be the key that was pressed"):
        parse_suppressions([{"name": "pressed", "reports": "file:///reports", "days": 30, "digit": digit}])
