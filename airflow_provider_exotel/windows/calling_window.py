"""Calling hours, and the schedule of a run inside them: nobody is dialled outside the hours.

All arithmetic is on instants; wall clocks are read in :mod:`airflow_provider_exotel.windows.local_time`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.fields import Model
from airflow_provider_exotel.client.request import CallRetries, Schedule
from airflow_provider_exotel.client.text import read_literal
from airflow_provider_exotel.windows import fields, public_holidays
from airflow_provider_exotel.windows.local_time import (
    as_utc,
    closing_instant,
    opening_instant,
    whole_second_after,
    with_offset_of,
)

LEAD = timedelta(seconds=60)
"""The time between sending a campaign and its first call: a margin for clock skew, and to undo a mistake."""
_DAYS_SEARCHED = 400
"""Number of days searched for a window: more than a year without an open day is a mistake."""
_MIDNIGHT = time(0)

TimeOfDay = Annotated[time, BeforeValidator(fields.time_of_day), PlainSerializer(time.isoformat)]
ZoneName = Annotated[str, BeforeValidator(fields.zone_name)]
Dates = Annotated[
    tuple[date, ...],
    BeforeValidator(fields.dates),
    Field(description="dates on which nobody is called, such as ['2026-01-26']"),
]
Buffer = Annotated[
    timedelta,
    BeforeValidator(fields.length_of_time),
    Field(description="how long before the end dialling stops: a timedelta, minutes, or 'PT15M'"),
]


class MissedWindow(Exception):
    """The run is too late for its window.

    :param opening: when the window of the run opened.
    :param closing: when that window closed.
    :param reason: why it cannot be used.
    """

    def __init__(self, opening: datetime | None, closing: datetime, reason: str) -> None:
        self.opening, self.closing, self.reason = opening, closing, reason
        opened = f"{opening.isoformat(timespec='seconds')} to " if opening else "until "
        super().__init__(f"the run missed its window ({opened}{closing.isoformat(timespec='seconds')}): {reason}")


class Stretch(NamedTuple):
    """One period in which a window is open: from its opening up to its closing, in UTC."""

    opening: datetime
    closing: datetime

    def has_room(self, moment: datetime, lead: timedelta, needed: timedelta) -> bool:
        """Return whether a campaign that is sent at ``moment`` can start its last call attempt before the closing."""
        return max(moment + lead, self.opening) + needed < self.closing


class Window(Model):
    """Hours in which a campaign may dial: the intersection of :attr:`windows`."""

    @property
    @abstractmethod
    def windows(self) -> tuple[CallingWindow, ...]:
        """The windows that must all be open."""

    @property
    def preset_names(self) -> tuple[str, ...]:
        """The names of the presets that the hours come from."""
        return ()

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of schedules: that of the first window."""
        return ZoneInfo(self.windows[0].timezone)

    def stretches_from(self, moment: datetime) -> Iterator[Stretch]:
        """Iterate over the open stretches in order, for a little more than a year.

        :param moment: an aware datetime; every stretch open then or later is included; a closed one may be first.
        """
        return _common_stretches(window.stretches_from(moment) for window in self.windows)

    def schedule_for(
        self,
        anchor: datetime,
        now: datetime,
        *,
        lead: timedelta = LEAD,
        max_lateness: Any = None,
        on_missed_window: Literal["fail", "skip", "next"] = "fail",
        call_retries: CallRetries | None = None,
    ) -> Schedule:
        """Return the one stretch of time in which the campaign of a run may dial. Pure.

        The window of a run is the first one with enough time at the anchor: the last attempt of the retry plan can
        start in it, counted from its opening, or from the anchor plus the lead if that is later.

        :param anchor: the time that the run stands for, timezone-aware.
        :param now: the current time, timezone-aware.
        :param lead: the time between sending and the first call, default 60 s.
        :param max_lateness: maximum delay of the start, a timedelta or minutes; ``None`` to start as long as the window
            has enough time left.
        :param on_missed_window: ``next`` takes the window directly after a missed one, and no later one.
        :param call_retries: the retry plan.
        :return: ``send_at`` and ``end_at`` with the offset of the window's zone.
        :raises MissedWindow: if the window of the run has closed, and with ``next`` also the following one.
        :raises ExotelInputError: if no window is ever long enough.
        """
        anchor = as_utc(anchor, "anchor")
        # A run may be anchored ahead of time; it does not dial ahead of its anchor.
        now = max(as_utc(now, "now"), anchor)
        needed = _time_for(call_retries)
        latest = None if max_lateness is None else _lateness(max_lateness)
        window, following = self._window_of_run(anchor, lead, needed)
        try:
            return self._within(window, max(anchor + lead, window.opening), now, lead, needed, latest)
        except MissedWindow:
            if on_missed_window != "next" or following is None:
                raise
        return self._within(following, following.opening, now, lead, needed, latest)

    def stretch_for(
        self, anchor: datetime, *, lead: timedelta = LEAD, call_retries: CallRetries | None = None
    ) -> Stretch:
        """Return the window of a run: the first with enough time at its anchor. Pure.

        :param anchor: the time that the run stands for, timezone-aware.
        :param lead: the time between sending and the first call, default 60 s.
        :param call_retries: the retry plan, whose last attempt must start inside the window.
        :raises ExotelInputError: if no window is ever long enough.
        """
        return self._window_of_run(as_utc(anchor, "anchor"), lead, _time_for(call_retries))[0]

    def _window_of_run(self, anchor: datetime, lead: timedelta, needed: timedelta) -> tuple[Stretch, Stretch | None]:
        for stretch, following in pairwise(self.stretches_from(anchor)):
            if stretch.has_room(anchor, lead, needed):
                return stretch, following
        raise ExotelInputError(
            [
                Problem(
                    "window",
                    f"is never open long enough for a retry plan of {needed}; "
                    "use longer hours, more days, a smaller end_buffer or fewer retries",
                )
            ]
        )

    def _within(
        self,
        stretch: Stretch,
        on_time: datetime,
        now: datetime,
        lead: timedelta,
        needed: timedelta,
        latest: timedelta | None,
    ) -> Schedule:
        opening, closing = (with_offset_of(moment, self.zone) for moment in stretch)
        send_at = whole_second_after(max(now + lead, stretch.opening))
        if send_at + needed >= stretch.closing:
            raise MissedWindow(opening, closing, "too little time is left for the campaign and its retries")
        if latest is not None and send_at - on_time > latest:
            raise MissedWindow(opening, closing, f"the run is {send_at - on_time} late, more than max_lateness allows")
        return Schedule(send_at=with_offset_of(send_at, self.zone), end_at=closing)


