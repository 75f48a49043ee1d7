"""The options of a task: invalid values, and conflicts between options."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.create.options import option_conflicts, parse_options

LATER = datetime(2026, 3, 6, tzinfo=UTC)
RESUMES = {"on_window_end": "resume", "window": "IN_SERVICE"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("min_reached", 60), ("min_reached", -0.1), ("min_reached", True), ("poll_interval", 0), ("settle", -1)],
)
def test_a_number_out_of_its_range_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ExotelInputError) as caught:
        parse_options({name: value})

    assert [problem.field for problem in caught.value.problems] == [name]


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"min_reached": 0.5}, {"min_reached"}),
        ({"min_reached": 0.5, "wait_for_completion": True}, set()),
        (RESUMES, {"on_window_end"}),
        (RESUMES | {"until": LATER, "wait_for_completion": True}, set()),
        (RESUMES | {"window": None, "wait_for_completion": True}, {"on_window_end"}),
        ({"on_window_end": "fail", "until": LATER, "wait_for_completion": True}, {"until"}),
    ],
    ids=str,
)
def test_an_option_without_its_required_option_is_refused(given: dict[str, Any], fields: set[str]) -> None:
    waits = {"wait_for_completion": False, "from_params": False} | given

    assert {problem.field for problem in option_conflicts(waits)} == fields
