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


# The error; the decisions for GET, PUT or DELETE, and POST; whether a POST certainly created nothing.
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
def test_the_table_of_rules(error: ExotelError, read: bool, change: bool, create: bool, nothing_created: bool) -> None:
    again = [
        decide_retry(kind, error) is RetryDecision.AGAIN
        for kind in (RequestKind.READ, RequestKind.CHANGE, RequestKind.CREATE)
    ]

    assert again == [read, change, create]
    assert is_definite_refusal(error) is nothing_created


@pytest.mark.parametrize(
    ("status", "in_the_other"), [(400, True), (422, True), (405, False), (413, False), (415, False)]
)
def test_refusals_that_may_be_about_the_body_form(status: int, in_the_other: bool) -> None:
    refusal = ExotelRequestRefused("", http_status=status)

    assert [decide_retry(kind, refusal) is RetryDecision.OTHER_FORM for kind in RequestKind] == [
        False,
        in_the_other,
        in_the_other,
    ]


@given(tried=st.integers(1, 4), jitter=st.floats(0, 1))
def test_the_backoff_doubles_up_to_a_limit_with_full_jitter(tried: int, jitter: float) -> None:
    policy = RetryPolicy(tries=5, first_backoff=1, longest_backoff=3)

    assert policy.backoff(RequestKind.READ, UNREACHED, tried, lambda: jitter) == jitter * [1, 2, 3, 3][tried - 1]


def test_the_tries_are_limited() -> None:
    assert RetryPolicy(tries=5).backoff(RequestKind.READ, UNREACHED, 5) is None


@given(retry_after=st.floats(0, 120), jitter=st.floats(0, 1))
def test_retry_after_is_waited_for_with_up_to_a_second_of_jitter(retry_after: float, jitter: float) -> None:
    pause = RetryPolicy().backoff(RequestKind.CREATE, ExotelRateLimited("", retry_after=retry_after), 1, lambda: jitter)

    assert pause is not None
    assert retry_after <= pause <= retry_after + 1


def test_a_retry_after_that_is_too_long_is_left_to_the_caller() -> None:
    policy = RetryPolicy(longest_retry_after=120)

    assert policy.backoff(RequestKind.READ, ExotelRateLimited("", retry_after=120.1), 1) is None


def test_a_429_without_retry_after_has_the_normal_backoff() -> None:
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
def test_retry_after_as_seconds_as_a_date_and_as_nonsense(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds


@given(st.text() | st.from_regex(r"Mon, \d{1,3} Mar \d{1,6} \d\d:\d\d:\d\d [+-]\d{2,12}", fullmatch=True))
def test_no_header_raises_an_error(header: str) -> None:
    seconds = retry_after_seconds(header, NOW)

    assert seconds is None or seconds >= 0


@given(st.integers(0, 10**6))
def test_a_date_is_read_as_the_seconds_until_it(ahead: int) -> None:
    date = (NOW + timedelta(seconds=ahead)).strftime("%a, %d %b %Y %H:%M:%S GMT")

    assert retry_after_seconds(date, NOW) == ahead