class CallingWindow(Window):
    """The hours in which people may be called, in their local time.

    A window whose end is before its start spans midnight. Every minute of it lies on an allowed day, so an excluded day
    cuts it at midnight. If clocks skip the start, it moves to the end of the gap; if the start occurs twice, the second
    one counts. If clocks skip the end, it moves to the start of the gap; if the end occurs twice, the first one counts.

    Exotel recommends an ``end_buffer`` of 15, 30, 45 and 60 minutes for 0 to 3 retries at an interval of 15 minutes
    (its calling-hours page).

    :raises ExotelInputError: naming every invalid field. Equal start and end are refused, since they could mean
        never or always.
    """

    start: Annotated[TimeOfDay, Field(description="a time of day, such as '10:00'")]
    end: Annotated[TimeOfDay, Field(description="a time of day, such as '18:00'")]
    timezone: Annotated[
        ZoneName,
        Field(description="the recipients' IANA time zone, such as 'Asia/Kolkata'; there is no default"),
    ]
    weekdays: Annotated[
        tuple[int, ...],
        BeforeValidator(fields.weekdays),
        Field(description="the allowed days, such as 'mon-fri' or ['mon', 'sat']"),
    ] = tuple(range(7))
    hours_by_weekday: Annotated[
        tuple[fields.DayHours, ...],
        BeforeValidator(fields.hours_by_weekday),
        PlainSerializer(fields.spell_hours),
        Field(description="the days with other hours, such as {'sat': '10:00-14:00'}"),
    ] = ()
    holidays: Dates = ()
    holiday_calendars: Annotated[
        tuple[str, ...],
        BeforeValidator(public_holidays.calendars),
        Field(description="calendars of public holidays, such as 'SG' or ['AU-NSW', 'AU-ACT']"),
    ] = ()
    end_buffer: Buffer = timedelta()

    @model_validator(mode="after")
    def _is_a_window(self) -> Self:
        problems = list(self._problems())
        if problems:
            raise ExotelInputError(problems)
        return self

    @property
    def windows(self) -> tuple[CallingWindow, ...]:
        """The window itself."""
        return (self,)

    def stretches_from(self, moment: datetime) -> Iterator[Stretch]:
        """Iterate over the open stretches in order, for a little more than a year.

        :param moment: an aware datetime; every stretch open then or later is included; a closed one may be first.
        """
        # A window that spans midnight opened the day before.
        return self.stretches(moment.astimezone(self.zone).date() - timedelta(days=1))

    def stretches(self, day: date) -> Iterator[Stretch]:
        """Iterate over the stretches that open on ``day`` or later, in order, for a little more than a year.

        :param day: a date in the window's zone.
        """
        zone = self.zone
        for step in range(_DAYS_SEARCHED):
            walls = self._walls(day + timedelta(days=step))
            if walls is not None:
                stretch = Stretch(opening_instant(walls[0], zone), closing_instant(walls[1], zone) - self.end_buffer)
                if stretch.opening < stretch.closing:
                    yield stretch

    def _problems(self) -> Iterator[Problem]:
        if self.start == self.end:
            yield Problem("end", "must differ from start; use two times, such as '10:00' and '18:00'")
        if not self.hours_by_weekday:
            return
        # Nights with different hours could overlap, and it would be unclear which one an excluded day cuts.
        if self.end < self.start or any(hours.end <= hours.start for hours in self.hours_by_weekday):
            yield Problem("hours_by_weekday", "must not span midnight, and neither must start and end; end by 23:59")
        if not {hours.weekday for hours in self.hours_by_weekday} <= set(self.weekdays):
            yield Problem(
                "hours_by_weekday", "names a day that weekdays excludes; add it to weekdays or remove it here"
            )

    def _walls(self, day: date) -> tuple[datetime, datetime] | None:
        """Return the wall clock times of this day's opening and closing, cut at midnight by an excluded day."""
        opens, closes = self._hours_of(day)
        start, end = datetime.combine(day, opens), datetime.combine(day, closes)
        if opens < closes:
            return (start, end) if self._allows(day) else None
        following = day + timedelta(days=1)
        midnight, end = datetime.combine(following, _MIDNIGHT), datetime.combine(following, closes)
        tonight, tomorrow = self._allows(day), self._allows(following)
        if not tonight and not tomorrow:
            return None
        return (start if tonight else midnight, end if tomorrow else midnight)

    def _hours_of(self, day: date) -> tuple[time, time]:
        for weekday, start, end in self.hours_by_weekday:
            if weekday == day.weekday():
                return start, end
        return self.start, self.end

    def _allows(self, day: date) -> bool:
        return (
            day.weekday() in self.weekdays
            and day not in self.holidays
            and not any(public_holidays.is_holiday(calendar, day) for calendar in self.holiday_calendars)
        )


