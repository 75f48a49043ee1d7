"""Which campaign a task stands for: a key that every try of the task computes alike, carried in the campaign's name."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

MAX_NAME = 80
AUDIENCE_LENGTH = 12
"""Hex digits of a name that stand for whom the campaign calls."""
_KEY_LENGTH = 16
LONGEST_NAME = MAX_NAME - len(" af-") - _KEY_LENGTH - len("-") - AUDIENCE_LENGTH
"""How much of a caller's name is kept."""
_TEST = " test"
_MARKER = re.compile(rf"af-[0-9a-f]{{{_KEY_LENGTH}}}")
_MARK = re.compile(rf" ?af-[0-9a-f]{{{_KEY_LENGTH}}}(-[0-9a-f]{{{AUDIENCE_LENGTH}}})?", re.IGNORECASE)
_AUDIENCE = re.compile(rf"-([0-9a-f]{{{AUDIENCE_LENGTH}}})(?![0-9a-z])")


@dataclass(frozen=True)
class CampaignIdentity:
    """How a campaign is known again.

    :param key: 16 hex digits that differ for every campaign that should exist by itself.
    :param name: the name it is created under.
    :param exact: whether the name stands as the caller wrote it, without the key; the caller vouches for its being
        unique.
    """

    key: str
    name: str
    exact: bool = False

    def name_for(self, audience: str) -> str:
        """Return the name to create it under, which tells whom it calls as well.

        :param audience: :attr:`AudienceMark.short`, which stands for the audience.
        """
        return self.name if self.exact else f"{self.name}-{audience}"

    def audience_in(self, name: str) -> str | None:
        """Return what a campaign's name tells of whom it calls, ``None`` if it tells nothing."""
        return None if self.exact else audience_named(name)

    def for_test(self) -> CampaignIdentity:
        """Return the identity of the campaign that calls the test numbers first: another key, made of this one."""
        key = hashlib.sha256(json.dumps(["test", self.key]).encode()).hexdigest()[:_KEY_LENGTH]
        if self.exact:
            return CampaignIdentity(key, f"{self.name}{_TEST}", exact=True)
        wanted = without_key(self.name)[: LONGEST_NAME - len(_TEST)].rstrip()
        return CampaignIdentity(key, f"{wanted}{_TEST} af-{key}")

    @property
    def marker(self) -> str:
        """What to look for among the names of the account's campaigns."""
        return self.name if self.exact else f"af-{self.key}"

    def is_of(self, name: str) -> bool:
        """Return whether a campaign of this name is the one."""
        # What is named after another campaign has the other's key in its name too, before its own.
        return name == self.name if self.exact else _MARKER.findall(name.casefold())[-1:] == [self.marker]


def identify(
    account_sid: str,
    deployment: str | None,
    *,
    dag_id: str = "",
    run_id: str = "",
    logical_date: datetime | None = None,
    task_id: str = "",
    map_index: int = -1,
    name: str | None = None,
    idempotency_key: str | None = None,
    exact_name: bool = False,
) -> CampaignIdentity:
    """Return the identity of the campaign of one task instance, or of an idempotency key.

    A run is known by its logical date where it has one: two runs of one date cannot coexist, and a date that is
    backfilled after its run was deleted finds the campaign that exists. The run id names the kind of run, which
    Airflow may change.

    :param account_sid: the account.
    :param deployment: the connection's word for this Airflow, if it has one.
    :param dag_id: the DAG; it and the next four are left out where an idempotency key stands for them.
    :param run_id: the run, where it has no logical date.
    :param logical_date: the run's logical date, if it has one.
    :param task_id: the task.
    :param map_index: its index if mapped, else -1.
    :param name: the caller's name for the campaign, default ``dag.task``, or the idempotency key without them.
    :param idempotency_key: stands for run, task and index where the caller gives one.
    :param exact_name: whether to send the caller's name without the key.
    """
    run = ["date", logical_date.astimezone(UTC).isoformat()] if logical_date is not None else ["run", run_id]
    # As text, always: a template may render a key of digits as a number.
    own = ["idempotency_key", str(idempotency_key)] if idempotency_key else [dag_id, *run, task_id, map_index]
    # JSON keeps the parts apart: joined by a character, two different tasks could make one text.
    digest = hashlib.sha256(json.dumps([account_sid, deployment or "", *own]).encode()).hexdigest()
    key = digest[:_KEY_LENGTH]
    wanted = printable(name) or (f"{dag_id}.{task_id}" if dag_id else printable(idempotency_key))
    if exact_name:
        return CampaignIdentity(key, wanted, exact=True)
    return CampaignIdentity(key, f"{wanted[:LONGEST_NAME].rstrip()} af-{key}")


def renamed(name: str, wanted: str) -> str:
    """Return the name to give a campaign instead of ``name``: what it is known again by stays in it.

    :param name: the name it has.
    :param wanted: the name somebody wants.
    """
    mark = _last_mark(name)
    if mark is None:
        return wanted
    # What another campaign is known by would make it found for that one too.
    kept = f" {mark[0].strip()}"
    return printable(_MARK.sub("", wanted))[: MAX_NAME - len(kept)].rstrip() + kept


def audience_named(name: str) -> str | None:
    """Return what a campaign's name tells of whom it calls, ``None`` if it tells nothing."""
    folded = name.casefold()
    ends = [marker.end() for marker in _MARKER.finditer(folded)]
    found = _AUDIENCE.match(folded, ends[-1]) if ends else None
    return found[1] if found else None


def without_key(name: str) -> str:
    """Return the part of a campaign's name that the caller wrote."""
    return _MARK.sub("", name).strip()


def names_a_key(name: str) -> bool:
    """Return whether a name holds the key of a campaign, by which that would be known again."""
    return _MARKER.search(name.casefold()) is not None


def printable(name: object) -> str:
    """Return a name without control characters and needless spaces, empty if there is none."""
    text = "" if name is None else str(name)
    shown = (" " if unicodedata.category(character).startswith("C") else character for character in text)
    return " ".join("".join(shown).split())


def _last_mark(name: str) -> re.Match[str] | None:
    return next(reversed(list(_MARK.finditer(name))), None)
