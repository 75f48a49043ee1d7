"""The plan of a fleet: which campaigns call an audience, when they are done, and what it is known again by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any

from airflow_provider_exotel.audience.capacity import Chunk as Contacts
from airflow_provider_exotel.audience.capacity import Share, share_capacity
from airflow_provider_exotel.audience.chunks import Chunk
from airflow_provider_exotel.audience.hours import EVERYBODY, Hours
from airflow_provider_exotel.audience.split import AudienceSummary
from airflow_provider_exotel.client.request import MAX_NUMBERS, CallRetries
from airflow_provider_exotel.create.dry_run import ACCOUNT_CALLS_PER_MINUTE
from airflow_provider_exotel.windows.calling_window import Window
from airflow_provider_exotel.windows.common_window import window_of

CHUNKS = "chunks"
"""The folder, in that of the plan, of the files with the numbers."""
_ID_LENGTH = 16
# A look for the campaign and its creation; a list is looked for twice, sent, asked about, and counted.
_REQUESTS = {"campaign": 2, "list": 5}
_LATE = (
    "with all retries this may take more than one window. What is left when one closes is called in the next only "
    "where the campaign is told to go on, with on_window_end='resume'."
)
_TOO_LONG = (
    "with all retries this takes longer than the 30 days a campaign lives, so some people will not be tried. Split "
    "them over several plans, or raise calls_per_minute."
)


@dataclass(frozen=True)
class Order:
    """What the campaigns of a fleet have in common.

    :param name: what their names begin with.
    :param call_retries: the retry plan.
    :param read_via_text: the text to be read out, where there is no flow.
    :param variables: the variables of a dynamic campaign; with any, the campaigns are dynamic.
    :param calls_per_minute: what the account may dial.
    :param concurrency: calls the account may have at once; ``None`` if that is not the limit.
    :param call_length: how long a call holds one of them, ringing included.
    """

    name: str
    call_retries: CallRetries | None = None
    read_via_text: str | None = None
    variables: tuple[str, ...] = ()
    calls_per_minute: int = ACCOUNT_CALLS_PER_MINUTE
    concurrency: int | None = None
    call_length: timedelta = timedelta(minutes=1)

    @property
    def campaign_type(self) -> str:
        """What Exotel's create-campaign page calls their type."""
        return "dynamic" if self.variables else "static"


