"""Wait for campaigns in the triggerer, where waiting holds no worker."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_exotel.client.errors import ExotelError, ExotelResponseError
from airflow_provider_exotel.hooks.exotel import client_of
from airflow_provider_exotel.triggers.poller import Subscription, poller_of, settings_of, utc_now, within
from airflow_provider_exotel.waiting.control import pause_if_it_may_dial
from airflow_provider_exotel.waiting.wait import Wait
from airflow_provider_exotel.waiting.watch import WaitEvent, Watched, next_wake

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient
    from airflow_provider_exotel.client.models import Campaign

# Airflow 3.3 may fail a task whose trigger fires before the end of its worker has been noticed.
NOT_BEFORE = timedelta(seconds=15)
"""How long after the deferral nothing is asked and no event is fired."""
_TRIES_TO_PAUSE = 5  # Airflow gives a trigger half a minute


@dataclass(frozen=True)
class Awoken:
    """What a task that waited is told.

    :param events: what each wait came to.
    :param left: the waits that were cut short by the deadline.
    :param deadline: that deadline, ISO 8601.
    """

    events: Sequence[WaitEvent]
    left: Sequence[Wait]
    deadline: str | None

    @property
    def campaign_ids(self) -> list[str]:
        """The campaigns."""
        return [event.wait.campaign_id for event in self.events] + [wait.campaign_id for wait in self.left]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, free of numbers."""
        return {
            "events": [event.as_json() for event in self.events],
            "left": [wait.as_json() for wait in self.left],
            "deadline": self.deadline,
        }

    @classmethod
    def of_json(cls, kept: Any) -> Self:
        """Return what :meth:`as_json` was made of.

        :raises ExotelResponseError: if it is nothing that this version knows.
        """
        try:
            return cls(
                [WaitEvent.of_json(event) for event in kept["events"]],
                [Wait.of_json(wait) for wait in kept["left"]],
                kept["deadline"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ExotelResponseError(f"the trigger fired what is no event of this version ({error!r})") from None


class CampaignTrigger(BaseTrigger):
    """Wait until campaigns have ended, or something else is to be done with them; fires exactly one event.

    It sends nothing but questions, and, where the task is killed, a pause. A service that does not answer is asked
    again; the wait ends by the clock in any case.

    :param exotel_conn_id: the connection.
    :param waits: what is waited for, each as :meth:`Wait.as_json` gives it.
    :param poll_interval: seconds between two looks.
    :param deferred_at: when the task was deferred, ISO 8601.
    :param deadline: when to give up, ISO 8601; ``None`` for as long as the campaigns live.
    :param pause_on_kill: whether to pause the campaigns when somebody ends the task (Airflow 3.3 and later say so).
    """

    def __init__(
        self,
        *,
        exotel_conn_id: str,
        waits: Sequence[Mapping[str, Any]],
        poll_interval: float,
        deferred_at: str,
        deadline: str | None = None,
        pause_on_kill: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.exotel_conn_id = exotel_conn_id
        self.waits = [dict(wait) for wait in waits]
        self.poll_interval = poll_interval
        self.deferred_at = deferred_at
        self.deadline = deadline
        self.pause_on_kill = pause_on_kill

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what another triggerer makes this trigger of."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "exotel_conn_id": self.exotel_conn_id,
                "waits": self.waits,
                "poll_interval": self.poll_interval,
                "deferred_at": self.deferred_at,
                "deadline": self.deadline,
                "pause_on_kill": self.pause_on_kill,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire one event: what each wait came to, and those that were cut short by the deadline."""
        watched = [Watched(Wait.of_json(wait)) for wait in self.waits]
        await self._watch(watched)
        events = [one.event for one in watched if one.event is not None]
        left = [one.wait for one in watched if one.event is None]
        yield TriggerEvent(Awoken(events, left, self.deadline).as_json())  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Pause what may still dial: a person has marked or cleared the task, or failed its run."""
        if not self.pause_on_kill:
            return
        client = await asyncio.to_thread(client_of, await settings_of(self.exotel_conn_id), fail_fast=True)
        for wait in self.waits:
            await self._pause(client, wait["campaign_id"])

    async def _pause(self, client: ExotelClient, campaign_id: str) -> None:
        """Pause one campaign; where many tasks are ended at once, the account's limit has to be waited for."""
        for tries_left in reversed(range(_TRIES_TO_PAUSE)):
            try:
                paused = await asyncio.to_thread(pause_if_it_may_dial, client, campaign_id)
            except ExotelError as error:
                if error.retryable and tries_left:
                    await asyncio.sleep(random.uniform(2, 6))  # noqa: S311 - no secret hangs on it
                    continue
                self.log.error("The task was ended, and campaign %s could not be paused: %s", campaign_id, error)  # noqa: TRY400
            else:
                if paused:
                    self.log.info("The task was ended: campaign %s is paused.", campaign_id)
            return

    async def _watch(self, watched: Sequence[Watched]) -> None:
        """Watch until nothing is left to wait for, or the deadline has passed."""
        not_before = datetime.fromisoformat(self.deferred_at) + NOT_BEFORE
        await asyncio.sleep(_seconds_until(not_before, NOT_BEFORE.total_seconds()))
        deadline = datetime.fromisoformat(self.deadline) if self.deadline else None
        left = {one.wait.campaign_id: one for one in watched}
        async with AsyncExitStack() as stack:
            subscription: Subscription | None = None
            while left and (deadline is None or utc_now() < deadline):
                if subscription is None:
                    subscription = await self._subscribe(left.values(), stack)
                pause = _seconds_until(next_wake((one.wait for one in left.values()), deadline), self.poll_interval)
                for campaign_id, campaign in (await self._news(subscription, pause)).items():
                    if campaign_id in left and (line := left[campaign_id].see(campaign, utc_now())):
                        self.log.info("%s", line)
                for campaign_id, one in list(left.items()):
                    one.see_clock(utc_now())
                    if one.event is not None:
                        del left[campaign_id]
                        if subscription is not None:
                            subscription.campaigns.pop(campaign_id, None)

    async def _subscribe(self, watched: Iterable[Watched], stack: AsyncExitStack) -> Subscription | None:
        try:
            poller = await poller_of(self.exotel_conn_id)
        except Exception as error:  # it was there when the task was deferred, and may be there again
            kind = type(error).__name__
            self.log.warning("Connection %s cannot be read (%s); trying again.", self.exotel_conn_id, kind)
            return None
        campaigns = {one.wait.campaign_id: one.wait.send_at or utc_now() for one in watched if not one.wait.opening}
        subscription = poller.subscribe(campaigns, self.poll_interval)
        stack.callback(poller.unsubscribe, subscription)
        return subscription

    async def _news(self, subscription: Subscription | None, pause: float) -> Mapping[str, Campaign | None]:
        """Return what was seen of the campaigns, nothing if that takes longer than ``pause`` seconds."""
        if subscription is None:
            await asyncio.sleep(pause)
            return {}
        return await within(pause, subscription.news.get()) or {}


def _seconds_until(moment: datetime | None, most: float) -> float:
    """Return the seconds to a moment, and no more than so many: a clock may jump while a machine sleeps."""
    return most if moment is None else min(most, max(0.0, (moment - utc_now()).total_seconds()))
