"""The calling hours of each contact, and the contacts rejected because their hours are unknown."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.audience.hours import EVERYBODY, hours_of
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.windows.calling_window import CallingWindow
from airflow_provider_exotel.windows.common_window import window_of

from ..judge import MINUTE, PEOPLE, Person, may_be_called
from ..properties import examples
from .audience_plans import INDIA, NOON, Files, plan_of

PRESETS = {
    "IN": "IN_COLLECTIONS",
    "AE": "AE_MARKETING",
    "ID": "ID_COLLECTIONS",
    "SG": "SG_TELEMARKETING",
}
BY_NUMBER: dict[str, Person] = {one.number: one for one in PEOPLE if one.preset in PRESETS.values()}
INDIAN, EMIRATI, INDONESIAN = "+919876500000", "+971500000000", "+628120000000"
BRITISH, GERMAN, AMERICAN, AUSTRALIAN = "+447400000000", "+4915112345678", "+12125550100", "+61400000000"
TOLL_FREE, TOLL_FREE_ABROAD, NATIONAL = "+911800000000", "+18005550100", "9876500000"
BERLIN, NEW_YORK = {"timezone": "Europe/Berlin"}, {"timezone": "America/New_York"}

days = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@examples(60)
@given(days, st.integers(0, 3))
def test_a_mixed_audience_is_called_legally_on_any_day(anchor: datetime, retries: int) -> None:
    files, plan = Files(), CallRetries(number_of_retries=retries, interval_mins=15)

    made = plan_of(list(BY_NUMBER), hours_of(None, PRESETS), files=files, anchor=anchor, call_retries=plan)

    called = []
    for campaign, given_to_task in zip(made.campaigns, made.arguments("file:///plan", "run"), strict=True):
        window = window_of(json.loads(json.dumps(given_to_task["window"])))
        schedule = window.schedule_for(anchor, anchor, call_retries=plan)
        people = [number for chunk in campaign.chunks for number in files.people(chunk.name)]
        called += people
        first, end = schedule.send_at.astimezone(UTC), schedule.end_at.astimezone(UTC)
        for minute in range(0, int((end - first) / MINUTE) + 1, 5):
            moment = min(first + minute * MINUTE, end - timedelta(seconds=1))
            assert all(may_be_called(BY_NUMBER[number], moment) for number in people)
    assert sorted(called) == sorted(BY_NUMBER)


WHERE = {
    "presets, a country of theirs": (None, {"IN": "IN_SERVICE"}, INDIAN, "IN"),
    "presets, another country": (None, {"IN": "IN_SERVICE"}, EMIRATI, Reason.NO_HOURS),
    "presets, a country without zones": (None, {"IN": "IN_SERVICE"}, GERMAN, Reason.NO_HOURS),
    "presets, a country of zones without a preset": (None, {"IN": "IN_SERVICE"}, BRITISH, Reason.NO_HOURS),
    "presets, the United States": (None, {"IN": "IN_SERVICE"}, AMERICAN, Reason.NO_HOURS),
    "presets, Australia": (None, {"IN": "IN_SERVICE"}, AUSTRALIAN, Reason.NO_HOURS),
    "presets, nobody's number": (None, {"IN": "IN_SERVICE"}, TOLL_FREE, Reason.UNKNOWN_ZONE),
    "presets, no country": (None, {"IN": "IN_SERVICE"}, NATIONAL, Reason.NO_COUNTRY),
    "a window, its people": (INDIA, None, INDIAN, EVERYBODY),
    "a window, people elsewhere": (INDIA, None, EMIRATI, Reason.OTHER_ZONE),
    "a window, people who may be elsewhere": (
        INDIA | {"timezone": "Asia/Jakarta"},
        None,
        INDONESIAN,
        Reason.OTHER_ZONE,
    ),
    "a window, its zone by another name": (INDIA | {"timezone": "Asia/Calcutta"}, None, INDIAN, EVERYBODY),
    "a window of their own, a country without zones": (INDIA | BERLIN, None, GERMAN, EVERYBODY),
    "a window of their own, one zone of several": (INDIA | NEW_YORK, None, AMERICAN, EVERYBODY),
    "a window of their own, a mobile of many zones": (
        INDIA | {"timezone": "Australia/Sydney"},
        None,
        AUSTRALIAN,
        EVERYBODY,
    ),
    "a window of their own, a country of zones": (INDIA | {"timezone": "Europe/London"}, None, BRITISH, EVERYBODY),
    "a window of their own, nobody's number": (INDIA | NEW_YORK, None, TOLL_FREE_ABROAD, Reason.UNKNOWN_ZONE),
    "a window, people of a country without zones": (INDIA, None, GERMAN, Reason.OTHER_ZONE),
    "a window, people who live in another zone of their country": (INDIA | BERLIN, None, AMERICAN, Reason.OTHER_ZONE),
    "windows of several zones, people of one": ({"all_of": [INDIA, INDIA | BERLIN]}, None, GERMAN, EVERYBODY),
    "a window, nobody's number": (INDIA, None, TOLL_FREE, Reason.UNKNOWN_ZONE),
    "a window, no country": (INDIA, None, NATIONAL, Reason.NO_COUNTRY),
    "own clocks": ({"start": "10:00", "end": "18:00"}, None, INDONESIAN, "ID-all"),
    "own clocks, a country of zones without a preset": ({"start": "10:00", "end": "18:00"}, None, BRITISH, "GB"),
    "own clocks, the United States": ({"start": "10:00", "end": "18:00"}, None, AMERICAN, Reason.NO_HOURS),
    "own clocks, nobody's number": ({"start": "10:00", "end": "18:00"}, None, TOLL_FREE, Reason.UNKNOWN_ZONE),
}


@pytest.mark.parametrize(("window", "presets", "number", "key"), WHERE.values(), ids=WHERE)
def test_everybody_has_hours_or_a_reason(window: Any, presets: Any, number: str, key: Any) -> None:
    assert hours_of(window, presets).key_of(number) == key


def test_hours_without_a_zone_apply_in_local_time() -> None:
    hours = hours_of({"start": "10:00", "end": "18:00", "end_buffer": timedelta(minutes=30)}, None)

    dubai, indonesia = (window_of(hours.windows[key]) for key in ("AE", "ID-all"))

    assert dubai.schedule_for(NOON, NOON).payload() == {
        "send_at": "2026-03-02T10:31:00+04:00",
        "end_at": "2026-03-02T17:30:00+04:00",
    }
    # Ten o'clock in the west of Indonesia, half past five in its east.
    assert indonesia.stretch_for(datetime(2026, 3, 3, tzinfo=UTC)).opening.hour == 3
    assert indonesia.stretch_for(datetime(2026, 3, 3, tzinfo=UTC)).closing.isoformat() == "2026-03-03T08:30:00+00:00"


@pytest.mark.parametrize(
    "window",
    [
        CallingWindow(start="10:00", end="18:00", timezone="Asia/Kolkata", holidays=[date(2026, 3, 4)]),
        {"preset": "IN_SERVICE", "end_buffer": timedelta(minutes=15), "holidays": [date(2026, 3, 4)]},
        "IN_SERVICE",
        json.dumps(INDIA),
    ],
    ids=["window", "mapping of values", "name", "text"],
)
def test_a_window_survives_xcom(window: Any) -> None:
    travelled = json.loads(json.dumps(hours_of(window, None).windows[EVERYBODY]))

    assert window_of(travelled) == window_of(window)


AE_WITH_A_ZONE = {"preset": "AE_MARKETING", "timezone": "Asia/Dubai", "zones": ["Asia/Dubai"]}
WRONG = {
    "neither": (None, None, ["window"]),
    "both": (INDIA, {"IN": "IN_SERVICE"}, ["window"]),
    "no country": (None, {}, ["presets"]),
    "no mapping": (None, ["IN_SERVICE"], ["presets"]),
    "all at once": (
        None,
        {"DE": "IN_SERVICE", "IN": "AE_MARKETING", "GB": "UK_GENERAL", "SG": "SG", "AE": AE_WITH_A_ZONE},
        ["presets.DE", "presets.IN", "presets.GB", "presets.SG", "presets.AE.timezone", "presets.AE.zones"],
    ),
    "a field of a preset": (None, {"IN": {"preset": "IN_SERVICE", "end_buffer": "soon"}}, ["presets.IN.end_buffer"]),
    "no country, written out": (None, "IN_SERVICE", ["presets"]),
    "a field of the window": ({"start": "25:00", "end": "18:00"}, None, ["window.start"]),
    "an unknown zone": (INDIA | {"timezone": "Mars"}, None, ["window.timezone"]),
}


@pytest.mark.parametrize(("window", "presets", "fields"), WRONG.values(), ids=WRONG)
def test_every_problem_is_named_before_a_row_is_read(window: Any, presets: Any, fields: list[str]) -> None:
    with pytest.raises(ExotelInputError) as caught:
        hours_of(window, presets)

    assert [problem.field for problem in caught.value.problems] == fields


@pytest.mark.parametrize(
    ("presets", "message"),
    [
        ({"IN": "IN_SERVCE"}, "presets.IN: is not a preset; did you mean IN_SERVICE?"),
        (
            {"US": "US_TCPA"},
            "presets.US: has no presets; use AE, ID, IN, MY, PH, SA, SG, or a window with a timezone for other "
            "countries",
        ),
        (
            {"ID": "IN_SERVICE"},
            "presets.ID: IN_SERVICE is a preset of IN; use one of ID_COLLECTIONS, ID_MARKETING",
        ),
    ],
)
def test_the_error_of_a_wrong_preset_suggests_another(presets: dict[str, str], message: str) -> None:
    with pytest.raises(ExotelInputError) as caught:
        hours_of(None, presets)

    assert [str(problem) for problem in caught.value.problems] == [message]


def test_weekdays_as_numbers_survive_xcom() -> None:
    window = INDIA | {"hours_by_weekday": {5: "10:00-14:00"}}

    travelled = json.loads(json.dumps(hours_of(window, None).windows[EVERYBODY]))

    assert window_of(travelled) == window_of(window)


def test_each_group_of_a_country_has_the_preset_in_its_own_zones() -> None:
    windows = hours_of(None, {"id": {"preset": "id_marketing", "end_buffer": 15}}).windows

    assert windows["ID-central"] == {"preset": "ID_MARKETING", "zones": ["Asia/Makassar"], "end_buffer": "PT15M"}
    assert {"ID-all", "ID-west", "ID-central", "ID-east", "ID-west-central"} == set(windows)
