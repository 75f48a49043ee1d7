"""The wheel as a user gets it: built, installed outside the checkout beside Airflow, and used through Airflow."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "airflow_provider_exotel"
UV = str(Path(sys.executable).parent / "uv")
CONSTRAINTS = "constraints-oldest.txt" if version("apache-airflow").startswith("2.") else "constraints.txt"


def run(*command: str | Path, **environment: str) -> str:
    """Run a command outside the checkout and return its output."""
    ended = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(command[0]).parent,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AIRFLOW"))}
        # As in the Makefile: on networks that inspect TLS, only the system's store trusts their authority.
        | {"UV_SYSTEM_CERTS": "true", **environment},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with the wheel and its dependencies, without the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    run(UV, "venv", "--python", sys.executable, folder / "venv")
    programs = folder / "venv" / "bin"
    run(UV, "pip", "install", "--python", programs / "python", "-c", ROOT / CONSTRAINTS, wheel)
    return programs


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    expected = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == expected
    assert {"airflow_provider_exotel/py.typed", "airflow_provider_exotel/html/templates/base.html"} <= held


def test_the_wheel_declares_its_metadata_to_airflow(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/entry_points.txt")]
        entry_points = archive.read(name).decode()

    assert "[apache_airflow_provider]" in entry_points
    assert "airflow_provider_exotel.get_provider_info:get_provider_info" in entry_points
    assert "[airflow.plugins]\nexotel = airflow_provider_exotel.plugin.airflow_plugin:ExotelPlugin" in entry_points


def test_the_page_of_the_package_has_no_dead_link(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        page = archive.read(name).decode()

    assert "## A DAG" in page
    assert re.findall(r"\]\((?!https?:)[^)]*\)", page) == []


def test_airflow_knows_the_provider_once_it_is_installed(installed: Path, tmp_path: Path) -> None:
    home = {"AIRFLOW_HOME": str(tmp_path)}

    providers = json.loads(run(installed / "airflow", "providers", "list", "-o", "json", **home))
    hooks = json.loads(run(installed / "airflow", "providers", "hooks", "-o", "json", **home))

    assert "airflow-provider-exotel" in {one["package_name"] for one in providers}
    [hook] = [one for one in hooks if one["connection_type"] == "exotel"]
    assert hook["class"] == "airflow_provider_exotel.hooks.exotel.ExotelHook"
    assert hook["conn_id_attribute_name"] == "exotel_conn_id"


def test_the_connection_form_is_there_once_it_is_installed(installed: Path, tmp_path: Path) -> None:
    program = """
import json
from airflow_provider_exotel.connection_form import EXTRA_FIELDS
from airflow.providers_manager import ProvidersManager
manager = ProvidersManager()
if hasattr(manager, "iter_connection_type_hook_ui_metadata"):
    list(manager.iter_connection_type_hook_ui_metadata())
    widgets = manager._connection_form_widgets_from_metadata
else:
    widgets = manager.connection_form_widgets
names = {one.field_name for one in widgets.values() if one.hook_class_name.endswith("ExotelHook")}
print("\\n" + json.dumps([sorted(names), sorted(EXTRA_FIELDS)]))
"""

    shown, declared = json.loads(run(installed / "python", "-c", program, AIRFLOW_HOME=str(tmp_path)).splitlines()[-1])

    assert shown == declared
