"""The control paths under ``/_emulator/``, for other processes that control the emulator.

There is no authentication: the emulator listens on loopback only.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Request

from airflow_provider_exotel.emulator.campaigns import CampaignState
from airflow_provider_exotel.emulator.clock import Clock
from airflow_provider_exotel.emulator.faults import Fault
from airflow_provider_exotel.emulator.front import EmulatorState
from airflow_provider_exotel.emulator.journal import masked


def control_routes(state: EmulatorState) -> APIRouter:
    """Return the control paths.

    ``GET requests``, ``campaigns``, ``called``, ``lists``, ``settings``, ``faults``, ``clock``; ``POST faults`` (one or
    a list), ``clock/advance`` (``{"seconds": 60}``), ``clock/set`` (``{"instant": "..."}``), ``settings``, ``lists``
    (``{"sid": ..., "numbers": [...]}``), ``callbacks`` (sends those that are due), ``reset``; ``DELETE faults``.
    The response to invalid input is 400 with ``error``.

    Only ``called`` returns numbers: tests use it to find contacts that were called twice.

    :param state: the state of the emulator.
    """
    router = APIRouter(prefix="/_emulator")
    _reading(router, state)
    _clock(router, state.account.clock)
    _changing(router, state)
    return router


def _reading(router: APIRouter, state: EmulatorState) -> None:
    @router.get("/requests")
    async def requests() -> list[dict[str, Any]]:
        return [each.shown() for each in state.journal]

    @router.get("/campaigns")
    async def campaigns() -> list[dict[str, Any]]:
        return [_shown(each) for each in state.account.states()]

    @router.get("/called")
    def called() -> list[dict[str, Any]]:
        # Not async: hundreds of thousands of calls take seconds, and other requests must be answered meanwhile.
        return [_called(each) for each in state.account.states()]

    @router.get("/lists")
    async def lists() -> list[dict[str, Any]]:
        return [
            {"sid": each.sid, "name": masked(each.name), "kind": each.kind, "contact_count": len(each.numbers)}
            for each in state.account.lists.all()
        ]

    @router.get("/settings")
    async def settings() -> dict[str, Any]:
        return asdict(state.account.settings)

    @router.get("/faults")
    async def faults() -> list[dict[str, Any]]:
        return [asdict(each) for each in state.faults.waiting()]


def _clock(router: APIRouter, clock: Clock) -> None:
    def shown() -> dict[str, Any]:
        return {"now": clock.now().isoformat(), "speed": clock.speed}

    @router.get("/clock")
    async def read() -> dict[str, Any]:
        return shown()

    @router.post("/clock/advance")
    async def advance(request: Request) -> dict[str, Any]:
        given = await _object(request)
        _try(lambda: clock.advance(float(given["seconds"])))
        return shown()

    @router.post("/clock/set")
    async def set_to(request: Request) -> dict[str, Any]:
        given = await _object(request)
        _try(lambda: clock.set(datetime.fromisoformat(given["instant"])))
        return shown()


def _changing(router: APIRouter, state: EmulatorState) -> None:
    account = state.account

    @router.post("/settings")
    async def settings(request: Request) -> dict[str, Any]:
        _try(account.settings.update, await _object(request))
        return asdict(account.settings)

    @router.post("/faults")
    async def add_faults(request: Request) -> list[dict[str, Any]]:
        given = await _json(request)
        state.faults.add(*[_try(_fault, each) for each in (given if isinstance(given, list) else [given])])
        return [asdict(each) for each in state.faults.waiting()]

    @router.delete("/faults")
    async def clear_faults() -> list[dict[str, Any]]:
        state.faults.clear()
        return []

    @router.post("/lists")
    async def add_list(request: Request) -> dict[str, Any]:
        given = await _object(request)
        added = _try(account.lists.add, given.get("sid"), given.get("numbers"), given.get("name"))
        return {"sid": added.sid, "contact_count": len(added.numbers)}

    @router.post("/callbacks")
    def callbacks() -> dict[str, Any]:
        # Not async: it waits for the responses.
        return {"answers": state.send_callbacks()}

    @router.post("/reset")
    async def reset() -> dict[str, Any]:
        state.reset()
        return {}


def _shown(state: CampaignState) -> dict[str, Any]:
    return {
        "id": state.id,
        "name": masked(state.name),
        "status": state.status,
        "send_at": state.send_at.isoformat(timespec="seconds"),
        "end_at": state.end_at.isoformat(timespec="seconds"),
        "now": state.now.isoformat(timespec="seconds"),
        "counts": asdict(state.counts),
        "calls": state.calls_finished,
    }


def _called(state: CampaignState) -> dict[str, Any]:
    """Return the number of each finished call of a campaign, in the order of their start."""
    numbers = [] if state.plan is None else [state.numbers[state.plan.indexes[each]] for each in state.finished()]
    return {"id": state.id, "name": masked(state.name), "numbers": numbers}


def _try(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except (KeyError, TypeError, ValueError) as error:
        raise HTTPException(400, str(error)) from error


def _fault(given: Any) -> Fault:
    return Fault(**given)


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError:
        raise HTTPException(400, "the body must be JSON") from None


async def _object(request: Request) -> dict[str, Any]:
    given = await _json(request)
    if not isinstance(given, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return given
