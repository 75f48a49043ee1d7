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
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from campaign_specs import spec_of

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.windows import public_holidays
from airflow_provider_exotel.windows.calling_window import CallingWindow
from airflow_provider_exotel.windows.common_window import CommonWindow, window_of
from airflow_provider_exotel.windows.presets import PRESETS

MONDAY = date(2026, 11, 23)
PAGE = Path(__file__).parents[2] / "docs" / "calling-hours.md"
DAILY = "{0} {0} {0} {0} {0} {0} {0}"
INDONESIA = "Asia/Jakarta Asia/Makassar Asia/Jayapura"

# Hours of Monday to Sunday, and one date on which nobody may be called though the weekday is allowed.
TABLE = [
    ("IN_PROMO", "Asia/Kolkata", DAILY.format("10-21"), "law", None),
    ("IN_COMMERCIAL", "Asia/Kolkata", DAILY.format("09-21"), "law", None),
    ("IN_SERVICE", "Asia/Kolkata", DAILY.format("08-20"), "practice", None),
    ("IN_COLLECTIONS", "Asia/Kolkata", DAILY.format("08-19"), "law", None),
    ("AE_MARKETING", "Asia/Dubai", DAILY.format("09-18"), "law", None),
    ("SA_COLLECTIONS", "Asia/Riyadh", "09-17 09-17 09-17 09-17 - - 09-17", "law", None),
    ("SG_TELEMARKETING", "Asia/Singapore", "09-20 09-20 09-20 09-20 09-20 09-18 -", "practice", "2026-08-10"),
    ("ID_COLLECTIONS", INDONESIA, "08-20 08-20 08-20 08-20 08-20 08-20 -", "law", "2026-08-17"),
    ("ID_MARKETING", INDONESIA, DAILY.format("09-18"), "practice", None),
    ("PH_COLLECTIONS", "Asia/Manila", DAILY.format("08-20"), "law", None),
    ("PH_MARKETING", "Asia/Manila", DAILY.format("09-19"), "practice", None),
    ("MY_GENERAL", "Asia/Kuala_Lumpur", DAILY.format("09-18"), "practice", None),
    ("US_TCPA", "America/Chicago", DAILY.format("08-21"), "law", None),
    ("US_COLLECTIONS", "America/Chicago", DAILY.format("08-21"), "law", None),
    ("UK_GENERAL", "Europe/London", "08-21 08-21 08-21 08-21 08-21 09-21 09-21", "practice", None),
    ("AU_TELEMARKETING", "Australia/Sydney", "09-20 09-20 09-20 09-20 09-20 09-17 -", "law", "2026-12-25"),
]


def hours_on(window: CallingWindow, day: date) -> str:
    """Return the hours of one day as ``09-18``, ``-`` if there are none."""
    zone = ZoneInfo(window.timezone)
    stretch = next(window.stretches(day))
    opening, closing = (moment.astimezone(zone) for moment in stretch)
    return f"{opening:%H}-{closing:%H}" if opening.date() == day else "-"


def week_of(window: CallingWindow) -> str:
    return " ".join(hours_on(window, MONDAY + timedelta(days=day)) for day in range(7))


@pytest.mark.parametrize(
    ("name", "zones", "week", "strength", "holiday"), [pytest.param(*row, id=row[0]) for row in TABLE]
)
def test_a_preset_allows_the_hours_of_the_table(
    name: str, zones: str, week: str, strength: str, holiday: str | None
) -> None:
    preset = PRESETS[name]

    for zone in zones.split():
        window = preset.window(zone, state="other")
        assert week_of(window) == week
        assert (holiday is None) == (not window.holiday_calendars)
        if holiday is not None:
            assert hours_on(window, date.fromisoformat(holiday)) == "-"
    assert preset.strength == strength


def test_the_table_has_every_preset() -> None:
    assert [row[0] for row in TABLE] == list(PRESETS)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_preset_says_where_its_hours_are_from_and_when_to_look_again(preset) -> None:
    assert preset.source
    assert preset.strength in {"law", "practice"}
    assert preset.review_by == date(preset.as_of.year + 1, preset.as_of.month, preset.as_of.day)
    assert set(preset.holiday_calendars) in (set(), set(preset.zones))


@pytest.mark.parametrize(
    ("state", "week"),
    [
        ("FL", DAILY.format("08-20")),
        ("NV", DAILY.format("08-20")),
        ("CT", DAILY.format("09-21")),
        ("AL", "08-21 08-21 08-21 08-21 08-21 08-21 -"),
        ("RI", "08-21 08-21 08-21 08-21 08-21 08-21 -"),
        ("other", DAILY.format("08-21")),
        (None, "09-20 09-20 09-20 09-20 09-20 09-20 -"),
    ],
)
def test_a_state_has_its_own_hours_and_without_one_all_laws_are_kept(state: str | None, week: str) -> None:
    given = {"preset": "US_TCPA", "timezone": "America/New_York", "state": state}

    assert week_of(window_of(given)) == week


@pytest.mark.parametrize(
    ("zone", "holiday"),
    [
        ("Australia/Melbourne", "2026-11-03"),  # Melbourne Cup Day
        ("Australia/Sydney", "2026-10-05"),  # Labour Day of New South Wales
        ("Australia/Sydney", "2026-06-01"),  # Reconciliation Day of the Capital Territory, which keeps Sydney's clock
        ("Australia/Perth", "2026-06-01"),  # Western Australia Day
    ],
)
def test_in_australia_each_state_keeps_its_own_holidays(zone: str, holiday: str) -> None:
    elsewhere = "Australia/Hobart"

    assert hours_on(PRESETS["AU_TELEMARKETING"].window(zone), date.fromisoformat(holiday)) == "-"
    assert hours_on(PRESETS["AU_TELEMARKETING"].window(elsewhere), date.fromisoformat(holiday)) == "09-20"


