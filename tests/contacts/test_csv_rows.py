"""A CSV file is read strictly, one row per record, or refused without repeating its contents."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.contacts.csv_rows import rows_of_csv
from airflow_provider_exotel.contacts.rows import Columns, Row

FIRST, SECOND, THIRD = "+919876500001", "+919876500002", "+919876500003"
NAMED = Columns(variables={"Name": "name"})


def read(text: str, columns: Columns | None = None) -> list[Row]:
    return list(rows_of_csv(io.StringIO(text, newline=""), columns))


def refusal(text: str, columns: Columns | None = None) -> str:
    with pytest.raises(ExotelInputError) as caught:
        read(text, columns)
    [problem] = caught.value.problems
    assert problem.field == "numbers_from"
    assert not any(trace in problem.message for trace in ("98765", "Raju", "Asha"))
    return problem.message


UNCLOSED = {
    "at the end of the file": (f'number,name\n{FIRST},"Raju\n{SECOND},Asha\n', 2),
    "in the last row": (f'number,name\n{FIRST},Asha\n{SECOND},"Raju', 3),
    "closed by a later mark": (f'number,name\n{FIRST},"Raju\n{SECOND},Asha\n{THIRD},"Ravi"\n', 2),
    "closed at the end of a later row": (f'number,name\n{FIRST},"Raju\n{SECOND},Asha"\n', 2),
    "in the cell of the number": (f'name,number\nRaju,"{FIRST}\nAsha,{SECOND}\nRavi,"{THIRD}"\n', 2),
    "one number a line": (f'{FIRST}\n"{SECOND}\n{THIRD}\n', 2),
    "one number a line, closed": (f'{FIRST}\n"{SECOND}\n{THIRD}"\n', 2),
    "in the header": (f'number,"name\n{FIRST},Raju\n{SECOND},"Asha"\n', 1),
    "short rows": (f'number,name,city\n{FIRST},"Raju\n{SECOND},Asha\n{THIRD},Ravi,"Pune"\n', 2),
    "short rows, closed at the end of one": (f'number,name,city\n{FIRST},"Raju\n{SECOND},Asha\n{THIRD},Ravi"\n', 2),
    "short rows, the mark alone": (f'number,name,city\n{FIRST},"Raju\n{SECOND},Asha\n"\n', 2),
    "short rows in quotes": (f'"number","name","city"\n"{FIRST}","Raju\n"{SECOND}"\n"{THIRD}","Asha","Pune"\n', 2),
    "short rows, the number in between": (
        f'name,number,city,age\n"Raju,{FIRST},Pune,1\nAsha,{SECOND}\nRavi,{THIRD},"Pune"\n',
        2,
    ),
    "rows of one number": (f'number,name,city\n{FIRST},"Raju\n{SECOND}\n{THIRD},Asha,"Pune"\n', 2),
    "rows of nothing but numbers": (f'number,name\n{FIRST},"Raju\n{SECOND}\n{THIRD}"\n', 2),
    "a row of one number in a row that does not fit": (f'number,name,city\n{FIRST},"Raju\n{SECOND}\nAsha"\n', 2),
    "with more cells": (f'number,name\n{FIRST},"Raju\n{SECOND},Asha,5\n{THIRD},"Ravi"\n', 2),
}


@pytest.mark.parametrize(("text", "row"), UNCLOSED.values(), ids=UNCLOSED)
def test_an_unclosed_quotation_mark_refuses_the_file_and_names_the_row(text: str, row: int) -> None:
    message = refusal(text)

    assert message.startswith(f"row {row} has an unclosed quotation mark")


def test_an_unclosed_quotation_mark_is_found_early() -> None:
    read_lines = 0

    def lines() -> Iterator[str]:
        nonlocal read_lines
        yield 'name,number\n"Raju,1\n'
        for _ in range(1_000_000):
            read_lines += 1
            yield "Asha\n"

    with pytest.raises(ExotelInputError, match="row 2 has an unclosed quotation mark"):
        list(rows_of_csv(line for chunk in lines() for line in chunk.splitlines(keepends=True)))
    assert read_lines < 20_000


def test_an_address_of_several_lines_is_one_cell() -> None:
    text = (
        "number,address,city\r\n"
        f'{FIRST},"12, MG Road\r\nOpposite ""Big"" Bazaar\r\n\r\nPh: 080 23456789",Bengaluru\r\n'
        f'{SECOND},"4, Park St",Kolkata\r\n'
    )

    rows = read(text, Columns(variables={"Address": "address", "City": "city"}))

    assert [(row.row, row.number, row.fault) for row in rows] == [(2, FIRST, ""), (3, SECOND, "")]
    assert rows[0].variables["City"] == "Bengaluru"
    assert 'Opposite "Big" Bazaar' in rows[0].variables["Address"]


@pytest.mark.parametrize(
    "address",
    [
        "12, MG Road\nBengaluru 560001",
        "MG Road\n560001\nBengaluru",
        "MG Road\n080 23456789\nBengaluru",
        "MG Road\n\nPh: 080 23456789",
        "MG Road\nopposite 080 23456789, Bengaluru",
    ],
)
def test_an_address_may_contain_numbers(address: str) -> None:
    [row] = read(f'number,address,city\n{FIRST},"{address}",Pune\n', Columns(variables={"Address": "address"}))

    assert (row.number, row.variables["Address"], row.fault) == (FIRST, address, "")


def test_a_quotation_mark_inside_an_unquoted_cell_is_text() -> None:
    [row] = read(f'number,name\n{FIRST},Raju "the tall" K\n', NAMED)

    assert (row.variables["Name"], row.fault) == ('Raju "the tall" K', "")


@pytest.mark.parametrize("cell", ['"Raju" K', '"Raju"K', '""Raju""', '"Raju""" K'])
def test_text_after_a_closing_quotation_mark_rejects_the_row(cell: str) -> None:
    misfit, fitting = read(f"number,name\n{FIRST},{cell}\n{SECOND},Asha\n")

    assert misfit.fault.startswith("row 2 has text after a closing quotation mark")
    assert misfit.number == f"{FIRST},{cell}"
    assert (fitting.number, fitting.fault) == (SECOND, "")


