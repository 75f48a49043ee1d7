"""The provider's metadata, connection form and connections, as Airflow loads them."""

from __future__ import annotations

import asyncio
import json
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import jsonschema
import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from airflow.providers_manager import ProvidersManager

from airflow_provider_exotel import ExotelHook, ExotelInputError
from airflow_provider_exotel.connection_form import EXTRA_FIELDS, STANDARD_FIELDS
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.get_provider_info import get_provider_info
from airflow_provider_exotel.triggers.poller import settings_of

from ..versions import AIRFLOW, FINDS_ANY_EXTRA

shows_the_form = pytest.mark.skipif(AIRFLOW < (3, 1), reason="before Airflow 3.1 a form needs Flask-AppBuilder")
asks_the_hook = pytest.mark.skipif(AIRFLOW >= (3, 0), reason="from Airflow 3 on the form is not made of widgets")


def test_the_metadata_is_valid_by_the_schema_of_airflow() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())

    jsonschema.validate(get_provider_info(), schema)


def test_every_module_that_the_metadata_names_exists() -> None:
    info = get_provider_info()
    groups = [*info["hooks"], *info["operators"], *info["sensors"], *info["triggers"]]
    modules = [module for group in groups for module in group["python-modules"]]
    modules += [transfer["python-module"] for transfer in info["transfers"]]

    assert [module for module in modules if find_spec(module) is None] == []


REFUSED, WHY = (
    (ExotelInputError, "extra: must be a JSON object")
    if FINDS_ANY_EXTRA
    else (AirflowNotFoundException, "isn't defined")
)


@pytest.mark.parametrize("extra", ["{'only_numbers': '+919876500000'}", '["only_numbers"]', "only_numbers=1"])
def test_a_guard_that_airflow_would_lose_refuses_the_connection(monkeypatch: pytest.MonkeyPatch, extra: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", json.dumps(GIVEN | {"extra": extra}))

    with pytest.raises(REFUSED, match=WHY):
        ExotelHook().settings  # noqa: B018


def test_a_guard_that_airflow_would_lose_refuses_the_connection_in_the_triggerer_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", json.dumps(GIVEN | {"extra": "{'only_numbers': '+91'}"}))

    with pytest.raises(REFUSED, match=WHY):
        asyncio.run(settings_of("exotel_default"))


def test_airflow_finds_the_provider_the_hook_and_the_links() -> None:
    manager = ProvidersManager()

    assert "airflow-provider-exotel" in manager.providers
    assert manager.hooks["exotel"].hook_class_name == "airflow_provider_exotel.hooks.exotel.ExotelHook"
    assert manager.hooks["exotel"].hook_name == "Exotel"
    for link in ("CampaignLink", "PlanLink", "ReportLink"):
        assert f"airflow_provider_exotel.links.{link}" in manager.extra_links_class_names


@shows_the_form
def test_the_form_is_built_from_the_declared_fields() -> None:
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    # Airflow 3.1 caches its first result; without Flask-AppBuilder, it has no form unless a form was requested.
    ProvidersManager()._cleanup()
    [form] = [one for one in HookMetaService.hook_meta_data() if one.connection_type == "exotel"]

    assert form.extra_fields is not None
    assert set(form.extra_fields) == set(EXTRA_FIELDS)
    assert form.standard_fields is not None
    titles = {name: form.standard_fields.model_dump(by_alias=True)[_ui_name(name)]["title"] for name in STANDARD_FIELDS}
    assert titles == STANDARD_FIELDS


@asks_the_hook
def test_the_form_has_the_widgets_of_the_hook() -> None:
    manager = ProvidersManager()

    widgets = [one for one in manager.connection_form_widgets.values() if one.hook_class_name.endswith("ExotelHook")]

    assert {one.field_name for one in widgets} == set(EXTRA_FIELDS)
    assert manager.field_behaviours["exotel"]["relabeling"] == STANDARD_FIELDS


FROM_URI = "exotel://the-key:the-token@/the-account?region=mumbai&exophone=0XXXXXX4890&read_timeout=45"
GIVEN = {"conn_type": "exotel", "login": "the-key", "password": "the-token", "schema": "the-account"}
SET = {"region": "mumbai", "exophone": "0XXXXXX4890", "read_timeout": 45}
FROM_JSON = json.dumps(GIVEN | {"extra": SET})
# The form sends every extra field; empty fields are null or "".
FROM_THE_FORM = json.dumps(
    GIVEN | {"host": "", "extra": json.dumps(dict.fromkeys(EXTRA_FIELDS) | SET | {"deployment": ""})}
)


@pytest.mark.parametrize("written", [FROM_URI, FROM_JSON, FROM_THE_FORM], ids=["URI", "JSON", "form"])
def test_a_connection_is_the_same_in_every_notation(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", written)

    settings = ExotelHook().settings

    assert (settings.api_key, settings.api_token, settings.account_sid) == ("the-key", "the-token", "the-account")
    assert (settings.host, settings.exophone, settings.read_timeout) == ("api.in.exotel.com", "0XXXXXX4890", 45)
    assert (settings.deployment, settings.request_body) == (None, "auto")


def outcome_of(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, **changed: Any) -> tuple[bool, str]:
    """Test a connection to the emulator that differs from the correct one."""
    right = {
        "conn_type": "exotel",
        "login": emulator.api_key,
        "password": emulator.api_token,
        "schema": emulator.account_sid,
        "host": emulator.host,
        "extra": {"requests_per_minute": 6000},
    }
    monkeypatch.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", json.dumps(right | changed))
    return ExotelHook().test_connection()


def test_a_right_connection_is_accepted(exotel: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome_of(exotel, monkeypatch) == (
        True,
        f"Key, token and account {exotel.account_sid} are accepted by {exotel.host}.",
    )


def test_a_stale_profile_is_reported_with_a_right_connection(exotel: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"profile": {"version": 1, "envelope": "html"}}

    accepted, said = outcome_of(exotel, monkeypatch, extra=extra)

    assert accepted
    assert "The profile is stale: envelope is 'item' now, and 'html' in the profile." in said


@pytest.mark.parametrize(
    ("changed", "wrong_account_status", "said"),
    [
        ({"login": "another-key"}, 403, "API key, API token or region"),
        ({"password": "another-token"}, 403, "API key, API token or region"),
        ({"schema": "another-account"}, 404, "Account SID or region"),
        ({"schema": "another-account"}, 403, "IP list"),
        ({"password": None}, 403, "connection.password: is required; it is the API token"),
        (
            {"extra": {"region": "moon"}},
            403,
            "connection.extra.region: unknown value; use one of 'singapore', 'mumbai', 'other'",
        ),
    ],
    ids=["key", "token", "account", "access", "missing", "field"],
)
def test_problems_of_a_connection_are_described_in_words(
    exotel: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, Any],
    wrong_account_status: int,
    said: str,
) -> None:
    exotel.settings.wrong_account_status = wrong_account_status

    accepted, message = outcome_of(exotel, monkeypatch, **changed)

    assert not accepted
    assert said in message
    assert not any(secret in message for secret in (exotel.api_key, exotel.api_token, "another-key", "another-token"))


def test_an_unreachable_service_is_reported_as_a_network_problem(
    exotel: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    exotel.stop()

    accepted, message = outcome_of(exotel, monkeypatch)

    assert not accepted
    assert message.startswith(f"Network: {exotel.host} cannot be reached from here")


def _ui_name(field: str) -> str:
    """Return the name of a standard connection field in Airflow's form."""
    return {"schema": "url_schema"}.get(field, field)
