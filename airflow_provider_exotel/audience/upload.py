"""Upload the files of one campaign: which one is sent, which one is waited for, and when it is given up.

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
    """What one try knows, as plain JSON: a deferral hands it to the worker that resumes.

    :param files: the address of each file, and how many contacts it holds.
    :param sent: the names of the lists whose file this try has sent.
    :param journals: the journal of each list, by its name, on an Airflow that stores none.
    """

    files: list[tuple[str, int]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    journals: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read a state of this version or any other."""
        return cls(**known_fields(cls, stored))


def complete_uploads(
    uploads: Sequence[ListUpload], sent: list[str], wait: Callable[[float], None]
) -> list[ContactList]:
    """Send the files that are missing, and return the lists once each holds all its contacts.

    All files are sent before any import is waited for. Each is sent at most once in a try: if that was not enough,
    the error is retryable.

    :param uploads: the uploads, each of a list of its own.
    :param sent: the names of the lists whose file this try has sent; names are added to it.
    :param wait: waits for seconds; or raises, so that this function is called again later with the same ``sent``.
    :raises ExotelListMismatch: if a list holds other contacts, or not all of them.
    :raises ExotelImportUnfinished: if an import takes too long or breaks off.
    :raises ExotelOutcomeUnknown: if nobody can say whether a file was taken.
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
    """Return the next step, after the file was sent if it has to be and was not in this try."""
    file, step = upload.file, upload.next_step()
    if isinstance(step, Send) and file.list_name not in sent:
        sent.append(file.list_name)
        log.info("Sending %d contacts as %s: %s.", file.contacts, file.list_name, step.reason)
        try:
            upload.send()
        except ExotelOutcomeUnknown as unknown:
            log.warning("%s; looking for it.", unknown.message)
        step = upload.next_step()
    if not isinstance(step, Send):
        return step
    if upload.journal.entry.posted_before is not None:
        raise ExotelOutcomeUnknown(
            f"a file of contacts was sent, its answer was lost, and {step.reason}; a later try sends it again"
        )
    raise ExotelImportUnfinished(f"a file of contacts was sent and {step.reason}; a later try sends it again")


def list_name_of(path: str) -> str:
    """Return the name of the list that a file of a plan becomes; like the file's, it holds a digest of the content."""
    return f"af-{path.rpartition('/')[2].removesuffix('.csv')}"
