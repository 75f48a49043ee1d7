"""Read the rows of a CSV file strictly: one row per record, or the file is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.contacts.grammar import Spelling, read_spelling, unwrap
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.contacts.rows import COLUMN, NO_VARIABLES, Columns, Row, find_columns, spoken_text
from airflow_provider_exotel.contacts.spreadsheet import repair

MAX_LINE_LENGTH = 65_536
"""Maximum number of characters of a line, and of a row with quoted line breaks."""
_MAX_BLANK_LINES = 100_000
_MIN_DIGITS = 7
_DELIMITERS = {";": "';'", "\t": "a tab", "|": "'|'"}


class _Record(NamedTuple):
    """One record of a file.

    :param row: its position, from 1.
    :param text: its raw text.
    :param cells: its cells.
    :param has_text_after_quote: whether a quoted cell has text after its closing quotation mark.
    """

    row: int
    text: str
    cells: list[str]
    has_text_after_quote: bool = False


@dataclass(frozen=True)
class _Layout:
    """The column layout of a file.

    :param header: the names of its columns; empty if each line is one number.
    :param place: the position of the number column.
    :param places: the position of each variable's column.
    """

    header: tuple[str, ...]
    place: int
    places: dict[str, int]

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(map(_folded, self.header)) - {""}

    @property
    def width(self) -> int:
        return len(self.header) or 1


def rows_of_csv(lines: Iterable[str], columns: Columns | None = None, *, name: str = "numbers_from") -> Iterator[Row]:
    """Yield the rows of a CSV file.

    A row that does not match the header has a fault. A file whose rows cannot be separated with certainty is refused.

    :param lines: its lines as text with line ends, such as a file opened with ``newline=""``. Empty lines are skipped.
    :param columns: the columns to read. The header is optional if there are no variables and the number column has the
        default name: then each line is one number.
    :param name: the argument that names the file, for errors.
    :raises ExotelInputError: if the file cannot be read, is empty, or lacks a column.
    """
    try:
        yield from _rows(_records(lines, name), columns or Columns(), name)
    except UnicodeDecodeError:
        raise ExotelInputError([Problem(name, "is not UTF-8 text; save it as CSV UTF-8")]) from None


def _rows(all_records: Iterator[_Record], columns: Columns, name: str) -> Iterator[Row]:
    records = _without_blanks(all_records, name)
    first = next(records, None)
    if first is not None and first.text.strip() == "sep=,":
        first = next(records, None)
    if first is None:
        raise ExotelInputError([Problem(name, "is empty and has no header; write a file with at least a header")])
    header = [cell.strip().lstrip("\ufeff").strip() for cell in first.cells]
    if len(header) == 1 and header[0].lower() != COLUMN and columns == Columns():
        _check_first_number(header[0], name)
        layout = _Layout((), 0, {})
        yield _row(first, layout, name)
    else:
        layout = _layout(header, first, columns, name)
    for record in records:
        yield _row(record, layout, name)


def _without_blanks(records: Iterator[_Record], name: str) -> Iterator[_Record]:
    blank = 0
    for record in records:
        if any(map(str.strip, record.cells)):
            blank = 0
            yield record
        elif (blank := blank + 1) > _MAX_BLANK_LINES:
            message = f"has more than {_MAX_BLANK_LINES:,} consecutive blank lines; remove them"
            raise ExotelInputError([Problem(name, message)])


def _row(record: _Record, layout: _Layout, name: str) -> Row:
    if "\n" in record.text:
        _check_line_breaks(record, layout, name)
    if record.cells[layout.place : layout.place + 1] and _folded(record.cells[layout.place]) in layout.names:
        _check_second_header(record, layout, name)
    if fault := _fault(record, layout):
        return Row(record.row, record.text, fault=fault)
    cells, places = record.cells, layout.places
    values = {variable: spoken_text(cells[at]) for variable, at in places.items()} if places else NO_VARIABLES
    return Row(record.row, cells[layout.place], values)


def _check_second_header(record: _Record, layout: _Layout, name: str) -> None:
    """Refuse a concatenation of files whose columns have different orders."""
    found = [_folded(cell) for cell in record.cells]
    if found != [_folded(cell) for cell in layout.header] and all(cell in layout.names for cell in found if cell):
        message = (
            f"row {record.row} is a second header with its columns in another order; give a folder of separate files"
        )
        raise ExotelInputError([Problem(name, message)])


def _folded(cell: str) -> str:
    return cell.strip("\ufeff ").lower()


def _fault(record: _Record, layout: _Layout) -> str:
    cells, width = record.cells, layout.width
    if record.has_text_after_quote:
        return f"row {record.row} has text after a closing quotation mark; double quotation marks inside a cell"
    if len(cells) == width:
        return ""
    # A missing or extra comma shifts all cells after it, so only the first cell is certain.
    if layout.place == 0 and len(cells) > width and not any(map(str.strip, cells[width:])):
        return ""
    if layout.place == 0 and len(cells) < width and not layout.places:
        return ""
    if not layout.header:
        return f"row {record.row} has {len(cells)} columns; write one number per line"
    return f"row {record.row} has {len(cells)} cells and the header has {width}; quote text that contains commas"


def _check_line_breaks(record: _Record, layout: _Layout, name: str) -> None:
    """Refuse a file if an unclosed quotation mark has absorbed rows.

    A row may lack its last cells, and a line of an address may be a phone number. So a line of a quoted cell counts as
    a row if it has a number in the number column and at least one other cell. A line with only a number counts as a row
    if the record has another number of cells than the header, or if all other lines of the cell are numbers too.
    """
    alone = (_split(line, closed=True)[0] for line in record.text.split("\n")[1:])
    if record.has_text_after_quote or any(len(cells) >= layout.width and _is_row(cells, layout) for cells in alone):
        raise _unclosed(record.row, name)
    for cell in record.cells:
        lines = [line.split(",") for line in cell.split("\n")[1:] if line.strip()]
        rows = [cells for cells in lines if _is_row(cells, layout)]
        only_numbers = bool(rows) and len(rows) == len(lines) and all(map(_begins_with_number, rows))
        if any(len(cells) > 1 or len(record.cells) != layout.width for cells in rows) or only_numbers:
            raise _unclosed(record.row, name)


def _is_row(cells: list[str], layout: _Layout) -> bool:
    return len(cells) > layout.place and is_dialable(cells[layout.place])


def _begins_with_number(cells: list[str]) -> bool:
    # Numbers in an address have a label: "Ph: 080 ...".
    return unwrap(cells[0].strip('"'))[:1] in set("+(0123456789")


def _unclosed(row: int, name: str) -> ExotelInputError:
    message = f"row {row} has an unclosed quotation mark that runs into the next rows; close it"
    return ExotelInputError([Problem(name, message)])


def is_dialable(cell: str) -> bool:
    """Return whether a cell looks like one phone number of any country; a single quotation mark is ignored."""
    repaired = repair(unwrap(cell.strip('"')))
    if isinstance(repaired, Reason):  # a number damaged by a spreadsheet
        return True
    spelling = read_spelling(repaired)
    return isinstance(spelling, Spelling) and len(spelling.digits) >= _MIN_DIGITS


def _layout(header: list[str], first: _Record, columns: Columns, name: str) -> _Layout:
    _, *more = first.text.split("\n")
    if any(is_dialable(cell) for line in more for cell in _split(line, closed=True)[0]):
        raise _unclosed(first.row, name)
    if first.has_text_after_quote:
        raise ExotelInputError([Problem(name, "has a header with text after a closing quotation mark; fix the header")])
    if any(sum(map(str.isdigit, cell)) >= _MIN_DIGITS for cell in header):
        message = f"has a phone number in its first row and no header; add a header with the column {columns.number!r}"
        raise ExotelInputError([Problem(name, message)])
    try:
        place, places = find_columns(header, columns, name)
    except ExotelInputError:
        _check_delimiter(first.text, columns.number, name)
        raise
    return _Layout(tuple(header), place, places)


def _check_delimiter(line: str, column: str, name: str) -> None:
    for delimiter, shown in _DELIMITERS.items():
        cells = [cell.strip().strip('"').strip().lower() for cell in line.removeprefix("\ufeff").split(delimiter)]
        if len(cells) > 1 and column.lower() in cells:
            message = f"is delimited by {shown}; save it as CSV with commas"
            raise ExotelInputError([Problem(name, message)])


def _check_first_number(cell: str, name: str) -> None:
    _check_delimiter(cell, COLUMN, name)
    digits = sum(map(str.isdigit, cell))
    if digits <= 3 and any(map(str.isalpha, cell)):
        message = "has a first row that looks like a header; give its name in number_column"
        other = next((shown for delimiter, shown in _DELIMITERS.items() if delimiter in cell), "")
        more = f", and use commas as delimiters instead of {other}" if other else ""
        raise ExotelInputError([Problem(name, f"{message}{more}")])


def _records(lines: Iterable[str], name: str) -> Iterator[_Record]:
    numbered = iter(lines)
    row = 0
    for line in numbered:
        row += 1
        text = line.lstrip("\ufeff") if row == 1 else line
        _check_line(text, row, name)
        text = text.rstrip("\r\n")
        if '"' not in text:
            yield _Record(row, text, text.split(","))
            continue
        cells, is_open, text_after_quote = _split(text)
        while is_open:
            following = next(numbered, None)
            if following is None or len(text) + len(following) > MAX_LINE_LENGTH:
                raise _unclosed(row, name)
            _check_line(following, row, name)
            following = following.rstrip("\r\n")
            text = f"{text}\n{following}"
            if '"' in following:
                cells, is_open, text_after_quote = _split(text)
        yield _Record(row, text, cells, text_after_quote)


def _check_line(line: str, row: int, name: str) -> None:
    if len(line) > MAX_LINE_LENGTH:
        message = f"row {row} has a line longer than {MAX_LINE_LENGTH // 1024} kB; give a CSV file"
        raise ExotelInputError([Problem(name, message)])
    if "\0" in line:
        raise ExotelInputError([Problem(name, f"row {row} contains NUL characters; save it as CSV UTF-8")])


def _split(text: str, *, closed: bool = False) -> tuple[list[str], bool, bool]:
    """Split a record into cells.

    :param text: the record so far.
    :param closed: whether to treat a quoted cell that is open at the end as closed.
    :return: the cells, whether the last one is quoted and open, and whether there is text after a closing quotation
        mark.
    """
    cells: list[str] = []
    start, text_after_quote = 0, False
    while True:
        if text.startswith('"', start):
            end = _closing(text, start + 1)
            if end < 0:
                cells.append(text[start + 1 :].replace('""', '"'))
                return cells, not closed, text_after_quote
            comma = text.find(",", end)
            rest = text[end + 1 : comma if comma >= 0 else None]
            text_after_quote |= bool(rest.strip())
            cells.append(text[start + 1 : end].replace('""', '"') + rest.rstrip())
        else:
            comma = text.find(",", start)
            cells.append(text[start : comma if comma >= 0 else None])
        if comma < 0:
            return cells, False, text_after_quote
        start = comma + 1


def _closing(text: str, start: int) -> int:
    while (mark := text.find('"', start)) >= 0:
        if not text.startswith('"', mark + 1):
            return mark
        start = mark + 2
    return -1
