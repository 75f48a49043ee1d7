"""Run a whole Airflow beside a local Exotel until it is stopped: ``make airflow``.

It has API server, scheduler, triggerer and DAG processor with LocalExecutor, the example DAGs, the connection
``exotel_default`` and the pool ``exotel``. Everything is in a temporary folder that is deleted at the end.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
from local import LocalAirflow, console, people, step

from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.emulator import Emulator

COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
RESTARTED = ("scheduler", "triggerer", "dag-processor")
READY_WITHIN = 900
SAYS_EVERY = 30
STOPS_WITHIN = 15
PREFERRED_PORT = 8080
POOL_SLOTS = 8
CONTACT_LIST = "demo-list"


def main() -> None:
    """Start everything, print the addresses, and wait for Ctrl-C or the terminal to be closed."""
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: asked_to_stop.set())
    with (
        tempfile.TemporaryDirectory(prefix="exotel-airflow-", ignore_cleanup_errors=True) as folder,
        Emulator(seed=7, speed=60, skip_waiting=True, reports=Path(folder) / "reports") as emulator,
    ):
        port = int(os.environ.get("AIRFLOW__API__PORT") or free_port())
        local = LocalAirflow.beside(emulator, Path(folder), **settings(port))
        emulator.add_list(CONTACT_LIST, people())
        with step("Airflow prepares its database, the connection and the pool"):
            prepare(local, emulator)
        log = Path(folder) / "airflow.log"
        with standalone(local, log) as process:
            with step("Airflow starts"):
                ready = wait_until_ready(port, process, asked_to_stop)
            if ready:
                print_addresses(port, emulator)
                with kept_running(process, local, log, RESTARTED):
                    while process.poll() is None and not asked_to_stop.wait(1):
                        pass
            if not asked_to_stop.is_set():
                console.print(redact(log.read_text()[-5_000:], local.secrets), markup=False)
                raise SystemExit(
                    f"Airflow was not ready after {READY_WITHIN // 60} minutes; the end of its log is above."
                    if process.poll() is None
                    else "Airflow has ended by itself; the end of its log is above."
                )
            console.print("\nStopping ...")
    console.print("Stopped.")


def settings(port: int) -> dict[str, str]:
    """Return the settings of a local Airflow without a login, reachable on loopback only."""
    address = f"http://127.0.0.1:{port}"
    return {
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
    }


def free_port() -> int:
    """Return Airflow's usual port, or any other if that one is taken."""
    for port in (PREFERRED_PORT, 0):
        with socket.socket() as probe:
            # The server sets it too; without it a port that was in use a minute ago would look taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SystemExit("No port is free on 127.0.0.1.")


def prepare(local: LocalAirflow, emulator: Emulator) -> None:
    """Create the database with the pool and the connection, so that the form can show and change the connection."""
    connection = {
        "conn_type": "exotel",
        "host": emulator.host.rpartition(":")[0],
        "port": emulator.port,
        "login": emulator.api_key,
        "password": emulator.api_token,
        "schema": emulator.account_sid,
        "extra": {"region": "other", "exophone": "0XXXXXX4890"},
        "description": f"The local Exotel at {emulator.url}",
    }
    purpose = "Requests to Exotel: an account may make 30 a minute"
    local.commands(
        ["db", "migrate"],
        ["connections", "add", "exotel_default", "--conn-json", json.dumps(connection)],
        # Without --include-deferred, since a deferred task would hold its slot for hours.
        ["pools", "set", "exotel", str(POOL_SLOTS), purpose],
    )


@contextmanager
def standalone(local: LocalAirflow, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run all components of Airflow, and end all of their processes."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            env=local.settings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Its own process group: Airflow leaves its components running if only the first process is stopped.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process)


@contextmanager
def kept_running(
    airflow: subprocess.Popen[bytes], local: LocalAirflow, log: Path, components: Sequence[str]
) -> Iterator[None]:
    """Restart components that have ended: SQLite may lock one out, and Airflow goes on without it."""
    restarted: dict[str, subprocess.Popen[bytes]] = {}
    over = threading.Event()

    def restart_ended() -> None:
        with log.open("ab") as output:
            while not over.wait(5) and airflow.poll() is None:
                for name in components:
                    again = restarted.get(name)
                    if processes_of(airflow, f"airflow {name}") or (again is not None and again.poll() is None):
                        continue
                    restarted[name] = subprocess.Popen(  # noqa: S603 - our own commands
                        [sys.executable, "-m", "airflow", name],
                        env=local.settings,
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=output,
                        start_new_session=True,
                    )
                    console.print(f"The {name} had ended and was started again.")

    thread = threading.Thread(target=restart_ended)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for one in restarted.values():
            stop(one)


def processes_of(airflow: subprocess.Popen[bytes], name: str) -> list[psutil.Process]:
    """Return the processes of Airflow whose command line has a name in it."""
    found = []
    with suppress(psutil.NoSuchProcess):  # Airflow itself has ended
        for one in psutil.Process(airflow.pid).children(recursive=True):
            with suppress(psutil.Error):  # some processes end meanwhile
                found += [one] if name in " ".join(one.cmdline()) else []
    return found


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process group: first with SIGTERM, then with SIGKILL."""
    for number, within in ((signal.SIGTERM, STOPS_WITHIN), (signal.SIGKILL, 5)):
        ends = time.monotonic() + within
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
            while time.monotonic() < ends:
                process.poll()  # an ended process that was not waited for would count as alive
                os.killpg(process.pid, 0)
                time.sleep(0.2)


def wait_until_ready(port: int, process: subprocess.Popen[bytes], asked_to_stop: threading.Event) -> bool:
    """Wait until every component is healthy, log the ones still missing, and return whether all became healthy."""
    began = said = time.monotonic()
    while process.poll() is None and time.monotonic() - began < READY_WITHIN and not asked_to_stop.wait(0.5):
        missing = _not_ready(port)
        if not missing:
            return True
        if time.monotonic() - said > SAYS_EVERY:
            said = time.monotonic()
            console.print(f"Still starting after {said - began:.0f} s; waiting for {', '.join(missing)} ...")
    return False


def _not_ready(port: int) -> list[str]:
    """Return the components that are not healthy yet."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=60) as answer:
            health = json.load(answer)
    except (URLError, OSError, ValueError):
        return ["the API server"]
    return [name for name in COMPONENTS if (health.get(name) or {}).get("status") != "healthy"]


def print_addresses(port: int, emulator: Emulator) -> None:
    """Print the address of everything."""
    airflow = f"http://127.0.0.1:{port}"
    for title, place, remark in (
        ("Airflow", airflow, "no login: everybody who opens this address is an admin"),
        ("A campaign form", f"{airflow}/dags/exotel_campaign_form", f"press Trigger; contact list {CONTACT_LIST}"),
        ("The campaigns", f"{airflow}/plugin/exotel", "as they go on: pause, resume, stop; also Browse in the menu"),
        ("The connection", f"{airflow}/connections", "exotel_default, with a Test button"),
        ("The local Exotel", emulator.url, "campaigns, calls and requests as they happen"),
    ):
        console.print(f"[bold]{title:<18}[/]{place}\n{'':<18}{remark}")
    console.print(
        "\nA campaign here ends within a minute. To have time to pause one, choose Pace: My own, with 1 call a minute."
        "\nCtrl-C stops everything and deletes it."
    )


if __name__ == "__main__":
    main()
