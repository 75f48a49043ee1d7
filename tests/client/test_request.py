from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.fields import Model
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.request import CallRetries, CampaignChanges, CampaignRequest, Schedule, wire_names
from airflow_provider_exotel.emulator.validation import CHECKS

from .api_samples import DOCUMENTED_JSON, FLOW, arguments, people

SEND, END = "2026-03-02T10:00:00+05:30", "2026-03-02T18:00:00+05:30"


def refusal(**fields: Any) -> ExotelInputError:
    with pytest.raises(ExotelInputError) as caught:
        CampaignRequest(**arguments(**fields))
    return caught.value


# --- the request ---


def test_the_arguments_of_the_documented_example_produce_its_json() -> None:
    request = CampaignRequest(
        numbers=["+919876543210", "+919876543211", "+919876543212"],
        caller_id="0XXXXXX4890",
        flow_type="ivr",
        url=FLOW,
        name="January Promo Campaign",
        call_retries=CallRetries(
            number_of_retries=2, interval_mins=15, mechanism="Linear", on_status=["busy", "no-answer"]
        ),
        schedule=Schedule(send_at="2024-01-15T09:00:00+05:30", end_at="2024-01-15T18:00:00+05:30"),
        call_status_callback="https://your-server.com/call-status",
        status_callback="https://your-server.com/campaign-status",
    )

    assert request.body() == DOCUMENTED_JSON


def test_the_wrapped_form_has_the_same_fields_with_the_numbers_as_an_array() -> None:
    request = CampaignRequest(**arguments(numbers=people(2)))

    assert request.body(wrapped=True) == {"campaigns": [request.body() | {"from": people(2)}]}


@pytest.mark.parametrize("audience", [{"numbers": people(1)}, {"numbers": None, "lists": ["list-1"]}], ids=str)
def test_an_audience_and_a_caller_id_are_enough_and_nothing_is_added(audience: dict[str, Any]) -> None:
    request = CampaignRequest(**arguments(name=None, **audience))

    assert request.body().keys() == {"caller_id", "from" if audience["numbers"] else "lists"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("campaign_type", "static"),
        ("flow_type", "greeting"),
        ("url", "https://my.exotel.com/account/exoml/start_voice/1"),
        ("read_via_text", "Your parcel is on its way"),
        ("name", "due"),
        ("type", "trans"),
        ("call_duplicate_numbers", True),
        ("call_duplicate_numbers", False),
        ("call_schedule_callback", "http://example.org/after"),
        ("mode", "auto"),
        ("custom_field", '{"key": "k7f3"}'),
        ("repeat_menu_attempts", 0),
    ],
)
def test_each_field_is_sent_under_the_name_of_the_page(field: str, value: Any) -> None:
    assert CampaignRequest(**arguments(**{field: value})).body()[field] == value


def test_the_emulator_checks_every_field_of_the_page() -> None:
    assert {*CHECKS, "from"} == {*wire_names().values()} - {"extra_fields"}


@pytest.mark.parametrize("model", [CallRetries, Schedule, CampaignChanges])
def test_a_field_that_is_none_is_left_out(model: type[Model]) -> None:
    assert model(**dict.fromkeys(model.model_fields)) == model()


@given(retries=st.integers(0, 3), interval=st.integers(1, 10_000))
def test_every_documented_number_of_retries_is_accepted(retries: int, interval: int) -> None:
    made = CallRetries(number_of_retries=retries, interval_mins=interval)

    assert made.payload() == {"number_of_retries": retries, "interval_mins": interval}


@pytest.mark.parametrize(
    ("mechanism", "minutes"), [(None, 10 + 10 + 10), ("Linear", 10 + 10 + 10), ("Exponential", 10 + 20 + 40)]
)
def test_the_longest_duration_of_the_retries(mechanism: str | None, minutes: int) -> None:
    given = {"number_of_retries": 3, "interval_mins": 10} | ({"mechanism": mechanism} if mechanism else {})

    assert CallRetries(**given).longest_minutes() == minutes


