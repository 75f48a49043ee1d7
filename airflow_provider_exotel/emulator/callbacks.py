"""Events that the service sends to the callback URLs of campaigns, and to the Passthru applet of a flow.

Nothing runs in the background: the user of the emulator decides when due events are sent. An event that was not
accepted is due again, since the service also repeats it later.
"""

from __future__ import annotations

import ipaddress
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from airflow_provider_exotel.emulator.campaigns import WORDS, Call, CampaignState
from airflow_provider_exotel.emulator.dialects import REPORTED, date, recording_url
from airflow_provider_exotel.emulator.settings import Settings

_TIMEOUT = 5.0  # Exotel: the response limit in the campaign guides


@dataclass(frozen=True)
class Event:
    """One due callback.

    :param key: its unique key.
    :param url: its target.
    :param fields: its fields, named as in the settings.
    :param is_get: whether it is a GET with a query, as from a Passthru applet.
    """

    key: tuple[str, ...]
    url: str = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)
    is_get: bool = False


def due_events(state: CampaignState, settings: Settings) -> Iterator[Event]:
    """Yield every event of a campaign so far, in the order in which they happened."""
    given = state.campaign.given
    for url, kind in (
        (given.get("call_status_callback"), _call),
        (settings.passthru_url, _passthru),
        (given.get("call_schedule_callback"), _contact),
        (given.get("status_callback"), _campaign),
    ):
        if url and _is_loopback(url):
            yield from kind(state, settings, url)


def _is_loopback(url: str) -> bool:
    """Return whether a URL leads to this machine: what is made up here is nobody else's business."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def send(event: Event, settings: Settings) -> int:
    """Send an event, and return the HTTP status of the response, or 0 without one."""
    if event.is_get:
        request = urllib.request.Request(f"{event.url}?{urlencode(event.fields)}")  # noqa: S310
    elif settings.callback_encoding == "json":
        body, kind = json.dumps(event.fields).encode(), "application/json"
        request = urllib.request.Request(event.url, body, {"Content-Type": kind})  # noqa: S310
    else:
        flat = {name: json.dumps(one) if isinstance(one, (list, dict)) else one for name, one in event.fields.items()}
        request = urllib.request.Request(event.url, urlencode(flat).encode())  # noqa: S310
    # Requests to a program on this machine must not leave it through a proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (OSError, ValueError):  # no response, or an invalid URL
        return 0


def _call(state: CampaignState, settings: Settings, url: str) -> Iterator[Event]:
    for call in state.calls:
        fields: Mapping[str, Any] = {
            "campaign_sid": state.id,
            "call_sid": call.call_sid,
            "date_created": date(call.started.timestamp()),
            "date_updated": date(call.ended.timestamp()),
            "number": call.number,
            "status": call.status,
        }
        if settings.callback_keys == "pascal":
            fields = {
                "CallSid": call.call_sid,
                "To": call.number,
                "From": state.campaign.given["caller_id"],
                "Status": call.status,
                "Duration": call.duration,
                "RecordingUrl": recording_url(call, settings) or "",
                "DateCreated": date(call.started.timestamp()),
            }
        yield Event(("call", call.call_sid), url, fields)


def _passthru(state: CampaignState, settings: Settings, url: str) -> Iterator[Event]:  # noqa: ARG001
    for call in state.calls:
        if call.digits:
            fields = {
                "CallSid": call.call_sid,
                "CallFrom": state.campaign.given["caller_id"],
                "CallTo": call.number,
                "Direction": "outbound-dial",
                "Created": date(call.started.timestamp()),
                "digits": f'"{call.digits}"',
            }
            yield Event(("passthru", call.call_sid), url, fields, is_get=True)


def _contact(state: CampaignState, settings: Settings, url: str) -> Iterator[Event]:
    calls: dict[str, list[Call]] = {}
    for call in state.calls:
        calls.setdefault(call.number, []).append(call)
    for number, attempts in calls.items():
        if not _is_settled(state, attempts):
            continue
        last = attempts[-1]
        fields: Mapping[str, Any] = {
            "campaign_sid": state.id,
            "to": number,
            "from": state.campaign.given["caller_id"],
            "call_sids": [call.call_sid for call in attempts],
            "status": last.status,
            "date_created": date(attempts[0].started.timestamp()),
            "date_updated": date(last.ended.timestamp()),
        }
        if settings.callback_keys == "pascal":
            named = {"To": number, "FinalStatus": last.status}
            fields = {**named, "AttemptCount": len(attempts), "CampaignSid": state.id}
        yield Event(("contact", state.id, number), url, fields)


def _is_settled(state: CampaignState, attempts: Sequence[Call]) -> bool:
    last, retries = attempts[-1], state.campaign.dialling.retries
    return state.status in REPORTED or last.status not in retries.on or last.attempt > retries.extra


def _campaign(state: CampaignState, settings: Settings, url: str) -> Iterator[Event]:
    if state.status not in REPORTED:
        return
    status = WORDS[state.status] if settings.dialect == "documented" else state.status
    fields: Mapping[str, Any] = {
        "campaign_sid": state.id,
        "date_created": date(state.campaign.created_at),
        "date_updated": date(state.updated_at),
        "date_started": date(state.campaign.dialling.start),
        "status": status,
        "report_url": (settings.report_url or "").replace("{id}", state.id),
    }
    if settings.callback_keys == "pascal":
        counts = {"total": state.counts.total, "completed": state.counts.completed}
        fields = {"CampaignSid": state.id, "Status": status, "Stats": counts}
    yield Event(("campaign", state.id), url, fields)
