"""Recordings are copied once and completely under their call's SID, and other hosts get no credentials."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelResponseError
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.report.call import Call
from airflow_provider_exotel.report.recordings import RecordingCounts, is_audio, save_recordings
from airflow_provider_exotel.report.storage import Workspace

from .report_samples import NAME, START, client_of, order, people


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(start=START, seed=1) as running:
        running.settings.recording_url = running.recording_url
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Iterator[ExotelClient]:
    with client_of(emulator) as made:
        yield made


def dial_campaign(emulator: Emulator, client: ExotelClient) -> str:
    created = client.create_campaign(CampaignRequest(**order(people(12))))
    emulator.clock.advance(86_400)
    return created.id


def calls(client: ExotelClient, campaign_id: str) -> list[Call]:
    return [Call.of(record, NAME, keep_recording=True) for record in client.call_details(campaign_id)]


def save(client: ExotelClient, calls: list[Call], folder: Path) -> RecordingCounts:
    from upath import UPath

    return save_recordings(calls, client.recording_blocks, Workspace(UPath(folder), "mark"), sleep=lambda _: None)


def answered(emulator: Emulator, campaign_id: str) -> dict[str, bytes]:
    found = [call for call in emulator.calls(campaign_id) if call.status == "completed"]
    return {f"{call.call_sid}.mp3": b"ID3" + call.call_sid.encode() * call.duration for call in found}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def recording_requests(emulator: Emulator) -> int:
    return sum("recordings/" in entry.path for entry in emulator.requests)


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_each_answered_call_has_its_recording_under_its_sid(
    emulator: Emulator, client: ExotelClient, tmp_path: Path, dialect: str
) -> None:
    emulator.settings.dialect = dialect
    campaign_id = dial_campaign(emulator, client)

    counts = save(client, calls(client, campaign_id), tmp_path)

    assert files(tmp_path) == answered(emulator, campaign_id)
    assert counts == RecordingCounts(saved=len(answered(emulator, campaign_id)))


def test_an_existing_recording_is_not_fetched_again(emulator: Emulator, client: ExotelClient, tmp_path: Path) -> None:
    campaign_id = dial_campaign(emulator, client)
    known = calls(client, campaign_id)
    save(client, known[:4], tmp_path)
    before = recording_requests(emulator)

    counts = save(client, known, tmp_path)

    assert recording_requests(emulator) == len(answered(emulator, campaign_id)) == counts.saved
    assert before > 0


@pytest.mark.parametrize("kind", ["cut_body", "empty_body"])
def test_a_recording_that_breaks_off_is_fetched_again_and_never_stored_incomplete(
    emulator: Emulator, client: ExotelClient, tmp_path: Path, kind: Any
) -> None:
    campaign_id = dial_campaign(emulator, client)
    emulator.faults.add(Fault(on="GET recordings/*", kind=kind, times=2))

    save(client, calls(client, campaign_id), tmp_path)

    assert files(tmp_path) == answered(emulator, campaign_id)


def test_a_recording_that_cannot_be_fetched_is_left_to_a_later_try(
    emulator: Emulator, client: ExotelClient, tmp_path: Path
) -> None:
    campaign_id = dial_campaign(emulator, client)
    emulator.faults.add(Fault(on="GET recordings/*", kind="status", status=503, times=3))
    known = calls(client, campaign_id)

    first = save(client, known, tmp_path)
    second = save(client, known, tmp_path)

    assert (first.failed, first.saved) == (1, len(answered(emulator, campaign_id)) - 1)
    assert second == RecordingCounts(saved=len(answered(emulator, campaign_id)))


SIGN_IN = b"<!DOCTYPE html>\n<title>Sign in</title>"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(on="GET recordings/*", kind="empty_body", times=3),
        Fault(on="GET recordings/*", kind="status", status=200, envelope="html"),
        Fault(on="GET recordings/*", kind="status", status=200, envelope="error"),
    ],
    ids=["empty", "page", "json"],
)
def test_an_answer_that_is_not_audio_is_not_saved_and_is_fetched_again(
    emulator: Emulator, client: ExotelClient, tmp_path: Path, fault: Fault
) -> None:
    campaign_id = dial_campaign(emulator, client)
    emulator.faults.add(fault)
    known = calls(client, campaign_id)

    first = save(client, known, tmp_path)
    kept = len(files(tmp_path))
    second = save(client, known, tmp_path)

    expected = answered(emulator, campaign_id)
    assert first == RecordingCounts(saved=len(expected) - 1, not_audio=1)
    assert (kept, recording_requests(emulator)) == (len(expected) - 1, len(expected) + (fault.times or 0))
    assert second == RecordingCounts(saved=len(expected))
    assert files(tmp_path) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"ID3\x04\x00", True),
        (b"\xff\xfb\x90\x00", True),
        (b"RIFF\x24\x00\x00\x00WAVE", True),
        (b"\x00\x00\x00\x20ftypM4A ", True),
        (b"\x7f" * 512, True),
        (SIGN_IN, False),
        (b"\xef\xbb\xbf" + SIGN_IN, False),
        (SIGN_IN + "é".encode("latin-1"), False),
        (b"\r\n  " + SIGN_IN, False),
        (b'{"error": "sign in"}', False),
        ("Bitte anmelden: gültig".encode()[:-4], False),
        (b"\x1f\x8b\x08\x00", False),
        (b"", False),
    ],
)
def test_audio_is_recognised_by_its_first_bytes(head: bytes, expected: bool) -> None:
    assert is_audio(head) is expected


def test_recordings_that_the_service_deleted_are_counted(
    emulator: Emulator, client: ExotelClient, tmp_path: Path
) -> None:
    campaign_id = dial_campaign(emulator, client)
    emulator.clock.advance(91 * 86_400)

    counts = save(client, calls(client, campaign_id), tmp_path)

    assert counts == RecordingCounts(gone=len(answered(emulator, campaign_id)))
    assert files(tmp_path) == {}


def test_another_host_gets_no_credentials(emulator: Emulator, client: ExotelClient, tmp_path: Path) -> None:
    emulator.settings.recording_url = emulator.foreign_recording_url
    campaign_id = dial_campaign(emulator, client)

    counts = save(client, calls(client, campaign_id), tmp_path)

    assert counts.saved == len(answered(emulator, campaign_id))
    assert emulator.leaked == []


@pytest.mark.parametrize(
    "url", ["http://recordings.example.com/{sid}.mp3", "https://u:p@example.com/{sid}", "file:///{sid}"]
)
def test_an_unsafe_url_is_not_followed(emulator: Emulator, client: ExotelClient, tmp_path: Path, url: str) -> None:
    emulator.settings.recording_url = url
    campaign_id = dial_campaign(emulator, client)

    counts = save(client, calls(client, campaign_id), tmp_path)

    assert counts == RecordingCounts(refused=len(answered(emulator, campaign_id)))


@pytest.mark.parametrize("status", [401, 403, 302])
def test_a_recording_whose_host_requires_more_is_counted_as_refused(
    emulator: Emulator, client: ExotelClient, tmp_path: Path, status: int
) -> None:
    campaign_id = dial_campaign(emulator, client)
    emulator.faults.add(Fault(on="GET recordings/*", kind="status", status=status, times=None))

    counts = save(client, calls(client, campaign_id), tmp_path)

    assert counts.refused == len(answered(emulator, campaign_id))
    assert recording_requests(emulator) == counts.refused


def test_an_invalid_url_is_refused_and_the_other_recordings_are_saved(tmp_path: Path) -> None:
    from upath import UPath

    urls = ["https://[example.com/one.mp3", "https://example.com/two.mp3"]
    calls = [
        Call(f"call{n}", "x", "completed", 1, None, 3, None, None, None, recording=url) for n, url in enumerate(urls)
    ]

    counts = save_recordings(calls, lambda _: iter([b"ID3"]), Workspace(UPath(tmp_path), "mark"))

    assert counts == RecordingCounts(saved=1, refused=1)


@pytest.mark.parametrize("sid", ["+919876500000", "919876500000", "../up", "a/b", "", None])
def test_a_name_that_may_be_a_number_or_a_path_is_never_written(sid: str | None, tmp_path: Path) -> None:
    call = Call(sid, "x", "completed", 1, None, 3, None, None, None, recording="https://example.com/one.mp3")

    def fetch(url: str) -> Iterator[bytes]:
        raise ExotelResponseError("nothing is requested")

    counts = save_recordings([call], fetch, Workspace(tmp_path, "mark"))

    assert counts == RecordingCounts(refused=1)
    assert list(tmp_path.iterdir()) == []
