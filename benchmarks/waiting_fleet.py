"""What a fleet of waiting campaigns costs in one triggerer, beside one request for each campaign as a peer would do it.

Airflow's own triggerer runs the triggers of deferred tasks that are written into its database; the local Exotel runs in
a process of its own. Budget: at most 12 requests a sweep for 5,000 campaigns.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

HERE = Path(__file__).parent
INTERVAL = 15.0
SWEEPS = 4
END_AT_ONCE = 2
WAYS = ("one poller for the account", "one request for each campaign")
console = Console(width=110, stderr=True)


@dataclass
class Service:
    """The local Exotel in its own process."""

    url: str
    connection: str

    def ask(self, path: str, body: Any = None, *, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        key = self.connection.removeprefix("exotel://").partition("@")[0]
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {b64encode(key.encode()).decode()}"}
        with urlopen(Request(f"{self.url}{path}", data, headers, method=method), timeout=120) as answer:
            return json.load(answer)

    @property
    def campaigns(self) -> str:
        return f"/v2/accounts/{self.connection.rpartition('/')[2]}/campaigns"

    def create(self, number: int) -> str:
        body = {
            "from": f"+91987{number:07}",
            "caller_id": "0XXXXXX4890",
            "read_via_text": "Hello",
            "name": f"fleet {number}",
        }
        return str(self.ask(self.campaigns, body)["response"][0]["data"]["id"])

    def requests(self) -> list[Any]:
        return [entry for entry in self.ask("/_emulator/requests") if entry["method"] == "GET"]

    def end(self, campaign_id: str) -> None:
        for action in ("pause", "complete"):
            self.ask(f"{self.campaigns}/{campaign_id}", {"action": action}, method="PUT")


@contextmanager
def service() -> Iterator[Service]:
    """Start the local Exotel, whose time stands still."""
    command = [sys.executable, "-m", "airflow_provider_exotel.emulator", "--port", "0", "--speed", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        text = ""
        while not re.search(r"exotel://\S+", text):
            text += process.stdout.readline() if process.stdout else ""
        connection = re.search(r"exotel://[^\s?'\"]+", text)[0]  # type: ignore[index]
        host = connection.rpartition("@")[2].partition("/")[0]
        running = Service(f"http://{host}", connection)
        running.ask("/_emulator/settings", {"rate_limit": None, "outcomes": {"completed": 1}})
        yield running
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True)
class Measured:
    """What came of one way of waiting."""

    requests_a_sweep: float
    megabytes: float
    blocked: float
    resumed_after: float
    all_resumed_after: float
    requests_for_all: int


def main() -> None:
    """Measure both ways and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=5_000)
    parser.add_argument("--way", choices=WAYS, help="measure one way only and print its figures")
    chosen = parser.parse_args()
    if chosen.way:
        with tempfile.TemporaryDirectory() as folder, service() as running:
            print(json.dumps(asdict(measure(chosen.way, running, Path(folder), chosen.campaigns))))
        return
    measured = {}
    for way in WAYS:
        # Each in a process of its own: Airflow knows one database for as long as it lives.
        command = [sys.executable, __file__, "--way", way, "--campaigns", str(chosen.campaigns)]
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        measured[way] = Measured(**json.loads(printed.splitlines()[-1]))
    show(measured, chosen.campaigns)


