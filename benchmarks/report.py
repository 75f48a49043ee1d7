"""What a report costs: requests, memory and time, for half a million attempts through the local Exotel to Parquet.

Budget: a request for each 500 attempts, and at most 64 MB more at the peak than a report of 20,000 attempts needs.
``python benchmarks/report.py 100000`` does it with fewer attempts.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.emulator import Emulator

ATTEMPTS, FEW_ATTEMPTS = 500_000, 20_000
OUTCOMES = {"completed": 0.5, "busy": 0.25, "no-answer": 0.25}
# Half of them is called again, and half of those once more.
CALLS_A_PERSON = 1.75
RETRIES = {"number_of_retries": 2, "interval_mins": 15, "on_status": ["busy", "no-answer"]}


def main() -> None:
    """Serve two campaigns from a process of its own, report on each here, and print what it took."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else ATTEMPTS
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    service = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, wanted), daemon=True)
    service.start()
    uri, small, large = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AIRFLOW_HOME"] = f"{folder}/airflow"
        os.environ["AIRFLOW_CONN_EXOTEL_DEFAULT"] = f"{uri}?requests_per_minute=10000000"
        os.environ["AIRFLOW_CONN_NAMES"] = json.dumps({"conn_type": "generic", "password": "a key of the benchmark"})
        os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
        report(small, Path(folder) / "small")
        before = peak()
        made, requests, exchanged, took = report(large, Path(folder) / "large")
        size = sum(path.stat().st_size for path in (Path(folder) / "large").glob("*.parquet"))
    service.terminate()
    attempts = made["attempts"]
    print(f"attempts               {attempts:,} of {made['contacts']:,} people; adds up: {made['adds_up']}")
    print(f"requests               {requests:,}: {attempts / requests:.0f} attempts each, {requests / 30:.0f} minutes")
    print(
        f"peak memory            {before:.0f} MB after a small one, {peak():.0f} MB (+{peak() - before:.0f}, budget 64)"
    )
    print(f"Parquet                {size / 1e6:.1f} MB")
    print(f"rows a second          {attempts / took:,.0f}, without the exchange {attempts / (took - exchanged):,.0f}")
    print(f"ratio own / whole      {(took - exchanged) / took:.2f}")


def report(campaign_id: str, folder: Path) -> tuple[dict[str, Any], int, float, float]:
    """Run the operator; return its summary, its requests, the seconds of their exchange, and those of all of it."""
    from airflow_provider_exotel.operators.report import CampaignReportOperator

    task = CampaignReportOperator(
        task_id="report",
        campaign_ids=campaign_id,
        path=folder.as_uri(),
        format="parquet",
        timezone="Asia/Kolkata",
        hash_key_conn_id="names",
    )
    session = task.hook.client._transport._session  # noqa: SLF001 - to tell the exchange from what we add
    exchange, requests, exchanged = session.request, 0, 0.0

    def timed(*arguments: Any, **options: Any) -> Any:
        nonlocal requests, exchanged
        began = time.perf_counter()
        try:
            return exchange(*arguments, **options)
        finally:
            requests, exchanged = requests + 1, exchanged + time.perf_counter() - began

    session.request = timed  # type: ignore[method-assign]
    began = time.perf_counter()
    made = task.execute({"ti": _Instance()})
    return made, requests, exchanged, time.perf_counter() - began


class _Instance:
    """A task instance that forgets what it is told."""

    def xcom_push(self, **_: Any) -> None:
        """Do nothing."""


def serve(told: Connection, wanted: int) -> None:
    """Be the service: let two campaigns dial to their end, and answer until this process is ended."""
    with (
        Emulator(seed=1, outcomes=OUTCOMES, account_throttle=100_000) as emulator,
        ExotelClient(
            emulator.api_key, emulator.api_token, emulator.account_sid, emulator.host, bucket=TokenBucket(1_000_000)
        ) as client,
    ):
        ids = [created(emulator, client, attempts) for attempts in (min(FEW_ATTEMPTS, wanted), wanted)]
        emulator.clock.advance(timedelta(days=40).total_seconds())
        told.send((emulator.connection_uri, *ids))
        told.poll(None)


def created(emulator: Emulator, client: ExotelClient, attempts: int) -> str:
    """Create a campaign that makes about so many attempts."""
    people = round(attempts / CALLS_A_PERSON)
    emulator.add_list(f"list-{attempts}", [f"+91{7_000_000_000 + person}" for person in range(people)])
    request = CampaignRequest(
        lists=[f"list-{attempts}"], caller_id="0XXXXXX4890", name="Half a million", read_via_text="Hello",
        call_retries=RETRIES, mode="custom", throttle=99_999,
    )  # fmt: skip
    return client.create_campaign(request).id


def peak() -> float:
    """Return the most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
