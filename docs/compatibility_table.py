"""Write the table of versions of docs/compatibility.md from compatibility.json, which ``make test-versions`` updates."""

from __future__ import annotations

import json
from pathlib import Path

DOCS = Path(__file__).parent
PAGE = DOCS / "compatibility.md"
_HEAD = "| Airflow | Python | Other packages of | Passed | Skipped | Run on |\n|---|---|---|---|---|---|\n"


def version_table() -> str:
    """Return the table, newest Airflow first."""
    rows = json.loads((DOCS / "compatibility.json").read_text())["versions"]
    return _HEAD + "".join(_line(**row) for row in rows)


def page_with_table() -> str:
    """Return the page as it should be."""
    before, after = PAGE.read_text().split(_HEAD)
    _, rest = after.split("\n\n", 1)
    return f"{before}{version_table()}\n{rest}"


def _line(airflow: str, python: str, packages_of: str = "", day: str = "", **count: int) -> str:
    result = f"{count['passed']} | {count['skipped']} | {day}" if day else "not yet | |"
    return f"| {airflow} | {python} | {packages_of or 'the day of the run'} | {result} |\n"


if __name__ == "__main__":
    PAGE.write_text(page_with_table())
