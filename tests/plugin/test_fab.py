"""The same permissions with the FAB auth manager, which most teams have in production."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"


@pytest.mark.skipif(find_spec("airflow.providers.fab") is None, reason="apache-airflow-providers-fab is not installed")
def test_permissions_are_the_same_with_the_fab_auth_manager() -> None:
    # A process has one auth manager, with a database of its own.
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / "test_access.py")],
        env={**os.environ, "AIRFLOW__CORE__AUTH_MANAGER": MANAGER},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout[-5_000:]
