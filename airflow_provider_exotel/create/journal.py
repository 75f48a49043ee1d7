"""The journal of a task: state stored across tries, so that a retry finds the campaign of an earlier try.

State is also read by other versions: unknown keys are ignored, and missing ones have defaults.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Self

from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.create.fingerprint import FieldsFingerprint
from airflow_provider_exotel.create.identity import AUDIENCE_LENGTH

_LENGTH = 16
_OF_SECRET = 4


@dataclass
class Journal:
    """A stored JSON object.

    :param read: returns the stored object, or ``None``.
    :param write: stores an object; raises ``TrySuperseded`` if a later try has started.
    :param outlives_tries: whether a later try reads what this one writes.
    :param is_complete: whether everything that earlier tries have written is still there.
    """

    read: Callable[[], Mapping[str, Any] | None]
    write: Callable[[dict[str, Any]], None]
    outlives_tries: bool = True
    is_complete: bool = True
    state: Mapping[str, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.state = self.read() or {}

    @classmethod
    def in_memory(cls) -> Self:
        """Return a journal that lasts only for this try: Airflow before 3.3 cannot store task state."""
        return cls(lambda: None, lambda _: None, outlives_tries=False)

    @property
    def knows_earlier_tries(self) -> bool:
        """Whether an earlier try that sent something shows here."""
        return self.outlives_tries and self.is_complete

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the stored object; nothing is written if it is equal."""
        if dict(state) != self.state:
            self.write(dict(state))
            self.state = state

    def forget(self) -> None:
        """Store an empty object."""
        self.save({})


def known_fields(kind: type[Any], stored: Mapping[str, Any], *moments: str) -> dict[str, Any]:
    """Return the stored fields of a dataclass.

    :param kind: the dataclass.
    :param stored: the JSON object, written by any version.
    :param moments: names of the fields stored as ISO 8601 text.
    """
    known = {one.name: stored[one.name] for one in fields(kind) if stored.get(one.name) is not None}
    return known | {name: datetime.fromisoformat(known[name]) for name in moments if name in known}


def as_stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as plain JSON, without those that are ``None``."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }


@dataclass(frozen=True)
class AudienceFingerprint:
    """Keyed fingerprint of an audience, from which no phone number can be recovered.

    :param contacts: number of contacts; ``None`` if they are in lists.
    :param lists: the lists.
    :param digest: digest of the numbers. It is keyed because a plain digest of phone numbers can be brute-forced.
    :param secret: fingerprint of the key; digests under different keys are not compared.
    :param short: twelve hex digits for the campaign's name: four of the key's fingerprint and eight of the audience's
        digest.
    :param repeats: number of duplicate numbers, which the service may leave out of its responses.
    :param rejected: number of entries left out because they are not phone numbers.
    """

    contacts: int | None = None
    lists: tuple[str, ...] = ()
    digest: str | None = None
    secret: str | None = None
    short: str = ""
    repeats: int = 0
    rejected: int = 0

    @classmethod
    def of(cls, numbers: PhoneNumbers | None, lists: Iterable[str] | None, secret: str, rejected: int = 0) -> Self:
        """Return the fingerprint of an audience; the order of the numbers does not matter."""
        if numbers is None:
            names = tuple(sorted(lists or ()))
            return cls(lists=names, short=_short(secret, "\n".join(names)))
        key, people = secret.encode(), "\n".join(sorted(numbers))
        return cls(
            contacts=len(numbers),
            digest=hmac.new(key, people.encode(), hashlib.sha256).hexdigest()[:_LENGTH],
            secret=hmac.new(key, b"audience", hashlib.sha256).hexdigest()[:_LENGTH],
            short=_short(secret, people),
            repeats=len(numbers) - len(set(numbers)),
            rejected=rejected,
        )

    def difference(self, other: AudienceFingerprint) -> str | None:
        """Return a description of how ``other`` differs, or ``None`` if no difference is known."""
        if self.lists != other.lists:
            return f"lists {', '.join(self.lists) or 'none'} instead of {', '.join(other.lists) or 'none'}"
        if self.contacts != other.contacts:
            return f"{self.contacts or 0:,} numbers instead of {other.contacts or 0:,}"
        same_secret = self.secret == other.secret
        if (self.digest != other.digest) if same_secret else self.is_other(other.short):
            return f"{self.contacts or 0:,} numbers, some of which differ"
        return None

    def is_other(self, short: str | None) -> bool:
        """Return whether a short fingerprint certainly belongs to another audience.

        :param short: the fingerprint in a campaign's name; ``None`` for none. If it has another key, for example after
            a token was renewed, it cannot be compared.
        """
        return short is not None and short != self.short and short[:_OF_SECRET] == self.short[:_OF_SECRET]


