"""Requests on their way: rate limit, sending again, time-outs, credentials. The only file that imports requests."""

from __future__ import annotations

import codecs
import logging
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from airflow_provider_exotel.client.envelope import Answer, read_answer
from airflow_provider_exotel.client.errors import ExotelConnectionError, ExotelError, ExotelResponseError
from airflow_provider_exotel.client.policy import Kind, ReplayPolicy, retry_after_seconds
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.client.urls import is_loopback

log = logging.getLogger(__name__)

LARGEST_PAGE = 500
_BLOCK = 1 << 16
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True)
class Form:
    """A body that is no JSON and is read piece by piece while it is sent.

    :param data: what it is read from.
    :param content_type: its content type.
    """

    data: Any = field(repr=False)
    content_type: str


class Transport:
    """Sends requests of one account and reads their answers.

    :param root: the address all paths are under.
    :param credentials: API key and token.
    :param timeout: seconds to wait for a connection and for an answer.
    :param bucket: the account's rate limit.
    :param policy: when a request is sent again.
    :param sleep: waits for seconds.
    """

    def __init__(
        self,
        root: str,
        credentials: tuple[str, str],
        timeout: tuple[float, float],
        bucket: TokenBucket,
        policy: ReplayPolicy,
        sleep: Callable[[float], None],
    ) -> None:
        self.root = root
        self.policy = policy
        self.sleep = sleep
        self._secrets = credentials
        self._timeout = timeout
        self._bucket = bucket
        self._session = requests.Session()
        # Given here so that a .netrc of the machine does not replace it.
        self._session.auth = HTTPBasicAuth(*(each.encode() for each in credentials))
        # What speaks to the emulator must not leave the machine through a proxy.
        self._session.trust_env = not is_loopback(urlsplit(root).hostname)

    def send(
        self,
        kind: Kind,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Callable[[], dict[str, Any] | Form] | None = None,
    ) -> Answer:
        """Send until there is an answer, as the policy allows.

        A change is sent once: before it may be sent again the campaign must be read, which is the caller's to do.

        :param kind: what the request does, which decides about sending it again.
        :param method: the HTTP method.
        :param path: what follows the root, such as ``/campaigns``.
        :param query: the query.
        :param body: makes the JSON body, or a form, called after the wait for the rate limit and before each sending.
        :raises ExotelError: if there is no answer, or one that is an error.
        """
        tried = 0
        while True:
            self._bucket.take()
            tried += 1
            try:
                return self._exchange(kind, method, path, query, body() if body is not None else None)
            except ExotelError as error:
                pause = None if kind is Kind.CHANGE else self.policy.pause(kind, error, tried)
                if pause is None:
                    # The frames below hold the numbers and the credentials, and Airflow 3.0, like many an error
                    # tracker, writes what each frame of a traceback holds.
                    raise error.with_traceback(None) from None
                log.warning("%s; sent again in %.0f s", error, pause)
                self.sleep(pause)

    def change(self, send: Callable[[], Answer], already: Callable[[], bool]) -> None:
        """Send a change; where its answer is lost, look whether it counted before sending it again.

        :param send: sends it once.
        :param already: whether what it changes stands as wanted.
        :raises ExotelError: if it was refused, or was sent as often as the policy allows.
        """
        tried = 0
        while True:
            tried += 1
            try:
                send()
            except ExotelError as error:
                pause = self.policy.pause(Kind.CHANGE, error, tried)
                if pause is None:
                    raise
                self.sleep(pause)
                if already():
                    return
            else:
                return

    def page(self, path: str, query: dict[str, str], page_size: int) -> Callable[[int], Answer]:
        """Return what reads a page of a list, given how many entries to pass over.

        :param path: what follows the root.
        :param query: the query beside ``offset`` and ``limit``.
        :param page_size: entries asked for a request; the service may give fewer.
        """
        return lambda offset: self.send(Kind.READ, "GET", path, query={**query, "offset": offset, "limit": page_size})

    def _exchange(
        self, kind: Kind, method: str, path: str, query: dict[str, Any] | None, body: dict[str, Any] | Form | None
    ) -> Answer:
        form = body if isinstance(body, Form) else None
        try:
            response = self._session.request(
                method,
                f"{self.root}{path}",
                params=query,
                json=None if form else body,
                data=form.data if form else None,
                timeout=self._timeout,
                allow_redirects=False,
                headers={"Accept": "application/json"} | ({"Content-Type": form.content_type} if form else {}),
            )
        except requests.RequestException as error:
            raise ExotelConnectionError(
                f"{'no answer from' if _was_sent(error) else 'cannot reach'} {urlsplit(self.root).netloc}: "
                f"{self._explain(error)}",
                sent=_was_sent(error),
            ) from None
        self._observe(response)
        retry_after = retry_after_seconds(response.headers.get("Retry-After"), datetime.now(UTC))
        log.debug("%s %s: HTTP %s", method, path, response.status_code)
        text = response.content.decode("utf-8", "replace")
        return read_answer(
            response.status_code,
            text,
            response.reason or "",
            retry_after,
            self._secrets,
            creates=kind is Kind.CREATE,
        )

    def lines(self, url: str, most_bytes: int, most_seconds: float) -> Iterator[str]:
        """Iterate over the lines of a text at an address out of an answer.

        :param url: https, or http on loopback where this transport speaks to loopback.
        :param most_bytes: the largest text that is taken.
        :param most_seconds: the longest time it may take.
        :raises ExotelError: if the address is not allowed, or the text cannot be had within these limits.
        """
        own, parts = urlsplit(self.root), _address(url)
        local = parts.scheme == "http" and is_loopback(parts.hostname) and is_loopback(own.hostname)
        if not parts.hostname or not (parts.scheme == "https" or local) or "@" in parts.netloc:
            raise ExotelResponseError("the report's address is none that is followed: https only, without user info")
        at_home = (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
        if at_home:
            self._bucket.take()
        with requests.Session() as session:
            session.trust_env = self._session.trust_env
            # Set in both cases: without it the .netrc of the machine would speak for us.
            session.auth = self._session.auth if at_home else _no_credentials
            try:
                yield from _text_lines(_stream(session, url, self._timeout, most_bytes, most_seconds))
            except (requests.RequestException, HTTPError, OSError) as error:
                raise ExotelConnectionError(f"the report broke off: {self._explain(error)}", sent=True) from None

    def _observe(self, response: requests.Response) -> None:
        remaining = response.headers.get("X-RateLimit-Remaining", "")
        reset = response.headers.get("X-RateLimit-Reset", "")
        if remaining.isdecimal():
            self._bucket.observe(int(remaining), float(reset) - time.time() if reset.isdecimal() else None)

    def _explain(self, error: BaseException) -> str:
        # The library's own words repeat the whole address, whose query holds the caller's texts.
        innermost = list(_causes(error))[-1]
        return f"{type(innermost).__name__}: {redact(getattr(innermost, 'strerror', None) or '', self._secrets)}"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def _address(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _stream(
    session: requests.Session, url: str, timeout: tuple[float, float], most_bytes: int, most_seconds: float
) -> Iterator[bytes]:
    deadline, received = time.monotonic() + most_seconds, 0
    # Nothing is unpacked: a few kilobytes can hold more than the memory does, and count as a few until they are out.
    plain = {"Accept-Encoding": "identity"}
    with session.get(url, timeout=timeout, allow_redirects=False, stream=True, headers=plain) as response:
        if response.status_code != HTTPStatus.OK:
            raise ExotelResponseError("the report cannot be had", http_status=response.status_code)
        # Whatever has arrived, so that a body that drips is noticed; read() would wait for a full block.
        while block := response.raw.read1(_BLOCK, decode_content=False):
            received += len(block)
            if received > most_bytes or time.monotonic() > deadline:
                raise ExotelResponseError(f"the report is longer than {most_bytes} bytes or {most_seconds:g} s")
            yield block


def _text_lines(blocks: Iterable[bytes]) -> Iterator[str]:
    decoder, rest = codecs.getincrementaldecoder("utf-8-sig")(), ""
    try:
        for block in blocks:
            *lines, rest = (rest + decoder.decode(block)).split("\n")
            yield from (f"{line}\n" for line in lines)
            if len(rest) > _LONGEST_LINE:
                raise ExotelResponseError("the report holds a line without end")
        rest += decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise ExotelResponseError("the report is no UTF-8 text") from None
    if rest:
        yield rest


def _was_sent(error: BaseException) -> bool:
    """Return whether the request may have reached the service: only a connection that was never made says no."""
    return not any(
        isinstance(cause, (requests.ConnectTimeout, ConnectTimeoutError, NewConnectionError))
        or (isinstance(cause, ssl.SSLError) and _in_handshake(cause))
        or isinstance(cause, (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader))
        for cause in _causes(error)
    )


def _in_handshake(error: BaseException) -> bool:
    # No byte of a request is sent before the handshake is over; where the error was raised is the only evidence.
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_name == "do_handshake":
            return True
        step = step.tb_next
    return False


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    queue: list[Any] = [error]
    while queue:
        current = queue.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            # Not __context__: it leads to whatever the caller was dealing with when this request was made.
            queue += [getattr(current, "reason", None), *current.args, current.__cause__]
