"""The time of the emulator.

There are two times, because there are two clocks to please. The client under test computes ``send_at`` and ``end_at``
from the real clock, so requests must be judged by real time: a clock that simply ran 600 times faster would refuse
everything as "in the past" after a minute. Yet the dialling is to be watched in seconds. Therefore:

* :meth:`Clock.time` is real time (plus what was advanced by hand). It dates campaigns and judges requests.
* :meth:`Clock.progress` counts seconds of dialling, ``speed`` of them for each real second. Every campaign has a
  timeline of its own that starts when it is created and moves with the progress (see ``timeline.py``).

With ``speed=0`` real time plays no part: both times move only by :meth:`Clock.advance` and :meth:`Clock.set`.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """A clock that runs at a multiple of real time or is stepped by hand.

    :param start: an aware instant to begin at; the real now if None.
    :param speed: seconds of dialling per real second; 0 for a clock stepped by hand.
    :param skip_waiting: campaigns do not sit out the wait for ``send_at`` or for a retry: each wait takes at most
        ``waiting_seconds``. Without effect on a stepped clock.
    :param waiting_seconds: real seconds one such wait takes at most.
    :raises ValueError: for a naive ``start`` or a negative ``speed``.
    """

    def __init__(
        self,
        start: datetime | None = None,
        *,
        speed: float = 0.0,
        skip_waiting: bool = False,
        waiting_seconds: float = 0.3,
    ) -> None:
        if speed < 0:
            raise ValueError("speed is 0 (stepped by hand) or more")
        self.speed = speed
        self._skip_waiting = skip_waiting
        self._waiting_seconds = waiting_seconds
        self._real_start = time.time()
        # Whole seconds where a person steps the clock, as in the times that requests carry.
        now = self._real_start if speed else float(int(self._real_start))
        self._start = now if start is None else epoch(start)
        self._advanced = 0.0
        self._lock = threading.Lock()

    def _elapsed(self) -> float:
        # time.time, not a monotonic clock: a test that travels in time takes the emulator in its process along.
        return max(0.0, time.time() - self._real_start) if self.speed else 0.0

    def time(self) -> float:
        """Return the instant requests are judged by, in seconds since 1970."""
        return self._start + self._advanced + self._elapsed()

    def now(self) -> datetime:
        """Return the instant requests are judged by, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def progress(self) -> float:
        """Return how many seconds of dialling have passed since the clock was made."""
        return self._advanced + self._elapsed() * self.speed

    def waiting_cost(self) -> float | None:
        """Return the longest time a wait may take, in seconds of progress; None if waits are sat out."""
        return self._waiting_seconds * self.speed if self._skip_waiting and self.speed else None

    def advance(self, seconds: float) -> None:
        """Move both times forward.

        :param seconds: how far, 0 or more. Not multiplied by ``speed``.
        :raises ValueError: for a negative number: what was dialled stays dialled.
        """
        if seconds < 0:
            raise ValueError("the clock does not go back")
        with self._lock:
            self._advanced += seconds

    def set(self, instant: datetime) -> None:
        """Move forward to an instant.

        :param instant: an aware instant, not before the clock's now.
        :raises ValueError: for a naive or an earlier instant.
        """
        self.advance(epoch(instant) - self.time())


def epoch(instant: datetime) -> float:
    """Return an aware instant as seconds since 1970.

    :param instant: an aware datetime.
    :raises ValueError: for a naive one.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return instant.timestamp()
