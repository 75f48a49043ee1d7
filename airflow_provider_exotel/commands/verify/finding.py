"""The result of a check: an answer, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """The answer to a question.

    :param answer: what the account does, in our own words, never in those of the service.
    :param client: what the client then does.
    :param known: the answers for the profile.
    """

    answer: str
    client: str
    known: Mapping[str, Any] = field(default_factory=dict)


class Inconclusive(Exception):
    """A check that could not answer its question in this run.

    :param reason: why, in our own words.
    :param known: the answers for the profile that it found all the same.
    """

    def __init__(self, reason: str, known: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.known = dict(known or {})