def test_times_are_sent_to_the_second_with_their_offset() -> None:
    schedule = Schedule(send_at=datetime(2026, 3, 2, 4, 30, 0, 999, tzinfo=UTC), end_at="2026-03-02T18:00:00Z")

    assert schedule.payload() == {"send_at": "2026-03-02T04:30:00+00:00", "end_at": "2026-03-02T18:00:00+00:00"}


# --- values as people and templates write them ---


@pytest.mark.parametrize(
    ("field", "written", "sent"),
    [
        ("numbers", ",".join(people(2)), ",".join(people(2))),
        ("numbers", "\n".join(people(2)) + "\n", ",".join(people(2))),
        ("numbers", str(people(2)), ",".join(people(2))),
        ("numbers", '["+919876500000", "+919876500001"]', ",".join(people(2))),
        ("call_retries", '{"interval_mins": "15"}', {"interval_mins": 15}),
        ("call_retries", {"on_status": "busy, no_answer"}, {"on_status": ["busy", "no-answer"]}),
        ("call_retries", {"mechanism": "linear"}, {"mechanism": "Linear"}),
        ("schedule", f'{{"send_at": "{SEND}"}}', {"send_at": SEND}),
        ("repeat_menu_attempts", "2", 2),
        ("call_duplicate_numbers", "true", True),
        ("flow_type", "IVR", "ivr"),
    ],
)  # fmt: skip
def test_the_text_that_a_template_renders_is_read_as_its_value(field: str, written: Any, sent: Any) -> None:
    body = CampaignRequest(**arguments(**{field: written})).body()

    assert body[{"numbers": "from", "call_retries": "retries"}.get(field, field)] == sent


def test_lists_and_throttle_may_be_text_too() -> None:
    request = CampaignRequest(**arguments(numbers=None, lists="list-1, list-2", mode="custom", throttle="20"))

    assert (request.body()["lists"], request.body()["throttle"]) == (["list-1", "list-2"], 20)


@pytest.mark.parametrize("lists", ["a1,b2", " a1 , b2 ", '["a1", "b2"]', "['a1', 'b2']", ["a1", "b2"], ("a1", " b2")])
def test_lists_are_read_in_every_usual_spelling(lists: Any) -> None:
    assert CampaignRequest(**arguments(numbers=None, lists=lists)).lists == ("a1", "b2")


# --- refusals ---


ODD_LISTS: list[Any] = [
    {"a1": "b2"},
    '{"a1": "b2"}',
    {"a1", "b2"},
    b"a1",
    [b"a1"],
    7,
    True,
    [7],
    "[7]",
    ["a1", None],
    ["a1", ""],
    ["a1", " "],
    ["a1", "None"],
    "a1,nan",
    "[null]",
    [["a1", "b2"]],
    '[["a1"]]',
    "a1,,b2",
    ",a1",
    "a1,b2,",
    ",",
    "a1 b2",
    ["a1,b2"],
    "a1;b2",
    "[a1, b2]",
    "a1,a1",
    ["a1", "a1 "],
    "+919876500001",
    PhoneNumbers(people(2)),
    iter(["a1"]),
]


@pytest.mark.parametrize("lists", ODD_LISTS, ids=lambda lists: type(lists).__name__)
def test_odd_lists_are_refused_by_name_and_never_sent(lists: Any) -> None:
    with pytest.raises(ExotelInputError) as caught:
        CampaignRequest(**arguments(numbers=None, lists=lists))

    [problem] = caught.value.problems
    assert (problem.field, problem.message[:5]) == ("lists", "must ")
    assert "98765" not in problem.message