@dataclass(frozen=True)
class PlannedCampaign:
    """One campaign to be.

    :param name: its name.
    :param key: what its people have in common, such as a group of time zones.
    :param chunks: the files of its numbers.
    :param is_inline: whether its numbers go into the request; else each file becomes a list of contacts.
    :param window: when it may dial, as plain JSON.
    :param share: how fast it dials and when it is done.
    """

    name: str
    key: str
    chunks: tuple[Chunk, ...]
    is_inline: bool
    window: Any
    share: Share

    @property
    def contacts(self) -> int:
        """How many people it calls."""
        return sum(chunk.rows for chunk in self.chunks)

    @property
    def lists(self) -> int:
        """How many lists of contacts it takes."""
        return 0 if self.is_inline else len(self.chunks)

    @property
    def open(self) -> Window:
        """When it may dial."""
        return window_of(self.window)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, without numbers."""
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
            "windows": share.days,
            "fits": share.fits,
        }


@dataclass(frozen=True)
class FleetPlan:
    """Who of an audience is called by which campaign, when and how fast.

    :param order: what the campaigns have in common.
    :param summary: what became of the audience.
    :param campaigns: the campaigns.
    :param remarks: what was found while it was made.
    """

    order: Order
    summary: AudienceSummary
    campaigns: tuple[PlannedCampaign, ...]
    remarks: tuple[str, ...] = field(default=())

    @cached_property
    def id(self) -> str:
        """The digest of audience and settings: the same people, called in the same way, are the same plan.

        The digests of the files are made under a secret, so nobody can be found out by trying numbers.
        """
        order = self.order
        told = [
            [order.name, order.campaign_type, order.read_via_text, _retries(order.call_retries), list(order.variables)],
            [
                [one.name, one.window, one.share.throttle, [chunk.digest for chunk in one.chunks]]
                for one in self.campaigns
            ],
        ]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:_ID_LENGTH]

    @property
    def lists(self) -> int:
        """How many lists of contacts it takes."""
        return sum(one.lists for one in self.campaigns)

    @property
    def requests(self) -> int:
        """How many requests it takes at least, those of waiting for imports and campaigns aside."""
        return _REQUESTS["campaign"] * len(self.campaigns) + _REQUESTS["list"] * self.lists

    @property
    def earliest_finish(self) -> datetime | None:
        """When all is done if everybody is reached at once; ``None`` for nobody to call, or more than a year."""
        return _latest(one.share.earliest_finish for one in self.campaigns)

    @property
    def latest_finish(self) -> datetime | None:
        """When all is done if nobody is reached and every call is made again; ``None`` as above."""
        return _latest(one.share.latest_finish for one in self.campaigns)

    @property
    def fits(self) -> bool:
        """Whether every campaign is done inside its first window, whoever is reached."""
        return all(one.share.fits for one in self.campaigns)

    @property
    def warnings(self) -> list[str]:
        """What to look at before anybody is called, in plain words."""
        long = [one.name for one in self.campaigns if one.share.outlives_campaign]
        late = [one.name for one in self.campaigns if not one.share.fits and not one.share.outlives_campaign]
        return [
            *self.remarks,
            *(f"{_list(names)} {said}" for names, said in ((long, _TOO_LONG), (late, _LATE)) if names),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON, without numbers."""
        summary = self.summary
        return {
            "id": self.id,
            "name": self.order.name,
            "rows": summary.rows,
            "accepted": summary.accepted,
            "duplicates": summary.duplicates,
            "rejected": summary.rejected,
            "suppressed": {name: one.suppressed for name, one in summary.suppressions.items()},
            "zones": summary.keys,
            "campaigns": [one.as_json() for one in self.campaigns],
            "lists": self.lists,
            "requests": self.requests,
            "earliest_finish": _text(self.earliest_finish),
            "latest_finish": _text(self.latest_finish),
            "fits": self.fits,
            "warnings": self.warnings,
        }

    def arguments(self, folder: str, run: str) -> list[dict[str, Any]]:
        """Return for each campaign the keyword arguments of the task that creates it, without numbers.

        ``lists`` are paths of files where lists are still to be made of them.

        :param folder: the address of the plan's folder.
        :param run: what tells the run apart from every other: another run's campaign is another one.
        """
        return [self._arguments(one, folder, run) for one in self.campaigns]

    def _arguments(self, one: PlannedCampaign, folder: str, run: str) -> dict[str, Any]:
        paths = [f"{folder.rstrip('/')}/{CHUNKS}/{chunk.name}" for chunk in one.chunks]
        own = json.dumps([self.id, run, one.key, [chunk.digest for chunk in one.chunks]])
        given = {
            "name": one.name,
            "numbers_from" if one.is_inline else "lists": paths[0] if one.is_inline else paths,
            "campaign_type": self.order.campaign_type,
            "window": one.window,
            "mode": "custom",
            "throttle": one.share.throttle,
            "idempotency_key": f"{self.id}-{hashlib.sha256(own.encode()).hexdigest()[:_ID_LENGTH]}",
            "call_retries": _retries(self.order.call_retries),
            "read_via_text": self.order.read_via_text,
        }
        return {name: value for name, value in given.items() if value is not None}


def plan_fleet(
    summary: AudienceSummary, hours: Hours, order: Order, anchor: datetime, remarks: Iterable[str] = ()
) -> FleetPlan:
    """Return the plan of an audience that is split.

    :param summary: what became of the audience.
    :param hours: when whom may be called.
    :param order: what the campaigns have in common.
    :param anchor: the moment the run stands for, aware.
    :param remarks: what was found on the way here.
    :raises ExotelInputError: if the account cannot dial so many campaigns at once, or a window never has room.
    """
    grouped = [
        (key, tuple(chunks)) for (key, _), chunks in groupby(summary.chunks, lambda chunk: (chunk.key, chunk.campaign))
    ]
    if not grouped:
        return FleetPlan(order, summary, (), tuple(remarks))
    shares = share_capacity(
        [Contacts(sum(chunk.rows for chunk in chunks), window_of(hours.windows[key])) for key, chunks in grouped],
        anchor,
        calls_per_minute=order.calls_per_minute,
        concurrency=order.concurrency,
        call_length=order.call_length,
        call_retries=order.call_retries,
    )
    names = _names(order.name, [key for key, _ in grouped])
    campaigns = (
        PlannedCampaign(name, key, chunks, _fits_inline(chunks, order), hours.windows[key], share)
        for name, (key, chunks), share in zip(names, grouped, shares, strict=True)
    )
    return FleetPlan(order, summary, tuple(campaigns), tuple(remarks))


def _fits_inline(chunks: tuple[Chunk, ...], order: Order) -> bool:
    return not order.variables and len(chunks) == 1 and chunks[0].rows <= MAX_NUMBERS


def _names(begin: str, keys: list[str]) -> list[str]:
    """Return a name for each campaign: with its group, and with its number where a group has several."""
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
