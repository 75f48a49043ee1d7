"""Where the owner of a number may be: country and time zones.

The data that ships with libphonenumber shows a likely zone, not every possible one: it puts all Indonesian mobiles into
Jakarta and Malaysia into Kuching, and has no zone for many landlines. So this module has a table of its own for the
countries of :mod:`airflow_provider_exotel.windows.presets` and for some of one zone whose people are called from there.
If a prefix leaves several zones, all of them are given: people are called only when it is time in each. What is not in
the table is unknown: other countries, toll-free, premium and company-wide numbers, numbers of islands that share a
country's code. Nobody is called on a guess.

A number tells where it was issued. People who moved and kept it, or travel, cannot be told from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# India has long premium numbers that begin like Pathankot's.
_E164 = re.compile(r"\+(?:91\d{10}|(?!91)[2-9]\d{6,14})", re.ASCII)


class Place(NamedTuple):
    """Where the owner of a number may be.

    :param country: ISO 3166 code.
    :param zones: every IANA time zone that is possible.
    """

    country: str
    zones: tuple[str, ...]

    @property
    def group(self) -> str:
        """A short word for all numbers of one country and the same zones, such as ``IN``, ``ID-west`` or ``ID-all``."""
        if self.country != "ID":
            return self.country
        words = ["all"] if len(self.zones) == len(_WORDS) else [_WORDS[zone] for zone in self.zones]
        return "-".join([self.country, *words])


def place_of(e164: str) -> Place | None:
    """Return where the owner of a number may be, ``None`` if that is not known.

    :param e164: the number, such as ``+91`` and ten digits; whether the number can exist is not checked here.
    """
    if not _E164.fullmatch(e164):
        return None
    for length in _LENGTHS:
        prefix = e164[1 : length + 1]
        if prefix in _PLACES:
            return _PLACES[prefix]
    return None


# (country, zone, prefixes of people's numbers, longer prefixes without a place: toll-free, premium, company-wide)
_ONE_ZONE = (
    ("IN", "Asia/Kolkata", "911 912 913 914 915 916 917 918 919", "91140 911600 911601 911800 911803 911860 911861"),
    ("AE", "Asia/Dubai", "9712 9713 9714 9715 9716 9717 9719", "97140 97160 97170 97190"),
    ("SA", "Asia/Riyadh", "9661 9665", ""),
    ("SG", "Asia/Singapore", "653 656 658 659", "65800"),
    ("PH", "Asia/Manila", "632 633 634 635 636 637 638 639", ""),
    ("MY", "Asia/Kuala_Lumpur", "601 603 604 605 606 607 608 609", "601300 601600 601700 601800"),
    # Guernsey, Jersey and the Isle of Man share the United Kingdom's code, and neither its law nor its registers.
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
    # South and Central Kalimantan lie on either side of the border, and 0526 serves both.
    (_WEST, _CENTRAL): "6251 6252",
    # The Moluccas and Papua.
    (_EAST,): "629",
    # Mobiles: the numbers were once sold by region and go everywhere.
    (_WEST, _CENTRAL, _EAST): "6281 6282 6283 6285 6286 6287 6288 6289",
}

_WORDS = {_WEST: "west", _CENTRAL: "central", _EAST: "east"}
"""What groups call the zones of Indonesia."""


def _rows() -> Iterator[tuple[str, Place | None]]:
    for country, zone, known, placeless in _ONE_ZONE:
        yield from ((prefix, Place(country, (zone,))) for prefix in known.split())
        yield from ((prefix, None) for prefix in placeless.split())
    for zones, prefixes in _INDONESIA.items():
        yield from ((prefix, Place("ID", zones)) for prefix in prefixes.split())


_PLACES = dict(_rows())
_LENGTHS = sorted(set(map(len, _PLACES)), reverse=True)
PLACES: frozenset[Place] = frozenset(place for place in _PLACES.values() if place)
"""Every place in the table."""
COUNTRIES = frozenset(place.country for place in PLACES)
"""The countries in the table; a number of one of them without a place belongs to nobody in particular."""