@pytest.mark.parametrize(
    "header", ['\ufeff"number","name"', "\ufeffnumber,name", '"\ufeffnumber",name', '"Number" ,name']
)
def test_a_header_may_have_a_byte_order_mark_and_quotes(header: str) -> None:
    assert [(row.number, row.variables["Name"]) for row in read(f"{header}\n{FIRST},Raju\n", NAMED)] == [
        (FIRST, "Raju")
    ]


@pytest.mark.parametrize(("delimiter", "shown"), [(";", "';'"), ("\t", "a tab"), ("|", "'|'")])
@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (("customer_id", "number"), None),
        (("customer_id", '"Number"', "name"), NAMED),
        (("id", "mobile"), Columns(number="mobile")),
    ],
)
def test_the_error_names_another_delimiter(
    delimiter: str, shown: str, header: tuple[str, ...], columns: Columns | None
) -> None:
    row = delimiter.join(["9876500001", FIRST, "Raju"][: len(header)])

    assert refusal(f"{delimiter.join(header)}\n{row}\n", columns).startswith(f"is delimited by {shown}")


@pytest.mark.parametrize("text", ["sep=,\n", "sep=,\r\n\n"])
def test_the_sep_line_of_excel_is_skipped(text: str) -> None:
    assert [row.number for row in read(f"{text}number,name\n{FIRST},Raju\n")] == [FIRST]


@pytest.mark.parametrize("header", ["phone", "Mobile No", '"phone"', "\ufeffphone", "tel1", "फ़ोन", "phone;name"])
def test_a_single_column_with_another_name_is_a_header(header: str) -> None:
    assert refusal(f"{header}\n{FIRST}\n{SECOND}\n").startswith("has a first row that looks like a header")


def test_a_first_row_that_is_a_damaged_number_is_a_row() -> None:
    assert [row.number for row in read(f"98765XXXXX\n{FIRST}\n")] == ["98765XXXXX", FIRST]


def test_the_error_of_a_missing_column_lists_the_columns() -> None:
    assert "none is named 'number'; rename the number column; the columns are 'id', 'mobile no', 'name'" in refusal(
        "id,mobile no,name\n1,2,3\n"
    )


@pytest.mark.parametrize("row", [f"Raju,{FIRST}", "Raju,asha@example.com", "Raju,Raju", "Raju,560001"])
def test_possible_personal_data_is_not_listed(row: str) -> None:
    assert "there are" not in refusal(f"{row}\n{row}\n")


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", " \r\n", ",,\n"])
def test_a_file_without_a_header_and_without_rows_is_refused(text: str) -> None:
    assert refusal(text).startswith("is empty and has no header")


def test_a_file_with_a_header_alone_has_no_rows() -> None:
    assert read("number,name\n") == read("number") == []


