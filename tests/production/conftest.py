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
PENDING = {"test_kills.py", "test_stopping.py"}
"""Scenarios of what is not built yet: a pause that is confirmed and given up where the task lives, and
``PauseOrphanedCampaignsOperator``. They run as soon as their name is taken out."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder; what they leave behind is read last."""
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.production)
        item.add_marker(pytest.mark.filterwarnings("default"))
        if item.path.name in PENDING:
            item.add_marker(pytest.mark.xfail(run=False, reason="stopping is not confirmed yet"))
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
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{report.nodeid}: {name}: {value}")
