"""Read files and folders of contacts from any storage: detect their format, and explain why they cannot be opened."""

from __future__ import annotations

import errno
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.contacts.csv_rows import MAX_LINE_LENGTH, rows_of_csv
from airflow_provider_exotel.contacts.parquet_rows import rows_of_parquet
from airflow_provider_exotel.contacts.rows import Columns, Row

_PARQUET, _GZIP = b"PAR1", b"\x1f\x8b"
_REFUSED = {
    b"\xff\xfe": "is UTF-16 text, such as Excel's 'Unicode Text'; save it as CSV UTF-8",
    b"\xfe\xff": "is UTF-16 text, such as Excel's 'Unicode Text'; save it as CSV UTF-8",
    b"PK\x03\x04": "is an Excel workbook or another ZIP archive; save it as CSV UTF-8",
    b"\xd0\xcf\x11\xe0": "is an Excel workbook; save it as CSV UTF-8",
    b"BZh": "is compressed with bzip2; give CSV, CSV compressed with gzip, or Parquet",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; give CSV, CSV compressed with gzip, or Parquet",
    b"Obj\x01": "is an Avro file; give CSV, CSV compressed with gzip, or Parquet",
    b"ORC": "is an ORC file; give CSV, CSV compressed with gzip, or Parquet",
}
_PARTS = (".csv", ".csv.gz", ".parquet", ".txt", ".txt.gz")
_MAX_DEPTH = 10
_DRIVERS = {
    "s3": "airflow-provider-exotel[s3]",
    "s3a": "airflow-provider-exotel[s3]",
    "gs": "airflow-provider-exotel[gcs]",
    "gcs": "airflow-provider-exotel[gcs]",
    "abfs": "apache-airflow-providers-microsoft-azure",
    "abfss": "apache-airflow-providers-microsoft-azure",
    "adl": "apache-airflow-providers-microsoft-azure",
    "wasb": "apache-airflow-providers-microsoft-azure",
}
# Errors that need another argument; a retry would not help.
_NO_SUCH_PATH = {errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.ENODEV}
_NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "ProfileNotFound"}


def read_rows(path: Any, columns: Columns | None = None, *, name: str = "numbers_from") -> Iterator[Row]:
    """Yield the rows of a CSV or Parquet file, or of all files in a folder, one at a time.

    The format is detected from the content. In a folder, such as one written by Spark, names that start with ``_`` or
    ``.`` are skipped, and row numbers continue from file to file.

    :param path: a path with ``open`` and ``iterdir``, such as Airflow's ``ObjectStoragePath`` or ``pathlib.Path``.
    :param columns: the columns to read.
    :param name: the argument that names the path, for errors.
    :raises ExotelInputError: if it cannot be opened or read, or lacks a column.
    """
    with translate_file_errors(path, name):
        kind = _kind(path)
        if kind == "directory":
            yield from _rows_of_folder(path, columns, name)
        elif kind == "file":
            yield from _rows_of_file(path, columns, name)
        else:
            raise ExotelInputError(
                [Problem(name, f"{redact(str(path))} is not a regular file; give the path of a file")]
            )


@contextmanager
def translate_file_errors(path: object, name: str) -> Iterator[None]:
    """Raise non-retryable errors of opening or reading a path as :class:`ExotelInputError`.

    Other errors, such as a lost connection, are raised unchanged. Create the path inside this context too: that is when
    a missing driver raises.

    :param path: the caller's path.
    :param name: the argument that names it, for errors.
    :raises ExotelInputError: naming the package to install, or the fix.
    """
    try:
        yield
    except ExotelInputError:
        raise
    except Exception as error:
        if message := _explain(error, str(path)):
            raise ExotelInputError([Problem(name, message)]) from None
        raise


def _explain(error: Exception, path: str) -> str:
    shown, kind = redact(path), type(error).__name__
    scheme = path.partition("://")[0] if "://" in path else ""
    if isinstance(error, FileNotFoundError):
        return f"there is no file at {shown}; give the path of a file"
    if isinstance(error, (IsADirectoryError, NotADirectoryError)):
        return f"{shown} is a folder instead of a file, or the reverse; give the path of a file"
    if isinstance(error, PermissionError) or kind in _NO_CREDENTIALS:
        return f"this worker has no access to {shown}; grant access, or name a connection: {scheme or 's3'}://conn@..."
    if kind == "AirflowNotFoundException":
        return f"{shown} names a connection that does not exist; create it"
    if _is_missing_driver(error):
        package = _DRIVERS.get(scheme)
        install = f"install {package}" if package else "use a scheme such as file, s3 or gs, and install its provider"
        return f"this Airflow cannot read files on {redact(scheme or path)}://; {install}"
    if isinstance(error, (gzip.BadGzipFile, EOFError, zlib.error)):
        return f"{shown} is damaged or incomplete; write it again"
    if isinstance(error, OSError) and error.errno in _NO_SUCH_PATH:
        return f"{shown} cannot be opened; give the path of a file"
    return ""


