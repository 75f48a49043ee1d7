"""Every profile that the emulator plays is recovered, as far as it is visible from outside."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel.emulator import Emulator

from ...account_profiles import (
    DIALECTS,
    mixtures,
    name_of,
    played,
    rotations,
    single_deviations,
    switches_of,
    visible_answers,
)
from .conftest import verify

# By default both dialects and each value of each answer once; all cases with EXOTEL_PROFILES=all.
ALL = [*single_deviations(), *rotations(), *mixtures(60)]
CASES = ALL if os.environ.get("EXOTEL_PROFILES") == "all" else [*((dialect, {}) for dialect in DIALECTS), *rotations()]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_profile_of_the_emulator_is_recovered(out: Path, case: tuple[str, dict[str, Any]]) -> None:
    dialect, profile = case
    answers = played(profile, dialect)
    with Emulator(seed=1, **switches_of(profile, dialect)) as emulator:
        run = verify(emulator, out)
        campaigns, lists = emulator.campaigns, emulator.lists

    assert {name: value for name, value in run.known.items() if name in answers} == {
        name: answers[name] for name in run.known if name in answers
    }
    assert visible_answers(answers) - run.known.keys() == set()
    assert (run.code, lists) == (0, [])
    assert [each.status for each in campaigns if each.status in {"created", "in-progress"}] == []


def test_a_recovered_profile_plays_like_the_account(out: Path, tmp_path: Path) -> None:
    with Emulator(seed=1, dialect="wrapped", accepts="wrapped", at_end="paused", list_delay_seconds=5) as account:
        first = verify(account, out)

    with Emulator(seed=1, profile=out) as copy:
        second = verify(copy, tmp_path / "again.json")

    # Whether the one call pressed a key is random even between runs of one seed, since it depends on ids.
    answers = [{name: value for name, value in run.known.items() if name != "quoted_digits"} for run in (first, second)]
    assert answers[0] == answers[1]
