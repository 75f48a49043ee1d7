from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.envelope import Answer, read_answer
from airflow_provider_exotel.client.errors import (
    ExotelAuthError,
    ExotelConflict,
    ExotelError,
    ExotelNotFound,
    ExotelPaymentRequired,
    ExotelRateLimited,
    ExotelRequestRefused,
    ExotelResponseError,
    ExotelServerError,
)
from airflow_provider_exotel.client.models import CallRecord, Campaign, CampaignStats, CampaignStatus
from airflow_provider_exotel.client.retry import RequestKind, RetryDecision, decide_retry, is_definite_refusal

from .api_samples import DOCUMENTED_ANSWER, DOCUMENTED_DATA, DOCUMENTED_JSON, FLOW


def answer(body: object, status: int = 200, **more: Any) -> Answer:
    return read_answer(status, body if isinstance(body, str) else json.dumps(body), **more)


def failure(body: object, status: int = 400, **more: Any) -> ExotelError:
    with pytest.raises(ExotelError) as caught:
        answer(body, status, **more)
    return caught.value


def item(status: int, data: object = None, /, **error: Any) -> dict[str, Any]:
    return {
        "code": status,
        "status": "success" if status < 400 else "failure",
        "error_data": error or None,
        "data": data,
    }


# --- success ---


def test_every_field_of_the_documented_answer_is_read() -> None:
    read = answer(DOCUMENTED_ANSWER)
    campaign = Campaign.of(read.only().data)

    assert read.request_id == "req_abc123"
    assert (campaign.id, campaign.name) == ("camp_abc123", "January Promo Campaign")
    assert (campaign.account_sid, campaign.caller_id, campaign.url) == ("your_sid", "0XXXXXX4890", FLOW)
    assert (campaign.status, campaign.status_text) == (CampaignStatus.CREATED, "Created")
    assert (campaign.type, campaign.campaign_type, campaign.call_duplicate_numbers) == ("trans", "static", False)
    assert campaign.retries is not None
    assert campaign.retries.payload() == DOCUMENTED_JSON["retries"]
    assert campaign.schedule.payload() == DOCUMENTED_JSON["schedule"]
    assert campaign.stats == CampaignStats(created=3, pending=3)
    assert campaign.date_created == campaign.date_updated == datetime.fromisoformat("2024-01-14T16:30:00+05:30")


WRAPPED = item(200, {"id": "c1", "status": "Created"})


@pytest.mark.parametrize(
    "response",
    [
        [WRAPPED],
        WRAPPED,
        [{"id": "c1", "status": "Created"}],
        {"id": "c1", "status": "Created"},
        [{"status": "success", "data": {"id": "c1", "status": "Created"}}],
        [{"code": "200", "data": {"id": "c1", "status": "Created"}}],
    ],
    ids=str,
)
def test_a_campaign_is_found_however_it_is_wrapped(response: object) -> None:
    assert answer({"response": response}).only().data == {"id": "c1", "status": "Created"}


@pytest.mark.parametrize("beside", [True, False])
def test_a_summary_is_found_beside_the_data_and_inside_it(beside: bool) -> None:
    summary = {"call_scheduled": 11}
    entry = {**WRAPPED, "summary": summary} if beside else item(200, {"id": "c1", "summary": summary})

    only = answer({"response": [entry]}).only()

    assert Campaign.of(only.data, only.summary).summary == summary


def test_a_page_has_its_items_and_metadata() -> None:
    page = answer({"metadata": {"total": 2}, "response": [{"id": "c1", "status": "Paused"}, WRAPPED]})

    assert [entry.data["id"] for entry in page.items] == ["c1", "c1"]
    assert page.metadata == {"total": 2}


@pytest.mark.parametrize("response", [[], None, [None], [item(200)], [item(200, {"name": "no id"})], [{"id": ""}]])
def test_an_answer_without_an_id_is_not_a_campaign(response: object) -> None:
    with pytest.raises(ExotelResponseError, match=r"no id|cannot be read"):
        answer({"response": response}).only()


@pytest.mark.parametrize(
    "body",
    ["", "<html>Bad gateway</html>", "OK", "null", "[]", "{}", '{"response": [{"id": "c', "[" * 100_000, "9" * 10_000],
    ids=lambda body: body[:20],
)
def test_an_unreadable_answer_is_an_error(body: str) -> None:
    error = failure(body, 200)

    assert isinstance(error, ExotelResponseError)
    assert error.http_status == 200


# --- failure ---

