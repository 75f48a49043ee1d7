"""One poller for a connection in a triggerer, however many triggers wait for campaigns of its account.

A sweep is a list request for each 500 campaigns (:mod:`airflow_provider_exotel.waiting.sweep`), made by the one
synchronous client in the one thread the poller has, so that the event loop is never blocked. Failed sweeps are logged
and tried again: it is for the waits themselves to end by their clocks.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

from airflow.providers.common.compat.connection import get_async_connection
from airflow.providers.common.compat.sdk import Stats

from airflow_provider_exotel.client.errors import ExotelAuthError, ExotelError
from airflow_provider_exotel.connection import ExotelSettings
from airflow_provider_exotel.hooks.exotel import client_of
from airflow_provider_exotel.waiting.sweep import sweep

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient
    from airflow_provider_exotel.client.models import Campaign

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
_SETTINGS_ARE_FRESH_FOR = timedelta(seconds=60)


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


async def within(seconds: float | None, answer: Awaitable[Answer]) -> Answer | None:
    """Return what is awaited, ``None`` if it does not come within so many seconds."""
    try:
        return await asyncio.wait_for(answer, seconds)
    except TimeoutError:
        return None


@dataclass(eq=False)
class Subscription:
    """What one trigger waits for.

    :param campaigns: ids, and the moment before which none is to be asked for.
    :param interval: seconds between two looks.
    """

    campaigns: dict[str, datetime]
    interval: float
    news: asyncio.Queue[Mapping[str, Campaign | None]] = field(default_factory=asyncio.Queue)

    def due(self, now: datetime) -> Iterable[str]:
        """Return the campaigns that are worth asking for."""
        return [campaign_id for campaign_id, not_before in self.campaigns.items() if not_before <= now]


class AccountPoller:
    """Looks at the campaigns of one account for all triggers of this process that wait for them.

    :param connect: makes the client; called again after the account has refused it.
    :param now: the time.
    """

    def __init__(self, connect: Callable[[], Awaitable[ExotelClient]], now: Callable[[], datetime] = utc_now) -> None:
        self._connect, self._now = connect, now
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="exotel-poller")
        self._client: ExotelClient | None = None
        self._only_active = False
        self._subscriptions: set[Subscription] = set()
        self._next_sweep: datetime | None = None
        self._swept_at: datetime | None = None
        self._sooner = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._failed_in_a_row = 0

    def subscribe(self, campaigns: Mapping[str, datetime], interval: float) -> Subscription:
        """Have campaigns looked at.

        :param campaigns: ids, and the moment before which none is to be asked for.
        :param interval: seconds between two looks; the shortest of all subscriptions counts.
        """
        subscription = Subscription(dict(campaigns), interval)
        self._subscriptions.add(subscription)
        wanted = self._not_before([subscription], interval)
        if wanted is not None and (self._next_sweep is None or wanted < self._next_sweep):
            self._next_sweep = wanted
            self._sooner.set()
        if self._loop is None or self._loop.done():
            # In a context of its own: what it logs belongs to no one trigger.
            self._loop = asyncio.get_running_loop().create_task(self._run(), context=Context())
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Have them looked at no more."""
        self._subscriptions.discard(subscription)
        if not self._subscriptions:
            self._sooner.set()

    async def ask(self, question: Callable[[ExotelClient], Answer]) -> Answer:
        """Return what a function makes of the client, in the poller's thread.

        :param question: gets the client.
        :raises ExotelError: as the client does; one that the account refuses is made anew for the next question.
        """
        if self._client is None:
            self._client = await self._connect()
        client = self._client
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: question(client))
        except ExotelAuthError:
            self._client = None
            raise

    async def _run(self) -> None:
        while self._subscriptions:
            self._sooner.clear()
            if self._next_sweep is not None and self._next_sweep <= self._now():
                await self._sweep()
                continue
            await within(self._seconds_to_next_sweep(), self._sooner.wait())
        self._next_sweep = None

    def _seconds_to_next_sweep(self) -> float | None:
        """Return how long nothing is to be done; never for long, since a clock may jump while a machine sleeps."""
        if self._next_sweep is None:
            return None
        interval = min((one.interval for one in self._subscriptions), default=0.0)
        return min(interval, (self._next_sweep - self._now()).total_seconds())

    async def _sweep(self) -> None:
        now = self._now()
        wanted = sorted({campaign_id for one in self._subscriptions for campaign_id in one.due(now)})
        try:
            swept = await self.ask(lambda client: sweep(client, wanted, only_active=self._only_active))
        except Exception as error:  # whatever it is: those who wait end by their clocks, not by this
            self._failed_in_a_row += 1
            detail = str(error) if isinstance(error, ExotelError) else type(error).__name__
            log.warning("Looking at campaigns failed %d times in a row: %s", self._failed_in_a_row, detail)
            _measure(None)
        else:
            self._only_active, self._failed_in_a_row = swept.only_active, 0
            self._tell(swept.campaigns)
            _measure(len(wanted))
        self._swept_at = self._now()
        interval = min((one.interval for one in self._subscriptions), default=0.0)
        # By chance a little sooner or later, so that triggerers do not ask in step.
        self._next_sweep = self._not_before(self._subscriptions, interval * random.uniform(0.9, 1.1))  # noqa: S311

    def _tell(self, seen: Mapping[str, Campaign | None]) -> None:
        for one in self._subscriptions:
            news = {campaign_id: seen[campaign_id] for campaign_id in one.campaigns if campaign_id in seen}
            if news:
                one.news.put_nowait(news)

    def _not_before(self, subscriptions: Iterable[Subscription], interval: float) -> datetime | None:
        earliest = min((moment for one in subscriptions for moment in one.campaigns.values()), default=None)
        if earliest is None or self._swept_at is None:
            return earliest
        return max(earliest, self._swept_at + timedelta(seconds=interval))


