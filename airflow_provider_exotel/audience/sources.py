"""Sources of an audience: a file on object storage, a query, or a function. Rows are read one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.text import is_no_path
from airflow_provider_exotel.contacts.files import read_rows, translate_file_errors
from airflow_provider_exotel.contacts.rows import Columns, Row, rows_of_records

_ROWS_TOGETHER = 1_000


@dataclass(frozen=True)
class Access:
    """Access to files, databases and secrets, provided by the caller of the plan.

    :param path: returns the path object of an address, such as Airflow's ``ObjectStoragePath``.
    :param connect: returns an open DB-API connection, for a connection id and an argument name for errors.
    :param hash_key: returns the HMAC key of reports, for a connection id, a variable name, and an argument name for
        errors.
    """

    path: Callable[[str], Any]
    connect: Callable[[str, str], Any]
    hash_key: Callable[[str | None, str | None, str], bytes]


@dataclass(frozen=True)
class Source:
    """One source of rows.

    :param name: prefix of its argument names in problems; empty for the audience itself.
    :param columns: the columns to read.
    :param path: a CSV or Parquet file, or a folder of them, on any object storage.
    :param sql: alternatively, a query.
    :param sql_conn_id: the connection of the query.
    :param records: alternatively, a function that returns numbers or mappings.
    """

    name: str
    columns: Columns = field(default_factory=Columns)
    path: str | None = None
    sql: str | None = None
    sql_conn_id: str | None = None
    records: Callable[[], Iterable[object]] | None = None

    def problems(self) -> Iterator[Problem]:
        """Yield the problems of its arguments; nothing is opened."""
        if sum(one is not None for one in (self.path, self.sql, self.records)) != 1:
            choices = "path, sql and records" if not self.name else "path and sql"
            yield Problem(
                self._field("path"), f"is required unless another source is given; give exactly one of {choices}"
            )
        if self.path is not None and is_no_path(self.path):
            yield Problem(self._field("path"), "must not be empty; give the path of a file or a folder")
        if (self.sql is None) != (self.sql_conn_id is None):
            yield Problem(self._field("sql_conn_id"), "must be given together with sql; give both or neither")
        if self.records is not None and not callable(self.records):
            # Airflow stores values in a DAG or an XCom in plaintext.
            yield Problem(
                self._field("records"), "must be a function; give one that returns the numbers when the task runs"
            )

    def rows(self, access: Access) -> Iterator[Row]:
        """Iterate over its rows, which are read once and not kept.

        :raises ExotelInputError: if it cannot be read, or lacks a column.
        """
        if self.path is not None:
            return self._of_file(self.path, access)
        if self.sql is not None:
            return self._of_query(self.sql, access)
        return rows_of_records(self._of_function(), self.columns, name=self._field("records"))

    def _of_file(self, path: str, access: Access) -> Iterator[Row]:
        name = self._field("path")
        with translate_file_errors(path, name):
            file = access.path(path)
        yield from read_rows(file, self.columns, name=name)

    def _of_query(self, sql: str, access: Access) -> Iterator[Row]:
        connected = access.connect(str(self.sql_conn_id), self._field("sql_conn_id"))
        with closing(connected) as connection, closing(_cursor(connection)) as cursor:
            cursor.execute(sql)
            records = _records(cursor, self.columns, self._field("sql"))
            yield from rows_of_records(records, self.columns, name=self._field("sql"))

    def _of_function(self) -> Iterable[object]:
        records: Any = self.records() if self.records else ()
        if records is None or isinstance(records, (str, bytes, Mapping)) or not isinstance(records, Iterable):
            message = "must return an iterable of numbers or mappings; return an empty list for no contacts"
            raise ExotelInputError([Problem(self._field("records"), message)])
        return records

    def _field(self, argument: str) -> str:
        return f"{self.name}.{argument}" if self.name else argument


def _cursor(connection: Any) -> Any:
    """Return a server-side cursor, if the driver would otherwise fetch all rows at once."""
    driver = type(connection).__module__.partition(".")[0]
    if driver in {"psycopg", "psycopg2"}:
        return connection.cursor(name="exotel_audience")
    if driver in {"MySQLdb", "pymysql"}:
        return connection.cursor(import_module(f"{driver}.cursors").SSCursor)
    return connection.cursor()


def _records(cursor: Any, columns: Columns, field: str) -> Iterator[Mapping[str, Any]]:
    while rows := cursor.fetchmany(_ROWS_TOGETHER):
        # Server-side cursors have a description only after rows were fetched.
        names = _as_wanted([str(column[0]) for column in cursor.description], columns)
        _check_once(names, columns, field)
        yield from (dict(zip(names, row, strict=True)) for row in rows)


def _as_wanted(names: list[str], columns: Columns) -> list[str]:
    """Return the column names in the wanted case: databases change the case of unquoted names."""
    wanted = {one.casefold(): one for one in (columns.number, *columns.variables.values()) if one not in names}
    return [wanted.get(name.casefold(), name) for name in names]


def _check_once(names: list[str], columns: Columns, field: str) -> None:
    """Refuse a result with duplicate wanted columns, as in a join of tables with a common column name."""
    doubled = [one for one in dict.fromkeys((columns.number, *columns.variables.values())) if names.count(one) > 1]
    if doubled:
        raise ExotelInputError(
            Problem(field, f"has {names.count(one)} columns named {one!r}; keep one") for one in doubled
        )
