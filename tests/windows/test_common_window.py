"""The hours that several windows have in common, and the plain JSON they travel in.

2026-03-02 is a Monday. India is at +05:30, the Emirates at +04:00, Indonesia at +07:00, +08:00 and +09:00.
"""

from __future__ import annotations

import copy
import json
import pickle
from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.windows.calling_window import CallingWindow, MissedWindow
from airflow_provider_exotel.windows.common_window import CommonWindow, window_of

from ..campaign_specs import spec_of

INDIA: dict[str, Any] = {"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"}
EMIRATES: dict[str, Any] = {"start": "09:00", "end": "18:00", "timezone": "Asia/Dubai"}
INDONESIA = [
    {"start": "08:00", "end": "20:00", "timezone": zone} for zone in ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")
]
LONDON = {"start": "09:00", "end": "18:00", "timezone": "Europe/London"}
NEW_YORK = {"start": "09:00", "end": "18:00", "timezone": "America/New_York"}
MISSED = "missed"


def dials(windows: list[dict[str, Any]], anchor: str, now: str | None = None, **options: Any) -> str:
    """Return the schedule as ``send_at - end_at``, or ``missed``."""
    try:
        schedule = CommonWindow(all_of=windows).schedule_for(
            datetime.fromisoformat(anchor), datetime.fromisoformat(now or anchor), **options
        )
    except MissedWindow:
        return MISSED
    return f"{schedule.payload()['send_at']} - {schedule.payload()['end_at']}"


CASES = [
    # (id, windows, anchor, now, expected)
    ("from the last opening to the first closing", [INDIA, EMIRATES], "2026-03-02T06:00:00+05:30", None,
     "2026-03-02T10:30:00+05:30 - 2026-03-02T18:00:00+05:30"),
    ("written with the offset of the first", [EMIRATES, INDIA], "2026-03-02T06:00:00+05:30", None,
     "2026-03-02T09:00:00+04:00 - 2026-03-02T16:30:00+04:00"),
    ("three zones of one country", INDONESIA, "2026-03-02T00:00:00+07:00", None,
     "2026-03-02T08:00:00+07:00 - 2026-03-02T18:00:00+07:00"),
    ("one window is itself", [INDIA], "2026-03-02T06:00:00+05:30", None,
     "2026-03-02T10:00:00+05:30 - 2026-03-02T18:00:00+05:30"),
    ("inside, a minute from now", [INDIA, EMIRATES], "2026-03-02T12:00:00+05:30", "2026-03-02T12:30:00+05:30",
     "2026-03-02T12:31:00+05:30 - 2026-03-02T18:00:00+05:30"),
    ("missed", [INDIA, EMIRATES], "2026-03-02T12:00:00+05:30", "2026-03-02T18:00:00+05:30", MISSED),
    ("a day that one leaves out is left out", [{**INDIA, "weekdays": "mon-fri"}, {**EMIRATES, "weekdays": "sun-thu"}],
     "2026-03-06T06:00:00+05:30", None, "2026-03-09T10:30:00+05:30 - 2026-03-09T18:00:00+05:30"),
    ("the smaller hours of a weekday count", [INDIA, {**EMIRATES, "hours_by_weekday": {"mon": "10:00-12:00"}}],
     "2026-03-02T06:00:00+05:30", None, "2026-03-02T11:30:00+05:30 - 2026-03-02T13:30:00+05:30"),
    ("the end buffer of each is kept", [{**INDIA, "end_buffer": 30}, {**EMIRATES, "end_buffer": 150}],
     "2026-03-02T06:00:00+05:30", None, "2026-03-02T10:30:00+05:30 - 2026-03-02T17:00:00+05:30"),
    ("across midnight", [{**INDIA, "start": "20:00", "end": "02:00"}, {**EMIRATES, "start": "20:00", "end": "00:00"}],
     "2026-03-02T12:00:00+05:30", None, "2026-03-02T21:30:00+05:30 - 2026-03-03T01:30:00+05:30"),
    ("a long window meets two short ones",
     [{**INDIA, "start": "06:00", "end": "05:00"},
      {**INDIA, "start": "07:00", "end": "08:00", "hours_by_weekday": {"tue": "02:00-03:00"}}],
     "2026-03-02T12:00:00+05:30", None, "2026-03-03T02:00:00+05:30 - 2026-03-03T03:00:00+05:30"),
    ("clocks of both in winter", [LONDON, NEW_YORK], "2026-03-06T00:00:00Z", None,
     "2026-03-06T14:00:00+00:00 - 2026-03-06T18:00:00+00:00"),
    ("New York's clocks have gone forward, London's have not", [LONDON, NEW_YORK], "2026-03-09T00:00:00Z", None,
     "2026-03-09T13:00:00+00:00 - 2026-03-09T18:00:00+00:00"),
    ("both have", [LONDON, NEW_YORK], "2026-03-30T00:00:00Z", None,
     "2026-03-30T14:00:00+01:00 - 2026-03-30T18:00:00+01:00"),
]  # fmt: skip


