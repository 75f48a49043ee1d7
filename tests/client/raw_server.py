"""A small server for answers that the emulator cannot give: it sends exactly the bytes of a test."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from types import TracebackType
from typing import Any, Self


def http(status: int, body: object = b"", headers: dict[str, str] | None = None) -> bytes:
    """An answer as bytes; anything but bytes becomes JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class RawServer:
    """Answers each connection with the next of ``answers``; the last one is repeated.

    :param tls: its certificate, ``None`` for plain HTTP.
    """

    def __init__(self, *answers: bytes, tls: ssl.SSLContext | None = None) -> None:
        self._answers = list(answers)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self.requests: list[str] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    @property
    def request_lines(self) -> list[str]:
        return [request.split("\r\n", 1)[0] for request in self.requests]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with contextlib.suppress(OSError), self._secured(connection) as secured:
                self.requests.append(self._read(secured))
                secured.sendall(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])

    def _secured(self, connection: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def _read(self, connection: socket.socket) -> str:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (more := connection.recv(65536)):
                return received.decode("latin-1")
            received += more
        head, body = received.split(b"\r\n\r\n", 1)
        lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        while len(body) < int(lengths[0] if lengths else 0):
            body += connection.recv(65536)
        return (head + b"\r\n\r\n" + body).decode("latin-1")


def campaign(**fields: Any) -> dict[str, Any]:
    """A successful answer with one campaign."""
    return {"request_id": "r1", "http_code": 200, "response": [{"code": 200, "status": "success", "data": fields}]}
