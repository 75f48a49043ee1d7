"""The callback program, with the emulator as the sender: it stores callbacks and refuses other requests."""

from __future__ import annotations

import http.client
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn

from airflow_provider_exotel import ExotelClient
from airflow_provider_exotel.audience.sources import Access
from airflow_provider_exotel.audience.suppression import number_key
from airflow_provider_exotel.audience.suppression_sources import open_suppressions, parse_suppressions
from airflow_provider_exotel.client.callback_urls import callback_token, callback_urls
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.request import CampaignRequest, Schedule
from airflow_provider_exotel.commands import callbacks
from airflow_provider_exotel.commands.callbacks import MOST_BYTES, CallbackApp, create_app
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.report import callbacks as report_callbacks
from airflow_provider_exotel.report.call import pseudonymise_with

from ..ports import unused_port

KEY = "a key that names people"
START = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)
PEOPLE = [f"+9198765{number:05}" for number in range(40)]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(seed=1, start=START, outcomes={"completed": 1, "busy": 1}) as running:
        yield running


@pytest.fixture
def environment(emulator: Emulator, tmp_path: Path) -> dict[str, str]:
    return {
        "AIRFLOW_CONN_EXOTEL_DEFAULT": emulator.connection_uri,
        "EXOTEL_CALLBACKS_FOLDER": tmp_path.as_uri(),
        "EXOTEL_HASH_KEY": KEY,
    }


