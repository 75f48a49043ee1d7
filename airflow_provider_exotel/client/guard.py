"""What a connection forbids, whatever a DAG says: the safety of a staging account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.numbers import PhoneNumbers


@dataclass(frozen=True)
class StagingGuard:
    """Refuses campaigns that would call anybody else, or too many.

    :param only_numbers: the only numbers that may be called; ``None`` for no such limit.
    :param max_contacts: the most contacts a campaign may have; ``None`` for no such limit.
    """

    only_numbers: PhoneNumbers | None = None
    max_contacts: int | None = None

    def check(self, numbers: PhoneNumbers | None, lists: tuple[str, ...] | None) -> None:
        """Raise :class:`ExotelInputError` if the connection does not allow this audience."""
        if problems := list(self._problems(numbers, lists)):
            raise ExotelInputError(problems)

    def _problems(self, numbers: PhoneNumbers | None, lists: tuple[str, ...] | None) -> Iterator[Problem]:
        if lists and self.only_numbers is not None:
            yield Problem("lists", "the connection's only_numbers cannot be checked against a list; give numbers")
        if lists and self.max_contacts is not None:
            yield Problem("lists", "the connection's max_contacts cannot be checked against a list; give numbers")
        if numbers is None:
            return
        if self.max_contacts is not None and len(numbers) > self.max_contacts:
            yield Problem("numbers", f"holds {len(numbers):,}; the connection's max_contacts is {self.max_contacts:,}")
        if self.only_numbers is not None:
            allowed = {_digits(number) for number in self.only_numbers}
            others = sum(_digits(number) not in allowed for number in numbers)
            if others:
                yield Problem(
                    "numbers",
                    f"{others:,} of {len(numbers):,} are not among the connection's only_numbers; "
                    "call only those, in the same spelling, or use another connection",
                )


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number).removeprefix("00")
