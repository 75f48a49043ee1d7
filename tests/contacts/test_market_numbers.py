"""Numbers of all markets, in any spelling, are read as a careful person would, or rejected."""

from __future__ import annotations

import phonenumbers
from hypothesis import assume, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from airflow_provider_exotel.contacts.normalise import normalise
from airflow_provider_exotel.contacts.rejection import Reason

MARKETS = ("IN", "SG", "ID", "MY", "PH", "TH", "VN", "AE", "SA", "QA", "KW", "OM", "BH", "LK", "BD", "NP", "AU", "HK")
ABROAD = ("US", "GB", "DE", "FR", "IT", "BR", "JP", "ZA", "KE", "NG")


@st.composite
def people(draw: st.DrawFn, countries: tuple[str, ...] = MARKETS) -> tuple[str, phonenumbers.PhoneNumber]:
    """Draw a country, and a valid number of its plan."""
    country = draw(st.sampled_from(countries))
    kind = draw(st.sampled_from([PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE]))
    example = phonenumbers.example_number_for_type(country, kind)
    assume(example is not None)
    digits = str(example.national_number)
    kept = draw(st.integers(2, len(digits) - 1))
    rest = draw(st.text("0123456789", min_size=len(digits) - kept, max_size=len(digits) - kept))
    number = phonenumbers.parse(f"+{example.country_code}{digits[:kept]}{rest}")
    assume(phonenumbers.is_valid_number(number) and phonenumbers.region_code_for_number(number) == country)
    return country, number


def e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


LABELS = ["", "tel:", "Tel. ", "Mob: ", "M: ", "p:", "whatsapp:", "Phone No. ", "'"]
ENDS = ["", " ", " (M)", "\u200e", "\u202c"]
DASHES = ["-", " ", "\u2011", "\u2013", "\u00a0", " - ", "."]
SCRIPTS = ["0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９"]


def decorated(draw: st.DrawFn, written: str) -> str:
    """Write a number as people and programs do: other dashes, another script, a label, invisible characters."""
    dash = draw(st.sampled_from(DASHES))
    written = written.replace("-", dash).replace(" ", draw(st.sampled_from([" ", "\u00a0", "\u202f"])))
    written = written.translate(str.maketrans("0123456789", draw(st.sampled_from(SCRIPTS))))
    label = draw(st.sampled_from(LABELS))
    return label + written + (draw(st.sampled_from(ENDS)) if label in {"", "'"} else "")


@given(st.data(), people(MARKETS + ABROAD), st.sampled_from([*MARKETS, None]))
def test_an_international_number_is_read_with_any_default_country(
    data: st.DataObject, person: tuple, country: str | None
) -> None:
    _, number = person
    written = phonenumbers.format_number(
        number, data.draw(st.sampled_from([PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL]))
    )

    [verdict] = normalise([decorated(data.draw, written)], country)

    assert verdict == e164(number) or (
        verdict in {Reason.NOT_A_NUMBER, Reason.AMBIGUOUS} and not written[1:].isdecimal()
    )


@given(st.data(), people(MARKETS + ABROAD), st.sampled_from([*MARKETS, *ABROAD, None]))
def test_a_number_with_an_international_prefix_is_that_number_or_rejected(
    data: st.DataObject, person: tuple, country: str | None
) -> None:
    _, number = person
    written = data.draw(st.sampled_from(["00 {} {}", "00{} {}", "00-{}-{}", "00{}{}"]))

    spelled = written.format(number.country_code, e164(number).removeprefix(f"+{number.country_code}"))
    [verdict] = normalise([decorated(data.draw, spelled)], country)

    # In these countries, 00 with the next digits can also be a prefix.
    longer = country in {"SG", "ID", "TH", "HK", "AU", "BR", "JP", "KE", "NG"}
    assert verdict == e164(number) or (longer and verdict == Reason.AMBIGUOUS)


@given(st.data(), people())
def test_a_national_number_is_that_number_or_rejected(data: st.DataObject, person: tuple) -> None:
    country, number = person
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    bare = phonenumbers.national_significant_number(number)
    spelled = data.draw(
        st.sampled_from([national, bare, f"{number.country_code}{bare}", f"{number.country_code} {national}"])
    )

    [verdict] = normalise([decorated(data.draw, spelled)], country)

    assert verdict == e164(number) or isinstance(verdict, Reason)


@given(st.data(), people())
def test_a_plain_national_number_is_read_unless_it_can_be_two(data: st.DataObject, person: tuple) -> None:
    country, number = person
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)

    [verdict] = normalise([national], country)

    assert verdict in {e164(number), Reason.AMBIGUOUS}
    assert verdict == e164(number) or phonenumbers.national_significant_number(number).startswith(
        str(number.country_code)
    )


@given(st.data(), people(), st.sampled_from("Xx*#?_•OolISB~"), st.integers(1, 5))
def test_a_number_with_hidden_or_mistyped_digits_is_never_dialled(
    data: st.DataObject, person: tuple, mask: str, count: int
) -> None:
    country, number = person
    written = e164(number) if data.draw(st.booleans()) else phonenumbers.national_significant_number(number)
    start = data.draw(st.integers(1, len(written) - 1))
    hidden = written[:start] + (mask * count)[: len(written) - start] + written[start + count :]

    assert isinstance(normalise([hidden], country)[0], Reason)


@given(people(), people(), st.sampled_from([";", ",", " / ", "/", " or ", " & ", "|", "\n", " ", " ::: ", " - ", "+"]))
def test_two_numbers_in_a_cell_are_never_one(person: tuple, other: tuple, between: str) -> None:
    country, number = person
    one, two = phonenumbers.national_significant_number(number), phonenumbers.national_significant_number(other[1])

    assert isinstance(normalise([f"{one}{between}{two}"], country)[0], Reason)
    assert isinstance(normalise([f"{e164(number)}{between}{e164(other[1])}"], country)[0], Reason)


@given(
    people(),
    st.sampled_from([" ext {}", " ext. {}", "x{}", " x {}", " extn {}", "#{}", ";ext={}", ",,{}"]),
    st.integers(1, 9999),
)
def test_an_extension_is_never_left_off(person: tuple, written: str, extension: int) -> None:
    country, number = person

    for spelled in (e164(number), phonenumbers.national_significant_number(number)):
        assert normalise([spelled + written.format(extension)], country) == [Reason.EXTENSION]
