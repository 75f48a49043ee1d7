"""The audience plan: its campaigns, when they finish, and its id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any

from airflow_provider_exotel.audience.capacity import CallVolume, Fit, Share, share_capacity
from airflow_provider_exotel.audience.chunks import Chunk
from airflow_provider_exotel.audience.hours import EVERYBODY, Hours
from airflow_provider_exotel.audience.plan_request import PlanSettings
from airflow_provider_exotel.audience.split import AudienceSummary
from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.request import MAX_NUMBERS, CallRetries
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.create.cost import CostEstimate, Tariff, check_max_cost
from airflow_provider_exotel.create.identity import planned_key
from airflow_provider_exotel.html.render import quantity
from airflow_provider_exotel.windows.calling_window import Window
from airflow_provider_exotel.windows.common_window import window_of

CHUNKS = "chunks"
"""Subfolder of the plan's folder for the files with numbers."""
_ID_LENGTH = 16
# A campaign takes a lookup and a create; a list takes two lookups, an upload, a poll and a count.
_REQUESTS = {"campaign": 2, "list": 5}
_TOO_LONG = (
    "with all retries this takes longer than a campaign's 30 days, so some contacts will not be called. Split them "
    "into several plans, or raise calls_per_minute."
)
_LEFT_OVER = (
    "Uncalled contacts are called in the next window only by campaigns with on_window_end='resume' and "
    "wait_for_completion=True."
)