def test_a_preset_of_one_zone_needs_only_its_name() -> None:
    assert window_of("in_service") == CallingWindow(start="08:00", end="20:00", timezone="Asia/Kolkata")


def test_a_mapping_adds_what_a_preset_leaves_open() -> None:
    given = {"preset": "IN_SERVICE", "end_buffer": "PT15M", "timezone": "Asia/Kolkata", "holidays": ["2026-01-26"]}

    assert window_of(json.dumps(given)) == CallingWindow(
        start="08:00", end="20:00", timezone="Asia/Kolkata", end_buffer=15, holidays=["2026-01-26"]
    )


@pytest.mark.parametrize("zones", [["Asia/Jakarta", "Asia/Makassar"], "Asia/Jakarta, Asia/Makassar"])
def test_several_zones_make_the_hours_they_have_in_common(zones: object) -> None:
    window = window_of({"preset": "ID_MARKETING", "zones": zones})

    assert window == CommonWindow(
        all_of=[{"start": "09:00", "end": "18:00", "timezone": zone} for zone in ("Asia/Jakarta", "Asia/Makassar")]
    )


WRONG = [
    ("ID_COLLECTIONS", "window.timezone", "is missing: ID_COLLECTIONS has 3; give one, or as zones those in all"),
    ("IN_SERVCE", "window.preset", "is no preset (is IN_SERVICE meant?); there are IN_PROMO"),
    ({"preset": 7}, "window.preset", "is no preset; there are"),
    ({"preset": "IN_SERVICE", "timezone": "Asia/Dubai"}, "window.timezone", "Asia/Dubai is not of IN_SERVICE"),
    ({"preset": "ID_MARKETING", "zones": []}, "window.zones", "give zones of the preset"),
    ({"preset": "ID_MARKETING", "zones": ["Asia/Jakarta", "Asia/Manila"]}, "window.zones", "Asia/Manila is not of"),
    (
        {"preset": "ID_MARKETING", "zones": ["Asia/Jakarta"], "timezone": "Asia/Jakarta"},
        "window.zones",
        "stands beside timezone",
    ),
    ({"preset": "US_TCPA", "timezone": "America/Chicago", "state": "Florida"}, "window.state", "write one of AL, CT"),
    ({"preset": "IN_SERVICE", "start": "09:00"}, "window.start", "is not known; the fields are preset, timezone"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "field", "advice"), WRONG, ids=str)
def test_what_is_wrong_is_named_with_what_to_write(given: object, field: str, advice: str) -> None:
    with pytest.raises(ExotelInputError) as raised:
        window_of(given)

    [problem] = raised.value.problems
    assert problem.field == field
    assert advice in problem.message


@pytest.mark.parametrize(("days_past", "warnings"), [(0, 0), (1, 1)])
def test_the_log_warns_once_per_use_of_a_preset_that_is_due_for_review(
    days_past: int, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    today = PRESETS["ID_MARKETING"].review_by + timedelta(days=days_past)

    with caplog.at_level(logging.WARNING):
        window_of({"preset": "ID_MARKETING", "zones": INDONESIA.split()}, today=today)

    assert [record.getMessage()[:41] for record in caplog.records] == [
        "The calling hours of ID_MARKETING are of "
    ] * warnings


def test_a_campaign_judges_a_preset_by_the_date_it_is_sent_on(caplog: pytest.LogCaptureFixture) -> None:
    now = datetime.fromisoformat("2028-03-01T12:00:00+05:30")
    fields: dict[str, Any] = {"numbers": ["+919876500000"], "caller_id": "0XXXXXX4890"}

    draft = spec_of(fields | {"window": "IN_SERVICE"}, now=now)

    assert draft.at(now).schedule.payload()["end_at"] == "2028-03-01T20:00:00+05:30"
    assert "were due for review by 2027-11-01" in caplog.text


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

    assert hours_on(window_of("IN_SERVICE"), MONDAY) == "08-20"


def test_a_year_that_no_calendar_reaches_is_not_taken_for_one_without_holidays() -> None:
    with pytest.raises(ExotelInputError, match="SG has no days in 1850; upgrade the holidays package"):
        public_holidays.is_holiday("SG", date(1850, 1, 1))


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_preset_survives_copying_and_pickling(preset) -> None:
    assert copy.deepcopy(preset) == pickle.loads(pickle.dumps(preset)) == preset


def test_the_page_of_the_docs_has_the_presets_as_they_are() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert rows == [(name, page_row(preset)) for name, preset in PRESETS.items()]


def page_row(preset) -> str:
    hours = ", ".join(f"{days} {span}" for days, span in preset.hours.items()).replace("mon-sun", "every day")
    states = "; ".join(
        f"{state} {', '.join(f'{days} {span}' for days, span in hours.items())}".replace("mon-sun ", "")
        for state, hours in preset.states.items()
    )
    return " | ".join(
        (
            f"{hours}{f' ({states})' if states else ''}",
            preset.strength,
            "; ".join(filter(None, (preset.caps, preset.requires))) or "–",
            preset.note or "–",
            f"{preset.source}; {preset.as_of:%B %Y}",
        )
    )
