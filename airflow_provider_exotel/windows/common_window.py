"""What several calling windows have in common, and every form in which a window may be written.

The operator's ``window=`` takes, as Python values or as the JSON text of them:

==================================================  =============================================================
``{"start": ..., "end": ..., "timezone": ...}``     a :class:`CallingWindow` of its fields
``"IN_SERVICE"``                                    a preset of one zone
``{"preset": ..., "timezone" or "zones": ...}``     a preset in one zone, or in all of several at once
``{"all_of": [...]}``                               the hours that several of the above have in common
==================================================  =============================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.literals import read_literal
from airflow_provider_exotel.windows.calling_window import CallingWindow, Stretch, Window, read_as
from airflow_provider_exotel.windows.presets import PresetChoice

_PRESET_NAME = re.compile(r"[A-Za-z_]+", re.ASCII)


class CommonWindow(Window):
    """The hours in which everybody may be called: every minute of them lies in each of several windows.

    This is how people are called whose number tells several time zones, such as an Indonesian mobile, or who stand in
    one campaign though they live in several.

    :raises ExotelInputError: naming every field that is wrong.
    """

    all_of: Annotated[
        tuple[CallingWindow, ...], Field(min_length=1, description="a list of the windows that must all be open")
    ]

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the first window."""
        return self.all_of[0].zone

    def stretches_from(self, moment: datetime) -> Iterator[Stretch]:
        """Iterate over the stretches in which all the windows are open, in order, for a little more than a year.

        :param moment: an aware datetime; stretches that may be open then come first.
        """
        return _common([window.stretches_from(moment) for window in self.all_of])


def window_of(value: Any, *, today: date | None = None) -> Window:
    """Read calling hours in any of the forms above.

    :param value: a window, a preset's name, a mapping, or the JSON text of one.
    :param today: the date by which a preset is judged to be due for review, default the present one.
    :raises ExotelInputError: naming each field as ``window.field``.
    """
    return _read(value, "window", today or datetime.now(UTC).date())


def _read(value: Any, name: str, today: date) -> Window:
    if isinstance(value, Window):
        return value
    if isinstance(value, str):
        literal = read_literal(value)
        value = {"preset": value.strip()} if literal is None and _PRESET_NAME.fullmatch(value.strip()) else literal
    if isinstance(value, Mapping) and "preset" in value:
        choice: PresetChoice = read_as(PresetChoice, value, name)
        try:
            windows = choice.windows(today)
        except ExotelInputError as error:
            raise ExotelInputError(_under(name, error)) from None
        return windows[0] if len(windows) == 1 else CommonWindow(all_of=windows)
    if isinstance(value, Mapping) and "all_of" in value:
        return _read_all(value, name, today)
    window: CallingWindow = read_as(CallingWindow, value, name)
    return window


def _read_all(value: Mapping[str, Any], name: str, today: date) -> Window:
    """Read every entry, so that the problems of all are told at once; entries that are common windows are unfolded."""
    entries = value["all_of"]
    if not isinstance(entries, (list, tuple)):
        raise ExotelInputError([Problem(f"{name}.all_of", "is not a list of windows; write [{...}, {...}]")])
    problems: list[Problem] = []
    windows: list[CallingWindow] = []
    for position, entry in enumerate(entries, 1):
        try:
            window = _read(entry, f"{name}.all_of.{position}", today)
        except ExotelInputError as error:
            problems.extend(error.problems)
        else:
            windows += window.all_of if isinstance(window, CommonWindow) else [window]  # type: ignore[list-item]
    if problems:
        raise ExotelInputError(problems)
    common: CommonWindow = read_as(CommonWindow, {**value, "all_of": windows}, name)
    return common


def _under(name: str, error: ExotelInputError) -> Iterator[Problem]:
    return (Problem(f"{name}.{one.field}", one.message) for one in error.problems)


def _common(tracks: Iterable[Iterator[Stretch]]) -> Iterator[Stretch]:
    """Yield what stretches of all tracks have in common; each track is in order and does not overlap itself."""
    tracks = list(tracks)
    try:
        heads = [next(track) for track in tracks]
        while True:
            common = Stretch(max(head.opening for head in heads), min(head.closing for head in heads))
            if common.opening < common.closing:
                yield common
            # What ends first cannot meet anything that comes later on the other tracks.
            first = min(range(len(heads)), key=lambda index: heads[index].closing)
            heads[first] = next(tracks[first])
    except StopIteration:
        return
