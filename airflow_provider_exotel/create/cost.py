"""Estimate the cost of a campaign from the price per minute in the connection.

The service charges answered calls; this estimate rounds each up to whole minutes. Call durations are known only
afterwards, so each answered call counts as one minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_exotel.client.request import CallRetries


@dataclass(frozen=True)
class Tariff:
    """The price per minute.

    :param price_per_minute: the price in the account's currency.
    :param currency: the currency code, such as ``INR``; empty if unknown.
    """

    price_per_minute: Decimal
    currency: str = ""

    def cost_of(self, minutes: int) -> Decimal:
        """Return the cost of a number of minutes."""
        return self.price_per_minute * minutes

    def describe(self, amount: Decimal) -> str:
        """Return an amount with its currency, such as ``INR 1,250.00``."""
        return f"{self.currency} {amount:,.2f}".strip()

    def estimate(self, contacts: int, call_retries: CallRetries | None) -> CostEstimate:
        """Return the estimated cost of calling a number of contacts.

        :param contacts: number of contacts.
        :param call_retries: the retry plan.
        """
        attempts = 1 + (call_retries.number_of_retries or 0 if call_retries else 0)
        return CostEstimate(self, self.cost_of(contacts), self.cost_of(contacts * attempts))


@dataclass(frozen=True)
class CostEstimate:
    """The estimated cost of a campaign.

    :param tariff: the price per minute.
    :param expected: the cost if every contact answers once, for one minute.
    :param worst_case: the cost if every attempt of the retry plan is charged for one minute.
    """

    tariff: Tariff
    expected: Decimal
    worst_case: Decimal

    def __str__(self) -> str:
        expected, worst_case = map(self.tariff.describe, (self.expected, self.worst_case))
        return expected if expected == worst_case else f"{expected}, at most {worst_case}"

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, amounts as text."""
        amounts = {"expected": f"{self.expected:.2f}", "worst_case": f"{self.worst_case:.2f}"}
        return {**amounts, "currency": self.tariff.currency or None}


def read_amount(value: object) -> Decimal:
    """Return an amount of money.

    :param value: a number or its text.
    :raises ValueError: if it is not an amount of 0 or more.
    """
    try:
        amount = Decimal(str(value).strip()) if not isinstance(value, bool) else Decimal(-1)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise ValueError("must be an amount of 0 or more")
    return amount


def check_max_cost(max_cost: Decimal | None, estimate: CostEstimate | None, tariff: Tariff | None) -> str | None:
    """Return why a campaign may cost too much, or ``None`` if it is within the limit.

    :param max_cost: the limit for the worst case; ``None`` for no limit.
    :param estimate: the estimated cost; ``None`` if unknown.
    :param tariff: the price per minute; ``None`` if the connection has none.
    """
    if max_cost is None:
        return None
    if tariff is None:
        return "needs price_per_minute in the connection; set it there"
    if estimate is None:
        return "cannot be checked for contact lists, whose size is unknown; give numbers, or use PlanAudienceOperator"
    if estimate.worst_case <= max_cost:
        return None
    return (
        f"must be at least the worst case of {tariff.describe(estimate.worst_case)} (got "
        f"{max_cost:,.2f}); raise it, or reduce contacts or retries"
    )
