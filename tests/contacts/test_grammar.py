"""Texts that are one phone number, and texts that are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.contacts.normalise import normalise
from airflow_provider_exotel.contacts.rejection import Reason

NUMBER = "+919876500001"

SPELLINGS = {
    "labels in front": [
        "tel:+919876500001",
        "Tel 98765 00001",
        "Tel.: 98765-00001",
        "Mob. 98765 00001",
        "Mob.-98765 00001",
        "Mob No. 98765 00001",
        "Phone Number: 98765 00001",
        "M: 98765 00001",
        "Ph-98765 00001",
        "WA: 98765 00001",
        "p:+919876500001",
        "whatsapp:+919876500001",
        "WhatsApp +91 98765 00001",
        "callto:+919876500001",
    ],
    "labels behind": ["98765 00001 (M)", "98765 00001(mob)", "+91 98765 00001 (WhatsApp)", "9876500001 (R)"],
    "Excel's signs of text": ["'9876500001", "'+919876500001", '="9876500001"', '="+91 98765 00001"'],
    "dashes": [f"98765{dash}00001" for dash in "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"],
    "blanks": [f"98765{blank}00001" for blank in " \t\u00a0\u2007\u2009\u202f\u3000"],
    "marks that show nothing": [
        "\u202a+91 98765 00001\u202c",
        "\u200e98765\u200b00001",
        "\ufeff9876500001",
        "\u206898765 00001\u2069",
        "98765\u00ad00001",
    ],
    "digits of other scripts": [
        "९८७६५००००१",
        "٩٨٧٦٥٠٠٠٠١",
        "۹۸۷۶۵۰۰۰۰۱",
        "９８７６５００００１",
        "＋９１（９８７６５）００００１",
        "৯৮৭৬৫০০০০১",
    ],
    "brackets, dots and slashes": [
        "(+91) 98765-00001",
        "+91 (98765) 00001",
        "+91 (0) 98765 00001",
        "98765.00001",
        "98.765.000.01",
        "98765/00001",
        "0 98765 00001",
        "0091-98765-00001",
    ],
    "programs": ["919876500001.0", "9876500001.00", "9.19876500001E+11", "9.19876500001E11", "9.876500001E9"],
}

NO_NUMBERS = {
    "masks": [
        "98765XXXXX",
        "98765xxxxx",
        "XXXXX00001",
        "98765*****",
        "98765#####",
        "98765-----",
        "98---00001",
        "9198--765000",
        "98765.....",
        "9198..765000",
        "98765_____",
        "98765••••1",
        "987650000?",
        "9198()765000",
        "9876500XX1",
        "98765\u2013\u201300001",
    ],
    "letters for digits": [
        "98765OOOO1",
        "98765oooo1",
        "9876500O01",
        "9876500ll1",
        "I9876500001",
        "987650000l",
        "98765OO0O1",
        "S876500001",
    ],
    "several numbers": [
        "9876500001;9876500002",
        "9876500001,9876500002",
        "9876500001/9876500002",
        "9876500001 / 9876500002",
        "9876500001 9876500002",
        "9876500001 or 9876500002",
        "9876500001 & 9876500002",
        "9876500001|9876500002",
        "9876500001\n9876500002",
        "98765\n00001",
        "9876500001+919876500002",
        "+91 98765 00001 +91 98765 00002",
        "98765 00001 (M) 98765 00002 (R)",
    ],
    "words": [
        "DO NOT CALL 98765 00001",
        "98765 00001 do not call",
        "No 98765 00001",
        "NO: 9876500001",
        "call 98765 00001",
        "98765 00001 (son)",
        "Asha 98765 00001",
        "wrong: 98765 00001",
        "fax: 080 2345 6789",
        "Fax 080 2345 6789",
        "DND 9876500001",
        "n/a",
        "nan",
        "None",
        "-",
        "+",
        "()",
        "?",
        "#N/A",
        "#REF!",
    ],
    "labels of other languages": [
        "Handy: 98765 00001",
        "móvil 98765 00001",
        "मोबाइल 98765 00001",
        "टेल: 9876500001",
        "โทร 98765 00001",
        "电话 9876500001",
    ],
    "two labels": ["Tel: Mob: 98765 00001", "M: 98765 00001 (M)", "98765 00001 (M)(R)"],
    "vanity numbers": ["1-800-FLOWERS", "1800 CALL NOW", "98765HELLO", "+91 80 CALLNOW"],
    "identifiers": [
        "ABCDE1234F",
        "27AAPFU0939F1ZV",
        "DE89 3704 0044 0532 0130 00",
        "HDFC0001234",
        "asha@example.com",
        "https://example.com/9876500001",
        "wa.me/919876500001",
        "M9876500001",
        "ID-9876500001",
        "6f1c2a9e-0b7d-4a51-9d2e-123456789012",
        "4111 1111 1111 1111",
        "192.168.100.200",
    ],
    "dates": [
        "2026-03-10",
        "10/03/2026",
        "10.03.2026",
        "31-12-2024",
        "2026/3/1",
        "2026-03-10 10:00:00",
        "2026-03-10T10:00:00Z",
    ],
    "quantities": [
        "98765000.10",
        "9876500001.5",
        "9,876,500,001",
        "9'876'500'001",
        "98,76,50,00,01",
        "-9876500001",
        "- 9876500001",
        "₹9876500001",
        "9876500001%",
        "12.971600",
        "77.594566",
    ],
    "formulas and quotes": [
        "=9876500001",
        "=+919876500001",
        '"9876500001"',
        "''9876500001'",
        "=HYPERLINK(9876500001)",
        '="98765"&"00001"',
    ],
    "signs in the wrong place": [
        "98765+00001",
        "++919876500001",
        "9876500001+",
        "98765:00001",
        "[91] 9876500001",
        "98765_00001",
        "~9876500001",
        "\u202e1000056789",
    ],
    "what dials more than a number": [
        "*21*9876500001#",
        "#31#9876500001",
        "9876500001p1",
        "tel:+91-98765-00001;phone-context=+91",
    ],
}

EXTENSIONS = [
    "080 2345 6789 ext 23",
    "080 2345 6789 ext. 23",
    "080-23456789 Extn: 23",
    "080 2345 6789 extension 23",
    "080 2345 6789x23",
    "080 2345 6789 x 23",
    "080 2345 6789 #23",
    "080 2345 6789,,23",
    "tel:+91-80-23456789;ext=23",
    "+91 80 2345 6789 (ext 23)",
]

INVALID = [
    "112",
    "100",
    "108",
    "1091",
    "12345",
    "987650000",
    "98765000011",
    "5000000000",
    "0000000000",
    "091 98765 00001",
    "+91 5000000000",
    "+91",
    "080 2345 6789 23",
]


@pytest.mark.parametrize("text", [text for texts in SPELLINGS.values() for text in texts])
def test_every_accepted_spelling_is_read(text: str) -> None:
    assert normalise([text], "IN") == [NUMBER]


@pytest.mark.parametrize("text", [text for texts in NO_NUMBERS.values() for text in texts])
def test_text_that_is_not_one_number_is_rejected(text: str) -> None:
    assert normalise([text], "IN") == [Reason.NOT_A_NUMBER]


@pytest.mark.parametrize("text", EXTENSIONS)
def test_a_number_with_an_extension_is_rejected(text: str) -> None:
    assert normalise([text], "IN") == [Reason.EXTENSION]


@pytest.mark.parametrize("text", INVALID)
def test_a_number_outside_every_numbering_plan_is_invalid(text: str) -> None:
    assert normalise([text], "IN") == [Reason.INVALID]


@pytest.mark.parametrize("text", ["", " \t", "\u200b", "\ufeff", "'", '=""', "' "])
def test_a_cell_that_shows_nothing_is_empty(text: str) -> None:
    assert normalise([text], "IN") == [Reason.EMPTY]


@pytest.mark.parametrize("country", ["SG", "HK", "ID", "AE", "US", None])
@pytest.mark.parametrize("text", [text for texts in NO_NUMBERS.values() for text in texts])
def test_such_text_is_rejected_for_other_countries_too(text: str, country: str | None) -> None:
    assert isinstance(normalise([text], country)[0], Reason)


@pytest.mark.parametrize(
    ("text", "country"),
    [("31/12/2024", "SG"), ("31 12 2024", "SG"), ("900010.05", "SG"), ("31.230416", "SG"), ("61.23.45.67", "SG")],
)
def test_dates_amounts_and_ip_addresses_are_rejected(text: str, country: str) -> None:
    assert normalise([text], country) == [Reason.NOT_A_NUMBER]


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("021-5551234/5", "ID"),
        ("021-5551234-5", "ID"),
        ("5551234/5", None),
        ("9198765423.00", "IN"),
        ("+62 21 5551234/5", "IN"),
    ],
)
def test_an_alternative_ending_is_not_part_of_the_number(text: str, country: str | None) -> None:
    assert normalise([text], country) == [Reason.AMBIGUOUS]


@given(st.text(max_size=30), st.sampled_from(["IN", "SG", "ID", None]))
def test_no_text_raises_an_error(text: str, country: str | None) -> None:
    [verdict] = normalise([text], country)

    assert isinstance(verdict, Reason) or verdict.removeprefix("+").isdecimal()


@given(st.from_regex(r"[6-9][0-9]{9}", fullmatch=True), st.integers(0, 9), st.characters())
def test_a_digit_that_is_replaced_is_never_guessed(number: str, position: int, other: str) -> None:
    damaged = number[:position] + other + number[position + 1 :]

    [verdict] = normalise([damaged], "IN")

    # Only a digit can replace a digit: another digit gives another number, the same digit in another script the same.
    assert isinstance(verdict, Reason) or (
        other.isdecimal() and verdict == f"+91{damaged.replace(other, str(int(other)))}"
    )
