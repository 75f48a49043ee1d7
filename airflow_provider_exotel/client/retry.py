"""The rules for sending a request again, in the table :data:`RULES`. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, StrEnum

from airflow_provider_exotel.client.errors import (
    ExotelAuthError,
    ExotelCertificateError,
    ExotelConnectionError,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelPaymentRequired,
    ExotelRateLimited,
    ExotelRequestRefused,
    ExotelServerError,
)


class RequestKind(Enum):
    """Kind of a request, which decides whether it may be sent again."""

    READ = "GET"
    CHANGE = "PUT or DELETE, after a re-read"
    CREATE = "POST"


class RetryDecision(StrEnum):
    """Decision about a request after an error, worded as in the documentation."""

    AGAIN = "again"
    OTHER_FORM = "in the other body form, once, until one form has worked"
    NO = "no"
    REFUSED = "no: nothing was created"
    UNKNOWN = "never: find it by its name"


@dataclass(frozen=True)
class Rule:
    """The decisions after one kind of error.

    :param description: the error, in words.
    :param read: the decision for a GET.
    :param change: the decision for a PUT or DELETE, after the campaign was read again.
    :param create: the decision for a POST.
    :param errors: the classes of the error.
    :param statuses: HTTP statuses, empty for any.
    :param sent: whether the request was sent, ``None`` for either.
    """

    description: str
    read: RetryDecision
    change: RetryDecision
    create: RetryDecision
    errors: tuple[type[ExotelError], ...]
    statuses: tuple[int, ...] = ()
    sent: bool | None = None

    def covers(self, error: ExotelError) -> bool:
        """Return whether the error is of this kind."""
        return (
            isinstance(error, self.errors)
            and (not self.statuses or error.http_status in self.statuses)
            and (self.sent is None or getattr(error, "sent", None) is self.sent)
        )


# The three decisions of a rule are those for a GET, for a PUT or DELETE, and for a POST that creates.
RULES: tuple[Rule, ...] = (
    Rule(
        "the certificate of the host is not trusted",
        *(RetryDecision.NO, RetryDecision.NO, RetryDecision.REFUSED),
        errors=(ExotelCertificateError,),
    ),
    Rule(
        "no connection was made: refused, unknown host, other TLS errors, connect timeout",
        *(RetryDecision.AGAIN, RetryDecision.AGAIN, RetryDecision.AGAIN),
        errors=(ExotelConnectionError,),
        sent=False,
    ),
    Rule(
        "429, after waiting for `Retry-After`",
        *(RetryDecision.AGAIN, RetryDecision.AGAIN, RetryDecision.AGAIN),
        errors=(ExotelRateLimited,),
    ),
    Rule(
        "400, 422",
        *(RetryDecision.NO, RetryDecision.OTHER_FORM, RetryDecision.OTHER_FORM),
        errors=(ExotelRequestRefused,),
        statuses=(400, 422),
    ),
    Rule(
        "401, 402, 403, 404, 405, 413, 415, or the input is wrong",
        *(RetryDecision.NO, RetryDecision.NO, RetryDecision.REFUSED),
        errors=(ExotelRequestRefused, ExotelAuthError, ExotelPaymentRequired, ExotelNotFound, ExotelInputError),
    ),
    Rule(
        "502, 503, 504",
        *(RetryDecision.AGAIN, RetryDecision.AGAIN, RetryDecision.UNKNOWN),
        errors=(ExotelServerError,),
        statuses=(502, 503, 504),
    ),
    Rule(
        "read timeout, reset, a truncated answer",
        *(RetryDecision.AGAIN, RetryDecision.AGAIN, RetryDecision.UNKNOWN),
        errors=(ExotelConnectionError,),
    ),
    Rule(
        "anything else: 3xx, 408, 409, other 4xx and 5xx, an answer that cannot be read, or that refuses to create a "
        "campaign and names one",
        *(RetryDecision.NO, RetryDecision.NO, RetryDecision.UNKNOWN),
        errors=(ExotelError,),
    ),
)
"""The first rule that covers an error applies."""


@dataclass(frozen=True)
class RetryPolicy:
    """Retry policy: exponential backoff with full jitter; ``Retry-After`` is honoured.

    :param tries: how often one request is sent at most, default 5.
    :param first_backoff: the longest first wait in seconds, default 1; it doubles with each try.
    :param longest_backoff: the longest wait in seconds, default 30.
    :param longest_retry_after: the longest ``Retry-After`` to wait for, in seconds, default 120; with a longer one the
        error is raised.
    """

    tries: int = 5
    first_backoff: float = 1.0
    longest_backoff: float = 30.0
    longest_retry_after: float = 120.0

    def backoff(
        self,
        kind: RequestKind,
        error: ExotelError,
        tried: int,
        jitter: Callable[[], float] = random.random,  # noqa: S311 - not a secret
    ) -> float | None:
        """Return the seconds to wait before sending again, or ``None`` not to send it again.

        :param kind: the kind of request.
        :param error: its error.
        :param tried: number of times that it was sent so far.
        :param jitter: returns a number from 0 to 1.
        """
        if tried >= self.tries or decide_retry(kind, error) is not RetryDecision.AGAIN:
            return None
        if isinstance(error, ExotelRateLimited) and error.retry_after is not None:
            return None if error.retry_after > self.longest_retry_after else error.retry_after + jitter()
        return jitter() * min(self.longest_backoff, self.first_backoff * 2.0 ** (tried - 1))


def decide_retry(kind: RequestKind, error: ExotelError) -> RetryDecision:
    """Return what to do with a request after an error, by :data:`RULES`."""
    rule = next(rule for rule in RULES if rule.covers(error))
    return {RequestKind.READ: rule.read, RequestKind.CHANGE: rule.change, RequestKind.CREATE: rule.create}[kind]


def is_definite_refusal(error: ExotelError) -> bool:
    """Return whether a POST with this error certainly created nothing."""
    return decide_retry(RequestKind.CREATE, error) is not RetryDecision.UNKNOWN


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Read a ``Retry-After`` header in either form of RFC 9110 section 10.2.3.

    :param header: its text, seconds or an HTTP date.
    :param now: an aware time to count a date from.
    :return: seconds, at least 0; ``None`` if the header is absent or nonsense.
    """
    text = (header or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
