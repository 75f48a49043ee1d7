"""Checks with a contact list that holds the one number; it is deleted again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

from airflow_provider_exotel.client.answer_forms import form_of_duplicate, form_of_import, form_of_upload
from airflow_provider_exotel.client.contact_list import ImportState, ImportStatus
from airflow_provider_exotel.client.errors import ExotelConflict, ExotelError, ExotelNotFound
from airflow_provider_exotel.commands.verify.check import Check
from airflow_provider_exotel.commands.verify.finding import Finding, NotTold
from airflow_provider_exotel.commands.verify.probe import Probe

if TYPE_CHECKING:
    from airflow_provider_exotel.commands.verify.state import Made

_POLLS = (0, 2, 5, 10, 15, 30, 60, 60, 60, 60)
"""Seconds between the polls of an import."""
_BOTH_ROWS = 2


def make_list(probe: Probe) -> Finding:
    """Create a contact list, and read it."""
    made = _made(probe)
    shown = probe.ask(lambda: probe.client.lists.get(str(made.id)))
    tells = shown.contacts is not None
    does = "it takes that count" if tells else "it counts the pages of contacts"
    return Finding(
        f"it is created; a list {'tells' if tells else 'does not tell'} its count", does, {"list_counts": tells}
    )


def duplicate_name(probe: Probe) -> Finding:
    """Create a contact list of a name that is taken."""
    made = _made(probe)
    again = probe.state.add("list", probe.pace.now().timestamp())
    again.name, again.key = made.name, made.key
    probe.state.save()
    reply = probe.question(lambda: probe.client.lists.create(made.name))
    if reply.error is None:
        again.id = probe.safe_id(reply.value.sid)
        probe.state.save()
        raise NotTold("a second list of the same name was created")
    probe.not_made(again, reply.error)
    again.refused = again.refused or isinstance(reply.error, ExotelConflict)
    probe.state.save()
    known = form_of_duplicate(reply.answers[-1]) if reply.answers else {}
    if "duplicate_list" not in known:
        raise reply.error
    shown = "an entry with code 409" if known["duplicate_list"] == "item" else "HTTP 409"
    return Finding(f"it is refused with {shown}", "it takes the list that exists", known)


def csv(probe: Probe) -> Finding:
    """Upload a CSV file that holds the one number twice, and wait for its import."""
    made = _made(probe)
    rows = f"number\n{probe.number}\n{probe.number}\n".encode()
    reply = probe.question(lambda: probe.client.lists.upload_csv(BytesIO(rows), made.name))
    if reply.error is not None:
        raise reply.error
    known: dict[str, Any] = dict(form_of_upload(reply.answers[-1]))
    upload_id: str = reply.value.upload_id
    status: ImportStatus | None = None
    for wait in _POLLS:
        probe.pace.sleep(wait)
        polled = probe.question(lambda: probe.client.lists.import_status(upload_id))
        if polled.error is not None:
            raise polled.error
        status = polled.value
        known |= form_of_import(polled.answers[-1])
        if status is not None and status.state in {ImportState.COMPLETED, ImportState.FAILED}:
            break
    if status is None or status.state is not ImportState.COMPLETED:
        raise NotTold("the import was not completed in five minutes", known)
    if status.counts is None or status.counts.total != _BOTH_ROWS:
        return Finding("the file is imported; its counts are not told", "it counts the list", known)
    drops = status.counts.success < _BOTH_ROWS
    known["drop_duplicates"] = drops
    return Finding(
        f"the file is imported, a number that comes twice is {'dropped' if drops else 'kept'}",
        "it drops duplicates before it uploads",
        known,
    )


def contacts(probe: Probe) -> Finding:
    """Read the contacts of the list."""
    made = _made(probe)
    held = len(probe.ask(lambda: list(probe.client.lists.contacts(str(made.id)))))
    return Finding(f"the list holds {held} contact{'' if held == 1 else 's'}", "it compares lists by their count")


def delete_list(probe: Probe) -> Finding:
    """Delete the list, and look for it again."""
    made = _made(probe)
    sid = str(made.id)
    probe.ask(lambda: probe.client.lists.delete(sid))
    try:
        probe.ask(lambda: probe.client.lists.get(sid))
    except ExotelNotFound:
        made.gone = True
        probe.state.save()
        probe.cache.pop("list", None)
        return Finding("it is deleted", "it deletes nothing by itself: lists stay until you delete them")
    raise NotTold("a delete is answered with success and does not show")


def _made(probe: Probe) -> Made:
    """Return the list of this run; create it if there is none.

    :raises ExotelError: if the service does not.
    """
    if "list" in probe.cache:
        known: Made = probe.cache["list"]
        return known
    made = probe.state.add("list", probe.pace.now().timestamp())
    create: Callable[[], Any] = partial(probe.client.lists.create, made.name)
    reply = probe.question(create)
    if reply.error is not None:
        probe.not_made(made, reply.error)
        raise reply.error
    made.id = probe.safe_id(reply.value.sid)
    probe.state.save()
    if made.id is None or not _is_ours(probe, made):
        made.id = None
        probe.state.save()
        raise NotTold("the service shows no list of that name under the id that it gave")
    made.confirmed = True
    probe.state.save()
    probe.cache["list"] = made
    return made


def _is_ours(probe: Probe, made: Made) -> bool:
    sid = str(made.id)
    try:
        shown = probe.ask(lambda: probe.client.lists.get(sid))
    except ExotelError:
        return False
    return made.key.casefold() in shown.name.casefold()


LISTS: tuple[Check, ...] = (
    Check(
        "list-create",
        "whether a contact list tells how many contacts it has",
        "creates a list and reads it",
        make_list,
        "it is counted page by page if it does not",
        fields=("list_counts",),
    ),
    Check(
        "list-name",
        "what is answered for a list whose name is taken",
        "creates a second list of the same name",
        duplicate_name,
        "409 in an entry and HTTP 409 are both understood",
        fields=("duplicate_list",),
    ),
    Check(
        "csv",
        "in which form an upload is answered, and whether a number that comes twice is dropped",
        "uploads a file with the one number twice, and waits for its import",
        csv,
        "every documented form is read; duplicates are dropped before the upload",
        support="How long may the import of a CSV file take?",
        fields=("csv_answer", "csv_counts", "drop_duplicates"),
    ),
    Check(
        "contacts",
        "whether the contacts of a list can be read",
        "reads the contacts of the list",
        contacts,
        "twenty are read per request",
    ),
    Check(
        "list-delete",
        "whether a contact list can be deleted",
        "deletes the list and reads it again",
        delete_list,
        "lists are never deleted by this package",
    ),
)
