"""Virtual time for an event loop, its threads and the local Exotel. It advances only while all of them wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from airflow_provider_exotel.emulator import Emulator

START = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)
Result = TypeVar("Result")


class VirtualTime:
    """The virtual time, in seconds since the beginning.

    :param emulator: a local Exotel whose clock is stepped by hand.
    """

    def __init__(self, emulator: Emulator) -> None:
        self.seconds = 0.0
        self._emulator = emulator
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def clock(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.advance_to(self.seconds + seconds)

    def advance_to(self, moment: float) -> None:
        with self._lock:
            if moment > self.seconds:
                self._emulator.clock.advance(moment - self.seconds)
                self.seconds = moment

    def run(self, main: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Run a coroutine in an event loop with virtual time."""
        with asyncio.Runner(loop_factory=lambda: _Loop(self)) as runner:
            return runner.run(main())


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose timers wait for virtual time, which stands still while a thread works."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self._virtual, self._at_work = time, 0
        select = self._selector.select  # type: ignore[attr-defined]

        def select_or_pass_time(timeout: float | None = None) -> Any:
            if timeout is None or timeout <= 0:
                return select(timeout)
            if self._at_work:
                return select(60)
            time.advance_to(time.seconds + timeout)
            return select(0)

        self._selector.select = select_or_pass_time  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._virtual.seconds

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Join the threads without the timer of Python 3.12 and later, which would expire at once."""
        await super().shutdown_default_executor()

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        future = super().run_in_executor(executor, func, *args)
        self._at_work += 1
        future.add_done_callback(self._is_done)
        return future

    def _is_done(self, future: Any) -> None:
        self._at_work -= 1
