"""Whether a request may be sent again, and when: the table :data:`RULES`. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, StrEnum

from airflow_provider_exotel.client.errors import (
    ExotelAuthError,
    ExotelConnectionError,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelPaymentRequired,
    ExotelRateLimited,
    ExotelRequestRefused,
    ExotelServerError,
)


class Kind(Enum):
    """What a request does, which is what decides about sending it again."""

    READ = "GET"
    CHANGE = "PUT or DELETE, after a re-read"
    CREATE = "POST"


class Replay(StrEnum):
    """What becomes of a request after an error; the words are those of the documentation."""

    AGAIN = "again"
    OTHER_FORM = "in the other form of body, once, while no form has worked"
    NO = "no"
    REFUSED = "no: nothing was created"
    UNKNOWN = "never: look for it"


@dataclass(frozen=True)
class Rule:
    """What becomes of a request after one kind of error.

    :param happened: the error, in words.
    :param read: of a GET.
    :param change: of a PUT or DELETE, after the campaign was read again.
    :param create: of a POST.
    :param errors: the classes of the error.
    :param statuses: its HTTP status is one of these; none for any.
    :param sent: whether the request was sent, where that matters.
    """

    happened: str
    read: Replay
    change: Replay
    create: Replay
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


RULES: tuple[Rule, ...] = (
    Rule(
        "the connection was never made: refused, unknown host, TLS, connect timeout",
        *(Replay.AGAIN, Replay.AGAIN, Replay.AGAIN),
        errors=(ExotelConnectionError,),
        sent=False,
    ),
    Rule(
        "429; `Retry-After` is waited for",
        *(Replay.AGAIN, Replay.AGAIN, Replay.AGAIN),
        errors=(ExotelRateLimited,),
    ),
    Rule(
        "400, 422",
        *(Replay.NO, Replay.OTHER_FORM, Replay.OTHER_FORM),
        errors=(ExotelRequestRefused,),
        statuses=(400, 422),
    ),
    Rule(
        "401, 402, 403, 404, 405, 413, 415, or the input is wrong",
        *(Replay.NO, Replay.NO, Replay.REFUSED),
        errors=(ExotelRequestRefused, ExotelAuthError, ExotelPaymentRequired, ExotelNotFound, ExotelInputError),
    ),
    Rule(
        "502, 503, 504",
        *(Replay.AGAIN, Replay.AGAIN, Replay.UNKNOWN),
        errors=(ExotelServerError,),
        statuses=(502, 503, 504),
    ),
    Rule(
        "read timeout, reset, an answer that breaks off",
        *(Replay.AGAIN, Replay.AGAIN, Replay.UNKNOWN),
        errors=(ExotelConnectionError,),
    ),
    Rule(
        "anything else: 3xx, 408, 409, other 4xx and 5xx, an answer that cannot be read, or that refuses to create a "
        "campaign and names one",
        *(Replay.NO, Replay.NO, Replay.UNKNOWN),
        errors=(ExotelError,),
    ),
)
"""The first rule that covers an error counts."""


@dataclass(frozen=True)
class ReplayPolicy:
    """When a request is sent again: exponential pauses with full jitter, ``Retry-After`` honoured.

    :param tries: the most times one request is sent, default 5.
    :param first_pause: the longest first pause in seconds, default 1; it doubles with each try.
    :param longest_pause: the longest pause in seconds, default 30.
    :param longest_retry_after: the longest ``Retry-After`` waited for, in seconds, default 120; beyond it the error is
        raised and carries it.
    """

    tries: int = 5
    first_pause: float = 1.0
    longest_pause: float = 30.0
    longest_retry_after: float = 120.0

    def pause(
        self,
        kind: Kind,
        error: ExotelError,
        tried: int,
        jitter: Callable[[], float] = random.random,  # noqa: S311 - no secret hangs on it
    ) -> float | None:
        """Return the seconds to wait before sending again, or ``None`` if it must not or need not be.

        :param kind: what the request does.
        :param error: what came of it.
        :param tried: how often it was sent so far.
        :param jitter: gives a number from 0 to 1.
        """
        if tried >= self.tries or replay(kind, error) is not Replay.AGAIN:
            return None
        if isinstance(error, ExotelRateLimited) and error.retry_after is not None:
            return None if error.retry_after > self.longest_retry_after else error.retry_after + jitter()
        return jitter() * min(self.longest_pause, self.first_pause * 2.0 ** (tried - 1))


def replay(kind: Kind, error: ExotelError) -> Replay:
    """Return what :data:`RULES` say of a request after an error."""
    rule = next(rule for rule in RULES if rule.covers(error))
    return {Kind.READ: rule.read, Kind.CHANGE: rule.change, Kind.CREATE: rule.create}[kind]


def surely_refused(error: ExotelError) -> bool:
    """Return whether it is certain that a POST created nothing, so that the outcome is known."""
    return replay(Kind.CREATE, error) is not Replay.UNKNOWN


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
