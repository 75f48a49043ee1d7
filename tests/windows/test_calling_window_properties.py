"""What holds for every calling window, anchor and moment, judged minute by minute on the wall clock.

The windows are of every kind: the same hours each day, others on some weekdays, and what two or three have in common.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.request import Schedule
from airflow_provider_exotel.windows.calling_window import CallingWindow, MissedWindow, Window
from airflow_provider_exotel.windows.common_window import CommonWindow

from ..properties import examples

ZONES = (
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Europe/London",
    "America/New_York",
    "Pacific/Apia",
    "UTC",
)
LEAD = timedelta(seconds=60)
MINUTE = timedelta(minutes=1)

times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
# Around the days on which clocks change, and elsewhere.
moments = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)),
    st.datetimes(datetime(2026, 3, 27), datetime(2026, 4, 7)),
    st.datetimes(datetime(2026, 10, 2), datetime(2026, 10, 27)),
    st.datetimes(datetime(2026, 10, 30), datetime(2026, 11, 2)),
).map(lambda moment: moment.replace(tzinfo=UTC))
spans = st.tuples(times, times).filter(lambda span: span[0] != span[1])
days_of_week = st.sets(st.integers(0, 6), min_size=1)
holidays = st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=5)
same_hours = st.builds(
    lambda span, zone, weekdays, holidays: CallingWindow(
        start=span[0], end=span[1], timezone=zone, weekdays=weekdays, holidays=holidays
    ),
    spans,
    st.sampled_from(ZONES),
    days_of_week,
    holidays,
)
hours_by_weekday = st.builds(
    lambda hours, zone, holidays: CallingWindow(
        start=min(next(iter(hours.values()))),
        end=max(next(iter(hours.values()))),
        timezone=zone,
        weekdays=hours,
        hours_by_weekday={day: sorted(span) for day, span in hours.items()},
        holidays=holidays,
    ),
    st.dictionaries(st.integers(0, 6), spans, min_size=1),
    st.sampled_from(ZONES),
    holidays,
)
one_window = st.one_of(same_hours, hours_by_weekday)
in_common = st.lists(one_window, min_size=2, max_size=3).map(lambda windows: CommonWindow(all_of=windows))
windows = st.one_of(same_hours, hours_by_weekday, in_common)
lateness = st.integers(-3600, 3 * 86400).map(lambda seconds: timedelta(seconds=seconds))


def is_allowed(window: Window, instant: datetime) -> bool:
    """Judge one instant by what a clock on the wall and a calendar show: nothing of the code under test is used."""
    if isinstance(window, CommonWindow):
        return all(is_allowed(one, instant) for one in window.all_of)
    wall = instant.astimezone(ZoneInfo(window.timezone))
    clock, day = wall.time().replace(tzinfo=None), wall.date()
    hours = {weekday: (start, end) for weekday, start, end in window.hours_by_weekday}
    start, end = hours.get(day.weekday(), (window.start, window.end))
    in_hours = start <= clock < end if start < end else clock >= start or clock < end
    return in_hours and day.weekday() in window.weekdays and day not in window.holidays


def schedule_or_none(
    window: Window, anchor: datetime, now: datetime, on_missed_window: str = "fail"
) -> Schedule | None:
    try:
        return window.schedule_for(anchor, now, on_missed_window=on_missed_window)
    except MissedWindow:
        return None
    except ExotelInputError:
        assume(False)
        raise


@examples(150)
@given(windows, moments, lateness, st.sampled_from(["fail", "next"]))
def test_no_minute_of_a_schedule_is_outside_the_window(window, anchor, late, on_missed) -> None:
    now = anchor + late
    schedule = schedule_or_none(window, anchor, now, on_missed)
    assume(schedule is not None)

    minute = schedule.send_at.astimezone(UTC)
    while minute < schedule.end_at.astimezone(UTC):
        assert is_allowed(window, minute), minute
        minute += MINUTE
    assert is_allowed(window, schedule.end_at.astimezone(UTC) - timedelta(seconds=1))


@examples(150)
@given(windows, moments, lateness, st.sampled_from(["fail", "next"]))
def test_a_schedule_is_in_the_future_in_order_and_explicit(window, anchor, late, on_missed) -> None:
    now = anchor + late
    schedule = schedule_or_none(window, anchor, now, on_missed)
    assume(schedule is not None)

    assert now + LEAD <= schedule.send_at < schedule.end_at
    assert schedule.end_at - schedule.send_at <= timedelta(hours=25)
    for text in schedule.payload().values():
        assert text[-6] in "+-"
        assert datetime.fromisoformat(text).microsecond == 0


@examples(150)
@given(windows, moments, lateness, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_the_zones_the_moments_are_written_in_do_not_matter(window, anchor, late, one, other) -> None:
    now = anchor + late

    here = schedule_or_none(window, anchor.astimezone(ZoneInfo(one)), now.astimezone(ZoneInfo(other)))

    assert here == schedule_or_none(window, anchor, now)


@examples(150)
@given(windows, moments)
def test_a_run_on_time_dials_at_the_first_allowed_minute_with_room(window, anchor) -> None:
    schedule = schedule_or_none(window, anchor, anchor)
    assert schedule is not None

    earliest = anchor + LEAD
    for step in range(int(min(schedule.send_at - earliest, timedelta(days=3)) / MINUTE)):
        minute = earliest + step * MINUTE
        # Of a time that comes twice the opening is the second, so the first hour may be allowed and unused;
        # and the last minute of a window has no room.
        if is_allowed(window, minute) and is_allowed(window, minute + 2 * MINUTE):
            assert _is_near_a_change_of_clocks(window, minute), minute


@examples(150)
@given(windows, moments, lateness)
def test_next_is_the_window_meant_or_the_one_directly_after(window, anchor, late) -> None:
    now = anchor + max(late, timedelta())
    schedule = schedule_or_none(window, anchor, now, "next")
    assume(schedule is not None)

    on_time = schedule_or_none(window, anchor, anchor)
    assert on_time is not None
    after = schedule_or_none(window, on_time.end_at, on_time.end_at)
    assert after is not None
    assert schedule.end_at in {on_time.end_at, after.end_at}


def _is_near_a_change_of_clocks(window: Window, moment: datetime) -> bool:
    zones = [one.zone for one in (window.all_of if isinstance(window, CommonWindow) else [window])]
    day = timedelta(hours=26)
    return any(
        (moment - day).astimezone(zone).utcoffset() != (moment + day).astimezone(zone).utcoffset() for zone in zones
    )
