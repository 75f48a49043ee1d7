"""The plugin module, which every component of every Airflow version loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from airflow_provider_exotel.plugin import airflow_plugin
from airflow_provider_exotel.plugin.airflow_plugin import ExotelPlugin

from ..versions import AIRFLOW


def test_the_module_loads_neither_a_web_framework_nor_the_page() -> None:
    program = """
import sys
import airflow.plugins_manager
before = set(sys.modules)
from airflow_provider_exotel.plugin import airflow_plugin
heavy = {"fastapi", "starlette", "requests", "phonenumbers"}
print("loaded", sorted(name for name in set(sys.modules) - before if name.split(".")[0] in heavy
             or name.startswith("airflow_provider_exotel.") and "plugin" not in name))
"""

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert [line for line in ran.stdout.splitlines() if line.startswith("loaded")] == ["loaded []"]


@pytest.mark.skipif(AIRFLOW >= (3, 1), reason="there is a page from 3.1 on")
def test_there_is_no_page_before_airflow_3_1() -> None:
    plugin = ExotelPlugin()

    assert (plugin.fastapi_apps, plugin.external_views) == ([], [])


@pytest.mark.parametrize("version", ["2.11.0", "3.0.6"])
def test_older_versions_get_no_page(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(airflow_plugin, "airflow_version", version)

    assert (ExotelPlugin().fastapi_apps, ExotelPlugin().external_views) == ([], [])


@pytest.mark.skipif(AIRFLOW < (3, 1), reason="there is a page from 3.1 on")
def test_an_airflow_without_the_functions_that_authorize_gets_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("airflow_provider_exotel.plugin.a")]:
        if name != airflow_plugin.__name__:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "airflow.api_fastapi.core_api.security", None)

    assert (ExotelPlugin().fastapi_apps, ExotelPlugin().external_views) == ([], [])


@pytest.mark.skipif(AIRFLOW < (3, 1), reason="there is a page from 3.1 on")
def test_airflow_finds_the_page_by_the_entry_point() -> None:
    from airflow import plugins_manager

    get_apps = getattr(plugins_manager, "get_fastapi_plugins", None)
    if get_apps is None:  # Airflow 3.1 stores them in the module
        plugins_manager.initialize_fastapi_plugins()
        apps = plugins_manager.fastapi_apps
    else:
        apps = get_apps()[0]

    assert "/exotel" in [one["url_prefix"] for one in apps]


@pytest.mark.skipif(AIRFLOW < (3, 1), reason="there is a page from 3.1 on")
def test_the_navigation_leads_to_the_page_under_airflows_own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.com/airflow/")

    [view] = ExotelPlugin().external_views

    assert view["href"] == "/airflow/exotel/"
