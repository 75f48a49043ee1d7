"""Damage a valid contact file in one place, and check who may still be called.

Run it for many more files than a test does: ``python tests/audience/damage.py 200000``.
"""

from __future__ import annotations

import csv
import io
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from airflow_provider_exotel.audience.chunks import ChunkLimits
from airflow_provider_exotel.audience.split import split_audience
from airflow_provider_exotel.audience.suppression import Suppression, read_suppressions
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.contacts.files import read_rows
from airflow_provider_exotel.contacts.rejection import Rejection
from airflow_provider_exotel.contacts.rows import Columns, Row

TODAY = date(2026, 3, 10)
COUNTRIES = ("IN", "SG", "ID", "AE", "MY", "PH", None)
SUBSCRIBERS = {
    "IN": ("+91", "98765{:05}"),
    "SG": ("+65", "9{:07}"),
    "ID": ("+62", "812{:08}"),
    "AE": ("+971", "50{:07}"),
    "MY": ("+60", "12{:07}"),
    "PH": ("+63", "917{:07}"),
}
NAMES = (
    "Asha",
    "Raju K",
    "D'Souza",
    "O\u2019Brien",
    "\u0906\u0936\u093e",
    "Nguy\u1ec5n",
    "Rao, Asha",
    'the "tall" one',
    "X",
)
ADDRESSES = ("12, MG Road\nBengaluru 560001", "Pune", "", "4 Park St\n\nKolkata", "Jl. Sudirman 5; Jakarta", "a|b")
HEADERS = (
    ("number", "name", "address"),
    ("name", "number", "address"),
    ("id", "name", "address", "number"),
    ("number",),
    ("name", "number"),
)


@dataclass(frozen=True)
class Contacts:
    """A valid file.

    :param country: the country of national numbers.
    :param header: its columns.
    :param records: its rows.
    :param content: the file.
    """

    country: str | None
    header: tuple[str, ...]
    records: tuple[tuple[str, ...], ...]
    content: bytes


@dataclass(frozen=True)
class Outcome:
    """The result of reading a file.

    :param called: the contacts to call.
    :param rows: number of rows, all of which are accounted for.
    :param refused: why the file was refused; then nobody is called.
    """

    called: frozenset[str]
    rows: int = 0
    refused: str = ""


def good_file(dice: random.Random) -> Contacts:
    """Return a file of made-up contacts in the format of some program."""
    country = dice.choice(COUNTRIES)
    header = dice.choice(HEADERS)
    records = tuple(tuple(_cell(dice, column, country, row) for column in header) for row in range(dice.randint(2, 12)))
    if dice.random() < 0.25:
        # Some programs leave out the last cells of a row.
        shortest = header.index("number") + 1
        records = tuple(record[: dice.randint(shortest, len(header))] for record in records)
    text = io.StringIO()
    writer = csv.writer(
        text,
        quoting=dice.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC)),
        lineterminator=dice.choice(("\n", "\r\n")),
    )
    writer.writerow(header)
    writer.writerows(records)
    mark = dice.choice(("", "", "\ufeff"))
    return Contacts(country, header, records, f"{mark}{text.getvalue()}".encode())


def _cell(dice: random.Random, column: str, country: str | None, row: int) -> str:
    if column == "number":
        code, subscriber = SUBSCRIBERS[country or "IN"]
        national = subscriber.format(dice.randrange(10 ** int(subscriber.partition(":")[2].strip("}"))))
        spellings = [f"{code}{national}", f"{code} {national[:4]} {national[4:]}", f"{code}-{national}"]
        if country is not None:
            trunk = "" if country == "SG" else "0"
            spellings += [f"{trunk}{national}", f"{trunk}{national[:5]}-{national[5:]}", f"tel: {code}{national}"]
        return dice.choice(spellings)
    return str(row + 1) if column == "id" else dice.choice(NAMES if column == "name" else ADDRESSES)


def _insert(what: str) -> Callable[[random.Random, Contacts], bytes]:
    def damage(dice: random.Random, good: Contacts) -> bytes:
        text = good.content.decode()
        at = dice.randint(0, len(text))
        return f"{text[:at]}{what}{text[at:]}".encode()

    return damage


