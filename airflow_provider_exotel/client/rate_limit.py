"""One token bucket per account and process (Exotel, rate limits: 30 campaign requests per minute)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

REQUESTS_PER_MINUTE = 30
# A task makes one look-up and one POST. More tokens at the start would let a hundred tasks, each a process with its own
# bucket, burst together.
_AT_START = 2.0
_LONGEST_BLOCK = 60.0


class TokenBucket:
    """Limits requests to a rate, with bursts up to the tokens saved.

    :param per_minute: requests per minute, and the most tokens that can be saved.
    :param clock: a monotonic clock, in seconds.
    :param sleep: waits for seconds.
    """

    def __init__(
        self,
        per_minute: float = REQUESTS_PER_MINUTE,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.per_minute = per_minute
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._tokens = min(_AT_START, per_minute)
        self._updated = clock()
        self._blocked_until = self._updated

    def take(self) -> float:
        """Take a token; wait for one if there is none.

        :return: the seconds waited.
        """
        with self._lock:
            self._refill()
            self._tokens -= 1
            now = self._clock()
            turn = max(now - self._tokens * 60.0 / self.per_minute if self._tokens < 0 else now, self._blocked_until)
        if (wait := turn - now) > 0:
            self._sleep(wait)
        return max(wait, 0.0)

    def observe(self, remaining: int, seconds_to_reset: float | None) -> None:
        """Correct the bucket by the service's own count, which includes other processes.

        :param remaining: the ``X-RateLimit-Remaining`` header.
        :param seconds_to_reset: seconds until the service resets its count.
        """
        with self._lock:
            self._refill()
            self._tokens = min(self._tokens, float(remaining))
            if remaining <= 0 and seconds_to_reset is not None:
                block = min(max(seconds_to_reset, 0.0), _LONGEST_BLOCK)
                self._blocked_until = max(self._blocked_until, self._clock() + block)

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self.per_minute, self._tokens + (now - self._updated) * self.per_minute / 60.0)
        self._updated = now


_buckets: dict[tuple[str, str, float], TokenBucket] = {}
_buckets_lock = threading.Lock()


def shared_bucket(host: str, account_sid: str, per_minute: float = REQUESTS_PER_MINUTE) -> TokenBucket:
    """Return the token bucket that this process shares for an account.

    :param host: the region's host.
    :param account_sid: the account.
    :param per_minute: the rate limit.
    """
    with _buckets_lock:
        return _buckets.setdefault((host, account_sid, per_minute), TokenBucket(per_minute))
