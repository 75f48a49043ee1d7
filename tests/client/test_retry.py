from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.errors import (
    ExotelAuthError,
    ExotelConflict,
    ExotelConnectionError,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelOutcomeUnknown,
    ExotelPaymentRequired,
    ExotelRateLimited,
    ExotelRequestRefused,
    ExotelResponseError,
    ExotelServerError,
)
from airflow_provider_exotel.client.retry import (
    RequestKind,
    RetryDecision,
    RetryPolicy,
    decide_retry,
    is_definite_refusal,
    retry_after_seconds,
)

NOW = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)
UNREACHED = ExotelConnectionError("connection refused", sent=False)
LIMITED = ExotelRateLimited("too many", http_status=429)


# What happened; may a GET, a PUT or DELETE, a POST be sent again; is it certain that a POST created nothing.
@pytest.mark.parametrize(
    ("error", "read", "change", "create", "nothing_created"),
    [
        (UNREACHED, True, True, True, True),
        (LIMITED, True, True, True, True),
        (ExotelConnectionError("read timeout", sent=True), True, True, False, False),
        (ExotelServerError("", http_status=502), True, True, False, False),
        (ExotelServerError("", http_status=503), True, True, False, False),
        (ExotelServerError("", http_status=504), True, True, False, False),
        (ExotelServerError("", http_status=500), False, False, False, False),
        (ExotelResponseError("", http_status=302), False, False, False, False),
        (ExotelResponseError("", http_status=408), False, False, False, False),
        (ExotelResponseError("unreadable", http_status=200), False, False, False, False),
        (ExotelConflict("", http_status=409), False, False, False, False),
        (ExotelOutcomeUnknown(""), False, False, False, False),
        (ExotelRequestRefused("", http_status=400), False, False, False, True),
        (ExotelRequestRefused("", http_status=405), False, False, False, True),
        (ExotelRequestRefused("", http_status=413), False, False, False, True),
        (ExotelRequestRefused("", http_status=415), False, False, False, True),
        (ExotelRequestRefused("", http_status=422), False, False, False, True),
        (ExotelAuthError("", http_status=401), False, False, False, True),
        (ExotelPaymentRequired("", http_status=402), False, False, False, True),
        (ExotelNotFound("", http_status=404), False, False, False, True),
        (ExotelInputError([]), False, False, False, True),
    ],
    ids=lambda value: f"{type(value).__name__}-{value.http_status}" if isinstance(value, ExotelError) else str(value),
)
def test_the_table(error: ExotelError, read: bool, change: bool, create: bool, nothing_created: bool) -> None:
    again = [
        decide_retry(kind, error) is RetryDecision.AGAIN
        for kind in (RequestKind.READ, RequestKind.CHANGE, RequestKind.CREATE)
    ]

    assert again == [read, change, create]
    assert is_definite_refusal(error) is nothing_created


@pytest.mark.parametrize(
    ("status", "in_the_other"), [(400, True), (422, True), (405, False), (413, False), (415, False)]
)
def test_which_refusals_may_be_about_the_form_of_the_body(status: int, in_the_other: bool) -> None:
    refusal = ExotelRequestRefused("", http_status=status)

    assert [decide_retry(kind, refusal) is RetryDecision.OTHER_FORM for kind in RequestKind] == [
        False,
        in_the_other,
        in_the_other,
    ]


@given(tried=st.integers(1, 4), jitter=st.floats(0, 1))
def test_pauses_double_up_to_a_bound_and_jitter_takes_any_part_of_them(tried: int, jitter: float) -> None:
    policy = RetryPolicy(tries=5, first_backoff=1, longest_backoff=3)

    assert policy.backoff(RequestKind.READ, UNREACHED, tried, lambda: jitter) == jitter * [1, 2, 3, 3][tried - 1]


def test_there_is_an_end_to_trying() -> None:
    assert RetryPolicy(tries=5).backoff(RequestKind.READ, UNREACHED, 5) is None


@given(asked=st.floats(0, 120), jitter=st.floats(0, 1))
def test_what_the_service_asks_to_wait_is_waited_and_up_to_a_second_more(asked: float, jitter: float) -> None:
    pause = RetryPolicy().backoff(RequestKind.CREATE, ExotelRateLimited("", retry_after=asked), 1, lambda: jitter)

    assert pause is not None
    assert asked <= pause <= asked + 1


def test_too_long_a_wait_is_left_to_the_caller() -> None:
    policy = RetryPolicy(longest_retry_after=120)

    assert policy.backoff(RequestKind.READ, ExotelRateLimited("", retry_after=120.1), 1) is None


def test_a_limit_without_a_time_is_waited_for_as_any_other_failure() -> None:
    assert RetryPolicy(first_backoff=2).backoff(RequestKind.READ, LIMITED, 1, lambda: 0.5) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        (" 0 ", 0),
        ("Mon, 02 Mar 2026 04:30:45 GMT", 45),
        ("Mon, 02 Mar 2026 10:01:00 +0530", 60),
        ("Mon, 02 Mar 2026 04:31:00 -0000", 60),
        ("Mon, 02 Mar 2026 04:00:00 GMT", 0),
        (None, None),
        ("", None),
        ("in a while", None),
        ("-5", None),
        ("1.5", None),
        ("Mon, 99 Mar 2026 04:30:45 GMT", None),
    ],
)
def test_both_forms_of_retry_after_and_nonsense(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds


@given(st.text() | st.from_regex(r"Mon, \d{1,3} Mar \d{1,6} \d\d:\d\d:\d\d [+-]\d{2,12}", fullmatch=True))
def test_no_header_is_too_strange(header: str) -> None:
    seconds = retry_after_seconds(header, NOW)

    assert seconds is None or seconds >= 0


@given(st.integers(0, 10**6))
def test_a_date_means_the_seconds_until_it(ahead: int) -> None:
    date = (NOW + timedelta(seconds=ahead)).strftime("%a, %d %b %Y %H:%M:%S GMT")

    assert retry_after_seconds(date, NOW) == ahead
