"""Responses for lists and imports in the two formats of Exotel's pages."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from airflow_provider_exotel.emulator.dialects import date, metadata_of, success, wrapped
from airflow_provider_exotel.emulator.envelopes import Refusal, error_item
from airflow_provider_exotel.emulator.lists import ContactList, Import
from airflow_provider_exotel.emulator.paging import Page
from airflow_provider_exotel.emulator.settings import Settings

# The status of a running import in the newer guide.
PROCESSING = {"in-progress": "processing"}


def one_list(method: str, contacts: ContactList, settings: Settings) -> dict[str, Any]:
    """Return the response for one list."""
    return success(method, [wrapped(_list(contacts, settings))])


def many_lists(
    method: str, outcomes: Sequence[ContactList | Refusal], settings: Settings
) -> tuple[int, dict[str, Any]]:
    """Return the status and body of a response for several lists, each of which may be refused."""
    items = [
        error_item(each.status, each.message, settings.error_codes)
        if isinstance(each, Refusal)
        else wrapped(_list(each, settings))
        for each in outcomes
    ]
    failed = sum(isinstance(each, Refusal) for each in outcomes)
    status = 207 if len(items) > 1 else 200
    metadata = {"total": len(items), "success": len(items) - failed, "failed": failed}
    return status, {**success(method, items, metadata), "http_code": status}


def list_page(page: Page[ContactList], settings: Settings) -> dict[str, Any]:
    """Return the response with a page of lists."""
    return _page(page, [_list(each, settings) for each in page.items], settings)


def contact_page(page: Page[str], settings: Settings) -> dict[str, Any]:
    """Return the response with the contacts of a list."""
    return _page(page, [{"sid": _contact_sid(number), "number": number} for number in page.items], settings)


def upload(begun: Import, settings: Settings, status_url: str) -> dict[str, Any]:
    """Return the response to an upload in one of the three formats.

    :param status_url: the URL of its status.
    """
    ids = {"upload_id": begun.upload_id, "list_sid": begun.list_sid}
    shape = settings.form("csv_answer")
    if shape == "item":
        return success("POST", [wrapped({**ids, "status": "processing"})])
    if shape == "list":
        return success("POST", wrapped({"upload_id": begun.upload_id, "list": {"sid": begun.list_sid}}))
    return success("POST", wrapped({"summary": {**ids, "url": status_url}}))


def upload_status(begun: Import, progress: float, settings: Settings) -> dict[str, Any]:
    """Return the response with the status of an import."""
    status, counts = begun.status(progress), begun.counts_at(progress)
    data: dict[str, Any] = {"upload_id": begun.upload_id, "list_sid": begun.list_sid}
    if settings.form("csv_counts") == "flat":
        data |= {
            "status": PROCESSING.get(status, status),
            "total_records": counts.total,
            "success_count": counts.success,
            "duplicate_count": counts.duplicate,
            "failure_count": counts.failed,
        }
    else:
        data |= {"status": status, "stats": vars(counts)}
    return success("GET", wrapped(data))


def _page(page: Page[Any], items: list[dict[str, Any]], settings: Settings) -> dict[str, Any]:
    bare = settings.form("list_items") == "bare"
    return success("GET", items if bare else [wrapped(each) for each in items], metadata_of(page, settings))


def _list(contacts: ContactList, settings: Settings) -> dict[str, Any]:
    count = {"contact_count": len(contacts.numbers)} if settings.list_counts else {}
    return {
        "sid": contacts.sid,
        "name": contacts.name,
        "tag": contacts.tag,
        **count,
        "date_created": date(contacts.created_at),
        "date_updated": date(contacts.updated_at),
    }


def _contact_sid(number: str) -> str:
    return blake2b(number.encode(), digest_size=16).hexdigest()
