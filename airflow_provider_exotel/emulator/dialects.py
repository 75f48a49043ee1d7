"""Responses in the two formats of Exotel's pages.

``documented``: the create-campaign page and related pages. ``wrapped``: the older reference and public clients.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow_provider_exotel.emulator.campaigns import CREATED, INDIA, WORDS, Call, CampaignState
from airflow_provider_exotel.emulator.dialling import Counts
from airflow_provider_exotel.emulator.envelopes import request_id
from airflow_provider_exotel.emulator.paging import Page
from airflow_provider_exotel.emulator.settings import Settings
from airflow_provider_exotel.emulator.validation import CHECKS

# Fields in the response on the create-campaign page, fields of every response, and those that only other pages repeat.
PAGE_FIELDS = ("caller_id", "url", "retries")
ALWAYS_SHOWN = ("name", "type", "campaign_type", "schedule", "call_duplicate_numbers")
OTHER_FIELDS = tuple(name for name in CHECKS if name not in {*PAGE_FIELDS, *ALWAYS_SHOWN})

# Statuses in which a campaign has a report: it makes no more calls.
REPORTED = frozenset({"completed", "failed", "canceled", "archived"})


def date(seconds: float) -> str:
    """Return a time in the format of the samples, with the offset of India."""
    return datetime.fromtimestamp(seconds, INDIA).isoformat(timespec="seconds")


def success(method: str, response: Any, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the body of a successful response.

    :param method: the HTTP method.
    :param response: the items.
    :param metadata: of a page, or None.
    """
    head: dict[str, Any] = {"request_id": request_id(), "method": method, "http_code": 200}
    return {**head, **({} if metadata is None else {"metadata": dict(metadata)}), "response": response}


def one_campaign(method: str, state: CampaignState, settings: Settings, account_sid: str) -> dict[str, Any]:
    """Return the response for one campaign: to a create (``POST``), a read, a change or a delete."""
    item = _campaign_item(state, settings, account_sid, created=method == "POST")
    return success(method, item if settings.response_as_object else [item])


def campaign_page(page: Page[CampaignState], settings: Settings, account_sid: str) -> dict[str, Any]:
    """Return the response with a list of campaigns."""
    items = [_campaign_item(each, settings, account_sid) for each in page.items]
    for each in items:
        each["data"][settings.list_id] = each["data"].pop("id")
    if settings.form("list_items") == "bare":
        items = [each["data"] for each in items]
    nothing = page.offset and settings.list_later_pages == "null"
    return success("GET", None if nothing else items, metadata_of(page, settings))


def call_page(page: Page[tuple[CampaignState, Call]], settings: Settings) -> dict[str, Any]:
    """Return the response with a list of calls, one item per attempt."""
    items = [_call_item(*each, settings) for each in page.items]
    if settings.recording_url is not None:
        for item, (_, call) in zip(items, page.items, strict=True):
            item["recording_url"] = recording_url(call, settings)
    if settings.form("call_items") == "wrapped":
        items = [wrapped(each) for each in items]
    return success("GET", items, metadata_of(page, settings))


def recording_url(call: Call, settings: Settings) -> str | None:
    """Return the URL of a call's recording; only answered calls have one."""
    if settings.recording_url is None or call.status != "completed":
        return None
    return settings.recording_url.replace("{sid}", call.call_sid)


