"""``python -m airflow_provider_exotel.commands.callbacks``: receive the service's callbacks.

It faces the internet, so it is a separate program without access to Airflow and its database. A request without the
token of an account is answered with 404. Any ASGI server can run it: ``create_app`` reads the environment.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast, get_args

from airflow_provider_exotel.client.callback_urls import callback_token
from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.commands.environment import read_connection
from airflow_provider_exotel.connection import ExotelSettings
from airflow_provider_exotel.connection_form import DEFAULT_CONNECTION_ID
from airflow_provider_exotel.report.call import Naming, plaintext, pseudonymise_with
from airflow_provider_exotel.report.callbacks import CallLog, Kind, parse_body, read_callback

log = logging.getLogger(__name__)

FOLDER, CONNECTIONS, HASH_KEY = "EXOTEL_CALLBACKS_FOLDER", "EXOTEL_CALLBACKS_CONNECTIONS", "EXOTEL_HASH_KEY"
"""The environment variables that the program reads."""
MOST_BYTES = 65_536
"""The largest body that is accepted; a callback has less than 1,000 bytes."""
MOST_WAITING = 50_000
"""Number of unwritten calls, for example while the storage fails, at which requests are answered with 503."""
_BODY_TIMEOUT = 5.0
_WRITE_INTERVAL = 5.0
_SHORTEST_KEY = 16
_KINDS = get_args(Kind)

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Write = Callable[[str, bytes], None]


class _Refusal(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


@dataclass
class CallbackApp:
    """The ASGI application.

    :param tokens: the secret part of the URLs of each account that is served.
    :param write: writes a table to a path in the folder, replacing an existing file.
    :param name: names the person behind a number.
    :param write_every: seconds between two writes.
    :param now: returns the current time.
    """

    tokens: Sequence[str] = field(repr=False)
    write: Write
    name: Naming = field(repr=False)
    write_every: float = _WRITE_INTERVAL
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _tables: list[CallLog] = field(default_factory=list, repr=False)
    _writer: asyncio.Task[None] | None = field(default=None, repr=False)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or handle the lifespan of the server."""
        if scope["type"] == "lifespan":
            await self._handle_lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        try:
            status = await self._accept(scope, receive)
        except _Refusal as refused:
            status = refused.status
        headers = (
            [(b"content-length", b"0"), (b"connection", b"close")] if status >= 400 else [(b"content-length", b"0")]
        )
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def flush(self) -> None:
        """Write all unwritten calls; after a failure, which is logged, the next flush tries again."""
        async with self._writing:
            while self._tables:
                table, is_open = self._tables[0], len(self._tables) == 1
                try:
                    count = await asyncio.to_thread(table.write, self.write) if table.unwritten else 0
                except Exception as error:  # its message may hold credentials
                    log.error("Cannot write %d calls (%s); trying again.", self.unwritten, type(error).__name__)  # noqa: TRY400
                    return
                if count:
                    log.info("Wrote %d calls.", count)
                if is_open:
                    return
                self._tables.pop(0)

    @property
    def unwritten(self) -> int:
        """Number of calls that are not written yet."""
        return sum(table.unwritten for table in self._tables)

    async def _accept(self, scope: Scope, receive: Receive) -> int:
        kind = self._kind_of(scope["path"])
        is_get = scope["method"] == "GET"
        # A flow's Passthru applet sends a GET; only it reports pressed keys during the call.
        if scope["method"] != "POST" and not (is_get and kind == "passthru"):
            raise _Refusal(405)
        headers = {bytes(name).lower(): bytes(value) for name, value in scope["headers"]}
        body = bytes(scope["query_string"]) if is_get else await _read(receive, headers.get(b"content-length", b""))
        try:
            fields = parse_body(body)
        except ValueError:
            raise _Refusal(400) from None
        if self.unwritten >= MOST_WAITING:
            raise _Refusal(503)
        received = self.now()
        event = read_callback(kind, fields, self.name, received)
        table = self._tables[-1].for_now(received) if self._tables else CallLog.at(received)
        if not self._tables or table is not self._tables[-1]:
            self._tables.append(table)  # it does not wait for a slow storage
        table.add(event)
        if event.campaign_status is not None:
            log.info("Campaign %s is %s.", event.campaign_id or "(not named)", event.campaign_status.value)
        self._start_writer()
        return 200

    def _kind_of(self, path: str) -> Kind:
        *_, token, kind = ("", "", *path.strip("/").split("/"))
        # Every token is compared, so that the response time does not reveal a partly correct one.
        known = [hmac.compare_digest(token.encode(), one.encode()) for one in self.tokens]
        if not any(known) or kind not in _KINDS:
            raise _Refusal(404)
        return cast("Kind", kind)

    def _start_writer(self) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write_regularly())

    async def _write_regularly(self) -> None:
        while self.unwritten:
            await asyncio.sleep(self.write_every)
            await self.flush()

    async def _handle_lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
                continue
            await self.flush()
            if self._writer is not None:
                self._writer.cancel()
            if self.unwritten:
                log.error("%d calls were not written; the report still has them.", self.unwritten)
            await send({"type": "lifespan.shutdown.complete"})
            return


