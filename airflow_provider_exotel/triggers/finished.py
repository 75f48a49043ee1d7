"""Start DAGs when campaigns have finished (Airflow 3.3: asset watchers that share one poll)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Hashable
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_exotel.client.errors import ExotelError
from airflow_provider_exotel.triggers.poller import log, poller_of
from airflow_provider_exotel.triggers.settings import utc_now
from airflow_provider_exotel.waiting.finished import Finished, WatcherCursor, finished_since

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_exotel.client.client import ExotelClient

_CURSOR = "told"


class CampaignFinishedTrigger(BaseEventTrigger):
    """Fires an event for each campaign of an account that finishes, with its id and counts.

    What had finished before the first look is not told. What was told is kept with the asset, so that a triggerer that
    starts again goes on where it was.

    :param exotel_conn_id: the connection.
    :param poll_interval: seconds between two looks, default 60.
    """

    def __init__(self, exotel_conn_id: str, poll_interval: float = 60.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.exotel_conn_id = exotel_conn_id
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what a triggerer makes this trigger of."""
        kwargs = {"exotel_conn_id": self.exotel_conn_id, "poll_interval": self.poll_interval}
        return f"{type(self).__module__}.{type(self).__qualname__}", kwargs

    def shared_stream_key(self) -> Hashable:
        """Return what all watchers of an account have in common: one poll serves them."""
        return ("exotel", self.exotel_conn_id, self.poll_interval)

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[Finished]:
        """Look at the account for all its watchers, for ever."""
        since: datetime | None = None
        while True:
            try:
                poller = await poller_of(kwargs["exotel_conn_id"])
                finished = await poller.ask(partial(_look, since))
            except Exception as error:  # what cannot be asked now can be asked later; nothing is lost
                detail = str(error) if isinstance(error, ExotelError) else type(error).__name__
                log.warning("Looking for finished campaigns failed: %s", detail)
            else:
                since = finished.since
                yield finished
            await asyncio.sleep(kwargs["poll_interval"] * random.uniform(0.9, 1.1))  # noqa: S311

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Finished]) -> AsyncIterator[TriggerEvent]:
        """Fire an event for each campaign that has not been told."""
        kept = await self.asset_state_store.aget(_CURSOR) if self.asset_state_store else None
        told = WatcherCursor.of_json(kept) if isinstance(kept, dict) and "since" in kept else None
        # A stream that others share may have gone past what this watcher has not been told.
        missed = [await self._look_back()] if told else []
        async for finished in _after(missed, shared_stream):
            for outcome in told.unreported(finished) if told else ():
                yield TriggerEvent(outcome.as_json())  # type: ignore[no-untyped-call]
            following = WatcherCursor.after(finished)
            if following != told and self.asset_state_store:
                await self.asset_state_store.aset(_CURSOR, following.as_json())
            told = following

    async def _look_back(self) -> Finished | None:
        try:
            return await (await poller_of(self.exotel_conn_id)).ask(partial(_look, None))
        except Exception as error:  # the stream will tell of what it sees all the same
            log.warning("Looking back for finished campaigns failed: %s", type(error).__name__)
            return None

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look for this watcher alone, where Airflow shares no poll."""
        async for event in self.filter_shared_stream(self.open_shared_stream(self.serialize()[1])):
            yield event


async def _after(first: list[Finished | None], stream: AsyncIterator[Finished]) -> AsyncIterator[Finished]:
    for finished in first:
        if finished is not None:
            yield finished
    async for finished in stream:
        yield finished


def _look(since: datetime | None, campaigns: ExotelClient) -> Finished:
    return finished_since(campaigns.list_campaigns(), since, utc_now())
