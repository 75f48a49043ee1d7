"""Split an audience: normalise its rows, remove duplicates and suppressed numbers, and write chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from airflow_provider_exotel.audience.chunks import Chunk, ChunkLimits, ChunkWriter, OpenForWrite
from airflow_provider_exotel.audience.suppression import Suppressed, Suppression, number_key, read_suppressions
from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.contacts.column import normalise_rows
from airflow_provider_exotel.contacts.normalise import Verdict, check_country
from airflow_provider_exotel.contacts.rejection import Reason, Rejection, check_rejected
from airflow_provider_exotel.contacts.rows import Row


@dataclass(frozen=True)
class SuppressionCount:
    """The counts of one suppression source.

    :param rows: number of its rows.
    :param unreadable: number of rows without a readable number.
    :param suppressed: number of contacts of the audience that it suppresses; a contact in several sources counts for
        the first one.
    """

    rows: int
    unreadable: int
    suppressed: int


@dataclass(frozen=True)
class AudienceSummary:
    """The summary of a split audience, without phone numbers.

    ``rows`` is the sum of ``accepted``, ``duplicates``, all ``rejected`` and all suppressed rows.

    :param rows: number of rows.
    :param accepted: number of contacts to call.
    :param duplicates: number of rows with a repeated number.
    :param rejected: number of rejected rows, by the value of the :class:`~.rejection.Reason`.
    :param suppressions: counts of each suppression source.
    :param keys: number of contacts to call, by key.
    :param chunks: the files.
    :param empty_variables: number of contacts to call without a value, by variable.
    """

    rows: int
    accepted: int
    duplicates: int
    rejected: dict[str, int]
    suppressions: dict[str, SuppressionCount]
    keys: dict[str, int]
    chunks: tuple[Chunk, ...]
    empty_variables: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the summary as plain JSON."""
        return {**asdict(self), "chunks": [asdict(chunk) for chunk in self.chunks]}


def split_audience(
    rows: Iterable[Row],
    *,
    default_country: str | None,
    limits: ChunkLimits,
    open_for_write: OpenForWrite,
    secret: str,
    quarantine: Callable[[Rejection], None],
    max_rejected: float,
    today: date,
    key_of: Callable[[str], str | Reason | None] = lambda _: "all",
    variables: Sequence[str] = (),
    suppressions: Sequence[Suppression | Suppressed] = (),
    has_country_code: bool = False,
) -> AudienceSummary:
    """Clean an audience of any size, and write it in chunks for Exotel's csv-upload.

    Rows are read once and not kept, except for those that depend on the whole column. Numbers seen so far are held as
    integers, about 70 bytes each. The same rows give the same chunks.

    :param rows: the audience.
    :param default_country: ISO code of the country of national numbers, or ``None``.
    :param limits: the limits of a chunk.
    :param open_for_write: opens a file for writing bytes, by its name.
    :param secret: key of the digests, such as the connection's API token.
    :param quarantine: called with every rejected row.
    :param max_rejected: the maximum share of rejected rows, 0 to 1.
    :param today: the current date, for the age of suppression sources.
    :param key_of: returns the key of a number's chunk, such as a group of time zones, or the reason to reject it;
        ``None`` if its time zone is unknown. By default all numbers have the key ``all``.
    :param variables: names of a dynamic campaign's variables, in the order of their columns.
    :param suppressions: the suppression sources.
    :param has_country_code: whether every number of the audience starts with a country code, with or without ``+``.
    :raises ExotelInputError: for invalid arguments, unusable suppression sources, unreadable rows, or if the share of
        rejected rows exceeds ``max_rejected``. Some chunks may have been written by then.
    """
    _check(default_country, secret, max_rejected)
    suppressed = read_suppressions(suppressions, default_country, today)
    tally = _Tally()
    with ChunkWriter(open_for_write, limits, variables, secret.encode()) as chunks:
        judged = normalise_rows(rows, default_country, has_country_code=has_country_code)
        for key, number, row in _contacts(judged, suppressed, key_of, quarantine, tally):
            values = [row.variables[name] for name in variables]
            tally.empty.update(name for name, value in zip(variables, values, strict=True) if not value.strip())
            chunks.add(key, number, values)
        check_rejected(tally.rejected, tally.rows, max_rejected)
        return _summary(tally, suppressed, chunks.finish())


@dataclass
class _Tally:
    rows: int = 0
    duplicates: int = 0
    rejected: Counter[Reason] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    empty: Counter[str] = field(default_factory=Counter)


def _contacts(
    judged: Iterable[tuple[Row, Verdict]],
    suppressed: Sequence[Suppressed],
    key_of: Callable[[str], str | Reason | None],
    quarantine: Callable[[Rejection], None],
    tally: _Tally,
) -> Iterator[tuple[str, str, Row]]:
    """Yield key, number and row of every contact to call."""
    seen: set[int | str] = set()

    def reject(row: Row, reason: Reason) -> None:
        tally.rejected[reason] += 1
        quarantine(Rejection(row.row, reason, row.number))

    for row, verdict in judged:
        tally.rows += 1
        if isinstance(verdict, Reason):
            reject(row, verdict)
            continue
        if suppressed and not verdict.startswith("+"):
            reject(row, Reason.NO_COUNTRY)
            continue
        number = number_key(verdict)
        if number in seen:
            tally.duplicates += 1
            continue
        seen.add(number)
        if listed := next((source.name for source in suppressed if number in source.numbers), None):
            tally.suppressed[listed] += 1
        elif not isinstance(key := key_of(verdict), str):
            reject(row, key or Reason.UNKNOWN_ZONE)
        else:
            tally.keys[key] += 1
            yield key, verdict, row


def _check(default_country: str | None, secret: str, max_rejected: float) -> None:
    problems: list[Problem] = []
    try:
        check_country(default_country)
    except ExotelInputError as error:
        problems.extend(error.problems)
    if not secret:
        problems.append(
            Problem(
                "secret", "must not be empty, since plain digests of phone numbers can be brute-forced; give a secret"
            )
        )
    if not 0 <= max_rejected <= 1:
        problems.append(Problem("max_rejected", "must be between 0 and 1; give a share, such as 0.05 for 5 %"))
    if problems:
        raise ExotelInputError(problems)


def _summary(tally: _Tally, suppressed: Sequence[Suppressed], chunks: tuple[Chunk, ...]) -> AudienceSummary:
    return AudienceSummary(
        rows=tally.rows,
        accepted=tally.keys.total(),
        duplicates=tally.duplicates,
        rejected={reason.value: tally.rejected[reason] for reason in Reason if tally.rejected[reason]},
        suppressions={
            source.name: SuppressionCount(source.rows, source.unreadable, tally.suppressed[source.name])
            for source in suppressed
        },
        keys=dict(tally.keys),
        chunks=chunks,
        empty_variables=dict(tally.empty),
    )
