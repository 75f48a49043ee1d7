"""Whole tasks against the emulator over real HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder; warnings of Airflow and its libraries are not ours to mend."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.scenario)
            item.add_marker(pytest.mark.filterwarnings("default"))