def create_app(environment: Mapping[str, str] | None = None) -> CallbackApp:
    """Return the ASGI application configured by the environment.

    :param environment: the environment variables; those of the process if ``None``.
    :raises ExotelInputError: naming every variable that is missing or wrong.
    """
    given = os.environ if environment is None else environment
    problems: list[Problem] = []
    ids = [one.strip() for one in given.get(CONNECTIONS, DEFAULT_CONNECTION_ID).split(",") if one.strip()]
    tokens = []
    for conn_id in ids:
        try:
            settings = ExotelSettings.of(read_connection(conn_id, given))
            tokens.append(callback_token(settings.api_token, settings.account_sid))
        except ExotelInputError as error:
            problems += error.problems
    if not ids:
        problems.append(Problem(CONNECTIONS, "must name a connection; unset it for exotel_default"))
    folder, key = given.get(FOLDER, "").strip(), given.get(HASH_KEY, "").strip()
    if not folder:
        problems.append(Problem(FOLDER, "is required; give a folder such as s3://bucket/callbacks"))
    if key != "clear" and len(key) < _SHORTEST_KEY:
        wanted = f"must have at least {_SHORTEST_KEY} characters; give the key of the reports, or 'clear' for numbers"
        problems.append(Problem(HASH_KEY, wanted))
    write: Write | None = None
    if folder:
        try:
            write = _writer_to(folder)
        except (ImportError, OSError, ValueError) as error:
            problems.append(
                Problem(FOLDER, f"cannot be opened ({type(error).__name__}); install the driver of the scheme")
            )
    if problems or write is None:
        raise ExotelInputError(problems, "callback program")
    return CallbackApp(tokens, write, plaintext if key == "clear" else pseudonymise_with(key.encode()))


def _writer_to(folder: str) -> Write:
    """Return a function that writes a file into a folder on any storage atomically."""
    import fsspec

    fs, root = fsspec.core.url_to_fs(folder)

    def write(path: str, content: bytes) -> None:
        place = f"{root.rstrip('/')}/{path}"
        folder = place.rpartition("/")[0]
        fs.makedirs(folder, exist_ok=True)
        # A reader of the folder would reject an incomplete file with the name of a table.
        fs.pipe_file(f"{folder}/unfinished", content)
        fs.mv(f"{folder}/unfinished", place)

    return write


async def _read(receive: Receive, length: bytes) -> bytes:
    if length.isdigit() and int(length) > MOST_BYTES:
        raise _Refusal(413)
    body = b""
    try:
        async with asyncio.timeout(_BODY_TIMEOUT):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _Refusal(400)
                body += bytes(message.get("body", b""))
                if len(body) > MOST_BYTES:
                    raise _Refusal(413)
                if not message.get("more_body", False):
                    return body
    except TimeoutError:
        raise _Refusal(408) from None


def arguments() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_exotel.commands.callbacks",
        description="Receive Exotel's callbacks and write the calls to a folder, as tables like a report's attempts.",
        epilog=f"Environment variables: {FOLDER} (the folder), {CONNECTIONS} (ids, comma-separated; default "
        f"{DEFAULT_CONNECTION_ID}), AIRFLOW_CONN_<ID> for each connection, and {HASH_KEY} (the key of the reports, or "
        "'clear'). Requires uvicorn, which the extra 'emulator' installs.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="the port (default: %(default)s)")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C.

    :param given: the command line; that of the process if None.
    :return: the exit code.
    """
    chosen = arguments().parse_args(given)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        import uvicorn

        app = create_app()
    except ExotelInputError as error:
        print("\n".join(map(str, error.problems)), file=sys.stderr)
        return 2
    except ImportError:
        print("uvicorn is not installed; install it, or run create_app with another server", file=sys.stderr)
        return 2
    with contextlib.suppress(KeyboardInterrupt):
        # No access log: the path of each request holds the token.
        uvicorn.run(app, host=chosen.host, port=chosen.port, access_log=False, server_header=False, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
