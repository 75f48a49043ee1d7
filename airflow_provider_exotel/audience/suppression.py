"""Numbers that are not to be called: opt-outs, a do-not-call scrub, people who have paid meanwhile."""

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
    """One source of numbers that are not to be called.

    :param name: what counts and errors call it; no two sources share one.
    :param rows: its rows, read once.
    :param as_of: the day whose state it shows.
    :param max_age_days: how many days after ``as_of`` it may still be used, ``None`` for ever. India's regulator wants
        a do-not-call scrub no older than 7 days.
    :param has_country_code: whether every number begins with a country code, with or without ``+``.
    :param allow_unreadable: go on although rows hold no readable number, and count them. By default they refuse the
        source: whoever wrote that row does not want to be called.
    """

    name: str
    rows: Iterable[Row] = field(repr=False)
    as_of: date | None = None
    max_age_days: int | None = None
    allow_unreadable: bool = False
    has_country_code: bool = False


@dataclass(frozen=True)
class Suppressed:
    """A source that has been read.

    :param name: the source.
    :param numbers: its numbers, as :func:`number_key` makes them, or what tells of such a one whether it is among them.
    :param rows: how many rows it had.
    :param unreadable: how many of them held no readable number.
    """

    name: str
    numbers: Container[int | str] = field(repr=False)
    rows: int
    unreadable: int


def read_suppressions(
    sources: Sequence[Suppression | Suppressed], default_country: str | None, today: date
) -> tuple[Suppressed, ...]:
    """Read every source, after seeing that none is too old.

    :param sources: the sources; those that have been read already are passed on.
    :param default_country: as for the audience. With ``None`` every number has to be international: a national one
        could not be compared.
    :param today: the present day.
    :raises ExotelInputError: naming every source that is too old, or else every one with rows that cannot be read.
    """
    unread = [source for source in sources if isinstance(source, Suppression)]
    if stale := [problem for source in unread for problem in _problems_of_age(source, today)]:
        raise ExotelInputError(stale)
    names = [source.name for source in sources]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ExotelInputError([Problem(_field(name), "names several sources; give each its own") for name in doubled])
    problems: list[Problem] = []
    read = tuple(
        _read(source, default_country, problems) if isinstance(source, Suppression) else source for source in sources
    )
    if problems:
        raise ExotelInputError(problems)
    return read


def number_key(number: str) -> int | str:
    """Return what stands for a number where numbers are compared: half the memory of its text.

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
                f"{unreadable:,} of its {rows:,} rows hold no number that can be compared (row "
                f"{', '.join(map(str, first_unreadable))}{more}), so somebody not to be called would be; "
                "mend them, or set allow_unreadable",
            )
        )
    return Suppressed(source.name, numbers, rows, unreadable)


def _problems_of_age(source: Suppression, today: date) -> Iterable[Problem]:
    if source.max_age_days is None:
        return
    if source.as_of is None:
        yield Problem(_field(source.name), "has max_age_days and no as_of; give the day whose state it shows")
        return
    age = (today - source.as_of).days
    if age > source.max_age_days:
        yield Problem(
            _field(source.name),
            f"is {age} days old (as of {source.as_of.isoformat()}) and may be {source.max_age_days}; fetch it anew",
        )
    elif age < -_CLOCKS_DIFFER:
        yield Problem(_field(source.name), f"is as of {source.as_of.isoformat()}, which is yet to come; mend as_of")


def _field(name: str) -> str:
    return f"suppress.{name}"
