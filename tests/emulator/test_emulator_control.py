from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi.routing import APIRoute

from airflow_provider_exotel.emulator import Emulator, Settings
from airflow_provider_exotel.emulator.control import control_routes
from airflow_provider_exotel.emulator.fixture import exotel_emulator  # noqa: F401
from airflow_provider_exotel.emulator.journal import masked

from .conftest import Api, order, people

SECRET = "token-in-a-callback"


def control(emulator: Emulator, path: str, body: Any = None, method: str = "POST") -> requests.Response:
    return requests.request(method, f"{emulator.url}/_emulator/{path}", json=body, timeout=60)


def test_another_process_can_control_the_emulator(api: Api, emulator: Emulator) -> None:
    control(emulator, "settings", {"dialect": "wrapped", "outcomes": {"busy": 1}})
    control(emulator, "lists", {"sid": "some", "numbers": people(2)})
    control(emulator, "faults", {"on": "POST campaigns", "kind": "drop_after_commit"})
    with pytest.raises(requests.ConnectionError):
        api.create(**{"from": None, "lists": ["some"]})
    control(emulator, "clock/advance", {"seconds": 600})
    [campaign] = control(emulator, "campaigns", method="GET").json()
    assert (campaign["status"], campaign["counts"]["busy"], campaign["calls"]) == ("completed", 2, 2)
    [request] = control(emulator, "requests", method="GET").json()
    assert (request["fault"], request["committed"], request["status"]) == ("drop_after_commit", True, None)
    control(emulator, "clock/set", {"instant": "2026-03-05T10:00:00+05:30"})
    assert control(emulator, "clock", method="GET").json()["now"] == "2026-03-05T04:30:00+00:00"
    control(emulator, "reset")
    assert (emulator.campaigns, emulator.requests) == ([], [])


def test_the_called_path_returns_the_calls_of_each_campaign(api: Api, emulator: Emulator) -> None:
    emulator.settings.outcomes = {"busy": 1}
    retries = {"number_of_retries": 1, "interval_mins": 10, "on_status": ["busy"]}
    first, second = api.create(2, retries=retries), api.create(3, name="February")
    assert [each["numbers"] for each in called(emulator)] == [[], []]

    emulator.clock.advance(3600)

    assert [(each["id"], sorted(each["numbers"])) for each in called(emulator)] == [
        (first["id"], sorted(people(2) * 2)),
        (second["id"], people(3)),
    ]
    assert [each["name"] for each in called(emulator)] == ["January", "February"]


def called(emulator: Emulator) -> list[dict[str, Any]]:
    return list(control(emulator, "called", method="GET").json())


def test_every_control_path_is_documented(emulator: Emulator) -> None:
    paths = {
        f"{method} {route.path.removeprefix('/_emulator/')}"
        for route in control_routes(emulator._office).routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }

    page = Path(__file__).parents[2] / "docs" / "emulator.md"
    table = page.read_text().split("\n## From another process\n")[1].split("\n## ")[0]

    assert set(re.findall(r"^\| `([A-Z]+ [a-z/]+)` \|", table, re.MULTILINE)) == paths


