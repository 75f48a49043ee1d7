"""The tutorial, carried out literally in an empty folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .ports import unused_port
from .versions import AIRFLOW

PAGE = Path(__file__).parent.parent / "docs" / "tutorial.md"
PORT = "8030"
# Airflow takes seconds to load, so one process runs its commands; the shell runs everything else.
TYPING = """
import subprocess, sys
from airflow.__main__ import main
for line in sys.argv[1:]:
    print("$", line, flush=True)
    if not line.startswith("airflow "):
        subprocess.run(line, shell=True, check=True)
        continue
    words = subprocess.check_output(f"printf '%s\\\\n' {line}", shell=True, text=True)
    sys.argv[1:] = words.splitlines()[1:]
    try:
        main()
    except SystemExit as ended:
        print("ended with", ended.code)
"""


@dataclass(frozen=True)
class Tutorial:
    """The commands and files of the page, and the output that it promises.

    :param port: the port of the emulator, instead of the one on the page.
    """

    port: str

    @property
    def text(self) -> str:
        page = PAGE.read_text().replace(PORT, self.port)
        return page if AIRFLOW >= (3, 0) else page.replace("from airflow.sdk import DAG", "from airflow import DAG")

    def step(self, number: int) -> str:
        return re.split(r"^## ", self.text, flags=re.MULTILINE)[number]

    def typed(self, number: int) -> list[str]:
        return self.blocks(number, "sh")

    def shown(self, number: int) -> list[str]:
        return self.blocks(number, "")

    def blocks(self, number: int, language: str) -> list[str]:
        """Return the lines of a step's blocks in a language."""
        found = re.findall(r"^```(\w*)\n(.*?)^```$", self.step(number), re.DOTALL | re.MULTILINE)
        return "".join(text for name, text in found if name == language).splitlines()

    def saved(self) -> dict[str, str]:
        return dict(re.findall(r"Save this as `([^`]+)`:\n\n```\w+\n(.*?)```", self.text, re.DOTALL))

    @property
    def emulator(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    ours = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    return {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | ours


@pytest.fixture(scope="module")
def tutorial() -> Tutorial:
    return Tutorial(str(unused_port()))


@pytest.fixture(scope="module")
def folder(tutorial: Tutorial, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The reader's folder, with the emulator started and the files saved."""
    folder = tmp_path_factory.mktemp("exotel-tutorial")
    for name, text in tutorial.saved().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    _, command = tutorial.typed(2)
    with subprocess.Popen(
        f"exec {command}", shell=True, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as emulator:
        try:
            assert emulator.stdout is not None
            assert [emulator.stdout.readline().rstrip() for _ in range(2)] == tutorial.shown(2)
            yield folder
        finally:
            emulator.terminate()


@pytest.fixture(scope="module")
def output(tutorial: Tutorial, folder: Path, environment: dict[str, str]) -> str:
    """The output in the first terminal from step 3 on."""
    *exports, migrate = tutorial.typed(3)
    lines = [migrate, *tutorial.typed(6), *tutorial.typed(8), *tutorial.typed(9)]
    run = subprocess.run(
        ["sh", "-c", "\n".join([*exports, 'exec python -c "$@"']), "sh", TYPING, *lines],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


pytestmark = pytest.mark.airflow


@pytest.mark.skipif(AIRFLOW < (3, 0), reason="there Airflow shows only what the tasks log themselves")
@pytest.mark.parametrize("number", [6, 8, 9])
def test_what_a_step_shows_is_in_the_log(tutorial: Tutorial, output: str, number: int) -> None:
    for line in tutorial.shown(number):
        assert re.search(re.escape(line).replace(re.escape("..."), ".*"), output), output


def test_the_two_runs_of_a_date_made_one_campaign_and_the_mistake_none(tutorial: Tutorial, output: str) -> None:
    with urllib.request.urlopen(f"{tutorial.emulator}/_emulator/campaigns") as answer:
        campaigns: list[dict[str, Any]] = json.load(answer)

    assert [campaign["status"] for campaign in campaigns] == ["completed"]


def test_the_report_has_a_page_and_a_row_for_each_person(folder: Path, output: str) -> None:
    assert "<html" in (folder / "report" / "report.html").read_text()
    assert len((folder / "report" / "contacts.csv").read_text().splitlines()) == 1 + 6
