"""Calling hours by country: each preset against the table of its hours, and what a preset may be written as.

2026-11-23 is a Monday.
"""

from __future__ import annotations

import copy
import json
import logging
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.windows import public_holidays
from airflow_provider_exotel.windows.calling_window import CallingWindow
from airflow_provider_exotel.windows.common_window import window_of
from airflow_provider_exotel.windows.preset_window import preset_notes, preset_warnings
from airflow_provider_exotel.windows.presets import (
    LAUNCH_NOTES,
    PRESETS,
    Preset,
    practice_note,
    review_warning,
    series_warning,
)

from ..campaign_specs import spec_of

MONDAY = date(2026, 11, 23)
PAGE = Path(__file__).parents[2] / "docs" / "calling-hours.md"
DAILY = "{0} {0} {0} {0} {0} {0} {0}"
INDONESIA = "Asia/Jakarta Asia/Makassar Asia/Jayapura"

# Hours of Monday to Sunday, and one date on which nobody may be called though the weekday is allowed.
TABLE = [
    ("IN_PROMO", "Asia/Kolkata", DAILY.format("10-21"), None),
    ("IN_COMMERCIAL", "Asia/Kolkata", DAILY.format("09-21"), None),
    ("IN_SERVICE", "Asia/Kolkata", DAILY.format("08-20"), None),
    ("IN_COLLECTIONS", "Asia/Kolkata", DAILY.format("08-19"), None),
    ("AE_MARKETING", "Asia/Dubai", DAILY.format("09-18"), None),
    ("SA_COLLECTIONS", "Asia/Riyadh", "09-17 09-17 09-17 09-17 - - 09-17", None),
    ("SG_TELEMARKETING", "Asia/Singapore", "09-20 09-20 09-20 09-20 09-20 09-18 -", "2026-08-10"),
    ("ID_COLLECTIONS", INDONESIA, "08-20 08-20 08-20 08-20 08-20 08-20 -", "2026-08-17"),
    ("ID_MARKETING", INDONESIA, DAILY.format("09-18"), None),
    ("PH_COLLECTIONS", "Asia/Manila", DAILY.format("08-20"), None),
    ("PH_MARKETING", "Asia/Manila", DAILY.format("09-19"), None),
    ("MY_GENERAL", "Asia/Kuala_Lumpur", DAILY.format("09-18"), None),
]


def hours_on(window: CallingWindow, day: date) -> str:
    """Return the hours of one day as ``09-18``, ``-`` if there are none."""
    zone = ZoneInfo(window.timezone)
    stretch = next(window.stretches(day))
    opening, closing = (moment.astimezone(zone) for moment in stretch)
    return f"{opening:%H}-{closing:%H}" if opening.date() == day else "-"


def week_of(window: CallingWindow) -> str:
    return " ".join(hours_on(window, MONDAY + timedelta(days=day)) for day in range(7))


@pytest.mark.parametrize(("name", "zones", "week", "holiday"), [pytest.param(*row, id=row[0]) for row in TABLE])
def test_a_preset_allows_the_hours_of_the_table(name: str, zones: str, week: str, holiday: str | None) -> None:
    for zone in zones.split():
        window = PRESETS[name].window(zone)
        assert week_of(window) == week
        assert (holiday is None) == (not window.holiday_calendars)
        if holiday is not None:
            assert hours_on(window, date.fromisoformat(holiday)) == "-"


def test_the_table_has_every_preset() -> None:
    assert [row[0] for row in TABLE] == list(PRESETS)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_preset_has_a_source_and_a_review_date_one_year_on(preset: Preset) -> None:
    assert preset.source
    assert preset.review_by == date(preset.as_of.year + 1, preset.as_of.month, preset.as_of.day)


def test_only_hours_whose_article_was_read_are_called_law() -> None:
    read = replace(PRESETS["IN_SERVICE"], article="article 1 of a law")

    assert (read.strength, PRESETS["IN_SERVICE"].strength) == ("law", "practice")


def test_a_preset_of_one_zone_needs_only_its_name() -> None:
    window = window_of("in_service")

    assert window.windows == (CallingWindow(start="08:00", end="20:00", timezone="Asia/Kolkata"),)
    assert window == window_of({"preset": " In_Service "})


def test_a_mapping_adds_what_a_preset_leaves_open() -> None:
    given = {"preset": "IN_SERVICE", "end_buffer": "PT15M", "timezone": "Asia/Kolkata", "holidays": ["2026-01-26"]}

    assert window_of(json.dumps(given)).windows == (
        CallingWindow(start="08:00", end="20:00", timezone="Asia/Kolkata", end_buffer=15, holidays=["2026-01-26"]),
    )


@pytest.mark.parametrize("zones", [["Asia/Jakarta", "Asia/Makassar"], "Asia/Jakarta, Asia/Makassar"])
def test_several_zones_make_the_hours_they_have_in_common(zones: object) -> None:
    window = window_of({"preset": "ID_MARKETING", "zones": zones})

    assert window.windows == tuple(
        CallingWindow(start="09:00", end="18:00", timezone=zone) for zone in ("Asia/Jakarta", "Asia/Makassar")
    )


