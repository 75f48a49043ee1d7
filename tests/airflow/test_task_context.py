"""What a running task tells of itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine

from airflow_provider_exotel.hooks.task import KEY_REMEMBERED_FOR, earliest_date, is_later_try

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=5)


@pytest.mark.parametrize(
    ("context", "key", "earliest"),
    [
        ({}, None, NOW),
        ({"logical_date": EARLIER}, None, EARLIER),
        ({"logical_date": NOW + timedelta(days=1)}, None, NOW - KEY_REMEMBERED_FOR),
        ({"logical_date": None, "data_interval_start": EARLIER}, None, EARLIER),
        ({"dag_run": SimpleNamespace(run_after=EARLIER, start_date=None)}, None, EARLIER),
        ({"dag_run": SimpleNamespace(run_after=None, start_date=EARLIER)}, None, EARLIER),
        ({"dag_run": SimpleNamespace(start_date=EARLIER)}, None, EARLIER),
        ({"logical_date": EARLIER}, "march", NOW - KEY_REMEMBERED_FOR),
        ({}, "march", NOW - timedelta(days=30)),
    ],
    ids=str,
)
def test_nothing_of_a_run_is_older_than_the_earliest_of_its_dates(
    context: dict[str, Any], key: str | None, earliest: datetime
) -> None:
    with time_machine.travel(NOW, tick=False):
        assert earliest_date(context, idempotency_key=key) == earliest


@pytest.mark.parametrize(("number", "is_later"), [(1, False), (2, True)])
def test_only_a_first_try_has_none_before_it(number: int, is_later: bool) -> None:
    assert is_later_try({"ti": SimpleNamespace(try_number=number)}) is is_later


def test_outside_of_a_task_there_is_no_try() -> None:
    assert not is_later_try({})
