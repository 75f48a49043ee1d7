"""Campaigns and calls as the service shows them, in one shape for every dialect.

Every field but a campaign's id may be missing; missing counts are 0; unknown words are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeVar

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.fields import Model
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.parse import (
    fold_status,
    parse_flag,
    parse_mapping,
    parse_numbers,
    parse_text,
    parse_time,
    parse_whole,
)
from airflow_provider_exotel.client.redact import StoredRedacted
from airflow_provider_exotel.client.request import CallRetries, Schedule
from airflow_provider_exotel.client.text import fold

M = TypeVar("M", bound=Model)


class CampaignStatus(StrEnum):
    """Status of a campaign (Exotel, campaign status values)."""

    CREATED = "created"
    IN_PROGRESS = "in-progress"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    DELETED = "deleted"
    ARCHIVED = "archived"
    UNKNOWN = "unknown"
    """A status that this version does not know; it never ends a wait. ``Campaign.status_text`` holds its text."""

    @classmethod
    def of(cls, text: object) -> CampaignStatus:
        """Fold the spellings of the service: case, dashes, underscores, spaces, and both forms of canceled."""
        return _STATUSES.get(fold_status(text).replace("cancelled", "canceled"), cls.UNKNOWN)

    @property
    def has_ended(self) -> bool:
        """Whether the campaign makes no more calls."""
        return self in _ENDED


_ENDED = frozenset(
    {
        CampaignStatus.COMPLETED,
        CampaignStatus.FAILED,
        CampaignStatus.CANCELED,
        CampaignStatus.DELETED,
        CampaignStatus.ARCHIVED,
    }
)


_STATUSES = {fold_status(status): status for status in CampaignStatus}
_CALL_STATUSES = {fold_status(word): word for word in ("completed", "busy", "no-answer", "failed")}


@dataclass(frozen=True)
class CampaignStats:
    """Counts of contacts by state. States overlap in some dialects: never add them all up for a total."""

    created: int = 0
    pending: int = 0
    in_progress: int = 0
    retry: int = 0
    retrying: int = 0
    completed: int = 0
    failed: int = 0
    failed_dnd: int = 0
    failed_no_attempt: int = 0
    invalid: int = 0
    paused: int = 0
    busy: int = 0
    no_answer: int = 0
    other: Mapping[str, int] = field(default_factory=dict)
    """Counts under names that this version does not know."""
    given: frozenset[str] = field(default=frozenset(), compare=False)
    """Names of the counts in the answer, zeros included; contacts of a missing name are counted under another."""

    @classmethod
    def of(cls, counts: Mapping[str, Any] | None) -> Self:
        """Read the service's counts, in any spelling of their names."""
        known = cls.__dataclass_fields__.keys() - {"other", "given"}
        read = {str(name).replace("-", "_").lower(): parse_whole(value) or 0 for name, value in (counts or {}).items()}
        return cls(
            **{name: count for name, count in read.items() if name in known},
            other={name: count for name, count in read.items() if name not in known},
            given=frozenset(read),
        )

    def as_dict(self) -> dict[str, int]:
        """Return the counts that are not 0."""
        kinds = self.__dataclass_fields__.keys() - {"other", "given"}
        counts = {name: getattr(self, name) for name in self.__dataclass_fields__ if name in kinds} | dict(self.other)
        return {name: count for name, count in counts.items() if count}


