"""The calling hours of each contact: from presets per country, or from one window for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_exotel.audience.zones import COUNTRIES, PLACES, place_of
from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.text import read_literal
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.windows.calling_window import Window
from airflow_provider_exotel.windows.common_window import CommonWindow, window_of
from airflow_provider_exotel.windows.preset_window import PresetWindow
from airflow_provider_exotel.windows.presets import PRESETS, find_preset

EVERYBODY = "all"
"""The key of an audience with a single window."""
_A_YEAR_OF_HOURS = range(0, 366 * 24, 12)
_PRESET_COUNTRIES = sorted({preset.country for preset in PRESETS.values()})


@dataclass(frozen=True)
class Hours:
    """The calling hours of an audience.

    :param key_of: returns the key of an E.164 number, which is the same for all numbers with the same hours, or the
        reason why it must not be called.
    :param windows: the window of each key as plain JSON, for the operator's ``window=``.
    """

    key_of: Callable[[str], str | Reason]
    windows: Mapping[str, Any]


def hours_of(window: Any, presets: Any) -> Hours:
    """Return the calling hours of an audience.

    :param window: one window for all, in any form that ``window=`` accepts. If it has a time zone, numbers of other
        zones are left out. A mapping with ``start`` and ``end`` and without ``timezone`` applies in the local time of
        each number.
    :param presets: alternatively, a mapping from ISO country codes to the name of a preset, or to a mapping of
        ``preset`` and other fields such as ``end_buffer``.
    :raises ExotelInputError: naming every problem.
    """
    if window is not None and presets is not None:
        raise ExotelInputError([Problem("window", "is mutually exclusive with presets; give one of the two")])
    if presets is not None:
        return _by_country(presets)
    if window is None:
        raise ExotelInputError([Problem("window", "is required unless presets is given; give one of the two")])
    given = _literal(window)
    if isinstance(given, Mapping) and {"start", "end"} <= set(given) and not given.get("timezone"):
        return _on_own_clocks(given)
    return _for_all(window_of(window))


def _by_country(presets: Any) -> Hours:
    presets = _literal(presets)
    if not isinstance(presets, Mapping) or not presets:
        message = "must be a mapping of countries to presets, such as {'IN': 'IN_SERVICE'}"
        raise ExotelInputError([Problem("presets", message)])
    windows: dict[str, Window] = {}
    problems: list[Problem] = []
    for name, preset in presets.items():
        country = str(name).strip().upper()
        fields = dict(preset) if isinstance(preset, Mapping) else {"preset": preset}
        try:
            windows |= _windows_of(country, fields)
        except ExotelInputError as error:
            named = ((".".join(filter(None, ("presets", country, one.field))), one.message) for one in error.problems)
            problems += [Problem(*one) for one in named]
    if problems:
        raise ExotelInputError(problems)

    def key_of(e164: str) -> str | Reason:
        place = place_of(e164)
        if place is None:
            return _reason_without_place(e164)
        return place.group if place.group in windows else Reason.NO_HOURS

    return Hours(key_of, _as_json(windows))


def _windows_of(country: str, fields: dict[str, Any]) -> dict[str, Window]:
    """Return the windows of a country's groups; problems are named by the fields of its preset."""
    if country not in _PRESET_COUNTRIES:
        fix = f"use {', '.join(_PRESET_COUNTRIES)}, or a window with a timezone for other countries"
        raise ExotelInputError([Problem("", f"has no presets; {fix}")])
    preset = find_preset(fields.get("preset"))
    if preset.country != country:
        theirs = ", ".join(one.name for one in PRESETS.values() if one.country == country)
        raise ExotelInputError([Problem("", f"{preset.name} is a preset of {preset.country}; use one of {theirs}")])
    if surplus := sorted({"timezone", "zones"} & set(fields)):
        raise ExotelInputError(Problem(name, "must be left out: it follows from each number") for name in surplus)
    places = [place for place in PLACES if place.country == country]
    return {place.group: PresetWindow(**fields, zones=place.zones) for place in places}


def _on_own_clocks(hours: Mapping[str, Any]) -> Hours:
    anywhere = window_of({**hours, "timezone": "UTC"})
    windows: dict[str, Window] = {
        place.group: CommonWindow(all_of=[anywhere.model_copy(update={"timezone": zone}) for zone in place.zones])
        for place in PLACES
    }

    def key_of(e164: str) -> str | Reason:
        place = place_of(e164)
        return _reason_without_place(e164) if place is None else place.group

    return Hours(key_of, _as_json(windows))


def _for_all(window: Window) -> Hours:
    zones = {one.timezone for one in window.windows}

    def is_its_time(zone: str) -> bool:
        return any(_have_the_same_offsets(zone, other) for other in zones)

    def key_of(e164: str) -> str | Reason:
        place = place_of(e164)
        if place is not None:
            return EVERYBODY if all(map(is_its_time, place.zones)) else Reason.OTHER_ZONE
        reason = _reason_without_place(e164)
        if reason is not Reason.NO_HOURS:
            return reason
        # For a country that is not in the table, the caller's zone is used, but it must be a zone of that country:
        # nobody in Berlin is called by Kolkata time.
        possible = _zones_abroad(e164)
        if not possible:
            return Reason.UNKNOWN_ZONE
        return EVERYBODY if any(map(is_its_time, possible)) else Reason.OTHER_ZONE

    return Hours(key_of, _as_json({EVERYBODY: window}))


def _as_json(windows: Mapping[str, Window]) -> dict[str, Any]:
    return {key: window.model_dump(mode="json", exclude_defaults=True) for key, window in windows.items()}


def _literal(value: Any) -> Any:
    read = read_literal(value) if isinstance(value, str) else None
    return value if read is None else read


def _reason_without_place(e164: str) -> Reason:
    if not e164.startswith("+"):
        return Reason.NO_COUNTRY
    import phonenumbers

    region = phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    return Reason.UNKNOWN_ZONE if region in COUNTRIES else Reason.NO_HOURS


def _zones_abroad(e164: str) -> tuple[str, ...]:
    """Return libphonenumber's time zones for a personal number; empty for toll-free, company-wide and similar ones."""
    import phonenumbers
    from phonenumbers import PhoneNumberType as Kind
    from phonenumbers import timezone

    parsed = phonenumbers.parse(e164)
    kind = phonenumbers.number_type(parsed)
    if kind not in {Kind.FIXED_LINE, Kind.MOBILE, Kind.FIXED_LINE_OR_MOBILE, Kind.VOIP}:
        return ()
    return tuple(zone for zone in timezone.time_zones_for_number(parsed) if zone != timezone.UNKNOWN_TIMEZONE)


@cache
def _have_the_same_offsets(zone: str, other: str) -> bool:
    """Return whether two zones have the same time for a year; Asia/Calcutta, for example, is an alias."""
    if zone == other:
        return True
    now = datetime.now(UTC)
    moments = [now + timedelta(hours=hours) for hours in _A_YEAR_OF_HOURS]
    one, two = ZoneInfo(zone), ZoneInfo(other)
    return all(moment.astimezone(one).utcoffset() == moment.astimezone(two).utcoffset() for moment in moments)