@pytest.mark.parametrize(
    ("fields", "field", "expected"),
    [
        ({"numbers": None}, "numbers", "is required unless lists is given"),
        ({"lists": ["list-1"]}, "numbers", "is mutually exclusive with lists; give exactly one"),
        ({"numbers": []}, "numbers", "must not be empty"),
        ({"numbers": ""}, "numbers", "must not be empty"),
        ({"numbers": people(5_001)}, "numbers", "at most 5,000 (got 5,001); let PlanAudienceOperator split"),
        ({"numbers": [*people(2), "ask Ravi", *people(2), "12345"]}, "numbers", "2 of them (at position 3, 6)"),
        ({"numbers": ["no one"] * 12}, "numbers", "12 of them (at position 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more)"),
        ({"numbers": 919876500000}, "numbers", "must be a list"),
        ({"numbers": {"+919876500000": 1}}, "numbers", "must be a list"),
        ({"numbers": [1.5]}, "numbers", "must be a list"),
        ({"numbers": None, "lists": [f"list-{n}" for n in range(6)]}, "lists", "at most 5 for a static"),
        ({"numbers": None, "lists": ["a", "b"], "campaign_type": "dynamic"}, "lists", "at most 1 for a dynamic"),
        ({"numbers": None, "lists": []}, "lists", "must not be empty"),
        ({"campaign_type": "dynamic"}, "lists", "exactly one dynamic list"),
        ({"caller_id": None}, "caller_id", "is required; give the ExoPhone"),
        ({"caller_id": ""}, "caller_id", "must not be empty"),
        ({"caller_id": 4890}, "caller_id", "must be text"),
        ({"name": "ab"}, "name", "at least 3 characters"),
        ({"type": "promo"}, "type", "unknown value; use one of 'trans'"),
        ({"flow_type": "greting"}, "flow_type", "use one of 'ivr', 'greeting'; did you mean 'greeting'?"),
        ({"campaign_type": "weekly"}, "campaign_type", "use one of 'static', 'dynamic'"),
        ({"call_retries": {"number_of_retries": 4}}, "call_retries.number_of_retries", "between 0 and 3 (got 4); give"),
        ({"call_retries": {"number_of_retries": -1}}, "call_retries.number_of_retries", "between 0 and 3 (got -1)"),
        ({"call_retries": {"interval_mins": 0}}, "call_retries.interval_mins", "must be at least 1 (got 0)"),
        ({"call_retries": {"mechanism": "Random"}}, "call_retries.mechanism", "use one of 'Linear', 'Exponential'"),
        ({"call_retries": {"on_status": ["busy", "failure"]}}, "call_retries.on_status", "'busy', 'no-answer'"),
        ({"call_retries": {"on_status": []}}, "call_retries.on_status", "must not be empty"),
        ({"call_retries": {"times": 2}}, "call_retries.times", "unknown field; use one of number_of_retries"),
        ({"call_retries": 2}, "call_retries", "must be a mapping of its fields; give a CallRetries"),
        ({"call_retries": "two"}, "call_retries", "must be a mapping of its fields, or the text of one"),
        ({"call_retries": '{"number_of_retries": 4}'}, "call_retries", "between 0 and 3"),
        ({"schedule": {"send_at": "2026-03-02T10:00:00"}}, "schedule.send_at", "must have a UTC offset"),
        ({"schedule": {"send_at": datetime(2026, 3, 2)}}, "schedule.send_at", "must have a UTC offset"),
        ({"schedule": {"end_at": "tomorrow"}}, "schedule.end_at", "RFC 3339"),
        ({"schedule": {"end_at": 1772428800}}, "schedule.end_at", "RFC 3339"),
        ({"schedule": {"send_at": END, "end_at": SEND}}, "schedule.end_at", "must be after send_at"),
        ({"schedule": {"send_at": END, "end_at": END}}, "schedule.end_at", "must be after send_at"),
        ({"status_callback": "example.org/hook"}, "status_callback", "absolute http or https URL"),
        ({"call_status_callback": "ftp://example.org"}, "call_status_callback", "absolute http or https URL"),
        ({"call_schedule_callback": "https://"}, "call_schedule_callback", "absolute http or https URL"),
        ({"url": "https://example.org/a b"}, "url", "white space"),
        ({"throttle": 10}, "throttle", "requires mode='custom'"),
        ({"throttle": 10, "mode": "auto"}, "throttle", "mode='custom'"),
        ({"throttle": 0, "mode": "custom"}, "throttle", "must be at least 1 (got 0)"),
        ({"throttle": "fast", "mode": "custom"}, "throttle", "must be a whole number"),
        ({"throttle": True, "mode": "custom"}, "throttle", "must be a whole number"),
        ({"throttle": 2.5, "mode": "custom"}, "throttle", "must be a whole number"),
        ({"mode": "custom"}, "mode", "requires throttle"),
        ({"mode": "turbo"}, "mode", "use one of 'auto', 'custom'"),
        ({"repeat_menu_attempts": -1}, "repeat_menu_attempts", "must be at least 0 (got -1)"),
        ({"call_duplicate_numbers": "perhaps"}, "call_duplicate_numbers", "must be true or false"),
        ({"call_duplicate_numbers": "on"}, "call_duplicate_numbers", "must be true or false"),
        ({"call_duplicate_numbers": 1.0}, "call_duplicate_numbers", "must be true or false"),
        ({"callerid": "0XXXXXX4890"}, "callerid", "did you mean 'caller_id'?"),
        ({"retries": {}}, "retries", "unknown field; did you mean 'call_retries'?"),
    ],
)  # fmt: skip
def test_invalid_values_are_refused_by_field(fields: dict[str, Any], field: str, expected: str) -> None:
    found = refusal(**fields).problems

    assert any(one.field.startswith(field) and expected in one.message for one in found), found