def measure(title: str, running: Service, folder: Path, campaigns: int) -> Measured:
    """Let a fleet wait in one way, and then end."""
    ids = [
        running.create(number) for number in track(range(campaigns), f"{title}: campaigns are created", console=console)
    ]
    running.ask("/_emulator/clock/advance", {"seconds": 5})
    environment = airflow(folder, running, campaigns)
    os.environ.update(environment)
    defer(ids, running, one_poller=title.startswith("one poller"))
    log = folder / "triggerer.log"
    with log.open("wb") as output:
        triggerer = subprocess.Popen(
            [sys.executable, "-m", "airflow", "triggerer", "--capacity", str(2 * campaigns)],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with console.status(f"{title}: the triggers start"):
            until(lambda: all_wait(log, campaigns), log)
        return figures(running, ids, triggerer, log)
    finally:
        for process in [*psutil.Process(triggerer.pid).children(recursive=True), triggerer]:
            process.kill()
        triggerer.wait()


def all_wait(log: Path, campaigns: int) -> bool:
    """Return whether the triggerer runs all triggers: while they start, each batch is polled at once."""
    return f"{campaigns} triggers currently running" in log.read_text()


def figures(running: Service, ids: list[str], triggerer: subprocess.Popen[bytes], log: Path) -> Measured:
    """Measure a fleet that waits, some that end, and all that end."""
    before, began = len(running.requests()), time.monotonic()
    with console.status("the fleet waits"):
        time.sleep(INTERVAL * SWEEPS)
    a_sweep = (len(running.requests()) - before) / ((time.monotonic() - began) / INTERVAL)
    family = psutil.Process(triggerer.pid).children(recursive=True)
    megabytes = max(one.memory_info().rss for one in family) / 1e6
    delays = []
    for campaign_id in ids[:: max(1, len(ids) // END_AT_ONCE)][:END_AT_ONCE]:
        running.end(campaign_id)
        ended = time.monotonic()
        left = deferred()
        until(lambda left=left: deferred() < left, log)
        delays.append(time.monotonic() - ended)
    before, ended = len(running.requests()), time.monotonic()
    running.ask("/_emulator/clock/advance", {"seconds": 3600})
    with console.status("all of them end"):
        until(lambda: deferred() == 0, log)
    blocked = re.findall(r"blocked for ([\d.]+) s", log.read_text())
    return Measured(
        a_sweep,
        megabytes,
        max(map(float, blocked), default=0.0),
        statistics.mean(delays),
        time.monotonic() - ended,
        len(running.requests()) - before,
    )


def airflow(folder: Path, running: Service, campaigns: int) -> dict[str, str]:
    """Make an Airflow with a run of the fleet in its database, and return its environment."""
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(HERE / "fleet"),
        "AIRFLOW__CORE__MAX_MAP_LENGTH": str(campaigns + 1),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW_CONN_EXOTEL_DEFAULT": f"{running.connection}?requests_per_minute=1000000",
        "PYTHONPATH": str(HERE / "fleet"),
        "FLEET": str(campaigns),
    }
    for command in (["db", "migrate"], ["dags", "reserialize"], ["dags", "trigger", "fleet", "--run-id", "fleet"]):
        with console.status(f"airflow {command[0]} {command[1]}"):
            subprocess.run(
                [sys.executable, "-m", "airflow", *command], env=environment, check=True, stdout=subprocess.DEVNULL
            )
    return environment


def defer(ids: list[str], running: Service, *, one_poller: bool) -> None:
    """Write the tasks into the database as deferred, each with its trigger."""
    sys.path.append(str(HERE / "fleet"))
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.trigger import Trigger
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState
    from fleet import OneByOneTrigger
    from sqlalchemy import select

    from airflow_provider_exotel.triggers.campaign import CampaignTrigger
    from airflow_provider_exotel.waiting.wait import Wait

    now = datetime.now(UTC)
    key, _, token = running.connection.removeprefix("exotel://").partition("@")[0].partition(":")
    account_sid = running.connection.rpartition("/")[2]

    def trigger(campaign_id: str) -> Any:
        if not one_poller:
            host = running.url.removeprefix("http://")
            return OneByOneTrigger(campaign_id, host, key, token, account_sid, INTERVAL)
        wait = Wait(campaign_id, now - timedelta(minutes=1), now + timedelta(hours=9), contacts=1)
        return CampaignTrigger(
            exotel_conn_id="exotel_default",
            waits=[wait.as_json()],
            poll_interval=INTERVAL,
            deferred_at=(now - timedelta(minutes=1)).isoformat(),
        )

    with create_session() as session:
        tasks = session.scalars(select(TaskInstance).order_by(TaskInstance.map_index)).all()
        assert len(tasks) == len(ids), f"{len(tasks)} tasks for {len(ids)} campaigns"
        for task, campaign_id in zip(tasks, ids, strict=True):
            row = Trigger.from_object(trigger(campaign_id))
            session.add(row)
            session.flush()
            task.state, task.trigger_id, task.try_number = TaskInstanceState.DEFERRED, row.id, 1
            task.next_method, task.next_kwargs, task.start_date = "resume_waiting", {}, now


def deferred() -> int:
    """Return how many tasks still wait."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState
    from sqlalchemy import func, select

    with create_session() as session:
        query = select(func.count()).where(TaskInstance.state == TaskInstanceState.DEFERRED)
        return int(session.scalar(query) or 0)


def until(what: Callable[[], bool], log: Path, *, within: float = 1_200) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + within
    while not what():
        if time.monotonic() > ends:
            raise SystemExit(log.read_text()[-3_000:])
        time.sleep(0.5)


def show(measured: dict[str, Measured], campaigns: int) -> None:
    """Print what was measured."""
    table = Table("", *measured, "ratio", title=f"{campaigns:,} campaigns that are waited for in one triggerer")
    rows = {
        "requests a sweep": lambda one: one.requests_a_sweep,
        "memory of the triggerer, MB": lambda one: one.megabytes,
        "longest time its loop was blocked, s": lambda one: one.blocked,
        f"from a campaign's end to its task, s (looks every {INTERVAL:.0f} s)": lambda one: one.resumed_after,
        "from the end of all to the last task, s": lambda one: one.all_resumed_after,
        "requests for that": lambda one: one.requests_for_all,
    }
    for title, figure in rows.items():
        ours, theirs = map(figure, measured.values())
        table.add_row(title, f"{ours:,.1f}", f"{theirs:,.1f}", f"{ours / theirs:.4f}" if theirs else "")
    console.print(table)


if __name__ == "__main__":
    main()
