"""One poller per connection in a triggerer, shared by all triggers that wait for campaigns of its account.

A sweep takes one list request per 500 campaigns (:mod:`airflow_provider_exotel.waiting.sweep`). A synchronous client
in the poller's own thread makes it, so that the event loop is never blocked. The requests of a sweep are spread over
the interval, up to a minute: Airflow resumes some hundreds of tasks per second, so a fleet that ends at once is resumed
sooner if it is seen in parts. Failed sweeps are logged and repeated; waits end by the clock in any case. Pauses of
campaigns whose tasks were ended (:mod:`airflow_provider_exotel.triggers.stopping`) take precedence over polls: both
share the account's rate limit.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar, cast
from weakref import WeakKeyDictionary

from airflow_provider_exotel.client.errors import ExotelAuthError, ExotelError, ExotelRateLimited
from airflow_provider_exotel.hooks.exotel import client_of
from airflow_provider_exotel.hooks.metrics import count, gauge_waiting
from airflow_provider_exotel.triggers.settings import PerLoop, settings_of, utc_now, within
from airflow_provider_exotel.triggers.stopping import stopper_of
from airflow_provider_exotel.waiting.sweep import SweepResult, pages_of, sweep_by_page

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import CallStatus, ExotelClient
    from airflow_provider_exotel.client.models import CallPage, Campaign, CampaignStatus

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
_MAX_WAIT_FOR_PAUSES = 60.0
"""Maximum time, in seconds, for which polls wait for pauses: tasks wait for the polls."""
_MAX_SPREAD = 60.0
"""Maximum time, in seconds, over which the requests of a sweep are spread: new subscriptions wait for its end."""
_NOTIFIED_PER_PASS = 50
"""Triggers notified in one pass of the event loop, so that thousands do not block it."""


@dataclass(eq=False)
class Subscription:
    """The campaigns that one trigger waits for.

    :param campaigns: ids, with the time from which each is polled.
    :param interval: seconds between two polls.
    :param unseen: ids of campaigns to poll once immediately.
    :param moved: called when the polling time of a campaign has changed.
    """

    campaigns: dict[str, datetime]
    interval: float
    unseen: set[str]
    moved: Callable[[Subscription], None]
    news: asyncio.Queue[Mapping[str, Campaign | None]] = field(default_factory=asyncio.Queue)

    def due(self, now: datetime) -> Iterable[str]:
        """Return the campaigns to poll now."""
        return [one for one, not_before in self.campaigns.items() if not_before <= now or one in self.unseen]

    def move(self, campaign_id: str, not_before: datetime) -> None:
        """Poll a campaign from another time on, since somebody may have changed its schedule."""
        if self.campaigns[campaign_id] != not_before:
            self.campaigns[campaign_id] = not_before
            self.moved(self)

    def forget(self, campaign_id: str) -> None:
        """Stop polling a campaign."""
        self.campaigns.pop(campaign_id, None)
        self.unseen.discard(campaign_id)

    def take(self, seen: Mapping[str, Campaign | None]) -> None:
        """Queue the results of a sweep for the trigger."""
        news = {campaign_id: seen[campaign_id] for campaign_id in self.campaigns if campaign_id in seen}
        if news:
            self.unseen -= news.keys()
            self.news.put_nowait(news)


class AccountPoller:
    """Polls the campaigns of one connection for all triggers of this process.

    :param exotel_conn_id: the connection.
    :param connect: makes a client; called again after the service has refused its credentials.
    :param now: returns the current time.
    :param turn: event that is set while no pause is pending.
    """

    def __init__(
        self,
        exotel_conn_id: str,
        connect: Callable[[], Awaitable[ExotelClient]],
        now: Callable[[], datetime],
        turn: threading.Event,
    ) -> None:
        self._exotel_conn_id, self._connect, self._now, self._turn = exotel_conn_id, connect, now, turn
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="exotel-poller")
        self._client: ExotelClient | None = None
        self._only_active = False
        # In the order of subscription, so that triggers are notified in the order in which they started to wait.
        self._subscriptions: dict[Subscription, None] = {}
        self._next_sweep: datetime | None = None
        self._swept_at: datetime | None = None
        self._paused = timedelta()
        self._wake_up = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._failed_in_a_row = 0

    def subscribe(self, campaigns: Mapping[str, datetime], interval: float) -> Subscription:
        """Poll campaigns once as soon as possible, and then regularly from their times on.

        :param campaigns: ids, with the time from which each is polled regularly.
        :param interval: seconds between two polls; the shortest of all subscriptions is used.
        """
        subscription = Subscription(dict(campaigns), interval, set(campaigns), self._sweep_sooner_for)
        self._subscriptions[subscription] = None
        self._sweep_sooner_for(subscription)
        if self._loop is None or self._loop.done():
            # In its own context: its log lines belong to no single trigger.
            self._loop = asyncio.get_running_loop().create_task(self._run(), context=Context())
        return subscription

    def _sweep_sooner_for(self, subscription: Subscription) -> None:
        wanted = self._not_before([subscription], subscription.interval)
        if wanted is not None and (self._next_sweep is None or wanted < self._next_sweep):
            self._next_sweep = wanted
            self._wake_up.set()

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop polling the campaigns of a subscription."""
        self._subscriptions.pop(subscription, None)
        if not self._subscriptions:
            self._wake_up.set()

    async def with_client(self, function: Callable[[ExotelClient], Answer]) -> Answer:
        """Call a function with the account's client in the poller's thread, and return its result.

        :param function: the function.
        :raises ExotelError: the client's errors; if the credentials are refused, the next call gets a new client.
        """
        client = await self._connected()
        return await self._in_thread(lambda: function(cast("ExotelClient", _ClientAfterPauses(client, self._turn))))

    async def _connected(self) -> ExotelClient:
        if self._client is None:
            self._client = await self._connect()
        return self._client

    async def _in_thread(self, request: Callable[[], Answer]) -> Answer:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, request)
        except ExotelAuthError:
            self._client = None
            raise

    async def _run(self) -> None:
        try:
            while self._subscriptions:
                self._wake_up.clear()
                if self._next_sweep is not None and self._next_sweep <= self._now():
                    await self._sweep()
                    continue
                await within(self._seconds_to_next_sweep(), self._wake_up.wait())
        finally:
            self._next_sweep = None
            gauge_waiting(0, self._exotel_conn_id)

    def _seconds_to_next_sweep(self) -> float | None:
        """Return the seconds until the next sweep, limited because a clock may jump while a machine sleeps."""
        if self._next_sweep is None:
            return None
        return min(self._interval(), (self._next_sweep - self._now()).total_seconds())

    async def _sweep(self) -> None:
        started = self._now()
        wanted = sorted({campaign_id for one in self._subscriptions for campaign_id in one.due(started)})
        try:
            async for page in self._pages(wanted):
                self._only_active = page.only_active
                await self._notify(page.campaigns)
        except Exception as error:  # waits end by the clock, never by a failed sweep
            self._failed_in_a_row += 1
            detail = str(error) if isinstance(error, ExotelError) else type(error).__name__
            log.warning("Polling failed %d times in a row: %s", self._failed_in_a_row, detail)
            count("sweep_failures", self._exotel_conn_id)
            if isinstance(error, ExotelRateLimited):
                count("rate_limited", self._exotel_conn_id)
        else:
            self._failed_in_a_row = 0
            count("sweeps", self._exotel_conn_id)
        gauge_waiting(len({name for one in self._subscriptions for name in one.campaigns}), self._exotel_conn_id)
        self._swept_at = self._now() - self._paused
        if self._subscriptions:
            # With jitter, so that several triggerers do not poll in step.
            interval = self._interval() * random.uniform(0.9, 1.1)  # noqa: S311
            self._next_sweep = self._not_before(self._subscriptions, interval)

    async def _pages(self, wanted: Sequence[str]) -> AsyncIterator[SweepResult]:
        """Yield the result of each request of a sweep; a long list is read over a minute at most."""
        self._paused = timedelta()
        expected = pages_of(len(wanted)) - 1
        pause = min(self._interval(), _MAX_SPREAD) / (1 + expected)
        pages = sweep_by_page(await self._connected(), wanted, only_active=self._only_active)
        while (page := await self._in_thread(partial(self._next_page, pages))) is not None:
            yield page
            if expected > 0 and self._subscriptions:
                expected -= 1
                self._paused += timedelta(seconds=pause)
                await asyncio.sleep(pause)

    def _next_page(self, pages: Iterator[SweepResult]) -> SweepResult | None:
        self._turn.wait(_MAX_WAIT_FOR_PAUSES)
        return next(pages, None)

    async def _notify(self, seen: Mapping[str, Campaign | None]) -> None:
        waiting = iter(list(self._subscriptions))
        while batch := list(islice(waiting, _NOTIFIED_PER_PASS)):
            for one in batch:
                one.take(seen)
            await asyncio.sleep(0)

    def _interval(self) -> float:
        return min(one.interval for one in self._subscriptions)

    def _not_before(self, subscriptions: Iterable[Subscription], interval: float) -> datetime | None:
        moments = (self._now() if one.unseen else min(one.campaigns.values()) for one in subscriptions if one.campaigns)
        earliest = min(moments, default=None)
        if earliest is None or self._swept_at is None:
            return earliest
        return max(earliest, self._swept_at + timedelta(seconds=interval))


