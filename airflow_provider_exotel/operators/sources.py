"""Where the rows of an audience come from: a file on object storage, a query, a function. All are read as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.contacts.csv_rows import rows_of_csv
from airflow_provider_exotel.contacts.parquet_rows import rows_of_parquet
from airflow_provider_exotel.contacts.rows import Columns, Row, rows_of_records

_ROWS_TOGETHER = 1_000


@dataclass(frozen=True)
class Source:
    """One source of rows.

    :param name: what problems call it: the argument that gives it.
    :param columns: what stands where in it.
    :param path: a CSV or Parquet file on any object storage.
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
        given = [one for one in ("path", "sql", "records") if getattr(self, one) is not None]
        prefix = f"{self.name}." if self.name else ""
        if len(given) != 1:
            yield Problem(f"{prefix}path", "and sql, and records: give exactly one, where the numbers come from")
        if (self.sql is None) != (self.sql_conn_id is None):
            yield Problem(f"{prefix}sql_conn_id", "and sql go together: a query, and the connection it is asked on")
        if self.records is not None and not callable(self.records):
            # Airflow stores in clear what a DAG or an XCom holds.
            yield Problem(f"{prefix}records", "is no function; give one that returns the numbers when the task runs")

    def rows(self) -> Iterator[Row]:
        """Iterate over its rows, which are read once and kept nowhere.

        :raises ExotelInputError: if it cannot be read, or lacks a column.
        """
        if self.path is not None:
            return self._of_file(str(self.path))
        if self.sql is not None:
            return self._of_query(self.sql, str(self.sql_conn_id))
        return rows_of_records(self.records() if self.records else (), self.columns, name=self.name or "records")

    def _of_file(self, path: str) -> Iterator[Row]:
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        file: Any = ObjectStoragePath(path)
        name = self.name or "path"
        try:
            if path.lower().endswith(".parquet"):
                with file.open("rb") as content:
                    yield from rows_of_parquet(content, self.columns, name=name)
            else:
                with file.open("r", encoding="utf-8", newline="") as lines:
                    # What Airflow 2.11 opens can be read and not iterated over.
                    yield from rows_of_csv(iter(lines.readline, ""), self.columns, name=name)
        except FileNotFoundError:
            raise ExotelInputError([Problem(name, f"no file is at {redact(path)}; write the path of one")]) from None

    def _of_query(self, sql: str, sql_conn_id: str) -> Iterator[Row]:
        asked: Any = BaseHook.get_connection(sql_conn_id)
        hook = asked.get_hook()
        if not hasattr(hook, "get_cursor"):
            wanted = "is no connection that takes SQL; give one whose hook is a DbApiHook"
            raise ExotelInputError([Problem(f"{self.name}.sql_conn_id" if self.name else "sql_conn_id", wanted)])
        with closing(hook.get_conn()) as connection, closing(_cursor(connection)) as cursor:
            cursor.execute(sql)
            yield from rows_of_records(_records(cursor, self.columns), self.columns, name=self.name or "sql")


def _cursor(connection: Any) -> Any:
    """Return a cursor that leaves the rows with the server, where the driver would fetch them all at once otherwise."""
    driver = type(connection).__module__.partition(".")[0]
    if driver in {"psycopg", "psycopg2"}:
        return connection.cursor(name="exotel_audience")
    if driver in {"MySQLdb", "pymysql"}:
        return connection.cursor(import_module(f"{driver}.cursors").SSCursor)
    return connection.cursor()


def _records(cursor: Any, columns: Columns) -> Iterator[Mapping[str, Any]]:
    while rows := cursor.fetchmany(_ROWS_TOGETHER):
        # Cursors of a server know their columns once they have been asked.
        names = _as_wanted([column[0] for column in cursor.description], columns)
        yield from (dict(zip(names, row, strict=True)) for row in rows)


def _as_wanted(names: list[str], columns: Columns) -> list[str]:
    """Return the names of columns as they are asked for: databases fold the case of what is not quoted."""
    wanted = {one.casefold(): one for one in (columns.number, *columns.variables.values())}
    return [name if name in wanted.values() else wanted.get(name.casefold(), name) for name in names]