def read_as(model: Any, value: Any, name: str) -> Any:
    """Build ``model`` from a mapping or from the text of one.

    :param model: a type whose keyword arguments are the fields.
    :param value: the mapping, or its JSON or Python text.
    :param name: the name of the argument, for errors.
    :raises ExotelInputError: if it is not a mapping, or the model finds problems.
    """
    try:
        return model(**(read_literal(value) if isinstance(value, str) else value))
    except ExotelInputError as error:
        raise ExotelInputError([Problem(f"{name}.{one.field}", one.message) for one in error.problems]) from None
    except TypeError:
        raise ExotelInputError([Problem(name, "must be a mapping of its fields, or the text of one")]) from None


def _common_stretches(tracks: Iterable[Iterator[Stretch]]) -> Iterator[Stretch]:
    """Yield the intersections of the stretches of all tracks; each track is sorted and does not overlap itself."""
    tracks = list(tracks)
    try:
        heads = [next(track) for track in tracks]
        while True:
            common = Stretch(max(head.opening for head in heads), min(head.closing for head in heads))
            if common.opening < common.closing:
                yield common
            # The stretch that ends first cannot intersect later stretches of the other tracks.
            first = min(range(len(heads)), key=lambda index: heads[index].closing)
            heads[first] = next(tracks[first])
    except StopIteration:
        return


def _time_for(retries: CallRetries | None) -> timedelta:
    minutes = retries.longest_minutes() if retries else 0
    return timedelta(minutes=min(minutes, _DAYS_SEARCHED * 24 * 60))  # no stretch is longer


def _lateness(value: Any) -> timedelta:
    try:
        return fields.length_of_time(value)
    except ValueError as error:
        raise ExotelInputError(
            [Problem("max_lateness", f"{error}; give a timedelta, minutes, or a duration such as 'PT30M'")]
        ) from None