WRONG = [
    (
        "ID_COLLECTIONS",
        "window.timezone",
        "is required, as ID_COLLECTIONS has several; use one of Asia/Jakarta, Asia/Makassar, Asia/Jayapura, or zones "
        "for those whose hours must all be open",
    ),
    ("IN_SERVCE", "window.preset", "is not a preset; did you mean IN_SERVICE?"),
    ({"preset": 7}, "window.preset", f"is not a preset; use one of {', '.join(PRESETS)}"),
    ("US_TCPA", "window.preset", f"is not a preset; use one of {', '.join(PRESETS)}"),
    (
        {"preset": "IN_SERVICE", "timezone": "Asia/Dubai"},
        "window.timezone",
        "Asia/Dubai is not in IN_SERVICE; use one of Asia/Kolkata, or start, end and timezone",
    ),
    ({"preset": "IN_SERVICE", "timezone": "Asia/Kolkatta"}, "window.timezone", "is not a time zone; did you mean"),
    ({"preset": "ID_MARKETING", "zones": []}, "window.zones", "give zones of the preset"),
    ({"preset": "ID_MARKETING", "zones": ["Asia/Jakarta", "Asia/Manila"]}, "window.zones", "Asia/Manila is not in"),
    (
        {"preset": "ID_MARKETING", "zones": ["Asia/Jakarta"], "timezone": "Asia/Jakarta"},
        "window.zones",
        "is mutually exclusive with timezone; give one of the two",
    ),
    ({"preset": "IN_SERVICE", "start": "09:00"}, "window.start", "unknown field; use one of preset, timezone"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "field", "advice"), WRONG, ids=str)
def test_a_problem_names_the_field_and_the_fix(given: object, field: str, advice: str) -> None:
    with pytest.raises(ExotelInputError) as raised:
        window_of(given)

    [problem] = raised.value.problems
    assert problem.field == field
    assert advice in problem.message


@pytest.mark.parametrize(("days_past", "is_due"), [(0, False), (1, True)])
def test_a_preset_is_due_for_review_after_its_date(days_past: int, is_due: bool) -> None:
    preset = PRESETS["ID_MARKETING"]

    warning = review_warning(preset, preset.review_by + timedelta(days=days_past))

    assert (warning is not None) == is_due
    assert warning is None or warning.startswith("The hours of ID_MARKETING are of 2026-11-01 and were due for review")


def test_a_use_of_practice_says_so_with_its_source_and_date() -> None:
    [note] = preset_notes(window_of("MY_GENERAL"))

    assert note == (
        "The hours of MY_GENERAL are practice, not read in a law (source: Exotel's calling-hours page; 2026-11-01)."
    )


def test_hours_read_in_a_law_need_no_note() -> None:
    assert practice_note(replace(PRESETS["MY_GENERAL"], article="article 1 of a law")) is None


def test_the_note_for_a_launch_in_india_is_told_once_for_all_its_presets() -> None:
    notes = preset_notes(window_of({"all_of": ["IN_SERVICE", "IN_COLLECTIONS", "AE_MARKETING", "IN_SERVICE"]}))

    assert [note.split()[3] for note in notes[:3]] == ["IN_SERVICE", "IN_COLLECTIONS", "AE_MARKETING"]
    assert notes[3:] == [LAUNCH_NOTES["IN"]]


def test_hours_of_ones_own_have_neither_notes_nor_warnings() -> None:
    window = window_of({"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"})

    assert preset_notes(window) == []
    assert preset_warnings(window, date(2030, 1, 1), "08047112345") == []


