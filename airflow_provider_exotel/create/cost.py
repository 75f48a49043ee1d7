"""What a campaign may cost, by the price of a minute that the connection names.

The service charges answered calls, and rounds each up to whole minutes in this estimate. How long people talk is known
only afterwards, so before a campaign each answered call counts as one minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_exotel.client.request import CallRetries


@dataclass(frozen=True)
class Tariff:
    """The price of a minute.

    :param price_per_minute: in the account's currency.
    :param currency: its name, such as ``INR``; empty if it is not known.
    """

    price_per_minute: Decimal
    currency: str = ""

    def cost_of(self, minutes: int) -> Decimal:
        """Return what so many minutes cost."""
        return self.price_per_minute * minutes

    def describe(self, amount: Decimal) -> str:
        """Return an amount with its currency, such as ``INR 1,250.00``."""
        return f"{self.currency} {amount:,.2f}".strip()

    def estimate(self, contacts: int, call_retries: CallRetries | None) -> CostEstimate:
        """Return what it may cost to call so many contacts.

        :param contacts: how many.
        :param call_retries: the retry plan.
        """
        attempts = 1 + (call_retries.number_of_retries or 0 if call_retries else 0)
        return CostEstimate(self, self.cost_of(contacts), self.cost_of(contacts * attempts))


@dataclass(frozen=True)
class CostEstimate:
    """What a campaign may cost.

    :param tariff: the price.
    :param expected: if everybody answers once, for a minute.
    :param worst_case: if every attempt of the retry plan is charged for a minute.
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
    :raises ValueError: for anything else, and below 0.
    """
    try:
        amount = Decimal(str(value).strip()) if not isinstance(value, bool) else Decimal(-1)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise ValueError("must be an amount of 0 or more")
    return amount


def why_too_much(max_cost: Decimal | None, estimate: CostEstimate | None, tariff: Tariff | None) -> str | None:
    """Return why a campaign costs more than it may, ``None`` if it does not.

    :param max_cost: the most it may cost in the worst case; ``None`` for no limit.
    :param estimate: what it may cost; ``None`` if that is not known.
    :param tariff: the price; ``None`` if the connection names none.
    """
    if max_cost is None:
        return None
    if tariff is None:
        return "needs price_per_minute on the connection; give the price of a minute there"
    if estimate is None:
        return "cannot be checked for contact lists, whose size is not known; give numbers, or use PlanAudienceOperator"
    if estimate.worst_case <= max_cost:
        return None
    return (
        f"must be at least the worst case, which is {tariff.describe(estimate.worst_case)} (got "
        f"{max_cost:,.2f}); raise it, or call fewer people or less often"
    )
