"""Any version reads state stored by any other: unknown keys are ignored, missing ones have defaults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel.waiting.finished import WatcherCursor
from airflow_provider_exotel.waiting.outcome import Outcome
from airflow_provider_exotel.waiting.wait import Wait
from airflow_provider_exotel.waiting.watch import WaitEvent

RECORDED: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("recorded_state.json").read_text())
RECORDED["event"] = {"step": "ended", "wait": RECORDED["wait"], "outcome": RECORDED["outcome"]}
READERS: dict[str, Any] = {
    "wait": Wait.of_json,
    "outcome": Outcome.of_json,
    "event": WaitEvent.of_json,
    "watcher_cursor": WatcherCursor.of_json,
}
REQUIRED = {
    "wait": {"campaign_id"},
    "outcome": {"id", "status"},
    "event": {"step", "wait"},
    "watcher_cursor": {"since"},
}
STATES = pytest.mark.parametrize("name", READERS)


@STATES
def test_recorded_state_is_read_and_stored_unchanged(name: str) -> None:
    assert READERS[name](RECORDED[name]).as_json() == RECORDED[name]


@STATES
def test_an_unknown_key_is_ignored(name: str) -> None:
    of_a_later_version = {**RECORDED[name], "invented": {"by": ["a later version"]}}

    assert READERS[name](of_a_later_version) == READERS[name](RECORDED[name])


@pytest.mark.parametrize(
    ("name", "missing"),
    [(name, key) for name in READERS for key in RECORDED[name] if key not in REQUIRED[name]],
)
def test_a_missing_key_has_its_default(name: str, missing: str) -> None:
    of_an_earlier_version = {key: value for key, value in RECORDED[name].items() if key != missing}

    read = READERS[name](of_an_earlier_version).as_json()

    others = RECORDED[name].keys() - {missing, "not_reached" if missing == "not_reached_by_reason" else missing}
    assert {key: read[key] for key in others} == {key: RECORDED[name][key] for key in others}
