"""Counts of calls, collected while they are read: enough for every chart, without personal data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Self

from airflow_provider_exotel.report.call import REACHED, Call

# Longer input, or many different inputs, does not answer a menu and may be personal, so it is only counted.
_LONGEST_DIGITS, _MOST_DIGITS = 2, 24
OTHER_DIGITS = "longer"


@dataclass
class Figures:
    """Counts of calls.

    :param minutes: calls by the minute of their start, counted since 1970.
    :param outside_minutes: those that started outside the window.
    :param hours: calls by the local hour of the person.
    :param hours_answered: those that were answered.
    :param nth: calls by the number of the attempt, from 1.
    :param nth_answered: those that were answered.
    :param digits: answered calls by the keys pressed.
    :param cost: total price of the calls, in the account's currency.
    :param priced: calls whose price is known.
    :param talked: seconds of answered calls.
    :param minutes_charged: minutes of answered calls, each rounded up to at least one.
    :param untimed: calls whose start is unknown.
    :param unnamed: calls whose number is unknown.
    :param too_often: people who were called more often than allowed.
    """

    attempts: int = 0
    answered: int = 0
    minutes: Counter[int] = field(default_factory=Counter)
    outside_minutes: Counter[int] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    hours_answered: Counter[int] = field(default_factory=Counter)
    nth: Counter[int] = field(default_factory=Counter)
    nth_answered: Counter[int] = field(default_factory=Counter)
    digits: Counter[str] = field(default_factory=Counter)
    cost: Decimal = Decimal()
    priced: int = 0
    talked: int = 0
    minutes_charged: int = 0
    untimed: int = 0
    unnamed: int = 0
    too_often: int = 0

    @property
    def outside(self) -> int:
        """Number of calls outside the window."""
        return self.outside_minutes.total()

    def add(self, call: Call, nth: int, local: datetime | None, *, inside: bool | None) -> None:
        """Count one call.

        :param call: the call.
        :param nth: its number among the person's calls, from 1.
        :param local: its start in the person's local time.
        :param inside: whether it started inside the window, ``None`` if unknown.
        """
        answered = call.status == REACHED
        self.attempts += 1
        self.answered += answered
        if call.start is not None:
            self.minutes[int(call.start // 60)] += 1
            if inside is False:
                self.outside_minutes[int(call.start // 60)] += 1
        if local is not None:
            self.hours[local.hour] += 1
            self.hours_answered[local.hour] += answered
        if call.contact:
            self.nth[nth] += 1
            self.nth_answered[nth] += answered
        if answered:
            self.talked += call.duration or 0
            self.minutes_charged += max(1, -(-(call.duration or 0) // 60))
            digit = call.digit or ""
            is_choice = digit in self.digits or len(self.digits) < _MOST_DIGITS
            self.digits[digit if is_choice and len(digit) <= _LONGEST_DIGITS else OTHER_DIGITS] += 1
        if (price := _amount(call.price)) is not None:
            self.cost, self.priced = self.cost + price, self.priced + 1
        self.untimed += call.start is None
        self.unnamed += not call.contact

    @classmethod
    def merge(cls, several: Iterable[Figures]) -> Self:
        """Return the counts of several campaigns together."""
        made = cls()
        for one in several:
            for name in (each.name for each in fields(cls)):
                setattr(made, name, getattr(made, name) + getattr(one, name))
        return made


def _amount(price: str | None) -> Decimal | None:
    try:
        amount = Decimal(price) if price else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() else None
