"""The page's app: an overview, a confirmation for each action, and the actions.

Every route asks who is there (``get_user``, for the app as a whole) and what that user may: who may read a campaign's
DAG sees it, who may set its task's state may pause, resume and stop it, and who may edit the connection sees the whole
account and may stop everything. A campaign that a user may not see does not exist for that user.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qs

from airflow.configuration import conf
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from airflow_provider_exotel.client.errors import ExotelError
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.html.render import render, style_policy
from airflow_provider_exotel.plugin import view
from airflow_provider_exotel.plugin.access import Viewer, get_user, is_valid_token, sign_token
from airflow_provider_exotel.plugin.account import PATIENCE, Snapshot, in_words
from airflow_provider_exotel.plugin.accounts import Account, Accounts
from airflow_provider_exotel.plugin.action import Result, carry_out, describe_failure, write_down
from airflow_provider_exotel.plugin.tasks import OwningTask, find_owners, find_plans, find_reports

log = logging.getLogger(__name__)

TITLE = "Exotel campaigns"
REFRESH = 15
"""Seconds after which the page loads itself again."""
MOST_REPORTS = 10
_LARGEST_FORM = 8_192
_DENIED = {
    401: "Sign in to Airflow first, and then load this page again.",
    403: "You may not do this in Airflow.",
    404: "There is no such campaign, or you may not see it.",
}


@dataclass(frozen=True)
class Target:
    """What an action is for.

    :param account: the account.
    :param shown: the campaign, ``None`` for all of the account.
    """

    account: Account
    shown: view.Shown | None = None


class Owners:
    """The tasks of campaigns, asked of Airflow's database once for what was read of an account."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[int, tuple[Snapshot, dict[str, OwningTask]]] = {}

    def of(self, account: Account, snapshot: Snapshot) -> dict[str, OwningTask]:
        """Return the tasks of an account's campaigns by campaign id."""
        with self._lock:
            read, owners = self._known.get(id(account.reader), (None, {}))
            if read is not snapshot:
                owners = find_owners(snapshot.campaigns, account.connections)
                self._known[id(account.reader)] = (snapshot, owners)
            return owners


def viewer_of(user: Annotated[Any, Depends(get_user)]) -> Viewer:
    """Return the user who asks."""
    return Viewer(user)


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form.

    :raises HTTPException: if it is larger than one of this page can be.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST_FORM:
            raise HTTPException(413, "The form is too large.")
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


Asking = Annotated[Viewer, Depends(viewer_of)]
Form = Annotated[dict[str, str], Depends(read_form)]
router = APIRouter(default_response_class=HTMLResponse)


def make_app() -> FastAPI:
    """Return the app, which Airflow mounts without any authorization of its own."""
    app = FastAPI(title=TITLE, dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None)
    app.state.accounts, app.state.owners = Accounts(), Owners()
    app.include_router(router)
    app.add_exception_handler(StarletteHTTPException, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse)
    return app


@router.get("/")
def overview(request: Request, viewer: Asking) -> HTMLResponse:
    """Show the campaigns that the viewer may see, plans that wait for approval, and reports."""
    accounts, unreadable = request.app.state.accounts.read()
    editable = [one for one in accounts if _may_edit(viewer, one)]
    broken = [one for one in unreadable if viewer.may_edit(one.conn_id)]
    if not editable and not broken and not viewer.may_read_any_dag:
        raise HTTPException(403)
    airflow, now = _airflow(request), request.app.state.accounts.now()
    seen = [
        (number, account, snapshot, account in editable)
        for number, (account, snapshot) in enumerate(zip(accounts, _snapshots(accounts), strict=True), 1)
    ]
    notes = [f"Connection {one.conn_id}: {one.problem}" for one in broken]
    sections, figures = [], {"active": 0, "reached": 0, "wrong": 0}
    for number, account, snapshot, is_editor in seen:
        shown = _shown(request, viewer, account, snapshot, is_editor=is_editor)
        if not shown and not is_editor:
            if snapshot.problem:
                notes.append(f"The campaigns of an account could not be read. {snapshot.problem}")
            continue
        active = [
            view.card(one, account.id, airflow, account.secrets, now)
            for one in view.in_order(one for one in shown if one.is_active)
        ]
        ended = [one for one in shown if not one.is_active]
        figures["active"] += len(active)
        figures["reached"] += sum(one["reached"] for one in active)
        figures["wrong"] += sum(bool(one["problems"]) for one in active)
        sections.append(_section(request, number, account, snapshot, active, ended, airflow, now, is_editor=is_editor))
    page = render(
        "campaigns.html",
        title=TITLE,
        subtitle=f"As of {view.describe_time(now)}. The page loads itself again every {REFRESH} seconds.",
        refresh=REFRESH,
        key_figures=[
            ("active campaigns", f"{figures['active']:,}", ""),
            ("reached by them", f"{figures['reached']:,}", ""),
            ("with a problem", f"{figures['wrong']:,}", ""),
        ],
        notes=notes,
        accounts=sections,
        nothing=_nothing(accounts, unreadable),
        plans=view.plan_rows(
            [
                one
                for one in find_plans()
                if viewer.may("read_approvals", one.key.dag_id) and viewer.may("read_xcoms", one.key.dag_id)
            ],
            airflow,
        ),
        reports=view.report_rows(
            [one for one in find_reports() if viewer.may("read_xcoms", one.key.dag_id)][:MOST_REPORTS], airflow
        ),
        footer="Campaigns are read from Exotel at most every 15 seconds for all who look.",
    )
    return _html(page)


