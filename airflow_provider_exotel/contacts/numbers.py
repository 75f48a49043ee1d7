"""Clean the numbers of one campaign with the same rules as an audience of any size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.request import MAX_NUMBERS
from airflow_provider_exotel.contacts.files import read_rows
from airflow_provider_exotel.contacts.normalise import normalise
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.contacts.rows import COLUMN, Columns, Row

_SHOWN = 10
_CANNOT_BE = " cannot be a phone number; write E.164, such as +91 and ten digits"
_MESSAGES = {Reason.EMPTY: _CANNOT_BE, Reason.NOT_A_NUMBER: _CANNOT_BE}


@dataclass(frozen=True)
class CleanNumbers:
    """The cleaned numbers of a campaign.

    :param numbers: the numbers, in E.164 if they are international or their country is known; ``None`` if none are
        given.
    :param misfits: positions, from 1, of the rejected entries, by reason.
    :param duplicates: number of duplicates left out.
    """

    numbers: PhoneNumbers | None
    misfits: Mapping[Reason, list[int]]
    duplicates: int = 0

    @property
    def rejected(self) -> int:
        """Number of rejected entries."""
        return sum(map(len, self.misfits.values()))

    def problems(self) -> Iterator[Problem]:
        """Yield the problems of the rejected entries."""
        messages: dict[str, list[int]] = {}
        for reason, positions in self.misfits.items():
            message = _MESSAGES.get(reason, f": {reason.explanation}; fix them, or set on_invalid_numbers='drop'")
            messages.setdefault(message, []).extend(positions)
        return (
            Problem("numbers", f"{_format_positions(sorted(positions))}{what}") for what, positions in messages.items()
        )


def clean_numbers(
    given: Any, *, default_country: str | None, has_country_code: bool = False, keep_duplicates: bool = False
) -> CleanNumbers:
    """Return the numbers of a campaign, normalised and without duplicates.

    :param given: numbers as a list or as comma-separated text; ``None`` for none. In a list, an ambiguous number is
        decided by the others.
    :param default_country: ISO code of the country of national numbers; with ``None`` these are left unchanged.
    :param has_country_code: whether every number is known to start with a country code, with or without ``+``.
    :param keep_duplicates: whether to call a number as often as it is listed.
    :raises ExotelInputError: if they are not a list of numbers, or the country is unknown.
    """
    if given is None:
        return CleanNumbers(None, {})
    try:
        entries = list(PhoneNumbers.of(given))
    except TypeError as error:
        raise ExotelInputError([Problem("numbers", str(error))]) from None
    misfits: dict[Reason, list[int]] = {}
    valid: list[str] = []
    for position, verdict in enumerate(normalise(entries, default_country, has_country_code=has_country_code), 1):
        if isinstance(verdict, Reason):
            misfits.setdefault(verdict, []).append(position)
        else:
            valid.append(verdict)
    once = valid if keep_duplicates else dict.fromkeys(valid)
    return CleanNumbers(PhoneNumbers(once), misfits, len(valid) - len(once))


def read_numbers_file(path: Any, *, number_column: str | None = None) -> PhoneNumbers:
    """Return the raw numbers of a file or folder.

    :param path: a CSV or Parquet file, or a folder of them, for
        :func:`~airflow_provider_exotel.contacts.files.read_rows`.
    :param number_column: the column of the numbers, default ``number``. A file without a header has one number per
        line.
    :raises ExotelInputError: if it cannot be opened or read, a row does not match the header, it has no numbers, or it
        has more than a campaign allows. In the last case the rest is not read.
    """
    numbers: list[str] = []
    for row in read_rows(path, Columns(number_column or COLUMN)):
        numbers.append(_check_fault(row).number)
        if len(numbers) > MAX_NUMBERS:
            message = f"has more than {MAX_NUMBERS:,} numbers; use PlanAudienceOperator to split them"
            raise ExotelInputError([Problem("numbers_from", message)])
    if not numbers:
        raise ExotelInputError([Problem("numbers_from", "has no numbers; write one number per line")])
    return PhoneNumbers(numbers)


def _check_fault(row: Row) -> Row:
    if row.fault:
        raise ExotelInputError([Problem("numbers_from", row.fault)])
    return row


def _format_positions(positions: list[int]) -> str:
    first = ", ".join(map(str, positions[:_SHOWN]))
    more = f" and {len(positions) - _SHOWN:,} more" if len(positions) > _SHOWN else ""
    return f"{len(positions):,} of them (at position {first}{more})"