def _drop(what: str) -> Callable[[random.Random, Contacts], bytes]:
    def damage(dice: random.Random, good: Contacts) -> bytes:
        text = good.content.decode()
        places = [at for at, character in enumerate(text) if character in what]
        if not places:
            return good.content
        at = dice.choice(places)
        return f"{text[:at]}{text[at + 1 :]}".encode()

    return damage


def _other_delimiter(dice: random.Random, good: Contacts) -> bytes:
    lines = good.content.split(b"\n")
    at = dice.randrange(len(lines))
    lines[at] = lines[at].replace(b",", dice.choice((b";", b"\t", b"|")))
    return b"\n".join(lines)


def _other_delimiter_everywhere(dice: random.Random, good: Contacts) -> bytes:
    return good.content.replace(b",", dice.choice((b";", b"\t", b"|")))


def _truncate(dice: random.Random, good: Contacts) -> bytes:
    return good.content[: dice.randint(0, len(good.content))]


def _cut_a_line(dice: random.Random, good: Contacts) -> bytes:
    lines = good.content.split(b"\n")
    at = dice.randrange(len(lines))
    lines[at] = lines[at][: dice.randint(0, len(lines[at]))]
    return b"\n".join(lines)


def _join_lines(dice: random.Random, good: Contacts) -> bytes:
    lines = good.content.split(b"\n")
    at = dice.randrange(len(lines))
    return (
        b"\n".join(lines[:at])
        + (b"\n" if at else b"")
        + b"".join(lines[at : at + 2])
        + b"\n"
        + b"\n".join(lines[at + 2 :])
    )


def _encode(encoding: str) -> Callable[[random.Random, Contacts], bytes]:
    return lambda _, good: good.content.decode().encode(encoding, "replace")


def _bytes(dice: random.Random, good: Contacts) -> bytes:
    at = dice.randrange(len(good.content))
    return good.content[:at] + bytes([dice.choice((0, 0x80, 0xE9, 0xFF, 0x1A))]) + good.content[at + 1 :]


def _swap_columns(dice: random.Random, good: Contacts) -> bytes:
    """Swap two columns of the header, or two cells of one row."""
    rows = [list(good.header), *map(list, good.records)]
    row = rows[dice.randrange(len(rows))]
    one, other = dice.randrange(len(row)), dice.randrange(len(row))
    row[one], row[other] = row[other], row[one]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _spoil_a_number(dice: random.Random, good: Contacts) -> bytes:
    """Change one number as people and programs do, always losing digits."""
    place = good.header.index("number")
    rows = [list(good.header), *map(list, good.records)]
    row = rows[dice.randrange(1, len(rows))]
    number = row[place]
    digits = "".join(character for character in number if character.isdecimal())
    row[place] = dice.choice(
        [
            number[:-4] + "XXXX",
            number[:-4] + "****",
            number.replace("0", "O", 1) if "0" in number else "O",
            number.replace("1", "l", 1) if "1" in number else "l",
            f"{number} ext 12",
            f"{number};{number}",
            f"{number} / {number}",
            f"{number},{number}",
            f"do not call {number}",
            f"{float(digits):.5E}",
            f"fax {number}",
            "",
            "nan",
            "2026-03-10",
            f"-{digits}",
            f"{digits[:-2]}.{digits[-2:]}",
            f"{int(digits):,}",
        ]
    )
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


DAMAGES: dict[str, Callable[[random.Random, Contacts], bytes]] = {
    "a quotation mark too many": _insert('"'),
    "two quotation marks too many": _insert('""'),
    "a quotation mark too few": _drop('"'),
    "a comma too many": _insert(","),
    "a comma too few": _drop(","),
    "a semicolon": _insert(";"),
    "a line break": _insert("\n"),
    "a line break in quotation marks": _insert('"\n"'),
    "a line break lost": _drop("\n"),
    "a NUL character": _insert("\0"),
    "a byte order mark": _insert("\ufeff"),
    "another delimiter in one line": _other_delimiter,
    "another delimiter": _other_delimiter_everywhere,
    "a truncated file": _truncate,
    "a truncated line": _cut_a_line,
    "two lines joined": _join_lines,
    "UTF-16": _encode("utf-16"),
    "cp1252": _encode("cp1252"),
    "a damaged byte": _bytes,
    "two columns swapped": _swap_columns,
    "a spoiled number": _spoil_a_number,
}