def test_the_largest_audiences_are_accepted() -> None:
    CampaignRequest(**arguments(numbers=people(5_000)))
    CampaignRequest(**arguments(numbers=None, lists=[f"list-{n}" for n in range(5)]))
    CampaignRequest(**arguments(numbers=None, lists=["list-1"], campaign_type="dynamic"))


ALL_WRONG: dict[str, Any] = {
    "numbers": ["+919876500000", "canary-number"],
    "lists": ["canary-list", ""],
    "name": "¤¤",
    "campaign_type": "canary-type",
    "url": "canary-url",
    "call_retries": {"number_of_retries": 7777777, "mechanism": "canary-mechanism", "on_status": ["canary-status"]},
    "schedule": {"send_at": "canary-time", "end_at": "canary-end"},
    "status_callback": "canary://token",
    "throttle": "canary-throttle",
    "custom_field": ["canary-custom"],
    "extra_fields": {"from": "canary-extra"},
    "repeat_menu_attempts": -7777777,
    "colour": "canary-colour",
}


def test_every_problem_is_reported_at_once() -> None:
    named = {problem.field.split(".")[0] for problem in refusal(**ALL_WRONG).problems}

    assert named == ALL_WRONG.keys()


def test_no_error_repeats_the_input() -> None:
    error = refusal(**ALL_WRONG)

    for text in (str(error), repr(error), "".join(traceback.format_exception(error))):
        assert not any(trace in text for trace in ("98765", "canary", "7777777", "¤"))


@given(numbers=st.lists(st.from_regex(r"\+?[0-9]{7,20}", fullmatch=True), min_size=1), name=st.text(max_size=2))
def test_no_number_is_in_the_text_of_a_refusal(numbers: list[str], name: str) -> None:
    text = str(refusal(numbers=numbers, name=name))

    assert not any(number.lstrip("+")[:7] in text for number in numbers)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:canary@example.org/", "user or password"),
        ("https://canary@example.org", "user or password"),
        ("https://example.org\\@canary", "backslashes"),
        ("https://example.org/\x00canary", "control characters"),
        ("https://example.org/canary\n", "white space"),
        ("https://:8080/canary", "absolute http or https URL"),
        ("https://example.org:70000/canary", "absolute http or https URL"),
        ("https://[canary", "absolute http or https URL"),
        ("//example.org/canary", "absolute http or https URL"),
        ("javascript://example.org/canary", "absolute http or https URL"),
        ("http://127%2e0.0.1/canary", "absolute http or https URL"),
        ("http://１２７.0.0.1/canary", "absolute http or https URL"),
    ],
)
@pytest.mark.parametrize("field", ["url", "status_callback"])
def test_an_ambiguous_url_is_refused(field: str, url: str, expected: str) -> None:
    [problem] = refusal(**{field: url}).problems

    assert (problem.field, expected in problem.message, "canary" in problem.message) == (field, True, False)


