"""Made-up people, none of whom is in two audiences: whoever is called twice was called by mistake."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import requests

KILLS, PEOPLE_IN_A_KILL = 20, 200
LONG, PEOPLE_IN_A_LONG = 24, 1_000
FILE_ROWS = 30_000
BROKEN, TWICE = 500, 1_000
"""Every so many rows of the file of 30,000 one is no number, or repeats the one before."""


def number(index: int) -> str:
    """Return one of 100,000 made-up numbers."""
    return f"+9198765{index:05}"


def kill_audience(index: int) -> list[str]:
    """Return the people of one campaign that is created while parts are killed."""
    return [number(index * PEOPLE_IN_A_KILL + person) for person in range(PEOPLE_IN_A_KILL)]


def long_audience(index: int) -> list[str]:
    """Return so many people that calling them takes a quarter of an hour."""
    first = KILLS * PEOPLE_IN_A_KILL + index * PEOPLE_IN_A_LONG
    return [number(first + person) for person in range(PEOPLE_IN_A_LONG)]


def file_rows() -> Iterator[str]:
    """Yield the column of numbers of the big file, in the spellings people use, with the faults files have."""
    first = KILLS * PEOPLE_IN_A_KILL + LONG * PEOPLE_IN_A_LONG
    for row in range(FILE_ROWS):
        if row % BROKEN == BROKEN - 1:
            yield number(first + row)[:8]
        elif row % TWICE == 1:
            yield number(first + row - 1)
        else:
            yield ("0" + number(first + row)[3:]) if row % 7 == 3 else number(first + row)


def people_of_the_file() -> set[str]:
    """Return whom the big file means."""
    return {"+91" + text[-10:] for text in file_rows() if len(text) > 8}


def everybody() -> set[str]:
    """Return all numbers of all audiences."""
    kills = {one for index in range(KILLS) for one in kill_audience(index)}
    return kills | {one for index in range(LONG) for one in long_audience(index)} | people_of_the_file()


def write_audiences(bucket: str) -> None:
    """Write all audiences to a local S3, which takes requests without a signature.

    :param bucket: its address.
    """
    requests.put(bucket, timeout=60).raise_for_status()
    files = {f"kills/{index:02}.csv": "\n".join(kill_audience(index)) for index in range(KILLS)}
    files |= {f"long/{index:02}.csv": "\n".join(long_audience(index)) for index in range(LONG)}
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["number", "first_name", "due"])
    rows.writerows([one, f"Person {position}", "2026-12-01"] for position, one in enumerate(file_rows()))
    files["people.csv"] = text.getvalue()
    for name, content in files.items():
        requests.put(f"{bucket}/{name}", content.encode(), timeout=60).raise_for_status()
