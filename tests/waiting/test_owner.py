"""The ownership of a campaign, and the record that a waiting task stores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.create.identity import identify, rename_keeping_key
from airflow_provider_exotel.waiting.owner import (
    ABSENT,
    NO_ANSWER,
    OwnerRecord,
    Ownership,
    TaskKey,
    campaign_key,
    ownership_of,
)

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("recorded_state.json").read_text())["owner_record"]


@pytest.mark.parametrize(
    ("states", "ownership"),
    [
        (["running", "deferred"], Ownership.OWNED),
        (
            ["scheduled", "queued", "restarting", "up_for_retry", "up_for_reschedule", "awaiting_input", "shutdown"],
            Ownership.NEXT_TRY,
        ),
        ([None], Ownership.CLEARED),
        (["success", "failed", "skipped", "upstream_failed", "removed", ABSENT], Ownership.ENDED),
        ([NO_ANSWER, "a_word_of_a_later_airflow", ""], Ownership.UNKNOWN),
    ],
)
def test_the_ownership_for_each_task_state(states: list[str | None], ownership: Ownership) -> None:
    assert {ownership_of(state) for state in states} == {ownership}


@pytest.mark.airflow
@pytest.mark.filterwarnings("default")
def test_every_state_of_this_airflow_is_known() -> None:
    from airflow.utils.state import TaskInstanceState

    assert [state for state in TaskInstanceState if ownership_of(str(state.value)) is Ownership.UNKNOWN] == []


def test_a_stored_record_is_read_back() -> None:
    record = OwnerRecord("team_a", "0a1b2c3d", TaskKey("reminders", "scheduled__1", "remind", 4))

    assert OwnerRecord.of_json(json.loads(json.dumps(record.as_json()))) == record
    assert OwnerRecord.of_json(RECORDED).as_json() == RECORDED


@pytest.mark.parametrize(("missing", "default"), [("map_index", -1), ("connection", "exotel_default")])
def test_a_missing_key_of_a_record_has_its_default(missing: str, default: Any) -> None:
    kept = {name: value for name, value in RECORDED.items() if name != missing} | {"invented": [1]}

    assert OwnerRecord.of_json(kept, connection="exotel_default").as_json() == RECORDED | {missing: default}


@pytest.mark.parametrize(
    "kept", [None, [], "text", 5, *({**RECORDED, name: None} for name in ("campaign", "dag", "run", "task"))]
)
def test_a_record_without_campaign_or_task_is_refused(kept: Any) -> None:
    with pytest.raises(ExotelInputError, match="the campaign is left alone"):
        OwnerRecord.of_json(kept)


def test_the_text_of_a_task_key() -> None:
    assert str(TaskKey("d", "r", "t")) == "d.t of run r"
    assert str(TaskKey("d", "r", "t", 0)) == "d.t[0] of run r"


def test_the_key_is_found_in_every_name_that_this_package_creates() -> None:
    identity = identify("account", None, dag_id="d", run_id="r", task_id="t", name="Follow-up of af-0123456789abcdef")

    names = [
        identity.name,
        identity.name_for("ab12"),
        identity.name.upper(),
        rename_keeping_key(identity.name, "Another"),
    ]

    assert {campaign_key(name) for name in names} == {identity.key}
    assert campaign_key("By hand, af-0123") is None
