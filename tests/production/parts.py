"""The parts of a stack: each its own process in its own session, started, killed, frozen and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

from .reaper import family, kill

RESTARTS_AFTER = 3.0


def free_ports(count: int) -> list[int]:
    """Return so many different ports that are free on loopback."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


@dataclass
class Part:
    """One program of the stack.

    :param command: what is run.
    :param environment: all of its environment.
    :param folder: where it runs; its output is beside it, in ``NAME.log``.
    :param user: who runs it, where that is not us.
    :param first_signal: what it is sent when the stack ends; PostgreSQL leaves shared memory behind when it is killed.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    user: str | None = None
    first_signal: signal.Signals = signal.SIGKILL
    held: bool = False
    ended_at: float | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def log(self) -> str:
        """Return its output so far."""
        return self.folder.with_suffix(".log").read_text(errors="replace")

    def start(self) -> None:
        """Start it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        as_user: dict[str, Any] = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        with self.folder.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **as_user,
            )
        self.ended_at = None

    @property
    def pid(self) -> int:
        """Return the number of its first process, which is also that of its session."""
        if self.process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self.process.pid

    def has_ended(self) -> bool:
        """Return whether its first process has ended. It is not waited for: nobody else may get its number yet."""
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return ended is not None

    @property
    def is_known_dead(self) -> bool:
        """Return whether it was waited for, after which its number may be somebody else's."""
        return self.process is None or self.process.returncode is not None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of its processes."""
        for process in [] if self.is_known_dead else family(self.pid):
            with suppress(psutil.Error):
                process.send_signal(number)


class Parts:
    """All parts; whatever ends by itself or is killed is started again some seconds later, as systemd does.

    :param folder: is deleted with the last process, if given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._parts: dict[str, Part] = {}
        self._lock = threading.RLock()
        self._over = threading.Event()
        command = [sys.executable, str(Path(__file__).with_name("reaper.py")), *([str(folder)] if folder else [])]
        self._reaper = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End everything; returns when no process is left."""
        self._over.set()
        self._keeper.join()
        self._input.close()
        self._reaper.wait()
        for part in self._parts.values():
            if part.process is not None:
                part.process.wait()

    def __getitem__(self, name: str) -> Part:
        return self._parts[name]

    def start(self, *parts: Part) -> None:
        """Start parts and keep them running."""
        for part in parts:
            with self._lock:
                self._parts[part.name] = part
                self._start(part)

    def kill(self, name: str) -> None:
        """Kill a part with all its processes. It is started again soon."""
        with self._lock:
            self._end(self._parts[name])

    @contextmanager
    def held(self, *names: str) -> Iterator[None]:
        """Have parts ended for a while."""
        with self._lock:
            for name in names:
                self._parts[name].held = True
                self._end(self._parts[name])
        try:
            yield
        finally:
            with self._lock:
                for name in names:
                    self._parts[name].held = False
                    self._start(self._parts[name])

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Have the processes of a part stand still for a while."""
        self._parts[name].signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._parts[name].signal(signal.SIGCONT)

    @property
    def _input(self) -> Any:
        return self._reaper.stdin

    def _tell(self, line: str) -> None:
        self._input.write(line + "\n")
        self._input.flush()

    def _start(self, part: Part) -> None:
        part.start()
        self._tell(f"+{part.pid} {int(part.first_signal)}")

    def _end(self, part: Part) -> None:
        if part.process is not None and not part.is_known_dead:
            kill(part.pid)
            self._tell(f"-{part.pid}")
            part.process.wait()
            part.ended_at = time.monotonic()

    def _keep(self) -> None:
        while not self._over.wait(0.5):
            with self._lock:
                for part in self._parts.values():
                    if part.held:
                        continue
                    if part.ended_at is None:
                        if part.has_ended():
                            self._end(part)
                    elif time.monotonic() - part.ended_at > RESTARTS_AFTER:
                        self._start(part)
