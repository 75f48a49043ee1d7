"""The middleware of the service: the journal, the fault plan, authentication and the rate limit.

It is plain ASGI and not a FastAPI middleware because it must control every byte of a response: no response, half of
one, a response to a request that was not processed, or none to one that was.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from os import SEEK_END
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_exotel.emulator.account import Account
from airflow_provider_exotel.emulator.callbacks import due_events, send
from airflow_provider_exotel.emulator.connections import Address
from airflow_provider_exotel.emulator.envelopes import JSON_ENVELOPES, Answer, Refusal, html_page
from airflow_provider_exotel.emulator.faults import Fault, FaultPlan
from airflow_provider_exotel.emulator.gate import Credentials, RateLimit, authenticate
from airflow_provider_exotel.emulator.journal import JournalEntry
from airflow_provider_exotel.emulator.settings import Settings

PREFIX = "/v2/accounts/"
# Statuses of responses that do not come from the service itself.
_OF_THE_GATE = (401, 429)
# Maximum size of a body in memory (the rest is on disk), and size of the chunks in which it is passed on.
MOST_IN_MEMORY, PIECE = 1_000_000, 65_536

Body = SpooledTemporaryFile[bytes]


@dataclass
class EmulatorState:
    """The state of one emulator, without HTTP."""

    account: Account
    credentials: Credentials
    faults: FaultPlan
    rate_limit: RateLimit
    reports: Path | None = None
    journal: list[JournalEntry] = field(default_factory=list)
    connections: dict[Address, asyncio.Transport] = field(default_factory=dict)
    leaked: list[str] = field(default_factory=list)
    callbacks_sent: set[tuple[str, ...]] = field(default_factory=set)

    def send_callbacks(self, *, again: bool = False, latest_first: bool = False) -> list[int]:
        """Send every due callback, and return the HTTP statuses of the responses, 0 without one.

        :param again: whether to repeat accepted callbacks, as duplicates.
        :param latest_first: whether to send them out of order.
        """
        settings = self.account.settings
        due = [event for state in self.account.states() for event in due_events(state, settings)]
        answers = []
        for event in reversed(due) if latest_first else due:
            if again or event.key not in self.callbacks_sent:
                answers.append(send(event, settings))
                if HTTPStatus.OK <= answers[-1] < HTTPStatus.MULTIPLE_CHOICES:
                    self.callbacks_sent.add(event.key)
        return answers

    def reset(self) -> None:
        """Remove campaigns, lists, faults, the journal and the requests of this minute."""
        self.account.clear()
        self.faults.clear()
        self.rate_limit.clear()
        self.journal.clear()
        self.callbacks_sent.clear()
        self.leaked.clear()


def error_answer(
    status: int,
    message: str,
    method: str,
    settings: Settings,
    headers: Mapping[str, str] | None = None,
    envelope: str | None = None,
) -> Answer:
    """Return an error in one of the five formats.

    :param status: the HTTP status.
    :param message: the error message.
    :param method: the HTTP method of the request.
    :param settings: the switches, which select the format.
    :param headers: further headers.
    :param envelope: another format than that of the switches.
    """
    at_the_gate = status in _OF_THE_GATE and settings.auth_envelope
    shape = envelope or (at_the_gate if isinstance(at_the_gate, str) else settings.envelope)
    if shape == "html":
        return Answer(status, html_page(status, message).encode(), "text/html; charset=utf-8", headers or {})
    body = JSON_ENVELOPES[shape](status, message, method, settings.error_codes)
    return Answer(status, json.dumps(body).encode(), headers=headers or {})


class FaultMiddleware:
    """The ASGI middleware in front of the service; other paths pass unchanged.

    :param inside: the application that processes requests.
    :param state: the state of the emulator.
    """

    def __init__(self, inside: ASGIApp, state: EmulatorState) -> None:
        self._inside, self._office = inside, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one ASGI request."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._inside(scope, receive, send)
            return
        with SpooledTemporaryFile(max_size=MOST_IN_MEMORY) as body:
            # The service ignores a request that has not arrived completely.
            if await _read(receive, body):
                await self._answer(scope, receive, send, body)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, body: Body) -> None:
        state, method = self._office, scope["method"]
        account_sid, _, path = scope["path"].removeprefix(PREFIX).strip("/").partition("/")
        fault = state.faults.take(method, path)
        if fault and fault.stage == "before":
            await asyncio.sleep(fault.seconds)
        answer = self._instead(fault, method)
        carried_out = answer is None and not (fault and fault.kind == "drop_before_commit")
        if carried_out:
            as_if_read = bool(fault and fault.kind == "not_done")
            answer = await self._carry_out({**scope, "method": "GET"} if as_if_read else scope, body, account_sid)
        changes = method != "GET" and not (fault and fault.kind == "not_done")
        committed = carried_out and changes and answer is not None and answer.status < 400
        if fault and fault.stage == "after" and answer is not None:
            answer = self._afterwards(fault, method, answer)
        self._note(scope, path, body, fault, answer, committed=committed)
        if fault and fault.stage == "after":
            await asyncio.sleep(fault.seconds)
        if answer is None:
            await self._drop(scope, receive)
        elif fault and fault.kind == "cut_body":
            await self._cut(scope, receive, send, answer)
        else:
            await _send(send, answer)

    def _instead(self, fault: Fault | None, method: str) -> Answer | None:
        """Return the response to a request that is not processed because of a fault."""
        if fault is None or fault.stage != "before" or fault.kind in {"delay", "drop_before_commit"}:
            return None
        return self._answer_of(fault, method)

    def _afterwards(self, fault: Fault, method: str, answer: Answer) -> Answer | None:
        """Return the response to a processed request, after applying a fault."""
        if fault.kind == "drop_after_commit":
            return None
        if fault.kind == "empty_body":
            return replace(answer, status=200, body=b"")
        if fault.kind == "wrong_id":
            known = [each.id for each in self._office.account.states()]
            return replace(answer, body=with_another_id(answer.body, known))
        return answer if fault.kind in {"delay", "cut_body", "not_done"} else self._answer_of(fault, method)

    def _answer_of(self, fault: Fault, method: str) -> Answer:
        settings = self._office.account.settings
        envelope = "html" if fault.kind == "html_5xx" else fault.envelope
        headers: Mapping[str, str] = {}
        if fault.kind == "rate_limited":
            headers = self._office.rate_limit.retry_after(fault.retry_after or settings.retry_after)
        return error_answer(fault.status, fault.message, method, settings, headers, envelope)

    async def _carry_out(self, scope: Scope, body: Body, account_sid: str) -> Answer:
        state, settings, method = self._office, self._office.account.settings, scope["method"]
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        try:
            authenticate(header, account_sid, state.credentials, settings)
        except Refusal as refusal:
            return error_answer(refusal.status, refusal.message, method, settings)
        admitted, headers = state.rate_limit.admit()
        if not admitted:
            headers = {**headers, **state.rate_limit.retry_after(settings.retry_after)}
            return error_answer(429, "Rate limit exceeded", method, settings, headers)
        return await self._inner_answer(scope, body, headers)

    async def _inner_answer(self, scope: Scope, body: Body, headers: Mapping[str, str]) -> Answer:
        """Return the response of the inner application."""
        sent: list[Message] = []

        body.seek(0)

        async def receive() -> Message:
            piece = body.read(PIECE)
            return {"type": "http.request", "body": piece, "more_body": len(piece) == PIECE}

        async def send(message: Message) -> None:
            sent.append(message)

        try:
            await self._inside(scope, receive, send)
        except Exception as error:  # A bug in the emulator must be visible as such, not as a lost connection.
            message = f"The emulator failed: {type(error).__name__}"
            return error_answer(500, message, scope["method"], self._office.account.settings, headers)
        kind = dict(sent[0]["headers"]).get(b"content-type", b"application/json").decode("latin-1")
        return Answer(sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:]), kind, headers)

    def _note(
        self, scope: Scope, path: str, body: Body, fault: Fault | None, answer: Answer | None, *, committed: bool
    ) -> None:
        self._office.journal.append(
            JournalEntry(
                method=scope["method"],
                path=path,
                query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
                body=_noted(scope, body),
                status=answer.status if answer else None,
                fault=fault.kind if fault else None,
                committed=committed,
                at=self._office.account.clock.now(),
            )
        )

    async def _drop(self, scope: Scope, receive: Receive) -> None:
        """Close the connection without a response."""
        self._office.connections[tuple(scope["client"])].abort()
        await _gone(receive)

    async def _cut(self, scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
        """Send half of the response with the full content length, then close."""
        await send(_start(answer))
        await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
        self._office.connections[tuple(scope["client"])].close()
        await _gone(receive)


def with_another_id(body: bytes, known: Sequence[str]) -> bytes:
    """Return the JSON of a response with the id of another campaign, or with an unknown id."""
    text = body.decode()
    shown = next((each for each in reversed(known) if each in text), None)
    other = next((each for each in known if each != shown), "0" * 32)
    return body if shown is None else text.replace(shown, other).encode()


async def _read(receive: Receive, body: Body) -> bool:
    """Store the body of a request, and return whether it is complete."""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return False
        body.write(message.get("body", b""))
        more = message.get("more_body", False)
    return True


async def _gone(receive: Receive) -> None:
    """Wait until the connection is closed: uvicorn responds for an application that returns earlier."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _noted(scope: Scope, body: Body) -> Any:
    """Return a body for the journal; of a file only its size."""
    kind = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
    size = body.seek(0, SEEK_END)
    if kind.startswith("multipart/"):
        return {"multipart": f"<{size} bytes>"}
    body.seek(0)
    content = body.read()
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content


def _start(answer: Answer) -> Message:
    headers = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body)), **answer.headers}
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": answer.status, "headers": encoded}


async def _send(send: Send, answer: Answer) -> None:
    await send(_start(answer))
    await send({"type": "http.response.body", "body": answer.body})