@pytest.mark.parametrize("numbers", [[], ["canary"], people(5_001)], ids=["none", "malformed", "too many"])
def test_the_numbers_of_a_change_are_checked_like_those_of_a_campaign(numbers: list[str]) -> None:
    with pytest.raises(ExotelInputError) as changed:
        CampaignChanges(numbers=numbers)

    assert changed.value.problems == refusal(numbers=numbers).problems


def test_the_message_has_the_problem_its_count_and_the_fix() -> None:
    one, two = refusal(mode="custom"), refusal(mode="custom", name="ab")

    assert str(one) == (
        "Invalid campaign, nothing was sent (1 problem):\n- mode: 'custom' requires throttle; give the calls per minute"
    )
    assert str(two).startswith("Invalid campaign, nothing was sent (2 problems):\n- name: must have at least 3")


# --- fields that this version does not know ---

EXTRA = {"not_known_yet": True, "priority": 3, "tags": ["a", {"b": None}]}


@pytest.mark.parametrize("model", [CampaignRequest, CampaignChanges])
@pytest.mark.parametrize("given", [EXTRA, json.dumps(EXTRA), str(EXTRA)], ids=["mapping", "JSON", "Python"])
def test_extra_fields_are_sent_as_they_are(model: type[CampaignRequest], given: Any) -> None:
    plain, extended = model(**arguments()), model(**arguments(extra_fields=given))

    assert extended.body() == plain.body() | EXTRA
    assert extended.body(wrapped=True)["campaigns"][0] == plain.body(wrapped=True)["campaigns"][0] | EXTRA


def test_extra_fields_do_not_change_after_they_were_checked() -> None:
    tags: list[str] = []
    request = CampaignRequest(**arguments(extra_fields={"tags": tags}))

    tags.append("+919876500000")

    assert request.body()["tags"] == []


@pytest.mark.parametrize(
    ("extra", "field", "expected"),
    [
        ({"from": "+919876500000"}, "extra_fields.from", "give it as numbers"),
        ({"FROM": "+919876500000"}, "extra_fields.FROM", "give it as numbers"),
        ({"retries": {}}, "extra_fields.retries", "give it as call_retries"),
        ({"call_retries": {}}, "extra_fields.call_retries", "give it as call_retries"),
        ({"callerId": "0"}, "extra_fields.callerId", "give it as caller_id"),
        ({"extra_fields": {}}, "extra_fields.extra_fields", "give it as extra_fields"),
        ({"flow_id": 1}, "extra_fields.flow_id", "not a field of a campaign"),
        ({"action": "resume"}, "extra_fields.action", "ControlCampaignOperator"),
        ({"campaigns": []}, "extra_fields.campaigns", "not a field of a campaign"),
        ({"a b": 1}, "extra_fields", "letters, digits and _"),
        ({"": 1}, "extra_fields", "letters, digits and _"),
        ({7: 1}, "extra_fields", "letters, digits and _"),
        ({"when": datetime(2026, 3, 2)}, "extra_fields.when", "JSON value"),
        ({"share": float("nan")}, "extra_fields.share", "JSON value"),
        ([("a", 1)], "extra_fields", "must be a mapping"),
        ("voicemail", "extra_fields", "must be a mapping"),
    ],
    ids=str,
)
def test_an_invalid_extra_field_is_refused(extra: Any, field: str, expected: str) -> None:
    [problem] = refusal(extra_fields=extra).problems

    assert (problem.field, expected in problem.message, "98765" in problem.message) == (field, True, False)


