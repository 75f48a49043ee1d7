"""Why a row is left out, and the one file that may hold what stood there."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from airflow_provider_exotel.client.errors import ExotelInputError, Problem


class Reason(Enum):
    """Why a row is left out; the value is the word that files and summaries use."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"
    EXTENSION = "extension"
    AMBIGUOUS = "ambiguous"
    INVALID = "invalid"
    DIGITS_LOST = "digits_lost"
    NO_COUNTRY = "no_country"
    RAGGED = "ragged"
    UNKNOWN_ZONE = "unknown_zone"
    OTHER_ZONE = "other_zone"
    NO_HOURS = "no_hours"

    @property
    def explanation(self) -> str:
        """The reason in plain words."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    Reason.EMPTY: "there is no number",
    Reason.NOT_A_NUMBER: "it cannot be read as one phone number",
    Reason.EXTENSION: "it has an extension, which cannot be dialled; without it the switchboard would be called",
    Reason.AMBIGUOUS: "it can be read as two numbers; write + and the country code, or set "
    "numbers_have_country_code=True if every number has its country code",
    Reason.INVALID: "no country's numbering plan has such a number",
    Reason.DIGITS_LOST: "a spreadsheet has rounded it and its last digits are lost; format the column as text",
    Reason.NO_COUNTRY: "it is written without a country and cannot be compared with numbers not to be called",
    Reason.RAGGED: "the row does not fit the header; put text that holds commas in quotation marks",
    Reason.UNKNOWN_ZONE: "nobody knows in which time zone its owner lives",
    Reason.OTHER_ZONE: "its owner may live in another time zone than the window's",
    Reason.NO_HOURS: "no calling hours are given for the country it is of",
}


@dataclass(frozen=True)
class Rejection:
    """One row that is left out.

    :param row: its position in the source, from 1, as spreadsheets count.
    :param reason: why.
    :param raw: what stood there; meant for the quarantine file and nothing else.
    """

    row: int
    reason: Reason
    raw: str = field(repr=False)


class TextSink(Protocol):
    """A text file that is written to."""

    def write(self, text: str, /) -> Any:
        """Write ``text``."""


def quarantine_to(file: TextSink) -> Callable[[Rejection], None]:
    """Return a function that writes rejections into a CSV file with the columns ``row``, ``reason`` and ``raw``.

    :param file: an open text file (``newline=""``, UTF-8) that only those may read who may read the audience.
    """
    write = csv.writer(file).writerow
    write(("row", "reason", "raw"))

    def quarantine(rejection: Rejection) -> None:
        write((rejection.row, rejection.reason.value, rejection.raw))

    return quarantine


def check_rejected(rejected: Mapping[Reason, int], rows: int, max_rejected: float) -> None:
    """Refuse an audience of which too many rows are left out.

    :param rejected: how many rows, by reason.
    :param rows: how many there were in all.
    :param max_rejected: the largest share that may be left out, 0 to 1.
    :raises ExotelInputError: if it is exceeded, naming shares and counts by reason.
    """
    count = sum(rejected.values())
    if count <= max_rejected * rows:
        return
    reasons = "; ".join(
        f"{number:,} {reason.value} ({reason.explanation})"
        for reason, number in sorted(rejected.items(), key=lambda item: (-item[1], item[0].value))
    )
    raise ExotelInputError(
        [
            Problem(
                "max_rejected",
                f"allows {max_rejected:.2%} of the rows to be left out and {count:,} of {rows:,} are "
                f"({count / rows:.2%}): {reasons}; mend the source, or allow more",
            )
        ]
    )
