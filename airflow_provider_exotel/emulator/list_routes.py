"""The service's endpoints for lists of contacts and CSV files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from airflow_provider_exotel.emulator import list_dialects
from airflow_provider_exotel.emulator.account import Account
from airflow_provider_exotel.emulator.envelopes import Refusal
from airflow_provider_exotel.emulator.lists import ContactList

MOST_LISTS_PER_REQUEST = 5_000


def list_routes(prefix: str, account: Account, read_json: Callable[[Request], Any]) -> APIRouter:
    """Return the endpoints ``lists``, ``contacts/csv-upload`` and ``csv-status``.

    :param prefix: the path of an account.
    :param account: the account.
    :param read_json: returns the decoded body of a request.
    """
    router = APIRouter(prefix=prefix)
    _many(router, account, read_json)
    _one(router, account, read_json)
    _csv(router, account)
    return router


def _many(router: APIRouter, account: Account, read_json: Callable[[Request], Any]) -> None:
    lists, settings = account.lists, account.settings

    def answer(method: str, body: Any, carry_out: Callable[[Mapping[str, Any]], ContactList]) -> Response:
        outcomes = [_outcome(carry_out, given) for given in _lists_of(body)]
        for refused in (each for each in outcomes if isinstance(each, Refusal) and settings.duplicate_list == "http"):
            raise refused
        status, shown = list_dialects.many_lists(method, outcomes, settings)
        return JSONResponse(shown, status)

    @router.post("/lists")
    async def create_lists(request: Request) -> Response:
        body = await read_json(request)
        return answer("POST", body, lambda given: lists.create(given.get("name"), given.get("tag", "")))

    @router.put("/lists")
    async def change_lists(request: Request) -> Response:
        body = await read_json(request)
        return answer("PUT", body, lambda given: lists.change(str(given.get("sid")), given))

    @router.get("/lists")
    async def read_lists(request: Request) -> Response:
        return JSONResponse(list_dialects.list_page(lists.select(request.query_params), settings))


def _one(router: APIRouter, account: Account, read_json: Callable[[Request], Any]) -> None:
    lists, settings = account.lists, account.settings

    @router.get("/lists/{list_sid}")
    async def get_list(list_sid: str) -> Response:
        return JSONResponse(list_dialects.one_list("GET", lists.get(list_sid), settings))

    @router.put("/lists/{list_sid}")
    async def change_list(list_sid: str, request: Request) -> Response:
        changed = lists.change(list_sid, await read_json(request))
        return JSONResponse(list_dialects.one_list("PUT", changed, settings))

    @router.delete("/lists/{list_sid}")
    async def delete_list(list_sid: str) -> Response:
        return JSONResponse(list_dialects.one_list("DELETE", account.delete_list(list_sid), settings))

    @router.get("/lists/{list_sid}/contacts")
    async def contacts(list_sid: str, request: Request) -> Response:
        return JSONResponse(list_dialects.contact_page(lists.contacts(list_sid, request.query_params), settings))


def _csv(router: APIRouter, account: Account) -> None:
    lists, settings = account.lists, account.settings

    @router.post("/contacts/csv-upload")
    async def upload(request: Request) -> Response:
        async with request.form(max_files=1, max_fields=10) as form:
            file, name, kind = form.get("file_name"), form.get("list_name"), form.get("type", "static")
            if not isinstance(file, UploadFile):
                raise Refusal(400, "file_name is mandatory and must be a file")
            begun = lists.upload(str(name or ""), str(kind), file.file, file.size or 0)
        url = f"{request.url.path.removesuffix('contacts/csv-upload')}csv-status/{begun.upload_id}"
        return JSONResponse(list_dialects.upload(begun, settings, str(request.url.replace(path=url))))

    @router.get("/csv-status/{upload_id}")
    async def status(upload_id: str) -> Response:
        return JSONResponse(list_dialects.upload_status(*lists.status(upload_id), settings))


def _lists_of(body: Any) -> list[Mapping[str, Any]]:
    given = body.get("lists") if isinstance(body, Mapping) else None
    if not isinstance(given, list) or not given or not all(isinstance(each, Mapping) for each in given):
        raise Refusal(400, "Lists is mandatory")
    if len(given) > MOST_LISTS_PER_REQUEST:
        raise Refusal(400, f"lists may hold at most {MOST_LISTS_PER_REQUEST} lists")
    return given


def _outcome(carry_out: Callable[[Mapping[str, Any]], ContactList], given: Mapping[str, Any]) -> ContactList | Refusal:
    try:
        return carry_out(given)
    except Refusal as refusal:
        return refusal
