"""What a campaign says and how it calls, apart from whom, when, and under which name."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.client.request import CampaignChanges, CampaignRequest

_LENGTH = 16
_ELSEWHERE = {"numbers", "lists", "schedule", "name"}


@dataclass(frozen=True)
class ContentMark:
    """What a content is known again by; nothing can be read from it.

    :param secret: which secret the digests are keyed with, so that those under different ones are not compared.
    :param fields: a keyed digest of each field.
    """

    secret: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Content:
    """The content of a campaign.

    :param fields: its fields under the names of :class:`~airflow_provider_exotel.client.request.CampaignRequest`.
    :param secret: what its digests are keyed with.
    """

    fields: Mapping[str, Any] = field(repr=False)
    secret: str = field(repr=False)

    @classmethod
    def of(cls, request: CampaignRequest | CampaignChanges, secret: str) -> Self:
        """Return the content of a campaign that is to be sent."""
        return cls(request.plaintext(without=_ELSEWHERE), secret)

    def mark(self) -> ContentMark:
        """Return what it is known again by."""
        digests = {name: self._digest(name, value) for name, value in self.fields.items()}
        return ContentMark(self._digest("", "content"), digests)

    def differences(self, sent: ContentMark) -> list[str]:
        """Return the fields that are others than those of a campaign that was sent."""
        mine = self.mark()
        if mine.secret != sent.secret:
            return []
        return sorted(name for name in {*mine.fields, *sent.fields} if mine.fields.get(name) != sent.fields.get(name))

    def differences_shown(self, campaign: Campaign) -> list[str]:
        """Return the fields that are others than the service shows, of the few that it shows."""
        shown = {name: read(campaign) for name, read in _SHOWN.items()}
        return sorted(
            name
            for name, value in self.fields.items()
            if shown.get(name) is not None and not _alike(name, value, shown[name])
        )

    def _digest(self, name: str, value: Any) -> str:
        text = json.dumps([name, value], sort_keys=True)
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:_LENGTH]


_SHOWN: Mapping[str, Callable[[Campaign], Any]] = {
    "caller_id": lambda campaign: campaign.caller_id,
    "campaign_type": lambda campaign: campaign.campaign_type,
    "url": lambda campaign: campaign.url,
    "call_duplicate_numbers": lambda campaign: campaign.call_duplicate_numbers,
    "call_retries": lambda campaign: campaign.retries and campaign.retries.model_dump(mode="json", exclude_none=True),
    "custom_field": lambda campaign: campaign.custom_field,
}
# The service may write what it was given in a way of its own: +91 for 0, https for http.
_PLAIN: Mapping[str, Callable[[str], str]] = {
    "caller_id": lambda text: re.sub(r"\W", "", text)[-10:],
    "url": lambda text: text.partition("://")[2].rstrip("/"),
}


def _alike(name: str, given: Any, shown: Any) -> bool:
    if isinstance(given, Mapping):
        return all(shown[key] == value for key, value in given.items() if key in shown)
    if isinstance(given, str):
        plain = _PLAIN.get(name, str)
        return plain(given.casefold()) == plain(str(shown).casefold())
    return bool(given == shown)
