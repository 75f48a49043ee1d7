"""What the tries of one task leave each other: that a campaign is about to be sent, and then its id."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.create.fingerprint import ContentMark
from airflow_provider_exotel.create.identity import AUDIENCE_LENGTH
from airflow_provider_exotel.create.journal import Journal

_LENGTH = 16
_OF_SECRET = 4


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
    :param posted_before: until when it may have been sent, where it is about to be; ``None`` if it surely was not.
    :param audience: whom it calls.
    :param content: what it was sent with, apart from whom it calls, when, and its name.
    :param carried_to: the end of the window it is paused for, while it is carried from one window to the next.
    """

    campaign_id: str | None = None
    posted_before: datetime | None = None
    audience: AudienceMark | None = None
    content: ContentMark | None = None
    carried_to: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON."""
        mark, content = self.audience, self.content
        return {
            "campaign_id": self.campaign_id,
            "posted_before": self.posted_before.isoformat() if self.posted_before else None,
            "audience": {**mark.__dict__, "lists": list(mark.lists)} if mark else None,
            "content": {"secret": content.secret, "fields": dict(content.fields)} if content else None,
            "carried_to": self.carried_to.isoformat() if self.carried_to else None,
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Self:
        """Read an entry; nothing kept is an empty one."""
        kept = kept or {}
        audience, content = kept.get("audience"), kept.get("content")
        return cls(
            kept.get("campaign_id"),
            _moment(kept.get("posted_before")),
            AudienceMark(**{**audience, "lists": tuple(audience["lists"])}) if audience else None,
            ContentMark(**content) if content else None,
            _moment(kept.get("carried_to")),
        )


class CampaignJournal(Journal[Entry]):
    """What the tries of one task know of its campaign."""

    kind = Entry

    def intend(self, posted_before: datetime, audience: AudienceMark, content: ContentMark | None = None) -> None:
        """Keep that the campaign is about to be sent."""
        self._keep(Entry(None, posted_before, audience, content))

    def record(self, campaign_id: str, audience: AudienceMark | None = None) -> None:
        """Keep that it exists.

        :param campaign_id: the campaign.
        :param audience: whom it calls, where that is not kept yet.
        """
        self.keep(campaign_id=campaign_id, posted_before=None, audience=self.entry.audience or audience)

    def carry(self, end_at: datetime | None) -> None:
        """Keep that it is about to be paused for a later window, or with ``None`` that it is so no more."""
        self.keep(carried_to=end_at)


def _moment(kept: str | None) -> datetime | None:
    return datetime.fromisoformat(kept) if kept else None


def _short(secret: str, people: str) -> str:
    of_secret, of_people = (
        hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest() for text in ("marker", people)
    )
    return of_secret[:_OF_SECRET] + of_people[: AUDIENCE_LENGTH - _OF_SECRET]
