"""Calling hours by country: what the laws and customs of the markets allow, with source and date.

**This is not legal advice.** The hours are defaults of engineers, compiled from public pages on the date each preset
carries; whoever calls answers for the law that applies to them. Past its review date a preset still works, and the log
warns each time it is used.

A preset gives hours, days and public holidays. What else a law demands (consent, a check against a register of people
who do not want to be called, a series of numbers to call from, a cap on attempts) it only tells, as ``caps`` and
``requires``; nothing here checks it.

Exotel advises to end 15 minutes before the hours do where a campaign has no retries, and 15 minutes more for each retry
at an interval of 15 (its calling-hours page); ``end_buffer`` does so.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.fields import Model, words
from airflow_provider_exotel.windows import fields
from airflow_provider_exotel.windows.calling_window import Buffer, CallingWindow, Dates, ZoneName
from airflow_provider_exotel.windows.preset_table import ROWS

log = logging.getLogger(__name__)

OTHER_STATE = "other"
"""Any state without hours of its own."""


@dataclass(frozen=True)
class CallingHours:
    """The hours in which people of one country may be called for one purpose. Not legal advice.

    :param name: what ``window=`` calls it.
    :param country: ISO 3166 code of the country.
    :param zones: the time zones of its people.
    :param hours: days, such as ``mon-fri``, to hours, such as ``09:00-18:00``, on the recipients' clocks; nobody is
        called on other days.
    :param strength: ``law`` for a statute or a regulator's rule, ``practice`` for a code of the trade, or for caution
        where no rule was found.
    :param source: where the hours were found.
    :param as_of: the date they were compiled on.
    :param caps: how often somebody may be called, and other conditions; empty where none was found.
    :param requires: what has to be there before the first call: consent, registers, numbers; empty where none was
        found.
    :param note: what else to know.
    :param states: hours of states with a law of their own, by the state's code.
    :param holiday_calendars: calendars of public holidays that are kept, by zone.
    """

    name: str
    country: str
    zones: tuple[str, ...]
    hours: Mapping[str, str]
    strength: str
    source: str
    as_of: date
    caps: str = ""
    requires: str = ""
    note: str = ""
    states: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    holiday_calendars: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def review_by(self) -> date:
        """The date, one year on, by which somebody should look at the sources again."""
        return self.as_of.replace(year=self.as_of.year + 1)

    def window(
        self,
        zone: str,
        *,
        state: str | None = None,
        end_buffer: timedelta = timedelta(),
        holidays: Iterable[date] = (),
    ) -> CallingWindow:
        """Return the hours as a window.

        :param zone: one of :attr:`zones`.
        :param state: the state whose law applies, or ``other``. Where states have hours of their own and none is named,
            the window lies within the hours of them all.
        :param end_buffer: how long before the end dialling stops, default not at all.
        :param holidays: dates on which nobody is called besides those of the calendars.
        :raises ExotelInputError: if the calendar of holidays is needed and the ``holidays`` package is not installed.
        """
        first, *others = self._hours_in(state)
        return CallingWindow(
            start=first.start,
            end=first.end,
            timezone=zone,
            weekdays=[first.weekday, *(day.weekday for day in others)],
            hours_by_weekday={day.weekday: day[1:] for day in others if day[1:] != first[1:]},
            holidays=tuple(holidays),
            holiday_calendars=self.holiday_calendars.get(zone, ()),
            end_buffer=end_buffer,
        )

    def warn_if_outdated(self, today: date) -> None:
        """Let the log warn if the preset is due for review."""
        if today > self.review_by:
            log.warning(
                "The calling hours of %s are of %s and were due for review by %s; look whether they still hold (%s).",
                self.name,
                self.as_of,
                self.review_by,
                self.source,
            )

    def _hours_in(self, state: str | None) -> tuple[fields.DayHours, ...]:
        if state is None:
            return tuple(_within_all(map(fields.hours_by_weekday, (self.hours, *self.states.values()))))
        return fields.hours_by_weekday(self.states.get(state, self.hours))


PRESETS: Mapping[str, CallingHours] = {row["name"]: CallingHours(**row) for row in ROWS}
"""All presets by name."""


def preset_named(name: object) -> CallingHours:
    """Return a preset.

    :param name: its name, in any case.
    :raises ValueError: if there is none of that name, with the nearest there is.
    """
    known = name.strip().upper() if isinstance(name, str) else ""
    if known not in PRESETS:
        near = difflib.get_close_matches(known, PRESETS, n=1)
        raise ValueError(f"is no preset{f' (is {near[0]} meant?)' if near else ''}; there are {', '.join(PRESETS)}")
    return PRESETS[known]


class PresetChoice(Model):
    """A preset as ``window=`` takes it: ``{"preset": "ID_COLLECTIONS", "zones": ["Asia/Jakarta", "Asia/Makassar"]}``.

    ``state`` counts only for presets whose states have hours of their own; others hold in every state.

    :raises ExotelInputError: naming every field that is wrong.
    """

    preset: Annotated[
        CallingHours, BeforeValidator(preset_named), Field(description="the name of a preset, such as 'IN_SERVICE'")
    ]
    timezone: Annotated[ZoneName | None, Field(description="one of the preset's zones, where it has several")] = None
    zones: Annotated[
        tuple[ZoneName, ...] | None,
        BeforeValidator(words),
        Field(min_length=1, description="zones of the preset in all of which it must be time, instead of timezone"),
    ] = None
    state: Annotated[str | None, Field(description="the state whose law applies, such as 'FL', or 'other'")] = None
    end_buffer: Buffer = timedelta()
    holidays: Dates = ()

    @model_validator(mode="after")
    def _chooses(self) -> Self:
        problems = list(self._problems())
        if problems:
            raise ExotelInputError(problems)
        return self

    def windows(self, today: date) -> tuple[CallingWindow, ...]:
        """Return the window of each zone that is chosen.

        :param today: the date by which the preset is judged to be due for review.
        :raises ExotelInputError: if the ``holidays`` package is needed and not installed.
        """
        self.preset.warn_if_outdated(today)
        return tuple(
            self.preset.window(zone, state=self._state, end_buffer=self.end_buffer, holidays=self.holidays)
            for zone in self._zones
        )

    @property
    def _zones(self) -> tuple[str, ...]:
        return (self.timezone,) if self.timezone else tuple(dict.fromkeys(self.zones or self.preset.zones))

    @property
    def _state(self) -> str | None:
        return self.state if self.state is None or self.state == OTHER_STATE else self.state.upper()

    def _problems(self) -> Iterator[Problem]:
        preset = self.preset
        if self.timezone and self.zones:
            yield Problem("zones", "stands beside timezone; give one of the two")
        elif not self.timezone and not self.zones and len(preset.zones) > 1:
            yield Problem(
                "timezone",
                f"is missing: {preset.name} has {len(preset.zones)}; give one, or as zones those in all of which it "
                f"must be time, of {', '.join(preset.zones)}",
            )
        elif strange := [zone for zone in self._zones if zone not in preset.zones]:
            yield Problem(
                "zones" if self.zones else "timezone",
                f"{', '.join(strange)} is not of {preset.name}, which knows {', '.join(preset.zones)}; "
                "for others write start, end and timezone",
            )
        if preset.states and self._state is not None and self._state not in {*preset.states, OTHER_STATE}:
            yield Problem(
                "state", f"has no hours of its own; write one of {', '.join(preset.states)}, or {OTHER_STATE!r}"
            )


def _within_all(tables: Iterable[tuple[fields.DayHours, ...]]) -> Iterator[fields.DayHours]:
    """Yield, for each day that all tables allow, the hours that lie within those of all."""
    by_day = [{hours.weekday: hours for hours in table} for table in tables]
    for weekday in sorted(set(by_day[0]).intersection(*by_day[1:])):
        same_day = [table[weekday] for table in by_day]
        yield fields.DayHours(weekday, max(day.start for day in same_day), min(day.end for day in same_day))
