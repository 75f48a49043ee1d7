"""The possible locations of a number: country and time zones.

The data of libphonenumber has a likely zone and not every possible one: it puts all Indonesian mobiles into Jakarta and
Malaysia into Kuching, and has no zone for many landlines. So this module has its own table for the countries of
:mod:`airflow_provider_exotel.windows.presets`, and for some single-zone countries that their companies call. If a
prefix has several possible zones, all of them are returned, and contacts are called only at allowed times in each.
Everything else is unknown and never called: other countries, toll-free, premium and company-wide numbers, and islands
that share a country's code.

A number shows only where it was issued, not whether its owner has moved or is travelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# India has long premium numbers with the same prefix as Pathankot.
_E164 = re.compile(r"\+(?:91\d{10}|(?!91)[2-9]\d{6,14})", re.ASCII)


class Place(NamedTuple):
    """The possible location of a number.

    :param country: ISO 3166 code.
    :param zones: all possible IANA time zones.
    """

    country: str
    zones: tuple[str, ...]

    @property
    def group(self) -> str:
        """A short name for all numbers of a country with the same zones, such as ``IN``, ``ID-west`` or ``ID-all``."""
        if self.country != "ID":
            return self.country
        words = ["all"] if len(self.zones) == len(_WORDS) else [_WORDS[zone] for zone in self.zones]
        return "-".join([self.country, *words])


def place_of(e164: str) -> Place | None:
    """Return the possible location of a number, or ``None`` if unknown.

    :param e164: the number, such as ``+91`` and ten digits; its validity is not checked here.
    """
    if not _E164.fullmatch(e164):
        return None
    for length in _LENGTHS:
        prefix = e164[1 : length + 1]
        if prefix in _PLACES:
            return _PLACES[prefix]
    return None


# (country, zone, prefixes of personal numbers, longer prefixes without a location: toll-free, premium, company-wide)
_ONE_ZONE = (
    ("IN", "Asia/Kolkata", "911 912 913 914 915 916 917 918 919", "91140 911600 911601 911800 911803 911860 911861"),
    ("AE", "Asia/Dubai", "9712 9713 9714 9715 9716 9717 9719", "97140 97160 97170 97190"),
    ("SA", "Asia/Riyadh", "9661 9665", ""),
    ("SG", "Asia/Singapore", "653 656 658 659", "65800"),
    ("PH", "Asia/Manila", "632 633 634 635 636 637 638 639", ""),
    ("MY", "Asia/Kuala_Lumpur", "601 603 604 605 606 607 608 609", "601300 601600 601700 601800"),
    # Guernsey, Jersey and the Isle of Man share the United Kingdom's code, but not its law or registers.
    (
        "GB",
        "Europe/London",
        "441 442 447",
        "4470 4476 441481 447781 447839 4479111 4479117 441534 447509 447829 447937 4477003 4477007 4477008 447797 "
        "441624 4474576 447524 447924",
    ),
)  # fmt: skip

_WEST, _CENTRAL, _EAST = "Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"
_INDONESIA = {
    # Java, Sumatra, and the west of Kalimantan; Pontianak has Jakarta's time.
    (_WEST,): "622 6231 6232 6233 6234 6235 62513 62519 62522 62525 62528 6253 6256 626 627",
    # Bali, Nusa Tenggara, Sulawesi, and the east of Kalimantan.
    (_CENTRAL,): "6236 6237 6238 624 62511 62512 62517 62518 62527 6254 6255",
    # South and Central Kalimantan are in different zones, and 0526 serves both.
    (_WEST, _CENTRAL): "6251 6252",
    # The Moluccas and Papua.
    (_EAST,): "629",
    # Mobiles: numbers were once sold by region and are now used everywhere.
    (_WEST, _CENTRAL, _EAST): "6281 6282 6283 6285 6286 6287 6288 6289",
}

_WORDS = {_WEST: "west", _CENTRAL: "central", _EAST: "east"}
"""Names of Indonesia's zones in groups."""


def _rows() -> Iterator[tuple[str, Place | None]]:
    for country, zone, known, placeless in _ONE_ZONE:
        yield from ((prefix, Place(country, (zone,))) for prefix in known.split())
        yield from ((prefix, None) for prefix in placeless.split())
    for zones, prefixes in _INDONESIA.items():
        yield from ((prefix, Place("ID", zones)) for prefix in prefixes.split())


_PLACES = dict(_rows())
_LENGTHS = sorted(set(map(len, _PLACES)), reverse=True)
PLACES: frozenset[Place] = frozenset(place for place in _PLACES.values() if place)
"""All locations in the table."""
COUNTRIES = frozenset(place.country for place in PLACES)
"""The countries in the table; numbers of these countries without a location are not personal numbers."""
