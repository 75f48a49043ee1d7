"""Files and folders on any storage, their formats, and errors of opening them."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.local import LocalFileSystem

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.contacts.files import read_rows, translate_file_errors
from airflow_provider_exotel.contacts.rows import Columns

FIRST, SECOND, THIRD = "+919876500001", "+919876500002", "+919876500003"
CSV = f"number,name\n{FIRST},Raju\n{SECOND},Asha\n".encode()


class StoredPath:
    """A path as object storage offers it: a file system, and a path in it."""

    fs = LocalFileSystem()

    def __init__(self, path: Path) -> None:
        self.path, self.name, self._local = str(path), path.name, path

    def open(self, mode: str) -> Any:
        return self.fs.open(self.path, mode)

    def iterdir(self) -> list[StoredPath]:
        return [StoredPath(one) for one in self._local.iterdir()]

    def __str__(self) -> str:
        return f"file://{self.path}"


@pytest.fixture(params=[Path, StoredPath])
def path(tmp_path: Path, request: Any) -> Callable[..., Any]:
    """Write files, and return the path of the first of them, or of their folder."""

    def write(*files: tuple[str, bytes], folder: bool = False) -> Any:
        for name, content in files:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        return request.param(tmp_path if folder else tmp_path / files[0][0])

    return write


def parquet(numbers: Any, **more: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"number": numbers, **more}), file)
    return file.getvalue()


def numbers(path: Any, columns: Columns | None = None) -> list[str]:
    return [row.number for row in read_rows(path, columns)]


def refusal(path: Any) -> str:
    with pytest.raises(ExotelInputError) as caught:
        numbers(path)
    [problem] = caught.value.problems
    assert problem.field == "numbers_from"
    assert "98765" not in problem.message
    return problem.message


FORMATS = {
    "CSV": ("people.csv", CSV),
    "CSV with another name": ("people.txt", CSV),
    "CSV with a byte order mark": ("people.csv", b"\xef\xbb\xbf" + CSV),
    "CSV of old Macintoshes": ("people.csv", CSV.replace(b"\n", b"\r")),
    "compressed CSV": ("people.csv.gz", gzip.compress(CSV)),
    "compressed CSV whose name does not say so": ("people.csv", gzip.compress(CSV)),
    "Parquet": ("people.parquet", parquet([FIRST, SECOND])),
    "Parquet whose name does not say so": ("people", parquet([FIRST, SECOND])),
}


@pytest.mark.parametrize(("name", "content"), FORMATS.values(), ids=FORMATS)
def test_the_format_is_detected_from_the_content(path: Callable[..., Any], name: str, content: bytes) -> None:
    assert numbers(path((name, content))) == [FIRST, SECOND]


REFUSED = {
    "UTF-16 of Excel": ("\ufeff" + CSV.decode()).encode("utf-16-le"),
    "UTF-16, big end first": ("\ufeff" + CSV.decode()).encode("utf-16-be"),
    "UTF-16 without a mark": CSV.decode().encode("utf-16-le"),
    "an Excel workbook": b"PK\x03\x04" + b"\0" * 100,
    "an old Excel workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100,
    "cp1252": f"number,name\n{FIRST},Andr\xe9\n".encode("cp1252"),
    "cp1252, late": CSV * 1_000 + f"{FIRST},Andr\xe9\n".encode("cp1252"),
    "bzip2": b"BZh91AY&SY",
    "a compressed workbook": gzip.compress(b"PK\x03\x04" + b"\0" * 100),
    "half of a compressed file": gzip.compress(CSV)[:-12],
    "half of a Parquet file": parquet([FIRST])[:-20],
    "an empty file": b"",
}
WORDS = ("save it as CSV UTF-8", "give CSV", "write it again", "write a file with")


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_the_error_of_an_unreadable_file_has_a_fix(path: Callable[..., Any], content: bytes) -> None:
    assert any(word in refusal(path(("people.csv", content))) for word in WORDS)


@pytest.mark.parametrize(
    "files",
    [
        [("part-00000-ab.c000.csv", CSV), ("part-00001-ab.c000.csv", f"number,name\n{THIRD},Ravi\n".encode())],
        [("part-00000", CSV), ("part-00001", f"number,name\n{THIRD},Ravi\n".encode())],
        [("part-0.csv.gz", gzip.compress(CSV)), ("part-1.csv.gz", gzip.compress(f"number\n{THIRD}\n".encode()))],
        [("part-0.snappy.parquet", parquet([FIRST, SECOND])), ("part-1.snappy.parquet", parquet([THIRD]))],
        [("day=1/part-0.parquet", parquet([FIRST, SECOND])), ("day=2/part-0.parquet", parquet([THIRD]))],
        [("a.csv", CSV), ("b.csv", b"number\n"), ("c.csv", f"number\n{THIRD}\n".encode())],
        [("a.csv", CSV), ("b.csv", b""), ("c.csv", f"number\n{THIRD}\n".encode()), ("_SUCCESS", b"")],
    ],
    ids=lambda files: files[0][0],
)
def test_the_files_of_a_folder_are_read_sorted_by_name(path: Callable[..., Any], files: Any) -> None:
    folder = path(*files, ("_SUCCESS", b"") if len(files) == 2 else (".part.crc", b"?"), folder=True)

    assert numbers(folder) == [FIRST, SECOND, THIRD]


def test_row_numbers_continue_across_files(path: Callable[..., Any]) -> None:
    rows = list(read_rows(path(("a.csv", CSV), ("b.csv", f"number\n{THIRD}\n".encode()), folder=True)))

    assert [row.row for row in rows] == [2, 3, 5]


FOLDERS = {
    "nothing in it": ([("_SUCCESS", b"")], "is a folder without CSV or Parquet files"),
    "still being written": ([("a.csv", CSV), ("_temporary/0/x", b"")], "Spark is still writing"),
    "an empty file, and no _SUCCESS marker": ([("a.csv", CSV), ("b.csv", b"")], "in its file b.csv: is empty"),
    "empty parts alone": ([("a.csv", b""), ("_SUCCESS", b"")], "is a folder of empty files"),
    "something else in it": ([("a.csv", CSV), ("b.xlsx", b"PK")], "contains b.xlsx, which is neither CSV nor Parquet"),
    "a part that is damaged": (
        [("a.csv", CSV), ("b.csv", b'number\n"98765')],
        "in its file b.csv: row 2 has an unclosed quot",
    ),
}


@pytest.mark.parametrize(("files", "said"), FOLDERS.values(), ids=FOLDERS)
def test_a_folder_that_cannot_be_read_completely_is_refused(path: Callable[..., Any], files: Any, said: str) -> None:
    assert said in refusal(path(*files, folder=True))


@pytest.mark.parametrize("kind", [Path, StoredPath])
def test_only_regular_files_are_read(tmp_path: Path, kind: Any) -> None:
    os.mkfifo(tmp_path / "fifo")

    assert "is not a regular file" in refusal(kind(tmp_path / "fifo"))
    assert "is not a regular file" in refusal(kind(Path("/dev/zero")))


@pytest.mark.parametrize("kind", [Path, StoredPath])
def test_a_missing_path(tmp_path: Path, kind: Any) -> None:
    assert refusal(kind(tmp_path / "none.csv")).startswith("there is no file at ")


class NoCredentialsError(Exception):
    pass


ERRORS = {
    "s3://bucket/x.csv": (
        ValueError("No filesystem registered for scheme s3"),
        "install airflow-provider-exotel[s3]",
    ),
    "gs://bucket/x.csv": (ValueError("Protocol not known: gs"), "install airflow-provider-exotel[gcs]"),
    "gcs://bucket/x.csv": (ImportError("Please install gcsfs"), "install airflow-provider-exotel[gcs]"),
    "abfs://bucket/x.csv": (ImportError("adlfs"), "apache-airflow-providers-microsoft-azure"),
    "nosuch://bucket/x.csv": (ValueError("Unsupported filesystem: 'nosuch'"), "use a scheme such as file, s3 or gs"),
    "s3://bucket/secret.csv": (
        PermissionError("Forbidden"),
        "this worker has no access to s3://bucket/secret.csv; grant access",
    ),
    "s3://bucket/y.csv": (NoCredentialsError("Unable to locate credentials"), "name a connection: s3://conn@"),
    "file:///tmp": (IsADirectoryError("Is a directory"), "is a folder instead of a file"),
    "file:///tmp/x": (OSError(36, "File name too long"), "cannot be opened"),
}


@pytest.mark.parametrize(("path", "error", "said"), [(path, *expected) for path, expected in ERRORS.items()])
def test_non_retryable_errors_have_a_fix(path: str, error: Exception, said: str) -> None:
    with pytest.raises(ExotelInputError, match="opt_outs: ") as caught, translate_file_errors(path, "opt_outs"):
        raise error
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "error", [TimeoutError(), ConnectionResetError(), OSError(5, "I/O error"), ValueError("other")]
)
def test_retryable_errors_are_raised_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, translate_file_errors("s3://bucket/x.csv", "numbers_from"):
        raise error
    assert caught.value is error


def test_errors_redact_numbers_and_secrets_in_paths(tmp_path: Path) -> None:
    assert "98765" not in refusal(tmp_path / "+919876500001.csv")


TYPES = {
    "text": (pa.array([FIRST, None]), [FIRST, ""]),
    "large text": (pa.array([FIRST, None], pa.large_string()), [FIRST, ""]),
    "dictionary": (pa.array([FIRST, None, FIRST]).dictionary_encode(), [FIRST, "", FIRST]),
    "dictionary of large text": (pa.array([FIRST, None], pa.large_string()).dictionary_encode(), [FIRST, ""]),
    "bytes": (pa.array([FIRST.encode(), None, b"\xff"]), [FIRST, "", "\ufffd"]),
    "whole": (pa.array([919876500001, None], pa.int64()), ["919876500001", ""]),
    "unsigned": (pa.array([919876500001], pa.uint64()), ["919876500001"]),
    "negative": (pa.array([-9876500001], pa.int64()), ["-9876500001"]),
    "decimals": (pa.array([919876500001, None]).cast(pa.decimal128(30, 2)), ["919876500001", ""]),
    "floats": (pa.array([919876500001.0, float("nan"), None, 1e17]), ["919876500001", "", "", "1e+17"]),
    "nothing": (pa.array([None, None]), ["", ""]),
}


@pytest.mark.parametrize(("column", "texts"), TYPES.values(), ids=TYPES)
def test_a_typed_column_keeps_all_digits(tmp_path: Path, column: Any, texts: list[str]) -> None:
    (tmp_path / "a.parquet").write_bytes(parquet(column))

    assert numbers(tmp_path / "a.parquet") == texts


@pytest.mark.parametrize(
    "kind",
    [
        pa.float32(),
        pa.float16(),
        pa.int8(),
        pa.int16(),
        pa.int32(),
        pa.uint32(),
        pa.bool_(),
        pa.date32(),
        pa.list_(pa.int64()),
    ],
    ids=str,
)
def test_a_column_type_that_loses_digits_is_refused(tmp_path: Path, kind: Any) -> None:
    (tmp_path / "a.parquet").write_bytes(parquet(pa.array([None], kind)))

    assert f"in a column of type {str(kind)[:4]}" in refusal(tmp_path / "a.parquet")


def test_variables_of_any_type_are_text_for_people(tmp_path: Path) -> None:
    variables = {"due": [1500.0, float("nan")], "name": [b"Asha", None], "tax": pa.array([7.5, 3.0], pa.float32())}
    (tmp_path / "a.parquet").write_bytes(parquet([FIRST, SECOND], **variables))

    rows = list(read_rows(tmp_path / "a.parquet", Columns(variables={name: name for name in variables})))

    assert [dict(row.variables) for row in rows] == [
        {"due": "1500", "name": "Asha", "tax": "7.5"},
        {"due": "", "name": "", "tax": "3"},
    ]
