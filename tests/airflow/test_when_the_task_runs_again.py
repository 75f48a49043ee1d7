"""What becomes of a task's campaign when the task runs again: each row of the table in docs/one-campaign.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_exotel.client.errors import ExotelOutcomeUnknown
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.create import once
from airflow_provider_exotel.emulator import Emulator, Fault

from .task_runs import KEEPS_STATE, NUMBERS, Died, Tries, die

with_and_without = pytest.mark.parametrize(
    "journal",
    [
        pytest.param(True, id="journal", marks=pytest.mark.skipif(not KEEPS_STATE, reason="before Airflow 3.3")),
        pytest.param(False, id="no journal"),
    ],
)
pytestmark = with_and_without


@pytest.fixture
def tries(exotel: Emulator, journal: bool) -> Tries:
    return Tries(exotel, keeps_state=journal)


def later(**time: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + timedelta(**time))


def test_the_worker_died_before_it_was_sent(tries: Tries) -> None:
    if tries.keeps_state:
        with pytest.raises(Died):
            tries.run(after_writing=die)
    assert tries.posts() == []

    with later(minutes=10):
        created = tries.run(2)

    assert [campaign.id for campaign in tries.exotel.campaigns] == [created]


@pytest.mark.parametrize("when", ["while", "after"])
def test_the_worker_died_while_or_after_it_was_sent(tries: Tries, when: str) -> None:
    writings = iter([lambda: None, die])
    dying: dict[str, Any] = {"at_the_end": die}
    if when == "while" and tries.keeps_state:
        dying = {"after_writing": lambda: next(writings)()}
    with pytest.raises(Died):
        tries.run(**dying)

    assert tries.run(2) == tries.exotel.campaigns[0].id
    assert len(tries.posts()) == 1


@pytest.mark.parametrize("kind", ["drop_after_commit", "cut_body", "empty_body"])
def test_the_answer_was_lost_in_any_way(tries: Tries, kind: str) -> None:
    tries.exotel.settings.list_delay_reads = once.MIN_POLLS - 1
    tries.exotel.faults.add(Fault(on="POST campaigns", kind=kind))

    assert tries.run() == tries.exotel.campaigns[0].id
    assert len(tries.posts()) == 1


def test_the_answer_was_lost_and_it_is_not_listed(tries: Tries) -> None:
    tries.exotel.faults.add(Fault(on="POST campaigns", kind="drop_before_commit"))
    with pytest.raises(ExotelOutcomeUnknown):
        tries.run()

    with later(minutes=10):
        created = tries.run(2)

    assert [campaign.id for campaign in tries.exotel.campaigns] == [created]


def test_its_window_closed_meanwhile(tries: Tries) -> None:
    today = datetime.now(UTC)
    window = {"send_at": today + timedelta(hours=1), "end_at": today + timedelta(hours=9)}
    first = tries.run(schedule=window)

    with later(hours=10):
        assert tries.run(2, schedule=window) == first


@pytest.mark.parametrize("number", [1, 2])
def test_it_was_cleared_also_after_success(tries: Tries, number: int) -> None:
    assert tries.run() == tries.run(number)
    assert len(tries.posts()) == 1


def test_the_run_was_deleted_and_created_again_under_its_id_or_backfilled(tries: Tries) -> None:
    first = tries.run(run_id="backfill__2026-03-02")
    tries.states.clear()

    assert tries.run(run_id="backfill__2026-03-02") == first
    assert len(tries.posts()) == 1


def test_idempotency_key_was_changed(tries: Tries) -> None:
    assert tries.run(idempotency_key="march") != tries.run(2, idempotency_key="april")


@pytest.mark.parametrize(
    "other", [{"task_id": "renamed"}, {"dag_id": "renamed"}, {"map_index": 1}, {"run_id": "scheduled__2"}], ids=str
)
def test_the_run_the_task_the_dag_or_the_map_index_is_another(tries: Tries, other: dict[str, Any]) -> None:
    assert tries.run() != tries.run(**other)
    assert len(tries.posts()) == 2


def test_another_task_has_the_same_idempotency_key(tries: Tries) -> None:
    first = tries.run(idempotency_key="march")

    assert tries.run(idempotency_key="march", dag_id="surveys", task_id="ask", run_id="scheduled__2") == first
    assert len(tries.posts()) == 1


def test_rows_of_a_mapped_task_changed_places(tries: Tries) -> None:
    for index in (0, 1):
        tries.run(map_index=index, numbers=[NUMBERS[index]])

    for index in (0, 1):
        with pytest.raises(AirflowFailException, match="each index of a mapped task its own"):
            tries.run(2, map_index=index, numbers=[NUMBERS[1 - index]])

    assert len(tries.posts()) == 2


def test_rows_of_a_mapped_task_changed_places_and_each_has_an_idempotency_key(tries: Tries) -> None:
    rows = [{"numbers": [number], "idempotency_key": f"march-{place}"} for place, number in enumerate(NUMBERS)]
    first = [tries.run(map_index=index, **row) for index, row in enumerate(rows)]

    assert [tries.run(2, map_index=index, **row) for index, row in enumerate(rows[::-1])] == first[::-1]


@pytest.mark.parametrize("audience", [{"numbers": NUMBERS[:1]}, {"numbers": None, "lists": ["north"]}], ids=str)
def test_the_campaign_calls_other_people_than_this_try_would(tries: Tries, audience: dict[str, Any]) -> None:
    tries.exotel.add_list("north", NUMBERS)
    tries.run()

    with pytest.raises(AirflowFailException, match="calls other people") as caught:
        tries.run(2, **audience)

    assert "98765" not in str(caught.value)
    assert len(tries.posts()) == 1


def test_the_campaign_was_sent_with_other_fields_than_this_try_would_send(
    tries: Tries, caplog: pytest.LogCaptureFixture
) -> None:
    first = tries.run(flow_id=926)

    assert tries.run(2, flow_id=927, caller_id="0XXXXXX0001") == first
    assert "already exists with a different caller_id, url than this try would send; it is not changed" in caplog.text


@pytest.mark.parametrize(("if_paused", "status"), [("follow", "paused"), ("resume", "in-progress")])
def test_it_was_paused_by_hand(tries: Tries, if_paused: str, status: str) -> None:
    first = tries.run()
    tries.client.pause_campaign(first)
    tries.exotel.clock.advance(2 * 3600)

    with later(hours=2):
        assert tries.run(2, if_paused=if_paused) == first

    assert tries.statuses == [status]


def test_it_was_archived_by_hand(tries: Tries) -> None:
    first = tries.run()
    tries.exotel.clock.advance(24 * 3600)
    tries.client.archive_campaign(first)

    assert tries.run(2) == first


def test_it_was_deleted_by_hand(tries: Tries) -> None:
    tries.exotel.settings.list_deleted = not tries.keeps_state
    tries.client.delete_campaign(tries.run())

    with pytest.raises(AirflowFailException, match="was deleted and is not created again"):
        tries.run(2)

    assert len(tries.posts()) == 1


def test_it_was_renamed_by_hand(tries: Tries) -> None:
    first = tries.run()
    marker = tries.exotel.campaigns[0].name.rpartition(" ")[2]
    tries.client.update_campaign(first, name="Renamed" if tries.keeps_state else f"Renamed {marker}".upper())

    assert tries.run(2) == first
    assert len(tries.posts()) == 1


def test_there_are_two_of_one_key_after_all(tries: Tries, caplog: pytest.LogCaptureFixture) -> None:
    first = tries.run()
    tries.exotel.clock.advance(1)
    again = CampaignRequest(
        numbers=NUMBERS, caller_id="0XXXXXX4890", name=tries.exotel.campaigns[0].name, schedule={"send_at": _tomorrow()}
    )
    tries.client.create_campaign(again)
    tries.states.clear()

    assert tries.run(2) == first
    assert tries.statuses == ["created", "deleted"]
    assert "2 campaigns are named" in caplog.text


def test_tasks_of_one_idempotency_key_send_it_at_the_same_time(tries: Tries, caplog: pytest.LogCaptureFixture) -> None:
    if not tries.keeps_state:
        pytest.skip("nothing to interrupt it at; tests/campaign has every order of two")
    first: list[str] = []

    def another_task() -> None:
        if not first:
            first.append(tries.run(idempotency_key="march", task_id="other"))
            tries.exotel.clock.advance(1)

    assert [tries.run(idempotency_key="march", after_writing=another_task)] == first
    assert tries.statuses == ["created", "deleted"]
    assert "withdrew campaign" in caplog.text


def _tomorrow() -> datetime:
    return (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