# --- warnings ---

SAFE: dict[str, Any] = {"schedule": {"send_at": SEND, "end_at": END}, "url": FLOW}


@pytest.mark.parametrize(
    ("fields", "warned"),
    [
        ({}, []),
        ({"url": None, "read_via_text": "Good morning"}, []),
        ({"call_retries": {"number_of_retries": 1, "interval_mins": 10}}, []),
        ({"schedule": None}, ["dials at once and for up to 30 days"]),
        ({"schedule": {"send_at": SEND}}, ["dials from send_at and for up to 30 days"]),
        ({"url": None}, ["neither a flow nor a text"]),
        ({"url": "http://my.exotel.in/exoml/start/9"}, []),
        ({"url": "https://myexotel.com/flow"}, ["does not lead to Exotel"]),
        ({"call_retries": {"number_of_retries": 1}}, ["Add interval_mins"]),
        ({"call_retries": {"interval_mins": 5}}, ["Add number_of_retries"]),
        ({"url": None, "schedule": None}, ["no end", "neither a flow"]),
        ({"read_via_text": "Dear None, you owe 5"}, ["contains 'None', which people hear"]),
        ({"read_via_text": "You owe nan rupees"}, ["contains 'nan', which people hear"]),
        ({"read_via_text": "Dear {{ name }}"}, ["contains '{{', which people hear"]),
        ({"read_via_text": "Wait. None of us will ask for your PIN; nanny"}, []),
        ({"read_via_text": "Dear @@Name"}, ["has @@ variables, which a static campaign does not replace"]),
        (
            {"read_via_text": "Dear @@Name", "campaign_type": "dynamic", "numbers": None, "lists": ["LIST"]},
            [],
        ),
    ],
    ids=str,
)
def test_choices_that_people_come_to_regret_cause_warnings(fields: dict[str, Any], warned: list[str]) -> None:
    warnings = CampaignRequest(**arguments(**{**SAFE, **fields})).warnings()

    assert len(warnings) == len(warned)
    assert all(words in warning for words, warning in zip(warned, warnings, strict=True))


# --- dumps ---


@pytest.mark.parametrize("model", [CampaignRequest, CampaignChanges])
def test_numbers_tokens_and_custom_field_are_hidden_in_dumps(model: type[CampaignRequest]) -> None:
    request = model(
        **arguments(
            custom_field="canary-field",
            status_callback="https://hooks.example.org/canary-token?t=canary",
            extra_fields={"note": "canary"},
        )
    )

    for shown in (repr(request), str(request.safe_payload()), str(request.model_dump()), request.model_dump_json()):
        assert not any(trace in shown for trace in ("98765", "canary"))
    assert request.safe_payload()["note"] == "***"
    assert request.safe_payload()["from"] == "<3 numbers>"
    assert request.safe_payload()["status_callback"] == "https://hooks.example.org/***"


def test_changes_need_no_audience() -> None:
    assert CampaignChanges(name="Monday").body() == {"name": "Monday"}


# --- the schedule ---


@pytest.mark.parametrize(
    ("schedule", "moment", "contained"),
    [
        (Schedule(send_at=SEND, end_at=END), "2026-03-02T09:59:59+05:30", False),
        (Schedule(send_at=SEND, end_at=END), SEND, True),
        (Schedule(send_at=SEND, end_at=END), "2026-03-02T12:29:59+00:00", True),
        (Schedule(send_at=SEND, end_at=END), END, False),
        (Schedule(end_at=END), "2020-01-01T00:00:00+00:00", True),
        (Schedule(send_at=SEND), SEND, False),
        (Schedule(), SEND, False),
    ],
    ids=["before", "at its opening", "another offset", "at its end", "begun at once", "no end", "nobody can say"],
)
def test_a_schedule_contains_the_times_at_which_a_campaign_may_dial(
    schedule: Schedule, moment: str, contained: bool
) -> None:
    assert schedule.contains(datetime.fromisoformat(moment)) is contained
