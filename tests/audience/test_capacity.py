"""The shares of a plan's campaigns in the account's calls per minute, and when they finish.

2026-03-02 is a Monday; the window is open for eight hours, 480 minutes, every day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.audience.capacity import CallVolume, Fit, Share, share_capacity
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.windows.calling_window import CallingWindow
from airflow_provider_exotel.windows.common_window import CommonWindow

from ..properties import examples

INDIA = CallingWindow(start="10:00", end="18:00", timezone="Asia/Kolkata")
EARLY = datetime.fromisoformat("2026-03-02T06:00:00+05:30")
RETRIES = CallRetries(number_of_retries=3, interval_mins=15)  # the last attempt 45 minutes after the first


def shares_of(
    *contacts: int, anchor: datetime = EARLY, window: CallingWindow = INDIA, **account: object
) -> list[Share]:
    return share_capacity([CallVolume(number, window) for number in contacts], anchor, **account)


def at(moment: datetime | None) -> str | None:
    return moment and f"{moment:%d %H:%M}"


def test_one_campaign_dials_one_call_less_than_the_limit() -> None:
    [share] = shares_of(5_000)

    assert share.throttle == 59


def test_campaigns_share_by_size() -> None:
    assert [share.throttle for share in shares_of(5_000, 2_500, 2_500, calls_per_minute=101)] == [50, 25, 25]


def test_the_smallest_campaign_gets_at_least_one_call() -> None:
    assert [share.throttle for share in shares_of(100_000, 1)] == [58, 1]


@examples(100)
@given(st.lists(st.integers(1, 500_000), min_size=1, max_size=20), st.integers(21, 200))
def test_all_campaigns_together_use_the_whole_budget(contacts, calls_per_minute) -> None:
    throttles = [share.throttle for share in shares_of(*contacts, calls_per_minute=calls_per_minute)]

    assert min(throttles) >= 1
    assert sum(throttles) == calls_per_minute - 1
    by_size = [throttle for _, throttle in sorted(zip(contacts, throttles, strict=True))]
    assert all(one <= more + 1 for one, more in pairwise(by_size))


@pytest.mark.parametrize(
    ("concurrency", "call_length", "throttle"),
    [
        (10, timedelta(minutes=1), 10),
        (10, timedelta(seconds=30), 20),
        (100, timedelta(minutes=1), 59),
        (None, timedelta(minutes=9), 59),
    ],
)
def test_calls_at_once_limit_calls_per_minute_by_their_length(
    concurrency: int | None, call_length: timedelta, throttle: int
) -> None:
    [share] = shares_of(5_000, concurrency=concurrency, call_length=call_length)

    assert share.throttle == throttle


CASES = [
    # (id, contacts, anchor, retries, from and to, earliest, latest, days)
    ("done at once or after all retries", 590, "02T06:00", RETRIES, "02 10:00", "02 10:10", "02 11:25", 1),
    ("without retries both are one", 590, "02T06:00", None, "02 10:00", "02 10:10", "02 10:10", 1),
    ("a part of a minute is one", 591, "02T06:00", None, "02 10:00", "02 10:11", "02 10:11", 1),
    ("from a minute after the anchor", 590, "02T12:00", None, "02 12:01", "02 12:11", "02 12:11", 1),
    ("the whole window is enough", 59 * 480, "02T06:00", None, "02 10:00", "02 18:00", "02 18:00", 1),
    ("a minute more rests till the next day", 59 * 481, "02T06:00", None, "02 10:00", "03 10:01", "03 10:01", 2),
    ("with retries it may take days", 59 * 300, "02T06:00", RETRIES, "02 10:00", "02 15:00", "04 14:45", 3),
    ("in the evening it starts the next day", 590, "02T17:59", None, "03 10:00", "03 10:10", "03 10:10", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("contacts", "anchor", "retries", "send_at", "earliest", "latest", "days"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
def test_the_finish_of_a_campaign(
    contacts: int, anchor: str, retries: CallRetries | None, send_at: str, earliest: str, latest: str, days: int
) -> None:
    moment = datetime.fromisoformat(f"2026-03-{anchor}:00+05:30")

    [share] = shares_of(contacts, anchor=moment, call_retries=retries)

    assert (at(share.send_at), at(share.earliest_finish), at(share.latest_finish), share.windows) == (
        send_at,
        earliest,
        latest,
        days,
    )
    assert share.fits == (days == 1)


def test_days_outside_the_window_are_skipped() -> None:
    working_days = CallingWindow(start="10:00", end="18:00", timezone="Asia/Kolkata", weekdays="mon-fri")
    friday = datetime.fromisoformat("2026-03-06T06:00:00+05:30")

    [share] = shares_of(59 * 481, anchor=friday, window=working_days)

    assert (at(share.end_at), at(share.latest_finish), share.windows) == ("06 18:00", "09 10:01", 2)


def test_a_campaign_of_several_zones_dials_only_in_their_common_hours() -> None:
    emirates = CallingWindow(start="09:00", end="18:00", timezone="Asia/Dubai")

    [share] = share_capacity([CallVolume(59 * 451, CommonWindow(all_of=[INDIA, emirates]))], EARLY)

    assert (at(share.send_at), at(share.latest_finish)) == ("02 10:30", "03 10:31")


@pytest.mark.parametrize(("contacts", "outlives"), [(59 * 480 * 30, False), (59 * 480 * 31, True)])
def test_a_campaign_of_more_than_thirty_days_outlives_its_limit(contacts: int, outlives: bool) -> None:
    [share] = shares_of(contacts)

    assert share.outlives_campaign is outlives


def test_a_finish_after_more_than_a_year_is_unknown() -> None:
    [share] = shares_of(59 * 480 * 500)

    assert (share.earliest_finish, share.latest_finish, share.windows_at_best, share.windows) == (None,) * 4
    assert str(Fit.of([share])).startswith(
        "Does not fit into one window even if everybody answers: it needs 29,500 calls per minute, or more"
    )


@pytest.mark.parametrize(
    ("contacts", "account", "field", "advice"),
    [
        ([], {}, "volumes", "without contacts"),
        ([5, 0], {}, "volumes", "without contacts"),
        ([1] * 60, {}, "calls_per_minute", "for each of 60 campaigns (leaves 59)"),
        ([1], {"calls_per_minute": 1}, "calls_per_minute", "for each of 1 campaigns (leaves 0)"),
        ([1], {"calls_per_minute": 0}, "calls_per_minute", "(leaves 0)"),
        ([1, 1], {"concurrency": 1}, "calls_per_minute", "for each of 2 campaigns (leaves 1)"),
        ([1], {"concurrency": 1, "call_length": timedelta()}, "call_length", "give the duration of a call"),
    ],
)
def test_impossible_volumes_are_refused(
    contacts: list[int], account: dict[str, object], field: str, advice: str
) -> None:
    with pytest.raises(ExotelInputError) as raised:
        shares_of(*contacts, **account)

    [problem] = raised.value.problems
    assert problem.field == field
    assert advice in problem.message


FITS = [
    # (id, contacts of each campaign, retries, what is said)
    ("whoever answers", [590], RETRIES, "Fits into one window, even if nobody answers and every call is retried."),
    (
        "only if everybody answers",
        [59 * 300],
        RETRIES,
        "Fits into one window only if everybody answers: with all retries it needs 163 calls per minute, or "
        "3 windows (it dials 59 calls per minute).",
    ),
    (
        "not at all",
        [78_500],
        None,
        "Does not fit into one window even if everybody answers: it needs 164 calls per minute, or 3 windows "
        "(it dials 59 calls per minute).",
    ),
    (
        "not at all, and still less with retries",
        [40_000, 38_500],
        RETRIES,
        "Does not fit into one window even if everybody answers: it needs 165 calls per minute, or 3 windows; with all "
        "retries 723 calls per minute, or 12 windows (it dials 59 calls per minute).",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("contacts", "retries", "said"), [pytest.param(*case[1:], id=case[0]) for case in FITS])
def test_the_description_of_a_fit(contacts: list[int], retries: CallRetries | None, said: str) -> None:
    assert str(Fit.of(shares_of(*contacts, call_retries=retries))) == said


@examples(50)
@given(st.integers(1, 100_000), st.integers(0, 3), st.integers(0, 7 * 60 + 14), st.booleans())
def test_the_needed_rate_is_the_lowest_that_fits(contacts, retries, late, at_best) -> None:
    anchor = EARLY.replace(hour=10) + timedelta(minutes=late)
    plan = CallRetries(number_of_retries=retries, interval_mins=15) if retries else None

    def shared(rate: int) -> Share:
        [share] = shares_of(contacts, anchor=anchor, call_retries=plan, calls_per_minute=rate + 1)
        return share

    needed = getattr(shared(1), "rate_at_best" if at_best else "rate")
    windows = [
        getattr(shared(rate), "windows_at_best" if at_best else "windows") for rate in (needed - 1, needed) if rate
    ]

    assert windows[-1] == 1
    assert [days for days in windows[:-1] if days == 1] == []


def test_a_window_of_less_than_a_minute_fits_no_rate() -> None:
    evening = EARLY.replace(hour=17, minute=58, second=30)

    [share] = shares_of(5, anchor=evening)

    assert (share.rate, share.windows) == (None, 2)
    assert str(Fit.of([share])) == (
        "Does not fit into one window even if everybody answers: it needs 2 windows (it dials 59 calls per minute)."
    )
