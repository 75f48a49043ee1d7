"""The application: the service's endpoints, the control paths and the page."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from airflow_provider_exotel.emulator import dialects, page, reports
from airflow_provider_exotel.emulator.control import control_routes
from airflow_provider_exotel.emulator.envelopes import Refusal
from airflow_provider_exotel.emulator.front import PREFIX, EmulatorState, FaultMiddleware, error_answer
from airflow_provider_exotel.emulator.list_routes import list_routes


def build(state: EmulatorState) -> ASGIApp:
    """Return the whole emulator as an ASGI application.

    :param state: the state of the emulator.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _service_routes(app, state)
    _call_routes(app, state)
    _recording_routes(app, state)
    _page_routes(app, state)
    app.include_router(control_routes(state))

    @app.exception_handler(Refusal)
    async def refuse(request: Request, refusal: Refusal) -> Response:
        return _refused(request, refusal.status, refusal.message)

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        return _refused(request, error.status_code, str(error.detail))

    def _refused(request: Request, status: int, message: str) -> Response:
        if not request.url.path.startswith(PREFIX):
            return JSONResponse({"error": message}, status)
        answer = error_answer(status, message, request.method, state.account.settings)
        return Response(answer.body, answer.status, media_type=answer.content_type)

    return FaultMiddleware(app, state)


def _service_routes(app: FastAPI, state: EmulatorState) -> None:
    account, settings = state.account, state.account.settings
    campaigns, campaign = PREFIX + "{sid}/campaigns", PREFIX + "{sid}/campaigns/{campaign_id}"

    def shown(method: str, state: Any) -> JSONResponse:
        return JSONResponse(dialects.one_campaign(method, state, settings, account.sid))

    @app.post(campaigns)
    async def create_campaign(request: Request) -> Response:
        return shown("POST", account.create(await _json(request)))

    @app.get(campaigns)
    async def list_campaigns(request: Request) -> Response:
        found = account.select(request.query_params)
        return JSONResponse(dialects.campaign_page(found, settings, account.sid))

    @app.get(campaign)
    async def get_campaign(campaign_id: str) -> Response:
        return shown("GET", account.get(campaign_id))

    @app.put(campaign)
    async def change_campaign(campaign_id: str, request: Request) -> Response:
        return shown("PUT", account.change(campaign_id, await _json(request)))

    @app.delete(campaign)
    async def delete_campaign(campaign_id: str) -> Response:
        return shown("DELETE", account.delete(campaign_id))

    app.include_router(list_routes(PREFIX + "{sid}", account, _json))


def _call_routes(app: FastAPI, state: EmulatorState) -> None:
    account, settings, campaign = state.account, state.account.settings, PREFIX + "{sid}/campaigns/{campaign_id}"

    @app.get(campaign + "/call-details")
    async def list_calls(campaign_id: str, request: Request) -> Response:
        return JSONResponse(dialects.call_page(account.calls(campaign_id, request.query_params), settings))

    @app.get(campaign + "/report")
    async def report(campaign_id: str) -> Response:
        return Response(dialects.report(account.get(campaign_id), settings), media_type="text/csv")


def _recording_routes(app: FastAPI, state: EmulatorState) -> None:
    @app.get(PREFIX + "{sid}/recordings/{name}")
    async def own_recording(name: str) -> Response:
        return _recording(name)

    @app.get("/recordings/{name}")
    async def foreign_recording(name: str, request: Request) -> Response:
        if "authorization" in request.headers:
            state.leaked.append(request.url.path)
        return _recording(name)

    def _recording(name: str) -> Response:
        content = state.account.recording(name.removesuffix(".mp3"))
        if content is None:
            raise HTTPException(404, "There is no such recording")
        return Response(content, media_type="audio/mpeg")


def _page_routes(app: FastAPI, state: EmulatorState) -> None:
    @app.get("/")
    async def overview() -> HTMLResponse:
        found = reports.addresses(state.reports)
        return HTMLResponse(page.render_overview(state.account.states(), state.journal, state.account.clock, found))

    @app.get("/campaigns/{campaign_id}")
    async def one_campaign(campaign_id: str) -> HTMLResponse:
        try:
            found_state = state.account.state(campaign_id)
        except KeyError:
            raise HTTPException(404, "There is no such campaign") from None
        found = reports.addresses(state.reports)
        return HTMLResponse(page.render_campaign(found_state, state.account.clock, found))

    @app.get(reports.PREFIX + "{path:path}")
    async def report_page(path: str) -> HTMLResponse:
        found = reports.page(state.reports, path)
        if found is None:
            raise HTTPException(404, "There is no such report")
        return HTMLResponse(found)


async def _json(request: Request) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"", "application/json"}:
        raise Refusal(415, "The content type must be application/json")
    try:
        return await request.json()
    except ValueError:
        raise Refusal(400, "The body is not valid JSON") from None
