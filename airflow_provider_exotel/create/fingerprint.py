"""Fingerprints of the fields of a campaign, without its audience, schedule and name."""

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
class FieldsFingerprint:
    """Keyed digests of the fields of a campaign.

    :param secret: fingerprint of the secret; digests under different secrets are not compared.
    :param fields: a keyed digest of each field.
    """

    secret: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class CampaignFields:
    """The fields of a campaign, without audience, schedule and name.

    :param fields: the fields, named as in :class:`~airflow_provider_exotel.client.request.CampaignRequest`.
    :param secret: key of the digests.
    """

    fields: Mapping[str, Any] = field(repr=False)
    secret: str = field(repr=False)

    @classmethod
    def of(cls, request: CampaignRequest | CampaignChanges, secret: str) -> Self:
        """Return the fields of a request."""
        return cls(request.plaintext(without=_ELSEWHERE), secret)

    def fingerprint(self) -> FieldsFingerprint:
        """Return the fingerprint of the fields."""
        digests = {name: self._digest(name, value) for name, value in self.fields.items()}
        return FieldsFingerprint(self._digest("", "content"), digests)

    def differences(self, sent: FieldsFingerprint) -> list[str]:
        """Return the names of the fields that differ from those of a campaign that was sent."""
        mine = self.fingerprint()
        if mine.secret != sent.secret:
            return []
        return sorted(name for name in {*mine.fields, *sent.fields} if mine.fields.get(name) != sent.fields.get(name))

    def differences_shown(self, campaign: Campaign) -> list[str]:
        """Return the names of the fields that differ from those the service shows; it shows only a few."""
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
# The service may reformat values: +91 for 0, https for http.
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
