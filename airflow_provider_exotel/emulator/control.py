"""The control paths under ``/_emulator/``, with which other processes drive the emulator. No authentication: loopback."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Request

from airflow_provider_exotel.emulator.account import ContactList
from airflow_provider_exotel.emulator.campaigns import CampaignState
from airflow_provider_exotel.emulator.faults import Fault
from airflow_provider_exotel.emulator.front import Office
from airflow_provider_exotel.emulator.journal import masked


def control_routes(office: Office) -> APIRouter:
    """Return the control paths.

    ``GET requests``, ``campaigns``, ``settings``, ``faults``, ``clock``; ``POST faults`` (one or a list),
    ``clock/advance`` (``{"seconds": 60}``), ``clock/set`` (``{"instant": "..."}``), ``settings``, ``lists``
    (``{"sid": ..., "numbers": [...]}``), ``reset``; ``DELETE faults``. Wrong input answers 400 with ``error``.

    :param office: what they work on.
    """
    router = APIRouter(prefix="/_emulator")
    account = office.account

    def clock() -> dict[str, Any]:
        return {"now": account.clock.now().isoformat(), "speed": account.clock.speed}

    @router.get("/requests")
    async def requests() -> list[dict[str, Any]]:
        return [each.shown() for each in office.journal]

    @router.get("/campaigns")
    async def campaigns() -> list[dict[str, Any]]:
        return [_shown(each) for each in account.states()]

    @router.get("/settings")
    async def settings() -> dict[str, Any]:
        return asdict(account.settings)

    @router.post("/settings")
    async def change_settings(request: Request) -> dict[str, Any]:
        _try(account.settings.update, await _object(request))
        return asdict(account.settings)

    @router.get("/faults")
    async def faults() -> list[dict[str, Any]]:
        return [asdict(each) for each in office.faults.waiting()]

    @router.post("/faults")
    async def add_faults(request: Request) -> list[dict[str, Any]]:
        given = await request.json()
        office.faults.add(*[_try(lambda each=each: Fault(**each)) for each in _as_list(given)])
        return [asdict(each) for each in office.faults.waiting()]

    @router.delete("/faults")
    async def clear_faults() -> list[dict[str, Any]]:
        office.faults.clear()
        return []

    @router.get("/clock")
    async def read_clock() -> dict[str, Any]:
        return clock()

    @router.post("/clock/advance")
    async def advance(request: Request) -> dict[str, Any]:
        given = await _object(request)
        _try(lambda: account.clock.advance(float(given["seconds"])))
        return clock()

    @router.post("/clock/set")
    async def set_clock(request: Request) -> dict[str, Any]:
        given = await _object(request)
        _try(lambda: account.clock.set(datetime.fromisoformat(given["instant"])))
        return clock()

    @router.post("/lists")
    async def add_list(request: Request) -> dict[str, Any]:
        given = await _object(request)
        sid = str(given.get("sid", "list"))
        account.lists[sid] = ContactList(sid, str(given.get("name", sid)), tuple(map(str, given.get("numbers", ()))))
        return {"sid": sid, "contact_count": len(account.lists[sid].numbers)}

    @router.post("/reset")
    async def reset() -> dict[str, Any]:
        office.reset()
        return {}

    return router


def _shown(state: CampaignState) -> dict[str, Any]:
    return {
        "id": state.id,
        "name": masked(state.name),
        "status": state.status,
        "send_at": state.send_at.isoformat(timespec="seconds"),
        "end_at": state.end_at.isoformat(timespec="seconds"),
        "now": state.now.isoformat(timespec="seconds"),
        "counts": asdict(state.counts),
        "calls": len(state.calls),
    }


def _try(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except (KeyError, TypeError, ValueError) as error:
        raise HTTPException(400, str(error)) from error


async def _object(request: Request) -> dict[str, Any]:
    try:
        given = await request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return given


def _as_list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]