def test_faults_can_be_seen_and_cleared(emulator: Emulator) -> None:
    control(emulator, "faults", [{"kind": "delay"}, {"kind": "status"}])
    assert [each["kind"] for each in control(emulator, "faults", method="GET").json()] == ["delay", "status"]
    control(emulator, "faults", method="DELETE")
    assert emulator.faults.waiting() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("settings", {"dialekt": "wrapped"}),
        ("settings", {"dialect": "klingon"}),
        ("settings", []),
        ("faults", {"kind": "explode"}),
        ("faults", [1]),
        ("clock/advance", {"seconds": -1}),
        ("clock/advance", {}),
        ("clock/set", {"instant": "2026-03-05T10:00:00"}),
        ("lists", {"numbers": people(1)}),
        ("lists", {"sid": "some", "numbers": people(1)[0]}),
    ],
)
def test_invalid_control_requests_are_named(emulator: Emulator, path: str, body: Any) -> None:
    answer = control(emulator, path, body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_invalid_settings_change_nothing(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="klingon"):
        emulator.settings.update({"at_end": "paused", "dialect": "klingon"})
    assert emulator.settings == Settings()
    with pytest.raises(ValueError, match="dialekt"):
        Emulator(dialekt="wrapped")


def test_no_output_has_a_phone_number_or_secret(api: Api, emulator: Emulator) -> None:
    numbers = people(3)
    campaign = api.create(
        **{"from": ",".join(numbers), "name": f"For {numbers[0]}", "custom_field": SECRET},
        status_callback=f"https://example.org/{SECRET}",
    )
    wrapped = {"campaigns": [{**order(), "from": numbers, "custom_field": SECRET}]}
    api("POST", "campaigns", wrapped)
    api("GET", "campaigns", params={"name": numbers[0]})
    emulator.clock.advance(600)
    state = emulator.campaign(campaign["id"])
    shown = [
        requests.get(emulator.url, timeout=60).text,
        requests.get(f"{emulator.url}/campaigns/{campaign['id']}", timeout=60).text,
        *(control(emulator, path, method="GET").text for path in ("requests", "campaigns", "settings", "faults")),
        repr(emulator.requests),
        repr(emulator),
        repr(state.calls),
        repr(state.campaign.dialling),
        repr(state.plan),
    ]
    for text in shown:
        assert not any(number[1:] in text for number in numbers)
        assert SECRET not in text
        assert emulator.api_token not in text
    assert emulator.requests[0].body["from"] == ",".join(numbers)
    assert "3 numbers" in repr(emulator.requests[1])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+919876500042", "••••••••42"),
        ("for 98765 00042 now", "for ••••••••42 now"),
        ("due-2026-03 af-0123456789abcdef", "due-2026-03 af-0123456789abcdef"),
    ],
)
def test_masking(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_the_journal_has_every_request(api: Api, emulator: Emulator) -> None:
    campaign = api.create()
    api.act(campaign, action="pause")
    api.act(campaign, action="archive")
    api("GET", "campaigns", params={"limit": 3})
    found = [(each.method, each.path, each.status, each.committed) for each in emulator.requests]
    path = f"campaigns/{campaign['id']}"
    assert found == [
        ("POST", "campaigns", 200, True),
        ("PUT", path, 200, True),
        ("PUT", path, 400, False),
        ("GET", "campaigns", 200, False),
    ]
    assert emulator.requests[1].body == {"action": "pause"}
    assert emulator.requests[3].query == {"limit": "3"}


def test_the_fixture_of_the_package(exotel_emulator: Emulator) -> None:  # noqa: F811
    first, second = exotel_emulator.clock.now(), exotel_emulator.clock.now()
    assert first == second
    assert exotel_emulator.connection_uri == f"exotel://emulator-key:emulator-token@{exotel_emulator.host}/emulator"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_its_connection_and_stops_cleanly(number: signal.Signals) -> None:
    with started("--speed", "600") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        connection = process.stdout.readline().strip()
        host = url.removeprefix("http://")
        wanted = (
            f"AIRFLOW_CONN_EXOTEL_DEFAULT='exotel://emulator-key:emulator-token@{host}/emulator?exophone=0XXXXXX4890'"
        )
        assert connection == wanted
        auth = ("emulator-key", "emulator-token")
        assert requests.get(f"{url}/v2/accounts/emulator/campaigns", auth=auth, timeout=60).status_code == 200
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
        assert (process.returncode, output, errors) == (0, "", "")


def test_the_command_sets_limits_and_faults(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"on": "POST campaigns", "kind": "html_5xx"}, {"kind": "delay", "seconds": 1}]')
    limits = ["--rate-limit", "7", "--account-throttle", "600", "--import-seconds", "90"]
    with started("--faults", str(faults), *limits) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        settings = requests.get(f"{url}/_emulator/settings", timeout=10).json()
        waiting = requests.get(f"{url}/_emulator/faults", timeout=10).json()
        process.terminate()
        process.communicate(timeout=60)
    assert (settings["rate_limit"], settings["account_throttle"], settings["import_seconds"]) == (7, 600, 90)
    assert [fault["kind"] for fault in waiting] == ["html_5xx", "delay"]


@pytest.mark.parametrize("content", ["no JSON", '{"kind": "explode"}', '{"sort": "delay"}', "[1]", None])
def test_the_command_refuses_faults_it_cannot_read(tmp_path: Path, content: str | None) -> None:
    faults = tmp_path / "faults.json"
    if content is not None:
        faults.write_text(content)
    with started("--faults", str(faults)) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "faults.json: cannot be read as faults" in errors


def started(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "airflow_provider_exotel.emulator", "--port", "0", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_import_loads_no_server() -> None:
    code = "import sys, json, airflow_provider_exotel.emulator; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(run(code)))
    assert not loaded & {"fastapi", "uvicorn", "requests", "pytest", "airflow", "pydantic"}


def test_the_error_without_the_extra_has_the_install_command() -> None:
    code = (
        "import sys; sys.modules['fastapi'] = None\n"
        "from airflow_provider_exotel import emulator\n"
        "try: emulator.Emulator\n"
        "except ImportError as error: print(error)"
    )
    assert "pip install 'airflow-provider-exotel[emulator]'" in run(code)
