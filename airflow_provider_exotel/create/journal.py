"""The journal of a task: state that outlives a try, so that a retry finds what an earlier try has sent.

State outlives versions too: keys this version does not know are ignored, and missing ones have defaults.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Self

from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.create.fingerprint import ContentMark
from airflow_provider_exotel.create.identity import AUDIENCE_LENGTH

_LENGTH = 16
_OF_SECRET = 4


@dataclass
class Journal:
    """One JSON object, and where it is stored.

    :param read: returns the stored object, or ``None``.
    :param write: stores an object, or raises if it cannot: ``TrySuperseded`` if another try has taken over.
    :param outlives_tries: whether a later try reads what this one writes.
    """

    read: Callable[[], Mapping[str, Any] | None]
    write: Callable[[dict[str, Any]], None]
    outlives_tries: bool = True
    state: Mapping[str, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.state = self.read() or {}

    @classmethod
    def of_this_try(cls) -> Self:
        """Return a journal that ends with the try: Airflow before 3.3 stores nothing for a task."""
        return cls(lambda: None, lambda _: None, outlives_tries=False)

    def save(self, state: Mapping[str, Any]) -> None:
        """Store an object in place of the present one; nothing is written if it is the same."""
        if dict(state) != self.state:
            self.write(dict(state))
            self.state = state

    def forget(self) -> None:
        """Store that nothing is known."""
        self.save({})


def known_fields(kind: type[Any], stored: Mapping[str, Any], *moments: str) -> dict[str, Any]:
    """Return what is stored of the fields of a dataclass.

    :param kind: the dataclass.
    :param stored: the JSON object, of this version or any other.
    :param moments: the fields that are stored as ISO 8601 texts.
    """
    known = {one.name: stored[one.name] for one in fields(kind) if stored.get(one.name) is not None}
    return known | {name: datetime.fromisoformat(known[name]) for name in moments if name in known}


def as_stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as plain JSON; those that are ``None`` are left out."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }


@dataclass(frozen=True)
class AudienceMark:
    """What an audience is known again by; no number can be read from it.

    :param contacts: how many numbers, ``None`` where lists hold them.
    :param lists: the lists.
    :param digest: of the numbers, under a secret, since so few numbers are possible that a plain digest hides none.
    :param secret: which secret that was, so that digests under different ones are not compared.
    :param short: hex digits for the campaign's name: four of the secret's, so that digests under different secrets are
        told apart, and eight of the audience's under it, since anybody could try numbers against a plain digest.
    :param repeats: how many of the numbers are listed again, which the service may leave out of what it shows.
    :param rejected: how many entries were left out because they cannot be phone numbers.
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
        """Return the mark of an audience, the same for the same people in another order."""
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

    def difference(self, other: AudienceMark) -> str | None:
        """Return in words how ``other`` is another audience, nothing if it is not known to be one."""
        if self.lists != other.lists:
            return f"lists {', '.join(self.lists) or 'none'} instead of {', '.join(other.lists) or 'none'}"
        if self.contacts != other.contacts:
            return f"{self.contacts or 0:,} numbers instead of {other.contacts or 0:,}"
        same_secret = self.secret == other.secret
        if (self.digest != other.digest) if same_secret else self.is_other(other.short):
            return f"{self.contacts or 0:,} numbers of which some are others"
        return None

    def is_other(self, short: str | None) -> bool:
        """Return whether a campaign's name surely stands for another audience.

        :param short: what its name tells of its audience; ``None`` if it tells nothing. Under another secret, as after
            a token was renewed, it tells nothing either.
        """
        return short is not None and short != self.short and short[:_OF_SECRET] == self.short[:_OF_SECRET]


@dataclass(frozen=True)
class Entry:
    """What is known of a task's campaign.

    :param campaign_id: the campaign, once it exists.
    :param posted_before: the deadline of a request that may have been sent; ``None`` if none was, or its answer came.
    :param audience: whom it calls.
    :param content: what it was sent with, apart from whom it calls, when, and its name.
    :param carried_to: the end of the window it is paused for, while it is carried from one window to the next.
    :param timed_out: whether the task paused it because it took longer than ``execution_timeout``.
    """

    campaign_id: str | None = None
    posted_before: datetime | None = None
    audience: AudienceMark | None = None
    content: ContentMark | None = None
    carried_to: datetime | None = None
    timed_out: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON."""
        mark, content = self.audience, self.content
        nested = {
            "audience": {**vars(mark), "lists": list(mark.lists)} if mark else None,
            "content": {"secret": content.secret, "fields": dict(content.fields)} if content else None,
        }
        return as_stored({**vars(self), **nested, "timed_out": self.timed_out or None})

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self:
        """Read an entry; nothing stored is an empty one."""
        known = known_fields(cls, stored or {}, "posted_before", "carried_to")
        if (audience := known.get("audience")) is not None:
            lists = tuple(audience.get("lists") or ())
            known["audience"] = AudienceMark(**known_fields(AudienceMark, audience) | {"lists": lists})
        if (content := known.get("content")) is not None:
            known["content"] = ContentMark(**{"secret": "", "fields": {}} | known_fields(ContentMark, content))
        return cls(**known)


class CampaignJournal(Journal):
    """What the tries of one task know of its campaign."""

    @property
    def entry(self) -> Entry:
        """What is stored."""
        return Entry.of(self.state)

    def intend(self, posted_before: datetime, audience: AudienceMark, content: ContentMark | None = None) -> None:
        """Store that the campaign is about to be sent."""
        self.save(Entry(None, posted_before, audience, content).as_json())

    def record(self, campaign_id: str, audience: AudienceMark | None = None) -> None:
        """Store that it exists.

        :param campaign_id: the campaign.
        :param audience: whom it calls, where that is not stored yet.
        """
        entry = self.entry
        known = entry.audience or audience
        self.save(replace(entry, campaign_id=campaign_id, posted_before=None, audience=known).as_json())

    def carry(self, end_at: datetime | None) -> None:
        """Store that it is about to be paused for a later window, or with ``None`` that it no longer is."""
        self.save(replace(self.entry, carried_to=end_at).as_json())

    def time_out(self) -> None:
        """Store that the task paused it because it took too long."""
        self.save(replace(self.entry, timed_out=True).as_json())


def _short(secret: str, people: str) -> str:
    of_secret, of_people = (
        hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest() for text in ("marker", people)
    )
    return of_secret[:_OF_SECRET] + of_people[: AUDIENCE_LENGTH - _OF_SECRET]
