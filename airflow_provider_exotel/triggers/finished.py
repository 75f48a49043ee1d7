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
    """Fire an event with id and counts for each campaign of an account that finishes.

    Campaigns finished before the first poll are not reported. The cursor is stored with the asset, so that a restarted
    triggerer continues where it was.

    :param exotel_conn_id: the connection.
    :param poll_interval: seconds between two polls, default 60.
    """

    def __init__(self, exotel_conn_id: str, poll_interval: float = 60.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.exotel_conn_id = exotel_conn_id
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and arguments of this trigger."""
        kwargs = {"exotel_conn_id": self.exotel_conn_id, "poll_interval": self.poll_interval}
        return f"{type(self).__module__}.{type(self).__qualname__}", kwargs

    def shared_stream_key(self) -> Hashable:
        """Return the key that all watchers of an account share, so that one poll serves them."""
        return ("exotel", self.exotel_conn_id, self.poll_interval)

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[Finished]:
        """Poll the account for all of its watchers, without end."""
        since: datetime | None = None
        while True:
            try:
                poller = await poller_of(kwargs["exotel_conn_id"])
                finished = await poller.with_client(partial(_read_finished, since))
            except Exception as error:  # the next poll reads the same campaigns; nothing is lost
                detail = str(error) if isinstance(error, ExotelError) else type(error).__name__
                log.warning("Could not poll for finished campaigns: %s", detail)
            else:
                since = finished.since
                yield finished
            await asyncio.sleep(kwargs["poll_interval"] * random.uniform(0.9, 1.1))  # noqa: S311

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Finished]) -> AsyncIterator[TriggerEvent]:
        """Fire an event for each campaign that has not been reported."""
        kept = await self.asset_state_store.aget(_CURSOR) if self.asset_state_store else None
        cursor = WatcherCursor.of_json(kept) if isinstance(kept, dict) and "since" in kept else None
        # A shared stream may already have passed campaigns that this watcher has not reported.
        missed = [await self._poll_from_start()] if cursor else []
        async for finished in _after(missed, shared_stream):
            for outcome in cursor.unreported(finished) if cursor else ():
                yield TriggerEvent(outcome.as_json())  # type: ignore[no-untyped-call]
            following = WatcherCursor.after(finished)
            if following != cursor and self.asset_state_store:
                await self.asset_state_store.aset(_CURSOR, following.as_json())
            cursor = following

    async def _poll_from_start(self) -> Finished | None:
        try:
            return await (await poller_of(self.exotel_conn_id)).with_client(partial(_read_finished, None))
        except Exception as error:  # the stream continues without it
            log.warning("Could not read earlier finished campaigns: %s", type(error).__name__)
            return None

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll for this watcher alone, if Airflow does not share a stream."""
        async for event in self.filter_shared_stream(self.open_shared_stream(self.serialize()[1])):
            yield event


async def _after(first: list[Finished | None], stream: AsyncIterator[Finished]) -> AsyncIterator[Finished]:
    for finished in first:
        if finished is not None:
            yield finished
    async for finished in stream:
        yield finished


def _read_finished(since: datetime | None, campaigns: ExotelClient) -> Finished:
    return finished_since(campaigns.list_campaigns(), since, utc_now())
