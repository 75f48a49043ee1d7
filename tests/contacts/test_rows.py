"""Rows of a CSV file, of a Parquet file and of records behave alike."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.contacts.csv_rows import rows_of_csv
from airflow_provider_exotel.contacts.normalise import normalise
from airflow_provider_exotel.contacts.parquet_rows import rows_of_parquet
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.contacts.rows import Columns, Row, rows_of_records

FIRST, SECOND = "+919876500000", "+919876500001"
PEOPLE = Columns(variables={"Name": "name", "Amount": "amount due"})


def parquet(table: dict[str, Any], **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    pq.write_table(pa.table(table), file, **options)
    file.seek(0)
    return file


def csv_of(table: dict[str, list[Any]]) -> io.StringIO:
    lines = [",".join(table), *(",".join(map(str, row)) for row in zip(*table.values(), strict=True))]
    return io.StringIO("\n".join(lines))


def records_of(table: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


SOURCES: list[Any] = [
    pytest.param(lambda table, columns: rows_of_csv(csv_of(table), columns), id="CSV"),
    pytest.param(lambda table, columns: rows_of_parquet(parquet(table), columns), id="Parquet"),
    pytest.param(lambda table, columns: rows_of_records(records_of(table), columns), id="records"),
]
Read = Callable[[dict[str, list[Any]], Columns | None], Iterator[Row]]


@pytest.mark.parametrize("read", SOURCES)
def test_every_source_gives_number_and_variables(read: Read) -> None:
    table = {"name": ["Asha", "Ravi"], "number": [FIRST, SECOND], "city": ["Goa", "Pune"], "amount due": ["5", "7.50"]}

    rows = list(read(table, PEOPLE))

    assert [(row.number, dict(row.variables)) for row in rows] == [
        (FIRST, {"Name": "Asha", "Amount": "5"}),
        (SECOND, {"Name": "Ravi", "Amount": "7.50"}),
    ]
    assert not any(row.fault for row in rows)


@pytest.mark.parametrize("read", SOURCES)
def test_the_number_may_be_in_any_column(read: Read) -> None:
    assert [row.number for row in read({"number": ["1"], "mobile": [FIRST]}, Columns(number="mobile"))] == [FIRST]


@pytest.mark.parametrize("read", SOURCES)
def test_every_missing_column_is_named(read: Read) -> None:
    with pytest.raises(ExotelInputError) as caught:
        list(read({"number": [FIRST], "Name": ["Asha"]}, PEOPLE))

    assert [problem.field for problem in caught.value.problems] == ["numbers_from"] * 2
    assert all(f"no column named {column!r}" in str(caught.value) for column in ("name", "amount due"))
    assert not any(trace in str(caught.value) for trace in ("98765", "Asha"))


@pytest.mark.parametrize("read", SOURCES[:2])
def test_the_number_column_is_case_insensitive_unless_ambiguous(read: Read) -> None:
    assert [row.number for row in read({"Number": [FIRST]}, None)] == [FIRST]
    assert [row.number for row in read({"Number": ["1"], "number": [FIRST]}, None)] == [FIRST]


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(ExotelInputError, match="has 2 columns named 'number'"):
        list(rows_of_csv(["Number,NUMBER", f"{FIRST},{SECOND}"]))


def test_rows_are_counted_as_spreadsheets_count_them() -> None:
    text = f"\nnumber,note\n{FIRST},\n\n,\n{SECOND},x\n"

    assert [(row.row, row.number) for row in rows_of_csv(io.StringIO(text))] == [(3, FIRST), (6, SECOND)]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (f"Asha,{FIRST},5,000", "row 2 has 4 cells and the header has 3"),
        (f"Asha,{FIRST}", "row 2 has 2 cells and the header has 3"),
        ("Asha", "row 2 has 1 cells and the header has 3"),
        (f"Asha,{FIRST},5,", "row 2 has 4 cells and the header has 3"),
        (f'"Asha" R,{FIRST},5', "row 2 has text after a closing quotation mark"),
    ],
)
def test_a_row_that_does_not_match_the_header_has_a_fault(line: str, fault: str) -> None:
    [misfit, fitting] = rows_of_csv(["name,number,amount due", line, f"Ravi,{SECOND},7"], PEOPLE)

    assert misfit.fault.startswith(fault)
    assert (misfit.number, fitting.number, fitting.fault) == (line, SECOND, "")


@pytest.mark.parametrize("line", [f"{FIRST},Asha,5,,", f'{FIRST},"Asha",5, '])
def test_extra_empty_cells_are_accepted_after_a_number_in_the_first_cell(line: str) -> None:
    [row] = rows_of_csv(["number,name,amount due", line], PEOPLE)

    assert (row.number, dict(row.variables), row.fault) == (FIRST, {"Name": "Asha", "Amount": "5"}, "")


def test_missing_empty_cells_at_the_end_are_accepted() -> None:
    assert [(row.number, row.fault) for row in rows_of_csv(["number,note", FIRST])] == [(FIRST, "")]


@pytest.mark.parametrize("columns", [PEOPLE, Columns(number="mobile")])
def test_columns_need_a_header(columns: Columns) -> None:
    with pytest.raises(ExotelInputError, match="has a phone number in its first row and no header"):
        list(rows_of_csv([FIRST, SECOND], columns))


def test_bytes_that_are_not_utf_8_are_refused(tmp_path: Any) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(f"number,name\n{FIRST},Andr\xe9\n".encode("latin-1"))

    with (
        path.open(encoding="utf-8", newline="") as lines,
        pytest.raises(ExotelInputError, match="opt_outs: is not UTF-8") as caught,
    ):
        list(rows_of_csv(lines, name="opt_outs"))
    assert "98765" not in str(caught.value)


def test_parquet_may_have_a_numeric_column() -> None:
    whole = pa.array([919876500000, None], pa.int64())
    decimals = pa.array([919876500000.0, None, float("nan")], pa.float64())

    assert [row.number for row in rows_of_parquet(parquet({"number": whole}))] == ["919876500000", ""]
    assert [row.number for row in rows_of_parquet(parquet({"number": decimals}))] == ["919876500000", "", ""]


def test_parquet_is_read_a_batch_at_a_time() -> None:
    file = parquet({"number": [f"+9198765{position:05}" for position in range(50_000)]}, row_group_size=5_000)
    size = len(file.getvalue())

    next(rows_of_parquet(file))

    assert file.tell() < size / 2


@pytest.mark.parametrize("content", [b"", b"number\n+919876500000\n", b"PAR1 not really PAR1"])
def test_the_error_does_not_repeat_invalid_parquet(content: bytes) -> None:
    said = "numbers_from: is a damaged or incomplete Parquet file; write it again"
    with pytest.raises(ExotelInputError, match=said) as caught:
        list(rows_of_parquet(io.BytesIO(content)))
    assert "98765" not in str(caught.value)


@pytest.mark.parametrize("record", [FIRST, 919876500000, Decimal(919876500000), 919876500000.0])
def test_a_record_may_be_a_plain_number(record: object) -> None:
    assert [row.number for row in rows_of_records([record])] == [FIRST if record == FIRST else FIRST[1:]]


@pytest.mark.parametrize("record", [(1, FIRST), [FIRST], FIRST.encode()])
def test_a_record_without_column_names_is_refused_without_being_repeated(record: object) -> None:
    with pytest.raises(ExotelInputError, match="record 2 has no column names") as caught:
        list(rows_of_records([FIRST, record]))
    assert "98765" not in str(caught.value)


def test_a_plain_number_has_no_variables() -> None:
    with pytest.raises(ExotelInputError, match="record 1 has no column names"):
        list(rows_of_records([FIRST], PEOPLE))


class NAType:
    """What pandas writes for a missing value of its own types."""


class NaTType:
    """What pandas writes for a missing time."""


class float32(float):  # noqa: N801 - numpy's name
    """A number that has lost digits."""


class int32(int):  # noqa: N801 - numpy's name
    """A number that has wrapped around."""


class DataFrame:
    """Iterates over the names of its columns."""

    def __iter__(self) -> Iterator[str]:
        return iter(["number"])

    def iterrows(self) -> None:
        """Tell that it is a data frame."""


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "returned nothing; return a list of numbers"),
        (FIRST, "returned a str"),
        ({"number": FIRST}, "returned a dict"),
        (5, "returned a int"),
        (DataFrame(), "returned a DataFrame; return a list of numbers or mappings, such as"),
        ([float32(919876500000)], "has float32 numbers, which may have lost digits"),
        ([{"number": float32(919876500000)}], "has float32 numbers, which may have lost digits"),
        ([int32(1286565409)], "has int32 numbers, which may have lost digits"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_error_of_invalid_records_has_a_fix(returned: Any, said: str) -> None:
    with pytest.raises(ExotelInputError, match="records: ") as caught:
        list(rows_of_records(returned, name="records"))
    assert said in str(caught.value)
    assert "98765" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (Decimal("NaN"), ""),
        (NAType(), ""),
        (NaTType(), ""),
        (919876500000, "919876500000"),
        (919876500000.0, "919876500000"),
        (Decimal("919876500000.00"), "919876500000"),
        (Decimal("7.50"), "7.50 (not whole)"),
        (7.5, "7.5 (not whole)"),
        (Decimal("sNaN"), ""),
        (Decimal("1E+400"), "1E+400"),
        (-919876500000.0, "-919876500000"),
        (b"+919876500000", FIRST),
        (float("inf"), "inf"),
        (1e17, "1e+17"),
        (True, "True"),
        (-5, "-5"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_the_text_of_a_typed_value(value: object, text: str) -> None:
    [row] = rows_of_records([{"number": value}])

    assert row.number == text


NOT_WHOLE = [98765.00001, 9876500001.5, Decimal("98765.00001"), Decimal("9876500001.50"), Fraction(98765000011, 10)]


@pytest.mark.parametrize("value", NOT_WHOLE, ids=repr)
def test_a_number_with_a_fraction_is_rejected(value: object) -> None:
    [row] = rows_of_records([{"number": value}])

    assert normalise([row.number], "IN") == normalise([row.number], None) == [Reason.NOT_A_NUMBER]


@pytest.mark.parametrize("kind", [pa.float64(), pa.decimal128(15, 5)], ids=str)
def test_a_parquet_number_with_a_fraction_is_rejected(kind: Any) -> None:
    file = parquet({"number": pa.array([Decimal("98765.00001"), Decimal(9876500001)]).cast(kind)})

    numbers = [row.number for row in rows_of_parquet(file)]

    assert normalise(numbers, "IN") == [Reason.NOT_A_NUMBER, "+919876500001"]


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_damaged_parquet_is_refused_for_any_damage(compression: str) -> None:
    numbers = [f"+9198765{position:05}" for position in range(200)]
    whole = parquet({"number": numbers}, compression=compression, write_page_checksum=True).getvalue()
    refusals = []

    for at in range(0, len(whole), 5):
        changed = bytearray(whole)
        changed[at] ^= 0x41
        for damaged in (whole[:at], bytes(changed)):
            try:
                read = [row.number for row in rows_of_parquet(io.BytesIO(damaged))]
            except ExotelInputError as error:
                refusals.append(str(error))
            else:
                assert read == numbers

    assert len(refusals) > len(whole) // 5
    assert not any("98765" in one for one in refusals)


@pytest.mark.parametrize("value", [{"first": "Asha"}, ["Asha"], ("Asha",), {"Asha"}], ids=repr)
def test_a_variable_of_several_values_is_not_read_aloud(value: object) -> None:
    [row] = rows_of_records([{"number": FIRST, "name": value, "amount due": 5}], PEOPLE)

    assert dict(row.variables) == {"Name": "", "Amount": "5"}


def test_a_missing_value_in_a_record_is_empty() -> None:
    [row] = rows_of_records([{"number": None, "name": None, "amount due": 5}], PEOPLE)

    assert (row.number, dict(row.variables)) == ("", {"Name": "", "Amount": "5"})


CHOICES = [
    "opt_out",
    "Opted Out",
    "opt-in",
    "DND",
    "NDNC status",
    "DoNotCall",
    "Do not contact",
    "unsubscribed",
    "consent",
]
OTHERS = ["HasOptedOutOfEmail", "sms_opt_out", "Option", "opting", "sound", "status", "friend", "dindex", "पता"]


@pytest.mark.parametrize("read", [rows_of_csv, rows_of_parquet, rows_of_records])
@pytest.mark.parametrize("column", [*CHOICES, *OTHERS])
def test_a_column_that_tells_who_opted_out_is_warned_of(read: Any, column: str, caplog: Any) -> None:
    table = {"number": [FIRST], column: ["yes"]}
    make = {rows_of_csv: csv_of, rows_of_parquet: parquet}.get(read, records_of)

    assert len(list(read(make(table)))) == 1
    assert (f"has the column {column!r}, which is not read" in caplog.text) is (column in CHOICES)


def test_a_suppression_list_may_have_such_a_column(caplog: Any) -> None:
    list(rows_of_csv(csv_of({"number": [FIRST], "dnd": ["1"]}), name="suppress.register.path"))

    assert caplog.text == ""


@pytest.mark.parametrize("text", [repr, str, "{}".format, "%s".__mod__], ids=["repr", "str", "format", "%"])
def test_the_text_of_a_row_shows_only_its_position(text: Callable[[object], str]) -> None:
    shown = text([Row(7, FIRST, {"Name": "Asha"})])

    assert "7" in shown
    assert not any(trace in shown for trace in ("98765", "Asha"))
