"""A fixed set of the trials that ``make chaos`` runs by the thousand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chaos import Trial, run_trial
from ways import naive, once

from airflow_provider_exotel.create import lookup
from airflow_provider_exotel.create import once as protocol
from airflow_provider_exotel.create.journal import CampaignJournal
from airflow_provider_exotel.emulator import Emulator

SEEDS = range(10_000, 10_300)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(seed=1, rate_limit=None) as running:
        yield running


def trials(emulator: Emulator, seeds: range = SEEDS) -> dict[int, Trial]:
    return {seed: run_trial(emulator, once, seed) for seed in seeds}


@pytest.fixture(scope="module")
def done(emulator: Emulator) -> dict[int, Trial]:
    return trials(emulator)


def test_every_task_gets_exactly_one_campaign(done: dict[int, Trial]) -> None:
    assert {seed: trial for seed, trial in done.items() if not trial.is_right} == {}


@pytest.mark.parametrize(("what", "least"), [("deaths", 50), ("unknowns", 15), ("overlaps", 10)])
def test_the_trials_go_wrong_in_many_ways(done: dict[int, Trial], what: str, least: int) -> None:
    # Answers that come late by the machine's fault add to those that come late by chance, so no number is exact.
    assert sum(trial.counted[what] for trial in done.values()) > least


def test_the_trials_find_the_duplicates_of_posting_and_returning(emulator: Emulator) -> None:
    assert sum(run_trial(emulator, naive, seed).duplicates for seed in SEEDS[:60]) > 10


def test_they_find_what_a_look_without_patience_would_do(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol.OneCampaign, "_look_until", lambda self, known_after, wanted: self._look(wanted))

    assert sum(trial.duplicates for trial in trials(emulator).values()) > 0


def test_they_find_what_a_look_that_ends_at_the_first_old_campaign_would_do(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "_ORDER_SHOWS_AFTER", 0)

    assert sum(trial.duplicates for trial in trials(emulator, SEEDS[:100]).values()) > 0


def test_they_find_what_sending_without_writing_it_down_would_do(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CampaignJournal, "intend", lambda self, *kept: None)

    assert sum(trial.duplicates for trial in trials(emulator).values()) > 0
