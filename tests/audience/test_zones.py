"""The locations of numbers: the table compared with libphonenumber's data where that is certain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from phonenumbers.tzdata import TIMEZONE_DATA

from airflow_provider_exotel.audience.zones import place_of
from airflow_provider_exotel.windows.common_window import window_of
from airflow_provider_exotel.windows.presets import PRESETS

from ..properties import examples

WEST, CENTRAL, EAST = "Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"
# (what it is, a made-up number, its group, its zones)
KNOWN = [
    ("an Indian mobile", "+919876500000", "IN", ("Asia/Kolkata",)),
    ("a landline in Delhi", "+911123400000", "IN", ("Asia/Kolkata",)),
    ("an Emirati mobile", "+971500000000", "AE", ("Asia/Dubai",)),
    ("a landline in Dubai", "+97142000000", "AE", ("Asia/Dubai",)),
    ("a Saudi mobile", "+966500000000", "SA", ("Asia/Riyadh",)),
    ("a Singaporean mobile", "+6590000000", "SG", ("Asia/Singapore",)),
    ("a Philippine mobile", "+639170000000", "PH", ("Asia/Manila",)),
    ("a Malaysian mobile", "+60120000000", "MY", ("Asia/Kuala_Lumpur",)),
    ("a landline on Borneo", "+6088200000", "MY", ("Asia/Kuala_Lumpur",)),
    ("a British mobile", "+447400000000", "GB", ("Europe/London",)),
    ("a landline in London", "+442000000000", "GB", ("Europe/London",)),
    ("an Indonesian mobile", "+628120000000", "ID-all", (WEST, CENTRAL, EAST)),
    ("a landline in Jakarta", "+622150000000", "ID-west", (WEST,)),
    ("a landline in Pontianak", "+62561700000", "ID-west", (WEST,)),
    ("a landline in Denpasar", "+62361200000", "ID-central", (CENTRAL,)),
    ("a landline in Makassar", "+62411800000", "ID-central", (CENTRAL,)),
    ("a landline in Jayapura", "+62967500000", "ID-east", (EAST,)),
    ("a landline on the border in Kalimantan", "+62526200000", "ID-west-central", (WEST, CENTRAL)),
]

UNKNOWN = [
    ("a country without a preset", "+9779800000000"),
    ("an Indian toll-free number", "+911800000000"),
    ("an Indian caller of the 140 series", "+911400000000"),
    ("an Emirati toll-free number", "+971800000000"),
    ("an Emirati company's number", "+971600500000"),
    ("a Saudi company's number", "+966920000000"),
    ("a Malaysian toll-free number", "+601800000000"),
    ("an Indonesian premium number", "+628090000000"),
    ("a British personal number", "+447000000000"),
    ("a British company's number", "+443300000000"),
    ("Guernsey", "+441481200000"),
    ("a mobile of the Isle of Man", "+447624200000"),
    ("New York City", "+12125550100"),
    ("Sydney", "+61290000000"),
    ("no E.164", "9876500000"),
    ("no number", "+91 98765 00000"),
    ("nothing", ""),
]


@pytest.mark.parametrize(("number", "group", "zones"), [pytest.param(*row[1:], id=row[0]) for row in KNOWN])
def test_a_number_has_all_of_its_possible_zones(number: str, group: str, zones: tuple[str, ...]) -> None:
    place = place_of(number)

    assert place is not None
    assert (place.group, place.zones) == (group, zones)


@pytest.mark.parametrize("number", [pytest.param(number, id=what) for what, number in UNKNOWN])
def test_unknown_numbers_have_no_zone(number: str) -> None:
    assert place_of(number) is None


MARKETS = ("IN", "AE", "SA", "SG", "PH", "MY", "GB", "ID")
REACHABLE = {
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    phonenumbers.PhoneNumberType.VOIP,
}


@pytest.mark.parametrize("region", MARKETS)
def test_every_kind_of_personal_number_is_known(region: str) -> None:
    for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
        example = phonenumbers.example_number_for_type(region, kind)

        place = place_of(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))

        assert place is not None
        assert place.country == region


NEIGHBOURS = ("GG", "JE", "IM", "US", "AU")
"""Countries that share a code with one in the table, and some that are not in it."""
KINDS = [
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
]  # fmt: skip


def numbers_of(region: str, kind: str) -> st.SearchStrategy[str]:
    """Return a strategy for numbers of one kind that libphonenumber takes for valid."""
    described = getattr(phonenumbers.PhoneMetadata.metadata_for_region(region), kind)
    if described is None or not described.national_number_pattern:
        return st.nothing()
    pattern = st.from_regex(described.national_number_pattern, fullmatch=True, alphabet="0123456789")
    return pattern.map(lambda digits: f"+{phonenumbers.country_code_for_region(region)}{digits}")


@examples(500)
@given(st.one_of(numbers_of(region, kind) for region in (*MARKETS, *NEIGHBOURS) for kind in KINDS))
def test_no_number_has_a_wrong_country(number: str) -> None:
    place, parsed = place_of(number), phonenumbers.parse(number)
    assume(phonenumbers.is_valid_number(parsed))

    assert place is None or place.country == phonenumbers.region_code_for_number(parsed)
    assert place is None or phonenumbers.number_type(parsed) in REACHABLE


def clocks_of(zones: Iterable[str]) -> set[tuple[float, float]]:
    """Return the offsets from UTC in winter and in summer, in hours: zones of the same clock are one."""
    days = (datetime(2026, 1, 15, 12), datetime(2026, 7, 15, 12))
    return {
        tuple(day.replace(tzinfo=ZoneInfo(zone)).utcoffset().total_seconds() / 3600 for day in days) for zone in zones
    }


# Indonesian prefixes whose clocks libphonenumber gives otherwise: codes that are not in use, and towns it guesses at.
INDONESIAN_SLIPS = {"62379", "62403", "62458", "62539", "62915", "62920", "62952", "62958", "62963", "62979"}


def test_indonesian_landlines_have_the_zones_of_libphonenumber() -> None:
    landlines = [prefix for prefix in TIMEZONE_DATA if prefix.startswith("62") and len(prefix) >= len("6231")]

    differing = {
        prefix
        for prefix in landlines
        if (place := place_of(f"+{prefix}20000")) and not clocks_of(TIMEZONE_DATA[prefix]) <= clocks_of(place.zones)
    }

    assert differing == INDONESIAN_SLIPS


def test_a_group_is_one_location() -> None:
    places = {place.group: place for number in every_prefix() if (place := place_of(number))}

    for number in every_prefix():
        place = place_of(number)
        assert place is None or places[place.group] == place
    assert all(len(group) <= 32 and group.isascii() and " " not in group for group in places)


def every_prefix() -> list[str]:
    """Return a made-up number of every stretch of four digits that follows a market's country code."""
    codes = {phonenumbers.country_code_for_region(region) for region in MARKETS}
    return [f"+{code}{digits:04}000000" for code in sorted(codes) for digits in range(1000, 10_000)]


PRESETS_BY_COUNTRY = [(name, preset.country) for name, preset in PRESETS.items()]


@pytest.mark.parametrize(("preset", "country"), PRESETS_BY_COUNTRY)
def test_the_presets_of_a_country_know_every_zone_of_its_numbers(preset: str, country: str) -> None:
    places = {place for number in every_prefix() if (place := place_of(number)) and place.country == country}

    assert places
    for place in places:
        assert set(place.zones) <= set(PRESETS[preset].zones)
        assert window_of({"preset": preset, "zones": place.zones})
