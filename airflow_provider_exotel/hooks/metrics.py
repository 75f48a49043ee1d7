"""Airflow's metrics of this provider, tagged with the connection and never with a phone number or an id."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from functools import cache
from typing import Literal

from airflow.providers.common.compat.sdk import Stats

Counter = Literal[
    "campaigns_created",
    "campaigns_followed",
    "campaigns_paused",
    "outcomes_unknown",
    "pauses_failed",
    "rate_limited",
    "sweep_failures",
    "sweeps",
]
_NOT_IN_A_TAG = re.compile(r"[^A-Za-z0-9_.-]")


def count(counter: Counter, exotel_conn_id: str, times: int = 1) -> None:
    """Increment the counter ``exotel.<counter>``; errors of the metrics never fail the task.

    :param counter: the counter.
    :param exotel_conn_id: the connection, used as a tag.
    :param times: the increment, default 1.
    """
    with suppress(Exception):
        Stats.incr(f"exotel.{counter}", times, tags={"connection": _tag(exotel_conn_id)})


def gauge_waiting(campaigns: int, exotel_conn_id: str) -> None:
    """Set the gauge ``exotel.campaigns_waited_for`` of this triggerer.

    :param campaigns: number of campaigns with a wait; 0 after the last wait.
    :param exotel_conn_id: the connection, used as a tag; the host is another tag, so that triggerers do not overwrite
        each other's value.
    """
    with suppress(Exception):
        tags = {"connection": _tag(exotel_conn_id), "hostname": _host()}
        Stats.gauge("exotel.campaigns_waited_for", campaigns, tags=tags)


def _tag(text: str) -> str:
    """Return a text without characters that separate tags in some metric formats."""
    return _NOT_IN_A_TAG.sub("_", text)


@cache
def _host() -> str:
    return _tag(socket.gethostname())
