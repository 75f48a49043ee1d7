"""An audience is planned again for the same occasion: nobody is called twice, and nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_exotel import ExotelHook
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.emulator import Emulator

from ..versions import AIRFLOW
from .test_audience import Instance, add_all_tasks, called_by, executed, indians, plan, table

THREE_DAYS = timedelta(days=3)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture
def plan_and_call(run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path) -> Callable[..., Any]:
    """Run the way from an audience to its campaigns, and let these end; each run has an id and a folder of its own."""
    runs = 0

    def run(people: list[str], logical_date: datetime | None, **arguments: Any) -> Any:
        nonlocal runs
        runs += 1
        path, folder = table(tmp_path / "people.csv", people), tmp_path / f"run-{runs}"
        date = {"logical_date" if AIRFLOW >= (3, 0) else "execution_date": logical_date}
        with time_machine.travel(datetime.now(UTC) + (runs - 1) * THREE_DAYS):
            ran = run_dag(lambda: add_all_tasks(folder, path=path, **arguments), **date)
        exotel.clock.advance(THREE_DAYS.total_seconds())
        assert {one.status for one in exotel.campaigns} == {"completed"}
        return ran

    return run


def test_a_second_run_of_a_date_follows_the_campaigns_of_the_first(
    plan_and_call: Callable[..., Any], exotel: Emulator
) -> None:
    people = [*indians(3), *(f"+97150{one:07}" for one in range(3))]
    hours = {"window": None, "presets": {"IN": "IN_SERVICE", "AE": "AE_MARKETING"}}
    plan_and_call(people, TODAY, **hours)

    second = plan_and_call(people, TODAY, **hours)

    assert second.state == "success"
    assert called_by(exotel) == sorted(people)


def test_a_second_run_of_a_date_does_not_call_a_corrected_audience(
    plan_and_call: Callable[..., Any], exotel: Emulator, log: Any
) -> None:
    plan_and_call(indians(3), TODAY)

    second = plan_and_call(indians(4), TODAY)

    assert (second.task_state("plan"), called_by(exotel)) == ("failed", indians(3))
    assert f"whose people are called by 1 campaign (the first is {exotel.campaigns[0].id})" in log.text


@pytest.mark.skipif(AIRFLOW < (3, 0), reason="every run has a date before Airflow 3.0")
def test_each_run_without_a_date_calls_its_people(plan_and_call: Callable[..., Any], exotel: Emulator) -> None:
    for _ in range(2):
        assert plan_and_call(indians(3), None).state == "success"

    assert called_by(exotel) == sorted(indians(3) * 2)


@pytest.fixture
def planned(exotel: Emulator, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Plan an audience in a folder of its own, and return the arguments of its campaigns."""
    folders = (tmp_path / f"plan-{number}" for number in range(9))

    def make(
        people: list[str],
        *,
        run_id: str = "scheduled",
        logical_date: datetime | None = TODAY,
        instance: Instance | None = None,
        **arguments: Any,
    ) -> list[dict[str, Any]]:
        task = plan(next(folders), **{"records": lambda: people} | arguments)
        return executed(task, run_id, instance, logical_date)  # type: ignore[no-any-return]

    return make


def create(arguments: dict[str, Any]) -> Campaign:
    """Create a planned campaign."""
    numbers = Path(arguments["numbers_from"].removeprefix("file://")).read_text().split()[1:]
    return ExotelHook().create_campaign_once(
        idempotency_key=arguments["idempotency_key"], numbers=numbers, read_via_text="Hello", settle=0
    )


EVERYWHERE = {"start": "10:00", "end": "18:00"}
CHANGES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "one person fewer": (indians(2), {}),
    "the same people in another order": (indians(3)[::-1], {}),
    "another text": (indians(3), {"read_via_text": "Goodbye"}),
    "another group of the same people": (indians(3), {"window": EVERYWHERE}),
    "more campaigns": ([*indians(3), "+971500000000"], {"window": EVERYWHERE}),
}


@pytest.mark.parametrize(("people", "changed"), CHANGES.values(), ids=CHANGES)
def test_a_date_with_campaigns_is_not_planned_differently(
    planned: Callable[..., Any], people: list[str], changed: dict[str, Any]
) -> None:
    [first] = planned(indians(3))
    existing = create(first)

    with pytest.raises(AirflowFailException, match=rf"plan: differs from .* \(the first is {existing.id}\)"):
        planned(people, run_id="backfill", **changed)


def test_a_date_whose_campaigns_were_deleted_is_planned_anew(planned: Callable[..., Any], exotel: Emulator) -> None:
    exotel.settings.list_deleted = True
    [first] = planned(indians(3))
    ExotelHook().client.delete_campaign(create(first).id)

    assert len(planned(indians(4), run_id="backfill")) == 1


def test_a_date_without_campaigns_is_planned_anew(planned: Callable[..., Any]) -> None:
    planned(indians(3))

    assert len(planned(indians(4), run_id="backfill")) == 1


def test_the_same_plan_of_a_date_has_the_same_keys(planned: Callable[..., Any]) -> None:
    people = [*indians(3), "+971500000000"]
    first = planned(people, window=EVERYWHERE)
    create(first[0])

    again = planned(people, window=EVERYWHERE, run_id="backfill")

    keys = [one["idempotency_key"] for one in first]
    assert [one["idempotency_key"] for one in again] == keys
    assert len(set(keys)) == 2


OTHERS: dict[str, dict[str, Any]] = {
    "date": {"logical_date": TODAY - timedelta(days=1)},
    "run without a date": {"logical_date": None},
    "map index": {"instance": Instance(map_index=0)},
    "task": {"instance": Instance(task_id="plan_again")},
    "DAG": {"instance": Instance(dag_id="surveys")},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_occasion_calls_the_same_people_by_campaigns_of_its_own(
    planned: Callable[..., Any], exotel: Emulator, other: dict[str, Any]
) -> None:
    [first] = planned(indians(3))
    create(first)

    [second] = planned(indians(3), **other)

    assert create(second).id != exotel.campaigns[0].id
