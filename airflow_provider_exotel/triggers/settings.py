"""What the triggers of one event loop share: the time, and the connections they have read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from airflow.providers.common.compat.connection import get_async_connection

from airflow_provider_exotel.connection import ExotelSettings

Answer = TypeVar("Answer")
PerLoop = WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Any, Any]]
"""Things that belong to an event loop, by what names them."""
_FRESH_FOR = timedelta(seconds=60)
_settings: PerLoop = WeakKeyDictionary()
_reading: PerLoop = WeakKeyDictionary()


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


async def within(seconds: float | None, answer: Awaitable[Answer]) -> Answer | None:
    """Return what is awaited, ``None`` if it does not come within so many seconds."""
    try:
        return await asyncio.wait_for(answer, seconds)
    except TimeoutError:
        return None


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
        if anew or read_at is None or utc_now() - read_at > _FRESH_FOR:
            settings = ExotelSettings.of(await get_async_connection(exotel_conn_id))
            known[exotel_conn_id] = (utc_now(), settings)
        return cast("ExotelSettings", settings)
