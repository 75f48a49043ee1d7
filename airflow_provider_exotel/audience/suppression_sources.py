"""The argument ``suppress``: its suppression sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from airflow_provider_exotel.audience.called import TABLE, called_since
from airflow_provider_exotel.audience.sources import Access, Source
from airflow_provider_exotel.audience.suppression import Suppressed, Suppression
from airflow_provider_exotel.client.errors import ExotelInputError, Problem, collect
from airflow_provider_exotel.client.fields import Flag, Model, Text, Whole
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.client.text import is_no_path, read_date, read_literal, read_moment
from airflow_provider_exotel.contacts.files import translate_file_errors
from airflow_provider_exotel.contacts.rows import COLUMN, Columns
from airflow_provider_exotel.report.storage import UNFINISHED

_MAX_DAYS = 36_500


def _day(value: object) -> object:
    """Return the date of a time or of its text, as queries and templates give them."""
    if isinstance(value, str):
        is_date = len(value.strip()) <= len("2026-03-01")
        value = read_date(value) if is_date else read_moment(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).date() if value.tzinfo else value.date()
    if not isinstance(value, date):  # pydantic would read a number as seconds since 1970
        raise ValueError("must be a date")
    return value


Days = Annotated[Whole, Field(ge=0, le=_MAX_DAYS, description="a number of days, such as 7")]
Day = Annotated[date, BeforeValidator(_day), Field(description="a date, such as '2026-03-01'")]


class SuppressedRows(Model):
    """An entry of ``suppress``: a file or query of numbers not to call."""

    name: Text
    path: Annotated[str | None, BeforeValidator(str)] = None
    sql: str | None = None
    sql_conn_id: str | None = None
    column: str = COLUMN
    as_of: Day | None = None
    max_age_days: Days | None = None
    allow_unreadable: Flag = False
    numbers_have_country_code: Flag = False

    @property
    def source(self) -> Source:
        """The rows."""
        return Source(_field(self.name), Columns(self.column), self.path, self.sql, self.sql_conn_id)

    def problems(self) -> Iterator[Problem]:
        """Yield the problems of fields that depend on each other."""
        return self.source.problems()

    def open(self, access: Access, now: datetime, default_country: str | None) -> Suppression:  # noqa: ARG002
        """Return the source; its rows are read later."""
        return Suppression(
            self.name,
            self.source.rows(access),
            as_of=self.as_of,
            max_age_days=self.max_age_days,
            allow_unreadable=self.allow_unreadable,
            has_country_code=self.numbers_have_country_code,
        )


def _digit(value: object) -> str:
    digit = str(value).strip().strip("\"'").strip()
    if not re.fullmatch(r"[0-9*#]+", digit):
        raise ValueError("must be the key that was pressed, such as 9")
    return digit


class SuppressedCalls(Model):
    """An entry of ``suppress``: contacts that were called according to this package's reports."""

    name: Text
    reports: Annotated[Text, BeforeValidator(str)]
    days: Days
    digit: Annotated[str, BeforeValidator(_digit)] | None = None
    hash_key_conn_id: str | None = None
    hash_key_variable: str | None = None
    may_be_missing: Flag = False
    allow_unreadable: Flag = False

    def problems(self) -> Iterator[Problem]:
        """Yield the problems of fields that depend on each other."""
        if self.hash_key_conn_id and self.hash_key_variable:
            yield Problem(f"{_field(self.name)}.hash_key_conn_id", "is mutually exclusive with hash_key_variable")

    def open(self, access: Access, now: datetime, default_country: str | None) -> Suppressed:
        """Read the reports, and return the contacts that were called.

        :param access: access to the reports.
        :param now: the current time.
        :param default_country: the country of national numbers.
        :raises ExotelInputError: if there is no report, or one has calls that cannot be compared.
        """
        key = None
        if self.hash_key_conn_id or self.hash_key_variable:
            key = access.hash_key(self.hash_key_conn_id, self.hash_key_variable, _field(self.name))
        tables = self._tables(access)
        with ExitStack() as opened:
            # Opened one at a time, so that not all reports are open at once.
            files = ((path.rpartition(".")[2], self._next(opened, access, path)) for path in tables)
            since = now - timedelta(days=self.days)
            called = called_since(self.name, files, since, key, default_country, digit=self.digit)
        if called.unreadable and not self.allow_unreadable:
            message = (
                f"{called.unreadable:,} of its {called.rows:,} calls have no contact that can be compared; give the "
                "key of the reports, or no key if they have plaintext numbers, or set allow_unreadable"
            )
            raise ExotelInputError([Problem(_field(self.name), message)])
        return called

    def _tables(self, access: Access) -> list[str]:
        """Return the addresses of the attempts tables, in a stable order."""
        tables = tables_under(self.reports, access, f"{_field(self.name)}.reports")
        if not tables and not self.may_be_missing:
            message = (
                f"no report is at {redact(self.reports)}; give the folder of the reports, or set may_be_missing for "
                "a first run"
            )
            raise ExotelInputError([Problem(_field(self.name), message)])
        return tables

    def _next(self, opened: ExitStack, access: Access, path: str) -> Any:
        opened.close()
        with translate_file_errors(self.reports, f"{_field(self.name)}.reports"):
            return opened.enter_context(access.path(self.reports).fs.open(path, "rb"))


