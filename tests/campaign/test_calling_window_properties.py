"""What holds for every calling window, anchor and moment, judged minute by minute on the wall clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from airflow_provider_exotel.api.errors import ExotelInputError
from airflow_provider_exotel.api.request import Schedule
from airflow_provider_exotel.campaign.window import CallingWindow, MissedWindow

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
windows = st.builds(
    lambda start, end, zone, weekdays, holidays: (start, end, zone, weekdays, holidays),
    times,
    times,
    st.sampled_from(ZONES),
    st.sets(st.integers(0, 6), min_size=1),
    st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=5),
).filter(lambda window: window[0] != window[1])
lateness = st.integers(-3600, 3 * 86400).map(lambda seconds: timedelta(seconds=seconds))
examples = settings(derandomize=True, deadline=None, max_examples=300)


def window_of(parts: tuple[time, time, str, set[int], set[date]]) -> CallingWindow:
    start, end, zone, weekdays, holidays = parts
    return CallingWindow(start=start, end=end, timezone=zone, weekdays=weekdays, holidays=holidays)


def is_allowed(window: CallingWindow, instant: datetime) -> bool:
    """Judge one instant by what a clock on the wall and a calendar show: nothing of the code under test is used."""
    wall = instant.astimezone(ZoneInfo(window.timezone))
    clock, day = wall.time().replace(tzinfo=None), wall.date()
    if window.start < window.end:
        in_hours = window.start <= clock < window.end
    else:
        in_hours = clock >= window.start or clock < window.end
    return in_hours and day.weekday() in window.weekdays and day not in window.holidays


def schedule_or_none(
    window: CallingWindow, anchor: datetime, now: datetime, on_missed_window: str = "fail"
) -> Schedule | None:
    try:
        return window.schedule_for(anchor, now, on_missed_window=on_missed_window)
    except MissedWindow:
        return None
    except ExotelInputError:
        assume(False)
        raise


@examples
@given(windows, moments, lateness, st.sampled_from(["fail", "next"]))
def test_no_minute_of_a_schedule_is_outside_the_window(parts, anchor, late, on_missed) -> None:
    window, now = window_of(parts), anchor + late
    schedule = schedule_or_none(window, anchor, now, on_missed)
    assume(schedule is not None)

    minute = schedule.send_at.astimezone(UTC)
    while minute < schedule.end_at.astimezone(UTC):
        assert is_allowed(window, minute), minute
        minute += MINUTE
    assert is_allowed(window, schedule.end_at.astimezone(UTC) - timedelta(seconds=1))


@examples
@given(windows, moments, lateness, st.sampled_from(["fail", "next"]))
def test_a_schedule_is_in_the_future_in_order_and_explicit(parts, anchor, late, on_missed) -> None:
    now = anchor + late
    schedule = schedule_or_none(window_of(parts), anchor, now, on_missed)
    assume(schedule is not None)

    assert now + LEAD <= schedule.send_at < schedule.end_at
    assert schedule.end_at - schedule.send_at <= timedelta(hours=25)
    for text in schedule.payload().values():
        assert text[-6] in "+-"
        assert datetime.fromisoformat(text).microsecond == 0


@examples
@given(windows, moments, lateness, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_the_zones_the_moments_are_written_in_do_not_matter(parts, anchor, late, one, other) -> None:
    window, now = window_of(parts), anchor + late

    here = schedule_or_none(window, anchor.astimezone(ZoneInfo(one)), now.astimezone(ZoneInfo(other)))

    assert here == schedule_or_none(window, anchor, now)


@examples
@given(windows, moments)
def test_a_run_on_time_dials_at_the_first_allowed_minute_with_room(parts, anchor) -> None:
    window = window_of(parts)
    schedule = schedule_or_none(window, anchor, anchor)
    assert schedule is not None

    earliest = anchor + LEAD
    for step in range(int(min(schedule.send_at - earliest, timedelta(days=3)) / MINUTE)):
        minute = earliest + step * MINUTE
        # Of a time that comes twice the opening is the second, so the first hour may be allowed and unused;
        # and the last minute of a window has no room.
        if is_allowed(window, minute) and is_allowed(window, minute + 2 * MINUTE):
            assert _is_near_a_change_of_clocks(window, minute), minute


@examples
@given(windows, moments, lateness)
def test_next_is_the_window_meant_or_the_one_directly_after(parts, anchor, late) -> None:
    window, now = window_of(parts), anchor + max(late, timedelta())
    schedule = schedule_or_none(window, anchor, now, "next")
    assume(schedule is not None)

    on_time = schedule_or_none(window, anchor, anchor)
    assert on_time is not None
    after = schedule_or_none(window, on_time.end_at, on_time.end_at)
    assert after is not None
    assert schedule.end_at in {on_time.end_at, after.end_at}


def _is_near_a_change_of_clocks(window: CallingWindow, moment: datetime) -> bool:
    zone = ZoneInfo(window.timezone)
    day = timedelta(hours=26)
    return (moment - day).astimezone(zone).utcoffset() != (moment + day).astimezone(zone).utcoffset()