@dataclass(frozen=True)
class PlannedCampaign:
    """A campaign of a plan.

    :param name: its name.
    :param key: the group of its contacts, such as a group of time zones.
    :param chunks: the files with its numbers.
    :param is_inline: whether its numbers are sent in the request; otherwise each file becomes a contact list.
    :param window: its calling hours, as plain JSON.
    :param share: its throttle and duration.
    """

    name: str
    key: str
    chunks: tuple[Chunk, ...]
    is_inline: bool
    window: Any
    share: Share

    @property
    def contacts(self) -> int:
        """Number of its contacts."""
        return sum(chunk.rows for chunk in self.chunks)

    @property
    def lists(self) -> int:
        """Number of its contact lists."""
        return 0 if self.is_inline else len(self.chunks)

    @property
    def open(self) -> Window:
        """Its calling hours."""
        return window_of(self.window)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, without phone numbers."""
        share = self.share
        return {
            "name": self.name,
            "zone": self.key,
            "contacts": self.contacts,
            "lists": self.lists,
            "throttle": share.throttle,
            "send_at": _text(share.send_at),
            "end_at": _text(share.end_at),
            "earliest_finish": _text(share.earliest_finish),
            "latest_finish": _text(share.latest_finish),
            "windows": share.windows,
            "fits": share.fits,
        }


@dataclass(frozen=True)
class AudiencePlan:
    """The plan of an audience as campaigns.

    :param settings: the common settings of the campaigns.
    :param summary: the summary of the audience.
    :param campaigns: the campaigns.
    :param remarks: warnings found while planning.
    :param tariff: the price per minute; ``None`` if unknown.
    """

    settings: PlanSettings
    summary: AudienceSummary
    campaigns: tuple[PlannedCampaign, ...]
    remarks: tuple[str, ...] = field(default=())
    tariff: Tariff | None = None

    @cached_property
    def id(self) -> str:
        """The digest of audience and settings, equal for the same contacts called in the same way.

        The digests of the files are keyed, so numbers cannot be brute-forced.
        """
        settings = self.settings
        content = [
            [
                settings.name,
                settings.campaign_type,
                settings.read_via_text,
                _retries(settings.call_retries),
                list(settings.variables),
            ],
            [
                [one.name, one.window, one.share.throttle, [chunk.digest for chunk in one.chunks]]
                for one in self.campaigns
            ],
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_ID_LENGTH]

    @property
    def lists(self) -> int:
        """Number of contact lists."""
        return sum(one.lists for one in self.campaigns)

    @property
    def requests(self) -> int:
        """Minimum number of requests, without polling imports and campaigns."""
        return _REQUESTS["campaign"] * len(self.campaigns) + _REQUESTS["list"] * self.lists

    @property
    def earliest_finish(self) -> datetime | None:
        """The finish if everybody answers the first call; ``None`` without contacts, or after more than a year."""
        return _latest(one.share.earliest_finish for one in self.campaigns)

    @property
    def latest_finish(self) -> datetime | None:
        """The finish with all retries; ``None`` without contacts, or after more than a year."""
        return _latest(one.share.latest_finish for one in self.campaigns)

    @property
    def fits(self) -> bool:
        """Whether every campaign finishes inside its first window with all retries."""
        return all(one.share.fits for one in self.campaigns)

    @property
    def fit(self) -> Fit | None:
        """The fit into one window; ``None`` without contacts."""
        return Fit.of([one.share for one in self.campaigns]) if self.campaigns else None

    @property
    def cost(self) -> CostEstimate | None:
        """The estimated cost; ``None`` if the price is unknown."""
        if self.tariff is None:
            return None
        return self.tariff.estimate(sum(one.contacts for one in self.campaigns), self.settings.call_retries)

    @property
    def left_out(self) -> list[str]:
        """The reasons why rows are not called, each as a phrase with its count."""
        summary = self.summary
        return [
            *(f"{count:,} rejected ({Reason(reason).explanation})" for reason, count in summary.rejected.items()),
            *(
                f"{one.suppressed:,} suppressed by {name}"
                for name, one in summary.suppressions.items()
                if one.suppressed
            ),
            *([quantity(summary.duplicates, "duplicate")] if summary.duplicates else []),
        ]

    @property
    def description(self) -> str:
        """A short description for a log."""
        summary, why = self.summary, "; ".join(self.left_out)
        if not self.campaigns:
            rows = f"{quantity(summary.rows, 'row')}, {why}" if why else "there are no rows"
            return f"Plan {self.id} calls nobody: {rows}."
        by = f"{quantity(len(self.campaigns), 'campaign')} and {quantity(self.lists, 'list')}"
        left_out = f"; left out: {why}" if why else ""
        cost = f" It may cost {self.cost}." if self.cost else ""
        calls = f"Plan {self.id} calls {summary.accepted:,} of {summary.rows:,} rows by {by}{left_out}."
        return f"{calls} {self.fit}{cost}"

    @property
    def warnings(self) -> list[str]:
        """Warnings to check before anybody is called."""
        long = [one.name for one in self.campaigns if one.share.outlives_campaign]
        return [
            *self.remarks,
            *(
                f"suppress.{name}: {one.unreadable:,} of {one.rows:,} rows could not be compared (allow_unreadable), "
                "so people in them may be called."
                for name, one in self.summary.suppressions.items()
                if one.unreadable
            ),
            *(
                f"variables.{name}: empty for {quantity(count, 'person', 'people')}; they hear nothing in its place."
                for name, count in self.summary.empty_variables.items()
            ),
            *([f"{_list(long)} {_TOO_LONG}"] if long else []),
            *([f"{self.fit} {_LEFT_OVER}"] if not self.fits else []),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON, without phone numbers."""
        summary = self.summary
        return {
            "id": self.id,
            "name": self.settings.name,
            "rows": summary.rows,
            "accepted": summary.accepted,
            "duplicates": summary.duplicates,
            "rejected": summary.rejected,
            "suppressed": {name: one.suppressed for name, one in summary.suppressions.items()},
            "unreadable": {name: one.unreadable for name, one in summary.suppressions.items() if one.unreadable},
            "zones": summary.keys,
            "empty_variables": summary.empty_variables,
            "campaigns": [one.as_json() for one in self.campaigns],
            "lists": self.lists,
            "requests": self.requests,
            "earliest_finish": _text(self.earliest_finish),
            "latest_finish": _text(self.latest_finish),
            "cost": self.cost.as_json() if self.cost else None,
            "fits": self.fits,
            "fit": None if self.fit is None else {**asdict(self.fit), "description": str(self.fit)},
            "description": self.description,
            "warnings": self.warnings,
        }

    def arguments(self, folder: str, occasion: str) -> list[dict[str, Any]]:
        """Return the keyword arguments of each campaign's task, without phone numbers.

        ``lists`` are paths of files that still have to be uploaded as lists.

        :param folder: the address of the plan's folder.
        :param occasion: 16 hex digits for the task and date that plan, so that another date has other campaigns.
        """
        return [self._arguments(one, folder, occasion) for one in self.campaigns]

    def _arguments(self, one: PlannedCampaign, folder: str, occasion: str) -> dict[str, Any]:
        paths = [f"{folder.rstrip('/')}/{CHUNKS}/{chunk.name}" for chunk in one.chunks]
        # Never the index: people of another plan would take over the campaigns of this one.
        own = json.dumps([self.id, one.key, [chunk.digest for chunk in one.chunks]])
        given = {
            "name": one.name,
            "numbers_from" if one.is_inline else "lists": paths[0] if one.is_inline else paths,
            "campaign_type": self.settings.campaign_type,
            "window": one.window,
            "mode": "custom",
            "throttle": one.share.throttle,
            "idempotency_key": planned_key(occasion, hashlib.sha256(own.encode()).hexdigest()[:_ID_LENGTH]),
            "call_retries": _retries(self.settings.call_retries),
            "read_via_text": self.settings.read_via_text,
            # Another plan of the same day may contain the same contacts.
            "on_same_audience": "fail",
        }
        return {name: value for name, value in given.items() if value is not None}