@contextmanager
def serve(app: CallbackApp) -> Iterator[str]:
    """Serve the program on loopback; unwritten calls are written when the server ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(60)


def urls(base: str, emulator: Emulator) -> dict[str, str]:
    return callback_urls(base, emulator.api_token, emulator.account_sid)


def dial_campaign(emulator: Emulator, base: str) -> str:
    """Return the id of a campaign that called everybody and reported to the program."""
    with ExotelClient(
        emulator.api_key, emulator.api_token, emulator.account_sid, emulator.host, requests_per_minute=6000
    ) as client:
        schedule = Schedule(send_at=START + timedelta(minutes=1), end_at=START + timedelta(hours=2))
        request = CampaignRequest(
            numbers=PEOPLE, caller_id="0XXXXXX4890", name="Reminder", schedule=schedule, **urls(base, emulator)
        )
        campaign_id = client.create_campaign(request).id
    emulator.clock.advance(7_200)
    return campaign_id


def rows(folder: Path) -> list[dict[str, Any]]:
    paths = sorted(folder.rglob("attempts.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def ask(url: str, method: str = "POST", body: bytes = b"{}", **headers: str) -> int:
    """Return the status of one request."""
    host, _, path = url.removeprefix("http://").partition("/")
    with closing(http.client.HTTPConnection(host, timeout=60)) as connection:
        connection.request(method, f"/{path}", body, headers)
        return connection.getresponse().status


@pytest.mark.parametrize("encoding", ["json", "form"])
@pytest.mark.parametrize("keys", ["snake", "pascal"])
def test_every_call_is_stored_once_in_every_documented_form(
    emulator: Emulator, environment: dict[str, str], tmp_path: Path, encoding: str, keys: str
) -> None:
    emulator.settings.update({"callback_encoding": encoding, "callback_keys": keys})

    with serve(create_app(environment)) as base:
        campaign_id = dial_campaign(emulator, base)
        answers = emulator.send_callbacks()

    kept = rows(tmp_path)
    assert set(answers) == {200}
    assert {row["call_sid"]: row["status"] for row in kept} == {
        call.call_sid: call.status for call in emulator.calls(campaign_id)
    }
    assert {row["contact"] for row in kept} == {pseudonymise_with(KEY.encode())(number) for number in PEOPLE}
    assert kept[0]["start_utc"] == "2026-03-02T04:31:00Z"
    # The fields of the guide do not name the campaign.
    assert {row["campaign_id"] for row in kept} == {campaign_id if keys == "snake" else None}


def test_duplicates_and_disorder_change_nothing(
    emulator: Emulator, environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(create_app(environment)) as base:
        campaign_id = dial_campaign(emulator, base)
        for latest_first in (True, False):
            emulator.send_callbacks(again=True, latest_first=latest_first)

    assert sorted(row["call_sid"] for row in rows(tmp_path)) == sorted(
        call.call_sid for call in emulator.calls(campaign_id)
    )


def test_a_callback_that_was_lost_is_sent_again(
    emulator: Emulator, environment: dict[str, str], tmp_path: Path
) -> None:
    port = unused_port()
    campaign_id = dial_campaign(emulator, f"http://127.0.0.1:{port}")
    lost = emulator.send_callbacks()
    emulator.settings.outcomes = {"completed": 1}  # so that with certainty somebody presses the key
    with serve(create_app(environment)) as base:
        emulator.settings.passthru_url = None
        for state in emulator.campaigns:
            state.campaign.given.update(urls(base, emulator))
        emulator.send_callbacks()

    assert set(lost) == {0}
    assert len(rows(tmp_path)) == len(emulator.calls(campaign_id))


def test_a_person_who_presses_the_key_is_suppressed_at_once(
    emulator: Emulator, environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(create_app(environment)) as base:
        emulator.settings.passthru_url = f"{base}/{callback_token(emulator.api_token, emulator.account_sid)}/passthru"
        campaign_id = dial_campaign(emulator, base)
        emulator.send_callbacks()

    source = {"name": "opt-outs", "reports": str(tmp_path), "days": 30, "digit": "1", "hash_key_variable": "names"}
    access = Access(path_of, no_connection, lambda *_: KEY.encode())
    [suppressed] = open_suppressions(parse_suppressions([source]), access, START, None)
    pressed = {call.number for call in emulator.calls(campaign_id) if call.digits == "1"}
    assert pressed
    assert {number for number in PEOPLE if number_key(number) in suppressed.numbers} == pressed


def path_of(address: str) -> Any:
    from upath import UPath

    return UPath(address)


def no_connection(*_: str) -> Any:
    raise AssertionError("no query is needed")


def test_an_unfinished_table_does_not_disturb_readers_of_the_others(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.local import LocalFileSystem

    def die(*_: object) -> None:
        raise OSError("the machine died before the file had its name")

    write = create_app(environment).write
    write("2026-03-02/03-one-000/attempts.jsonl", b"")
    monkeypatch.setattr(LocalFileSystem, "mv", die)
    with pytest.raises(OSError, match="the machine died"):
        write("2026-03-02/04-one-000/attempts.jsonl", b'{"contact": "half a row')

    source = {"name": "opt-outs", "reports": str(tmp_path), "days": 30, "hash_key_variable": "names"}
    [suppressed] = open_suppressions(
        parse_suppressions([source]), Access(path_of, no_connection, lambda *_: KEY.encode()), START, None
    )
    assert (suppressed.rows, suppressed.unreadable) == (0, 0)


CALL = {"call_sid": "one", "number": PEOPLE[0], "status": "completed", "start_time": "2026-03-02T04:31:00Z"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps({**CALL, "recording_url": "https://example.com/?a=b"}), "application/x-www-form-urlencoded"),
        (json.dumps({**CALL, "duration": "99999999999999"}), "application/json"),
        (urlencode({**CALL, "Legs[0][Status]": "failed"}), "application/x-www-form-urlencoded"),
        (urlencode({"Legs[0][Status]": "failed", **CALL}), "application/json"),
    ],
    ids=["JSON that is called a form", "a duration of aeons", "the status of a leg", "a form that is called JSON"],
)
def test_a_call_is_stored_whatever_else_its_callback_contains(
    emulator: Emulator, environment: dict[str, str], tmp_path: Path, body: str, content_type: str
) -> None:
    with serve(create_app(environment)) as base:
        url = urls(base, emulator)["call_status_callback"]
        assert ask(url, body=body.encode(), **{"Content-Type": content_type}) == 200

    assert [(row["call_sid"], row["status"], row["duration_seconds"]) for row in rows(tmp_path)] == [
        ("one", "completed", None)
    ]


FORGED: dict[str, Callable[[str], str]] = {
    "another token": lambda url: url.replace(url.split("/")[3], "0" * 64),
    "half a token": lambda url: url.replace(url.split("/")[3], url.split("/")[3][:32]),
    "no token": lambda url: url.replace(f"{url.split('/')[3]}/", ""),
    "another path": lambda url: f"{url}x",
    "no ASCII": lambda url: url.replace(url.split("/")[3], "%C3%A4"),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_request_is_answered_with_404(
    emulator: Emulator, environment: dict[str, str], tmp_path: Path, forged: Callable[[str], str]
) -> None:
    body = json.dumps({"call_sid": "one", "number": PEOPLE[0], "status": "completed"}).encode()
    with serve(create_app(environment)) as base:
        status = ask(forged(urls(base, emulator)["call_status_callback"]), body=body)

    assert (status, rows(tmp_path)) == (404, [])


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("POST", b"x" * 65_537, 413),
        ("POST", b"no fields at all", 400),
        ("POST", b"[1, 2]", 400),
        ("POST", b"", 400),
        ("POST", b"[" * 60_000, 400),
        ("POST", b"&".join(b"a%d=1" % one for one in range(300)), 400),
        ("GET", b"", 405),
        ("DELETE", b"", 405),
    ],
)
def test_a_request_that_is_not_a_callback_is_refused(
    emulator: Emulator, environment: dict[str, str], method: str, body: bytes, status: int
) -> None:
    with serve(create_app(environment)) as base:
        assert ask(urls(base, emulator)["call_status_callback"], method, body) == status


def test_a_body_without_a_length_is_refused_once_it_is_too_long(
    emulator: Emulator, environment: dict[str, str]
) -> None:
    with serve(create_app(environment)) as base:
        host, _, path = urls(base, emulator)["call_status_callback"].removeprefix("http://").partition("/")
        pieces = (b"x" * 1000 for _ in range(MOST_BYTES // 1000 + 1))
        with closing(http.client.HTTPConnection(host, timeout=60)) as connection:
            with suppress(BrokenPipeError):  # it answers before it has read everything
                connection.request("POST", f"/{path}", pieces, {"Transfer-Encoding": "chunked"}, encode_chunked=True)

            assert connection.getresponse().status == 413


def test_no_number_and_no_token_is_logged(
    emulator: Emulator, environment: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serve(create_app(environment)) as base:
        campaign_id = dial_campaign(emulator, base)
        emulator.send_callbacks()
        token = callback_token(emulator.api_token, emulator.account_sid)
        number = json.dumps({"campaign_sid": PEOPLE[0], "status": PEOPLE[0]}).encode()
        ask(f"{base}/{token}/campaign", body=number)
        ask(f"{base}/{token}/call", body=b"+919876500000")

    written = caplog.text + repr(create_app(environment))
    stored = "".join(f"{path}{path.read_text()}" for path in tmp_path.rglob("*") if path.is_file())
    assert f"Campaign {campaign_id} is completed." in written
    assert "Wrote " in written
    assert [trace for trace in ("98765", token, emulator.api_token) if trace in written + stored] == []


def test_a_failed_write_is_tried_again(emulator: Emulator, environment: dict[str, str], tmp_path: Path) -> None:
    app = create_app(environment)
    works, tried, write = threading.Event(), threading.Event(), app.write

    def broken_at_first(path: str, content: bytes) -> None:
        tried.set()
        if not works.is_set():
            raise OSError("no such bucket")
        write(path, content)

    app.write, app.write_every = broken_at_first, 0.01
    with serve(app) as base:
        campaign_id = dial_campaign(emulator, base)
        answers = emulator.send_callbacks()
        assert tried.wait(60)
        works.set()

    assert set(answers) == {200}
    assert len(rows(tmp_path)) == len(emulator.calls(campaign_id))


def test_requests_are_answered_with_503_if_too_many_calls_are_unwritten(
    emulator: Emulator, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "MOST_WAITING", 3)
    app = create_app(environment)
    app.write_every = 3_600
    with serve(app) as base:
        dial_campaign(emulator, base)

        answers = emulator.send_callbacks()

    assert answers[:4] == [200, 200, 200, 503]


def test_a_storage_that_hangs_does_not_delay_callbacks(
    emulator: Emulator, environment: dict[str, str], tmp_path: Path
) -> None:
    app, now = create_app(environment), START
    goes_on, hangs, write = threading.Event(), threading.Event(), app.write

    def slow(path: str, content: bytes) -> None:
        hangs.set()
        goes_on.wait(60)
        write(path, content)

    app.write, app.write_every, app.now = slow, 0.0, lambda: now
    with serve(app) as base:
        url = urls(base, emulator)["call_status_callback"]
        statuses = []
        for sid in ("one", "two", "three"):
            statuses.append(
                ask(url, body=json.dumps({"call_sid": sid, "number": PEOPLE[0], "status": "busy"}).encode())
            )
            assert hangs.wait(60)
            now += timedelta(hours=1)
        goes_on.set()

    assert statuses == [200, 200, 200]
    assert sorted(row["call_sid"] for row in rows(tmp_path)) == ["one", "three", "two"]


def test_a_full_table_is_followed_by_another(
    emulator: Emulator, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_callbacks, "MOST_ROWS", 15)
    with serve(create_app(environment)) as base:
        campaign_id = dial_campaign(emulator, base)
        emulator.send_callbacks()
        emulator.send_callbacks(again=True)

    sizes = [len(path.read_text().splitlines()) for path in tmp_path.rglob("attempts.jsonl")]
    assert sorted(sizes)[-2:] == [15, 15]
    assert {row["call_sid"] for row in rows(tmp_path)} == {call.call_sid for call in emulator.calls(campaign_id)}


def test_each_hour_has_a_table_of_its_own(emulator: Emulator, environment: dict[str, str], tmp_path: Path) -> None:
    app, now = create_app(environment), START
    app.now = lambda: now
    with serve(app) as base:
        url = urls(base, emulator)["call_status_callback"]
        for sid in ("one", "two"):
            ask(url, body=json.dumps({"call_sid": sid, "number": PEOPLE[0], "status": "busy"}).encode())
            now += timedelta(hours=1)

    assert sorted(path.parent.name[:2] for path in tmp_path.rglob("attempts.jsonl")) == ["04", "05"]
    assert [row["call_sid"] for row in rows(tmp_path)] == ["one", "two"]


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(ExotelInputError) as caught:
        create_app({"EXOTEL_HASH_KEY": "short"})

    assert [problem.field for problem in caught.value.problems] == [
        "AIRFLOW_CONN_EXOTEL_DEFAULT",
        "EXOTEL_CALLBACKS_FOLDER",
        "EXOTEL_HASH_KEY",
    ]


def test_the_program_serves_until_it_is_stopped(
    emulator: Emulator, environment: dict[str, str], tmp_path: Path
) -> None:
    port = unused_port()
    command = [sys.executable, "-m", "airflow_provider_exotel.commands.callbacks", "--port", str(port)]
    with subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.PIPE, text=True) as program:
        base = f"http://127.0.0.1:{port}"
        while program.poll() is None and not listens(port):
            time.sleep(0.05)
        dial_campaign(emulator, base)
        answers = emulator.send_callbacks()
        program.terminate()
        written = program.communicate(timeout=60)[1]

    assert set(answers) == {200}
    assert len(rows(tmp_path)) == len(PEOPLE)
    assert "98765" not in written
    assert callback_token(emulator.api_token, emulator.account_sid) not in written


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
