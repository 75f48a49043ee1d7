from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.rate_limit import TokenBucket, shared_bucket


class FakeTime:
    """A clock that only sleep() advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def bucket(time: FakeTime, per_minute: float = 30) -> TokenBucket:
    return TokenBucket(per_minute, clock=time.clock, sleep=time.sleep)


@given(per_minute=st.integers(1, 60), quiet=st.lists(st.floats(0, 200), min_size=1, max_size=150))
def test_no_minute_has_more_requests_than_the_limit_and_the_saved_tokens(per_minute: int, quiet: list[float]) -> None:
    time = FakeTime()
    limited = bucket(time, per_minute)
    turns = []
    for seconds in quiet:
        time.now += seconds
        limited.take()
        turns.append(time.now)

    for begin in turns:
        in_a_minute = sum(begin <= turn < begin + 59.999 for turn in turns)
        saved = min(per_minute, 2 + (begin - 1000.0) * per_minute / 60)
        assert in_a_minute <= per_minute + saved + 1e-6


def test_it_starts_nearly_empty() -> None:
    time = FakeTime()
    limited = bucket(time)

    waits = [limited.take() for _ in range(5)]

    assert waits == pytest.approx([0, 0, 2, 2, 2])


def test_tokens_are_saved_up_to_the_limit_of_a_minute() -> None:
    time = FakeTime()
    limited = bucket(time)
    time.now += 3600

    waits = [limited.take() for _ in range(31)]

    assert waits == pytest.approx([0] * 30 + [2])


def test_a_lower_count_from_the_service_reduces_the_tokens() -> None:
    time = FakeTime()
    limited = bucket(time)
    time.now += 3600

    limited.observe(remaining=1, seconds_to_reset=40)

    assert [limited.take() for _ in range(2)] == pytest.approx([0, 2])


def test_a_higher_count_from_the_service_adds_no_tokens() -> None:
    limited = bucket(FakeTime())

    limited.observe(remaining=29, seconds_to_reset=40)

    assert [limited.take() for _ in range(3)] == pytest.approx([0, 0, 2])


@pytest.mark.parametrize(("to_reset", "waited"), [(45, 45), (-10, 2), (3600, 60), (None, 2)])
def test_a_used_up_account_is_blocked_until_its_reset(to_reset: float | None, waited: float) -> None:
    limited = bucket(FakeTime())

    limited.observe(remaining=0, seconds_to_reset=to_reset)

    assert limited.take() == pytest.approx(waited)


def test_threads_at_the_same_time_get_different_turns() -> None:
    limited = TokenBucket(30, clock=lambda: 1000.0, sleep=lambda seconds: None)

    with ThreadPoolExecutor(20) as pool:
        waits = list(pool.map(lambda _: limited.take(), range(20)))

    assert sorted(waits) == pytest.approx([0, 0, *(2 * turn for turn in range(1, 19))])


def test_an_account_has_one_bucket_in_a_process() -> None:
    one = shared_bucket("https://api.exotel.com", "account-of-the-bucket-test")

    assert shared_bucket("https://api.exotel.com", "account-of-the-bucket-test") is one
    assert shared_bucket("https://api.in.exotel.com", "account-of-the-bucket-test") is not one
    assert shared_bucket("https://api.exotel.com", "another-account-of-the-bucket-test") is not one
