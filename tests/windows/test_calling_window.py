"""Which stretch of time a run may dial in: cases a person can check against a calendar.

2026-03-02 is a Monday. Clocks go forward in London on 2026-03-29 at 01:00 and back on 2026-10-25 at 02:00; in New York
forward on 2026-03-08 at 02:00 and back on 2026-11-01 at 02:00.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.windows.calling_window import CallingWindow, MissedWindow

INDIA = {"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"}
WORKING_DAYS = {**INDIA, "weekdays": "mon-fri"}
NIGHT = {"start": "20:00", "end": "02:00", "timezone": "Asia/Kolkata"}
LONDON = {"start": "10:00", "end": "18:00", "timezone": "Europe/London"}
NEW_YORK = {"start": "09:00", "end": "17:00", "timezone": "America/New_York"}
MISSED = "missed"


def dials(window: dict[str, Any], anchor: str, now: str, **options: Any) -> str:
    """Return the schedule as ``send_at - end_at``, or ``missed``."""
    try:
        schedule = CallingWindow(**window).schedule_for(
            datetime.fromisoformat(anchor), datetime.fromisoformat(now), **options
        )
    except MissedWindow:
        return MISSED
    return f"{schedule.payload()['send_at']} - {schedule.payload()['end_at']}"


CASES = [
    # (id, window, anchor, now, expected)
    ("before it opens", INDIA, "2026-03-02T06:00:00+05:30", "2026-03-02T06:00:10+05:30",
     "2026-03-02T10:00:00+05:30 - 2026-03-02T18:00:00+05:30"),
    ("inside, a minute from now", INDIA, "2026-03-02T12:00:00+05:30", "2026-03-02T12:00:10+05:30",
     "2026-03-02T12:01:10+05:30 - 2026-03-02T18:00:00+05:30"),
    ("a fraction of a second is rounded up", INDIA, "2026-03-02T12:00:00+05:30", "2026-03-02T12:00:00.000001+05:30",
     "2026-03-02T12:01:01+05:30 - 2026-03-02T18:00:00+05:30"),
    ("after it closed: the next day's", INDIA, "2026-03-02T19:00:00+05:30", "2026-03-02T19:00:10+05:30",
     "2026-03-03T10:00:00+05:30 - 2026-03-03T18:00:00+05:30"),
    ("an anchor one minute before closing has no room", INDIA, "2026-03-02T17:59:00+05:30",
     "2026-03-02T17:59:00+05:30", "2026-03-03T10:00:00+05:30 - 2026-03-03T18:00:00+05:30"),
    ("an anchor two minutes before closing has", INDIA, "2026-03-02T17:58:00+05:30",
     "2026-03-02T17:58:00+05:30", "2026-03-02T17:59:00+05:30 - 2026-03-02T18:00:00+05:30"),
    ("late by minutes", INDIA, "2026-03-02T06:00:00+05:30", "2026-03-02T10:07:00+05:30",
     "2026-03-02T10:08:00+05:30 - 2026-03-02T18:00:00+05:30"),
    ("late by hours", INDIA, "2026-03-02T06:00:00+05:30", "2026-03-02T16:30:00+05:30",
     "2026-03-02T16:31:00+05:30 - 2026-03-02T18:00:00+05:30"),
    ("an anchor ahead of time is waited for", INDIA, "2026-03-03T12:00:00+05:30", "2026-03-02T12:00:00+05:30",
     "2026-03-03T12:01:00+05:30 - 2026-03-03T18:00:00+05:30"),
    ("late, so that it would dial at the closing", INDIA, "2026-03-02T06:00:00+05:30", "2026-03-02T17:59:00+05:30",
     MISSED),
    ("late past the closing", INDIA, "2026-03-02T06:00:00+05:30", "2026-03-02T18:00:00+05:30", MISSED),
    ("late by days", INDIA, "2026-03-02T06:00:00+05:30", "2026-03-05T12:00:00+05:30", MISSED),
    ("a run at midnight UTC carries yesterday's date in India", INDIA, "2026-03-01T18:30:00+00:00",
     "2026-03-01T18:30:05+00:00", "2026-03-02T10:00:00+05:30 - 2026-03-02T18:00:00+05:30"),
    ("a Saturday waits for Monday", WORKING_DAYS, "2026-03-07T09:00:00+05:30", "2026-03-07T09:00:00+05:30",
     "2026-03-09T10:00:00+05:30 - 2026-03-09T18:00:00+05:30"),
    ("a Friday evening waits for Monday", WORKING_DAYS, "2026-03-06T20:00:00+05:30", "2026-03-06T20:00:00+05:30",
     "2026-03-09T10:00:00+05:30 - 2026-03-09T18:00:00+05:30"),
    ("a holiday is passed over", {**WORKING_DAYS, "holidays": ["2026-03-04"]}, "2026-03-04T09:00:00+05:30",
     "2026-03-04T09:00:00+05:30", "2026-03-05T10:00:00+05:30 - 2026-03-05T18:00:00+05:30"),
    ("a public holiday of the calendar is passed over", {**INDIA, "holiday_calendars": "IN"},
     "2026-01-26T09:00:00+05:30", "2026-01-26T09:00:00+05:30", "2026-01-27T10:00:00+05:30 - 2026-01-27T18:00:00+05:30"),
    ("a Saturday of other hours", {**INDIA, "hours_by_weekday": {"sat": "11:00-14:00"}}, "2026-03-07T06:00:00+05:30",
     "2026-03-07T06:00:00+05:30", "2026-03-07T11:00:00+05:30 - 2026-03-07T14:00:00+05:30"),
    ("after its hours the next day has the usual ones", {**INDIA, "hours_by_weekday": {"sat": "11:00-14:00"}},
     "2026-03-07T14:00:00+05:30", "2026-03-07T14:00:00+05:30", "2026-03-08T10:00:00+05:30 - 2026-03-08T18:00:00+05:30"),
    ("the end buffer ends it early", {**INDIA, "end_buffer": 30}, "2026-03-02T09:00:00+05:30",
     "2026-03-02T09:00:00+05:30", "2026-03-02T10:00:00+05:30 - 2026-03-02T17:30:00+05:30"),
    ("across midnight", NIGHT, "2026-03-02T12:00:00+05:30", "2026-03-02T12:00:00+05:30",
     "2026-03-02T20:00:00+05:30 - 2026-03-03T02:00:00+05:30"),
    ("across midnight, entered after it", NIGHT, "2026-03-03T00:30:00+05:30", "2026-03-03T00:30:00+05:30",
     "2026-03-03T00:31:00+05:30 - 2026-03-03T02:00:00+05:30"),
    ("across midnight, entered on the next date in UTC", {**NEW_YORK, "start": "22:00", "end": "21:00"},
     "2026-03-04T20:30:00-05:00", "2026-03-04T20:30:00-05:00", "2026-03-04T20:31:00-05:00 - 2026-03-04T21:00:00-05:00"),
    ("Friday night is cut at midnight where Saturday is excluded", {**NIGHT, "weekdays": "mon-fri"},
     "2026-03-06T12:00:00+05:30", "2026-03-06T12:00:00+05:30",
     "2026-03-06T20:00:00+05:30 - 2026-03-07T00:00:00+05:30"),
    ("and Monday begins at midnight, not on Sunday evening", {**NIGHT, "weekdays": "mon-fri"},
     "2026-03-08T12:00:00+05:30", "2026-03-08T12:00:00+05:30",
     "2026-03-09T00:00:00+05:30 - 2026-03-09T02:00:00+05:30"),
    ("up to midnight", {**NIGHT, "end": "00:00", "weekdays": "mon"}, "2026-03-01T12:00:00+05:30",
     "2026-03-01T12:00:00+05:30", "2026-03-02T20:00:00+05:30 - 2026-03-03T00:00:00+05:30"),
    ("up to midnight, the day before is excluded", {**NIGHT, "end": "00:00", "weekdays": "tue"},
     "2026-03-02T12:00:00+05:30", "2026-03-02T12:00:00+05:30", "2026-03-03T20:00:00+05:30 - 2026-03-04T00:00:00+05:30"),
    ("an opening at the start of the gap", {**LONDON, "start": "01:00"}, "2026-03-28T22:00:00Z",
     "2026-03-28T22:00:00Z", "2026-03-29T02:00:00+01:00 - 2026-03-29T18:00:00+01:00"),
    ("London, the day before clocks go forward", LONDON, "2026-03-28T06:00:00Z", "2026-03-28T06:00:00Z",
     "2026-03-28T10:00:00+00:00 - 2026-03-28T18:00:00+00:00"),
    ("London, the day they do", LONDON, "2026-03-29T06:00:00Z", "2026-03-29T06:00:00Z",
     "2026-03-29T10:00:00+01:00 - 2026-03-29T18:00:00+01:00"),
    ("London, the day they go back", LONDON, "2026-10-25T06:00:00Z", "2026-10-25T06:00:00Z",
     "2026-10-25T10:00:00+00:00 - 2026-10-25T18:00:00+00:00"),
    ("New York, clocks forward", NEW_YORK, "2026-03-08T05:00:00Z", "2026-03-08T05:00:00Z",
     "2026-03-08T09:00:00-04:00 - 2026-03-08T17:00:00-04:00"),
    ("New York, clocks back", NEW_YORK, "2026-11-01T05:00:00Z", "2026-11-01T05:00:00Z",
     "2026-11-01T09:00:00-05:00 - 2026-11-01T17:00:00-05:00"),
    ("an opening that is skipped moves to the end of the gap", {**LONDON, "start": "01:30"},
     "2026-03-28T22:00:00Z", "2026-03-28T22:00:00Z", "2026-03-29T02:00:00+01:00 - 2026-03-29T18:00:00+01:00"),
    ("a closing that is skipped moves to its start", {"start": "23:00", "end": "01:30", "timezone": "Europe/London"},
     "2026-03-28T22:00:00Z", "2026-03-28T22:00:00Z", "2026-03-28T23:00:00+00:00 - 2026-03-29T02:00:00+01:00"),
    ("an opening that comes twice is the second", {**LONDON, "start": "01:30"}, "2026-10-24T22:00:00Z",
     "2026-10-24T22:00:00Z", "2026-10-25T01:30:00+00:00 - 2026-10-25T18:00:00+00:00"),
    ("a closing that comes twice is the first", {"start": "22:00", "end": "01:30", "timezone": "Europe/London"},
     "2026-10-24T20:00:00Z", "2026-10-24T20:00:00Z", "2026-10-24T22:00:00+01:00 - 2026-10-25T01:30:00+01:00"),
    ("New York, a closing that comes twice", {**NEW_YORK, "start": "20:00", "end": "01:30"}, "2026-10-31T20:00:00Z",
     "2026-10-31T20:00:00Z", "2026-10-31T20:00:00-04:00 - 2026-11-01T01:30:00-04:00"),
]  # fmt: skip


@pytest.mark.parametrize(("window", "anchor", "now", "expected"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_the_stretch_a_run_may_dial_in(window: dict[str, Any], anchor: str, now: str, expected: str) -> None:
    assert dials(window, anchor, now) == expected


NEXT_CASES = [
    ("missed by hours: the window directly after", "2026-03-02T06:00:00+05:30", "2026-03-02T20:00:00+05:30",
     "2026-03-03T10:00:00+05:30 - 2026-03-03T18:00:00+05:30"),
    ("missed by a day, inside the one after", "2026-03-02T06:00:00+05:30", "2026-03-03T12:00:00+05:30",
     "2026-03-03T12:01:00+05:30 - 2026-03-03T18:00:00+05:30"),
    ("missed by two days: no later one is taken", "2026-03-02T06:00:00+05:30", "2026-03-04T12:00:00+05:30", MISSED),
    ("not missed: the one meant", "2026-03-02T06:00:00+05:30", "2026-03-02T12:00:00+05:30",
     "2026-03-02T12:01:00+05:30 - 2026-03-02T18:00:00+05:30"),
]  # fmt: skip


@pytest.mark.parametrize(("anchor", "now", "expected"), [pytest.param(*c[1:], id=c[0]) for c in NEXT_CASES])
def test_next_takes_the_window_directly_after_a_missed_one(anchor: str, now: str, expected: str) -> None:
    assert dials(INDIA, anchor, now, on_missed_window="next") == expected


@pytest.mark.parametrize(("on_missed", "dialling"), [("fail", 0), ("next", 1)])
def test_of_ten_days_caught_up_at_night_at_most_one_dials(on_missed: str, dialling: int) -> None:
    first, now = datetime.fromisoformat("2026-03-02T06:00:00+05:30"), "2026-03-11T22:00:00+05:30"
    anchors = [(first + timedelta(days=day)).isoformat() for day in range(10)]

    outcomes = [dials(INDIA, anchor, now, on_missed_window=on_missed) for anchor in anchors]

    assert len([outcome for outcome in outcomes if outcome != MISSED]) == dialling


@pytest.mark.parametrize(
    ("lateness", "now", "expected"),
    [
        (30, "2026-03-02T10:29:00+05:30", "2026-03-02T10:30:00+05:30 - 2026-03-02T18:00:00+05:30"),
        ("PT30M", "2026-03-02T10:29:01+05:30", MISSED),
        (0, "2026-03-02T09:59:00+05:30", "2026-03-02T10:00:00+05:30 - 2026-03-02T18:00:00+05:30"),
        (timedelta(hours=9), "2026-03-02T17:00:00+05:30", "2026-03-02T17:01:00+05:30 - 2026-03-02T18:00:00+05:30"),
    ],
)
def test_max_lateness_counts_from_when_it_would_have_dialled(lateness: object, now: str, expected: str) -> None:
    assert dials(INDIA, "2026-03-02T06:00:00+05:30", now, max_lateness=lateness) == expected


def test_max_lateness_counts_from_the_anchor_inside_the_window() -> None:
    schedule = dials(INDIA, "2026-03-02T12:00:00+05:30", "2026-03-02T12:30:00+05:30", max_lateness=30)

    assert schedule == "2026-03-02T12:31:00+05:30 - 2026-03-02T18:00:00+05:30"


def test_max_lateness_counts_from_the_opening_of_the_next_window() -> None:
    options = {"on_missed_window": "next", "max_lateness": 30}

    schedule = dials(INDIA, "2026-03-02T06:00:00+05:30", "2026-03-03T10:20:00+05:30", **options)

    assert schedule == "2026-03-03T10:21:00+05:30 - 2026-03-03T18:00:00+05:30"


def test_skip_takes_no_other_window() -> None:
    assert dials(INDIA, "2026-03-02T06:00:00+05:30", "2026-03-02T20:00:00+05:30", on_missed_window="skip") == MISSED


def test_a_day_that_the_end_buffer_uses_up_has_no_window() -> None:
    window = {**INDIA, "hours_by_weekday": {"sat": "10:00-10:30"}, "end_buffer": 60}

    schedule = dials(window, "2026-03-06T06:00:00+05:30", "2026-03-06T20:00:00+05:30", on_missed_window="next")

    assert schedule == "2026-03-08T10:00:00+05:30 - 2026-03-08T17:00:00+05:30"


def test_a_window_too_short_for_the_retries_is_not_the_one_meant() -> None:
    retries = CallRetries(number_of_retries=3, interval_mins=10, mechanism="Exponential")  # 70 minutes

    schedule = dials(INDIA, "2026-03-02T16:55:00+05:30", "2026-03-02T16:55:00+05:30", call_retries=retries)

    assert schedule == "2026-03-03T10:00:00+05:30 - 2026-03-03T18:00:00+05:30"


def test_a_window_that_opens_on_one_day_of_the_year_is_found() -> None:
    first = date(2026, 3, 2)
    closed = [first + timedelta(days=day) for day in range(366)]

    schedule = dials({**INDIA, "holidays": closed}, "2026-03-02T06:00:00+05:30", "2026-03-02T06:00:00+05:30")

    assert schedule == "2027-03-03T10:00:00+05:30 - 2027-03-03T18:00:00+05:30"


def test_a_window_that_is_closed_for_years_is_refused() -> None:
    closed = [date(2026, 3, 1) + timedelta(days=day) for day in range(800)]

    with pytest.raises(ExotelInputError, match="window: is never open long enough"):
        dials({**INDIA, "holidays": closed}, "2026-03-02T06:00:00+05:30", "2026-03-02T06:00:00+05:30")


def test_retries_that_fit_into_no_day_are_refused() -> None:
    retries = CallRetries(number_of_retries=3, interval_mins=600)

    with pytest.raises(
        ExotelInputError, match="window: is never open long enough for a retry plan of 1 day, 6:00:00; use longer hours"
    ):
        dials(INDIA, "2026-03-02T06:00:00+05:30", "2026-03-02T06:00:00+05:30", call_retries=retries)


def test_a_missed_window_says_which_and_why() -> None:
    with pytest.raises(
        MissedWindow, match=r"2026-03-02T10:00:00\+05:30 to 2026-03-02T18:00:00\+05:30.*too little time is left"
    ):
        CallingWindow(**INDIA).schedule_for(
            datetime.fromisoformat("2026-03-02T06:00:00+05:30"), datetime.fromisoformat("2026-03-02T19:00:00+05:30")
        )
