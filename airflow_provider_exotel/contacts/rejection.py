"""Reasons for rejecting rows, and the quarantine file with their contents."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from airflow_provider_exotel.client.errors import ExotelInputError, Problem


class Reason(Enum):
    """Why a row is rejected; files and summaries use the value."""

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
        """The reason as a clause."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    Reason.EMPTY: "the number is empty",
    Reason.NOT_A_NUMBER: "the cell is not one phone number",
    Reason.EXTENSION: "the number has an extension, which cannot be dialled; without it the switchboard would answer",
    Reason.AMBIGUOUS: "the number has two possible readings; add + and the country code, or set "
    "numbers_have_country_code=True if every number has its country code",
    Reason.INVALID: "the number is not valid in any country's numbering plan",
    Reason.DIGITS_LOST: "a spreadsheet or a 32-bit column has changed the number; store it as text, then export it",
    Reason.NO_COUNTRY: "the number has no country code and cannot be compared with the suppression list",
    Reason.RAGGED: "the row does not match the header; quote text that contains commas",
    Reason.UNKNOWN_ZONE: "the time zone of the number is unknown",
    Reason.OTHER_ZONE: "the number may belong to another time zone than the window's",
    Reason.NO_HOURS: "there are no calling hours for the country of the number",
}


@dataclass(frozen=True)
class Rejection:
    """A rejected row.

    :param row: its position in the source, from 1, as in a spreadsheet.
    :param reason: the reason.
    :param raw: the raw text; only for the quarantine file.
    """

    row: int
    reason: Reason
    raw: str = field(repr=False)


class TextSink(Protocol):
    """A writable text file."""

    def write(self, text: str, /) -> Any:
        """Write ``text``."""


def quarantine_to(file: TextSink) -> Callable[[Rejection], None]:
    """Return a function that writes rejections to a CSV file with the columns ``row``, ``reason`` and ``raw``.

    :param file: an open text file (``newline=""``, UTF-8) with the same access rights as the audience.
    """
    write = csv.writer(file).writerow
    write(("row", "reason", "raw"))

    def quarantine(rejection: Rejection) -> None:
        write((rejection.row, rejection.reason.value, rejection.raw))

    return quarantine


def check_rejected(rejected: Mapping[Reason, int], rows: int, max_rejected: float) -> None:
    """Refuse an audience with too many rejected rows.

    :param rejected: number of rejected rows by reason.
    :param rows: total number of rows.
    :param max_rejected: the maximum share of rejected rows, 0 to 1.
    :raises ExotelInputError: if the share is exceeded, with counts by reason.
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
                f"must be at least {count / rows:.2%} (got {max_rejected:.2%}), since {count:,} of {rows:,} rows were "
                f"rejected: {reasons}; fix the source, or allow more",
            )
        ]
    )
