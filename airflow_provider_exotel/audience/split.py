"""The way of an audience: rows -> numbers -> nobody twice, nobody who is not to be called -> chunks."""

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
    """What one source of numbers not to be called did.

    :param rows: how many rows it had.
    :param unreadable: how many of them held no readable number.
    :param suppressed: how many people of the audience are not called because of it; who is in several sources counts
        for the first.
    """

    rows: int
    unreadable: int
    suppressed: int


@dataclass(frozen=True)
class AudienceSummary:
    """What became of an audience, without any number of it.

    ``rows`` is the sum of ``accepted``, ``duplicates``, all of ``rejected`` and all who are suppressed.

    :param rows: how many rows there were.
    :param accepted: how many people will be called.
    :param duplicates: how many rows repeated an earlier number.
    :param rejected: how many rows were left out, by the word of the :class:`~.rejection.Reason`.
    :param suppressions: what each source of numbers not to be called did.
    :param keys: how many people are called, by key.
    :param chunks: the files.
    :param empty_variables: how many people are called without a value for a variable, by the variable's name.
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
    """Clean an audience of any size and write it in chunks that Exotel's csv-upload takes.

    Rows are read once and kept nowhere, except for those that only the whole column can decide. The numbers that were
    seen are held as integers, about 70 bytes each. The same rows give the same chunks.

    :param rows: the audience.
    :param default_country: the ISO code of the country whose national numbers are meant, or ``None``.
    :param limits: how large chunks may be.
    :param open_for_write: opens the file of a name for writing bytes.
    :param secret: what digests are made under, such as the connection's API token.
    :param quarantine: hears of every row that is left out.
    :param max_rejected: the largest share of the rows, 0 to 1, that may be left out.
    :param today: the present day, for the age of suppressions.
    :param key_of: returns what a chunk's numbers have in common, such as a group of time zones, or the reason to leave
        the row out; ``None`` where nobody knows its zone. By default all have the key ``all``.
    :param variables: the names of a dynamic campaign's variables, in the order of their columns.
    :param suppressions: sources of numbers that are not to be called.
    :param has_country_code: whether every number of the audience begins with a country code, with or without ``+``.
    :raises ExotelInputError: for arguments that cannot be, suppressions that cannot be used, rows that cannot be read,
        or if more rows are left out than ``max_rejected`` allows. Complete chunks may have been written by then.
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
    """Yield key, number and row of everybody who is to be called."""
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
        problems.append(Problem("secret", "is empty; without one, digests of so few numbers hide none of them"))
    if not 0 <= max_rejected <= 1:
        problems.append(Problem("max_rejected", "is no share; give a number from 0 to 1, such as 0.05 for 5 %"))
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
