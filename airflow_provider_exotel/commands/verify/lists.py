"""Checks with a contact list of the one number, which is deleted at the end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

from airflow_provider_exotel.client.answer_forms import form_of_duplicate, form_of_import, form_of_upload
from airflow_provider_exotel.client.contact_list import ImportState, ImportStatus
from airflow_provider_exotel.client.errors import ExotelConflict, ExotelError, ExotelNotFound
from airflow_provider_exotel.commands.verify.check import Check
from airflow_provider_exotel.commands.verify.finding import Finding, Inconclusive
from airflow_provider_exotel.commands.verify.probe import Probe

if TYPE_CHECKING:
    from airflow_provider_exotel.commands.verify.state import CreatedItem

_POLLS = (0, 2, 5, 10, 15, 30, 60, 60, 60, 60)
"""Seconds between the polls of an import."""
_BOTH_ROWS = 2


def make_list(probe: Probe) -> Finding:
    """Create a contact list and read it."""
    item = _list_of_run(probe)
    shown = probe.request(lambda: probe.client.lists.get(str(item.id)))
    has_count = shown.contacts is not None
    does = "it uses that count" if has_count else "it counts the pages of contacts"
    return Finding(
        f"it is created; a list {'shows' if has_count else 'does not show'} its count", does, {"list_counts": has_count}
    )


def duplicate_name(probe: Probe) -> Finding:
    """Create a contact list whose name is taken."""
    item = _list_of_run(probe)
    again = probe.state.add("list", probe.pace.now().timestamp())
    again.name, again.key = item.name, item.key
    probe.state.save()
    reply = probe.attempt(lambda: probe.client.lists.create(item.name))
    if reply.error is None:
        again.id = probe.safe_id(reply.value.sid)
        probe.state.save()
        raise Inconclusive("a second list of the same name was created")
    probe.record_failed_create(again, reply.error)
    again.refused = again.refused or isinstance(reply.error, ExotelConflict)
    probe.state.save()
    known = form_of_duplicate(reply.answers[-1]) if reply.answers else {}
    if "duplicate_list" not in known:
        raise reply.error
    shown = "an entry with code 409" if known["duplicate_list"] == "item" else "HTTP 409"
    return Finding(f"it is refused with {shown}", "it uses the existing list", known)


def csv(probe: Probe) -> Finding:
    """Upload a CSV file that holds the one number twice, and wait for its import."""
    item = _list_of_run(probe)
    rows = f"number\n{probe.number}\n{probe.number}\n".encode()
    reply = probe.attempt(lambda: probe.client.lists.upload_csv(BytesIO(rows), item.name))
    if reply.error is not None:
        raise reply.error
    known: dict[str, Any] = dict(form_of_upload(reply.answers[-1]))
    upload_id: str = reply.value.upload_id
    status: ImportStatus | None = None
    for wait in _POLLS:
        probe.pace.sleep(wait)
        polled = probe.attempt(lambda: probe.client.lists.import_status(upload_id))
        if polled.error is not None:
            raise polled.error
        status = polled.value
        known |= form_of_import(polled.answers[-1])
        if status is not None and status.state in {ImportState.COMPLETED, ImportState.FAILED}:
            break
    if status is None or status.state is not ImportState.COMPLETED:
        raise Inconclusive("the import was not completed in five minutes", known)
    if status.counts is None or status.counts.total != _BOTH_ROWS:
        return Finding("the file is imported, without counts", "it counts the list", known)
    drops = status.counts.success < _BOTH_ROWS
    known["drop_duplicates"] = drops
    return Finding(
        f"the file is imported, a duplicate number is {'dropped' if drops else 'kept'}",
        "it drops duplicates before the upload",
        known,
    )


def contacts(probe: Probe) -> Finding:
    """Read the contacts of the list."""
    item = _list_of_run(probe)
    held = len(probe.request(lambda: list(probe.client.lists.contacts(str(item.id)))))
    return Finding(f"the list holds {held} contact{'' if held == 1 else 's'}", "it compares lists by their count")


def delete_list(probe: Probe) -> Finding:
    """Delete the list and read it again."""
    item = _list_of_run(probe)
    sid = str(item.id)
    probe.request(lambda: probe.client.lists.delete(sid))
    try:
        probe.request(lambda: probe.client.lists.get(sid))
    except ExotelNotFound:
        item.gone = True
        probe.state.save()
        probe.cache.pop("list", None)
        return Finding("it is deleted", "it never deletes lists by itself")
    raise Inconclusive("the answer to a delete is a success, but the list still exists")


def _list_of_run(probe: Probe) -> CreatedItem:
    """Return the list of this run; create it if there is none.

    :raises ExotelError: if it cannot be created or read.
    """
    if "list" in probe.cache:
        known: CreatedItem = probe.cache["list"]
        return known
    item = probe.state.add("list", probe.pace.now().timestamp())
    create: Callable[[], Any] = partial(probe.client.lists.create, item.name)
    reply = probe.attempt(create)
    if reply.error is not None:
        probe.record_failed_create(item, reply.error)
        raise reply.error
    item.id = probe.safe_id(reply.value.sid)
    probe.state.save()
    if item.id is None or not _is_ours(probe, item):
        item.id = None
        probe.state.save()
        raise Inconclusive("the id in the answer does not lead to a list of that name")
    item.confirmed = True
    probe.state.save()
    probe.cache["list"] = item
    return item


def _is_ours(probe: Probe, item: CreatedItem) -> bool:
    sid = str(item.id)
    try:
        shown = probe.request(lambda: probe.client.lists.get(sid))
    except ExotelError:
        return False
    return item.key.casefold() in shown.name.casefold()


LISTS: tuple[Check, ...] = (
    Check(
        "list-create",
        "whether a contact list shows its number of contacts",
        "creates a list and reads it",
        make_list,
        "otherwise it counts them page by page",
        fields=("list_counts",),
    ),
    Check(
        "list-name",
        "the answer to a list whose name is taken",
        "creates a second list of the same name",
        duplicate_name,
        "it understands both 409 in an entry and HTTP 409",
        fields=("duplicate_list",),
    ),
    Check(
        "csv",
        "the form of the answer to an upload, and whether a duplicate number is dropped",
        "uploads a file with the one number twice, and waits for its import",
        csv,
        "it reads every documented form, and drops duplicates before the upload",
        support="How long may the import of a CSV file take?",
        fields=("csv_answer", "csv_counts", "drop_duplicates"),
    ),
    Check(
        "contacts",
        "whether the contacts of a list can be read",
        "reads the contacts of the list",
        contacts,
        "it reads twenty per request",
    ),
    Check(
        "list-delete",
        "whether a contact list can be deleted",
        "deletes the list and reads it again",
        delete_list,
        "it never deletes lists by itself",
    ),
)
