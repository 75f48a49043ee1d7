"""Where a number's owner may be: country, time zones, and the state where hours depend on it.

The data that ships with libphonenumber is made to show a likely zone, not every possible one: it puts all Indonesian
mobiles into Jakarta and Malaysia into Kuching, and knows no zone of many landlines. So the markets of
:mod:`airflow_provider_exotel.windows.presets` have a table of their own here. A prefix that leaves several zones gives
all of them, to be called only when it is time in each. What is not in the table is unknown: other countries, toll-free,
premium and company-wide numbers, numbers of islands that share a country's code. Nobody is called on a guess.

A number tells where it was given out. People who moved and kept it, or travel, cannot be told from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from airflow_provider_exotel.audience.area_codes import AREA_CODES

# Canada has short numbers that begin like an area code of the USA, India long premium ones that begin like Pathankot's.
_E164 = re.compile(r"\+(?:1\d{10}|91\d{10}|(?!91)[2-9]\d{6,14})", re.ASCII)

STATES_WITH_HOURS = frozenset({"AL", "CT", "FL", "NV", "RI"})
"""States of the USA whose law on calling hours differs from the country's."""
OTHER_STATE = "other"


class Place(NamedTuple):
    """Where the owner of a number may be.

    :param country: ISO 3166 code.
    :param zones: every IANA time zone that is possible.
    :param state: in the USA a state with calling hours of its own, or ``other``; elsewhere ``None``.
    """

    country: str
    zones: tuple[str, ...]
    state: str | None = None

    @property
    def group(self) -> str:
        """A short word that numbers of one country, the same zones and the same hours share, such as ``US-east-FL``."""
        words = [self.country]
        if every := _ZONES.get(self.country):
            words += ["all"] if set(self.zones) == set(every) else [_WORDS[zone] for zone in self.zones]
        if self.state not in {None, OTHER_STATE}:
            words.append(str(self.state))
        return "-".join(words)

    def window(self, preset: str, **more: Any) -> dict[str, Any]:
        """Return the window of this place's people as plain JSON, as the operator's ``window=`` takes it.

        :param preset: the name of a preset of the country, such as ``US_TCPA``.
        :param more: other fields, such as ``end_buffer``.
        """
        state = {} if self.state is None else {"state": self.state}
        return {"preset": preset, "zones": list(self.zones), **state, **more}


def place_of(e164: str) -> Place | None:
    """Return where the owner of a number may be, ``None`` if that is not known.

    :param e164: the number, such as ``+91`` and ten digits; whether there can be such a number is not judged here.
    """
    if not _E164.fullmatch(e164):
        return None
    for length in _LENGTHS:
        prefix = e164[1 : length + 1]
        if prefix in _PLACES:
            return _PLACES[prefix]
    return None


def zones_of(e164: str) -> tuple[str, ...] | None:
    """Return every time zone in which the owner of a number may be, ``None`` if that is not known.

    :param e164: the number, such as ``+91`` and ten digits.
    """
    place = place_of(e164)
    return place and place.zones


def group_of(e164: str) -> str | None:
    """Return the word that audiences are split by, the same for all who may be called in the same hours.

    :param e164: the number, such as ``+91`` and ten digits.
    :return: such as ``IN``, ``ID-all``, ``US-east``, ``US-east-FL``; ``None`` if the place is not known.
    """
    place = place_of(e164)
    return place and place.group


_WORDS = {
    "Asia/Jakarta": "west",
    "Asia/Makassar": "central",
    "Asia/Jayapura": "east",
    "America/New_York": "east",
    "America/Chicago": "central",
    "America/Denver": "mountain",
    "America/Phoenix": "arizona",
    "America/Los_Angeles": "pacific",
    "America/Anchorage": "alaska",
    "America/Adak": "aleutian",
    "Pacific/Honolulu": "hawaii",
    "Australia/Sydney": "sydney",
    "Australia/Melbourne": "melbourne",
    "Australia/Brisbane": "brisbane",
    "Australia/Adelaide": "adelaide",
    "Australia/Darwin": "darwin",
    "Australia/Perth": "perth",
    "Australia/Hobart": "hobart",
    "Australia/Broken_Hill": "brokenhill",
    "Australia/Lord_Howe": "lordhowe",
}
"""What groups call the zones of countries that have several."""

