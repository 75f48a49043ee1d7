"""A whole Airflow, started by ``make airflow``, and a browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from airflow import __version__ as airflow_version
from playwright.sync_api import Page, expect, sync_playwright

from ..ports import log_ports, unused_port

ROOT = Path(__file__).parent.parent.parent
READY_WITHIN = 900
SHOWS_WITHIN = 120_000  # milliseconds
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder; ``make airflow`` is the newest Airflow."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.filterwarnings("default"))
            if airflow_version.startswith("2."):
                item.add_marker(pytest.mark.skip("the local Airflow is made of the newest version"))


@dataclass
class LocalAirflow:
    """``make airflow``, running.

    :param process: the process of make.
    :param mark: a text in the environment of each of its processes.
    :param said: its output.
    """

    process: subprocess.Popen[str]
    mark: str
    said: str = ""

    @classmethod
    def start(cls) -> LocalAirflow:
        mark = uuid.uuid4().hex
        own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "example_dags" / "local_airflow.py")],
            env={
                **own,
                **log_ports(),
                "AIRFLOW__API__PORT": str(unused_port()),
                "PYTHONUNBUFFERED": "1",
                "EXOTEL_MARK": mark,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return cls(process, mark)

    def read_until(self, text: str) -> None:
        """Read its output until ``text`` appears."""
        assert self.process.stdout is not None
        ends = time.monotonic() + READY_WITHIN
        while text not in self.said and time.monotonic() < ends:
            line = self.process.stdout.readline()
            if not line:
                break
            self.said += line
        assert text in self.said, self.said

    def address(self, title: str) -> str:
        """Return an address from its output."""
        found = re.search(rf"^{title} +(http\S+)$", self.said, flags=re.MULTILINE)
        assert found, self.said
        return found[1]

    def stop(self, number: signal.Signals) -> int:
        """Stop it and return its exit code."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=120)
        self.said += rest
        return self.process.returncode

    def processes(self) -> list[str]:
        """Return the command lines of its processes, those of Airflow included."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue  # it has ended meanwhile, or belongs to another user
        return found


@pytest.fixture(scope="module")
def local_airflow() -> Iterator[LocalAirflow]:
    """A local Airflow that has started."""
    running = LocalAirflow.start()
    try:
        running.read_until("Ctrl-C stops everything")
        yield running
    finally:
        if running.process.poll() is None:
            running.stop(signal.SIGTERM)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of a real browser."""
    program = os.environ.get("EXOTEL_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None and not os.environ.get("CI"):
        pytest.skip("no Chromium here; install one, or name it in EXOTEL_BROWSER")
    expect.set_options(timeout=SHOWS_WITHIN)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1000}, device_scale_factor=1)
        page.set_default_timeout(SHOWS_WITHIN)
        yield page
        browser.close()
