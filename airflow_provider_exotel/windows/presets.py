"""Calling hours by country, with their sources.

**This is not legal advice.** The hours are defaults chosen by engineers from public pages, on the date of each preset.
Callers are responsible for complying with their law. After its review date a preset still works, with a warning.

A preset sets hours, days and public holidays. Other duties (consent, do-not-call registers, caps on attempts) are
listed in ``caps`` and ``requires`` and are not checked. A number series is compared with ``caller_id``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.windows import fields
from airflow_provider_exotel.windows.calling_window import CallingWindow


class NumberSeries(NamedTuple):
    """The Indian number series that a caller must use.

    :param prefix: the first digits of the national number, such as ``1600``.
    :param required_for: the calls that must use it.
    """

    prefix: str
    required_for: str


@dataclass(frozen=True)
class Preset:
    """The hours in which people of one country may be called for one purpose. Not legal advice.

    :param name: its name in ``window=``.
    :param country: ISO 3166 code of the country.
    :param zones: the time zones of its people.
    :param hours: mapping of days, such as ``mon-fri``, to hours in the recipients' local time, such as
        ``09:00-18:00``; nobody is called on other days.
    :param source: the source of the hours.
    :param as_of: the date of the source.
    :param article: the article of the law that sets the hours, if its text was read; otherwise empty.
    :param series: the number series of the caller, if one is required.
    :param caps: limits on the number of calls and other conditions; empty if none was found.
    :param requires: requirements before the first call, such as consent; empty if none was found.
    :param note: further information.
    :param holiday_calendars: calendars of public holidays on which nobody is called.
    """

    name: str
    country: str
    zones: tuple[str, ...]
    hours: Mapping[str, str]
    source: str
    as_of: date = date(2026, 11, 1)
    article: str = ""
    series: NumberSeries | None = None
    caps: str = ""
    requires: str = ""
    note: str = ""
    holiday_calendars: tuple[str, ...] = ()

    @property
    def strength(self) -> Literal["law", "practice"]:
        """``law`` if the article was read; otherwise ``practice``: press, vendors, an industry code, or caution."""
        return "law" if self.article else "practice"

    @property
    def review_by(self) -> date:
        """The date, one year later, by which the sources should be read again."""
        return self.as_of.replace(year=self.as_of.year + 1)

    def window(self, zone: str, *, end_buffer: timedelta = timedelta(), holidays: Iterable[date] = ()) -> CallingWindow:
        """Return the hours as a window.

        :param zone: one of :attr:`zones`.
        :param end_buffer: how long before the end dialling stops, default 0.
        :param holidays: dates on which nobody is called, besides those of the calendars.
        :raises ExotelInputError: if a calendar is needed and the ``holidays`` package is not installed.
        """
        first, *others = fields.hours_by_weekday(self.hours)
        return CallingWindow(
            start=first.start,
            end=first.end,
            timezone=zone,
            weekdays=[first.weekday, *(day.weekday for day in others)],
            hours_by_weekday={day.weekday: day[1:] for day in others if day[1:] != first[1:]},
            holidays=tuple(holidays),
            holiday_calendars=self.holiday_calendars,
            end_buffer=end_buffer,
        )


_INDIA = ("Asia/Kolkata",)
# A mobile number does not show its location in the country, so the hours must be allowed in all three zones.
_INDONESIA = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")

PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="IN_PROMO",
            country="IN",
            zones=_INDIA,
            hours={"mon-sun": "10:00-21:00"},
            source="notices of DLT operators, October 2025; TRAI preference time bands",
            series=NumberSeries("140", "promotional calls"),
            requires="a scrub for DND and consent",
            note="The hours are those for SMS, outside of which operators refuse messages since October 2025. "
            "Exotel's campaigns are transactional only.",
        ),
        Preset(
            name="IN_COMMERCIAL",
            country="IN",
            zones=_INDIA,
            hours={"mon-sun": "09:00-21:00"},
            source="Exotel's calling-hours page and press, on TCCCPR 2018",
        ),
        Preset(
            name="IN_SERVICE",
            country="IN",
            zones=_INDIA,
            hours={"mon-sun": "08:00-20:00"},
            source="press and an exchange's circular, on TRAI directions of 19 November and 16 December 2025",
            series=NumberSeries("1600", "service and transactional calls of banks, finance companies and insurers"),
            caps="no promotion mixed in",
            note="The law allows any time. All dates by which the 1600 series had to be in use have passed "
            "(insurers: 15 February 2026).",
        ),
        Preset(
            name="IN_COLLECTIONS",
            country="IN",
            zones=_INDIA,
            hours={"mon-sun": "08:00-19:00"},
            source="press, on RBI's circular of 12 August 2022 and its draft of 12 February 2026",
            caps="no persistent calling; 3 a day is a sound cap",
            note="For lenders that RBI regulates. The draft (to apply from 1 July 2026; its final text was not found) "
            "keeps the hours and adds: borrower or guarantor only, calls recorded, none at bereavement, calamity, "
            "weddings or festivals.",
        ),
        Preset(
            name="AE_MARKETING",
            country="AE",
            zones=("Asia/Dubai",),
            hours={"mon-sun": "09:00-18:00"},
            source="Emirates press, June 2024, on Cabinet Resolutions 56 and 57 of 2024",
            caps="at most 1 a day and 2 a week while unanswered; never after a refusal",
            requires="a check of the DNCR; prior approval; local licensed numbers",
            note="Fines to AED 150,000. Exotel's own table names no rule: it is older.",
        ),
        Preset(
            name="SA_COLLECTIONS",
            country="SA",
            zones=("Asia/Riyadh",),
            hours={"sun-thu": "09:00-17:00"},
            source="SAMA rulebook (partly quoted)",
            note="Usual working hours. SAMA's rules 106889333 of 6 March 2025 are in force; their article 5, on "
            "communication, sets no hours, and the others were not read whole.",
        ),
        Preset(
            name="SG_TELEMARKETING",
            country="SG",
            zones=("Asia/Singapore",),
            hours={"mon-fri": "09:00-20:00", "sat": "09:00-18:00"},
            source="a vendor's page; PDPA",
            requires="a check of the DNC registry, repeated within 21 days",
            note="The source of the hours is weak; the registry is law (PDPA part 9). Not on public holidays.",
            holiday_calendars=("SG",),
        ),
        Preset(
            name="ID_COLLECTIONS",
            country="ID",
            zones=_INDONESIA,
            hours={"mon-sat": "08:00-20:00"},
            source="Indonesian press, on POJK 22/2023 article 62",
            caps="not continuously",
            note="Not on national holidays.",
            holiday_calendars=("ID",),
        ),
        Preset(
            name="ID_MARKETING",
            country="ID",
            zones=_INDONESIA,
            hours={"mon-sun": "09:00-18:00"},
            source="notes of law firms (partly quoted)",
            requires="consent",
            note="Consent is law.",
        ),
        Preset(
            name="PH_COLLECTIONS",
            country="PH",
            zones=("Asia/Manila",),
            hours={"mon-sun": "08:00-20:00"},
            source="press, on SEC MC 18/2019",
            note="The circular allows 06:00 to 22:00. Not checked again in 2026.",
        ),
        Preset(
            name="PH_MARKETING",
            country="PH",
            zones=("Asia/Manila",),
            hours={"mon-sun": "09:00-19:00"},
            source="a law firm's note",
            requires="consent",
            note="Not checked again in 2026.",
        ),
        Preset(
            name="MY_GENERAL",
            country="MY",
            zones=("Asia/Kuala_Lumpur",),
            hours={"mon-sun": "09:00-18:00"},
            source="Exotel's calling-hours page",
            requires="consent (PDPA)",
            note="Not checked again in 2026.",
        ),
    )
}
"""All presets by name."""

LAUNCH_NOTES: Mapping[str, str] = {
    "IN": "India: operators share the numbers that they flag as spam, and may disconnect a sender with five flagged "
    "numbers in ten days (TRAI, in force since 29 March 2026); see 'Before a launch in India' in docs/calling-hours.md."
}
"""Notes for all presets of a country, by ISO 3166 code."""


def find_preset(name: object) -> Preset:
    """Return a preset by its name.

    :param name: the name, in any case.
    :raises ExotelInputError: if there is no such preset, with an empty field and the nearest name.
    """
    wanted = name.strip().upper() if isinstance(name, str) else ""
    if wanted not in PRESETS:
        near = difflib.get_close_matches(wanted, PRESETS, n=1)
        fix = f"did you mean {near[0]}?" if near else f"use one of {', '.join(PRESETS)}"
        raise ExotelInputError([Problem("", f"is not a preset; {fix}")])
    return PRESETS[wanted]


def practice_note(preset: Preset) -> str | None:
    """Return a note if the hours are not from a law, else ``None``. Pure."""
    if preset.strength == "law":
        return None
    return f"The hours of {preset.name} are practice, not read in a law (source: {preset.source}; {preset.as_of})."


def review_warning(preset: Preset, today: date) -> str | None:
    """Return a warning if a preset is due for review, else ``None``. Pure."""
    if today <= preset.review_by:
        return None
    return (
        f"The hours of {preset.name} are of {preset.as_of} and were due for review by {preset.review_by}; "
        f"check whether they still hold (source: {preset.source})."
    )


def series_warning(preset: Preset, caller_id: str | None) -> str | None:
    """Return a warning if a caller id is not in the number series of a preset, else ``None``. Pure.

    Masked digits, as in ``0XXXXXX4890``, are assumed to match.

    :param preset: the preset.
    :param caller_id: an Indian number in any common format: national, with a leading ``0``, ``91``, ``+91``, ``0091``.
    """
    if preset.series is None or caller_id is None:
        return None
    compact = re.sub(r"[\s().-]", "", caller_id)
    national = re.sub(r"^(\+91|0091|91(?=0?.{10}$))?0?", "", compact)
    shown = national[: len(preset.series.prefix)]
    # Anything but a digit or the + of another country is a mask.
    if re.fullmatch("".join(rf"[{digit}\D]" for digit in preset.series.prefix), shown) and "+" not in shown:
        return None
    return (
        f"caller_id: is not in the {preset.series.prefix} series, which is required for {preset.series.required_for} "
        f"in India ({preset.name}); use an ExoPhone of that series if it applies to you"
    )
