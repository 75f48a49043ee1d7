"""The fault plan: which requests go wrong, and how.

A connection cannot be refused for a single request: stop the emulator (``emulator.stop()``) and start it again on the
same port (``emulator.start()``).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from airflow_provider_exotel.emulator.settings import ENVELOPES

# The stages of each kind, the default first. "before": the request is not processed.
STAGES = {
    "drop_before_commit": ("before",),
    "drop_after_commit": ("after",),
    "delay": ("before", "after"),
    "cut_body": ("after",),
    "html_5xx": ("before", "after"),
    "status": ("before", "after"),
    "rate_limited": ("before",),
    "empty_body": ("after",),
    "wrong_id": ("after",),
    "not_done": ("after",),
}


@dataclass(frozen=True)
class Fault:
    """One fault.

    :param on: method and path below the account, both with ``*`` for anything in one segment: ``POST campaigns``,
        ``PUT campaigns/*``, ``GET campaigns/*/call-details``; the path ``*`` alone stands for every path.
    :param kind: ``drop_before_commit``, ``drop_after_commit`` (the connection closes without an answer), ``delay``,
        ``cut_body`` (half of the response), ``html_5xx`` (a gateway's page), ``status`` (any status in any envelope),
        ``rate_limited`` (429), ``empty_body`` (200 without a body), ``wrong_id`` (a response with another campaign's
        id), ``not_done`` (a PUT or DELETE succeeds and changes nothing).
    :param times: number of requests that fail; ``None`` for all.
    :param after: number of matching requests that pass first.
    :param stage: ``before`` or ``after`` the request is processed, for kinds that support both; default ``before``.
    :param seconds: real seconds to wait before the fault; the whole fault for ``delay``.
    :param status: the HTTP status of ``html_5xx`` (default 502) and ``status`` (default 500).
    :param envelope: the error format of ``status`` and ``rate_limited``; ``None`` for that of the settings.
    :param retry_after: the format of ``Retry-After`` for ``rate_limited``; ``None`` for that of the settings.
    :param message: the error message.
    :raises ValueError: for an unknown kind, stage or envelope.
    """

    on: str = "* *"
    kind: str = "drop_before_commit"
    times: int | None = 1
    after: int = 0
    stage: str = ""
    seconds: float = 0.0
    status: int = 0
    envelope: str | None = None
    retry_after: str | None = None
    message: str = "Injected by the emulator's fault plan"

    def __post_init__(self) -> None:
        if self.kind not in STAGES:
            raise ValueError(f"no such fault: {self.kind!r}; there are {', '.join(STAGES)}")
        if len(self.on.split()) != 2:
            raise ValueError(f"on is a method and a path such as 'POST campaigns', not {self.on!r}")
        if self.envelope not in {None, *ENVELOPES}:
            raise ValueError(f"no such envelope: {self.envelope!r}; there are {', '.join(ENVELOPES)}")
        if self.after < 0 or (self.times is not None and self.times < 1):
            raise ValueError("times is at least 1, after at least 0")
        stage = self.stage or STAGES[self.kind][0]
        if stage not in STAGES[self.kind]:
            raise ValueError(f"{self.kind} strikes {' or '.join(STAGES[self.kind])}, not {stage!r}")
        object.__setattr__(self, "stage", stage)
        object.__setattr__(self, "status", self.status or {"html_5xx": 502, "rate_limited": 429}.get(self.kind, 500))

    def matches(self, method: str, path: str) -> bool:
        """Return whether the fault matches a request.

        :param method: the HTTP method.
        :param path: the path below the account, without slashes around it.
        """
        wanted_method, wanted_path = self.on.split()
        if not fnmatchcase(method, wanted_method.upper()):
            return False
        wanted, given = wanted_path.strip("/").split("/"), path.split("/")
        return wanted == ["*"] or (len(wanted) == len(given) and all(map(fnmatchcase, given, wanted)))


class FaultPlan:
    """The pending faults, in order; the first one that matches a request is applied."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        """Append faults.

        :param faults: the faults.
        """
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def waiting(self) -> list[Fault]:
        """Return the faults with remaining requests."""
        with self._lock:
            return list(self._faults)

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault for a request, and count it.

        :param method: the HTTP method.
        :param path: the path below the account.
        """
        with self._lock:
            for position, fault in enumerate(self._faults):
                if not fault.matches(method, path):
                    continue
                if fault.after:
                    self._faults[position] = replace(fault, after=fault.after - 1)
                    continue
                if fault.times is not None:
                    left = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                    self._faults[position : position + 1] = left
                return fault
        return None
