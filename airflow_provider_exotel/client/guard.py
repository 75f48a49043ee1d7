"""The staging guard: limits of a connection that no DAG can override."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.urls import is_public

if TYPE_CHECKING:
    from airflow_provider_exotel.client.request import CampaignChanges, CampaignRequest

URL_FIELDS = ("url", "call_status_callback", "call_schedule_callback", "status_callback")
"""The fields of a campaign with a URL that the service opens."""
_LARGEST_HARMLESS = 999_999


@dataclass(frozen=True)
class StagingGuard:
    """Refuses campaigns with other numbers, with too many contacts, or with URLs in a private network.

    :param only_numbers: the only numbers that may be called; ``None`` for no such limit.
    :param max_contacts: the most contacts a campaign may have; ``None`` for no such limit.
    :param allows_private_urls: whether URLs may lead to this machine or a private network. The service cannot reach
        these, but the emulator can.
    """

    only_numbers: PhoneNumbers | None = None
    max_contacts: int | None = None
    allows_private_urls: bool = False

    def check(self, numbers: PhoneNumbers | None, lists: tuple[str, ...] | None) -> None:
        """Raise :class:`ExotelInputError` if the connection does not allow this audience."""
        if problems := list(self._audience_problems(numbers, lists)):
            raise ExotelInputError(problems)

    def check_request(self, request: CampaignRequest | CampaignChanges) -> None:
        """Raise :class:`ExotelInputError` if the connection does not allow this campaign, naming every problem."""
        problems = [
            *self._audience_problems(request.numbers, request.lists),
            *self._extra_field_problems(request.extra_fields or {}),
            *self._url_problems(request),
        ]
        if problems:
            raise ExotelInputError(problems)

    @property
    def _limits(self) -> list[str]:
        return [name for name in ("only_numbers", "max_contacts") if getattr(self, name) is not None]

    def _audience_problems(self, numbers: PhoneNumbers | None, lists: tuple[str, ...] | None) -> Iterator[Problem]:
        if lists:
            for limit in self._limits:
                yield Problem("lists", f"the connection's {limit} cannot be checked against a list; give numbers")
        if numbers is None:
            return
        if self.max_contacts is not None and len(numbers) > self.max_contacts:
            limit = f"{self.max_contacts:,}, the connection's max_contacts"
            yield Problem("numbers", f"must be at most {limit} (got {len(numbers):,})")
        if self.only_numbers is not None:
            allowed = {_spelling(number) for number in self.only_numbers}
            others = sum(_spelling(number) not in allowed for number in numbers)
            if others:
                yield Problem(
                    "numbers",
                    f"{others:,} of {len(numbers):,} are not among the connection's only_numbers; "
                    "call only those, in the same spelling, or use another connection",
                )

    def _extra_field_problems(self, fields: Mapping[str, Any]) -> Iterator[Problem]:
        # A field that this version does not know may name people: a text can be the id of a list.
        for name, value in fields.items():
            harmless = isinstance(value, (bool, int, float)) and abs(value) <= _LARGEST_HARMLESS
            for limit in () if harmless else self._limits:
                message = f"the connection's {limit} cannot be checked against it; use another connection"
                yield Problem(f"extra_fields.{name}", message)

    def _url_problems(self, request: CampaignRequest | CampaignChanges) -> Iterator[Problem]:
        if self.allows_private_urls:
            return
        for name in URL_FIELDS:
            url = getattr(request, name)
            if url is not None and not is_public(urlsplit(url).hostname):
                message = "must not lead to a private network, which the service cannot reach; give a public URL"
                yield Problem(name, message)


def _spelling(number: str) -> str:
    """Return the digits and the plus, if any: +65 9123 4567 and the national number 6591234567 are two people."""
    digits = re.sub(r"\D", "", number)
    is_international = number.strip().startswith("+") or digits.startswith("00")
    return f"+{digits.removeprefix('00')}" if is_international else digits
