"""Pause the campaigns whose deferred tasks were ended, and keep at it until that is confirmed.

Airflow gives a trigger about a second after its task was ended, and tells the same to one that merely moves to another
triggerer. So a trigger only hands its campaign over. Here Airflow is asked how the task stands, before each attempt: a
campaign whose task waits on, or will run again, is let go; no answer is no reason to pause.
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
"""How long a cleared task may take to be scheduled again before its campaign is paused."""
# Time for Airflow to write what a person did, and for tasks that are ended together to be asked about together. Not a
# task: a triggerer that shuts down ends all of them, and none may be begun then.
_BEGINS_AFTER = 0.5
_LONGEST_PAUSE = 60.0
_AT_ONCE = 20
_SIDE_BY_SIDE = 4
_ANSWER_IS_FRESH_FOR = timedelta(seconds=3)
_AIRFLOW_ANSWERS_WITHIN = 30.0
_RATE_LIMIT_LASTS = 5.0
_NAMED = 5

_stoppers: PerLoop = WeakKeyDictionary()
States = Callable[[Sequence[TaskKey]], Awaitable[Mapping[TaskKey, str | None]]]


@dataclass(eq=False)
class Stop:
    """A campaign to be paused unless its task still waits for it.

    :param campaign_id: the campaign.
    :param task: the task that waited for it.
    :param end_at: when its window closes, if it does.
    :param next_at: when to try next.
    """

    campaign_id: str
    task: TaskKey
    end_at: datetime | None
    next_at: datetime
    ownership: Ownership = Ownership.UNKNOWN
    cleared_since: datetime | None = None
    tried: int = 0
    taken: bool = False
    """Whether the service took a pause that did not show."""


class _TaskGoesOn(Exception):
    """The task waits for its campaign again: nothing is to be sent."""


class CampaignStopper:
    """Pauses the campaigns of one connection whose tasks were ended, in the event loop of the triggerer.

    :param exotel_conn_id: the connection.
    :param connect: makes a client that sends each request once; called again after the account has refused it.
    :param states: asks Airflow for the states of tasks; those that it gives no answer about are missing.
    :param now: the time.
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
        """Set while no pause waits for its turn: polls wait for it, since both share one rate limit."""
        self.no_stop_is_due.set()
        self._connect, self._ask_airflow, self._now = connect, states, now
        self._client: ExotelClient | None = None
        self._threads = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="exotel-stopper")
        self._stops: dict[str, Stop] = {}
        self._begins: asyncio.TimerHandle | None = None
        self._loop: asyncio.Task[None] | None = None
        self._new = asyncio.Event()
        self._asking = asyncio.Lock()
        self._asked_at: datetime | None = None
        self._held_until: datetime | None = None

    def stop(self, campaign_id: str, task: TaskKey, end_at: datetime | None = None) -> None:
        """Pause a campaign unless its task still waits for it. Returns at once; nothing is lost if it comes twice.

        :param campaign_id: the campaign.
        :param task: the task that waited for it.
        :param end_at: when its window closes: a while after that, it is not tried any more.
        """
        if campaign_id in self._stops:
            return
        self._stops[campaign_id] = Stop(campaign_id, task, end_at, self._now())
        self._new.set()
        if self._begins is None and (self._loop is None or self._loop.done()):
            # In a context of its own: what is logged must outlive the trigger.
            self._begins = asyncio.get_running_loop().call_later(_BEGINS_AFTER, self._begin, context=Context())

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
                    await self._pass_time(min(stop.next_at for stop in self._stops.values()))
        finally:
            self.no_stop_is_due.set()

    async def _pass_time(self, moment: datetime) -> None:
        seconds = min(_LONGEST_PAUSE, max(0.0, (moment - self._now()).total_seconds()))
        await within(seconds, self._new.wait())

    async def _round(self, due: Sequence[Stop]) -> None:
        """Ask how the tasks of stops stand, and try to pause the campaigns of those that were ended."""
        await self._ask(due)
        self._let_go([stop for stop in due if stop.ownership is Ownership.OWNED])
        wanted = [stop for stop in due if stop.campaign_id in self._stops and self._is_wanted(stop)][:_AT_ONCE]
        if wanted:
            self.no_stop_is_due.clear()
            try:
                client = await self._connected()
            except Exception as error:  # it was there when the task was deferred, and may be there again
                for stop in wanted:
                    self._has_failed(stop, error)
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
            log.error("Airflow does not say how the tasks of campaigns %s stand; asking again.", _named(unanswered))

    def _let_go(self, stops: Sequence[Stop]) -> None:
        """Leave campaigns alone whose tasks go on."""
        for stop in stops:
            del self._stops[stop.campaign_id]
        if stops:
            named = _named([stop.campaign_id for stop in stops])
            log.info("Not paused, since their tasks wait for them: campaigns %s.", named)

    def _is_wanted(self, stop: Stop) -> bool:
        """Return whether a campaign is to be paused now; give it up if its window has closed."""
        is_over = stop.end_at is not None and self._now() >= stop.end_at + OVERDUE_AFTER
        # Tried once in any case: somebody may have moved the end since it was last polled.
        if is_over and (stop.tried or stop.ownership is not Ownership.ENDED):
            log.error("Campaign %s was not paused before its window closed at %s.", stop.campaign_id, stop.end_at)
            del self._stops[stop.campaign_id]
        elif stop.ownership is Ownership.ENDED:
            return self._held_until is None or self._held_until <= self._now() or self._put_off(stop, self._held_until)
        else:
            self._try_later(stop)
        return False

    async def _pause(self, client: ExotelClient, stop: Stop) -> None:
        running = asyncio.get_running_loop()
        check = partial(self._check_in_thread, stop, running)
        try:
            result = await running.run_in_executor(self._threads, _attempt, client, stop, check)
        except _TaskGoesOn:
            return  # which the next round says, and lets it go
        except Exception as error:
            self._has_failed(stop, error)
        else:
            self._has_come_to(stop, result)

    async def _connected(self) -> ExotelClient:
        if self._client is None:
            self._client = await self._connect()
        return self._client

    def _check_in_thread(self, stop: Stop, running: asyncio.AbstractEventLoop) -> None:
        """Ask again how the task stands if the turn to send took long to come: its next try may have begun."""
        asked_at = self._asked_at
        if asked_at is None or self._now() - asked_at > _ANSWER_IS_FRESH_FOR:
            asyncio.run_coroutine_threadsafe(self._ask_again(), running).result(_AIRFLOW_ANSWERS_WITHIN)
        if stop.ownership is not Ownership.ENDED:
            raise _TaskGoesOn

    async def _ask_again(self) -> None:
        async with self._asking:
            if self._asked_at is None or self._now() - self._asked_at > _ANSWER_IS_FRESH_FOR:
                await self._ask([stop for stop in self._stops.values() if stop.ownership is Ownership.ENDED])

    def _has_come_to(self, stop: Stop, result: PauseResult) -> None:
        if result is PauseResult.UNCONFIRMED:
            stop.taken = True
            self._try_later(stop)
            log.warning("Campaign %s was told to pause and may dial yet; polling it again.", stop.campaign_id)
            return
        del self._stops[stop.campaign_id]
        if result is PauseResult.GONE:
            log.warning("Campaign %s was deleted, or the connection names another account now.", stop.campaign_id)
        elif result is PauseResult.PAUSED or stop.tried:  # an attempt whose answer was lost may have counted
            log.info("Campaign %s is paused: task %s has ended.", stop.campaign_id, stop.task)
            count("campaigns_paused", self.exotel_conn_id)
        else:
            log.info("Campaign %s is paused or has ended already.", stop.campaign_id)

    def _has_failed(self, stop: Stop, error: Exception) -> None:
        if isinstance(error, ExotelRateLimited):
            count("rate_limited", self.exotel_conn_id)
            pause = timedelta(seconds=min(error.retry_after or _RATE_LIMIT_LASTS, _LONGEST_PAUSE))
            self._held_until = max(self._held_until or self._now(), self._now() + pause)
            self._put_off(stop, self._held_until)
        else:
            self._try_later(stop)
        if isinstance(error, ExotelAuthError):
            self._client = None
        count("pauses_failed", self.exotel_conn_id)
        detail = str(error) if isinstance(error, ExotelError) else type(error).__name__
        log.error("Campaign %s dials on though its task has ended; trying again: %s", stop.campaign_id, detail)

    def _try_later(self, stop: Stop) -> None:
        stop.tried += 1
        pause = min(_LONGEST_PAUSE, 2.0 ** min(stop.tried, 10)) * random.uniform(0.5, 1.0)  # noqa: S311
        stop.next_at = self._now() + timedelta(seconds=pause)
        if stop.ownership is Ownership.CLEARED and stop.cleared_since is not None:
            stop.next_at = min(stop.next_at, stop.cleared_since + NEXT_TRY_WITHIN)

    def _put_off(self, stop: Stop, moment: datetime) -> bool:
        stop.next_at = moment
        return False


def stopper_of(exotel_conn_id: str) -> CampaignStopper:
    """Return the stopper of a connection, the one that this triggerer has for it. Reads nothing, so it never fails.

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
    """Return how tasks stand, without those that Airflow does not answer about within half a minute."""
    answer = sync_to_async(task_states)(tasks)
    return await within(_AIRFLOW_ANSWERS_WITHIN, answer) or {}


def _named(campaign_ids: Sequence[str]) -> str:
    """Return some ids in words: thousands of triggers may move at once."""
    more = f" and {len(campaign_ids) - _NAMED:,} more" if len(campaign_ids) > _NAMED else ""
    return ", ".join(campaign_ids[:_NAMED]) + more


def _attempt(client: ExotelClient, stop: Stop, check: Callable[[], None]) -> PauseResult:
    """Pause a campaign; one whose pause was taken and did not show is read first."""
    if stop.taken and pause_result(client, stop.campaign_id) is not PauseResult.UNCONFIRMED:
        return PauseResult.ALREADY
    return pause_once(client, stop.campaign_id, check=check)
