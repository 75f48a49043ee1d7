"""What a check found, or why it found nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """The answer to a question.

    :param answer: what the account does, in words of ours; nothing that the service wrote.
    :param client: what the client does about it.
    :param known: the answers for the profile.
    """

    answer: str
    client: str
    known: Mapping[str, Any] = field(default_factory=dict)


class NotTold(Exception):
    """A question that this run could not answer.

    :param reason: why, in words of ours.
    :param known: what was learned all the same.
    """

    def __init__(self, reason: str, known: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.known = dict(known or {})
