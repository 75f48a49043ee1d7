"""When each person of an audience may be called: by the presets of countries, or by one window for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_exotel.audience.zones import COUNTRIES, PLACES, Place, place_of
from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.literals import read_literal
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.windows.calling_window import CallingWindow, Window
from airflow_provider_exotel.windows.common_window import window_of
from airflow_provider_exotel.windows.presets import PRESETS

EVERYBODY = "all"
"""The key of an audience that is called in one window."""
_A_YEAR_OF_HOURS = range(0, 366 * 24, 12)


@dataclass(frozen=True)
class Hours:
    """The hours of an audience.

    :param key_of: returns the key of a number in E.164, the same for all who may be called in the same hours, or why
        its owner may not be called at all.
    :param windows: the window of each key as plain JSON, as the operator's ``window=`` takes it.
    """

    key_of: Callable[[str], str | Reason]
    windows: Mapping[str, Any]


def hours_of(window: Any, presets: Any) -> Hours:
    """Return when whom may be called.

    :param window: one window for all, in any form that ``window=`` takes. Where it names its zone, people whose number
        tells another one are left out; a mapping of ``start`` and ``end`` without ``timezone`` is meant on everybody's
        own clocks.
    :param presets: instead, for each country by its ISO code the name of a preset, or a mapping of ``preset`` and other
        fields such as ``end_buffer``.
    :raises ExotelInputError: naming every problem.
    """
    if (window is None) == (presets is None):
        raise ExotelInputError(
            [Problem("window", "and presets: give exactly one, the hours in which people may be called")]
        )
    if presets is not None:
        return _by_country(_read(presets, "presets"))
    given = window if isinstance(window, Window) else _read_window(window)
    if isinstance(given, Mapping) and {"start", "end"} <= set(given) and not given.get("timezone"):
        return _on_own_clocks(given)
    return _for_all(given)


def _by_country(presets: Mapping[str, Any]) -> Hours:
    chosen = {
        str(country).strip().upper(): dict(preset) if isinstance(preset, Mapping) else {"preset": preset}
        for country, preset in presets.items()
    }
    problems = list(_problems_of(chosen))
    if problems:
        raise ExotelInputError(problems)
    have_states = {
        country for country, preset in chosen.items() if PRESETS[str(preset["preset"]).strip().upper()].states
    }

    def with_hours_of_its_own(place: Place) -> Place:
        return place if place.country in have_states else place._replace(state=None)

    places = {with_hours_of_its_own(place) for place in PLACES if place.country in chosen}
    windows = {place.group: _plain(place.window(**chosen[place.country])) for place in places}
    _check(windows, "presets")

    def key_of(e164: str) -> str | Reason:
        place = place_of(e164)
        if place is None:
            return _why_nowhere(e164)
        return with_hours_of_its_own(place).group if place.country in chosen else Reason.NO_HOURS

    return Hours(key_of, windows)


def _on_own_clocks(hours: Mapping[str, Any]) -> Hours:
    hours = _plain(hours)
    places = {place._replace(state=None) for place in PLACES}
    windows = {
        place.group: {**hours, "timezone": place.zones[0]}
        if len(place.zones) == 1
        else {"all_of": [{**hours, "timezone": zone} for zone in place.zones]}
        for place in places
    }
    _check({EVERYBODY: {**hours, "timezone": "UTC"}}, "")

    def key_of(e164: str) -> str | Reason:
        place = place_of(e164)
        return _why_nowhere(e164) if place is None else place._replace(state=None).group

    return Hours(key_of, windows)


def _for_all(given: Any) -> Hours:
    window = window_of(given)
    zones = {window.timezone} if isinstance(window, CallingWindow) else {one.timezone for one in window.all_of}  # type: ignore[attr-defined]
    known = {zone for place in PLACES for zone in place.zones}
    kept = {zone for zone in known if any(_keep_the_same_time(zone, other) for other in zones)}

    def key_of(e164: str) -> str | Reason:
        place = place_of(e164)
        if place is not None:
            return EVERYBODY if kept.issuperset(place.zones) else Reason.OTHER_ZONE
        # Of a country without a table only the caller can know where its people are.
        nowhere = _why_nowhere(e164)
        return nowhere if nowhere is not Reason.NO_HOURS else EVERYBODY

    return Hours(key_of, {EVERYBODY: _plain(given)})


def _plain(value: Any) -> Any:
    """Return a window, or part of one, as JSON writes it."""
    if isinstance(value, Window):
        return value.model_dump(mode="json", exclude_defaults=True)
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    if isinstance(value, timedelta):
        return f"PT{value.total_seconds():g}S"
    return value.isoformat() if isinstance(value, (date, time)) else value


def _why_nowhere(e164: str) -> Reason:
    if not e164.startswith("+"):
        return Reason.NO_COUNTRY
    import phonenumbers

    region = phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    return Reason.UNKNOWN_ZONE if region in COUNTRIES else Reason.NO_HOURS


def _keep_the_same_time(zone: str, other: str) -> bool:
    """Return whether two zones show the same time through a year: names like Asia/Calcutta are others for one clock."""
    if zone == other:
        return True
    now = datetime.now(UTC)
    moments = [now + timedelta(hours=hours) for hours in _A_YEAR_OF_HOURS]
    one, two = ZoneInfo(zone), ZoneInfo(other)
    return all(moment.astimezone(one).utcoffset() == moment.astimezone(two).utcoffset() for moment in moments)


def _problems_of(chosen: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    if not chosen:
        yield Problem("presets", "names no country; write one such as {'IN': 'IN_SERVICE'}")
    for country, preset in chosen.items():
        known = PRESETS.get(str(preset.get("preset")).strip().upper())
        if country not in COUNTRIES:
            yield Problem(
                f"presets.{country}", f"is no country whose zones are known; there are {', '.join(sorted(COUNTRIES))}"
            )
        elif known is None:
            theirs = ", ".join(name for name, one in PRESETS.items() if one.country == country)
            yield Problem(f"presets.{country}", f"is no preset of the country; there are {theirs}")
        elif known.country != country:
            yield Problem(f"presets.{country}", f"{known.name} is of {known.country}; give one of {country}")
        for field in {"timezone", "zones", "state"} & set(preset):
            yield Problem(f"presets.{country}.{field}", "is told by each number; leave it out")


def _check(windows: Mapping[str, Any], field: str) -> None:
    """Read every window, so that what is wrong is told before any row is read."""
    problems: dict[str, Problem] = {}
    for window in windows.values():
        try:
            window_of(window)
        except ExotelInputError as error:
            for one in error.problems:
                told = Problem(one.field.replace("window", field, 1) if field else one.field, one.message)
                problems.setdefault(str(told), told)
    if problems:
        raise ExotelInputError(problems.values())


def _read(value: Any, field: str) -> Mapping[str, Any]:
    read = read_literal(value) if isinstance(value, str) else value
    if not isinstance(read, Mapping):
        raise ExotelInputError([Problem(field, "is no mapping; write one such as {'IN': 'IN_SERVICE'}")])
    return read


def _read_window(value: Any) -> Any:
    read = read_literal(value) if isinstance(value, str) else value
    return value if read is None else read