def report(state: CampaignState, settings: Settings) -> str:
    """Return the report of a campaign as CSV, with the field names of the dialect."""
    rows = [_call_item(state, call, settings) for call in state.calls]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["call_sid"])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def metadata_of(page: Page[Any], settings: Settings) -> dict[str, int] | None:
    """Return the metadata of a page, or ``None`` if it is switched off."""
    if not settings.list_metadata:
        return None
    if settings.list_metadata == "page":
        return {"page": page.offset // page.limit, "page_size": page.limit}
    return {"count": len(page.items), "offset": page.offset, "total": page.total, "limit": page.limit}


def wrapped(data: dict[str, Any]) -> dict[str, Any]:
    """Return an item in the format of the older reference."""
    return {"code": 200, "error_data": None, "status": "success", "data": data}


def _campaign_item(
    state: CampaignState, settings: Settings, account_sid: str, *, created: bool = False
) -> dict[str, Any]:
    data = _campaign(state, settings, account_sid, created=created)
    summary = {"summary": _summary(state)} if settings.form("summary") != "absent" else {}
    if settings.form("summary") == "inside":
        data, summary = {**data, **summary}, {}
    if settings.dialect == "documented":
        return {"code": 200, "status": "success", "data": data, **summary}
    return {**wrapped(data), **summary}


def _campaign(state: CampaignState, settings: Settings, account_sid: str, *, created: bool) -> dict[str, Any]:
    campaign, given = state.campaign, state.campaign.given
    documented = settings.dialect == "documented"
    schedule = given.get("schedule") or {}
    repeated = PAGE_FIELDS if documented and created else (*PAGE_FIELDS, *OTHER_FIELDS)
    data = {
        "id": campaign.id,
        "account_sid": account_sid,
        "name": campaign.name,
        "type": "trans",
        "campaign_type": given.get("campaign_type", "static"),
        **{name: given[name] for name in repeated if name in given},
        "schedule": {
            "send_at": schedule.get("send_at", date(campaign.dialling.start)),
            "end_at": schedule.get("end_at", date(campaign.dialling.end)),
        },
        "status": _word(state.status, settings, created=created),
        "call_duplicate_numbers": given.get("call_duplicate_numbers", False),
        "date_created": date(campaign.created_at),
        "date_updated": date(state.updated_at),
        "stats": _stats(state, settings, created=created),
    }
    if settings.form("echo_numbers") and "from" in given:
        data["from"] = ",".join(state.numbers) if documented else list(state.numbers)
    if not documented and state.plan is not None and state.instant >= campaign.dialling.start:
        data["date_started"] = date(campaign.dialling.start)
    if settings.report_url is not None and state.status in REPORTED:
        data["report_url"] = settings.report_url.replace("{id}", campaign.id)
    return data


def _word(status: str, settings: Settings, *, created: bool) -> str:
    """Return the status in its format; the older reference also capitalises it in the response to a create."""
    if status in settings.status_words:
        return settings.status_words[status]
    capital = settings.form("status_style") == "title" or (created and status == CREATED)
    return WORDS[status] if capital else status


def _stats(state: CampaignState, settings: Settings, *, created: bool) -> dict[str, Any]:
    tally = state.counts
    if settings.form("stats_keys") == "underscore":
        stats = _documented_stats(tally)
        if created and tally.open == tally.untried:
            stats = {name: stats[name] for name in ("created", "completed", "failed", "pending")}
    else:
        stats = _wrapped_stats(tally, paused=state.status == "paused")
    stats.update(settings.extra_stats)
    if settings.omit_zero_counts and not created:
        stats = {name: count for name, count in stats.items() if count}
    return {name: str(count) if settings.counts_as_strings else count for name, count in stats.items()}


def _documented_stats(tally: Counts) -> dict[str, int]:
    """Return the counts of the newer pages: ``created`` is the total, the other keys add up to it."""
    return {
        "created": tally.total,
        "completed": tally.completed,
        "failed": tally.failed + tally.no_attempt,
        "pending": tally.untried + tally.waiting,
        "in_progress": tally.dialling + tally.redialling,
        "busy": tally.busy,
        "no_answer": tally.no_answer,
    }


def _wrapped_stats(tally: Counts, *, paused: bool) -> dict[str, int]:
    """Return the counts of the older reference: ``created`` are queued, all keys add up to the total."""
    return {
        "created": 0 if paused else tally.untried,
        "in-progress": tally.dialling,
        "retry": tally.waiting,
        "retrying": tally.redialling,
        "failed": tally.failed + tally.busy + tally.no_answer,
        "failed-dnd": 0,
        "invalid": 0,
        "paused": tally.untried if paused else 0,
        "failed-no-attempt": tally.no_attempt,
        "completed": tally.completed,
    }


def _summary(state: CampaignState) -> dict[str, Any]:
    tally = state.counts
    return {
        "campaign_sid": state.id,
        "call_scheduled": tally.total,
        "call_initialized": tally.total - tally.untried - tally.no_attempt,
        "call_completed": tally.completed,
        "call_failed": tally.failed + tally.busy + tally.no_answer + tally.no_attempt,
        "call_inprogress": tally.dialling + tally.redialling,
        "DateCreated": date(state.campaign.created_at),
    }


def _call_item(state: CampaignState, call: Call, settings: Settings) -> dict[str, Any]:
    item = (_documented_call if settings.form("call_fields") == "guide" else _reference_call)(state, call)
    if settings.quoted_digits:
        item |= {name: f'"{item[name]}"' for name in ("digit", "digits") if item.get(name)}
    return item


def _documented_call(state: CampaignState, call: Call) -> dict[str, Any]:
    """Return a call with the fields of the reporting guide."""
    return {
        "call_sid": call.call_sid,
        "to": call.number,
        "from": state.campaign.given["caller_id"],
        "attempt_number": call.attempt,
        "status": call.status,
        "duration": call.duration,
        "price": "0.50" if call.status == "completed" else "0.00",
        "digits": call.digits,
        "date_created": date(call.started.timestamp()),
    }


def _reference_call(state: CampaignState, call: Call) -> dict[str, Any]:
    """Return a call with the fields of the older reference."""
    return {
        "call_sid": call.call_sid,
        "number": call.number,
        "name": "",
        "status": call.status,
        "duration": str(call.duration),
        "digit": call.digits,
        "recording_url": None,
        "direction": "Outgoing",
        "caller_id": state.campaign.given["caller_id"],
        "date_created": date(call.started.timestamp()),
        "start_time": date(call.started.timestamp()),
        "end_time": date(call.ended.timestamp()),
    }
