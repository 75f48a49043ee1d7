"""The journal of requests and their results, without phone numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# Between letters or digits it is part of an id or a hash, not a phone number.
NUMBER = re.compile(r"(?<![0-9A-Za-z])\+?\d(?:[\d ]{5,16})\d(?![0-9A-Za-z])")
SECRET_FIELDS = {"custom_field", "call_status_callback", "call_schedule_callback", "status_callback"}


def masked(text: str) -> str:
    """Return ``text`` with all but the last two digits of each phone number redacted."""
    return NUMBER.sub(lambda found: "•" * 8 + found.group()[-2:], text)


def summary(body: Any) -> Any:
    """Return a request body with counts instead of numbers.

    :param body: decoded JSON, or anything else.
    """
    if isinstance(body, Mapping):
        return {str(key): _shown(str(key), value) for key, value in body.items()}
    if isinstance(body, list):
        return [summary(each) for each in body]
    return masked(body) if isinstance(body, str) else body


def _shown(key: str, value: Any) -> Any:
    if key in {"from", "numbers"}:
        count = value.count(",") + 1 if isinstance(value, str) else len(value) if isinstance(value, list) else "?"
        return f"<{count} numbers>"
    return "<hidden>" if key in SECRET_FIELDS else summary(value)


@dataclass(frozen=True)
class JournalEntry:
    """One request, recorded before its response is sent.

    :param method: the HTTP method.
    :param path: the path below the account, such as ``campaigns`` or ``campaigns/{id}/call-details``.
    :param query: the query parameters.
    :param body: the decoded body, or bytes if it was not JSON; ``None`` without a body. Not in the ``repr``.
    :param status: the HTTP status of the response; ``None`` if the connection was dropped.
    :param fault: the kind of the applied fault.
    :param committed: whether the request changed something, even if its response was lost.
    :param at: the time on the emulator's clock.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    status: int | None
    fault: str | None
    committed: bool
    at: datetime

    def shown(self) -> dict[str, Any]:
        """Return the entry as plain JSON, with counts instead of numbers."""
        body = None if isinstance(self.body, bytes) else summary(self.body)
        return {
            "method": self.method,
            "path": masked(self.path),
            "query": summary(dict(self.query)),
            "body": body,
            "status": self.status,
            "fault": self.fault,
            "committed": self.committed,
            "at": self.at.isoformat(timespec="seconds"),
        }

    def __repr__(self) -> str:
        return f"JournalEntry({', '.join(f'{name}={value!r}' for name, value in self.shown().items())})"
