"""Shared by the triggers of one event loop: the current time, and cached connections."""

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
"""Objects that belong to an event loop, by key."""
_FRESH_FOR = timedelta(seconds=60)
_settings: PerLoop = WeakKeyDictionary()
_reading: PerLoop = WeakKeyDictionary()


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


async def within(seconds: float | None, answer: Awaitable[Answer]) -> Answer | None:
    """Return the awaited result, or ``None`` after a timeout in seconds."""
    try:
        return await asyncio.wait_for(answer, seconds)
    except TimeoutError:
        return None


async def settings_of(exotel_conn_id: str, *, anew: bool = False) -> ExotelSettings:
    """Return a connection's settings, which are read at most once a minute for all triggers.

    :param exotel_conn_id: the connection.
    :param anew: whether to bypass the cache.
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
