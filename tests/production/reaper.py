"""End the processes of a stack once nobody holds its standard input any more, however its owner ended.

It reads a line for each process that leads a session: ``+PID SIGNAL`` when it has started, with the signal it is sent
first, and ``-PID`` when it is gone. The argument is a folder to delete in the end.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress

import psutil

ENDS_WITHIN = 20
KILLED_WITHIN = 60


def family(leader: int) -> list[psutil.Process]:
    """Return the living processes of a session, and those that descend from its leader in sessions of their own.

    Nothing else is ever killed: a session's number is not given away again while one of its processes is left.
    """
    found = {}
    with suppress(psutil.Error):
        found = {child.pid: child for child in psutil.Process(leader).children(recursive=True)}
    for process in psutil.process_iter():
        with suppress(OSError):
            if os.getsid(process.pid) == leader:
                found[process.pid] = process
    return [process for process in found.values() if is_alive(process)]


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs, or is frozen; one that has ended and is not waited for yet does not."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def kill(leader: int) -> None:
    """End all processes of a session at once, as when the power fails."""
    ends = time.monotonic() + KILLED_WITHIN
    while (left := family(leader)) and time.monotonic() < ends:
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=0.2)


def main() -> None:
    """Wait for the end of the input, then end everything that is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    leaders: dict[int, int] = {}
    for line in sys.stdin:
        leader, _, first = line[1:].partition(" ")
        if line.startswith("+"):
            leaders[int(leader)] = int(first)
        else:
            leaders.pop(int(leader), None)
    for leader, first in leaders.items():
        if first == signal.SIGKILL:
            kill(leader)
    for leader, first in leaders.items():
        with suppress(ProcessLookupError):
            os.kill(leader, first)
        ends = time.monotonic() + ENDS_WITHIN
        while family(leader) and time.monotonic() < ends:
            time.sleep(0.1)
        kill(leader)
    for folder in sys.argv[1:]:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