SuppressionSource = SuppressedRows | SuppressedCalls


def tables_under(reports: str, access: Access, field: str) -> list[str]:
    """Return the addresses of the attempts tables in a folder, at any depth, in a stable order.

    Those of a report that is being made, or was broken off, are left out: they may end in the middle of a call.

    :param reports: the folder.
    :param access: access to the folder.
    :param field: the argument that names it, for errors.
    :raises ExotelInputError: if it cannot be opened, or names no folder.
    """
    if is_no_path(reports):
        raise ExotelInputError([Problem(field, "must not be empty; give the folder of the reports")])
    with translate_file_errors(reports, field):
        folder = access.path(reports)
        found = folder.fs.find(folder.path) if folder.exists() else []
    found = [path for path in found if UNFINISHED not in path.split("/")]
    tables = sorted(path for path in found if TABLE.fullmatch(path))
    names = (path.rpartition("/")[2] for path in sorted({*found} - {*tables}))
    if other := next((name for name in names if name.lower().startswith("attempts")), None):
        message = f"contains {redact(other)}, which is not read; rename it to attempts.csv, or remove it"
        raise ExotelInputError([Problem(field, message)])
    return tables


def parse_suppressions(entries: Any) -> list[SuppressionSource]:
    """Return the entries of ``suppress``.

    :param entries: a list of mappings, or the text of one.
    :raises ExotelInputError: naming every problem.
    """
    problems: list[Problem] = []
    given = read_literal(entries) if isinstance(entries, str) else entries
    if not isinstance(given, (list, tuple)):
        message = "must be a list of mappings, such as [{'name': 'opt-outs', 'path': ...}]; give [] for none"
        raise ExotelInputError([Problem("suppress", message)])
    parsed = [_parse(one, position, problems) for position, one in enumerate(given, 1)]
    names = [one.name for one in parsed if one is not None]
    problems += [
        Problem(_field(name), "must be unique; give each source its own name")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if problems:
        raise ExotelInputError(problems)
    return [one for one in parsed if one is not None]


def open_suppressions(
    sources: Sequence[SuppressionSource], access: Access, now: datetime, default_country: str | None
) -> list[Suppression | Suppressed]:
    """Open all suppression sources.

    :param sources: the result of :func:`parse_suppressions`.
    :param access: access to files, databases and secrets.
    :param now: the current time.
    :param default_country: the country of national numbers.
    :raises ExotelInputError: naming the problems of all sources.
    """
    problems: list[Problem] = []
    opened = [collect(problems, partial(source.open, access, now, default_country)) for source in sources]
    if problems:
        raise ExotelInputError(problems)
    return opened


def _parse(entry: Any, position: int, problems: list[Problem]) -> SuppressionSource | None:
    if not isinstance(entry, Mapping) or not str(entry.get("name") or "").strip():
        message = "must be a mapping with a name, such as {'name': 'opt-outs', 'path': ...}"
        problems.append(Problem(f"suppress.{position}", message))
        return None
    name = str(entry["name"]).strip()
    try:
        kind = SuppressedCalls if "reports" in entry else SuppressedRows
        parsed: SuppressionSource = kind(**{str(field): value for field, value in entry.items()} | {"name": name})
    except ExotelInputError as error:
        problems += [Problem(f"{_field(name)}.{one.field}", one.message) for one in error.problems]
        return None
    problems += parsed.problems()
    return parsed


def _field(name: str) -> str:
    return f"suppress.{name}"
