"""The numbers of a campaign as a task is given them, cleaned as an audience of any size is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.contacts.normalise import normalise
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.contacts.rows import read_numbers

_SHOWN = 10
_CANNOT_BE = " cannot be a phone number; write E.164, such as +91 and ten digits"
_SAID = {
    Reason.EMPTY: _CANNOT_BE,
    Reason.NOT_A_NUMBER: _CANNOT_BE,
    Reason.INVALID: f": {Reason.INVALID.explanation}; mend them, or leave them out with on_invalid_numbers='drop'",
    Reason.DIGITS_LOST: f": {Reason.DIGITS_LOST.explanation}",
}


@dataclass(frozen=True)
class CleanNumbers:
    """Whom a campaign is to call.

    :param numbers: the numbers, in E.164 where they are international or their country is known; ``None`` if none are
        given.
    :param misfits: the positions, from 1, of entries that are no numbers, by the reason.
    :param duplicates: how many entries repeated an earlier one and were left out.
    """

    numbers: PhoneNumbers | None
    misfits: Mapping[Reason, list[int]]
    duplicates: int = 0

    @property
    def rejected(self) -> int:
        """How many entries are no numbers."""
        return sum(map(len, self.misfits.values()))

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the entries that are no numbers."""
        said: dict[str, list[int]] = {}
        for reason, positions in self.misfits.items():
            said.setdefault(_SAID[reason], []).extend(positions)
        return (Problem("numbers", f"{_at(sorted(positions))}{what}") for what, positions in said.items())


def clean_numbers(
    given: PhoneNumbers,
    *,
    default_country: str | None,
    has_country_code: bool = False,  # noqa: ARG001
    keep_duplicates: bool = False,
) -> CleanNumbers:
    """Return numbers as they are to be called, with what is none of them counted by reason.

    :param given: the numbers as they are written.
    :param default_country: the ISO code of the country whose national numbers are meant; with ``None`` these are left
        as they are given.
    :param has_country_code: whether every number without ``+`` begins with its calling code.
    :param keep_duplicates: whether a number is called as often as it is listed.
    :raises ExotelInputError: for a country that is none.
    """
    verdicts = normalise(list(given), default_country)
    misfits: dict[Reason, list[int]] = {}
    for position, verdict in enumerate(verdicts, 1):
        if not isinstance(verdict, str):
            misfits.setdefault(verdict, []).append(position)
    valid = [verdict for verdict in verdicts if isinstance(verdict, str)]
    once = valid if keep_duplicates else dict.fromkeys(valid)
    return CleanNumbers(PhoneNumbers(once), misfits, len(valid) - len(once))


def read_numbers_file(path: Any, *, number_column: str | None = None) -> PhoneNumbers:  # noqa: ARG001
    """Return the numbers of a file.

    :param path: the file, such as an ``ObjectStoragePath``.
    :param number_column: the column of the numbers.
    :raises ExotelInputError: if it cannot be read.
    """
    try:
        with path.open("r", encoding="utf-8", newline="") as lines:
            # What Airflow 2.11 opens can be read and not iterated over.
            return read_numbers(iter(lines.readline, ""))
    except FileNotFoundError:
        raise ExotelInputError(
            [Problem("numbers_from", f"no file is at {redact(path)}; write the path of one")]
        ) from None


def _at(positions: list[int]) -> str:
    first = ", ".join(map(str, positions[:_SHOWN]))
    more = f" and {len(positions) - _SHOWN:,} more" if len(positions) > _SHOWN else ""
    return f"{len(positions):,} of them (at position {first}{more})"
