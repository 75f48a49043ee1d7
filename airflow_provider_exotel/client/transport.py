"""Sends requests: rate limit, retries, timeouts, credentials, certificates. The only file that imports requests."""

from __future__ import annotations

import codecs
import logging
import os
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from airflow_provider_exotel.client.envelope import Answer, read_answer
from airflow_provider_exotel.client.errors import (
    ExotelCertificateError,
    ExotelConnectionError,
    ExotelError,
    ExotelResponseError,
)
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.client.retry import RequestKind, RetryPolicy, retry_after_seconds
from airflow_provider_exotel.client.urls import is_loopback, is_public

log = logging.getLogger(__name__)

LARGEST_PAGE = 500
_SUCCESS = range(200, 300)
_BLOCK = 1 << 16
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True)
class Form:
    """A multipart body, read piece by piece while it is sent.

    :param data: the encoder of the body.
    :param content_type: its content type.
    """

    data: Any = field(repr=False)
    content_type: str


@dataclass(frozen=True)
class RawAnswer:
    """One answer of the service as it arrived, for checks of its form; it may hold phone numbers.

    :param method: the HTTP method of the request.
    :param path: its path below the account.
    :param query: its query.
    :param wrapped: whether its body was ``{"campaigns": [...]}``.
    :param status: the HTTP status.
    :param headers: the headers, their names in any case.
    :param text: the body.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(repr=False)
    wrapped: bool
    status: int
    headers: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False)


class Transport:
    """Sends requests of one account and reads their answers.

    :param root: the URL that all paths are below.
    :param credentials: API key and token.
    :param timeout: seconds to wait for a connection and for an answer.
    :param bucket: the account's rate limit.
    :param retry: when a request is sent again.
    :param sleep: waits for seconds.
    :param on_answer: called with each answer before it is read.
    """

    def __init__(
        self,
        root: str,
        credentials: tuple[str, str],
        timeout: tuple[float, float],
        bucket: TokenBucket,
        retry: RetryPolicy,
        sleep: Callable[[float], None],
        on_answer: Callable[[RawAnswer], None] | None = None,
    ) -> None:
        self.root = root
        self._retry = retry
        self._sleep = sleep
        self._on_answer = on_answer
        self._secrets = credentials
        self._timeout = timeout
        self._bucket = bucket
        self._session = requests.Session()
        # Given here so that a .netrc of the machine does not replace it.
        self._session.auth = HTTPBasicAuth(*(each.encode() for each in credentials))
        _read_environment(self._session, root)

    def send(
        self,
        kind: RequestKind,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Callable[[], dict[str, Any] | Form] | None = None,
    ) -> Answer:
        """Send a request until there is an answer, as often as the retry policy allows.

        A change is sent once: the caller must read the campaign before sending it again.

        :param kind: the kind of request, which decides whether it may be sent again.
        :param method: the HTTP method.
        :param path: the path below the root, such as ``/campaigns``.
        :param query: the query.
        :param body: returns the JSON body, or a form; called after the wait for the rate limit and before each sending.
        :raises ExotelError: if no answer arrives, or the answer is an error.
        """
        tried = 0
        while True:
            self._bucket.take()
            tried += 1
            try:
                return self._exchange(kind, method, path, query, body() if body is not None else None)
            except ExotelError as error:
                wait = None if kind is RequestKind.CHANGE else self._retry.backoff(kind, error, tried)
                if wait is None:
                    # The frames below hold the numbers and the credentials. Airflow 3.0 and many error trackers write
                    # the variables of each frame of a traceback.
                    raise error.with_traceback(None) from None
                log.warning("%s; sending it again in %.0f s.", error, wait)
                self._sleep(wait)

    def change(self, send: Callable[[], Answer], already: Callable[[], bool]) -> None:
        """Send a change; if its answer is lost, check whether it counted before sending it again.

        :param send: sends the change once.
        :param already: returns whether the change is in effect.
        :raises ExotelError: if it was refused, or was sent as often as the retry policy allows.
        """
        tried = 0
        while True:
            tried += 1
            try:
                send()
            except ExotelError as error:
                wait = self._retry.backoff(RequestKind.CHANGE, error, tried)
                if wait is None:
                    raise
                self._sleep(wait)
                if already():
                    return
            else:
                return

    def page(self, path: str, query: dict[str, str], page_size: int) -> Callable[[int], Answer]:
        """Return a function that reads the page of a list at an offset.

        :param path: the path below the root.
        :param query: the query without ``offset`` and ``limit``.
        :param page_size: entries per request; the service may return fewer.
        """
        return lambda offset: self.send(
            RequestKind.READ, "GET", path, query={**query, "offset": offset, "limit": page_size}
        )

    def _exchange(
        self,
        kind: RequestKind,
        method: str,
        path: str,
        query: dict[str, Any] | None,
        body: dict[str, Any] | Form | None,
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
        except OSError as error:  # includes every error of requests, and a missing CA bundle
            raise self._no_answer(error, self.root) from None
        self._observe(response)
        retry_after = retry_after_seconds(response.headers.get("Retry-After"), datetime.now(UTC))
        log.debug("%s %s: HTTP %s", method, path, response.status_code)
        text = response.content.decode("utf-8", "replace")
        if self._on_answer is not None:
            wrapped = isinstance(body, dict) and "campaigns" in body
            self._on_answer(RawAnswer(method, path, query or {}, wrapped, response.status_code, response.headers, text))
        if kind is RequestKind.CHANGE and response.status_code in _SUCCESS and not text.strip():
            # No document describes what a change answers: 202 and 204 have no body. Its caller reads the campaign.
            return Answer(())
        return read_answer(
            response.status_code,
            text,
            response.reason or "",
            retry_after,
            self._secrets,
            creates=kind is RequestKind.CREATE,
        )

    def lines(self, url: str, most_bytes: int, most_seconds: float) -> Iterator[str]:
        """Iterate over the lines of a text whose URL comes from an answer; the parameters are those of :meth:`blocks`.

        :raises ExotelError: like :meth:`blocks`, or if it is not text.
        """
        yield from _text_lines(self.blocks(url, most_bytes, most_seconds, "report"))

    def blocks(self, url: str, most_bytes: int, most_seconds: float, what: str) -> Iterator[bytes]:
        """Iterate over a file whose URL comes from an answer, piece by piece.

        :param url: https to a public host; http and https to loopback too, if this transport's own host is there.
            Credentials are sent to its own host only.
        :param most_bytes: the largest file that is read.
        :param most_seconds: the longest time it may take.
        :param what: its name in errors.
        :raises ExotelError: if the URL is not allowed, or the file cannot be read within these limits.
        """
        own, parts = urlsplit(self.root), _address(url)
        if is_loopback(own.hostname) and is_loopback(parts.hostname):
            allowed = parts.scheme in {"http", "https"}
        else:
            allowed = parts.scheme == "https" and is_public(parts.hostname)
        if not allowed or "@" in parts.netloc:
            raise ExotelResponseError(f"the {what}'s URL is not followed: https to a public host only, no user info")
        is_own_host = (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
        if is_own_host:
            self._bucket.take()
        with requests.Session() as session:
            _read_environment(session, self.root)
            # Set in both cases: without it a .netrc of the machine would authenticate to the foreign host.
            session.auth = self._session.auth if is_own_host else _no_credentials
            try:
                yield from _stream(session, url, self._timeout, most_bytes, most_seconds, what)
            except (HTTPError, OSError) as error:
                if _is_certificate_error(error):
                    raise self._no_answer(error, url) from None
                raise ExotelConnectionError(f"the {what} broke off: {self._explain(error)}", sent=True) from None

    def _no_answer(self, error: BaseException, url: str) -> ExotelConnectionError:
        where = urlsplit(url).netloc
        if _is_certificate_error(error):
            return ExotelCertificateError(
                f"the certificate of {where} is not trusted here ({self._explain(error)}); "
                "set REQUESTS_CA_BUNDLE to a file of the authorities that your network uses"
            )
        sent = _was_sent(error)
        return ExotelConnectionError(
            f"{'no answer from' if sent else 'cannot reach'} {where}: {self._explain(error)}", sent=sent
        )

    def _observe(self, response: requests.Response) -> None:
        remaining = response.headers.get("X-RateLimit-Remaining", "")
        reset = response.headers.get("X-RateLimit-Reset", "")
        if remaining.isdecimal():
            self._bucket.observe(int(remaining), float(reset) - time.time() if reset.isdecimal() else None)

    def _explain(self, error: BaseException) -> str:
        # The library's own message repeats the whole URL, whose query holds the caller's texts.
        innermost = list(_causes(error))[-1]
        reason = getattr(innermost, "verify_message", None) or getattr(innermost, "strerror", None) or ""
        return f"{type(innermost).__name__}: {redact(reason, self._secrets)}"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def _read_environment(session: requests.Session, root: str) -> None:
    """Let a session use the machine's proxies and CA bundle; on loopback only the CA bundle."""
    if is_loopback(urlsplit(root).hostname):
        # Requests to the emulator must not leave the machine through a proxy.
        session.trust_env = False
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True