@dataclass(frozen=True)
class Campaign(StoredRedacted):
    """A campaign as the service shows it."""

    id: str
    status: CampaignStatus = CampaignStatus.UNKNOWN
    status_text: str = ""
    """The status in the service's own spelling."""
    name: str = ""
    account_sid: str | None = None
    caller_id: str | None = None
    campaign_type: str | None = None
    type: str | None = None
    url: str | None = None
    numbers: PhoneNumbers | None = None
    """The numbers, if the service repeats them."""
    lists: tuple[str, ...] | None = None
    call_duplicate_numbers: bool | None = None
    retries: CallRetries | None = None
    schedule: Schedule = field(default_factory=Schedule)
    stats: CampaignStats = field(default_factory=CampaignStats)
    summary: Mapping[str, Any] = field(default_factory=dict)
    date_created: datetime | None = None
    date_updated: datetime | None = None
    date_started: datetime | None = None
    report_url: str | None = field(default=None, repr=False)
    custom_field: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, data: Mapping[str, Any], summary: Mapping[str, Any] | None = None) -> Self:
        """Read one campaign of an answer.

        :param data: the campaign's object; it must hold an ``id``.
        :param summary: its summary, which one dialect puts beside the object and another inside it.
        """
        schedule, lists = parse_mapping(data.get("schedule")), data.get("lists")
        return cls(
            id=str(data["id"]),
            status=CampaignStatus.of(data.get("status")),
            status_text=parse_text(data.get("status")) or "",
            name=parse_text(data.get("name")) or "",
            account_sid=parse_text(data.get("account_sid")),
            caller_id=parse_text(data.get("caller_id")),
            campaign_type=parse_text(data.get("campaign_type")),
            type=parse_text(data.get("type")),
            url=parse_text(data.get("url")),
            numbers=parse_numbers(data.get("from")),
            lists=tuple(map(str, lists)) if isinstance(lists, list) and lists else None,
            call_duplicate_numbers=parse_flag(data.get("call_duplicate_numbers")),
            retries=_readable(CallRetries, data.get("retries")),
            schedule=_readable(Schedule, {name: parse_time(schedule.get(name)) for name in ("send_at", "end_at")})
            or Schedule(),
            stats=CampaignStats.of(parse_mapping(data.get("stats"))),
            summary=dict(summary or parse_mapping(data.get("summary"))),
            date_created=parse_time(data.get("date_created")),
            date_updated=parse_time(data.get("date_updated")),
            date_started=parse_time(data.get("date_started")),
            report_url=parse_text(data.get("report_url") or data.get("reports")),
            custom_field=parse_text(data.get("custom_field")),
        )


@dataclass(frozen=True)
class CallRecord(StoredRedacted):
    """One call attempt to one contact (Exotel, call details of a campaign)."""

    call_sid: str | None
    status: str
    number: str = field(repr=False)
    """The contact's number, in plaintext; it is left out of ``repr`` and XCom."""
    contact_name: str | None = field(default=None, repr=False)
    attempt: int | None = None
    duration_seconds: int | None = None
    digit: str | None = None
    caller_id: str | None = None
    date_created: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    price: str | None = None
    recording_url: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read one record, under any of the names of its fields."""

        def first(*names: str) -> Any:
            return next((data[name] for name in names if data.get(name) not in (None, "")), None)

        return cls(
            call_sid=parse_text(first("call_sid", "sid")),
            status=_call_status(parse_text(first("status")) or ""),
            number=parse_text(first("number", "to")) or "",
            contact_name=parse_text(first("name")),
            attempt=parse_whole(first("attempt_number", "attempt")),
            duration_seconds=parse_whole(first("duration")),
            digit=_unquoted(first("digit", "digits")),
            caller_id=parse_text(first("caller_id", "from")),
            date_created=parse_time(first("date_created")),
            start_time=parse_time(first("start_time")),
            end_time=parse_time(first("end_time")),
            price=parse_text(first("price")),
            recording_url=parse_text(first("recording_url")),
        )


@dataclass(frozen=True)
class CallPage(StoredRedacted):
    """A page of the call attempts of a campaign.

    :param records: the call attempts, in order of time.
    :param next_offset: the offset of the next page.
    :param total: number of all call attempts, ``None`` if the answer does not say.
    """

    records: tuple[CallRecord, ...]
    next_offset: int
    total: int | None = None


def _readable(model: type[M], value: object) -> M | None:
    if not isinstance(value, Mapping):
        return None
    try:
        return model(**{name: value.get(name) for name in model.model_fields})
    except ExotelInputError:
        return None


def _unquoted(value: object) -> str | None:
    # The service's webhooks are known to put pressed keys in quotes; whether call details do is not documented.
    return (parse_text(value) or "").strip(" \t'\"") or None


def _call_status(word: str) -> str:
    return _CALL_STATUSES.get(fold_status(word)) or fold(word)
