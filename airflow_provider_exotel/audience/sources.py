"""Where the rows of an audience come from: a file on object storage, a query, a function. All are read as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.contacts.files import read_rows, translate_file_errors
from airflow_provider_exotel.contacts.rows import Columns, Row, rows_of_records

_ROWS_TOGETHER = 1_000


@dataclass(frozen=True)
class Access:
    """What an audience is read through; whoever runs the plan hands it in.

    :param path: returns the path object of an address, such as Airflow's ``ObjectStoragePath``.
    :param connect: returns an open DB-API connection; takes the id of a connection, and the argument that names it.
    :param hash_key: returns the key of reports; takes the id of a connection, the name of a variable, and the argument
        that names them.
    """

    path: Callable[[str], Any]
    connect: Callable[[str, str], Any]
    hash_key: Callable[[str | None, str | None, str], bytes]


@dataclass(frozen=True)
class Source:
    """One source of rows.

    :param name: what stands before the names of its arguments in problems; empty for the audience itself.
    :param columns: what is in which column.
    :param path: a CSV or Parquet file, or a folder of such, on any object storage.
    :param sql: instead, a query.
    :param sql_conn_id: the connection it is asked on.
    :param records: instead, a function that returns numbers or mappings.
    """

    name: str
    columns: Columns = field(default_factory=Columns)
    path: str | None = None
    sql: str | None = None
    sql_conn_id: str | None = None
    records: Callable[[], Iterable[object]] | None = None

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with how it is given; nothing is opened."""
        if sum(one is not None for one in (self.path, self.sql, self.records)) != 1:
            choices = "path, sql and records" if not self.name else "path and sql"
            yield Problem(self._field("path"), f"exactly one of {choices} must be given: where the numbers come from")
        if self.path is not None and not self.path.strip():  # which would be the folder the worker runs in
            yield Problem(self._field("path"), "must not be empty; write the path of a file or a folder")
        if (self.sql is None) != (self.sql_conn_id is None):
            yield Problem(self._field("sql_conn_id"), "must be given together with sql: the connection of the query")
        if self.records is not None and not callable(self.records):
            # Airflow stores in plaintext what a DAG or an XCom holds.
            yield Problem(
                self._field("records"), "must be a function; give one that returns the numbers when the task runs"
            )

    def rows(self, access: Access) -> Iterator[Row]:
        """Iterate over its rows, which are read once and kept nowhere.

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
            wanted = "must return an iterable of numbers or of mappings; return an empty list for nobody"
            raise ExotelInputError([Problem(self._field("records"), wanted)])
        return records

    def _field(self, argument: str) -> str:
        return f"{self.name}.{argument}" if self.name else argument


def _cursor(connection: Any) -> Any:
    """Return a cursor that leaves the rows with the server, where the driver would fetch them all at once otherwise."""
    driver = type(connection).__module__.partition(".")[0]
    if driver in {"psycopg", "psycopg2"}:
        return connection.cursor(name="exotel_audience")
    if driver in {"MySQLdb", "pymysql"}:
        return connection.cursor(import_module(f"{driver}.cursors").SSCursor)
    return connection.cursor()


def _records(cursor: Any, columns: Columns, field: str) -> Iterator[Mapping[str, Any]]:
    while rows := cursor.fetchmany(_ROWS_TOGETHER):
        # Cursors of a server know their columns only once rows were fetched.
        names = _as_wanted([str(column[0]) for column in cursor.description], columns)
        _check_once(names, columns, field)
        yield from (dict(zip(names, row, strict=True)) for row in rows)


def _as_wanted(names: list[str], columns: Columns) -> list[str]:
    """Return the names of columns as they are asked for: databases fold the case of what is not quoted."""
    wanted = {one.casefold(): one for one in (columns.number, *columns.variables.values()) if one not in names}
    return [wanted.get(name.casefold(), name) for name in names]


def _check_once(names: list[str], columns: Columns, field: str) -> None:
    """Refuse a result that has several columns of a name that is wanted: a join brings one of each table."""
    doubled = [one for one in dict.fromkeys((columns.number, *columns.variables.values())) if names.count(one) > 1]
    if doubled:
        raise ExotelInputError(
            Problem(field, f"has {names.count(one)} columns named {one!r}; name one so") for one in doubled
        )
