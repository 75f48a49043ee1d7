"""Whether a request may be sent again, and when. Pure.

=====================================  ====  ===================  ======
what happened                          GET   PUT, DELETE (after   POST
                                             a re-read)
=====================================  ====  ===================  ======
connection never made                  yes   yes                  yes
429                                    yes   yes                  yes
502, 503, 504                          yes   yes                  no
read timeout, reset, cut answer        yes   yes                  no
everything else                        no    no                   no
=====================================  ====  ===================  ======

A POST that is not sent again and was not definitely refused has an unknown outcome.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

from airflow_provider_exotel.api.errors import (
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

_PASSING_STATUSES = frozenset({502, 503, 504})
_DEFINITE_REFUSALS = (
    ExotelInputError,
    ExotelRequestRefused,
    ExotelAuthError,
    ExotelPaymentRequired,
    ExotelNotFound,
    ExotelRateLimited,
)


class Kind(Enum):
    """What a request does, which is what decides about sending it again."""

    READ = "GET"
    CHANGE = "PUT or DELETE, after a re-read"
    CREATE = "POST"


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
        if tried >= self.tries or not may_be_sent_again(kind, error):
            return None
        if isinstance(error, ExotelRateLimited) and error.retry_after is not None:
            return None if error.retry_after > self.longest_retry_after else error.retry_after + jitter()
        return jitter() * min(self.longest_pause, self.first_pause * 2.0 ** (tried - 1))


def may_be_sent_again(kind: Kind, error: ExotelError) -> bool:
    """Return what the table at the top says."""
    if surely_did_not_count(error):
        return True
    if kind is Kind.CREATE:
        return False
    if isinstance(error, ExotelServerError):
        return error.http_status in _PASSING_STATUSES
    return isinstance(error, ExotelConnectionError)


def surely_did_not_count(error: ExotelError) -> bool:
    """Return whether the service never got to act on the request."""
    return isinstance(error, ExotelRateLimited) or (isinstance(error, ExotelConnectionError) and not error.sent)


def surely_refused(error: ExotelError) -> bool:
    """Return whether it is certain that nothing was created, so that the outcome is known."""
    return surely_did_not_count(error) or isinstance(error, _DEFINITE_REFUSALS)


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
