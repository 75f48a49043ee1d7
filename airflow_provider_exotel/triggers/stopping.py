"""Pause the campaigns whose deferred tasks were ended, with retries until the pause is confirmed.

Airflow gives a trigger about a second after its task was ended, and sends the same signal if a trigger only moves to
another triggerer. So a trigger only passes its campaign to the stopper. Before each attempt, the stopper reads the
task's state from Airflow: if the task still waits or will run again, its campaign is left alone. Without an answer from
Airflow, nothing is paused.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async

from airflow_provider_exotel.client.errors import ExotelAuthError, ExotelError, ExotelRateLimited
from airflow_provider_exotel.hooks.exotel import client_of
from airflow_provider_exotel.hooks.metrics import count
from airflow_provider_exotel.hooks.owner import task_states
from airflow_provider_exotel.triggers.settings import PerLoop, settings_of, utc_now, within
from airflow_provider_exotel.waiting.owner import NO_ANSWER, Ownership, TaskKey, ownership_of
from airflow_provider_exotel.waiting.pausing import PauseResult, pause_once, pause_result
from airflow_provider_exotel.waiting.wait import OVERDUE_AFTER

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

log = logging.getLogger(__name__)

NEXT_TRY_WITHIN = timedelta(seconds=60)
"""Maximum time until a cleared task is rescheduled, after which its campaign is paused."""
# Time for Airflow to store a person's action, and to read the states of tasks that are ended together at once. A timer
# and not a task: a triggerer that shuts down cancels all tasks, and none may be started then.
_START_DELAY = 0.5
_MAX_DELAY = 60.0
_MAX_PAUSES_PER_ROUND = 20
_THREADS = 4
_STATES_VALID_FOR = timedelta(seconds=3)
_AIRFLOW_ANSWERS_WITHIN = 30.0
_RATE_LIMIT_LASTS = 5.0
_MAX_LISTED = 5

_stoppers: PerLoop = WeakKeyDictionary()
States = Callable[[Sequence[TaskKey]], Awaitable[Mapping[TaskKey, str | None]]]


@dataclass(eq=False)
class Stop:
    """A campaign to pause unless its task still waits for it.

    :param campaign_id: the campaign.
    :param task: the task that waited for it.
    :param end_at: the end of its window; ``None`` for none.
    :param next_at: time of the next attempt.
    """

    campaign_id: str
    task: TaskKey
    end_at: datetime | None
    next_at: datetime
    ownership: Ownership = Ownership.UNKNOWN
    cleared_since: datetime | None = None
    tried: int = 0
    is_accepted: bool = False
    """Whether the service accepted a pause that does not show yet."""


class _TaskContinues(Exception):
    """The task waits for its campaign again, so nothing is sent."""


class CampaignStopper:
    """Pauses the campaigns of one connection whose tasks were ended, in the event loop of the triggerer.

    :param exotel_conn_id: the connection.
    :param connect: makes a client that sends each request once; called again after refused credentials.
    :param states: returns the states of tasks from Airflow, without those that it does not answer about.
    :param now: returns the current time.
    """

    def __init__(
        self,
        exotel_conn_id: str,
        connect: Callable[[], Awaitable[ExotelClient]],
        states: States,
        now: Callable[[], datetime],
    ) -> None:
        self.exotel_conn_id = exotel_conn_id
        self.no_stop_is_due = threading.Event()
        """Set while no pause is pending: polls wait for it, since both share one rate limit."""
        self.no_stop_is_due.set()
        self._connect, self._ask_airflow, self._now = connect, states, now
        self._client: ExotelClient | None = None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="exotel-stopper")
        self._stops: dict[str, Stop] = {}
        self._begins: asyncio.TimerHandle | None = None
        self._loop: asyncio.Task[None] | None = None
        self._new = asyncio.Event()
        self._asking = asyncio.Lock()
        self._asked_at: datetime | None = None
        self._held_until: datetime | None = None

    def stop(self, campaign_id: str, task: TaskKey, end_at: datetime | None = None) -> None:
        """Pause a campaign in the background unless its task still waits for it. Repeated calls are ignored.

        :param campaign_id: the campaign.
        :param task: the task that waited for it.
        :param end_at: the end of its window; attempts stop some time after it.
        """
        if campaign_id in self._stops:
            return
        self._stops[campaign_id] = Stop(campaign_id, task, end_at, self._now())
        self._new.set()
        if self._begins is None and (self._loop is None or self._loop.done()):
            # In its own context: its log must outlive the trigger.
            self._begins = asyncio.get_running_loop().call_later(_START_DELAY, self._begin, context=Context())

    def _begin(self) -> None:
        self._begins = None
        self._loop = asyncio.get_running_loop().create_task(self._run(), context=Context())

    async def _run(self) -> None:
        try:
            while self._stops:
                self._new.clear()
                due = [stop for stop in self._stops.values() if stop.next_at <= self._now()]
                if due:
                    await self._round(due)
                else:
                    await self._sleep_until(min(stop.next_at for stop in self._stops.values()))
        finally:
            self.no_stop_is_due.set()

    async def _sleep_until(self, moment: datetime) -> None:
        seconds = min(_MAX_DELAY, max(0.0, (moment - self._now()).total_seconds()))
        await within(seconds, self._new.wait())

    async def _round(self, due: Sequence[Stop]) -> None:
        """Read the states of the tasks, and try to pause the campaigns of tasks that were ended."""
        await self._ask(due)
        self._release([stop for stop in due if stop.ownership is Ownership.OWNED])
        wanted = [stop for stop in due if stop.campaign_id in self._stops and self._is_wanted(stop)][
            :_MAX_PAUSES_PER_ROUND
        ]
        if wanted:
            self.no_stop_is_due.clear()
            try:
                client = await self._connected()
            except Exception as error:  # it existed at the deferral, and may exist again
                for stop in wanted:
                    self._handle_failure(stop, error)
            else:
                await asyncio.gather(*(self._pause(client, stop) for stop in wanted))
        if not any(stop.ownership is Ownership.ENDED and not stop.tried for stop in self._stops.values()):
            self.no_stop_is_due.set()

    async def _ask(self, stops: Iterable[Stop]) -> None:
        states = await self._ask_airflow([stop.task for stop in stops])
        self._asked_at = self._now()
        unanswered = []
        for stop in stops:
            before, stop.ownership = stop.ownership, ownership_of(states.get(stop.task, NO_ANSWER))
            if stop.ownership is not Ownership.CLEARED:
                stop.cleared_since = None
            elif stop.cleared_since is None:
                stop.cleared_since = self._now()
            elif self._now() - stop.cleared_since >= NEXT_TRY_WITHIN:
                stop.ownership = Ownership.ENDED
            if stop.ownership is Ownership.ENDED and before is not Ownership.ENDED:
                stop.tried = 0
            if stop.ownership is Ownership.UNKNOWN:
                unanswered.append(stop.campaign_id)
        if unanswered:
            log.error(
                "Airflow does not return the states of the tasks of campaigns %s; trying again.", _list_ids(unanswered)
            )

    def _release(self, stops: Sequence[Stop]) -> None:
        """Leave campaigns alone whose tasks continue."""
        for stop in stops:
            del self._stops[stop.campaign_id]
        if stops:
            named = _list_ids([stop.campaign_id for stop in stops])
            log.info("Campaigns %s are not paused, since their tasks still wait for them.", named)

    def _is_wanted(self, stop: Stop) -> bool:
        """Return whether to pause a campaign now; give up if its window has closed."""
        is_over = stop.end_at is not None and self._now() >= stop.end_at + OVERDUE_AFTER
        # Tried at least once: somebody may have moved the end since the last poll.
        if is_over and (stop.tried or stop.ownership is not Ownership.ENDED):
            log.error("Could not pause campaign %s before its window closed at %s.", stop.campaign_id, stop.end_at)
            del self._stops[stop.campaign_id]
        elif stop.ownership is Ownership.ENDED:
            return self._held_until is None or self._held_until <= self._now() or self._postpone(stop, self._held_until)
        else:
            self._try_later(stop)
        return False

    async def _pause(self, client: ExotelClient, stop: Stop) -> None:
        running = asyncio.get_running_loop()
        check = partial(self._check_in_thread, stop, running)
        try:
            result = await running.run_in_executor(self._threads, _attempt, client, stop, check)
        except _TaskContinues:
            return  # the next round logs it and leaves it alone
        except Exception as error:
            self._handle_failure(stop, error)
        else:
            self._handle_result(stop, result)

    async def _connected(self) -> ExotelClient:
        if self._client is None:
            self._client = await self._connect()
        return self._client

    def _check_in_thread(self, stop: Stop, running: asyncio.AbstractEventLoop) -> None:
        """Read the task's state again if the request was delayed: its next try may have started."""
        asked_at = self._asked_at
        if asked_at is None or self._now() - asked_at > _STATES_VALID_FOR:
            asyncio.run_coroutine_threadsafe(self._ask_again(), running).result(_AIRFLOW_ANSWERS_WITHIN)
        if stop.ownership is not Ownership.ENDED:
            raise _TaskContinues

    async def _ask_again(self) -> None:
        async with self._asking:
            if self._asked_at is None or self._now() - self._asked_at > _STATES_VALID_FOR:
                await self._ask([stop for stop in self._stops.values() if stop.ownership is Ownership.ENDED])

    def _handle_result(self, stop: Stop, result: PauseResult) -> None:
        if result is PauseResult.UNCONFIRMED:
            stop.is_accepted = True
            self._try_later(stop)
            log.warning("Requested a pause of campaign %s, which may still dial; polling it again.", stop.campaign_id)
            return
        del self._stops[stop.campaign_id]
        if result is PauseResult.GONE:
            log.warning("Campaign %s was deleted, or the connection now has another account.", stop.campaign_id)
        elif result is PauseResult.PAUSED or stop.tried:  # an attempt with a lost response may have paused it
            log.info("Paused campaign %s: task %s has ended.", stop.campaign_id, stop.task)
            count("campaigns_paused", self.exotel_conn_id)
        else:
            log.info("Campaign %s is paused or has ended already.", stop.campaign_id)

    def _handle_failure(self, stop: Stop, error: Exception) -> None:
        if isinstance(error, ExotelRateLimited):
            count("rate_limited", self.exotel_conn_id)
            pause = timedelta(seconds=min(error.retry_after or _RATE_LIMIT_LASTS, _MAX_DELAY))
            self._held_until = max(self._held_until or self._now(), self._now() + pause)
            self._postpone(stop, self._held_until)
        else:
            self._try_later(stop)
        if isinstance(error, ExotelAuthError):
            self._client = None
        count("pauses_failed", self.exotel_conn_id)
        detail = str(error) if isinstance(error, ExotelError) else type(error).__name__
        log.error("Campaign %s still dials although its task has ended; trying again: %s", stop.campaign_id, detail)

    def _try_later(self, stop: Stop) -> None:
        stop.tried += 1
        pause = min(_MAX_DELAY, 2.0 ** min(stop.tried, 10)) * random.uniform(0.5, 1.0)  # noqa: S311
        stop.next_at = self._now() + timedelta(seconds=pause)
        if stop.ownership is Ownership.CLEARED and stop.cleared_since is not None:
            stop.next_at = min(stop.next_at, stop.cleared_since + NEXT_TRY_WITHIN)

    def _postpone(self, stop: Stop, moment: datetime) -> bool:
        stop.next_at = moment
        return False


