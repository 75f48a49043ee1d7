"""A small fixed set of the trials of ``make chaos``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_exotel.create import lookup
from airflow_provider_exotel.create import once as protocol
from airflow_provider_exotel.create.journal import CampaignJournal
from airflow_provider_exotel.emulator import Emulator

from .chaos import Trial, run_trial
from .ways import naive, once

SEEDS = range(10_000, 10_100)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(seed=1, rate_limit=None) as running:
        yield running


@pytest.fixture(scope="module")
def done(emulator: Emulator) -> dict[int, Trial]:
    return {seed: run_trial(emulator, once, seed) for seed in SEEDS}


def find_duplicates(emulator: Emulator) -> bool:
    """Return whether a trial ends with two campaigns, stopping at the first such trial."""
    return any(run_trial(emulator, once, seed).duplicates for seed in SEEDS)


def test_every_task_gets_exactly_one_campaign(done: dict[int, Trial]) -> None:
    assert {seed: trial for seed, trial in done.items() if not trial.is_right} == {}


@pytest.mark.parametrize(("what", "least"), [("deaths", 20), ("unknowns", 5), ("overlaps", 3), ("discarded", 3)])
def test_the_trials_cover_many_faults(done: dict[int, Trial], what: str, least: int) -> None:
    # A slow machine adds delays to the random ones, so no number is exact.
    assert sum(trial.counted[what] for trial in done.values()) > least


def test_the_trials_find_duplicates_of_post_and_return(emulator: Emulator) -> None:
    assert sum(run_trial(emulator, naive, seed).duplicates for seed in SEEDS[:60]) > 10


def test_the_trials_find_duplicates_of_trust_in_a_discarded_journal(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CampaignJournal, "knows_earlier_tries", property(lambda self: self.outlives_tries))

    assert any(run_trial(emulator, once, seed).after_clear > 1 for seed in SEEDS)


def test_the_trials_find_duplicates_of_a_look_up_without_patience(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        protocol.OneCampaign, "_poll_until", lambda self, certain_after, wanted: self._poll_list(wanted)
    )

    assert find_duplicates(emulator)


def test_the_trials_find_duplicates_of_a_look_up_that_ends_too_early(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "_ORDER_SHOWS_AFTER", 0)

    assert find_duplicates(emulator)


def test_the_trials_find_duplicates_of_sending_without_a_journal(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CampaignJournal, "intend", lambda self, *kept: None)

    assert find_duplicates(emulator)
