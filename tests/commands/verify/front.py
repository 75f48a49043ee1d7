"""A server in front of the emulator that does what the emulator does not: late changes, other names, ids of digits."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import requests

from airflow_provider_exotel.commands.verify.probe import Pace
from airflow_provider_exotel.emulator import Emulator


class Front:
    """Answers for an emulator.

    :param emulator: makes what is asked for.
    :param seconds: how long each PUT and DELETE is kept after its answer, on the emulator's clock.
    :param rename: returns the name that a new campaign gets instead of its own.
    :param numeric_ids: whether the id of a campaign is a number.
    """

    def __init__(
        self,
        emulator: Emulator,
        *,
        seconds: float = 0.0,
        rename: Callable[[str], str] | None = None,
        numeric_ids: bool = False,
    ) -> None:
        self._emulator, self._seconds, self._rename = emulator, seconds, rename
        self._numeric_ids = numeric_ids
        self._ids: list[str] = []
        self._kept: list[tuple[float, str, str, bytes, dict[str, str]]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.host = f"http://127.0.0.1:{self._server.server_port}"
        self.pace = Pace(emulator.clock.now, emulator.clock.time, self._sleep)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _sleep(self, seconds: float) -> None:
        end = self._emulator.clock.time() + seconds
        while self._kept and self._kept[0][0] <= end:
            moment, method, path, body, headers = self._kept.pop(0)
            self._emulator.clock.advance(max(0.0, moment - self._emulator.clock.time()))
            self._forward(method, path, body, headers)
        self._emulator.clock.advance(max(0.0, end - self._emulator.clock.time()))

    def _forward(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> requests.Response:
        if method == "POST" and path.endswith("/campaigns") and self._rename is not None:
            given = json.loads(body)
            campaign = given.get("campaigns", [given])[0]
            campaign["name"] = self._rename(campaign["name"])
            body = json.dumps(given).encode()
        return requests.request(method, f"{self._emulator.url}{path}", data=body, headers=headers, timeout=60)

    def _path_inside(self, path: str) -> str:
        return re.sub(r"(?<=/campaigns/)\d{4}(?=/|$)", lambda found: self._ids[int(found[0]) - 1000], path)

    def _text_outside(self, text: str) -> str:
        return re.sub(r'(?<="id":)\s*"(\w+)"', self._number, text) if self._numeric_ids else text

    def _number(self, found: re.Match[str]) -> str:
        if found[1] not in self._ids:
            self._ids.append(found[1])
        return f" {1000 + self._ids.index(found[1])}"

    def _handler(outer) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: self.headers[name] for name in ("Authorization", "Content-Type") if self.headers[name]}
                if outer._seconds and self.command in {"PUT", "DELETE"} and "/campaigns/" in self.path:
                    due = outer._emulator.clock.time() + outer._seconds
                    outer._kept.append((due, self.command, self.path, body, headers))
                    self._answer(202, b"")
                else:
                    answer = outer._forward(self.command, outer._path_inside(self.path), body, headers)
                    self._answer(answer.status_code, outer._text_outside(answer.text).encode())

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

            def _answer(self, status: int, body: bytes) -> None:
                with suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

        return Handler