_Loops = WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Any, Any]]
_pollers: _Loops = WeakKeyDictionary()
_settings: _Loops = WeakKeyDictionary()
_reading: _Loops = WeakKeyDictionary()


async def poller_of(exotel_conn_id: str) -> AccountPoller:
    """Return the poller of a connection, the one that this triggerer has for it.

    :param exotel_conn_id: the connection.
    """
    settings = await settings_of(exotel_conn_id)

    account = (settings.host, settings.account_sid)

    async def connect() -> ExotelClient:
        fresh = await settings_of(exotel_conn_id, anew=True)
        if (fresh.host, fresh.account_sid) != account:
            raise ExotelAuthError(f"connection {exotel_conn_id} names another account than when the task was deferred")
        return await asyncio.to_thread(client_of, fresh)

    pollers = _pollers.setdefault(asyncio.get_running_loop(), {})
    # By connection too: one whose credentials are refused must not keep the other's tasks from hearing anything.
    return cast("AccountPoller", pollers.setdefault((exotel_conn_id, *account), AccountPoller(connect)))


async def settings_of(exotel_conn_id: str, *, anew: bool = False) -> ExotelSettings:
    """Return a connection's settings; it is read once a minute at most, however many triggers ask.

    :param exotel_conn_id: the connection.
    :param anew: whether to read it in any case.
    """
    loop = asyncio.get_running_loop()
    lock = _reading.setdefault(loop, {}).setdefault(exotel_conn_id, asyncio.Lock())
    async with lock:
        known = _settings.setdefault(loop, {})
        read_at, settings = known.get(exotel_conn_id, (None, None))
        if anew or read_at is None or utc_now() - read_at > _SETTINGS_ARE_FRESH_FOR:
            settings = ExotelSettings.of(await get_async_connection(exotel_conn_id))
            known[exotel_conn_id] = (utc_now(), settings)
        return cast("ExotelSettings", settings)


def _measure(waited_for: int | None) -> None:
    """Tell Airflow's metrics of a sweep; what becomes of that is no reason to stop looking."""
    with suppress(Exception):
        Stats.incr("exotel.sweep_failures" if waited_for is None else "exotel.sweeps")
        if waited_for is not None:
            Stats.gauge("exotel.campaigns_waited_for", waited_for)