def _is_missing_driver(error: Exception) -> bool:
    if isinstance(error, ImportError):
        return True
    problems = ("No filesystem registered", "Unsupported filesystem", "Protocol not known")
    return isinstance(error, ValueError) and str(error).startswith(problems)


def _kind(path: Any) -> str:
    """Return ``file``, ``directory`` or another type, as fsspec does.

    :raises OSError: if the path cannot be read.
    """
    if (files := getattr(path, "fs", None)) is not None:
        return str(files.info(path.path).get("type"))
    path.stat()
    return "directory" if path.is_dir() else "file" if path.is_file() else "other"


def _rows_of_folder(folder: Any, columns: Columns | None, name: str) -> Iterator[Row]:
    parts, is_complete = _parts(folder, name, _MAX_DEPTH)
    if not parts:
        raise ExotelInputError(
            [Problem(name, f"{redact(str(folder))} is a folder without CSV or Parquet files; give another folder")]
        )
    counted, has_header = 0, False
    for part in parts:
        if is_complete and _is_empty(part):
            continue
        has_header, last = True, 0
        try:
            for row in _rows_of_file(part, columns, name):
                last = row.row
                yield row._replace(row=counted + last)
        except ExotelInputError as error:
            problems = [Problem(one.field, f"in its file {redact(part.name)}: {one.message}") for one in error.problems]
            raise ExotelInputError(problems) from None
        counted += last
    if not has_header:
        raise ExotelInputError(
            [Problem(name, f"{redact(str(folder))} is a folder of empty files; give another folder")]
        )


def _parts(folder: Any, name: str, deepest: int) -> tuple[list[Any], bool]:
    """Return the files of a folder sorted by name, and whether Spark has marked it as complete."""
    parts: list[Any] = []
    is_complete = False
    for entry in sorted(folder.iterdir(), key=lambda one: str(one.name)):
        shown, lower = redact(entry.name), entry.name.lower()
        if entry.name == "_temporary":
            raise ExotelInputError(
                [Problem(name, "is a folder that Spark is still writing; wait until it is complete")]
            )
        is_complete |= entry.name == "_SUCCESS"
        if not entry.name or entry.name.startswith(("_", ".")):
            continue
        kind = _kind(entry)
        if kind == "directory" and deepest:
            within, complete_within = _parts(entry, name, deepest - 1)
            parts += within
            is_complete |= complete_within
        elif kind == "file" and (lower.endswith(_PARTS) or lower.startswith("part-")):
            parts.append(entry)
        else:
            raise ExotelInputError(
                [Problem(name, f"is a folder that contains {shown}, which is neither CSV nor Parquet; remove it")]
            )
    return parts, is_complete


def _is_empty(path: Any) -> bool:
    with path.open("rb") as file:
        return not file.read(1)


def _rows_of_file(path: Any, columns: Columns | None, name: str) -> Iterator[Row]:
    with path.open("rb") as file:
        head = _head(file)
        if head.startswith(_PARQUET) or (path.name.lower().endswith(".parquet") and not head.startswith(_GZIP)):
            yield from rows_of_parquet(file, columns, name=name)
        elif head.startswith(_GZIP):
            with gzip.GzipFile(fileobj=file) as content:
                yield from _rows_of_text(content, columns, name)
        else:
            yield from _rows_of_text(file, columns, name)


def _rows_of_text(file: Any, columns: Columns | None, name: str) -> Iterator[Row]:
    head = _head(file)
    for mark, message in _REFUSED.items():
        if head.startswith(mark):
            raise ExotelInputError([Problem(name, message)])
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        # Never read much more than the maximum length of a line.
        yield from rows_of_csv(iter(lambda: text.readline(MAX_LINE_LENGTH + 1), ""), columns, name=name)


def _head(file: Any) -> bytes:
    head = bytes(file.read(4))
    file.seek(0)
    return head
