"""The emergency stop: every campaign of an account, from a terminal, without Airflow."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_exotel import ExotelClient
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.commands import stop
from airflow_provider_exotel.emulator import Emulator, Fault


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with Emulator(seed=1) as running:
        monkeypatch.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", running.connection_uri)
        yield running


def create(emulator: Emulator, name: str = "Reminder", **fields: Any) -> str:
    client = ExotelClient(
        emulator.api_key, emulator.api_token, emulator.account_sid, emulator.host, requests_per_minute=6000
    )
    numbers = [f"+9198765{number:05}" for number in range(50)]
    given = {"numbers": numbers, "caller_id": "0XXXXXX4890", "name": name, **fields}
    return client.create_campaign(CampaignRequest(**given)).id


def statuses(emulator: Emulator) -> list[str]:
    return [campaign.status for campaign in emulator.campaigns]


def test_every_campaign_that_may_dial_is_paused_and_printed(
    emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [create(emulator, f"Reminder {number}") for number in range(3)]
    emulator.clock.advance(60)
    opens = emulator.clock.now() + timedelta(hours=2)
    later = create(emulator, "Later", schedule={"send_at": opens.isoformat()})

    code = stop.main(["--yes"])

    # Another test in this process may have configured Airflow's logs, which also go to stdout.
    out = [line for line in capsys.readouterr().out.splitlines() if not re.match(r"\[?20\d\d-", line)]
    assert code == 0
    assert set(statuses(emulator)) == {"paused"}
    assert sorted(line.split()[1] for line in out[:-2]) == sorted(ids)
    assert out[-2] == f"paused: {later} 'Later'"  # campaigns that dial now come first
    assert all(line.startswith("paused: ") for line in out[:-1])
    assert out[-1] == "4 paused, 0 failed."


def test_only_campaigns_whose_name_starts_with_the_text_are_paused(emulator: Emulator) -> None:
    reminder, survey = create(emulator, "Reminder north"), create(emulator, "Survey")

    assert stop.main(["--yes", "--name-starts", "reminder"]) == 0

    assert emulator.campaign(reminder).status == "paused"
    assert emulator.campaign(survey).status != "paused"


def test_a_campaign_that_cannot_be_paused_is_named_and_the_others_are_paused(
    emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [create(emulator) for _ in range(3)]
    emulator.faults.add(Fault(on=f"PUT campaigns/{ids[1]}", kind="status", status=400, message="no", times=None))

    code = stop.main(["--yes"])

    output = capsys.readouterr()
    assert code == 1
    assert f"NOT PAUSED: {ids[1]} 'Reminder'" in output.out
    assert output.out.splitlines()[-1] == "2 paused, 1 failed."
    assert "mark such tasks failed in Airflow" in output.err
    assert "no" in output.err
    assert [emulator.campaign(campaign).status == "paused" for campaign in ids] == [True, False, True]


def test_a_list_that_cannot_be_read_is_a_failure(emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    create(emulator)
    emulator.faults.add(Fault(on="GET campaigns", kind="status", status=500, times=None))

    assert stop.main(["--yes"]) == 1
    assert "could not be read" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("YES \n", 0), ("no\n", 2), ("\n", 2)])
def test_a_terminal_user_must_confirm(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, code: int
) -> None:
    create(emulator)
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)

    assert stop.main([]) == code

    assert f"of account {emulator.account_sid} at {emulator.host}? Type yes: " in capsys.readouterr().out
    assert statuses(emulator) == (["paused"] if code == 0 else ["created"])


def test_without_a_terminal_the_option_yes_is_required(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    create(emulator)
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))

    assert stop.main([]) == 2

    assert "add --yes" in capsys.readouterr().err
    assert emulator.requests[1:] == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "AIRFLOW_CONN_TEAM_A: is required"),
        ("", "AIRFLOW_CONN_TEAM_A: is required"),
        ("{not json", "AIRFLOW_CONN_TEAM_A: must be a URI or a JSON object"),
        ('{"login": "k", "password": "t", "schema": "a", "extra": "[1]"}', "extra: must be a JSON object"),
        ("no-uri", "AIRFLOW_CONN_TEAM_A: must be a URI or a JSON object"),
        ("exotel://key:s3cret@host:port/sid", "AIRFLOW_CONN_TEAM_A: must be a URI or a JSON object"),
        ("exotel://key:s3cret@api.exotel.com", "Account SID"),
    ],
)
def test_the_error_of_an_invalid_connection_has_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str | None, message: str
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_TEAM_A", raising=False)
    if value is not None:
        monkeypatch.setenv("AIRFLOW_CONN_TEAM_A", value)

    assert stop.main(["--yes", "--connection", "team_a"]) == 2

    output = capsys.readouterr().err
    assert message in output
    assert "s3cret" not in output


def test_it_runs_as_a_program_that_loads_no_airflow(emulator: Emulator) -> None:
    campaign = create(emulator)
    as_json = {
        "conn_type": "exotel",
        "login": emulator.api_key,
        "password": emulator.api_token,
        "schema": emulator.account_sid,
        "host": emulator.host,
        "extra": {"requests_per_minute": 30},
    }
    program = (
        "import runpy, sys; sys.argv = ['stop', '--yes', '--connection', 'team_a']\n"
        "try: runpy.run_module('airflow_provider_exotel.commands.stop', run_name='__main__')\n"
        "except SystemExit as end: print(end.code, 'airflow' in sys.modules)"
    )

    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"AIRFLOW_CONN_TEAM_A": json.dumps(as_json), "PATH": "", "AIRFLOW_HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.splitlines() == [f"paused: {campaign} 'Reminder'", "1 paused, 0 failed.", "0 False"]
