"""The campaign to the test numbers and the real one are each created once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_exotel.emulator import Emulator, Fault

from .conftest import connect
from .task_runs import KEEPS_STATE, NUMBERS, Died, Tries

TESTERS = ["+919876511113"]
CALLED = [TESTERS, NUMBERS]
with_and_without = pytest.mark.parametrize(
    "journal",
    [
        pytest.param(True, id="journal", marks=pytest.mark.skipif(not KEEPS_STATE, reason="before Airflow 3.3")),
        pytest.param(False, id="no journal"),
    ],
)


@pytest.fixture
def exotel(monkeypatch: pytest.MonkeyPatch, skip_waits: None) -> Iterator[Emulator]:
    """A local Exotel in which everybody answers, and hours of dialling take a second."""
    with Emulator(seed=1, speed=3600, skip_waiting=True, outcomes={"completed": 1}) as emulator:
        connect(monkeypatch, emulator)
        yield emulator


@pytest.fixture
def call(exotel: Emulator, journal: bool) -> Callable[..., Any]:
    """Run a try of the task."""
    tries = Tries(exotel, keeps_state=journal)
    # Without an owner record, which Airflow's database keeps.
    arguments = {"test_numbers": TESTERS, "schedule": {"end_at": "PT9H"}, "pause_on_kill": False, "poll_interval": 0.1}
    return lambda number=1, **more: tries.run(number, **(arguments | more))


def called(exotel: Emulator) -> list[list[str]]:
    return [list(campaign.numbers) for campaign in exotel.campaigns]


@with_and_without
def test_the_real_one_follows_the_test(call: Callable[..., Any], exotel: Emulator) -> None:
    created = call()

    assert called(exotel) == CALLED
    assert created == exotel.campaigns[1].id
    assert call(2) == created
    assert called(exotel) == CALLED


@with_and_without
@pytest.mark.parametrize("lost", [1, 2])
def test_an_answer_that_is_lost_makes_no_third_campaign(call: Callable[..., Any], exotel: Emulator, lost: int) -> None:
    exotel.faults.add(Fault(on="POST campaigns", kind="drop_after_commit", after=lost - 1))

    call()

    assert called(exotel) == CALLED


@pytest.mark.skipif(not KEEPS_STATE, reason="before Airflow 3.3 nothing is written")
@pytest.mark.parametrize("journal", [True])
@pytest.mark.parametrize("written", [1, 2, 3, 4])
def test_a_worker_that_dies_after_any_writing_makes_no_third_campaign(
    call: Callable[..., Any], exotel: Emulator, written: int
) -> None:
    left = [written]

    def die_after_some() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Died

    with pytest.raises(Died):
        call(after_writing=die_after_some)
    call(2)

    assert called(exotel) == CALLED


@with_and_without
@pytest.mark.parametrize(
    ("corrected", "people"),
    [
        ({"test_numbers": ["+919876511114"]}, ["+919876511114"]),
        ({"read_via_text": "Hello again"}, TESTERS),
        ({"exact_name": True, "name": "A name of our own", "test_numbers": ["+919876511114"]}, ["+919876511114"]),
    ],
    ids=["numbers", "content", "exact name"],
)
def test_a_corrected_test_is_called_by_a_campaign_of_its_own(
    call: Callable[..., Any], exotel: Emulator, corrected: dict[str, Any], people: list[str]
) -> None:
    exotel.settings.outcomes = {"no-answer": 1}
    name = {key: corrected[key] for key in ("exact_name", "name") if key in corrected}
    with pytest.raises(Exception, match="correct the content or test_numbers and clear the task"):
        call(**name)
    exotel.settings.outcomes = {"completed": 1}

    call(2, **corrected)

    assert called(exotel) == [TESTERS, people, NUMBERS]


@pytest.mark.parametrize("journal", [False])
def test_instances_of_a_mapped_task_call_nobody_for_a_test(call: Callable[..., Any], exotel: Emulator) -> None:
    with pytest.raises(Exception, match="test_numbers: cannot be used in a mapped task"):
        call(map_index=0)
    call(map_index=1, test_first=False)

    assert called(exotel) == [NUMBERS]