_ZONES = {
    country: [zone for zone in _WORDS if zone.split("/")[0] in areas]
    for country, areas in {"ID": {"Asia"}, "US": {"America", "Pacific"}, "AU": {"Australia"}}.items()
}

# (country, zone, the prefixes of people's numbers, longer prefixes that are nobody's: free, premium, company-wide)
_ONE_ZONE = (
    ("IN", "Asia/Kolkata", "911 912 913 914 915 916 917 918 919", "91140 911600 911601 911800 911803 911860 911861"),
    ("AE", "Asia/Dubai", "9712 9713 9714 9715 9716 9717 9719", "97140 97160 97170 97190"),
    ("SA", "Asia/Riyadh", "9661 9665", ""),
    ("SG", "Asia/Singapore", "653 656 658 659", "65800"),
    ("PH", "Asia/Manila", "632 633 634 635 636 637 638 639", ""),
    ("MY", "Asia/Kuala_Lumpur", "601 603 604 605 606 607 608 609", "601300 601600 601700 601800"),
    # Guernsey, Jersey and the Isle of Man share the United Kingdom's code and neither its law nor its registers.
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
    # Java, Sumatra, and the west of Kalimantan; Pontianak keeps Jakarta's time.
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

_AUSTRALIA = {
    # Area codes follow the states loosely: towns near a border have the neighbour's, and keep their own clocks and
    # holidays.
    "Sydney": "612",
    "Sydney Lord_Howe": "61255 61265",
    "Sydney Melbourne": "61244 61250 61260 61264 6134 6135",
    "Sydney Brisbane": "61256 61257 61266 61267 61745 61746 61755 61756 61775",
    "Melbourne": "613",
    "Hobart": "6136",
    "Brisbane": "617",
    "Brisbane Darwin": "61744 61747",
    "Adelaide": "6187 6188",
    "Adelaide Broken_Hill": "61870",
    "Sydney Broken_Hill": "61880",
    "Adelaide Darwin Perth": "61879 61889",
    "Perth": "61855 6186 6189",
    # Mobiles.
    "Sydney Melbourne Brisbane Adelaide Darwin Perth Hobart Broken_Hill Lord_Howe": "614",
}
# The Christmas and Cocos Islands have numbers among those of the Kimberley and the Pilbara, and Eucla a clock of its
# own.
_AUSTRALIA_UNKNOWN = "61851 61891 6189039"


def _rows() -> Iterator[tuple[str, Place | None]]:
    for country, zone, known, nobody in _ONE_ZONE:
        yield from ((prefix, Place(country, (zone,))) for prefix in known.split())
        yield from ((prefix, None) for prefix in nobody.split())
    for zones, prefixes in _INDONESIA.items():
        yield from ((prefix, Place("ID", zones)) for prefix in prefixes.split())
    for towns, prefixes in _AUSTRALIA.items():
        zones = tuple(f"Australia/{town}" for town in towns.split())
        yield from ((prefix, Place("AU", zones)) for prefix in prefixes.split())
    yield from ((prefix, None) for prefix in _AUSTRALIA_UNKNOWN.split())
    for code, (state, zones) in AREA_CODES.items():
        yield f"1{code}", Place("US", zones, state if state in STATES_WITH_HOURS else OTHER_STATE)


_PLACES = dict(_rows())
_LENGTHS = sorted(set(map(len, _PLACES)), reverse=True)
PLACES: frozenset[Place] = frozenset(place for place in _PLACES.values() if place)
"""Every place that a number can tell."""
COUNTRIES = frozenset(place.country for place in PLACES)
"""The countries whose numbers are known; one of them without a place is nobody's in particular."""
