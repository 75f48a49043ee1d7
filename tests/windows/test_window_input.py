"""What a calling window may be written as, and what is refused."""

from __future__ import annotations

import copy
import pickle
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.windows.calling_window import CallingWindow
from airflow_provider_exotel.windows.common_window import window_of

GOOD: dict[str, Any] = {"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"}


@pytest.mark.parametrize(
    ("change", "field", "advice"),
    [
        ({"end": "10:00"}, "end", "must differ from start; use two times"),
        ({"start": "25:00"}, "start", "is not a time of day; give a time of day, such as '10:00'"),
        ({"start": 10}, "start", "is not a time of day"),
        ({"start": "10"}, "start", "is not a time of day"),
        ({"start": "1000"}, "start", "is not a time of day"),
        ({"start": "10:00Z"}, "start", "is not a time of day"),
        ({"start": time(10, tzinfo=UTC)}, "start", "must not have a time zone or a fraction of a second"),
        ({"start": time(10, 0, 0, 5)}, "start", "must not have a time zone or a fraction of a second"),
        ({"timezone": "Etc/GMT+25"}, "timezone", "is not a time zone; use an IANA name"),
        ({"timezone": 5}, "timezone", "is not a time zone; use an IANA name"),
        ({"timezone": "Asia/Kolkatta"}, "timezone", "is not a time zone; did you mean Asia/Kolkata?"),
        ({"timezone": ""}, "timezone", "is not a time zone; use an IANA name, such as"),
        ({"timezone": "localtime"}, "timezone", "is not a time zone"),
        ({"weekdays": []}, "weekdays", "must allow at least one day"),
        ({"weekdays": "funday"}, "weekdays", "contains something other than days of the week"),
        ({"weekdays": "m"}, "weekdays", "contains something other than days of the week"),
        ({"weekdays": [7]}, "weekdays", "contains something other than days of the week"),
        ({"weekdays": [True]}, "weekdays", "contains something other than days of the week"),
        ({"weekdays": "mon-wed-fri"}, "weekdays", "contains a range with more than two ends"),
        ({"weekdays": "1-5"}, "weekdays", "contains digits, which mean different days in cron; give the allowed days"),
        (
            {"hours_by_weekday": {"6": "9:00-12:00"}},
            "hours_by_weekday",
            "contains digits, which mean different days in cron",
        ),
        ({"weekdays": ["mon", "6"]}, "weekdays", "contains digits"),
        ({"weekdays": "[0, 1]"}, "weekdays", "contains digits"),
        ({"holidays": {}}, "holidays", "must not be a calendar without dates; create it with years"),
        ({"holidays": [20260126]}, "holidays", "entry 1 is not a date"),
        ({"holidays": ["2026-01-26", datetime(2026, 1, 27)]}, "holidays", "entry 2 is not a date"),
        ({"holidays": ["2026-02-30"]}, "holidays", "entry 1 is not a date"),
        (
            {"hours_by_weekday": "sat"},
            "hours_by_weekday",
            "must be a mapping of days to hours; give the days with other hours",
        ),
        (
            {"hours_by_weekday": {"funday": "10:00-12:00"}},
            "hours_by_weekday",
            "contains something other than days of the week",
        ),
        ({"hours_by_weekday": {"sat": "10:00"}}, "hours_by_weekday", "must have two times for each day"),
        ({"hours_by_weekday": {"sat": "10:00-25:00"}}, "hours_by_weekday", "is not a time of day"),
        (
            {"hours_by_weekday": {"sat": "10:00-12:00", "fri-sun": "10:00-14:00"}},
            "hours_by_weekday",
            "contains a day twice",
        ),
        ({"hours_by_weekday": {"sat": "10:00-10:00"}}, "hours_by_weekday", "must not span midnight"),
        ({"hours_by_weekday": {"sat": "20:00-02:00"}}, "hours_by_weekday", "must not span midnight"),
        (
            {"hours_by_weekday": {"sat": "10:00-12:00"}, "end": "02:00"},
            "hours_by_weekday",
            "neither must start and end",
        ),
        ({"hours_by_weekday": {"sat": "10:00-12:00"}, "weekdays": "mon-fri"}, "hours_by_weekday", "weekdays excludes"),
        ({"holiday_calendars": "XX"}, "holiday_calendars", "contains XX, which the holidays package does not have"),
        ({"holiday_calendars": ["AU-ZZ"]}, "holiday_calendars", "contains AU-ZZ"),
        (
            {"holiday_calendars": "Singapore"},
            "holiday_calendars",
            "contains something other than codes of countries or states",
        ),
        ({"holiday_calendars": 65}, "holiday_calendars", "must be codes of countries or states"),
        ({"end_buffer": -5}, "end_buffer", "must not be negative"),
        ({"end_buffer": "-PT5M"}, "end_buffer", "must not be negative"),
        ({"end_buffer": True}, "end_buffer", "is not a length of time"),
        ({"end_buffer": "P1M"}, "end_buffer", "is not a length of time"),
        ({"end_buffer": "00:15"}, "end_buffer", "is not a length of time"),
        ({"end_buffer": "soon"}, "end_buffer", "is not a length of time"),
        ({"end_buffer": float("nan")}, "end_buffer", "is not a length of time"),
        ({"end_buffer": float("inf")}, "end_buffer", "must be at most 36,500 days"),
        ({"end_buffer": "9" * 400}, "end_buffer", "must be at most 36,500 days"),
        ({"end_buffer": "P99999999999999D"}, "end_buffer", "must be at most 36,500 days"),
        ({"end_buffer": timedelta.max}, "end_buffer", "must be at most 36,500 days"),
        ({"from": "10:00"}, "from", "unknown field; use one of start, end, timezone"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_write(change: dict[str, Any], field: str, advice: str) -> None:
    with pytest.raises(ExotelInputError) as raised:
        CallingWindow(**(GOOD | change))

    [problem] = raised.value.problems
    assert problem.field == field
    assert advice in problem.message


def test_the_zone_has_no_default() -> None:
    with pytest.raises(ExotelInputError, match="timezone: is required; give the recipients' IANA time zone"):
        CallingWindow(start="10:00", end="18:00")


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ExotelInputError) as raised:
        CallingWindow(start="x", end="y", timezone="z", weekdays="w")

    assert {problem.field for problem in raised.value.problems} == {"start", "end", "timezone", "weekdays"}


@pytest.mark.parametrize(
    ("spelling", "days"),
    [
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("Mon, Wed , fri", (0, 2, 4)),
        (["monday", 6], (0, 6)),
        ("fri-mon", (0, 4, 5, 6)),
        ([0, 1], (0, 1)),
        ("['sat', 'sun']", (5, 6)),
    ],
)
def test_days_may_be_spelled_as_people_do(spelling: object, days: tuple[int, ...]) -> None:
    assert CallingWindow(**GOOD, weekdays=spelling).weekdays == days


@pytest.mark.parametrize(
    "spelling",
    [
        {"sat-sun": "09:00-12:00"},
        {"sat": "9:00 - 12:00", "Sunday": ["09:00", "12:00"]},
        {5: (time(9), time(12)), 6: "09:00, 12:00"},
    ],
    ids=str,
)
def test_hours_by_weekday_may_be_spelled_as_people_do(spelling: object) -> None:
    window = CallingWindow(**GOOD, hours_by_weekday=spelling)

    assert window.payload()["hours_by_weekday"] == {"saturday": "09:00:00-12:00:00", "sunday": "09:00:00-12:00:00"}


def test_a_window_is_made_of_the_fields_of_another() -> None:
    window = CallingWindow(**GOOD, hours_by_weekday={"sat": "09:00-12:00"})

    assert CallingWindow(**dict(window)) == window


@pytest.mark.parametrize("spelling", ["AU-NSW, AU-ACT", ["au-act", "AU-NSW"], "['AU-NSW', 'AU-ACT']"])
def test_calendars_are_codes_of_countries_and_states(spelling: object) -> None:
    assert CallingWindow(**GOOD, holiday_calendars=spelling).holiday_calendars == ("AU-ACT", "AU-NSW")


@pytest.mark.parametrize("spelling", [15, "15", "PT15M", timedelta(minutes=15)])
def test_a_buffer_is_minutes_or_a_length_of_time(spelling: object) -> None:
    assert CallingWindow(**GOOD, end_buffer=spelling).end_buffer == timedelta(minutes=15)


def test_a_buffer_is_rounded_up_to_whole_seconds() -> None:
    assert CallingWindow(**GOOD, end_buffer="PT0.5S").end_buffer == timedelta(seconds=1)


def test_times_and_dates_may_be_objects() -> None:
    window = CallingWindow(start=time(10), end=time(18), timezone="UTC", holidays=[date(2026, 1, 26)])

    assert window == CallingWindow(start="10:00", end="18:00", timezone="UTC", holidays="2026-01-26")


@pytest.mark.parametrize(
    "given",
    [GOOD, '{"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"}', CallingWindow(**GOOD)],
    ids=["mapping", "JSON text", "window"],
)
def test_params_and_templates_give_a_mapping_or_its_text(given: object) -> None:
    assert window_of(given) == CallingWindow(**GOOD)


@pytest.mark.parametrize("given", ["10:00-18:00", 7, ["10:00"], {1: 2}])
def test_anything_else_is_refused(given: object) -> None:
    with pytest.raises(
        ExotelInputError, match="window: must be a mapping of its fields, the text of one, or the name of a preset"
    ):
        window_of(given)


def test_problems_of_a_mapping_are_named_under_window() -> None:
    with pytest.raises(ExotelInputError, match=r"window\.timezone: is required"):
        window_of({"start": "10:00", "end": "18:00"})


def test_moments_without_offset_are_refused() -> None:
    with pytest.raises(ExotelInputError, match="anchor: must have a UTC offset"):
        CallingWindow(**GOOD).schedule_for(datetime(2026, 3, 2), datetime(2026, 3, 2))


def test_a_window_survives_copying_and_pickling() -> None:
    window = CallingWindow(**GOOD)

    assert copy.deepcopy(window) == pickle.loads(pickle.dumps(window)) == window


def test_airflow_does_not_take_a_window_for_something_to_resolve() -> None:
    # Its templater calls `resolve` on whatever has one.
    assert not hasattr(CallingWindow(**GOOD), "resolve")


@pytest.mark.parametrize("folder", ["right", "posix"])
def test_a_zone_that_only_some_systems_have_is_refused_where_it_exists(folder: str, tmp_path: Path) -> None:
    # Those under right/ count leap seconds, which no wall clock does.
    name = f"{folder}/Asia/Kolkata"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes((resources.files("tzdata.zoneinfo.Asia") / "Kolkata").read_bytes())
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    try:
        assert zoneinfo.ZoneInfo(name).key == name
        with pytest.raises(ExotelInputError, match="timezone: is not a time zone"):
            CallingWindow(**(GOOD | {"timezone": name}))
    finally:
        zoneinfo.reset_tzpath()
        zoneinfo.ZoneInfo.clear_cache()
