"""Accepted formats of a number, and the result of normalising them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.contacts.normalise import check_country, normalise
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.contacts.spreadsheet import repair

NUMBER = "+919876500000"


@pytest.mark.parametrize(
    "spelling",
    [
        "+919876500000",
        "919876500000",
        "9876500000",
        "09876500000",
        "00919876500000",
        "+91 98765 00000",
        "+91-98765-00000",
        "(+91) 98765.00000",
        "+91 (0) 98765 00000",
        "91 98765/00000",
        "  9876500000\t",
        "98765\u00a000000",
        "'9876500000",
        '="9876500000"',
        "tel:+91-98765-00000",
        "919876500000.0",
        "+919876500000.00",
        "9.19876500000E+11",
        "9.1987650000E11",
    ],
)
def test_every_usual_spelling_of_an_indian_number(spelling: str) -> None:
    assert normalise([spelling], "IN") == [NUMBER]


@pytest.mark.parametrize(
    ("country", "national", "international"),
    [
        ("SG", "9000 1000", "+6590001000"),
        ("US", "(202) 555-0100", "+12025550100"),
        ("GB", "020 7946 0018", "+442079460018"),
        ("IT", "06 698 12345", "+390669812345"),
    ],
)
def test_national_numbers_are_those_of_the_default_country(country: str, national: str, international: str) -> None:
    assert normalise([national, international, NUMBER], country) == [international, international, NUMBER]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.EMPTY),
        (" \t", Reason.EMPTY),
        ("n/a", Reason.NOT_A_NUMBER),
        ("9876500000, 9876500001", Reason.NOT_A_NUMBER),
        ("12", Reason.INVALID),
        ("0000000000", Reason.INVALID),
        ("5000000000", Reason.INVALID),
        ("+91 5000000000", Reason.INVALID),
        ("987650000", Reason.INVALID),
        ("98765000000", Reason.INVALID),
        ("9.19877E+11", Reason.DIGITS_LOST),
    ],
)
def test_rejected_text_has_a_reason(text: str, reason: Reason) -> None:
    assert normalise([text, NUMBER], "IN") == [reason, NUMBER]


def test_a_batch_keeps_its_order() -> None:
    texts = ["9876500000", "98765\n00000", "", "+6590001000", "x" * 300, "09876500001"]

    assert normalise(texts, "IN") == [
        "+919876500000",
        Reason.NOT_A_NUMBER,
        Reason.EMPTY,
        "+6590001000",
        Reason.NOT_A_NUMBER,
        "+919876500001",
    ]


def test_a_line_break_never_makes_two_numbers_of_one_cell() -> None:
    assert normalise(["9876500000\n9876500001", "9876500002"], "IN") == [Reason.NOT_A_NUMBER, "+919876500002"]


def test_an_empty_batch_has_no_verdicts() -> None:
    assert normalise([], "IN") == normalise([], None) == []


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("+91 98765 00000", NUMBER),
        ("+91 098765 00000", NUMBER),
        ("0091 98765 00000", NUMBER),
        ("00 65 9000 1000", "+6590001000"),
        ("Tel. +65 9000 1000", "+6590001000"),
        ("+91 5000000000", Reason.INVALID),
        ("0065 12345678", Reason.INVALID),
        ("+999 98765 00000", Reason.INVALID),
        ("98765-00000", "9876500000"),
        ("0 80 4567 8901", "08045678901"),
        ("919876500000", "919876500000"),
        ("919876500000.0", "919876500000"),
        ("000 1234567", "0001234567"),
        ("123456", Reason.NOT_A_NUMBER),
        ("n/a", Reason.NOT_A_NUMBER),
        ("", Reason.EMPTY),
        ("9.19877E+11", Reason.DIGITS_LOST),
    ],
)
def test_without_a_country_only_international_spellings_are_judged(text: str, verdict: str | Reason) -> None:
    assert normalise([text], None) == [verdict]


@pytest.mark.parametrize("country", ["IN", "US", "ID", "SG", None])
@pytest.mark.parametrize("text", ["2147483647", "2147483647.0", "'2147483647", "4294967295"])
def test_the_largest_value_of_a_32_bit_column_is_no_number(text: str, country: str | None) -> None:
    assert normalise([text], country) == [Reason.DIGITS_LOST]


@pytest.mark.parametrize("text", ["+912147483647", "912147483647", "0 2147 483647"])
def test_a_number_of_the_same_digits_that_no_column_has_cut_is_read(text: str) -> None:
    assert normalise([text], "IN") == ["+912147483647"]


@pytest.mark.parametrize("country", ["in", "India", "", "XX", "001", "UK"])
def test_an_unknown_country_is_refused(country: str) -> None:
    with pytest.raises(ExotelInputError, match="default_country: is not a country with phone numbers"):
        normalise([NUMBER], country)


def test_a_country_that_is_nearly_right_is_suggested() -> None:
    with pytest.raises(ExotelInputError, match=r"suppression_country: .* did you mean IN"):
        check_country("in", "suppression_country")


@given(st.integers(10**9, 10**15 - 1))
def test_program_formats_of_a_number_are_restored(number: int) -> None:
    decimal = float(number)

    assert {repair(spelling) for spelling in (str(decimal), f"{decimal:.14e}", f"{decimal:.18E}")} == {str(number)}


@given(st.integers(10**9, 10**15 - 1), st.integers(0, 14))
def test_a_rounded_number_is_rejected(number: int, decimals: int) -> None:
    missing = len(str(number)) - 1 - decimals

    assert repair(f"{float(number):.{decimals}e}") == (Reason.DIGITS_LOST if missing > 0 else str(number))


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("919876543210.0", "919876543210"),
        (" +919876543210.000 ", " +919876543210 "),
        ("9.1987654321E11", "919876543210"),  # Java omits a final 0
        ("9.87654321E9", "9876543210"),
        ("9.198765432100E+11", "919876543210"),
        ("9,19876543210E+11", "919876543210"),
        ("98765.00000", "98765.00000"),
        ("98765.43210", "98765.43210"),
        ("919876543210.5", "919876543210.5"),
        ("919876543210.0.0", "919876543210.0.0"),
        ("9876543210", "9876543210"),
        ("ext 5", "ext 5"),
    ],
)
def test_only_decimal_formats_are_restored(text: str, repaired: str) -> None:
    assert repair(text) == repaired


@pytest.mark.parametrize(
    "text",
    [
        "9.19877E+11",
        "9.1987654321E+11",
        "9.198765432E11",
        "9,19877E+11",
        "9E+11",
        "9.19876543217E+10",  # a fraction of a number
        "9.1987654321E+99",
        "9.1987654321E-11",
        "987.654321E7",
        "987654321E1",
    ],
)
def test_lost_digits_are_never_guessed(text: str) -> None:
    assert repair(text) == Reason.DIGITS_LOST
