"""Recently called contacts in reports of every format, with digests or plaintext numbers."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from airflow_provider_exotel.audience.called import TABLE, called_since
from airflow_provider_exotel.audience.sources import Access
from airflow_provider_exotel.audience.suppression import Suppressed, number_key
from airflow_provider_exotel.audience.suppression_sources import tables_under
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.report.call import plaintext, pseudonymise_with
from airflow_provider_exotel.report.tables import ATTEMPTS, FORMATS, writer

from .audience_plans import indians

KEY = b"a key of the tests"
SINCE = datetime(2026, 3, 1, tzinfo=UTC)
LATE, EARLY = SINCE + timedelta(days=1), SINCE - timedelta(seconds=1)
ONE, TWO, THREE = indians(3)


def table(format: str, rows: Iterable[tuple[str, datetime | None]]) -> tuple[str, Any]:
    """Return an attempts table in the format of a report."""
    file = io.BytesIO()
    with writer(format, ATTEMPTS, file) as write:
        for contact, began in rows:
            known = {"contact": contact, "start_utc": began, "campaign_id": "one", "status": "completed"}
            write([known.get(name) for name in ATTEMPTS])
    return format, io.BytesIO(file.getvalue())


def called(rows: Iterable[tuple[str, datetime | None]], key: bytes | None = KEY, format: str = "csv") -> Suppressed:
    return called_since("called", [table(format, rows)], SINCE, key, None)


def found(source: Suppressed) -> list[str]:
    return [number for number in (ONE, TWO, THREE) if number_key(number) in source.numbers]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("name", "key"), [(pseudonymise_with(KEY), KEY), (plaintext, None)], ids=["digests", "clear"])
def test_recently_called_contacts_are_found(format: str, name: Any, key: bytes | None) -> None:
    rows = [(name(ONE), LATE), (name(TWO), EARLY), (name(TWO), SINCE), (name(THREE), EARLY)]

    source = called(rows, key, format)

    assert found(source) == [ONE, TWO]
    assert (source.rows, source.unreadable) == (4, 0)


@pytest.mark.parametrize("format", FORMATS)
def test_contacts_who_pressed_a_key_are_selected(format: str) -> None:
    file = io.BytesIO()
    with writer(format, ATTEMPTS, file) as write:
        for number, digit in ((ONE, "9"), (TWO, "1"), (THREE, None)):
            known = {"contact": pseudonymise_with(KEY)(number), "start_utc": LATE, "campaign_id": "one", "digit": digit}
            write([known.get(name) for name in ATTEMPTS])

    source = called_since("pressed 9", [(format, io.BytesIO(file.getvalue()))], SINCE, KEY, None, digit="9")

    assert found(source) == [ONE]


def pressed(text: str, digit: str, key: bytes | None = None) -> Suppressed:
    return called_since("pressed", [("csv", io.BytesIO(text.encode()))], SINCE, key, "IN", digit=digit)


@pytest.mark.parametrize("written", ["9", '"9"', '"""9"""', " 9 ", '""" 9"" "', "'9", "9.0", "09", '"=""9"""'])
def test_a_key_is_found_in_any_format(written: str) -> None:
    source = pressed(f"contact,start_utc,digit\n{ONE},{LATE.isoformat()},{written}\n{TWO},{LATE.isoformat()},1\n", "9")

    assert found(source) == [ONE]


@pytest.mark.parametrize("written", ["99", "9#", "19", "1*9", "1 9", "[number]", "1.23E+11", "1;9"])
def test_unreadable_keys_count_as_pressed(written: str) -> None:
    source = pressed(f"contact,start_utc,digit\n{ONE},,{written}\n{TWO},,1\n", "9")

    assert found(source) == [ONE]


@pytest.mark.parametrize("written", ["", "nan", "None", "1", "12", "#"])
def test_a_key_that_was_not_pressed_suppresses_nobody(written: str) -> None:
    assert found(pressed(f"contact,start_utc,digit\n{ONE},,{written}\n", "9")) == []


@pytest.mark.parametrize(("written", "digit"), [('"0"', "0"), ("00", "0"), ("05", "0"), ("12", "12"), ("*", "*")])
def test_a_key_may_be_any(written: str, digit: str) -> None:
    assert found(pressed(f"contact,start_utc,digit\n{ONE},,{written}\n{TWO},,9\n", digit)) == [ONE]


SAVED = {
    "with a byte order mark": "\ufeffcontact,start_utc,digit\r\n{0},2026-03-02T10:00:00Z,9\r\n",
    "with semicolons": "\ufeffcontact;start_utc;digit\r\n{0};2026-03-02T10:00:00Z;9\r\n",
    "with tabs": "contact\tstart_utc\tdigit\r\n{0}\t2026-03-02T10:00:00Z\t9\r\n",
    "with its own line": "sep=;\r\ncontact;start_utc;digit\r\n{0};2026-03-02T10:00:00Z;9\r\n",
    "with dates of its own": "contact,start_utc,digit\n{0},02/03/2026 10:00,9\n",
    "with empty rows at the end": "contact,start_utc,digit\n{0},,9\n,,\n\n",
    "with columns in another order": "digit,start_utc,price,contact\n9,,,{0}\n",
    "with numbers without a plus": "contact,start_utc,digit\n{1},,9\n",
}


