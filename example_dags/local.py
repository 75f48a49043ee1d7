"""Shared by ``make demo`` and ``make airflow``: a temporary Airflow, and made-up people."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from rich.console import Console

from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.emulator import Emulator

CONTACTS = 120
HERE = Path(__file__).parent
COMMANDS = """
import json, sys
from airflow.__main__ import main
for arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    main()
"""
console = Console(highlight=False, width=100)


@dataclass(frozen=True)
class LocalAirflow:
    """An Airflow with a temporary home.

    :param settings: its environment.
    :param secrets: texts that its output must not show.
    """

    settings: dict[str, str]
    secrets: tuple[str, ...]

    @classmethod
    def beside(cls, emulator: Emulator, folder: Path, **settings: str) -> LocalAirflow:
        """Return an Airflow with the example DAGs and their audience."""
        key, token = emulator.api_key, emulator.api_token
        return cls(
            {
                **os.environ,
                # Airflow starts its components by name.
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
                "AIRFLOW_HOME": str(folder / "airflow"),
                # On a busy machine SQLite's default of 5 seconds runs out, and the scheduler ends.
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder.resolve()}/airflow/airflow.db?timeout=120",
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "AIRFLOW__CORE__DAGS_FOLDER": str(HERE),
                "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
                "AIRFLOW__LOGGING__LOGGING_LEVEL": os.environ.get("AIRFLOW__LOGGING__LOGGING_LEVEL", "INFO"),
                "AIRFLOW_VAR_EXOTEL_REPORT_KEY": token_hex(),
                "AIRFLOW_VAR_EXOTEL_TESTERS": "+919876542000,+919876542001",
                "EXOTEL_CALLBACKS": (folder / "callbacks").as_uri(),
                "EXOTEL_AUDIENCE": write_audience(folder / "audience.csv").as_uri(),
                "EXOTEL_PLANS": (folder / "plans").as_uri(),
                "EXOTEL_REPORTS": (folder / "reports").as_uri(),
                "EXOTEL_REPORTS_URL": f"{emulator.url}/reports",
                **settings,
            },
            (key, token, b64encode(f"{key}:{token}".encode()).decode()),
        )

    def commands(self, *commands: list[str]) -> None:
        """Run commands of Airflow in one process, since Airflow takes seconds to load."""
        self.run([sys.executable, "-c", COMMANDS, json.dumps(commands)])

    def run(self, command: list[str]) -> None:
        """Run a command to its end and show its output only if it fails; ``EXOTEL_DEMO_LOG`` keeps it in a file."""
        done = subprocess.run(  # noqa: S603 - our own commands
            command, env=self.settings, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        # If tasks run inside of dag.test(), Airflow logs at DEBUG level the secrets that it should mask.
        output = redact(done.stdout, self.secrets)
        if log := os.environ.get("EXOTEL_DEMO_LOG"):
            with Path(log).open("a") as file:
                file.write(output)
        if done.returncode:
            console.print(output, markup=False)
            raise SystemExit("Airflow failed; its output is above.")


def write_audience(path: Path) -> Path:
    """Write made-up people to a file: Airflow would store numbers in a DAG file."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["name", "number"])
        rows.writerows([f"Person {person}", number] for person, number in enumerate(people()))
    return path


def people() -> list[str]:
    """Return the numbers of the made-up people."""
    return [f"+9198765{43000 + person:05}" for person in range(CONTACTS)]


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show a running step, and how long it took."""
    began = time.monotonic()
    with console.status(f"{title} ..."):
        yield
    console.print(f"[green]done[/] {title} [dim]({time.monotonic() - began:.0f} s)[/]")