class _ClientAfterPauses:
    """A view of the account's client whose requests wait for pending pauses.

    :param client: the account's client.
    :param turn: event that is set while no pause is pending.
    """

    def __init__(self, client: ExotelClient, turn: threading.Event) -> None:
        self._client, self._turn = client, turn
        self._latest = time.monotonic() + _MAX_WAIT_FOR_PAUSES

    def get_campaign(self, campaign_id: str) -> Campaign:
        self._wait()
        return self._client.get_campaign(campaign_id)

    def list_campaigns(
        self, *, status: Iterable[CampaignStatus] | None = None, most: int | None = None
    ) -> Iterator[Campaign]:
        self._wait()
        for campaign in self._client.list_campaigns(status=status, most=most):
            yield campaign
            self._wait()  # the next campaign may be on the next page

    def call_details_pages(
        self, campaign_id: str, *, page_size: int, status: Iterable[CallStatus] | None = None
    ) -> Iterator[CallPage]:
        self._wait()
        yield from self._client.call_details_pages(campaign_id, page_size=page_size, status=status)

    def _wait(self) -> None:
        if not self._turn.is_set():
            self._turn.wait(max(0.0, self._latest - time.monotonic()))


_pollers: PerLoop = WeakKeyDictionary()


async def poller_of(exotel_conn_id: str) -> AccountPoller:
    """Return this triggerer's poller for a connection.

    :param exotel_conn_id: the connection.
    """
    settings = await settings_of(exotel_conn_id)
    account = (settings.host, settings.account_sid)

    async def connect() -> ExotelClient:
        fresh = await settings_of(exotel_conn_id, anew=True)
        if (fresh.host, fresh.account_sid) != account:
            raise ExotelAuthError(f"connection {exotel_conn_id} has another account than when the task was deferred")
        return await asyncio.to_thread(client_of, fresh)

    pollers = _pollers.setdefault(asyncio.get_running_loop(), {})
    # By connection too: refused credentials of one connection must not block the tasks of another.
    key = (exotel_conn_id, *account)
    if key not in pollers:
        pollers[key] = AccountPoller(exotel_conn_id, connect, utc_now, stopper_of(exotel_conn_id).no_stop_is_due)
    return cast("AccountPoller", pollers[key])
