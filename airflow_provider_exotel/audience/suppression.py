"""Suppression sources: opt-outs, a do-not-call scrub, or contacts who have paid in the meantime."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.contacts.column import normalise_rows
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.contacts.rows import Row

_CLOCKS_DIFFER = 1
_NAMED = 10


@dataclass(frozen=True)
class Suppression:
    """A suppression source that has not been read.

    :param name: its unique name in counts and errors.
    :param rows: its rows, read once.
    :param as_of: the date of its data.
    :param max_age_days: maximum age in days after ``as_of``; ``None`` for no limit. India's regulator requires a
        do-not-call scrub no older than 7 days.
    :param has_country_code: whether every number starts with a country code, with or without ``+``.
    :param allow_unreadable: whether to accept and count rows without a readable number. By default they refuse the
        source, since a contact who opted out might be called.
    """

    name: str
    rows: Iterable[Row] = field(repr=False)
    as_of: date | None = None
    max_age_days: int | None = None
    allow_unreadable: bool = False
    has_country_code: bool = False


@dataclass(frozen=True)
class Suppressed:
    """A suppression source that has been read.

    :param name: its name.
    :param numbers: a container of its numbers as :func:`number_key`.
    :param rows: number of its rows.
    :param unreadable: number of rows without a readable number.
    """

    name: str
    numbers: Container[int | str] = field(repr=False)
    rows: int
    unreadable: int


def read_suppressions(
    sources: Sequence[Suppression | Suppressed], default_country: str | None, today: date
) -> tuple[Suppressed, ...]:
    """Read all sources, after checking that none is too old.

    :param sources: the sources; those already read are returned unchanged.
    :param default_country: as for the audience. With ``None``, every number must be international: national ones cannot
        be compared.
    :param today: the current date.
    :raises ExotelInputError: naming every source that is too old, or else every source with unreadable rows.
    """
    unread = [source for source in sources if isinstance(source, Suppression)]
    if stale := [problem for source in unread for problem in _problems_of_age(source, today)]:
        raise ExotelInputError(stale)
    names = [source.name for source in sources]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ExotelInputError(
            [Problem(_field(name), "must be unique; give each source its own name") for name in doubled]
        )
    problems: list[Problem] = []
    read = tuple(
        _read(source, default_country, problems) if isinstance(source, Suppression) else source for source in sources
    )
    if problems:
        raise ExotelInputError(problems)
    return read


def number_key(number: str) -> int | str:
    """Return a number in a form for comparisons that takes half the memory of its text.

    :param number: a number as :func:`~airflow_provider_exotel.contacts.normalise.normalise` returns it.
    """
    return int(number) if number[0] == "+" else number


def _read(source: Suppression, default_country: str | None, problems: list[Problem]) -> Suppressed:
    numbers: set[int | str] = set()
    rows, unreadable, first_unreadable = 0, 0, list[int]()
    for row, verdict in normalise_rows(source.rows, default_country, has_country_code=source.has_country_code):
        rows += 1
        if isinstance(verdict, Reason) or not verdict.startswith("+"):
            unreadable += 1
            first_unreadable += [row.row] * (len(first_unreadable) < _NAMED)
        else:
            numbers.add(number_key(verdict))
    if unreadable and not source.allow_unreadable:
        more = f" and {unreadable - _NAMED:,} more" if unreadable > _NAMED else ""
        problems.append(
            Problem(
                _field(source.name),
                f"{unreadable:,} of its {rows:,} rows have no number that can be compared (row "
                f"{', '.join(map(str, first_unreadable))}{more}), so suppressed contacts might be called; "
                "fix them, or set allow_unreadable",
            )
        )
    return Suppressed(source.name, numbers, rows, unreadable)


def _problems_of_age(source: Suppression, today: date) -> Iterable[Problem]:
    if source.max_age_days is None:
        return
    if source.as_of is None:
        yield Problem(_field(source.name), "requires as_of with max_age_days; give the date of its data")
        return
    age = (today - source.as_of).days
    if age > source.max_age_days:
        yield Problem(
            _field(source.name),
            f"must be at most {source.max_age_days} days old (got {age}, as of {source.as_of.isoformat()}); "
            "fetch it again",
        )
    elif age < -_CLOCKS_DIFFER:
        yield Problem(_field(source.name), f"is as of {source.as_of.isoformat()}, which is in the future; fix as_of")


def _field(name: str) -> str:
    return f"suppress.{name}"
