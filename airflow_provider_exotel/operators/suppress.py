"""Numbers that are not to be called, as a task is given them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from airflow_provider_exotel.audience.suppression import Suppressed, Suppression
from airflow_provider_exotel.client.errors import ExotelInputError, Problem, collect
from airflow_provider_exotel.client.fields import flag
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.contacts.rows import COLUMN, Columns
from airflow_provider_exotel.hooks.hash_key import hash_key
from airflow_provider_exotel.operators.sources import Source

_OF_ROWS = {"path", "sql", "sql_conn_id", "column", "as_of", "max_age_days", "allow_unreadable"}
_OF_REPORTS = {
    "reports",
    "days",
    "hash_key_conn_id",
    "hash_key_variable",
    "may_be_missing",
    "allow_unreadable",
    "digit",
}


@dataclass(frozen=True)
class SuppressionGiven:
    """One entry of ``suppress``, checked.

    :param name: what counts and problems call it.
    :param source: its rows; ``None`` if it is made of reports.
    :param reports: the folder of our own reports.
    :param days: how many days back a call in them counts.
    :param key: the key the reports were made under, ``None`` if they hold numbers in clear.
    :param more: the other fields of the entry.
    """

    name: str
    source: Source | None
    reports: str | None
    days: float
    key: bytes | None
    more: Mapping[str, Any]

    def open(self, now: datetime, default_country: str | None) -> Suppression | Suppressed:
        """Return the source of numbers; reports are read here and now.

        :param now: the present moment.
        :param default_country: whose national numbers are meant.
        :raises ExotelInputError: if there is no report, or one holds what cannot be compared.
        """
        if self.source is not None:
            return Suppression(
                self.name,
                self.source.rows(),
                as_of=self.more.get("as_of"),
                max_age_days=self.more.get("max_age_days"),
                allow_unreadable=self._says("allow_unreadable"),
            )
        called = self._called(now - timedelta(days=self.days), default_country)
        if called.unreadable and not self._says("allow_unreadable"):
            wanted = (
                f"{called.unreadable:,} of its {called.rows:,} calls name nobody who can be compared; name the key the "
                "reports were made under, or none if they hold numbers in clear, or set allow_unreadable"
            )
            raise ExotelInputError([Problem(_field(self.name), wanted)])
        return called

    def _says(self, name: str) -> bool:
        return flag(self.more.get(name), f"{_field(self.name)}.{name}")

    def _called(self, since: datetime, default_country: str | None) -> Suppressed:
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        from airflow_provider_exotel.audience.called import TABLE, called_since

        folder: Any = ObjectStoragePath(str(self.reports))
        tables = [path for path in (folder.fs.find(folder.path) if folder.exists() else []) if TABLE.fullmatch(path)]
        if not tables and not self._says("may_be_missing"):
            wanted = (
                f"no report is at {redact(str(self.reports))}; write the folder that reports are in, or set "
                "may_be_missing for a first run"
            )
            raise ExotelInputError([Problem(_field(self.name), wanted)])
        with ExitStack() as opened:
            # Opened as they come, so that a thousand reports are not open at once.
            files = ((path.rpartition(".")[2], _next(opened, folder.fs, path)) for path in sorted(tables))
            digit = self.more.get("digit")
            pressed = None if digit is None else str(digit)
            return called_since(self.name, files, since, self.key, default_country, digit=pressed)


def suppressions_given(entries: Any) -> list[SuppressionGiven]:
    """Read the argument ``suppress``.

    :param entries: a list of mappings.
    :raises ExotelInputError: naming every problem.
    """
    problems: list[Problem] = []
    if not isinstance(entries, (list, tuple)):
        raise ExotelInputError([Problem("suppress", "is no list of mappings; write [{'name': ..., 'path': ...}]")])
    read = [collect(problems, partial(_entry, one, position)) for position, one in enumerate(entries, 1)]
    if problems:
        raise ExotelInputError(problems)
    return read


def _entry(entry: Any, position: int) -> SuppressionGiven:
    if not isinstance(entry, Mapping) or not str(entry.get("name") or "").strip():
        wanted = "is no mapping with a name; write {'name': 'opt-outs', 'path': ...}"
        raise ExotelInputError([Problem(f"suppress.{position}", wanted)])
    name = str(entry["name"]).strip()
    problems = list(_problems(name, entry))
    more = {
        "as_of": collect(problems, lambda: _day(name, entry.get("as_of"))),
        "max_age_days": collect(problems, lambda: _whole(name, "max_age_days", entry.get("max_age_days"))),
        "allow_unreadable": entry.get("allow_unreadable"),
        "may_be_missing": entry.get("may_be_missing"),
        "digit": entry.get("digit"),
    }
    days, key, source = collect(problems, lambda: _whole(name, "days", entry.get("days"))), None, None
    if "reports" in entry:
        if days is None and "days" in entry:
            problems.append(Problem(f"{_field(name)}.days", "is missing; write how many days back a call counts"))
        given = entry.get("hash_key_conn_id"), entry.get("hash_key_variable")
        if any(given):
            key = collect(problems, lambda: hash_key(*given, field=f"{_field(name)}."))
    else:
        source = Source(
            _field(name),
            Columns(str(entry.get("column") or COLUMN)),
            entry.get("path"),
            entry.get("sql"),
            entry.get("sql_conn_id"),
        )
        problems += source.problems()
    if problems:
        raise ExotelInputError(problems)
    return SuppressionGiven(name, source, entry.get("reports"), days or 0, key, more)


def _problems(name: str, entry: Mapping[str, Any]) -> Iterator[Problem]:
    known = _OF_REPORTS if "reports" in entry else _OF_ROWS
    for strange in sorted(set(map(str, entry)) - known - {"name"}):
        yield Problem(f"{_field(name)}.{strange}", f"is not known here; there are {', '.join(sorted(known))}")
    if "reports" in entry and "days" not in entry:
        yield Problem(f"{_field(name)}.days", "is missing; write how many days back a call counts")


def _whole(name: str, field: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not str(value).strip().isdecimal():
        raise ExotelInputError([Problem(f"{_field(name)}.{field}", "is no number of days; write 7, for example")])
    return int(str(value))


def _day(name: str, value: Any) -> date | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).date() if value.tzinfo else value.date()
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value).strip()[:10])
    except ValueError:
        wanted = "is no date; write one such as '2026-03-01'"
        raise ExotelInputError([Problem(f"{_field(name)}.as_of", wanted)]) from None


def _next(opened: ExitStack, files: Any, path: str) -> Any:
    opened.close()
    return opened.enter_context(files.open(path, "rb"))


def _field(name: str) -> str:
    return f"suppress.{name}"


def opened(
    given: Iterable[SuppressionGiven], now: datetime, default_country: str | None
) -> list[Suppression | Suppressed]:
    """Return the sources of numbers that are not to be called, as :func:`suppressions_given` read them.

    :raises ExotelInputError: naming the problems of all of them.
    """
    problems: list[Problem] = []
    sources = [collect(problems, partial(one.open, now, default_country)) for one in given]
    if problems:
        raise ExotelInputError(problems)
    return sources
