from __future__ import annotations

import math
from collections import Counter
from dataclasses import astuple, replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.emulator.dialling import OUTCOMES, RETRIED, Dialling, Plan, Retries, counts, plan

from ..properties import examples

START = 1_772_000_000.0


@st.composite
def pauses(draw: st.DrawFn) -> tuple[tuple[float, float], ...]:
    edges = sorted(draw(st.sets(st.integers(0, 7200), max_size=6)))
    pairs = [(START + begin, START + until) for begin, until in zip(edges[::2], edges[1::2], strict=False)]
    if len(edges) % 2:
        pairs.append((START + edges[-1], math.inf))
    return tuple(pairs)


diallings = st.builds(
    Dialling,
    numbers=st.lists(st.sampled_from([f"+9198765{index:05d}" for index in range(40)]), max_size=60).map(tuple),
    start=st.just(START),
    end=st.integers(1, 9000).map(lambda seconds: START + seconds),
    calls_per_minute=st.integers(1, 200),
    retries=st.builds(
        Retries,
        extra=st.integers(0, 3),
        interval=st.integers(1, 30).map(lambda minutes: 60.0 * minutes),
        exponential=st.booleans(),
        on=st.sets(st.sampled_from(RETRIED)).map(frozenset),
    ),
    weights=st.tuples(*[st.integers(0, 5)] * 4).filter(any),
    seed=st.integers(0, 3),
    pauses=pauses(),
)


def calls(made: Plan) -> list[tuple[float, float, int, int, str]]:
    rows = zip(made.starts, made.ends, made.indexes, made.attempts, made.outcomes, strict=True)
    return [(start, end, index, attempt, OUTCOMES[outcome]) for start, end, index, attempt, outcome in rows]


@given(diallings)
def test_no_call_starts_outside_the_window_or_in_a_pause(dialling: Dialling) -> None:
    for start, *_ in calls(plan(dialling)):
        assert dialling.start <= start < dialling.end
        assert not any(begin < start < until for begin, until in dialling.pauses)


@given(diallings)
def test_no_number_is_called_more_often_than_its_retries_allow(dialling: Dialling) -> None:
    attempts = Counter(index for _, _, index, _, _ in calls(plan(dialling)))
    assert all(count <= dialling.retries.extra + 1 for count in attempts.values())


@given(diallings)
def test_retries_follow_only_their_statuses_after_the_interval(dialling: Dialling) -> None:
    before: dict[int, tuple[float, int, str]] = {}
    for start, end, index, attempt, status in calls(plan(dialling)):
        if index in before:
            ended, earlier, earlier_status = before[index]
            assert attempt == earlier + 1
            assert earlier_status in dialling.retries.on
            assert start >= ended + dialling.retries.wait(earlier) - 0.001
        else:
            assert attempt == 1
        before[index] = (end, attempt, status)


@given(diallings)
def test_the_throttle_is_kept(dialling: Dialling) -> None:
    starts = [start for start, *_ in calls(plan(dialling))]
    least = 60 / dialling.calls_per_minute - 0.001
    assert all(later - earlier >= least for earlier, later in pairwise(starts))


@given(diallings)
def test_the_same_seed_and_numbers_give_the_same_calls(dialling: Dialling) -> None:
    assert calls(plan(dialling)) == calls(plan(replace(dialling)))


def test_another_seed_gives_other_outcomes() -> None:
    dialling = Dialling(tuple(map(str, range(50))), START, START + 9000, 60, Retries(), (1, 1, 1, 1), seed=1)
    assert calls(plan(dialling)) != calls(plan(replace(dialling, seed=2)))


@given(diallings, st.integers(-60, 12_000), st.booleans())
def test_counts_add_up_at_every_moment(dialling: Dialling, seconds: int, ended: bool) -> None:
    total, *rest = astuple(counts(plan(dialling), START + seconds, ended=ended))
    assert sum(rest) == total == len(dialling.numbers)
    assert min(rest) >= 0


@given(diallings)
def test_at_the_end_every_number_is_done_or_uncalled(dialling: Dialling) -> None:
    made = plan(dialling)
    tally = counts(made, max(made.last_end, dialling.end), ended=False)
    assert tally.open == made.left


@examples(50)
@given(diallings, st.integers(0, 9000))
def test_a_pause_does_not_change_past_calls(dialling: Dialling, seconds: int) -> None:
    moment = START + seconds
    if dialling.pauses and dialling.pauses[-1][1] > moment:
        dialling = replace(dialling, pauses=())
    held = replace(dialling, pauses=(*dialling.pauses, (moment, math.inf)))
    assert calls(plan(held)) == [each for each in calls(plan(dialling)) if each[0] <= moment]


@given(diallings)
def test_idle_periods_have_no_calls(dialling: Dialling) -> None:
    made = plan(dialling)
    for begin, until in made.idle:
        assert begin < until
        assert not any(start < until and end > begin for start, end, *_ in calls(made))