def _address(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _stream(
    session: requests.Session,
    url: str,
    timeout: tuple[float, float],
    most_bytes: int,
    most_seconds: float,
    what: str,
) -> Iterator[bytes]:
    deadline, received = time.monotonic() + most_seconds, 0
    # Nothing is decompressed: a few kilobytes can expand to more than the memory holds.
    plain = {"Accept-Encoding": "identity"}
    with session.get(url, timeout=timeout, allow_redirects=False, stream=True, headers=plain) as response:
        if response.status_code != HTTPStatus.OK:
            raise ExotelResponseError(f"the {what} cannot be read", http_status=response.status_code)
        # read1() returns whatever has arrived, so that a very slow body is noticed; read() waits for a full block.
        while block := response.raw.read1(_BLOCK, decode_content=False):
            received += len(block)
            if received > most_bytes or time.monotonic() > deadline:
                raise ExotelResponseError(f"the {what} is longer than {most_bytes} bytes or {most_seconds:g} s")
            yield block
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) != received:
            raise ExotelConnectionError(f"the {what} broke off after {received} of {length} bytes", sent=True)


def _text_lines(blocks: Iterable[bytes]) -> Iterator[str]:
    decoder, rest = codecs.getincrementaldecoder("utf-8-sig")(), ""
    try:
        for block in blocks:
            *lines, rest = (rest + decoder.decode(block)).split("\n")
            yield from (f"{line}\n" for line in lines)
            if len(rest) > _LONGEST_LINE:
                raise ExotelResponseError(f"the report holds a line of more than {_LONGEST_LINE:,} characters")
        rest += decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise ExotelResponseError("the report is not UTF-8 text") from None
    if rest:
        yield rest


def _is_certificate_error(error: BaseException) -> bool:
    # requests raises a bare OSError for a bundle that does not exist.
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)) or (
        not isinstance(error, requests.RequestException) and "CA certificate bundle" in str(error)
    )


def _was_sent(error: BaseException) -> bool:
    """Return whether the request may have reached the service: ``False`` only if there was never a connection."""
    return not any(
        isinstance(cause, (requests.ConnectTimeout, ConnectTimeoutError, NewConnectionError))
        or (isinstance(cause, ssl.SSLError) and _in_handshake(cause))
        or isinstance(cause, (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader))
        for cause in _causes(error)
    )


def _in_handshake(error: BaseException) -> bool:
    # No byte of a request is sent before the handshake is over; only the traceback shows where the error was raised.
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
            # Not __context__: it leads to whatever the caller was handling when this request was made.
            queue += [getattr(current, "reason", None), *current.args, current.__cause__]
