"""Upload the files of one campaign: send the missing ones, and wait until all lists are complete.

No campaign may be created before :func:`complete_uploads` has returned the lists.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from airflow_provider_exotel.audience.errors import ExotelImportUnfinished
from airflow_provider_exotel.audience.list_upload import ListUpload, Send, Wait
from airflow_provider_exotel.client.contact_list import ContactList
from airflow_provider_exotel.client.errors import ExotelOutcomeUnknown
from airflow_provider_exotel.create.journal import known_fields

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class UploadState:
    """The state of one try, as plain JSON: a deferral passes it to the worker that resumes.

    :param files: the address of each file, with its number of contacts.
    :param sent: names of the lists whose file this try has sent.
    :param journals: the journal of each list by name, on an Airflow without a task state store.
    """

    files: list[tuple[str, int]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    journals: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read a state written by any version."""
        return cls(**known_fields(cls, stored))


def complete_uploads(
    uploads: Sequence[ListUpload], sent: list[str], wait: Callable[[float], None]
) -> list[ContactList]:
    """Send the missing files, and return the lists once all are complete.

    All files are sent before waiting for any import. Each is sent at most once per try; if that is not enough, the
    error is retryable.

    :param uploads: the uploads, one per list.
    :param sent: names of the lists whose file this try has sent; extended in place.
    :param wait: waits for a number of seconds, or raises so that this function is called again later with the same
        ``sent``.
    :raises ExotelListMismatch: if a list has other contacts, or not all of them.
    :raises ExotelImportUnfinished: if an import takes too long or is interrupted.
    :raises ExotelOutcomeUnknown: if it is unknown whether the service processed a file.
    :raises ExotelError: if a file was refused, or the lists cannot be read.
    """
    complete: dict[str, ContactList] = {}
    while True:
        waits: list[Wait] = []
        for upload in uploads:
            name = upload.file.list_name
            if name in complete:
                continue
            step = _advance(upload, sent)
            if isinstance(step, Wait):
                log.info("Waiting: %s.", step.reason)
                waits.append(step)
            else:
                complete[name] = step
        if not waits:
            return [complete[upload.file.list_name] for upload in uploads]
        wait(min(step.seconds for step in waits))


def _advance(upload: ListUpload, sent: list[str]) -> ContactList | Wait:
    """Return the next step, after sending the file if necessary and not yet done in this try."""
    file, step = upload.file, upload.next_step()
    if isinstance(step, Send) and file.list_name not in sent:
        sent.append(file.list_name)
        log.info("Sending %d contacts as %s: %s.", file.contacts, file.list_name, step.reason)
        try:
            upload.send()
        except ExotelOutcomeUnknown as unknown:
            log.warning("%s; checking for its list.", unknown.message)
        step = upload.next_step()
    if not isinstance(step, Send):
        return step
    if upload.journal.entry.posted_before is not None:
        raise ExotelOutcomeUnknown(
            f"a contact file was sent, its response was lost, and {step.reason}; a later try sends it again"
        )
    raise ExotelImportUnfinished(f"a contact file was sent and {step.reason}; a later try sends it again")


def list_name_of(path: str) -> str:
    """Return the list name for a file of a plan; like the file name, it contains a digest of the content."""
    return f"af-{path.rpartition('/')[2].removesuffix('.csv')}"