SHIFTED = {
    "a comma too few, before": ("name,number,other", f"Raju{FIRST},{SECOND}"),
    "a comma too few, behind": ("name,number,other", f"Raju,{FIRST}"),
    "a comma too many, before": ("other,number,note", f",{SECOND},{FIRST},"),
    "a comma too many, unquoted": ("name,number", f"Raju, K,{FIRST}"),
}


@pytest.mark.parametrize(("header", "line"), SHIFTED.values(), ids=SHIFTED)
def test_cells_shifted_by_a_comma_are_not_read(header: str, line: str) -> None:
    [row] = read(f"{header}\n{line}\n")

    assert row.fault.startswith("row 2 has ")


def test_an_endless_line_is_not_read_completely() -> None:
    assert refusal("number\n" + "9" * 65_537).startswith("row 2 has a line longer than 64 kB")


@pytest.mark.parametrize("second", ["name,number", "Name,NUMBER", "\ufeffname,number", "name, number", "name,"])
def test_concatenated_files_with_another_column_order_are_refused(second: str) -> None:
    assert refusal(f"number,name\n{FIRST},Raju\n{second}\nAsha,{SECOND}\n").startswith(
        "row 3 is a second header with its"
    )


@pytest.mark.parametrize("second", ["number,name", "\ufeffNumber,name", "name,Raju"])
def test_a_repeated_header_or_a_name_equal_to_a_column_is_a_row(second: str) -> None:
    assert [row.number for row in read(f"number,name\n{FIRST},Raju\n{second}\n{SECOND},Asha\n")][::2] == [FIRST, SECOND]


@pytest.mark.parametrize("header", ["number\n", "sep=,\n", "", f'number,name\n{FIRST},"'])
def test_endless_blank_lines_are_not_read_completely(header: str) -> None:
    def lines() -> Iterator[str]:
        yield from header.splitlines(keepends=True)
        yield from itertools.repeat("\n", 200_000)
        pytest.fail("read to the end")

    with pytest.raises(ExotelInputError, match=r"blank lines|unclosed"):
        list(rows_of_csv(lines()))


def test_binary_content_is_refused() -> None:
    assert "NUL characters" in refusal("number\n98765\x0000001\n")


@pytest.mark.parametrize("word", ["", " ", "nan", "NaN", "None", "NULL", "null", "<NA>", "\\N", "#N/A"])
def test_placeholders_for_missing_values_are_empty(word: str) -> None:
    [row] = read(f"number,name\n{FIRST},{word}\n", NAMED)

    assert row.variables["Name"].strip() == ""


@pytest.mark.parametrize("word", ["Nan", "Null", "N A", "0", "-"])
def test_names_and_amounts_like_placeholders_are_kept(word: str) -> None:
    [row] = read(f"number,name\n{FIRST},{word}\n", NAMED)

    assert row.variables["Name"] == word


EXPORTS = {
    "Google Sheets": f"number,name\r\n{FIRST},Raju\r\n9876500002,Asha",
    "LibreOffice, all quoted": f'"number","name"\n"{FIRST}","Raju"\n"9876500002","Asha"\n',
    "Excel, CSV UTF-8": f"\ufeffnumber,name\r\n{FIRST},Raju\r\n9876500002,Asha\r\n",
    "Excel, text kept by a formula": 'number,name\r\n"=""+919876500001""",Raju\r\n="9876500002",Asha\r\n',
    "Excel, text kept by an apostrophe": f"number,name\r\n'{FIRST},Raju\r\n'9876500002,Asha\r\n",
    "Excel for Macintosh": f"number,name\r{FIRST},Raju\r9876500002,Asha\r",
    "pandas with its index": f",number,name\n0,{FIRST},Raju\n1,9876500002,Asha\n",
    "pandas, floats for a missing number": "number,name\n919876500001.0,Raju\n9876500002.0,Asha\n",
    "Snowflake": f'"NUMBER","NAME"\n"{FIRST}","Raju"\n"9876500002","Asha"\n',
    "Spark, doubles": "number,name\n9.19876500001E11,Raju\n9.876500002E9,Asha\n",
    "Facebook leads": f"id,name,number\nl:1,Raju,p:{FIRST}\nl:2,Asha,p:+919876500002\n",
}


@pytest.mark.parametrize("text", EXPORTS.values(), ids=EXPORTS)
def test_exports_of_common_programs_are_read(text: str) -> None:
    from airflow_provider_exotel.contacts.normalise import normalise

    rows = read(text)

    assert normalise([row.number for row in rows], "IN") == [FIRST, SECOND]
    assert not any(row.fault for row in rows)