def test_the_log_tells_the_notes_and_warnings_of_a_window_in_use(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        window = window_of({"preset": "ID_MARKETING", "zones": INDONESIA.split()}, today=date(2027, 11, 2))

    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert told == [
        *(("INFO", note) for note in preset_notes(window)),
        *(("WARNING", warning) for warning in preset_warnings(window, date(2027, 11, 2))),
    ]
    assert {level for level, _ in told} == {"INFO", "WARNING"}


def test_reading_a_window_without_using_it_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        window_of("IN_SERVICE")

    assert caplog.records == []


# Made-up numbers of each series and of none.
FITTING = {
    "IN_PROMO": [
        "1401234567", "01401234567", "+911401234567", "911401234567", "00911401234567", "+91 140 123 4567",
        "+91-140-1234567", "+91 (0)140 1234567", "0140XXX4567", "0XXXXXX4890", "XXXXXX4890", "+91XXXXXX4890",
        "01*******67",
    ],
    "IN_SERVICE": ["1600123456", "01600123456", "+911600123456", "9101600123456", "0160XXX3456", "0XXXXXX4890"],
}  # fmt: skip
OTHER = {
    "IN_PROMO": ["08047112345", "+918047112345", "1600123456", "9876500000", "0014012345678", "+14012345678",
                 "+971401234567", "+40123456789", "9140123456", "9114012345", "141XXXX890", "14"],
    "IN_SERVICE": ["1401234567", "08047112345", "+16001234567", "+60012345678", "1601234567", "0161XXX890",
                   "9160012345"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "caller_id"), [(name, one) for name, numbers in FITTING.items() for one in numbers])
def test_a_caller_of_the_series_is_no_reason_to_warn(name: str, caller_id: str) -> None:
    assert series_warning(PRESETS[name], caller_id) is None


@pytest.mark.parametrize(("name", "caller_id"), [(name, one) for name, numbers in OTHER.items() for one in numbers])
def test_a_caller_outside_of_the_series_is_warned_about_without_its_number(name: str, caller_id: str) -> None:
    warning = series_warning(PRESETS[name], caller_id)

    assert warning is not None
    assert warning.startswith(f"caller_id: is not in the {PRESETS[name].series.prefix} series, which is required for")
    assert not re.search(r"\d{5}", warning)


@pytest.mark.parametrize(("name", "caller_id"), [("IN_SERVICE", None), ("IN_COMMERCIAL", "08047112345")])
def test_without_a_caller_or_a_series_nothing_is_compared(name: str, caller_id: str | None) -> None:
    assert series_warning(PRESETS[name], caller_id) is None


def test_the_warnings_of_a_window_compare_its_caller_with_every_preset() -> None:
    window = window_of({"all_of": ["IN_SERVICE", "IN_PROMO"]})

    warnings = preset_warnings(window, date(2026, 12, 1), "1401234567")

    assert ["(IN_SERVICE)" in warning for warning in warnings] == [True]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("IN_SERVICE", ("IN_SERVICE",)),
        ({"preset": "ID_MARKETING", "zones": INDONESIA.split()}, ("ID_MARKETING",)),
        ({"all_of": ["IN_SERVICE", {"all_of": ["AE_MARKETING"]}]}, ("IN_SERVICE", "AE_MARKETING")),
        ({"start": "10:00", "end": "18:00", "timezone": "UTC"}, ()),
    ],
)
def test_a_window_remembers_its_presets_on_its_way_through_xcom(given: object, names: tuple[str, ...]) -> None:
    travelled = window_of(json.loads(json.dumps(window_of(given).payload())))

    assert travelled.preset_names == names


def test_creating_a_campaign_warns_of_an_outdated_preset_and_a_wrong_series(caplog: pytest.LogCaptureFixture) -> None:
    now = datetime.fromisoformat("2028-03-01T12:00:00+05:30")
    fields: dict[str, Any] = {"numbers": ["+919876500000"], "caller_id": "08047112345"}

    spec = spec_of(fields | {"window": "IN_SERVICE"}, now=now)

    assert spec.at(now).schedule.payload()["end_at"] == "2028-03-01T20:00:00+05:30"
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert ["were due for review by 2027-11-01" in warning for warning in warnings] == [True, False]
    assert ["is not in the 1600 series" in warning for warning in warnings] == [False, True]


@pytest.mark.parametrize(
    "given", ["SG_TELEMARKETING", {"start": "9:00", "end": "18:00", "timezone": "UTC", "holiday_calendars": "SG"}]
)
def test_without_the_holidays_package_the_error_says_what_to_install(
    given: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)

    with pytest.raises(ExotelInputError, match=r"pip install 'airflow-provider-exotel\[holidays\]'"):
        window_of(given)


def test_calendars_are_loaded_where_a_preset_keeps_holidays_and_not_before() -> None:
    program = (
        "import sys; from airflow_provider_exotel.create import spec; "
        "from airflow_provider_exotel.audience import zones; "
        "from airflow_provider_exotel.windows import common_window; "
        "common_window.window_of('IN_SERVICE'); "
        "print(sorted({'holidays', 'phonenumbers', 'airflow'} & set(sys.modules)))"
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"


def test_presets_without_holidays_need_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)

    [window] = window_of("IN_SERVICE").windows

    assert hours_on(window, MONDAY) == "08-20"


def test_a_year_that_no_calendar_reaches_is_not_taken_for_one_without_holidays() -> None:
    with pytest.raises(ExotelInputError, match="SG has no dates in 1850; upgrade the holidays package"):
        public_holidays.is_holiday("SG", date(1850, 1, 1))


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_preset_survives_copying_and_pickling(preset: Preset) -> None:
    assert copy.deepcopy(preset) == pickle.loads(pickle.dumps(preset)) == preset


def test_a_window_of_a_preset_survives_copying_and_pickling() -> None:
    window = window_of("IN_SERVICE")

    assert copy.deepcopy(window) == pickle.loads(pickle.dumps(window)) == window


def test_the_page_of_the_docs_has_the_presets_as_they_are() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert rows == [(name, page_row(preset)) for name, preset in PRESETS.items()]


def page_row(preset: Preset) -> str:
    series = preset.series and f"a caller of the {preset.series.prefix} series ({preset.series.required_for})"
    return " | ".join(
        (
            ", ".join(f"{days} {span}" for days, span in preset.hours.items()).replace("mon-sun", "every day"),
            preset.strength,
            "; ".join(filter(None, (preset.caps, series, preset.requires))) or "–",
            preset.note or "–",
            f"{preset.source}; {preset.as_of:%B %Y}",
        )
    )
