"""One stack for all scenarios of this folder, which ``make test-production`` runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .parts import Parts
from .stack import Stack, start

KEPT = os.environ.get("EXOTEL_STACK")
"""An empty folder in which the stack lives, and which is kept to read its logs; else it is deleted."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder; what they leave behind is read last."""
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.production)
        item.add_marker(pytest.mark.filterwarnings("default"))
    items.sort(key=lambda item: item in ours and "leaks" in item.path.name)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The running stack; nothing of it is left, however the tests end."""
    folder = Path(KEPT) if KEPT else Path(tempfile.mkdtemp(prefix="exotel-stack-"))
    with Parts(None if KEPT else folder) as parts:
        yield start(folder, parts)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures that scenarios have recorded."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties if "production" in report.keywords else ():
            terminalreporter.write_line(f"{report.nodeid}: {name}: {value}")
