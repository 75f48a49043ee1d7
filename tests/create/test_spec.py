"""Parse a campaign, report all problems, and describe it before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.guard import StagingGuard
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.request import Schedule
from airflow_provider_exotel.create.spec import CampaignSpec, parse_lists
from airflow_provider_exotel.windows.calling_window import CallingWindow, MissedWindow

from ..campaign_specs import MORNING, spec_of

EVENING = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
WINDOW = CallingWindow(start="10:00", end="18:00", timezone="Asia/Kolkata")
FIELDS: dict[str, Any] = {"numbers": ["+919876543210"], "caller_id": "0XXXXXX4890", "read_via_text": "Hello"}


def draft(fields: dict[str, Any] | None = None, guard: StagingGuard | None = None, **more: Any) -> CampaignSpec:
    return spec_of(FIELDS | {"window": WINDOW} | (fields or {}) | more, guard=guard)


def numbers(count: int) -> list[str]:
    return [f"+9198765{number:05}" for number in range(count)]


def test_the_window_is_resolved_at_the_time_of_sending() -> None:
    made = draft()

    assert made.at(MORNING).payload()["schedule"]["send_at"] == "2026-03-02T10:00:00+05:30"
    with pytest.raises(MissedWindow):
        made.at(EVENING)


def test_a_flow_id_becomes_the_address_of_the_page() -> None:
    assert draft({"flow_id": 926}).request.url == "http://my.exotel.com/account/exoml/start_voice/926"


def test_separators_are_taken_out_of_numbers() -> None:
    assert list(draft({"numbers": ["+91 98765-43210"]}).request.numbers or ()) == ["+919876543210"]


def test_invalid_numbers_are_dropped_and_counted() -> None:
    made = draft({"numbers": ["+919876543210", "n/a", "12"]}, on_invalid_numbers="drop")

    assert (len(made.request.numbers or ()), made.audience.rejected) == (1, 2)
    assert "2 entries are not phone numbers and were left out." in made.plan(MORNING).warnings


def test_all_problems_are_reported_at_once_without_phone_numbers() -> None:
    with pytest.raises(ExotelInputError) as raised:
        spec_of(
            {
                "numbers": ["+919876543210", "98765432109876543210"],
                "lists": ["list"],
                "flow_id": "1/2",
                "throttle": 0,
                "call_retries": {"number_of_retries": 9},
                "window": {"start": "10:00", "end": "10:00"},
                "schedule": {},
                "on_missed_window": "later",
                "on_invalid_numbers": "ignore",
            },
            problems=[Problem("anchor", "is known already")],
        )

    fields = {problem.field for problem in raised.value.problems}
    assert fields == {
        "anchor",
        "on_invalid_numbers",
        "flow_id",
        "caller_id",
        "throttle",
        "call_retries.number_of_retries",
        "numbers",
        "on_missed_window",
        "window",
        "window.timezone",
    }
    assert "98765" not in str(raised.value)


@pytest.mark.parametrize(
    ("guard", "complaint"),
    [
        (StagingGuard(max_contacts=1), "max_contacts \\(got"),
        (StagingGuard(only_numbers=PhoneNumbers(["+919876500001"])), "1 of 2 are not among"),
    ],
)
def test_the_sandbox_guard_is_checked_before_anything_is_sent(guard: StagingGuard, complaint: str) -> None:
    with pytest.raises(ExotelInputError, match=complaint):
        draft({"numbers": ["+919876500000", "+919876500001"]}, guard=guard)


@pytest.mark.parametrize(
    ("count", "options", "minutes"),
    [
        (60, {}, 1),
        (61, {}, 2),
        (60, {"mode": "custom", "throttle": 30}, 2),
        (60, {"call_retries": {"number_of_retries": 3, "interval_mins": 10}}, 31),
        (60, {"call_retries": {"number_of_retries": 3, "interval_mins": 10, "mechanism": "Exponential"}}, 71),
    ],
)
def test_the_minutes_to_finish(count: int, options: dict[str, Any], minutes: int) -> None:
    assert draft({"numbers": numbers(count), **options}).plan(MORNING).minutes_to_finish == minutes


def test_a_campaign_too_large_for_its_window_has_a_warning() -> None:
    made = draft({"numbers": numbers(5000), "mode": "custom", "throttle": 10}).plan(MORNING)

    assert made.fits is False
    assert any("some contacts will not be called" in warning for warning in made.warnings)


@pytest.mark.parametrize(
    "lists", [{"a1": 1}, {"a1"}, b"a1", 7, [7], ["a1", None], "a1,,b2", ["a1", "a1"], [["a1"]]], ids=str
)
def test_invalid_lists_are_reported_once(lists: Any) -> None:
    with pytest.raises(ExotelInputError) as caught:
        draft({"numbers": None, "lists": lists})

    assert [problem.field for problem in caught.value.problems] == ["lists"]
    with pytest.raises(ExotelInputError, match="lists: must "):
        parse_lists(lists)


NOTHING = ["nan", "null", "NULL", " None ", "undefined", "<NA>", "  ", "[]", "{}"]


@pytest.mark.parametrize("text", NOTHING)
@pytest.mark.parametrize("field", ["read_via_text", "caller_id", "idempotency_key", "flow_id"])
def test_placeholders_for_none_are_refused(field: str, text: str) -> None:
    with pytest.raises(ExotelInputError) as caught:
        draft({"caller_id": None if field == "caller_id" else FIELDS["caller_id"], field: text})

    assert field in {problem.field for problem in caught.value.problems}


@pytest.mark.parametrize("key", [object(), ["a"], {"a": 1}, {"a"}, b"a", 1.5, True], ids=lambda key: type(key).__name__)
def test_a_key_is_text_or_a_whole_number(key: object) -> None:
    with pytest.raises(ExotelInputError, match="idempotency_key: must be text or a whole number"):
        draft(idempotency_key=key)


@pytest.mark.parametrize("schedule", [{}, "{}", {"send_at": None}, {"send_at": None, "end_at": None}, Schedule()])
def test_an_empty_schedule_is_refused(schedule: Any) -> None:
    with pytest.raises(ExotelInputError, match="schedule: must have send_at, end_at or both"):
        spec_of(FIELDS | {"schedule": schedule})


@pytest.mark.parametrize("column", [5, ["number"], {"number": 1}, " "])
def test_a_column_name_must_be_text(column: Any, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("number,name\n+919876500001,Asha\n")

    with pytest.raises(ExotelInputError, match="number_column: must be text"):
        draft({"numbers": None, "numbers_from": str(tmp_path / "people.csv"), "number_column": column})


@pytest.mark.parametrize("numbers", [5, {}, b"+919876500001", True, [None]], ids=repr)
def test_invalid_numbers_are_refused(numbers: Any) -> None:
    with pytest.raises(ExotelInputError, match="numbers: must be a list of numbers"):
        draft({"numbers": numbers})


def test_a_plan_of_lists_has_no_size() -> None:
    made = draft({"numbers": None, "lists": ["list"]}).plan(MORNING)

    assert (made.contacts, made.minutes_to_finish, made.fits) == (None, None, None)


def test_a_plan_shows_numbers_as_a_count() -> None:
    shown = draft({"custom_field": "token", "status_callback": "https://example.org/token"}).plan(MORNING).as_dict()

    assert shown["payload"]["from"] == "<1 number>"
    assert "98765" not in str(shown)
    assert "token" not in str(shown)


def test_a_plan_without_a_window_has_a_warning() -> None:
    made = draft(window=None).plan(MORNING)

    assert any("no end: it dials at once and for up to 30 days, nights included" in text for text in made.warnings)


TESTERS = ["+919876500001", "+919876500002"]


def test_test_numbers_are_called_once_with_the_same_message_and_window() -> None:
    retries = {"number_of_retries": 2, "interval_mins": 15}
    made = draft(test_numbers=TESTERS, call_retries=retries, mode="custom", throttle=10, custom_field="May")

    assert made.test is not None
    payload, real = made.test.at(MORNING).payload(), made.at(MORNING).payload()
    assert payload.pop("from") == "<2 numbers>"
    assert payload == {name: real[name] for name in real if name not in {"from", "retries", "mode", "throttle"}}
    assert (made.test.audience.contacts, made.audience.contacts) == (2, 1)


def test_the_test_campaign_has_no_lists() -> None:
    made = draft({"numbers": None, "lists": ["LIST"]}, test_numbers=TESTERS)

    assert made.test is not None
    assert (made.test.request.lists, len(made.test.request.numbers or ())) == (None, 2)


@pytest.mark.parametrize("flag", [False, "no", "0"])
def test_the_test_campaign_is_optional(flag: object) -> None:
    assert draft(test_numbers=TESTERS, test_first=flag).test is None
    assert draft().test is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"test_numbers": numbers(11)}, "test_numbers: must be 1 to 10 numbers (got 11)"),
        ({"test_numbers": []}, "test_numbers: must be 1 to 10 numbers (got 0)"),
        (
            {"test_numbers": TESTERS, "numbers": None, "lists": ["LIST"], "campaign_type": "dynamic"},
            "test_numbers: cannot be used with a dynamic campaign, whose texts are personal; leave them out",
        ),
    ],
)
def test_invalid_test_numbers_are_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ExotelInputError) as caught:
        draft(given)

    assert list(map(str, caught.value.problems)) == [problem]


def test_invalid_test_numbers_are_never_dropped() -> None:
    with pytest.raises(ExotelInputError) as caught:
        draft(test_numbers=[*TESTERS, "+9198765"], default_country="IN", on_invalid_numbers="drop")

    assert [problem.field for problem in caught.value.problems] == ["test_numbers"]


def test_the_sandbox_guard_applies_to_test_numbers() -> None:
    guard = StagingGuard(only_numbers=PhoneNumbers(tuple(FIELDS["numbers"])))

    with pytest.raises(ExotelInputError) as caught:
        draft(test_numbers=TESTERS, guard=guard)

    assert [problem.field for problem in caught.value.problems] == ["test_numbers"]