@router.get("/confirm")
def confirm(request: Request, viewer: Asking, action: str, connection: str, campaign: str = "") -> HTMLResponse:
    """Say what an action does, and ask for it to be confirmed."""
    target = _target(request, viewer, action, connection, campaign)
    connection, campaign = target.account.id, target.shown.campaign.id if target.shown else ""
    label, consequence = view.ACTIONS[action]
    now = request.app.state.accounts.now()
    if target.shown is not None and action not in view.allowed_actions(target.shown, now):
        status = target.shown.campaign.status.value
        return _message(f"{label} is not possible now: the campaign is {status}.", good=False, status=409)
    name = view.name_of(target.shown.campaign, target.account.secrets) if target.shown else ""
    facts = [("Campaign", name), ("Id", campaign)] if target.shown else []
    if target.shown and target.shown.owner and target.shown.owner.waits:
        facts.append(("Task", f"{redact(target.shown.owner.key)}, which waits for it"))
    page = render(
        "confirm.html",
        title=f"{label}: {name}" if name else label,
        subtitle=f"Connection {target.account.id}",
        consequence=consequence,
        facts=facts,
        fields=[
            ("action", action),
            ("connection", connection),
            ("campaign", campaign),
            ("token", sign_token(viewer, action, connection, campaign)),
        ],
        button=label,
        is_danger=action in {"stop", view.STOP_ALL},
    )
    return _html(page)


@router.post("/act")
def act(request: Request, viewer: Asking, form: Form) -> HTMLResponse:
    """Do what was confirmed, if the viewer may still do it, and say what came of it."""
    action, connection, campaign_id = (form.get(name, "") for name in ("action", "connection", "campaign"))
    target = _target(request, viewer, action, connection, campaign_id)
    if not is_valid_token(form.get("token", ""), viewer, action, connection, campaign_id):
        raise HTTPException(403, "The confirmation is not yours, or is older than an hour. Go back and confirm again.")
    reader, shown = target.account.reader, target.shown
    if shown is None:
        write_down(viewer.name, action, connection, "", None, "begun")
        reader.stop_everything(viewer.name)
        return _message(
            "Everything is being stopped.",
            good=True,
            advice="The page of campaigns shows how far it is, on this API server.",
        )
    try:
        with reader.fail_fast_client() as client:
            result = carry_out(client, campaign_id, action, request.app.state.accounts.now())
    except ExotelError as error:
        log.warning("Campaign %s: %s failed: %s", campaign_id, action, error)
        result = describe_failure(error, action)
    if result.campaign is not None:
        reader.take(result.campaign)
    owner = shown.owner.key if shown.owner else None
    write_down(viewer.name, action, connection, campaign_id, owner, result.message)
    return _result(result, view.name_of(shown.campaign, target.account.secrets))


def _target(request: Request, viewer: Viewer, action: str, connection: str, campaign_id: str) -> Target:
    """Return what an action is for.

    :raises HTTPException: if there is no such action or campaign, or the viewer may not do it.
    """
    if action not in view.ACTIONS:
        raise HTTPException(404)
    account = request.app.state.accounts.get(connection)
    is_editor = account is not None and _may_edit(viewer, account)
    if action == view.STOP_ALL:
        if not is_editor or account is None:
            raise HTTPException(403)
        return Target(account)
    if account is None or not (is_editor or viewer.may_read_any_dag):
        raise HTTPException(404)
    campaign = account.reader.find(campaign_id) or _read(account, campaign_id)
    owner = find_owners([campaign], account.connections).get(campaign.id)
    if not is_editor and not (owner and viewer.may("read", owner.key.dag_id)):
        raise HTTPException(404)
    may_act = is_editor or (owner is not None and viewer.may("set_state", owner.key.dag_id))
    if not may_act:
        raise HTTPException(403)
    return Target(account, view.show(campaign, owner, Snapshot(), may_act=True))


def _snapshots(accounts: Sequence[Account]) -> list[Snapshot]:
    """Return the campaigns of accounts, read side by side: a service that hangs is waited for once, not once each."""
    ends = time.monotonic() + PATIENCE
    for account in accounts:
        account.reader.begin()
    return [account.reader.snapshot(ends - time.monotonic()) for account in accounts]


