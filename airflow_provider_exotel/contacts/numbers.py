"""The numbers of one campaign, cleaned as those of an audience of any size are."""

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
_SAID = {Reason.EMPTY: _CANNOT_BE, Reason.NOT_A_NUMBER: _CANNOT_BE}


@dataclass(frozen=True)
class CleanNumbers:
    """The people a campaign calls.

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
            message = _SAID.get(reason, f": {reason.explanation}; fix them, or set on_invalid_numbers='drop'")
            said.setdefault(message, []).extend(positions)
        return (Problem("numbers", f"{_at(sorted(positions))}{what}") for what, positions in said.items())


def clean_numbers(
    given: Any, *, default_country: str | None, has_country_code: bool = False, keep_duplicates: bool = False
) -> CleanNumbers:
    """Return the numbers of a campaign: each judged, and nobody named twice.

    :param given: numbers as a list or as comma-separated text; ``None`` if there are none. A list is a column: where a
        number can be read as two, the others decide.
    :param default_country: the ISO code of the country whose national numbers are meant; with ``None`` these are left
        as they are given.
    :param has_country_code: whether every number is known to begin with a country code, with or without ``+``.
    :param keep_duplicates: whether people are to be called as often as they are listed.
    :raises ExotelInputError: if they are no list of numbers, or the country is unknown.
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
    """Return the numbers of a file or a folder as they stand there, at most as many as a campaign may have.

    :param path: a CSV or Parquet file, or a folder of them, as
        :func:`~airflow_provider_exotel.contacts.files.read_rows` takes it.
    :param number_column: the column of the numbers, default ``number``. A file without a header holds one number a
        line.
    :raises ExotelInputError: if it cannot be opened or read, has a row that does not fit, has no number, or more than a
        campaign may have, in which case the rest is not read.
    """
    numbers: list[str] = []
    for row in read_rows(path, Columns(number_column or COLUMN)):
        numbers.append(_fitting(row).number)
        if len(numbers) > MAX_NUMBERS:
            wanted = f"holds more than {MAX_NUMBERS:,} numbers; let PlanAudienceOperator split them"
            raise ExotelInputError([Problem("numbers_from", wanted)])
    if not numbers:
        raise ExotelInputError([Problem("numbers_from", "holds no number; write one number a line")])
    return PhoneNumbers(numbers)


def _fitting(row: Row) -> Row:
    if row.fault:
        raise ExotelInputError([Problem("numbers_from", row.fault)])
    return row


def _at(positions: list[int]) -> str:
    first = ", ".join(map(str, positions[:_SHOWN]))
    more = f" and {len(positions) - _SHOWN:,} more" if len(positions) > _SHOWN else ""
    return f"{len(positions):,} of them (at position {first}{more})"
