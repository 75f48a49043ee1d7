"""The moment a run stands for."""

from __future__ import annotations

from datetime import UTC, datetime

import pendulum
import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.windows.anchor import anchor_given, anchor_of
from airflow_provider_exotel.windows.calling_window import CallingWindow

YESTERDAY = datetime(2026, 3, 1, tzinfo=UTC)
TODAY = datetime(2026, 3, 2, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("logical_date", "start", "end", "run_after", "expected"),
    [
        pytest.param(YESTERDAY, YESTERDAY, TODAY, TODAY, (TODAY, "data_interval_end"), id="interval run of 2.11"),
        pytest.param(TODAY, TODAY, TODAY, TODAY, (TODAY, "logical_date"), id="cron run of 3.x"),
        pytest.param(NOON, YESTERDAY, TODAY, NOON, (NOON, "logical_date"), id="by hand, in an interval DAG"),
        pytest.param(NOON, None, None, NOON, (NOON, "logical_date"), id="by hand, with a date"),
        pytest.param(None, None, None, NOON, (NOON, "run_after"), id="by hand, or by an asset, without a date"),
        pytest.param(None, TODAY, TODAY, NOON, (NOON, "run_after"), id="an empty interval says nothing"),
        pytest.param(YESTERDAY, None, None, NOON, (YESTERDAY, "logical_date"), id="started later than its date"),
        pytest.param(NOON, None, None, None, (NOON, "logical_date"), id="2.11 has no run_after"),
    ],
)
def test_the_moment_a_run_stands_for(logical_date, start, end, run_after, expected) -> None:
    assert anchor_of(logical_date, start, end, run_after) == expected


def test_the_same_schedule_dials_alike_on_airflow_2_and_3() -> None:
    window = CallingWindow(start="10:00", end="18:00", timezone="Asia/Kolkata")
    now = datetime(2026, 3, 2, 0, 0, 9, tzinfo=UTC)

    on_two = window.schedule_for(anchor_of(YESTERDAY, YESTERDAY, TODAY, None).moment, now)
    on_three = window.schedule_for(anchor_of(TODAY, TODAY, TODAY, TODAY).moment, now)

    assert on_two == on_three
    assert on_two.payload()["send_at"] == "2026-03-02T10:00:00+05:30"


def test_a_run_that_says_nothing_is_told_to_give_an_anchor() -> None:
    with pytest.raises(ExotelInputError, match="anchor: is required, as this run has no logical date"):
        anchor_of(None, None, None, None)


@pytest.mark.parametrize("text", ["2026-03-02", "2026-03-02T10:00:00", "{{ ds }}"])
def test_an_anchor_without_offset_is_refused(text: str) -> None:
    with pytest.raises(ExotelInputError, match="anchor: "):
        anchor_given(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+05:30", "9999-12-31T23:59:59-05:30"])
def test_an_anchor_that_no_run_can_have_is_refused(text: str) -> None:
    with pytest.raises(ExotelInputError, match="anchor: must be between the years 1900 and 2199"):
        anchor_given(text)


def test_an_anchor_is_an_rfc_3339_time() -> None:
    assert anchor_given(" 2026-03-02T17:30:00+05:30\n") == (NOON, "anchor")


def test_a_moment_of_another_argument_is_named_after_it() -> None:
    with pytest.raises(ExotelInputError, match="until: must have a UTC offset"):
        anchor_given("2026-03-02T17:30:00", "until")


def test_an_anchor_of_pendulum_becomes_a_plain_datetime() -> None:
    # Its arithmetic moves wall clocks; Airflow's dates are its own.
    moment = anchor_given(pendulum.datetime(2026, 3, 2, 17, 30, tz="Asia/Kolkata")).moment

    assert (type(moment), moment) == (datetime, NOON)
