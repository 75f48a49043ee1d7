"""One bucket of requests for each account in this process (Exotel, rate limits: 30 a minute for campaigns)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

REQUESTS_PER_MINUTE = 30
# A task looks once and posts once; more than that at the start would let a hundred tasks, each with a process and a
# bucket of its own, burst together.
_AT_START = 2.0
_LONGEST_BLOCK = 60.0


class TokenBucket:
    """Spaces requests to a rate, allowing what was saved up in quiet times.

    :param per_minute: requests a minute, also the most that can be saved up.
    :param clock: seconds that only grow.
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
        """Wait for a turn and take it.

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

    def observe(self, remaining: int | None, seconds_to_reset: float | None) -> None:
        """Correct the bucket by what the service says is left, which counts other processes too.

        :param remaining: the ``X-RateLimit-Remaining`` header.
        :param seconds_to_reset: seconds until the service starts to count anew.
        """
        if remaining is None:
            return
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
    """Return the one bucket of an account in this process.

    :param host: where the account lives.
    :param account_sid: the account.
    :param per_minute: its limit.
    """
    with _buckets_lock:
        return _buckets.setdefault((host, account_sid, per_minute), TokenBucket(per_minute))
