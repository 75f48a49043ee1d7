"""Importing the package loads almost nothing until something is used."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider_exotel
from airflow_provider_exotel import ExotelError


def loaded_after(statement: str) -> set[str]:
    """Return the top-level modules, and the modules of this package, that a new Python loads for ``statement``."""
    program = f"import json, sys\n{statement}\nprint('\\nLOADED ' + json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    # At DEBUG level Airflow still writes at exit.
    [line] = [line for line in run.stdout.splitlines() if line.startswith("LOADED ")]
    return set(json.loads(line.removeprefix("LOADED ")))


@pytest.mark.parametrize(
    "statement", ["import airflow_provider_exotel", "from airflow_provider_exotel import __version__"]
)
def test_the_package_loads_nothing_when_it_is_imported(statement: str) -> None:
    assert not {"airflow", "requests", "pydantic", "pendulum"} & loaded_after(statement)


@pytest.mark.parametrize("name", airflow_provider_exotel.__all__)
@pytest.mark.airflow
def test_every_public_name_is_the_object_of_that_name(name: str) -> None:
    assert getattr(airflow_provider_exotel, name).__name__ == name


@pytest.mark.parametrize("name", ["CallingWindow", "ExotelClient", "ExotelError", "CampaignRequest"])
def test_the_client_and_the_windows_need_no_airflow(name: str) -> None:
    assert "airflow" not in loaded_after(f"from airflow_provider_exotel import {name}")


def test_type_checkers_read_the_same_public_names_from_the_same_modules() -> None:
    tree = ast.parse(Path(airflow_provider_exotel.__file__).read_text())
    [block] = [one for one in tree.body if isinstance(one, ast.If)]
    read = {
        name.asname: f"{imported.module}.{name.name}"
        for imported in block.body
        if isinstance(imported, ast.ImportFrom)
        for name in imported.names
    }

    assert read == {
        name: f"airflow_provider_exotel.{module}.{name}" for name, module in airflow_provider_exotel._MODULES.items()
    }


def test_every_error_is_a_public_name() -> None:
    def below(kind: type[ExotelError]) -> set[str]:
        return {kind.__name__}.union(*(below(one) for one in kind.__subclasses__()))

    for module in pkgutil.walk_packages(airflow_provider_exotel.__path__, "airflow_provider_exotel."):
        if module.name.endswith(".errors"):
            importlib.import_module(module.name)

    assert below(ExotelError) <= set(airflow_provider_exotel.__all__)


def test_an_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        airflow_provider_exotel.Nonsense  # noqa: B018


def test_the_metadata_loads_neither_airflow_nor_pydantic() -> None:
    program = "from airflow_provider_exotel.get_provider_info import get_provider_info; get_provider_info()"

    assert not {"airflow", "requests", "pydantic", "pendulum"} & loaded_after(program)


@pytest.mark.airflow
def test_the_operators_load_no_http_client_and_no_request_model() -> None:
    new = loaded_after("import airflow_provider_exotel.operators.campaign") - loaded_after(
        "import airflow.providers.common.compat.sdk as sdk; sdk.BaseOperator, sdk.BaseHook, sdk.XCom"
    )

    assert "airflow_provider_exotel.operators.campaign" in new
    loaded_when_used = ("client.client", "client.request", "client.models", "contacts.files", "audience.list_upload")
    assert not {"requests", "phonenumbers", *(f"airflow_provider_exotel.{name}" for name in loaded_when_used)} & new


@pytest.mark.airflow
def test_the_operator_takes_every_field_of_the_request() -> None:
    from airflow_provider_exotel.create.spec import REQUEST_FIELDS

    taken = inspect.signature(airflow_provider_exotel.CreateCampaignOperator.__init__).parameters

    assert set(REQUEST_FIELDS) - {*taken} <= {"extra_fields"}
