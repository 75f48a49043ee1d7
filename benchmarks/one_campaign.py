"""What one campaign of 5,000 numbers costs its task: requests, and our own time beside that of the exchange.

Budget: two requests on the first try (one look, one POST), under 10 ms of our own time. That is counted from the
numbers as the DAG gives them to the campaign's id in XCom: the operator is made and executed, with stand-ins for what
Airflow gives a task, its connection and its context.

Own time is the processor time of the task's thread, less what it spends between handing over a request that is ready to
be sent and having its answer. So making the JSON is our own. The service's work is not, though it runs in this process
too, nor is that of other programs. What is loaded at first use is shown apart: a process does it once.
"""

from __future__ import annotations

import logging
import random
import statistics
import sys
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import requests
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.operators.campaign import CreateCampaignOperator

COUNT, ROUNDS, BUDGET = 5_000, 25, 10
SPELLINGS = ("+91{0}{1}", "91{0}{1}", "{0}{1}", "0{0}{1}", "0091{0}{1}", "+91 {0} {1}", "+91-{0}-{1}", "({0}) {1}")


def main() -> None:
    """Measure and print; exit with an error if the budget is missed."""
    dice, over = random.Random(1), False
    people = dice.sample(range(100_000), COUNT)
    audiences = {
        "in E.164": [f"+9198765{person:05}" for person in people],
        "as people write them": [dice.choice(SPELLINGS).format("98765", f"{person:05}") for person in people],
    }
    logging.disable(logging.INFO)
    exchange = Exchange()
    first, *_ = create(next(iter(audiences.values())), exchange)
    print(f"{'the first of a process':24} {first * 1000:6.1f} ms")
    for title, numbers in audiences.items():
        own, whole, sent = zip(*(create(numbers, exchange) for _ in range(ROUNDS)), strict=True)
        ours = statistics.median(own) * 1000
        print(
            f"{title:24} {ours:6.1f} ms  (budget {BUDGET} ms), {max(sent)} requests (budget 2), "
            f"{statistics.median(whole) * 1000:.1f} ms with the exchange"
        )
        over |= ours > BUDGET or max(sent) > 2
    sys.exit(over)


class Exchange:
    """Counts the time in which requests are under way, in every session that is made from now on."""

    def __init__(self) -> None:
        self.took = 0.0
        send = requests.Session.send

        def timed(*arguments: Any, **options: Any) -> Any:
            began = time.thread_time()
            try:
                return send(*arguments, **options)
            finally:
                self.took += time.thread_time() - began

        requests.Session.send = timed  # type: ignore[method-assign]


def create(numbers: list[str], exchange: Exchange) -> tuple[float, float, int]:
    """Return the seconds of our own and in all that a campaign takes, and the requests: of an account of its own."""
    now, kept = datetime.now(UTC), dict[str, Any]()
    task = {"dag_id": "benchmark", "run_id": "run", "task_id": "create", "map_index": -1, "try_number": 1}
    context = {
        "ti": SimpleNamespace(**task, xcom_push=lambda key, value: kept.update({key: value})),
        "dag_run": SimpleNamespace(run_after=now, start_date=now),
        "logical_date": now,
        "params": {},
    }
    with Emulator(seed=1) as emulator:
        connection = Connection(conn_id="exotel_default", uri=f"{emulator.connection_uri}?exophone=0XXXXXX4890")
        ExotelHook.get_connection = classmethod(lambda *_: connection)  # type: ignore[method-assign, assignment]
        exchange.took, began, clock = 0.0, time.thread_time(), time.perf_counter()
        operator = CreateCampaignOperator(
            task_id="create",
            numbers=numbers,
            default_country="IN",
            read_via_text="Hello",
            window={"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"},
        )
        # Not by its plain name, to which Airflow adds a warning where it does not run the task itself.
        campaign_id = CreateCampaignOperator.execute.__wrapped__(operator, context)
        own, whole = time.thread_time() - began - exchange.took, time.perf_counter() - clock
        if not campaign_id or kept["campaign"]["contacts"] != len(numbers):
            raise SystemExit("the campaign is not the one that was wanted")
        return own, whole, len(emulator.requests)


if __name__ == "__main__":
    main()
