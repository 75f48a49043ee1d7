"""HTTP Basic authentication and the rate limit of the account."""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

from airflow_provider_exotel.emulator.clock import Clock
from airflow_provider_exotel.emulator.envelopes import Refusal
from airflow_provider_exotel.emulator.settings import Settings

MINUTE = 60


@dataclass(frozen=True)
class Credentials:
    """The account and its API key and token, none of them real."""

    account_sid: str = "emulator"
    api_key: str = field(default="emulator-key", repr=False)
    api_token: str = field(default="emulator-token", repr=False)


def authenticate(header: str, account_sid: str, credentials: Credentials, settings: Settings) -> None:
    """Check the ``Authorization`` header (Exotel, authentication).

    :param header: its value, empty if there is none.
    :param account_sid: the account in the path.
    :raises Refusal: 401, or ``wrong_account_status`` for good credentials and another account.
    """
    scheme, _, encoded = header.partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        given = b""
    wanted = f"{credentials.api_key}:{credentials.api_token}".encode()
    if scheme.lower() != "basic" or not secrets.compare_digest(given, wanted):
        raise Refusal(401, "Authentication failed")
    if account_sid != credentials.account_sid:
        raise Refusal(settings.wrong_account_status, "No access to this account")


class RateLimit:
    """Requests of the account in the current minute of the emulator's clock (Exotel, rate limits)."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._minute, self._used = -1, 0
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Start a new minute."""
        with self._lock:
            self._minute, self._used = -1, 0

    def admit(self) -> tuple[bool, Mapping[str, str]]:
        """Count one request, and return whether it is allowed, with the headers of its response."""
        limit = self._settings.rate_limit
        if limit is None:
            return True, {}
        now = self._clock.time()
        with self._lock:
            if int(now // MINUTE) != self._minute:
                self._minute, self._used = int(now // MINUTE), 0
            admitted = self._used < limit
            self._used += admitted
            left, reset = limit - self._used, (self._minute + 1) * MINUTE
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(reset),
        }
        return admitted, headers if self._settings.rate_limit_headers else {}

    def retry_after(self, form: str) -> Mapping[str, str]:
        """Return the ``Retry-After`` header for the rest of this minute.

        :param form: ``seconds``, ``date``, ``nonsense`` or ``absent``.
        """
        now = self._clock.time()
        until = (now // MINUTE + 1) * MINUTE
        value = {
            "seconds": str(max(1, round(until - now))),
            "date": format_datetime(datetime.fromtimestamp(until, UTC), usegmt=True),
            "nonsense": "in a while",
            "absent": None,
        }[form]
        return {} if value is None else {"Retry-After": value}
