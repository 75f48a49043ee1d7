"""Whatever the service does, a run ends, changes only its own items, and names every campaign that may still dial."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from airflow_provider_exotel.emulator import CampaignState, Emulator

from .conftest import NUMBER, Run, verify
from .hostile import STRANGER, TIMEOUTS, hostile, plan_of

# Twenty by default; all 300 with EXOTEL_HOSTILE_SERVERS=300.
SEEDS = range(int(os.environ.get("EXOTEL_HOSTILE_SERVERS", "20")))
MOST_CALLS, MOST_RUNS = 3, 5
STILL_THERE = {"created", "in-progress", "paused"}


def left_of(emulator: Emulator) -> list[CampaignState]:
    """The campaigns of the command that may dial or be resumed."""
    return [each for each in emulator.campaigns if each.name.startswith("Exotel-Verify") and each.status in STILL_THERE]


def unnamed(emulator: Emulator, run: Run) -> list[str]:
    """The names of remaining campaigns that the run did not name."""
    named = [line for line in run.text.splitlines() if line.startswith("STILL THERE")]
    return [each.name for each in left_of(emulator) if not any(each.name in line or each.id in line for line in named)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_against_a_hostile_server_ends_and_leaves_nothing_that_may_dial(
    out: Path, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    plan = plan_of(seed)
    caplog.set_level(logging.DEBUG, logger="airflow_provider_exotel")
    with hostile(plan, seed) as emulator:
        run = verify(emulator, out, timeouts=TIMEOUTS)
        assert unnamed(emulator, run) == []
        for _ in range(MOST_RUNS if plan.ends and left_of(emulator) else 0):
            again = verify(emulator, out, timeouts=TIMEOUTS)
            assert unnamed(emulator, again) == []
        if plan.ends:
            assert left_of(emulator) == []
        campaigns, calls = emulator.campaigns, [call for each in emulator.campaigns for call in each.calls]
        token = emulator.api_token

    assert len(calls) <= MOST_CALLS
    assert {call.number for call in calls} <= {NUMBER}
    assert [each.status for each in campaigns if STRANGER in each.numbers] == ["created", "created"]
    written = [run.text, caplog.text, *(file.read_text() for file in out.parent.iterdir())]
    for secret in (NUMBER, NUMBER[3:], STRANGER, STRANGER[3:], token):
        assert not any(secret in text for text in written)
