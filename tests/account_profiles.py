"""The profiles that an account may have: both dialects, each single deviation from them, and mixtures."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_exotel.client.profile import VALUES
from airflow_provider_exotel.commands.verify.table import MAY_STAY_UNKNOWN
from airflow_provider_exotel.emulator import Settings
from airflow_provider_exotel.emulator.profile import read_profile

DIALECTS = ("documented", "wrapped")
# Values for answers that are numbers; the other answers have a list of values.
NUMBERS: Mapping[str, tuple[int, ...]] = {
    "requests_per_minute": (100,),
    "list_page": (50,),
    "list_delay_seconds": (0, 5, 30),
}
# The emulator has one host.
UNPLAYABLE = {"wrong_region_status"}


def values_of(name: str) -> tuple[Any, ...]:
    """Return the values of an answer that the emulator plays in tests."""
    values = VALUES[name]
    return NUMBERS[name] if isinstance(values, str) else values


def switches_of(profile: Mapping[str, Any], dialect: str = "documented") -> dict[str, Any]:
    """Return the emulator's switches for a profile."""
    return {"dialect": dialect, **read_profile({"version": 1, **profile})}


def played(profile: Mapping[str, Any], dialect: str = "documented") -> dict[str, Any]:
    """Return the complete profile that the emulator plays with these switches."""
    settings = Settings(**switches_of(profile, dialect))
    renamed = {"request_body": "accepts", "requests_per_minute": "rate_limit"}
    names = [renamed.get(name, name) for name in VALUES if name not in UNPLAYABLE]
    answers = {name: _form(settings, name) for name in names}
    if settings.rate_limit is None or not settings.rate_limit_headers:
        answers |= {"rate_limit": None, "rate_limit_headers": False}
    answers["auth_envelope"] = settings.auth_envelope or settings.envelope
    return {name: answers[renamed.get(name, name)] for name in VALUES if name not in UNPLAYABLE}


def single_deviations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield both dialects, and each value of each answer that neither of them has."""
    for dialect in DIALECTS:
        yield dialect, {}
        base = played({}, dialect)
        for name in VALUES:
            if name not in UNPLAYABLE:
                yield from ((dialect, {name: value}) for value in values_of(name) if value != base[name])


def rotations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield profiles in which each value of each answer occurs at least once."""
    names = [name for name in VALUES if name not in UNPLAYABLE]
    for turn in range(max(len(values_of(name)) for name in names)):
        profile = {name: values_of(name)[(turn + place) % len(values_of(name))] for place, name in enumerate(names)}
        yield DIALECTS[turn % len(DIALECTS)], profile


def mixtures(count: int, seed: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield profiles with a value drawn for each answer."""
    draw = random.Random(seed)
    for _ in range(count):
        names = [name for name in VALUES if name not in UNPLAYABLE]
        yield draw.choice(DIALECTS), {name: draw.choice(values_of(name)) for name in names}


def visible_answers(answers: Mapping[str, Any]) -> set[str]:
    """Return the answers that a run must find, given the complete profile that is played.

    Each exception is a row of the table of answers that may stay unknown.
    """
    never = {"retry_after", "list_page", "quoted_digits", "wrong_region_status"}
    hidden = {
        "error_codes": answers["envelope"] in {"error", "html"},
        "list_offset": answers["list_later_pages"] != "full" and answers["list_offset"] != "ignored",
        "list_later_pages": answers["list_offset"] == "ignored",
        "deleted_get": answers["deletes"] == "never",
        "list_deleted": answers["deletes"] == "never",
        "schedule_editable_when_paused": answers["edits"] == "ignore",
    }
    assert never | set(hidden) | {"requests_per_minute"} == set(MAY_STAY_UNKNOWN)
    hides = {name for name, is_hidden in hidden.items() if is_hidden}
    return {name for name, value in answers.items() if value is not None} - never - hides


def name_of(case: tuple[str, dict[str, Any]]) -> str:
    """Return the name of a case in the output of pytest."""
    dialect, profile = case
    shown = [f"{name}={value}" for name, value in profile.items()]
    return f"{dialect}-{shown[0] if len(shown) == 1 else f'{len(shown)} answers'}"


def _form(settings: Settings, name: str) -> Any:
    from airflow_provider_exotel.emulator.settings import DIALECTS as FORMS

    return settings.form(name) if name in FORMS["documented"] else getattr(settings, name)
