"""What comes from the service: campaigns and calls, in every dialect, as one shape.

Every field but a campaign's id may be missing; counts that are missing are 0; words that are not known are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, Self, TypeVar

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.fields import Model, fold
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.request import CallRetries, Schedule

M = TypeVar("M", bound=Model)

# Dates without an offset appear in v1-style answers; the service's home is India.
_INDIA = timezone(timedelta(hours=5, minutes=30))
_YEARS = range(2000, 2100)


class CampaignStatus(StrEnum):
    """Where a campaign is in its life (Exotel, campaign status values)."""

    CREATED = "created"
    IN_PROGRESS = "in-progress"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    DELETED = "deleted"
    ARCHIVED = "archived"
    UNKNOWN = "unknown"
    """A word this version does not know; it never ends a wait. The word itself is ``Campaign.status_text``."""

    @classmethod
    def of(cls, text: object) -> CampaignStatus:
        """Fold the spellings of the service: case, dashes, underscores, spaces, and both forms of canceled."""
        return _STATUSES.get(_folded(text).replace("cancelled", "canceled"), cls.UNKNOWN)

    @property
    def has_ended(self) -> bool:
        """Whether no call follows any more."""
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


def _folded(text: object) -> str:
    return "".join(character for character in str(text or "").lower() if character not in "-_ ")


_STATUSES = {_folded(status): status for status in CampaignStatus}
_ENDS = {_folded(end): end for end in ("completed", "busy", "no-answer", "failed")}


@dataclass(frozen=True)
class CampaignStats:
    """Contacts by where they stand. Kinds overlap in some dialects: never add them all up for a total."""

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
    """Counts under names this version does not know."""
    given: frozenset[str] = field(default=frozenset(), compare=False)
    """Under which names the service gave a count, 0 or not: what it counts together shows in what it leaves out."""

    @classmethod
    def of(cls, counts: Mapping[str, Any] | None) -> Self:
        """Read the service's counts, whichever way their names are spelled."""
        known = cls.__dataclass_fields__.keys() - {"other", "given"}
        read = {str(name).replace("-", "_").lower(): _count(value) for name, value in (counts or {}).items()}
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
class Campaign:
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
    """The numbers, where the service echoes them."""
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
        :param summary: the object that stands beside it in one dialect and inside it in another.
        """
        schedule, lists = _mapping(data.get("schedule")), data.get("lists")
        return cls(
            id=str(data["id"]),
            status=CampaignStatus.of(data.get("status")),
            status_text=_text(data.get("status")) or "",
            name=_text(data.get("name")) or "",
            account_sid=_text(data.get("account_sid")),
            caller_id=_text(data.get("caller_id")),
            campaign_type=_text(data.get("campaign_type")),
            type=_text(data.get("type")),
            url=_text(data.get("url")),
            numbers=_numbers(data.get("from")),
            lists=tuple(map(str, lists)) if isinstance(lists, list) and lists else None,
            call_duplicate_numbers=_flag(data.get("call_duplicate_numbers")),
            retries=_readable(CallRetries, data.get("retries")),
            schedule=_readable(Schedule, {name: read_moment(schedule.get(name)) for name in ("send_at", "end_at")})
            or Schedule(),
            stats=CampaignStats.of(_mapping(data.get("stats"))),
            summary=dict(summary or _mapping(data.get("summary"))),
            date_created=read_moment(data.get("date_created")),
            date_updated=read_moment(data.get("date_updated")),
            date_started=read_moment(data.get("date_started")),
            report_url=_text(data.get("report_url") or data.get("reports")),
            custom_field=_text(data.get("custom_field")),
        )


@dataclass(frozen=True)
class CallRecord:
    """One attempt to call one contact (Exotel, call details of a campaign)."""

    call_sid: str | None
    status: str
    number: str = field(repr=False)
    """The contact's number, in clear; it is left out of the record's text."""
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
        """Read one record, whichever names its fields go by."""

        def first(*names: str) -> Any:
            return next((data[name] for name in names if data.get(name) not in (None, "")), None)

        return cls(
            call_sid=_text(first("call_sid", "sid")),
            status=_how_it_ended(_text(first("status")) or ""),
            number=_text(first("number", "to")) or "",
            contact_name=_text(first("name")),
            attempt=_whole(first("attempt_number", "attempt")),
            duration_seconds=_whole(first("duration")),
            digit=_text(first("digit", "digits")),
            caller_id=_text(first("caller_id", "from")),
            date_created=read_moment(first("date_created")),
            start_time=read_moment(first("start_time")),
            end_time=read_moment(first("end_time")),
            price=_text(first("price")),
            recording_url=_text(first("recording_url")),
        )


@dataclass(frozen=True)
class CallPage:
    """A page of the attempts of a campaign.

    :param records: the attempts, in order of time.
    :param next_offset: where the next page begins.
    :param total: how many attempts the service says there are, ``None`` where it does not.
    """

    records: tuple[CallRecord, ...]
    next_offset: int
    total: int | None = None


def read_moment(value: object) -> datetime | None:
    """Return a time of an answer with its offset (India's where it has none), or ``None`` if it tells none.

    One that was never set is written as the year 1, 1970 or 9999.
    """
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if moment.year not in _YEARS:
        return None
    return moment if moment.utcoffset() is not None else moment.replace(tzinfo=_INDIA)


def _readable(model: type[M], value: object) -> M | None:
    if not isinstance(value, Mapping):
        return None
    try:
        return model(**{name: value.get(name) for name in model.model_fields})
    except ExotelInputError:
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _numbers(value: object) -> PhoneNumbers | None:
    try:
        return PhoneNumbers.of(value) if value else None
    except TypeError:
        return None


def _how_it_ended(word: str) -> str:
    return _ENDS.get(_folded(word)) or fold(word)


def _text(value: object) -> str | None:
    # Half a character, as is left where a name is cut within an emoji, can be written nowhere.
    return None if value is None else str(value).encode(errors="replace").decode()


def _flag(value: object) -> bool | None:
    return {"true": True, "false": False}.get(str(value).lower())


def _count(value: object) -> int:
    return _whole(value) or 0


def _whole(value: object) -> int | None:
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return None