WORDS = "caller_id is mandatory"
ENVELOPES: dict[str, object] = {
    "item": {"request_id": "r1", "response": [item(400, code=1001, description=WORDS, message="Bad Request")]},
    "object": {"request_id": "r1", "response": item(400, code=1001, description=WORDS)},
    "rest exception": {"request_id": "r1", "RestException": {"Status": 400, "Message": WORDS, "Code": 1001}},
    "error": {"request_id": "r1", "response": {"error": {"code": 1001, "message": WORDS}}},
    "top level": {"request_id": "r1", "error_data": {"code": 1001, "message": WORDS}},
}


@pytest.mark.parametrize("body", ENVELOPES.values(), ids=ENVELOPES)
def test_text_code_and_request_id_are_read_from_every_error_envelope(body: object) -> None:
    error = failure(body)

    assert type(error) is ExotelRequestRefused
    assert error.message.endswith(WORDS)
    assert (error.http_status, error.code, error.request_id) == (400, 1001, "r1")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"response": [item(400, description="first", message="second")], "message": "third"}, "first"),
        ({"response": [item(400, message="second")], "message": "third"}, "second"),
        ({"response": [item(400, description=" ", message="second")]}, "second"),
        ({"response": {"error": {"message": "second"}}, "RestException": {"Message": "third"}}, "second"),
        ({"RestException": {"Message": "third"}, "message": "fourth"}, "third"),
        ({"response": [{"code": 400, "message": "fourth"}], "message": "fifth"}, "fourth"),
        ({"message": "fifth"}, "fifth"),
        ("  plain words \n", "plain words"),
        ("<html>page</html>", "Told"),
        ('{"cut', "Told"),
        ("", "Told"),
    ],
    ids=str,
)
def test_the_most_specific_text_is_used(body: object, words: str) -> None:
    assert failure(body, reason="Told").message.endswith(f": {words}")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ExotelRequestRefused),
        (401, ExotelAuthError),
        (402, ExotelPaymentRequired),
        (403, ExotelAuthError),
        (404, ExotelNotFound),
        (405, ExotelRequestRefused),
        (409, ExotelConflict),
        (413, ExotelRequestRefused),
        (415, ExotelRequestRefused),
        (422, ExotelRequestRefused),
        (429, ExotelRateLimited),
        (500, ExotelServerError),
        (503, ExotelServerError),
        (599, ExotelServerError),
        (408, ExotelResponseError),
        (302, ExotelResponseError),
        (100, ExotelResponseError),
    ],
)
def test_a_status_is_the_same_error_as_http_status_and_inside_an_answer(status: int, kind: type[ExotelError]) -> None:
    assert type(failure("", status)) is kind
    if status >= 400:
        inside = failure({"response": [item(status, description=WORDS)]}, 200)
        assert type(inside) is kind
        assert (inside.http_status, inside.message.endswith(WORDS)) == (status, True)


def test_one_failed_item_makes_the_whole_answer_an_error() -> None:
    error = failure({"response": [WRAPPED, item(409, description="exists")]}, 207)

    assert isinstance(error, ExotelConflict)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"http_code": 500, "response": None}, ExotelServerError),
        ({"http_code": "500", "response": []}, ExotelServerError),
        ({"http_code": 404, "response": []}, ExotelNotFound),
        ({"http_code": 429, "response": [{"id": "c1"}]}, ExotelRateLimited),
        ({"http_code": 302, "response": []}, ExotelResponseError),
        ({"http_code": "oops", "response": []}, ExotelResponseError),
        ({"http_code": True, "response": []}, ExotelResponseError),
        ({"RestException": {"Status": 401, "Message": "no"}, "response": []}, ExotelAuthError),
        ({"RestException": {"Message": "no"}, "response": []}, ExotelResponseError),
        ({"error_data": {"message": "no"}, "response": []}, ExotelResponseError),
        ({"response": {"error": {"code": "limited", "message": "no"}}}, ExotelResponseError),
        ({"response": [{"status": "failure", "data": None}]}, ExotelServerError),
        ({"response": [{"status": "failure", "message": "no"}]}, ExotelServerError),
        ({"response": [{"code": 302, "status": "success", "data": {"id": "c1"}}]}, ExotelResponseError),
        ({"response": [{"code": "oops", "data": {"id": "c1"}}]}, ExotelResponseError),
        ({"response": [{"code": 1001, "data": {"id": "c1"}}]}, ExotelResponseError),
        ({"http_code": 20000, "response": []}, ExotelResponseError),
        ({"response": [{"code": 200, "status": "partial", "data": {"id": "c1"}}]}, ExotelServerError),
    ],
    ids=str,
)
def test_an_error_inside_an_answer_is_an_error_whatever_the_http_status(
    body: dict[str, Any], kind: type[ExotelError]
) -> None:
    assert type(failure(body, 200)) is kind


def test_a_campaign_with_an_error_field_of_its_own_is_a_campaign() -> None:
    assert (
        answer({"response": [{"id": "c1", "status": "Failed", "error": {"message": "no"}}]}).only().data["id"] == "c1"
    )


