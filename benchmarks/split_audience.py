"""What splitting a million rows into chunks costs: rows a second, and memory at its peak.

Budget: at most 150 MB beyond what was there before. Each case runs in a new process, whose peak the kernel tells: what
pyarrow allocates counts too. Loading the libraries does not.
"""

from __future__ import annotations

import importlib
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from airflow_provider_exotel.audience.chunks import DYNAMIC_LIST, STATIC_LIST, ChunkLimits
from airflow_provider_exotel.audience.split import AudienceSummary, split_audience
from airflow_provider_exotel.contacts.files import read_rows
from airflow_provider_exotel.contacts.normalise import normalise
from airflow_provider_exotel.contacts.rejection import quarantine_to
from airflow_provider_exotel.contacts.rows import Columns, Row

COUNT, BUDGET = 1_000_000, 150
VARIABLES = {"Name": "name", "Amount": "amount"}
CASES = {"csv static": STATIC_LIST, "csv dynamic": DYNAMIC_LIST, "parquet dynamic": DYNAMIC_LIST}
ZONES = ("Asia-Kolkata", "Asia-Dubai", "Asia-Singapore")


def main() -> None:
    """Run every case in a process of its own; exit with an error if the budget is passed."""
    over = False
    for case in CASES:
        run = subprocess.run([sys.executable, __file__, case], check=True, capture_output=True, text=True)
        megabytes, seconds, reading, chunks, accepted = run.stdout.split()
        print(
            f"{case:16} {float(megabytes):6.1f} MB at peak (budget {BUDGET})  {COUNT / float(seconds):9,.0f} rows/s  "
            f"{float(seconds) / float(reading):.1f} x reading alone  {int(accepted):,} people in {chunks} chunks"
        )
        over |= float(megabytes) > BUDGET
    sys.exit(over)


def measure(case: str) -> None:
    """Split once and print megabytes, seconds, seconds for reading alone, chunks and people."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "audience.csv"
        with source.open("w", encoding="utf-8") as file:
            file.writelines(lines())
        if case.startswith("parquet"):
            source = as_parquet(source)
        normalise(["+919876500000", "n/a"], "IN")  # what is loaded at first use is no cost of a row
        if source.suffix == ".parquet":
            importlib.import_module("pyarrow.parquet")
        before, began = peak(), time.perf_counter()
        summary = split(source, folder, CASES[case])
        took = time.perf_counter() - began
        grown, began = peak() - before, time.perf_counter()
        deque(rows_of(source, CASES[case]), maxlen=0)
        reading = time.perf_counter() - began
        print(grown, took, reading, len(summary.chunks), summary.accepted)


def lines() -> Iterator[str]:
    """Yield a CSV file of made-up people."""
    yield "number,name,amount\n"
    for position in range(COUNT):
        yield f"0{6_000_000_000 + position * 3_999:010},Person {position},{position % 9_000}.50\n"


def as_parquet(source: Path) -> Path:
    """Write the same rows as Parquet, in another process so that its memory does not count."""
    program = (
        "import sys, pyarrow.csv as c, pyarrow.parquet as p, pyarrow as a; "
        "o = c.ConvertOptions(column_types={'number': a.string()}); "
        "p.write_table(c.read_csv(sys.argv[1], convert_options=o), sys.argv[2], row_group_size=100_000)"
    )
    target = source.with_suffix(".parquet")
    subprocess.run([sys.executable, "-c", program, source, target], check=True)
    return target


def split(source: Path, folder: Path, limits: ChunkLimits) -> AudienceSummary:
    """Split the file into chunks beside it."""
    with (folder / "quarantine.csv").open("w", encoding="utf-8", newline="") as quarantine:
        return split_audience(
            rows_of(source, limits),
            default_country="IN",
            limits=limits,
            open_for_write=lambda name: (folder / name).open("wb"),
            secret="not much of a secret",
            quarantine=quarantine_to(quarantine),
            max_rejected=1,
            today=datetime.now(UTC).date(),
            key_of=lambda number: ZONES[int(number[-1]) % 3],
            variables=tuple(VARIABLES) if limits is DYNAMIC_LIST else (),
        )


def rows_of(source: Path, limits: ChunkLimits) -> Iterator[Row]:
    """Return the rows of the file."""
    return read_rows(source, Columns(variables=VARIABLES if limits is DYNAMIC_LIST else {}))


def peak() -> float:
    """Return the megabytes this process has held at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    measure(sys.argv[1]) if sys.argv[1:] else main()
