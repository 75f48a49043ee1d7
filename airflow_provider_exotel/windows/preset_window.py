"""Presets as calling windows, with their notes and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.text import split_words
from airflow_provider_exotel.windows.calling_window import Buffer, CallingWindow, Dates, Window, ZoneName
from airflow_provider_exotel.windows.presets import (
    LAUNCH_NOTES,
    PRESETS,
    Preset,
    find_preset,
    practice_note,
    review_warning,
    series_warning,
)


class PresetWindow(Window):
    """The hours of a preset: ``{"preset": "ID_COLLECTIONS", "zones": ["Asia/Jakarta", "Asia/Makassar"]}``.

    :raises ExotelInputError: naming every field that is wrong.
    """

    preset: Annotated[
        str,
        BeforeValidator(lambda name: find_preset(name).name),
        Field(description="the name of a preset, such as 'IN_SERVICE'"),
    ]
    timezone: Annotated[ZoneName | None, Field(description="one of the preset's zones, if it has several")] = None
    zones: Annotated[
        tuple[ZoneName, ...] | None,
        BeforeValidator(split_words),
        Field(min_length=1, description="zones of the preset whose hours must all be open, instead of timezone"),
    ] = None
    end_buffer: Buffer = timedelta()
    holidays: Dates = ()

    @model_validator(mode="after")
    def _is_a_choice(self) -> Self:
        problems = list(self._problems())
        if problems:
            raise ExotelInputError(problems)
        # Built here, so that a missing calendar is reported as an input problem.
        self.windows  # noqa: B018
        return self

    @cached_property
    def windows(self) -> tuple[CallingWindow, ...]:
        """The window of each zone."""
        preset = PRESETS[self.preset]
        return tuple(
            preset.window(zone, end_buffer=self.end_buffer, holidays=self.holidays) for zone in self._zones(preset)
        )

    @property
    def preset_names(self) -> tuple[str, ...]:
        """The name of the preset."""
        return (self.preset,)

    def _zones(self, preset: Preset) -> tuple[str, ...]:
        return (self.timezone,) if self.timezone else self.zones or preset.zones

    def _problems(self) -> Iterator[Problem]:
        preset = PRESETS[self.preset]
        known = ", ".join(preset.zones)
        if self.timezone and self.zones:
            yield Problem("zones", "is mutually exclusive with timezone; give one of the two")
        elif not self.timezone and not self.zones and len(preset.zones) > 1:
            yield Problem(
                "timezone",
                f"is required, as {preset.name} has several; use one of {known}, or zones for those whose hours must "
                "all be open",
            )
        elif strange := [zone for zone in self._zones(preset) if zone not in preset.zones]:
            yield Problem(
                "zones" if self.zones else "timezone",
                f"{', '.join(strange)} is not in {preset.name}; use one of {known}, or start, end and timezone",
            )


def preset_notes(window: Window) -> list[str]:
    """Return notes about the presets of a window, to log when it is used. Pure.

    :param window: calling hours of any kind.
    """
    presets = _presets_of(window)
    practice = (practice_note(preset) for preset in presets)
    launch = dict.fromkeys(LAUNCH_NOTES.get(preset.country) for preset in presets)
    return [note for note in (*practice, *launch) if note]


def preset_warnings(window: Window, today: date, caller_id: str | None = None) -> list[str]:
    """Return the warnings about the presets of a window: due for review, or another number series. Pure.

    :param window: calling hours of any kind.
    :param today: the date of use.
    :param caller_id: the calling number; ``None`` if unknown.
    """
    presets = _presets_of(window)
    outdated = (review_warning(preset, today) for preset in presets)
    mismatched = (series_warning(preset, caller_id) for preset in presets)
    return [warning for warning in (*outdated, *mismatched) if warning]


def _presets_of(window: Window) -> list[Preset]:
    return [PRESETS[name] for name in dict.fromkeys(window.preset_names)]