@pytest.mark.parametrize("http_code", [200, "200", 207, None])
def test_an_http_code_of_2xx_is_a_success(http_code: object) -> None:
    assert answer({"http_code": http_code, "response": [WRAPPED]}).only().data["id"] == "c1"


@pytest.mark.parametrize("status", ["Failed", "failed", "Completed", None])
def test_the_status_of_a_bare_campaign_is_not_that_of_the_answer(status: object) -> None:
    assert answer({"response": [{"id": "c1", "status": status}]}).only().data["status"] == status


@pytest.mark.parametrize("status", [401, 404])
def test_the_region_is_hinted_at_where_the_account_may_be_in_another(status: int) -> None:
    assert "region" in failure("", status).message


def test_the_error_carries_retry_after() -> None:
    error = failure("", 429, retry_after=30.0)

    assert isinstance(error, ExotelRateLimited)
    assert error.retry_after == 30


@pytest.mark.parametrize("name", ["id", "sid", "campaign_id", "campaign_sid"])
@pytest.mark.parametrize(("status", "code"), [(400, 400), (422, 422), (200, 400)])
def test_a_refusal_that_names_an_id_is_inconclusive(status: int, code: int, name: str) -> None:
    error = failure({"response": [item(code, {"deep": [{name: "c1"}]})]}, status)

    assert type(error) is ExotelResponseError


@pytest.mark.parametrize("name", ["id", "Sid", "CampaignSid", "CAMPAIGN_ID"])
@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 405, 413, 415, 422, 429])
@pytest.mark.parametrize("http_status", [None, 200], ids=["as the answer", "in a good answer"])
def test_every_refusal_to_create_that_names_an_id_is_inconclusive(
    http_status: int | None, code: int, name: str
) -> None:
    body = {"response": [item(code, {name: "c1"})]}

    error = failure(body, http_status or code, creates=True)

    assert type(error) is ExotelResponseError
    assert is_definite_refusal(error) is False
    assert decide_retry(RequestKind.CREATE, error) is RetryDecision.UNKNOWN


def test_a_404_to_a_read_is_not_found_even_if_it_repeats_the_id() -> None:
    assert type(failure({"response": [item(404, {"id": "c1"})]}, 404)) is ExotelNotFound


@pytest.mark.parametrize("nothing", [None, "", 0])
def test_an_empty_id_in_a_refusal_is_ignored(nothing: object) -> None:
    assert type(failure({"response": [item(400, {"id": nothing})]})) is ExotelRequestRefused


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"RestException": {"Message": WORDS, "Code": "RATE_LIMIT_EXCEEDED"}}, "RATE_LIMIT_EXCEEDED"),
        ({"response": [item(400, description=WORDS)]}, None),
        ({"response": [{"code": 400, "status": "failure", "error_data": {"description": WORDS}}]}, None),
        ({"response": {"code": 400, "status": "failure"}}, None),
        ({"response": {"error": {"code": "number +919876500000"}}}, "number [number]"),
        ({"response": {"error": {"code": 919876500000}}}, "[number]"),
        ({"response": {"error": {"code": True}}}, None),
        ({"response": {"error": {"code": None}}, "code": 7}, 7),
    ],
    ids=str,
)
def test_the_code_is_exotels_own_and_never_the_http_status(body: object, code: object) -> None:
    assert failure(body).code == code


@given(st.from_regex(r"\+91987650[0-9]{4}", fullmatch=True), st.sampled_from(["description", "message"]))
def test_no_phone_number_in_an_answer_gets_into_an_error(number: str, place: str) -> None:
    error = failure({"response": [item(400, **{place: f"Invalid number in from: '{number}'"})]})

    assert "98765" not in str(error) + repr(error)


KEYS = ["response", "code", "status", "data", "error_data", "error", "message", "id", "RestException"]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
)


envelopes = st.fixed_dictionaries({"response": anything}, optional={"http_code": st.sampled_from([200, 500, "404", 0])})


@given(anything | envelopes, st.sampled_from([200, 207, 400, 429, 500]))
def test_any_json_is_an_error_or_an_answer_with_every_entry(body: object, status: int) -> None:
    try:
        read = answer(body, status)
    except ExotelError as error:
        assert status == error.http_status or status < 300  # noqa: PT017 - which of both it is, is the question
        return

    assert status < 300
    assert isinstance(body, dict)
    assert body.get("http_code") in {None, 200}
    response = body["response"]
    entries = [] if response is None else response if isinstance(response, list) else [response]
    assert len(read.items) == len(entries)


