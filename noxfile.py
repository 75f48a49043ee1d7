"""The tests of the built wheel on every row of the table of versions: ``make test-versions``."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import nox

nox.options.default_venv_backend = "uv"
nox.options.sessions = ["tests", "lowest"]

ROOT = Path(__file__).parent
TABLE = ROOT / "docs" / "compatibility.json"
ROWS: list[dict[str, Any]] = json.loads(TABLE.read_text())["versions"]
LANES = os.environ.get("LANES", "4")
# The day of which an older Airflow gets the packages that the provider needs newer than it.
NEWEST = "2026-11-20"
EXTRAS = "emulator,holidays,parquet"
# The rooms of the package and its tasks. The pages, the docs and the package itself are the same on every row.
ROOMS = "airflow audience client commands contacts create plugin report waiting windows"
FOLDERS = [f"tests/{room}" for room in ROOMS.split()]
# A whole Airflow whose parts are killed and whose tasks are ended by a person; Airflow 2 has no such API.
SCENARIOS = ["tests/scenarios/test_dying_workers.py", "tests/scenarios/test_stopping.py"]


@nox.session
@nox.parametrize(
    "python,row",
    [nox.param(row["python"], row, id=f"airflow-{row['airflow']}-python-{row['python']}") for row in ROWS],
)
def tests(session: nox.Session, row: dict[str, Any]) -> None:
    """Run the tests on one row of the table of versions, or what of them is named."""
    airflow, day = f"apache-airflow=={row['airflow']}", row.get("packages_of")
    bounds = ["--constraint", resolve(session, *as_of(day), airflow=airflow)] if day else []
    session.install(*bounds, *packages(session), airflow)
    chosen = session.posargs or FOLDERS + ([] if row["airflow"].startswith("2.") else SCENARIOS)
    passed, skipped = run_tests(session, *chosen)
    if not session.posargs:
        note(row, passed=passed, skipped=skipped)
        session.run("python", "docs/compatibility_table.py", external=True)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Run the tests on the lowest version of every dependency that ``pyproject.toml`` allows."""
    bounds = resolve(session, "--resolution", "lowest-direct")
    session.install("--constraint", bounds, *packages(session))
    run_tests(session, *(session.posargs or FOLDERS))


def resolve(session: nox.Session, *options: str, airflow: str = "") -> str:
    """Resolve the package's dependencies, but not the tools that test it; return the file of their versions.

    :param options: of ``uv pip compile``.
    :param airflow: the Airflow that they are resolved with.
    """
    folder = Path(session.create_tmp()).resolve()
    (folder / "airflow.txt").write_text(airflow)
    extras = [word for extra in EXTRAS.split(",") for word in ("--extra", extra)]
    given = ("--python", f"{session.bin}/python", *extras, "pyproject.toml", str(folder / "airflow.txt"))
    command = ("uv", "pip", "compile", "--quiet", "--output-file", str(folder / "resolved.txt"))
    session.run_install(*command, *options, *given, external=True)
    return str(folder / "resolved.txt")


def as_of(day: str) -> list[str]:
    """Return the options that choose packages as they were on a day, but for those of which the provider needs newer.

    An older Airflow does not run with the newest packages. Its constraints file pins those of its own day.
    """
    newer = ("apache-airflow-providers-common-compat", "phonenumbers")
    exceptions = [word for name in newer for word in ("--exclude-newer-package", f"{name}={NEWEST}")]
    return ["--exclude-newer", day, *exceptions]


def packages(session: nox.Session) -> list[str]:
    """Build the wheel; return what to install to test it."""
    folder = Path(session.create_tmp()).resolve() / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    session.run_install("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), external=True)
    [wheel] = folder.glob("*.whl")
    return ["--group", f"{ROOT}/pyproject.toml:dev", f"{wheel}[{EXTRAS}]"]


def run_tests(session: nox.Session, *chosen: str) -> tuple[int, int]:
    """Run tests outside of the checkout, where only the wheel can be imported; return how many passed and skipped."""
    place = Path(session.create_tmp()).resolve()
    folder, report = place / "checkout", place / "report.xml"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("tests", "docs", "example_dags"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    with session.chdir(folder):
        session.run("python", "-m", "pytest", "-q", "-n", LANES, f"--junit-xml={report}", *chosen)
    suite = ET.parse(report).getroot()[0]  # noqa: S314 - pytest has just written it
    count = {name: int(suite.attrib[name]) for name in ("tests", "skipped")}
    return count["tests"] - count["skipped"], count["skipped"]


def note(row: dict[str, Any], **result: int) -> None:
    """Write a result into its row of the table."""
    row.update(result, day=f"{datetime.now(UTC):%Y-%m-%d}")
    rows = ",\n".join(f"    {json.dumps(one)}" for one in ROWS)
    TABLE.write_text(f'{{\n  "versions": [\n{rows}\n  ]\n}}\n')
