"""One attempt as a report keeps it: whose it was is told by a name, and the number itself is gone."""

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
"""How an attempt can end (Exotel, call details of a campaign); another word is kept as it is."""

_LIMIT = 1 << 31

Naming = Callable[[str], str]
"""How a report names the person behind a number."""


class Call(NamedTuple):
    """One attempt. Instants are seconds since 1970; what the service does not say is ``None``."""

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
    """The address of its recording, where recordings are wanted."""

    @classmethod
    def of(cls, record: CallRecord, name: Naming, *, keep_recording: bool = False) -> Call:
        """Return what a report keeps of a record.

        Where a dialect tells only when an attempt was made, that is its start; its end is the start and the duration.

        :param record: the service's record.
        :param name: names the person.
        :param keep_recording: whether to keep the address of the recording.
        """
        start = _instant(record.start_time)
        if start is None:
            start = _instant(record.date_created)
        end, duration = _instant(record.end_time), _sensible(record.duration_seconds)
        if end is None and start is not None and duration is not None:
            end = start + duration
        return cls(
            call_sid=record.call_sid,
            contact=name(record.number) if record.number else "",
            status=record.status if record.status in STATUSES else redact(record.status),
            attempt=_sensible(record.attempt),
            # What somebody types may be a number, or a secret as long as one.
            digit=redact(record.digit) if record.digit else None,
            duration=duration,
            start=start,
            end=end,
            price=record.price,
            recording=record.recording_url if keep_recording else None,
        )

    @classmethod
    def from_line(cls, line: str) -> Call:
        """Return a call that was written as a line.

        :raises ValueError: if it is none.
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


def _sensible(count: int | None) -> int | None:
    return count if count is not None and 0 <= count < _LIMIT else None


def hashed(key: bytes) -> Naming:
    """Name people by HMAC-SHA256 (RFC 2104) of their number: the same key names them the same in every campaign.

    A plain digest would hide nobody, since so few numbers are possible.

    :param key: the secret.
    """

    def name(number: str) -> str:
        return digest_of(in_clear(number), key)

    return name


def digest_of(number: str, key: bytes) -> str:
    """Return what stands for a number without separators under a key."""
    return hmac.digest(key, number.encode(), "sha256").hex()


def in_clear(number: str) -> str:
    """Return the number itself, without spaces, brackets, dots and dashes."""
    return next(iter(PhoneNumbers((number,)).compact()))