# --- campaigns and calls ---


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Created", "created"),
        ("InProgress", "in-progress"),
        ("in-progress", "in-progress"),
        ("in progress", "in-progress"),
        ("IN_PROGRESS", "in-progress"),
        ("Canceled", "canceled"),
        ("Cancelled", "canceled"),
        ("Archived", "archived"),
        ("Ringing", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_status_is_known_in_every_spelling(written: str | None, meant: str) -> None:
    assert CampaignStatus.of(written).value == meant


def test_an_unknown_status_is_kept_and_does_not_end_a_wait() -> None:
    campaign = Campaign.of({"id": "c1", "status": "Ringing"})

    assert (campaign.status_text, campaign.status.has_ended) == ("Ringing", False)


@pytest.mark.parametrize(
    ("counts", "stats"),
    [
        ({"in-progress": 2, "failed-dnd": 1}, CampaignStats(in_progress=2, failed_dnd=1)),
        ({"in_progress": 2, "no_answer": 1}, CampaignStats(in_progress=2, no_answer=1)),
        ({"completed": "7", "failed": "many"}, CampaignStats(completed=7)),
        ({"completed": None, "busy": 1.0}, CampaignStats(busy=1)),
        ({"on-hold": 4}, CampaignStats(other={"on_hold": 4})),
        ({"other": 4}, CampaignStats(other={"other": 4})),
        ({}, CampaignStats()),
        (None, CampaignStats()),
    ],
)
def test_counts_are_read_in_every_spelling(counts: dict[str, Any] | None, stats: CampaignStats) -> None:
    assert CampaignStats.of(counts) == stats


def test_the_names_of_given_counts_do_not_affect_equality() -> None:
    counted = CampaignStats.of({"failed-no-attempt": 0, "completed": "3", "on-hold": 1})

    assert counted.given == {"failed_no_attempt", "completed", "on_hold"}
    assert counted == CampaignStats.of({"completed": 3, "on_hold": 1})
    assert CampaignStats.of({}).given == frozenset()


@pytest.mark.parametrize("field", sorted(DOCUMENTED_DATA.keys() - {"id"} | {"from", "lists", "summary", "report_url"}))
@pytest.mark.parametrize("value", ["N/A", 7, None, [None], {}, {"a": []}, [{"number": "+919876500000"}]], ids=str)
def test_a_bad_field_other_than_the_id_does_not_break_a_campaign(field: str, value: object) -> None:
    assert Campaign.of({**DOCUMENTED_DATA, field: value}).id == "camp_abc123"


def test_a_campaign_does_not_show_its_numbers() -> None:
    campaign = Campaign.of({"id": "c1", "from": ["+919876500000"], "custom_field": "canary", "report_url": "canary"})

    assert list(campaign.numbers or ()) == ["+919876500000"]
    assert not any(trace in repr(campaign) for trace in ("98765", "canary"))


@pytest.mark.parametrize(
    "data",
    [
        {"call_sid": "s1", "number": "+919876500000", "status": "no_answer", "duration": "7", "digit": "1",
         "caller_id": "0XXXXXX4890", "start_time": "2026-03-02 10:00:00"},
        {"call_sid": "s1", "to": "+919876500000", "status": "No-Answer", "duration": 7, "digits": "1",
         "from": "0XXXXXX4890", "start_time": "2026-03-02T10:00:00+05:30"},
    ],
    ids=["reference", "reporting guide"],
)  # fmt: skip
def test_a_call_is_read_from_both_sets_of_field_names(data: dict[str, Any]) -> None:
    record = CallRecord.of(data)

    assert (record.call_sid, record.number, record.status) == ("s1", "+919876500000", "no-answer")
    assert (record.duration_seconds, record.digit, record.caller_id) == (7, "1", "0XXXXXX4890")
    assert record.start_time == datetime.fromisoformat("2026-03-02T10:00:00+05:30")
    assert "98765" not in repr(record)


@pytest.mark.parametrize(
    ("pressed", "digit"), [('"9"', "9"), (" 9 ", "9"), ("'12'", "12"), (9, "9"), ('""', None), ("", None), (None, None)]
)
def test_pressed_keys_are_read_without_quotes(pressed: object, digit: str | None) -> None:
    assert CallRecord.of({"digits": pressed}).digit == digit


@pytest.mark.parametrize("word", ["no-answer", "no_answer", "No Answer", "NoAnswer", " NO-ANSWER "])
def test_every_spelling_of_a_call_status_is_read(word: str) -> None:
    assert CallRecord.of({"status": word}).status == "no-answer"


def test_half_a_character_is_replaced_so_that_the_text_can_be_encoded() -> None:
    cut = json.loads(r'"March \ud83d"')

    assert Campaign.of({"id": "c", "name": cut}).name == "March ?"
    assert CallRecord.of({"call_sid": cut}).call_sid == "March ?"