@pytest.mark.parametrize(("windows", "anchor", "now", "expected"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_the_stretch_in_which_all_may_be_called(
    windows: list[dict[str, Any]], anchor: str, now: str | None, expected: str
) -> None:
    assert dials(windows, anchor, now) == expected


def test_next_takes_the_common_stretch_directly_after() -> None:
    anchor, missed = "2026-03-06T06:00:00+05:30", "2026-03-06T20:00:00+05:30"  # a Friday
    working_days = [{**INDIA, "weekdays": "mon-fri"}, EMIRATES]

    assert dials(working_days, anchor, missed, on_missed_window="next") == (
        "2026-03-09T10:30:00+05:30 - 2026-03-09T18:00:00+05:30"
    )


def test_a_common_stretch_too_short_for_the_retries_is_not_the_one_meant() -> None:
    retries = CallRetries(number_of_retries=3, interval_mins=60)
    short_monday = [INDIA, {**EMIRATES, "hours_by_weekday": {"mon": "09:00-12:00"}}]

    assert dials(short_monday, "2026-03-02T06:00:00+05:30", call_retries=retries) == (
        "2026-03-03T10:30:00+05:30 - 2026-03-03T18:00:00+05:30"
    )


def test_windows_that_only_touch_have_no_stretch_in_common() -> None:
    window = CommonWindow(all_of=[{**INDIA, "end": "12:00"}, {**INDIA, "start": "12:00"}])

    assert list(window.stretches_from(datetime.fromisoformat("2026-03-02T06:00:00+05:30"))) == []


def test_windows_with_nothing_in_common_are_refused() -> None:
    hawaii = {"start": "09:00", "end": "17:00", "timezone": "Pacific/Honolulu"}

    with pytest.raises(ExotelInputError, match="window: is never open long enough"):
        dials([INDIA, hawaii], "2026-03-02T06:00:00+05:30")


GROUPS = [
    {"preset": "ID_COLLECTIONS", "zones": ["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"], "end_buffer": "PT30M"},
    {"preset": "ID_MARKETING", "timezone": "Asia/Makassar", "holidays": ["2026-08-17"]},
    {"all_of": [INDIA, {**EMIRATES, "hours_by_weekday": {"sat-sun": "10:00-12:00"}, "holidays": ["2026-03-02"]}]},
    {"all_of": ["IN_SERVICE", {"preset": "ID_MARKETING", "zones": ["Asia/Jakarta", "Asia/Makassar"]}]},
]


@pytest.mark.parametrize("given", GROUPS, ids=lambda given: next(iter(given.values())))
def test_a_window_travels_as_plain_json(given: dict[str, Any]) -> None:
    window = window_of(given)

    assert window_of(json.dumps(given)) == window
    assert window_of(json.loads(json.dumps(window.payload()))) == window


def test_windows_inside_of_windows_must_all_be_open() -> None:
    nested = window_of({"all_of": [INDIA, {"all_of": [EMIRATES, LONDON]}]})

    assert nested.windows == CommonWindow(all_of=[INDIA, EMIRATES, LONDON]).windows


def test_windows_may_be_objects() -> None:
    assert window_of({"all_of": [CallingWindow(**INDIA), EMIRATES]}) == CommonWindow(all_of=[INDIA, EMIRATES])


def test_the_problems_of_all_windows_are_told_at_once() -> None:
    with pytest.raises(ExotelInputError) as raised:
        window_of({"all_of": [INDIA, {"start": "9"}, "NO_SUCH_PRESET", "10-18"]})

    assert [problem.field for problem in raised.value.problems] == [
        "window.all_of.1.start",
        "window.all_of.1.end",
        "window.all_of.1.timezone",
        "window.all_of.2.preset",
        "window.all_of.3",
    ]


@pytest.mark.parametrize(
    ("given", "field", "advice"),
    [
        ({"all_of": []}, "window.all_of", "give a list of the windows"),
        ({"all_of": INDIA}, "window.all_of", "must be a list; give a list of the windows"),
        ({"all_of": [INDIA], "end_buffer": 15}, "window.end_buffer", "unknown field; use one of all_of"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_write(given: object, field: str, advice: str) -> None:
    with pytest.raises(ExotelInputError) as raised:
        window_of(given)

    [problem] = raised.value.problems
    assert problem.field == field
    assert advice in problem.message


def test_a_campaign_takes_the_window_of_a_group_as_it_travels() -> None:
    now = datetime.fromisoformat("2026-03-02T06:00:00+07:00")
    fields: dict[str, Any] = {"numbers": ["+628120000000"], "caller_id": "0XXXXXX4890"}

    draft = spec_of(fields | {"window": json.dumps(GROUPS[0])}, now=now)

    assert draft.at(now).schedule.payload() == {
        "send_at": "2026-03-02T08:00:00+07:00",
        "end_at": "2026-03-02T17:30:00+07:00",
    }


def test_a_common_window_survives_copying_and_pickling() -> None:
    window = CommonWindow(all_of=[INDIA, EMIRATES])

    assert copy.deepcopy(window) == pickle.loads(pickle.dumps(window)) == window


def test_airflow_does_not_take_it_for_something_to_resolve() -> None:
    # Its templater calls `resolve` on whatever has one.
    assert not hasattr(CommonWindow(all_of=[INDIA]), "resolve")


def test_the_window_meant_is_the_one_that_would_be_dialled_in() -> None:
    window, anchor = CommonWindow(all_of=[INDIA, EMIRATES]), datetime.fromisoformat("2026-03-02T06:00:00+05:30")

    stretch = window.stretch_for(anchor)

    assert stretch.opening == window.schedule_for(anchor, anchor).send_at
    assert stretch.closing - stretch.opening == timedelta(hours=7, minutes=30)
