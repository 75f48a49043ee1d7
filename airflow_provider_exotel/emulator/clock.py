"""The time of the emulator.

There are two times. The client under test computes ``send_at`` and ``end_at`` from the real clock, so requests must be
validated by real time: with a clock that ran 600 times faster, every time would be in the past after a minute. But
dialling should be observable within seconds. Therefore:

* :meth:`Clock.time` is real time (plus manual advances). It dates campaigns and validates requests.
* :meth:`Clock.progress` counts seconds of dialling, ``speed`` of them per real second. Every campaign has its own
  timeline, which starts at its creation and moves with the progress (see ``timeline.py``).

With ``speed=0`` both times are independent of real time, and move only by :meth:`Clock.advance` and :meth:`Clock.set`.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """A clock that runs at a multiple of real time, or is stepped by hand.

    :param start: timezone-aware start time; the real time if ``None``.
    :param speed: seconds of dialling per real second; 0 for a clock stepped by hand.
    :param skip_waiting: whether to shorten waits for ``send_at`` and retries to ``waiting_seconds``; without effect on
        a stepped clock.
    :param waiting_seconds: maximum duration of such a wait, in real seconds.
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
        # Whole seconds on a stepped clock, like the times in requests.
        now = self._real_start if speed else float(int(self._real_start))
        self._start = now if start is None else epoch(start)
        self._advanced = 0.0
        self._lock = threading.Lock()

    def _elapsed(self) -> float:
        # time.time, not a monotonic clock: a test with a simulated time also moves an emulator in its process.
        return max(0.0, time.time() - self._real_start) if self.speed else 0.0

    def time(self) -> float:
        """Return the time for validating requests, in seconds since 1970."""
        return self._start + self._advanced + self._elapsed()

    def now(self) -> datetime:
        """Return the time for validating requests, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def progress(self) -> float:
        """Return the seconds of dialling since the clock was created."""
        return self._advanced + self._elapsed() * self.speed

    def waiting_cost(self) -> float | None:
        """Return the maximum duration of a wait, in seconds of progress; ``None`` if waits are not shortened."""
        return self._waiting_seconds * self.speed if self._skip_waiting and self.speed else None

    def advance(self, seconds: float) -> None:
        """Move both times forward.

        :param seconds: how far, 0 or more. Not multiplied by ``speed``.
        :raises ValueError: for a negative number: past calls cannot be undone.
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
