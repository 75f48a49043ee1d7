"""Copies of the recordings of a campaign's calls, which the service deletes (Exotel: after 90 days by default).

Each recording is one complete file named by the call's SID, so that a later try fetches only the missing ones.
"""

from __future__ import annotations

import codecs
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from http import HTTPStatus
from itertools import chain
from typing import Self
from urllib.parse import urlsplit

from airflow_provider_exotel.client.errors import ExotelConnectionError, ExotelError
from airflow_provider_exotel.report.call import Call
from airflow_provider_exotel.report.storage import Workspace

log = logging.getLogger(__name__)

PAUSES = (2.0, 4.0)
"""Seconds before a recording is requested again; then it is left to a later try of the task."""
# A SID that could be a phone number is refused.
_SID = re.compile(r"(?!\+?\d{7,15}\Z)[A-Za-z0-9_-]{1,100}")
_KINDS = (".mp3", ".wav", ".ogg", ".m4a")
_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_RETRY_STATUSES = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}

_HEAD = 512
_AUDIO = (b"ID3", b"RIFF", b"OggS", b"fLaC", b"#!AMR")  # other formats are binary from the first byte
_NOT_AUDIO = (b"<", b"\xef\xbb\xbf", b"\x1f\x8b", b"PK\x03\x04")

Fetch = Callable[[str], Iterator[bytes]]


@dataclass(frozen=True)
class RecordingCounts:
    """Counts of recordings by result.

    :param saved: those that are in the folder.
    :param gone: those that the service has deleted.
    :param refused: those whose host requires credentials, or whose URL is not allowed.
    :param not_audio: those whose URL returned a web page, other text or nothing; a later run fetches them again.
    :param failed: those that a later try may fetch.
    """

    saved: int = 0
    gone: int = 0
    refused: int = 0
    not_audio: int = 0
    failed: int = 0

    @classmethod
    def merge(cls, several: Iterable[RecordingCounts]) -> Self:
        """Return the counts of several campaigns together."""
        several = list(several)
        return cls(*(sum(getattr(one, each.name) for one in several) for each in fields(cls)))

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def save_recordings(
    calls: Iterable[Call], fetch: Fetch, workspace: Workspace, sleep: Callable[[float], None] = time.sleep
) -> RecordingCounts:
    """Copy the recordings of calls into a folder, and return their counts.

    :param calls: the calls; those without a recording are ignored.
    :param fetch: reads a recording piece by piece from its URL.
    :param workspace: the workspace of the folder.
    :param sleep: waits for seconds.
    """
    counts = dict.fromkeys(RecordingCounts().as_dict(), 0)
    present = {path.name for path in workspace.folder.iterdir()} if workspace.folder.exists() else set()
    for call in calls:
        if not call.recording:
            continue
        name = _file_name(call)
        if name is None:
            counts["refused"] += 1
        elif name in present:
            counts["saved"] += 1
        else:
            counts[_save(name, call.recording, fetch, workspace, sleep)] += 1
    return RecordingCounts(**counts)


def _save(name: str, url: str, fetch: Fetch, workspace: Workspace, sleep: Callable[[float], None]) -> str:
    result = "failed"
    for pause in (0.0, *PAUSES):
        if pause:
            sleep(pause)
        try:
            blocks = iter(fetch(url))
            head = _read_head(blocks)
            if not head:  # it may not be ready yet
                result = "not_audio"
                continue
            if not is_audio(head):
                return "not_audio"
            with workspace.open_file(name) as file:
                for block in chain([head], blocks):
                    file.write(block)
        except ExotelError as error:
            outcome = _outcome_of(error)
            if outcome != "failed":
                return outcome
            result = outcome
            log.debug("Recording %s: %s", name, error)
        else:
            workspace.publish([name])
            return "saved"
    return result


def is_audio(head: bytes) -> bool:
    """Return whether a file may be audio, by its first bytes: not empty, no page or other text, not compressed.

    Unknown binary formats count as audio: the service deletes recordings, and a wrong file can still be deleted.

    :param head: the first bytes of the file, up to 512.
    """
    if head.startswith(_AUDIO):
        return True
    if not head or head.lstrip().startswith(_NOT_AUDIO):
        return False
    try:
        # The end may cut a character in two.
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return True
    return not all(character.isprintable() or character.isspace() for character in text)


def _read_head(blocks: Iterator[bytes]) -> bytes:
    head = b""
    while len(head) < _HEAD and (block := next(blocks, b"")):
        head += block
    return head


def _outcome_of(error: ExotelError) -> str:
    status = error.http_status
    if status in _GONE:
        return "gone"
    if isinstance(error, ExotelConnectionError) or status in _RETRY_STATUSES:
        return "failed"
    return "failed" if status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused"


def _file_name(call: Call) -> str | None:
    if not call.call_sid or not _SID.fullmatch(call.call_sid):
        return None
    try:
        path = urlsplit(call.recording or "").path.lower()
    except ValueError:  # such as an unclosed bracket
        return None
    return call.call_sid + next((kind for kind in _KINDS if path.endswith(kind)), ".mp3")
