"""The calls in the service's callbacks, stored in the form of a report's table of attempts.

A callback may be lost, duplicated or late. The report, which reads the calls themselves, is authoritative; these tables
only show sooner who was called and which key was pressed.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self
from urllib.parse import parse_qsl
from uuid import uuid4

from airflow_provider_exotel.client.models import CallRecord, CampaignStatus
from airflow_provider_exotel.report.call import Call, Naming
from airflow_provider_exotel.report.tables import ATTEMPTS, Row, writer

MOST_ROWS = 20_000
"""The most rows of one table, which is rewritten with every addition."""
_MOST_FIELDS = 200
_TABLE = "attempts.jsonl"
_ID = re.compile(r"(?!\+?\d{7,15}\Z)[A-Za-z0-9._-]{1,100}")
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PHP_KEY = re.compile(r"\[(\w+)\]\Z")
_ALIASES = {"call_to": "to", "call_from": "from", "campaign_id": "campaign_sid"}
Kind = Literal["call", "contact", "campaign", "passthru"]
"""The last part of a callback URL; ``passthru`` is for a flow's applet of that name."""


@dataclass(frozen=True)
class Callback:
    """One event that the service reports.

    :param kind: the kind of callback.
    :param campaign_id: the campaign, ``None`` if it is not named.
    :param call: the attempt, without the number; ``None`` if the event is not about a single call.
    :param campaign_status: the status of the campaign, for an event about a campaign.
    """

    kind: Kind
    campaign_id: str | None
    call: Call | None = None
    campaign_status: CampaignStatus | None = None


def parse_body(body: bytes) -> Mapping[str, Any]:
    """Return the fields of a callback, under names in snake case.

    Exotel documents JSON on some pages and forms on others. A form is never valid JSON, so the body alone decides, not
    its content type.

    :param body: the body, or the query of a GET.
    :raises ValueError: if it is neither a JSON object nor a form.
    """
    text = body.decode("utf-8", "replace")
    fields = _json_fields(text) or _form_fields(text)
    if not fields:
        raise ValueError("must be a JSON object or a form")
    # A field of the call itself takes precedence over a nested one of the same name, such as the status of a leg.
    in_order = sorted(fields.items(), key=lambda field: not _PHP_KEY.search(field[0]))
    return {_snake(name): value for name, value in in_order}


def read_callback(kind: Kind, fields: Mapping[str, Any], name: Naming, received: datetime) -> Callback:
    """Return the event of a callback; unreadable fields count as missing.

    :param kind: the kind of callback.
    :param fields: its fields, as :func:`parse_body` returns them.
    :param name: names the person behind a number.
    :param received: the time of its arrival, used as the start of a call that has none.
    """
    campaign_id = _id_of(fields.get("campaign_sid"))
    if kind == "campaign":
        return Callback(kind, campaign_id, campaign_status=CampaignStatus.of(fields.get("status")))
    if kind == "contact":  # a summary of calls that were reported one by one
        return Callback(kind, campaign_id)
    record = CallRecord.of(fields)
    is_of_a_call = bool(record.number) and str(fields.get("direction", "")).lower() not in {"inbound", "incoming"}
    if not is_of_a_call:
        return Callback(kind, campaign_id)
    call = Call.of(record, name)
    start = call.start if call.start is not None else received.timestamp()
    # A flow reports pressed keys during the call, so the call was answered.
    status = call.status or ("in-progress" if kind == "passthru" else "")
    return Callback(kind, campaign_id, call._replace(call_sid=_id_of(call.call_sid), start=start, status=status))


@dataclass
class CallLog:
    """The calls of one hour in one table, which is rewritten as calls are added, since object storage cannot append.

    :param hour: the hour.
    :param name: a name that is unique among processes that write to one folder.
    :param part: the number of the table; a full table is followed by another.
    :param known: keys of the calls in the table before, which are duplicates here.
    """

    hour: datetime
    name: str = field(default_factory=lambda: uuid4().hex[:12])
    part: int = 0
    known: frozenset[tuple[Any, ...]] = frozenset()
    _rows: list[Row] = field(default_factory=list, repr=False)
    _keys: set[tuple[Any, ...]] = field(default_factory=set, repr=False)
    _written: int = 0

    @classmethod
    def at(cls, now: datetime) -> Self:
        """Return an empty table for the current hour."""
        return cls(_hour_of(now))

    def for_now(self, now: datetime) -> CallLog:
        """Return the table for current calls: this one, or an empty one after it.

        :param now: the current time.
        """
        if self.hour == _hour_of(now) and len(self._rows) < MOST_ROWS:
            return self
        return CallLog(_hour_of(now), self.name, self.part + 1, frozenset(self._keys))

    def add(self, event: Callback) -> bool:
        """Add the call of an event unless it is a duplicate, and return whether it was added.

        :param event: the event.
        """
        call = event.call
        if call is None:
            return False
        key = (event.campaign_id, call.call_sid or call.contact, call.status, call.digit)
        if key in self._keys or key in self.known:
            return False
        self._keys.add(key)
        self._rows.append(_row(event.campaign_id, call))
        return True

    @property
    def unwritten(self) -> int:
        """Number of calls added since the table was last written."""
        return len(self._rows) - self._written

    @property
    def path(self) -> str:
        """Path of the table in the folder."""
        return f"{self.hour:%Y-%m-%d}/{self.hour:%H}-{self.name}-{self.part:03}/{_TABLE}"

    def write(self, write: Callable[[str, bytes], None]) -> int:
        """Write the whole table and return the number of newly written calls.

        :param write: writes content to a path, replacing an existing file.
        """
        rows, content = list(self._rows), io.BytesIO()
        with writer("jsonl", ATTEMPTS, content) as write_row:
            for row in rows:
                write_row(row)
        write(self.path, content.getvalue())
        new, self._written = len(rows) - self._written, len(rows)
        return new


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _row(campaign_id: str | None, call: Call) -> Row:
    start, end = (None if at is None else datetime.fromtimestamp(at, UTC) for at in (call.start, call.end))
    known = {
        "campaign_id": campaign_id,
        "contact": call.contact or None,
        "attempt": call.attempt,
        "call_sid": call.call_sid,
        "status": call.status,
        "digit": call.digit,
        "duration_seconds": call.duration,
        "start_utc": start,
        "end_utc": end,
        "price": call.price,
    }
    return tuple(known.get(column) for column in ATTEMPTS)


def _id_of(value: object) -> str | None:
    text = str(value or "").strip()
    return text if _ID.fullmatch(text) else None


def _json_fields(text: str) -> Mapping[str, Any] | None:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(parsed, list) and len(parsed) == 1:
        parsed = parsed[0]
    return {str(name): value for name, value in parsed.items()} if isinstance(parsed, dict) else None


def _form_fields(text: str) -> Mapping[str, Any] | None:
    if "=" not in text:
        return None
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return None


def _snake(name: str) -> str:
    """Return the name of a field in snake case; of a nested PHP name, such as ``Legs[0][Status]``, the innermost."""
    inner = _PHP_KEY.search(name)
    folded = _WORD.sub("_", inner[1] if inner else name).replace("-", "_").lower()
    return _ALIASES.get(folded, folded)