def outcome(path: Path, country: str | None) -> Outcome:
    """Return the result of a file as an audience, after checking that every row is accounted for."""
    files: list[io.BytesIO] = []

    @contextmanager
    def open_for_write(_: str) -> Iterator[io.BytesIO]:
        files.append(io.BytesIO())
        yield files[-1]

    rejections: list[Rejection] = []
    read: list[Row] = []

    def rows() -> Iterator[Row]:
        for row in read_rows(path, Columns()):
            read.append(row)
            yield row

    try:
        summary = split_audience(
            rows(),
            default_country=country,
            limits=ChunkLimits(1_000),
            open_for_write=open_for_write,
            secret="made up",
            quarantine=rejections.append,
            max_rejected=1,
            today=TODAY,
        )
    except ExotelInputError as error:
        return Outcome(frozenset(), refused=str(error))
    called = {line for file in files for line in file.getvalue().decode().split()[1:]}
    assert summary.rows == len(read) == summary.accepted + summary.duplicates + sum(summary.rejected.values())
    assert len(rejections) == sum(summary.rejected.values())
    assert len(called) == summary.accepted
    return Outcome(frozenset(called), summary.rows)


def suppressed(path: Path, country: str | None) -> frozenset[str] | None:
    """Return the numbers that a file suppresses, or ``None`` if it is refused."""
    try:
        [read] = read_suppressions([Suppression("opt-outs", read_rows(path, Columns()))], country, TODAY)
    except ExotelInputError:
        return None
    return frozenset(f"+{number}" for number in read.numbers)  # type: ignore[attr-defined]


def check(seed: int, folder: Path) -> str:
    """Damage one file and check it; return the kind of damage and its result as an audience.

    An extra or missing quotation mark never hides rows silently.

    Three kinds of damage cannot be detected: a cut-off number whose rest is another valid number (Indonesian numbers
    have several lengths, and without a default country the plan is unknown), a missing row, and a short row joined to
    the end of another short row.

    :raises AssertionError: if somebody is called because of the damage.
    """
    dice = random.Random(seed)
    good = good_file(dice)
    path = folder / "people.csv"
    path.write_bytes(good.content)
    before, listed = outcome(path, good.country), suppressed(path, good.country)
    assert not before.refused, (seed, before)
    assert before.rows == len(good.records), seed
    name = dice.choice(list(DAMAGES))
    damaged = DAMAGES[name](dice, good)
    path.write_bytes(damaged)

    after = outcome(path, good.country)
    if "quotation mark" in name:
        assert after.refused or after.rows >= len(good.records), (seed, name, good.content, damaged)
    place = good.header.index("number")
    cells = [_digits(record[place]) for record in good.records]
    strangers = [one for one in after.called - before.called if not _is_cut_off(one, cells, good.country)]
    assert not strangers, (seed, name, good.content, damaged, strangers)

    still_listed = suppressed(path, good.country)
    is_short = any(len(record) < len(good.header) for record in good.records)
    joined = is_short and name in {"a line break lost", "two lines joined"}
    if listed is not None and still_listed is not None and not joined:
        left = _digits(damaged.decode())
        lost = [one for one in listed - still_listed if any(one.endswith(cell[-7:]) and cell in left for cell in cells)]
        assert not lost, (seed, f"{name}, as a suppression list", good.content, damaged, lost)
    return f"{name}: {'refused' if after.refused else 'the same people' if after.called == before.called else 'fewer'}"


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdecimal())


def _is_cut_off(number: str, cells: list[str], country: str | None) -> bool:
    """Return whether a number of the default country consists of the remaining digits of a longer one."""
    if country is None:
        # Without its + it is the same number, unchanged.
        return any(number in cell for cell in cells)
    code = SUBSCRIBERS[country][0]
    if not number.startswith(code):
        return False
    left = number.removeprefix(code)
    return any(left in cell and cell.removeprefix("0").removeprefix(code[1:]) != left for cell in cells)


def main(count: int, start: int = 0) -> None:
    """Damage a number of files, starting at a seed, and print the results."""
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(start, start + count):
            seen[check(seed, Path(folder))] += 1
    for told, times in sorted(seen.items()):
        print(f"{times:8,}  {told}")  # noqa: T201 - a program as well


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ["200000"]))
