"""What the emulator reports to callback URLs, and to whom it does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from airflow_provider_exotel.emulator import Emulator

from .conftest import Api, people

KINDS = ("call_status_callback", "call_schedule_callback", "status_callback")


class Receiver:
    """Takes what is reported, on loopback."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                receiver.paths.append(self.path.strip("/"))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def urls(base: str) -> dict[str, str]:
    return {kind: f"{base}/{kind}" for kind in KINDS}


def test_each_call_each_settled_contact_and_the_end_are_reported_once(
    api: Api, emulator: Emulator, receiver: Receiver
) -> None:
    emulator.settings.outcomes = {"busy": 1}
    retries = {"number_of_retries": 1, "interval_mins": 10, "on_status": ["busy"]}
    api.create(**{"from": ",".join(people(3)), "retries": retries, **urls(receiver.url)})

    emulator.clock.advance(300)
    emulator.send_callbacks()
    after_the_first_calls = list(receiver.paths)
    emulator.clock.advance(86_400)
    answers = requests.post(f"{emulator.url}/_emulator/callbacks", timeout=60).json()["answers"]
    emulator.send_callbacks()

    assert after_the_first_calls == ["call_status_callback"] * 3
    assert answers == [200] * 7
    assert {kind: receiver.paths.count(kind) for kind in KINDS} == dict(zip(KINDS, (6, 3, 1), strict=True))


def test_nobody_outside_of_this_machine_is_notified(api: Api, emulator: Emulator) -> None:
    api.create(**{"from": ",".join(people(3)), **urls("https://callbacks.example.com/token")})
    emulator.clock.advance(86_400)

    assert emulator.send_callbacks() == []
