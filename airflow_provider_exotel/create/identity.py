"""The identity of a task's campaign: a key, the same for every try of the task, that is part of the campaign's name."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

MAX_NAME = 80
AUDIENCE_LENGTH = 12
"""Number of hex digits of the audience fingerprint in a name."""
_KEY_LENGTH = 16
LONGEST_NAME = MAX_NAME - len(" af-") - _KEY_LENGTH - len("-") - AUDIENCE_LENGTH
"""Maximum length of the caller's part of a name."""
_TEST = " test"
_MARKER = re.compile(rf"af-[0-9a-f]{{{_KEY_LENGTH}}}")
_MARK = re.compile(rf" ?af-[0-9a-f]{{{_KEY_LENGTH}}}(-[0-9a-f]{{{AUDIENCE_LENGTH}}})?", re.IGNORECASE)
_AUDIENCE = re.compile(rf"-([0-9a-f]{{{AUDIENCE_LENGTH}}})(?![0-9a-z])")


@dataclass(frozen=True)
class CampaignIdentity:
    """The key and name of a campaign.

    :param key: 16 hex digits, unique per campaign.
    :param name: the name it is created with.
    :param exact: whether the name is the caller's, without the key; the caller ensures that it is unique.
    """

    key: str
    name: str
    exact: bool = False

    def name_for(self, audience: str) -> str:
        """Return the name to create it with, including the audience fingerprint.

        :param audience: :attr:`AudienceFingerprint.short`, the short fingerprint of the audience.
        """
        return self.name if self.exact else f"{self.name}-{audience}"

    def audience_in(self, name: str) -> str | None:
        """Return the audience fingerprint in a campaign's name, or ``None`` if there is none."""
        return None if self.exact else audience_in_name(name)

    def for_test(self, test: str) -> CampaignIdentity:
        """Return the identity of a campaign for test numbers: its key is derived from this one, and always in its name.

        :param test: keyed digest of what the test calls and says, so that a corrected test is another campaign.
        """
        key = hashlib.sha256(json.dumps(["test", self.key, test]).encode()).hexdigest()[:_KEY_LENGTH]
        wanted = without_key(self.name)[: LONGEST_NAME - len(_TEST)].rstrip()
        return CampaignIdentity(key, f"{wanted}{_TEST} af-{key}")

    @property
    def marker(self) -> str:
        """The text to search for in the names of the account's campaigns."""
        return self.name if self.exact else f"af-{self.key}"

    def matches(self, name: str) -> bool:
        """Return whether a campaign with this name has this identity."""
        # If a campaign is named after another one, the other's key comes before its own.
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

    A run is identified by its logical date if it has one: two runs with one date cannot coexist. A date that is
    backfilled after its run was deleted then finds the existing campaign. The run id contains the type of the run,
    which Airflow may change.

    :param account_sid: the account.
    :param deployment: name of this Airflow deployment from the connection; ``None`` for none.
    :param dag_id: the DAG; this and the next four are omitted with an idempotency key.
    :param run_id: the run, used if it has no logical date.
    :param logical_date: the run's logical date; ``None`` for none.
    :param task_id: the task.
    :param map_index: its index if mapped, else -1.
    :param name: the caller's name for the campaign, default ``dag.task``, or the idempotency key without a DAG.
    :param idempotency_key: replaces run, task and index.
    :param exact_name: whether to send the caller's name without the key.
    """
    run = ["date", logical_date.astimezone(UTC).isoformat()] if logical_date is not None else ["run", run_id]
    # Always as text: a template may render a key of digits as a number.
    own = ["idempotency_key", str(idempotency_key)] if idempotency_key else [dag_id, *run, task_id, map_index]
    # JSON separates the parts: with a plain separator, two different tasks could give the same text.
    digest = hashlib.sha256(json.dumps([account_sid, deployment or "", *own]).encode()).hexdigest()
    key = digest[:_KEY_LENGTH]
    wanted = printable(name) or (f"{dag_id}.{task_id}" if dag_id else printable(idempotency_key))
    if exact_name:
        return CampaignIdentity(key, wanted, exact=True)
    return CampaignIdentity(key, f"{wanted[:LONGEST_NAME].rstrip()} af-{key}")


def rename_keeping_key(name: str, wanted: str) -> str:
    """Return the new name of a campaign, which keeps the key of its current name.

    :param name: the current name.
    :param wanted: the new name, without a key.
    """
    mark = _last_mark(name)
    if mark is None:
        return wanted
    # Remove the key of another campaign from the new name: it would make this campaign match that one too.
    kept = f" {mark[0].strip()}"
    return printable(_MARK.sub("", wanted))[: MAX_NAME - len(kept)].rstrip() + kept


def audience_in_name(name: str) -> str | None:
    """Return the audience fingerprint in a campaign's name, or ``None`` if there is none."""
    folded = name.casefold()
    ends = [marker.end() for marker in _MARKER.finditer(folded)]
    found = _AUDIENCE.match(folded, ends[-1]) if ends else None
    return found[1] if found else None


def without_key(name: str) -> str:
    """Return the caller's part of a campaign's name."""
    return _MARK.sub("", name).strip()


def contains_key(name: str) -> bool:
    """Return whether a name contains the key of a campaign."""
    return _MARKER.search(name.casefold()) is not None


def printable(name: object) -> str:
    """Return a name without control characters and extra spaces; empty for ``None``."""
    text = "" if name is None else str(name)
    shown = (" " if unicodedata.category(character).startswith("C") else character for character in text)
    return " ".join("".join(shown).split())


def _last_mark(name: str) -> re.Match[str] | None:
    return next(reversed(list(_MARK.finditer(name))), None)