def _read(account: Account, campaign_id: str) -> Campaign:
    """Return a campaign that another API server has shown."""
    if not account.reader.may_read_one():
        raise HTTPException(503, "Exotel is not asked for another campaign yet. Load this page again in a few seconds.")
    try:
        with account.reader.fail_fast_client() as client:
            return client.get_campaign(campaign_id)
    except (ExotelError, ValueError) as error:
        if isinstance(error, ExotelError) and error.retryable:
            again = "Nothing was done. Load this page again, or go back and confirm again."
            raise HTTPException(503, f"{in_words(error)} {again}") from None
        raise HTTPException(404) from None


def _shown(
    request: Request, viewer: Viewer, account: Account, snapshot: Snapshot, *, is_editor: bool
) -> list[view.Shown]:
    owners = request.app.state.owners.of(account, snapshot)
    shown = []
    for campaign in snapshot.campaigns:
        owner = owners.get(campaign.id)
        if is_editor or (owner and viewer.may("read", owner.key.dag_id)):
            may_act = is_editor or (owner is not None and viewer.may("set_state", owner.key.dag_id))
            shown.append(view.show(campaign, owner, snapshot, may_act))
    return shown


def _section(
    request: Request,
    number: int,
    account: Account,
    snapshot: Snapshot,
    active: list[dict[str, Any]],
    ended: list[view.Shown],
    airflow: view.Airflow,
    now: datetime,
    *,
    is_editor: bool,
) -> dict[str, Any]:
    """Return what the section of an account shows."""
    wanted = {kind: _number(request.query_params.get(f"{number}{kind}")) for kind in "ae"}
    page_of_ended = view.page_of(ended, wanted["e"])
    page_of_ended["items"] = [
        view.card(one, account.id, airflow, account.secrets, now) for one in page_of_ended["items"]
    ]
    stop = account.reader.stop if is_editor else None
    return {
        "number": number,
        "title": f"Connection {', '.join(account.connections)}",
        "read": _read_when(snapshot, is_editor=is_editor),
        "problem": snapshot.problem,
        "stop": view.describe_stop(stop) if stop else None,
        "active": view.page_of(active, wanted["a"]),
        "ended": page_of_ended,
        "others_of_active": f"&{number}e={wanted['e']}" if wanted["e"] > 1 else "",
        "others_of_ended": f"&{number}a={wanted['a']}" if wanted["a"] > 1 else "",
        "stop_address": view.confirm_address(view.STOP_ALL, account.id) if is_editor and active else None,
    }


def _read_when(snapshot: Snapshot, *, is_editor: bool) -> str:
    whose = "All campaigns of the account." if is_editor else "Campaigns of the DAGs that you may read."
    if snapshot.is_whole:
        return f"{whose} Read from Exotel at {view.describe_time(snapshot.read_at)}."
    more = " and the active ones" if snapshot.has_active_of_all else "; older active ones follow in 15 seconds"
    return f"{whose} Read from Exotel at {view.describe_time(snapshot.read_at)}: the latest 500{more}."


def _nothing(accounts: list[Account], unreadable: list[Any]) -> str:
    if accounts or unreadable:
        return "No campaign of a DAG that you may read."
    return "No connection of type Exotel is in Airflow's database, and [exotel] connections names none."


def _may_edit(viewer: Viewer, account: Account) -> bool:
    return any(viewer.may_edit(conn_id) for conn_id in account.connections)


def _airflow(request: Request) -> view.Airflow:
    reached = f"{request.url.scheme}://{request.url.netloc}"
    base_url = (conf.get("api", "base_url", fallback="") or reached).rstrip("/")
    # A browser that does not say where a page is shown gets text to copy.
    return view.Airflow(base_url, is_framed=request.headers.get("sec-fetch-dest") != "document")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 6 else 1


def _result(result: Result, name: str) -> HTMLResponse:
    status = 200 if result.is_confirmed else 502
    return _message(result.message, good=result.is_confirmed, title=name, advice=result.advice, status=status)


def _message(message: str, *, good: bool, title: str = TITLE, advice: str = "", status: int = 200) -> HTMLResponse:
    return _html(render("message.html", title=title, subtitle="", message=message, good=good, advice=advice), status)


async def _refuse(request: Request, error: Exception) -> HTMLResponse:  # noqa: ARG001
    status = error.status_code if isinstance(error, StarletteHTTPException) else 400
    own = str(error.detail) if isinstance(error, HTTPException) and str(error.detail).endswith(".") else ""
    return _message(own or _DENIED.get(status, "This request is not one of this page."), good=False, status=status)


def _html(page: str, status: int = 200) -> HTMLResponse:
    own_only = "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
    headers = {
        "Content-Security-Policy": f"default-src 'none'; style-src {style_policy(page)}; {own_only}",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return HTMLResponse(page, status, headers)
