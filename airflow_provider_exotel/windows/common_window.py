"""The intersection of several calling windows, and all accepted forms of a window.

The operator's ``window=`` accepts these forms, as Python values or JSON text:

==================================================  =============================================================
``{"start": ..., "end": ..., "timezone": ...}``     a :class:`CallingWindow`, by its fields
``"IN_SERVICE"``                                    a preset with one zone
``{"preset": ..., "timezone" or "zones": ...}``     a preset in one zone, or in all of several at once
``{"all_of": [...]}``                               the intersection of several of the above
==================================================  =============================================================
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SerializeAsAny

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.text import read_literal
from airflow_provider_exotel.windows.calling_window import CallingWindow, Window
from airflow_provider_exotel.windows.preset_window import PresetWindow, preset_notes, preset_warnings

log = logging.getLogger(__name__)

_PRESET_NAME = re.compile(r"[A-Za-z_]+", re.ASCII)


def window_of(value: Any, *, today: date | None = None, caller_id: str | None = None) -> Window:
    """Return calling hours in any of the forms above. Pure, unless ``today`` is given.

    :param value: a window, a preset's name, a mapping, or the JSON text of one.
    :param today: the date of use; if given, the notes and warnings of the presets are logged.
    :param caller_id: the calling number, which is compared with the number series of the presets.
    :raises ExotelInputError: naming each field as ``window.field``.
    """
    try:
        window = _read(value)
    except ExotelInputError as error:
        raise ExotelInputError(
            Problem(".".join(filter(None, ("window", one.field))), one.message) for one in error.problems
        ) from None
    if today is not None:
        for note in preset_notes(window):
            log.info(note)
        for warning in preset_warnings(window, today, caller_id):
            log.warning(warning)
    return window


def _read(value: Any) -> Window:
    """Return a window; problems are named by the fields of ``value``."""
    if isinstance(value, Window):
        return value
    if isinstance(value, str):
        value = {"preset": value} if _PRESET_NAME.fullmatch(value.strip()) else read_literal(value)
    names = set(value) if isinstance(value, Mapping) else set()
    kind = PresetWindow if "preset" in names else CommonWindow if "all_of" in names else CallingWindow
    try:
        return kind(**value)
    except TypeError:
        wanted = "must be a mapping of its fields, the text of one, or the name of a preset"
        raise ExotelInputError([Problem("", wanted)]) from None


class CommonWindow(Window):
    """The intersection of several windows.

    For numbers with several possible time zones, such as Indonesian mobiles, and for campaigns across zones.

    :raises ExotelInputError: naming every invalid field.
    """

    all_of: Annotated[
        tuple[Annotated[SerializeAsAny[Window], BeforeValidator(_read)], ...],
        Field(min_length=1, description="a list of the windows that must all be open"),
    ]

    @property
    def windows(self) -> tuple[CallingWindow, ...]:
        """The windows of all entries."""
        return tuple(window for one in self.all_of for window in one.windows)

    @property
    def preset_names(self) -> tuple[str, ...]:
        """The names of the presets among the entries."""
        return tuple(name for one in self.all_of for name in one.preset_names)