def plan_audience(
    summary: AudienceSummary,
    hours: Hours,
    settings: PlanSettings,
    anchor: datetime,
    remarks: Iterable[str] = (),
    tariff: Tariff | None = None,
) -> AudiencePlan:
    """Return the plan of a split audience.

    :param summary: the summary of the audience.
    :param hours: its calling hours.
    :param settings: the common settings of the campaigns.
    :param anchor: the time that the run stands for, timezone-aware.
    :param remarks: warnings found earlier.
    :param tariff: the price per minute; ``None`` if unknown.
    :raises ExotelInputError: if the account's limit is too low for so many campaigns, no window is long enough, or the
        plan exceeds ``max_windows`` or ``max_cost``.
    """
    grouped = [
        (key, tuple(chunks)) for (key, _), chunks in groupby(summary.chunks, lambda chunk: (chunk.key, chunk.campaign))
    ]
    if not grouped:
        return AudiencePlan(settings, summary, (), tuple(remarks), tariff)
    shares = share_capacity(
        [CallVolume(sum(chunk.rows for chunk in chunks), window_of(hours.windows[key])) for key, chunks in grouped],
        anchor,
        calls_per_minute=settings.calls_per_minute,
        concurrency=settings.concurrency,
        call_length=settings.call_length,
        call_retries=settings.call_retries,
    )
    names = _names(settings.name, [key for key, _ in grouped])
    campaigns = (
        PlannedCampaign(name, key, chunks, _fits_inline(chunks, settings), hours.windows[key], share)
        for name, (key, chunks), share in zip(names, grouped, shares, strict=True)
    )
    plan = AudiencePlan(settings, summary, tuple(campaigns), tuple(remarks), tariff)
    if (wrong := check_max_cost(settings.max_cost, plan.cost, tariff)) is not None:
        raise ExotelInputError([Problem("max_cost", wrong)])
    _check_windows(plan.fit, settings.max_windows)
    return plan


def _check_windows(fit: Fit | None, max_windows: int | None) -> None:
    if fit is None or max_windows is None or (fit.windows is not None and fit.windows <= max_windows):
        return
    needed = "more than a year of windows" if fit.windows is None else f"{fit.windows:,} windows"
    message = (
        f"must be at least {needed}, which the plan needs with all retries (got {max_windows:,}). {fit} "
        "Raise calls_per_minute or max_windows, or call fewer contacts"
    )
    raise ExotelInputError([Problem("max_windows", message)])


def _fits_inline(chunks: tuple[Chunk, ...], settings: PlanSettings) -> bool:
    return not settings.variables and len(chunks) == 1 and chunks[0].rows <= MAX_NUMBERS


def _names(begin: str, keys: list[str]) -> list[str]:
    """Return the name of each campaign: with its group, and with an index if a group has several."""
    named, seen = [], dict.fromkeys(keys, 0)
    for key in keys:
        seen[key] += 1
        number = [str(seen[key])] if keys.count(key) > 1 else []
        named.append(" ".join([begin, *([] if key == EVERYBODY else [key]), *number]))
    return named


def _list(names: list[str], shown: int = 10) -> str:
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return f"{', '.join(names[:shown])}{more}:"


def _retries(retries: CallRetries | None) -> Mapping[str, Any] | None:
    return None if retries is None else retries.model_dump(mode="json", exclude_none=True)


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    known = list(moments)
    return max((moment for moment in known if moment), default=None) if all(known) else None


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
