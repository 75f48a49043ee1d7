from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel.client.profile import Profile, account_digest
from airflow_provider_exotel.commands.verify.__main__ import main, read_settings, run
from airflow_provider_exotel.commands.verify.probe import Pace, Probe
from airflow_provider_exotel.commands.verify.state import State
from airflow_provider_exotel.emulator import Emulator

NUMBER = "+919876500000"
QUERY = "?exophone=0XXXXXX4890&only_numbers=%2B919876500000&max_contacts=2&requests_per_minute=6000"


def virtual(emulator: Emulator) -> Pace:
    """Time on the emulator's clock only."""
    return Pace(emulator.clock.now, emulator.clock.time, emulator.clock.advance)


def environment(emulator: Emulator, query: str = QUERY) -> dict[str, str]:
    if limit := emulator.settings.rate_limit:  # a create that is refused for the limit leaves its check open
        query = query.replace("=6000", f"={limit // 2}")
    return {"AIRFLOW_CONN_EXOTEL_CHECK": f"{emulator.connection_uri}{query}"}


@dataclass
class Run:
    """The result of a run of the command."""

    code: int
    text: str
    out: Path

    @property
    def profile(self) -> Profile:
        return Profile.of_text(self.out.read_text())

    @property
    def known(self) -> dict[str, Any]:
        return self.profile.answers()


def probe_of(emulator: Emulator, out: Path, *, timeouts: tuple[float, float] = (30.0, 30.0)) -> Probe:
    settings = read_settings("exotel_check", NUMBER, environment(emulator), read_only=False)
    state = State.read(out.with_name(f"{out.name}.state"), account_digest(settings.host, settings.account_sid))
    return Probe(settings, NUMBER, state, virtual(emulator), timeouts)


def verify(
    emulator: Emulator, out: Path, *, read_only: bool = False, timeouts: tuple[float, float] = (30.0, 30.0)
) -> Run:
    """Run the checks in virtual time."""
    lines: list[str] = []
    code = run(probe_of(emulator, out, timeouts=timeouts), out, read_only=read_only, say=lines.append)
    return Run(code, "\n".join(lines), out)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "profile.json"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, out: Path) -> Callable[..., Run]:
    """Runs the command line in virtual time."""

    def start(emulator: Emulator, *arguments: str, query: str = QUERY) -> Run:
        for name, value in environment(emulator, query).items():
            monkeypatch.setenv(name, value)
        given = ["--connection", "exotel_check", "--number", NUMBER, "--out", str(out), *arguments]
        with redirect_stdout(io.StringIO()) as printed:
            code = main(given, virtual(emulator))
        return Run(code, printed.getvalue(), out)

    return start