@pytest.mark.parametrize("text", SAVED.values(), ids=SAVED)
def test_a_report_saved_by_a_spreadsheet_is_read(text: str) -> None:
    source = pressed(text.format(ONE, ONE[1:]), "9")

    assert (found(source), source.rows, source.unreadable) == ([ONE], 1, 0)


def test_a_rounded_number_counts_as_unreadable() -> None:
    assert pressed("contact,start_utc,digit\n9.19877E+11,,9\n", "9").unreadable == 1


@pytest.mark.parametrize(
    ("format", "content"),
    [
        ("csv", b""),
        ("csv", b"contact,start_utc\n+919876500001,\n"),
        ("csv", b"contact,start_utc,digit\n+919876500001\n"),
        ("csv", b'contact,start_utc,digit\n"+919876500001,,9\n'),
        ("csv", "contact,start_utc,digit\n".encode("utf-16")),
        ("csv", b'contact,start_utc,digit\n"+919876500001,,9\n",,1\n'),
        ("csv", b"contact,start_utc,digit,contact\n+919876500001,,9,+919876500002\n"),
        ("csv", b"contact,start_utc,digit\n+919876500001,,1,9\n"),
        ("jsonl", b"{"),
        ("jsonl", b'{"contact": "+919876500001"}\n'),
        ("jsonl", b"[]\n"),
    ],
)
def test_an_unreadable_table_is_refused(format: str, content: bytes) -> None:
    with pytest.raises(ExotelInputError, match=r"suppress\.called: has an attempts table") as caught:
        called_since("called", [(format, io.BytesIO(content))], SINCE, None, "IN", digit="9")
    assert "98765" not in str(caught.value)


def test_a_damaged_parquet_table_is_refused() -> None:
    with pytest.raises(ExotelInputError, match=r"suppress\.called: is a damaged or incomplete Parquet file"):
        called_since("called", [("parquet", io.BytesIO(b"PAR1"))], SINCE, None, "IN", digit="9")


@pytest.mark.parametrize(
    ("value", "is_pressed"), [("9", True), ("[9]", True), ('["1", "9"]', True), ("null", False), ("1", False)]
)
def test_keys_may_be_json_of_any_kind(value: str, is_pressed: bool) -> None:
    line = f'{{"contact": "{ONE}", "start_utc": null, "digit": {value}}}\n'

    found_there = found(called_since("called", [("jsonl", io.BytesIO(line.encode()))], SINCE, None, "IN", digit="9"))

    assert found_there == [ONE] * is_pressed


def test_keys_may_be_typed_numbers() -> None:
    file = io.BytesIO()
    columns = {"contact": [ONE, TWO], "start_utc": [LATE, LATE], "digit": pa.array([0, None], pa.int64())}
    pq.write_table(pa.table(columns), file)

    assert found(called_since("called", [("parquet", file)], SINCE, None, "IN", digit="0")) == [ONE]


def test_a_call_without_a_time_counts_as_recent() -> None:
    assert found(called([(pseudonymise_with(KEY)(ONE), None)])) == [ONE]


@pytest.mark.parametrize("spelled", [ONE, ONE[1:], f"0{ONE[3:]}", ONE[3:]])
def test_indian_numbers_are_found_in_the_formats_of_the_service(spelled: str) -> None:
    assert found(called([(pseudonymise_with(KEY)(spelled), LATE)])) == [ONE]


def test_digests_under_another_key_find_nobody() -> None:
    assert found(called([(pseudonymise_with(b"another key of the tests")(ONE), LATE)])) == []


@pytest.mark.parametrize(("contact", "key"), [(ONE, KEY), ("", KEY), (pseudonymise_with(KEY)(ONE), None), ("", None)])
def test_calls_that_cannot_be_compared_are_counted(contact: str, key: bytes | None) -> None:
    assert called([(contact, LATE)], key).unreadable == 1


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("reports/2026/attempts.csv", True),
        ("attempts.parquet", True),
        ("x/contacts.csv", False),
        ("attempts.txt", False),
    ],
)
def test_only_attempts_tables_are_read(path: str, counts: bool) -> None:
    assert bool(TABLE.fullmatch(path)) is counts


def test_the_text_of_a_source_has_no_numbers_and_no_key() -> None:
    source = called([(pseudonymise_with(KEY)(ONE), LATE)])

    assert ONE[3:] not in repr(source)
    assert KEY.decode() not in repr(source)


@pytest.mark.parametrize("folder", [" ", ".", "None", "nan", "file://"])
def test_a_folder_that_a_template_made_of_nothing_is_refused(folder: str) -> None:
    access = Access(UPath, lambda *_: None, lambda *_: KEY)

    with pytest.raises(ExotelInputError, match=r"suppress\.called\.reports: must not be empty"):
        tables_under(folder, access, "suppress.called.reports")


def test_a_report_that_is_being_made_is_not_read(tmp_path: Path) -> None:
    for folder, text in (("march", ""), ("march/_unfinished/0123/4567", "{")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "attempts.jsonl").write_text(text)

    tables = tables_under(str(tmp_path), Access(UPath, lambda *_: None, lambda *_: KEY), "suppress.called.reports")

    assert tables == [str(tmp_path / "march" / "attempts.jsonl")]
