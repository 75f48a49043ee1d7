"""The cost of a campaign is estimated, and refused if it may exceed the limit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.create.cost import Tariff, read_amount

from ..campaign_specs import MORNING, spec_of

TARIFF = Tariff(Decimal("0.60"), "INR")
FIELDS: dict[str, Any] = {
    "numbers": [f"+9198765{number:05}" for number in range(1_000)],
    "caller_id": "0XXXXXX4890",
    "read_via_text": "Hello",
    "schedule": {"send_at": "PT1H", "end_at": "PT9H"},
    "call_retries": {"number_of_retries": 2, "interval_mins": 15},
}


def refusal(**arguments: Any) -> str:
    """Return the only problem of a campaign."""
    with pytest.raises(ExotelInputError) as caught:
        spec_of(FIELDS | arguments, tariff=TARIFF)
    [problem] = caught.value.problems
    return str(problem)


def test_a_plan_has_expected_and_maximum_cost() -> None:
    plan = spec_of(FIELDS, tariff=TARIFF).plan(MORNING)

    assert str(plan.cost) == "INR 600.00, at most INR 1,800.00"
    assert plan.as_dict()["cost"] == {"expected": "600.00", "worst_case": "1800.00", "currency": "INR"}


def test_there_is_no_estimate_without_a_price() -> None:
    assert spec_of(FIELDS).plan(MORNING).as_dict()["cost"] is None


def test_without_retries_the_worst_case_is_the_expected_one() -> None:
    assert str(TARIFF.estimate(10, None)) == "INR 6.00"
    assert str(TARIFF.estimate(10, CallRetries(number_of_retries=0, interval_mins=5))) == "INR 6.00"


def test_a_worst_case_above_the_limit_is_refused() -> None:
    spec_of(FIELDS | {"max_cost": "1800"}, tariff=TARIFF)

    assert refusal(max_cost=1799.99) == (
        "max_cost: must be at least the worst case of INR 1,800.00 (got 1,799.99); "
        "raise it, or reduce contacts or retries"
    )


def test_a_limit_that_cannot_be_checked_is_refused() -> None:
    assert refusal(max_cost=500, numbers=None, lists=["LIST"]).startswith(
        "max_cost: cannot be checked for contact lists"
    )
    with pytest.raises(ExotelInputError, match="max_cost: needs price_per_minute in the connection"):
        spec_of(FIELDS | {"max_cost": 500})


@pytest.mark.parametrize("wrong", [-1, "much", True, "nan", "inf"])
def test_an_invalid_limit_is_refused(wrong: object) -> None:
    assert refusal(max_cost=wrong) == "max_cost: must be an amount of 0 or more; give an amount, such as 500"


def test_amounts_are_parsed_exactly() -> None:
    assert [read_amount(one) for one in ("0.1", 0.1, 3, Decimal(7))] == [Decimal("0.1"), Decimal("0.1"), 3, 7]
