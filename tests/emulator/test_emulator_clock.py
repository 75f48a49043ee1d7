from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.emulator import Clock, Settings
from airflow_provider_exotel.emulator.account import Account
from airflow_provider_exotel.emulator.timeline import Anchor, instant_at

START = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)


def test_a_stepped_clock_moves_only_by_hand() -> None:
    clock = Clock(START)
    assert clock.now() == START
    clock.advance(90)
    clock.set(START + timedelta(hours=1))
    assert clock.now() == START + timedelta(hours=1)
    assert clock.progress() == 3600


@pytest.mark.parametrize("wrong", [lambda clock: clock.advance(-1), lambda clock: clock.set(START - timedelta(1))])
def test_no_clock_goes_back(wrong: Any) -> None:
    with pytest.raises(ValueError, match="go back"):
        wrong(Clock(START))


@pytest.mark.parametrize(
    ("make", "named"), [(lambda: Clock(START.replace(tzinfo=None)), "offset"), (lambda: Clock(speed=-1), "speed")]
)
def test_invalid_clocks_are_refused(make: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        make()


def test_a_running_clock_validates_by_real_time_and_dials_faster(time_machine: Any) -> None:
    time_machine.move_to(START, tick=False)
    clock = Clock(speed=600)
    time_machine.shift(10)
    assert clock.now() == START + timedelta(seconds=10)
    assert clock.progress() == 6000


@pytest.mark.parametrize(
    ("skip", "seconds", "status"),
    [(False, 14.3, "created"), (False, 14.5, "in-progress"), (True, 0.2, "created"), (True, 0.4, "in-progress")],
)
def test_waits_take_their_time_or_are_skipped(time_machine: Any, skip: bool, seconds: float, status: str) -> None:
    time_machine.move_to(START, tick=False)
    account = Account("emulator", Settings(), Clock(speed=3600, skip_waiting=skip), seed=0)
    numbers = ",".join(f"+9198765{index:05d}" for index in range(5000))
    # 14 h 24 min later: 14.4 s at 3600 times real time.
    body = {"caller_id": "0XXXXXX4890", "from": numbers, "schedule": {"send_at": "2026-03-03T00:24:00+05:30"}}
    campaign = account.create(body)
    time_machine.shift(seconds)
    assert account.state(campaign.id).status == status


def test_a_skipping_demo_reaches_the_end_within_seconds(time_machine: Any) -> None:
    time_machine.move_to(START, tick=False)
    account = Account("emulator", Settings(), Clock(speed=3600, skip_waiting=True), seed=0)
    body = {
        "caller_id": "0XXXXXX4890",
        "from": ",".join(f"+9198765{index:05d}" for index in range(50)),
        "retries": {"number_of_retries": 3, "interval_mins": 240, "mechanism": "Exponential"},
        "schedule": {"send_at": "2026-03-03T10:00:00+05:30", "end_at": "2026-03-03T18:00:00+05:30"},
    }
    campaign = account.create(body)
    time_machine.shift(5)
    state = account.state(campaign.id)
    assert state.status == "completed"
    assert all(state.send_at <= call.started < state.end_at for call in state.calls)


def test_an_action_does_not_move_the_timeline(time_machine: Any) -> None:
    time_machine.move_to(START, tick=False)
    account = Account("emulator", Settings(), Clock(speed=3600, skip_waiting=True), seed=0)
    body = {"caller_id": "0XXXXXX4890", "from": "+919876543210", "schedule": {"send_at": "2026-03-03T10:00:00+05:30"}}
    campaign = account.create(body)
    time_machine.shift(0.1)
    before = account.state(campaign.id).instant
    for action in ("pause", "resume"):
        assert account.change(campaign.id, {"action": action}).instant == before


def fast_campaign(time_machine: Any, **fields: Any) -> tuple[Account, str]:
    time_machine.move_to(START, tick=False)
    account = Account("emulator", Settings(outcomes={"busy": 1}), Clock(speed=3600, skip_waiting=True), seed=0)
    return account, account.create({"caller_id": "0XXXXXX4890", "from": "+919876543210", **fields}).id


def test_the_wait_for_the_end_with_uncalled_numbers_is_skipped(time_machine: Any) -> None:
    schedule = {"send_at": "2026-03-03T10:00:00+05:30", "end_at": "2026-03-03T18:00:00+05:30"}
    retries = {"number_of_retries": 1, "interval_mins": 600}
    account, campaign = fast_campaign(time_machine, schedule=schedule, retries=retries)
    time_machine.shift(1)
    assert account.state(campaign).status == "completed"
    assert len(account.state(campaign).calls) == 1


def test_a_paused_campaign_does_not_skip_to_its_end(time_machine: Any) -> None:
    account, campaign = fast_campaign(time_machine, schedule={"send_at": "2026-03-05T10:00:00+05:30"})
    before = account.change(campaign, {"action": "pause"}).instant
    time_machine.shift(1)
    assert account.state(campaign).instant == before + 3600


def test_a_send_time_before_the_timeline_does_not_dial_in_the_past(time_machine: Any) -> None:
    account, campaign = fast_campaign(time_machine, schedule={"send_at": "2026-03-03T10:00:00+05:30"})
    time_machine.shift(0.1)
    edited = account.change(campaign, {"schedule": {"send_at": "2026-03-02T10:05:00+05:30"}})
    time_machine.shift(0.1)
    assert [call.started >= edited.now for call in account.state(campaign).calls] == [True]


waits = st.lists(st.integers(0, 1000), unique=True, max_size=10).map(sorted)


@given(waits, st.floats(0, 2000), st.floats(0, 2000), st.none() | st.floats(0.001, 100))
def test_a_timeline_never_goes_back_nor_slower_than_the_clock(
    edges: list[int], first: float, second: float, cost: float | None
) -> None:
    pairs = [(float(begin), float(until)) for begin, until in zip(edges[::2], edges[1::2], strict=False)]
    earlier, later = sorted((first, second))
    reached = [instant_at(Anchor(0, 0), progress, pairs, cost) for progress in (earlier, later)]
    assert reached[1] - reached[0] >= later - earlier - 0.01
