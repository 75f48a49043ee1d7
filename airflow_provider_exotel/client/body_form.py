"""The two forms of request bodies, and the choice between them (Exotel, create and update campaign)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal

from airflow_provider_exotel.client.envelope import Answer
from airflow_provider_exotel.client.errors import ExotelError, ExotelRequestRefused
from airflow_provider_exotel.client.retry import RequestKind, RetryDecision, decide_retry
from airflow_provider_exotel.client.transport import Transport

log = logging.getLogger(__name__)

RequestBody = Literal["auto", "documented", "wrapped"]
SentBody = Literal["documented", "wrapped"]


class BodyForm:
    """Sends campaigns in the form that the account accepts, and remembers it.

    :param transport: sends the requests.
    :param form: ``documented`` as on the create-campaign page, ``wrapped`` as in the older reference, or ``auto`` to
        send one and, if that is definitely refused, the other once.
    :param first: the form that ``auto`` sends first.
    """

    def __init__(self, transport: Transport, form: RequestBody, first: SentBody = "documented") -> None:
        self._transport = transport
        self._form = form
        self._first: SentBody = first

    def send(self, kind: RequestKind, method: str, path: str, body: Callable[[bool], dict[str, Any]]) -> Answer:
        """Send a request with a body in either form.

        :param kind: the kind of request.
        :param method: the HTTP method.
        :param path: the path below the account.
        :param body: returns the body, given whether it is wrapped; called right before each sending.
        :raises ExotelError: if no answer arrives, or the answer is an error.
        """

        def send(wrapped: bool) -> Answer:
            return self._transport.send(kind, method, path, body=lambda: body(wrapped))

        if self._form != "auto":
            return send(self._form == "wrapped")
        try:
            answer = send(self._first == "wrapped")
        except ExotelRequestRefused as refusal:
            if decide_retry(kind, refusal) is not RetryDecision.OTHER_FORM:
                raise
            answer = self._send_other(send, refusal)
        else:
            self._form = self._first
        return answer

    def _send_other(self, send: Callable[[bool], Answer], first: ExotelRequestRefused) -> Answer:
        other: SentBody = "documented" if self._first == "wrapped" else "wrapped"
        try:
            answer = send(other == "wrapped")
        except ExotelRequestRefused as second:
            # Of two refusals, raise the one about the content rather than the one about the form.
            raise (second if _misses_campaigns(first) and not _misses_campaigns(second) else first) from None
        self._form = other
        log.info("This account accepts the %s request body; set request_body to '%s' to save a request.", other, other)
        return answer


def _misses_campaigns(error: ExotelError) -> bool:
    return "campaigns is mandatory" in error.message.lower()