def stopper_of(exotel_conn_id: str) -> CampaignStopper:
    """Return this triggerer's stopper for a connection. Reads nothing, so it never fails.

    :param exotel_conn_id: the connection.
    """

    async def connect() -> ExotelClient:
        settings = await settings_of(exotel_conn_id, anew=True)
        return await asyncio.to_thread(client_of, settings, tries=1)

    stoppers = _stoppers.setdefault(asyncio.get_running_loop(), {})
    known: CampaignStopper | None = stoppers.get(exotel_conn_id)
    if known is None:
        known = stoppers[exotel_conn_id] = CampaignStopper(exotel_conn_id, connect, states_of, utc_now)
    return known


async def states_of(tasks: Sequence[TaskKey]) -> Mapping[TaskKey, str | None]:
    """Return the states of tasks, without those that Airflow does not answer about within half a minute."""
    answer = sync_to_async(task_states)(tasks)
    return await within(_AIRFLOW_ANSWERS_WITHIN, answer) or {}


def _list_ids(campaign_ids: Sequence[str]) -> str:
    """Return the first ids and the number of others: thousands of triggers may move at once."""
    more = f" and {len(campaign_ids) - _MAX_LISTED:,} more" if len(campaign_ids) > _MAX_LISTED else ""
    return ", ".join(campaign_ids[:_MAX_LISTED]) + more


def _attempt(client: ExotelClient, stop: Stop, check: Callable[[], None]) -> PauseResult:
    """Pause a campaign; if an earlier pause was accepted and did not show, read it first."""
    if stop.is_accepted and pause_result(client, stop.campaign_id) is not PauseResult.UNCONFIRMED:
        return PauseResult.ALREADY
    return pause_once(client, stop.campaign_id, check=check)