@dataclass(frozen=True)
class Entry:
    """The journal entry of a task's campaign.

    :param campaign_id: the campaign, once it exists.
    :param posted_before: deadline of a request that may have been sent; ``None`` if none is open.
    :param audience: fingerprint of its audience.
    :param content: fingerprint of its fields, without audience, schedule and name.
    :param carried_to: the end of the next window, while it is paused for a carry-over.
    :param timed_out: whether the task paused it because it exceeded ``execution_timeout``.
    """

    campaign_id: str | None = None
    posted_before: datetime | None = None
    audience: AudienceFingerprint | None = None
    content: FieldsFingerprint | None = None
    carried_to: datetime | None = None
    timed_out: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON."""
        fingerprint, content = self.audience, self.content
        nested = {
            "audience": {**vars(fingerprint), "lists": list(fingerprint.lists)} if fingerprint else None,
            "content": {"secret": content.secret, "fields": dict(content.fields)} if content else None,
        }
        return as_stored({**vars(self), **nested, "timed_out": self.timed_out or None})

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self:
        """Read an entry; ``None`` gives an empty one."""
        known = known_fields(cls, stored or {}, "posted_before", "carried_to")
        if (audience := known.get("audience")) is not None:
            lists = tuple(audience.get("lists") or ())
            known["audience"] = AudienceFingerprint(**known_fields(AudienceFingerprint, audience) | {"lists": lists})
        if (content := known.get("content")) is not None:
            known["content"] = FieldsFingerprint(
                **{"secret": "", "fields": {}} | known_fields(FieldsFingerprint, content)
            )
        return cls(**known)


class CampaignJournal(Journal):
    """The journal of a task that creates a campaign."""

    @property
    def entry(self) -> Entry:
        """The stored entry."""
        return Entry.of(self.state)

    def intend(
        self, posted_before: datetime, audience: AudienceFingerprint, content: FieldsFingerprint | None = None
    ) -> None:
        """Store the intent to send the campaign."""
        self.save(Entry(None, posted_before, audience, content).as_json())

    def record(self, campaign_id: str, audience: AudienceFingerprint | None = None) -> None:
        """Store that the campaign exists.

        :param campaign_id: the campaign.
        :param audience: fingerprint of its audience, used if none is stored yet.
        """
        entry = self.entry
        known = entry.audience or audience
        self.save(replace(entry, campaign_id=campaign_id, posted_before=None, audience=known).as_json())

    def carry(self, end_at: datetime | None) -> None:
        """Store the end of the window for which the campaign will be paused, or ``None`` after the carry-over."""
        self.save(replace(self.entry, carried_to=end_at).as_json())

    def time_out(self) -> None:
        """Store that the task paused the campaign because of a timeout."""
        self.save(replace(self.entry, timed_out=True).as_json())


def _short(secret: str, people: str) -> str:
    of_secret, of_people = (
        hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest() for text in ("marker", people)
    )
    return of_secret[:_OF_SECRET] + of_people[: AUDIENCE_LENGTH - _OF_SECRET]
