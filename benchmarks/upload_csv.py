"""What uploading a CSV file of 57 MB costs in memory, beside what it costs when requests makes the form itself.

Budget: at most 16 MB more than the process had before. The emulator and each way of uploading have a process of their
own; the figures are the highest resident memory the kernel has seen (Linux), or else what Python itself has allocated.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.rate_limit import TokenBucket

SIZE, ROWS, BUDGET = 57_000_000, 500_000, 16.0
ROUNDS = 3
TRACED = "EXOTEL_TRACED"
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def main() -> None:
    """Measure both ways and print; exit with an error if the budget is passed."""
    if sys.argv[1:]:
        upload(*sys.argv[1:])
        return
    with tempfile.TemporaryDirectory() as folder, emulator() as host:
        path = Path(folder) / "contacts.csv"
        write(path)
        print(f"a file of {path.stat().st_size / 1e6:.1f} MB, {ROWS:,} contacts; worst of {ROUNDS} processes each")
        ours, theirs = (
            [max(process(way, host, path, traced=traced) for _ in range(ROUNDS)) for traced in (False, True)]
            for way in ("client", "requests")
        )
    print(f"client.lists.upload_csv    {shown(ours)}  (budget {BUDGET:.0f} MB)")
    print(f"requests.post(files=...)   {shown(theirs)}")
    resident, allocated = (mine / other for (mine, _), (other, _) in zip(ours, theirs, strict=True))
    print(f"ratio                      {resident:.3f} resident, {allocated:.4f} allocated")
    sys.exit(ours[0][0] > BUDGET)


def shown(measured: list[tuple[float, float]]) -> str:
    """Return megabytes and seconds as a line."""
    (resident, seconds), (allocated, _) = measured
    return f"{resident:6.1f} MB resident, {allocated:6.1f} MB allocated, {seconds:4.1f} s"


@contextmanager
def emulator() -> Iterator[str]:
    """Run the emulator in a process of its own and yield its host."""
    command = [sys.executable, "-m", "airflow_provider_exotel.emulator", "--rate-limit", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        yield running.stdout.readline().split("//")[1].strip()
        running.terminate()


def write(path: Path) -> None:
    """Write a dynamic list's file of the size, with one long column."""
    text = "x" * (SIZE // ROWS - len("+919800000000,\n"))
    with path.open("w") as file:
        file.write("number,text\n")
        file.writelines(f"+9198{number:08},{text}\n" for number in range(ROWS))


def process(way: str, host: str, path: Path, *, traced: bool) -> tuple[float, float]:
    """Return the extra megabytes and the seconds of one upload in a new process."""
    command = [sys.executable, __file__, way, host, str(path)]
    environment = {**os.environ, TRACED: "1" if traced else ""}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    megabytes, seconds = run.stdout.split()
    return float(megabytes), float(seconds)


def upload(way: str, host: str, path: str) -> None:
    """Upload once and print what it took beyond what the process had after a first, small request."""
    import requests
    import requests_toolbelt  # noqa: F401 - what is loaded once is not what an upload costs

    name = f"{way} {os.getpid()}"
    key, token, account = "emulator-key", "emulator-token", "emulator"
    with ExotelClient(key, token, account, host, bucket=TokenBucket(1_000_000), read_timeout=120) as client:
        client.check_access()
        before, began = start(), time.perf_counter()
        with Path(path).open("rb") as file:
            if way == "client":
                client.lists.upload_csv(file, name, "dynamic")
            else:
                answer = requests.post(
                    f"http://{host}/v2/accounts/{account}/contacts/csv-upload",
                    data={"list_name": name, "type": "dynamic"},
                    files={"file_name": ("contacts.csv", file, "text/csv")},
                    auth=(key, token),
                    timeout=120,
                )
                answer.raise_for_status()
        print((peak() - before) / 1e6, time.perf_counter() - began)


def start() -> float:
    """Return the bytes in use now, from which the peak is counted."""
    if os.environ.get(TRACED) or not CLEAR.exists():
        tracemalloc.start()
        return tracemalloc.get_traced_memory()[0]
    CLEAR.write_text("5")  # the kernel begins to look for a new peak
    return peak()


def peak() -> float:
    """Return the most bytes in use since the start."""
    if tracemalloc.is_tracing():
        return tracemalloc.get_traced_memory()[1]
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
