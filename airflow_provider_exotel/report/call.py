"""One call attempt as a report stores it: under a name of the contact, without the number."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from airflow_provider_exotel.client.models import CallRecord
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.redact import redact

REACHED = "completed"
NOT_REACHED = ("busy", "no-answer", "failed")
STATUSES = (REACHED, *NOT_REACHED)
"""Final statuses of an attempt (Exotel, call details of a campaign); other words are kept as they are."""

_LIMIT = 1 << 31

Naming = Callable[[str], str]
"""Returns the name that a report gives to the person behind a number."""


class Call(NamedTuple):
    """One attempt. Times are seconds since 1970; unknown values are ``None``."""

    call_sid: str | None
    contact: str
    status: str
    attempt: int | None
    digit: str | None
    duration: int | None
    start: float | None
    end: float | None
    price: str | None
    recording: str | None = None
    """The URL of its recording, if recordings are to be saved."""

    @classmethod
    def of(cls, record: CallRecord, name: Naming, *, keep_recording: bool = False) -> Call:
        """Return the call of a record.

        If the record has no start, the time of its creation is used; if it has no end, the start plus the duration.

        :param record: the service's record.
        :param name: names the person.
        :param keep_recording: whether to keep the URL of the recording.
        """
        start = _instant(record.start_time)
        if start is None:
            start = _instant(record.date_created)
        end, duration = _instant(record.end_time), _plausible(record.duration_seconds)
        if end is None and start is not None and duration is not None:
            end = start + duration
        return cls(
            call_sid=record.call_sid,
            contact=name(record.number) if record.number else "",
            status=record.status if record.status in STATUSES else redact(record.status),
            attempt=_plausible(record.attempt),
            # The pressed keys may be a phone number, or a secret as long as one.
            digit=redact(record.digit) if record.digit else None,
            duration=duration,
            start=start,
            end=end,
            price=record.price,
            recording=record.recording_url if keep_recording else None,
        )

    @classmethod
    def from_line(cls, line: str) -> Call:
        """Return the call that :meth:`line` wrote.

        :raises ValueError: if the line is not a call.
        """
        values = json.loads(line)
        if not isinstance(values, list) or len(values) != len(cls._fields):
            raise ValueError("not a call")
        return cls(*values)

    def line(self) -> str:
        """Return the call as a line of JSON."""
        return json.dumps(self, ensure_ascii=False, separators=(",", ":"))


def _instant(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _plausible(count: int | None) -> int | None:
    return count if count is not None and 0 <= count < _LIMIT else None


def pseudonymise_with(key: bytes) -> Naming:
    """Return a function that names people by the HMAC-SHA256 (RFC 2104) of their number.

    With the same key a person has the same name in every campaign. A digest without a key would hide nobody, since few
    numbers are possible.

    :param key: the secret.
    """

    def name(number: str) -> str:
        return digest_of(plaintext(number), key)

    return name


def digest_of(number: str, key: bytes) -> str:
    """Return the keyed digest of a number without separators."""
    return hmac.digest(key, number.encode(), "sha256").hex()


def plaintext(number: str) -> str:
    """Return the number itself, without spaces, brackets, dots and dashes."""
    return next(iter(PhoneNumbers((number,)).compact()))
