"""Servers that lie, hang, limit and lose answers: plans of faults over the emulator, drawn by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import requests

from airflow_provider_exotel.emulator import Emulator, Fault

from ...account_profiles import DIALECTS, mixtures, switches_of

TIMEOUTS = (5.0, 1.5)
HANGS = 2.0
STRANGER = "+919876511111"
REQUESTS = (
    "POST campaigns",
    "PUT campaigns/*",
    "DELETE campaigns/*",
    "GET campaigns",
    "GET campaigns/*",
    "GET campaigns/*/call-details",
    "POST lists",
    "DELETE lists/*",
    "GET lists",
    "GET lists/*",
    "POST contacts/csv-upload",
    "GET csv-status/*",
    "* *",
)
KINDS = (
    "drop_before_commit",
    "drop_after_commit",
    "delay",
    "cut_body",
    "html_5xx",
    "status",
    "rate_limited",
    "empty_body",
    "wrong_id",
    "not_done",
)
STATUSES = (400, 401, 403, 404, 409, 429, 500, 503)


@dataclass(frozen=True)
class Plan:
    """The behaviour of a hostile server.

    :param switches: the switches of the emulator.
    :param faults: its faults.
    """

    switches: dict[str, Any]
    faults: tuple[Fault, ...]

    @property
    def ends(self) -> bool:
        """Whether the server becomes honest after some time."""
        return all(fault.times is not None for fault in self.faults)


def plan_of(seed: int) -> Plan:
    draw = random.Random(seed)
    dialect, profile = next(mixtures(1, seed)) if draw.random() < 0.5 else (draw.choice(DIALECTS), {})
    return Plan(switches_of(profile, dialect), tuple(_fault(draw) for _ in range(draw.randint(1, 12))))


def _fault(draw: random.Random) -> Fault:
    kind = draw.choice(KINDS)
    on = draw.choice(REQUESTS)
    times = draw.choice((1, 1, 2, 3, 6, 15, None if draw.random() < 0.3 else 4))
    if kind == "delay":
        times = 1
    stage = draw.choice(("before", "after")) if kind in {"html_5xx", "status", "delay"} else ""
    return Fault(
        on=on,
        kind=kind,
        times=times,
        after=draw.choice((0, 0, 1, 2, 5, 10)),
        stage=stage,
        seconds=HANGS if kind == "delay" else 0.0,
        status=draw.choice(STATUSES) if kind == "status" else 0,
        envelope=draw.choice((None, "item", "object", "rest_exception", "error", "html")) if kind == "status" else None,
        retry_after=draw.choice(("seconds", "date", "nonsense", "absent")) if kind == "rate_limited" else None,
        message=draw.choice(("no", f"not {STRANGER}")),
    )


@contextmanager
def hostile(plan: Plan, seed: int) -> Iterator[Emulator]:
    """A server with campaigns of somebody else, which then misbehaves."""
    with Emulator(seed=seed, **plan.switches) as emulator:
        accepts, emulator.settings.accepts = emulator.settings.accepts, "both"
        tomorrow = emulator.clock.now() + timedelta(days=1)
        for name in ("Somebody's reminder", "Somebody's survey"):
            body = {
                "from": STRANGER,
                "caller_id": "0XXXXXX4890",
                "name": name,
                "schedule": {"send_at": tomorrow.isoformat(), "end_at": (tomorrow + timedelta(hours=1)).isoformat()},
            }
            url = f"{emulator.url}/v2/accounts/{emulator.account_sid}/campaigns"
            requests.post(url, json=body, auth=(emulator.api_key, emulator.api_token), timeout=60).raise_for_status()
        emulator.settings.accepts = accepts
        emulator.faults.add(*plan.faults)
        yield emulator
