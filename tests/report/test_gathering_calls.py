"""Calls are read page by page or from a report; a later try does not request stored calls again."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelError
from airflow_provider_exotel.client.models import CallRecord, Campaign
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.report import gather as module
from airflow_provider_exotel.report.call import Call
from airflow_provider_exotel.report.gather import gather
from airflow_provider_exotel.report.ledger import Ledger

from ..properties import examples
from .report_samples import NAME, START, client_of, order, people, serve_text

PAGE, PAGES_PER_PART = 10, 2


@dataclass(frozen=True)
class Folder:
    """Parts in a folder."""

    path: Path

    def read(self, number: int) -> Iterator[str]:
        path = self.path / str(number)
        return iter(path.read_text().splitlines(keepends=True) if path.exists() else ())

    def write(self, number: int, lines: Iterable[str]) -> None:
        (self.path / str(number)).write_text("".join(lines))


@pytest.fixture(scope="module", autouse=True)
def _small_parts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PAGES_PER_PART", PAGES_PER_PART)
        yield


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(start=START, seed=2, calls_per_page=PAGE) as running:
        yield running


@pytest.fixture(scope="module")
def client(emulator: Emulator) -> Iterator[ExotelClient]:
    with client_of(emulator) as made:
        yield made


@pytest.fixture(scope="module")
def campaign(emulator: Emulator, client: ExotelClient) -> Campaign:
    """A campaign with a few pages of calls."""
    created = client.create_campaign(CampaignRequest(**order(people(60))))
    emulator.clock.advance(86_400)
    return client.get_campaign(created.id)


def keep(record: CallRecord) -> Call:
    return Call.of(record, NAME)


def gather_sids(client: ExotelClient, campaign: Campaign, folder: Path) -> list[str | None]:
    """Return the calls in order, by their SIDs."""
    with Ledger() as ledger:
        gather(client, campaign, Folder(folder), keep, ledger)
        return [call.call_sid for call, _ in ledger.attempts()]


def all_calls(emulator: Emulator, campaign: Campaign) -> list[str]:
    ordered = sorted(emulator.calls(campaign.id), key=lambda call: (call.started, call.call_sid))
    return [call.call_sid for call in ordered]


def offsets(emulator: Emulator) -> list[int]:
    """The requested offsets."""
    return [int(entry.query["offset"]) for entry in emulator.requests if entry.path.endswith("call-details")]


def test_a_later_try_continues_after_the_last_complete_part(
    emulator: Emulator, client: ExotelClient, campaign: Campaign, tmp_path: Path
) -> None:
    emulator.faults.add(Fault(on="GET campaigns/*/call-details", kind="status", status=400, after=5))
    with pytest.raises(ExotelError):
        gather_sids(client, campaign, tmp_path)
    before = len(offsets(emulator))

    assert gather_sids(client, campaign, tmp_path) == all_calls(emulator, campaign)
    assert offsets(emulator)[before] == 2 * PAGES_PER_PART * PAGE


@examples(30)
@given(data=st.data())
def test_a_part_that_was_cut_off_is_read_again(
    emulator: Emulator,
    client: ExotelClient,
    campaign: Campaign,
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    gather_sids(client, campaign, folder)
    parts = sorted(path for path in folder.iterdir() if path.name.isdigit())
    part = data.draw(st.sampled_from(parts))
    whole = part.read_bytes()
    # Only the final newline may be missing; the part is complete without it.
    part.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 2))])
    before = len(offsets(emulator))

    assert gather_sids(client, campaign, folder) == all_calls(emulator, campaign)
    assert part.read_bytes() == whole
    assert offsets(emulator)[before] == int(part.name) * PAGES_PER_PART * PAGE


@pytest.mark.parametrize("damage", [r'"completed"', r"\[.*\n"], ids=["a line that is no call", "a line too few"])
def test_a_damaged_part_is_read_again(
    emulator: Emulator, client: ExotelClient, campaign: Campaign, tmp_path: Path, damage: str
) -> None:
    gather_sids(client, campaign, tmp_path)
    first = tmp_path / "0"
    whole = first.read_text()
    first.write_text(re.sub(damage, "", whole, count=1))

    assert gather_sids(client, campaign, tmp_path) == all_calls(emulator, campaign)
    assert first.read_text() == whole


@pytest.mark.parametrize("size", [1, PAGE * PAGES_PER_PART, PAGE * PAGES_PER_PART + 1])
def test_completely_read_calls_are_not_requested_again(
    emulator: Emulator, client: ExotelClient, tmp_path: Path, size: int
) -> None:
    created = client.create_campaign(CampaignRequest(**order(people(size), call_retries=None,
                                                             schedule=None)))  # fmt: skip
    emulator.clock.advance(86_400)
    campaign = client.get_campaign(created.id)
    first = gather_sids(client, campaign, tmp_path)
    before = len(emulator.requests)

    assert gather_sids(client, campaign, tmp_path) == first
    assert len(emulator.requests) == before


def test_no_number_is_stored_in_a_part(client: ExotelClient, campaign: Campaign, tmp_path: Path) -> None:
    gather_sids(client, campaign, tmp_path)

    assert [path.name for path in tmp_path.iterdir() if b"9198765" in path.read_bytes()] == []


def test_a_campaign_without_calls_has_none(emulator: Emulator, client: ExotelClient, tmp_path: Path) -> None:
    created = client.create_campaign(CampaignRequest(**order(people(5), schedule=None)))

    assert gather_sids(client, created, tmp_path) == []


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_the_report_of_the_campaign_replaces_its_pages(
    emulator: Emulator, client: ExotelClient, campaign: Campaign, tmp_path: Path, dialect: str
) -> None:
    emulator.settings.update({"dialect": dialect, "report_url": emulator.report_url})
    before = len(offsets(emulator))

    assert gather_sids(client, client.get_campaign(campaign.id), tmp_path) == all_calls(emulator, campaign)
    assert len(offsets(emulator)) - before == 1

    emulator.settings.update({"dialect": "documented", "report_url": None})


TABLES = {
    "not a table": "<html></html>\n",
    "nothing": "",
    "other columns": "name,city\nA,B\n",
    "a row too short": "call_sid,to,status\ns,+919876500000\n",
    "fewer calls than there are": "Call Sid,To,Status\ns,+919876500000,completed\n",
}


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_a_report_that_does_not_match_the_counts_is_not_used(
    emulator: Emulator, client: ExotelClient, campaign: Campaign, tmp_path: Path, text: str
) -> None:
    with serve_text(text) as (url, paths):
        emulator.settings.report_url = url

        assert gather_sids(client, client.get_campaign(campaign.id), tmp_path) == all_calls(emulator, campaign)
        assert paths == ["/report.csv"]

    emulator.settings.report_url = None


Row = dict[str, str]


def _made_at(row: Row, spelled: str) -> Row:
    return row | {"date_created": datetime.fromisoformat(row["date_created"]).astimezone(UTC).strftime(spelled)}


OTHERWISE: dict[str, Callable[[Row], Row]] = {
    "numbers in another spelling": lambda row: row | {"to": row["to"].lstrip("+")},
    "times of other clocks": lambda row: _made_at(row, "%Y-%m-%d %H:%M:%S"),
    "times nobody can read": lambda row: _made_at(row, "%d/%m/%Y %H:%M"),
    "no time where somebody answered": lambda row: row | ({"date_created": ""} if row["status"] == "completed" else {}),
    "no time where nobody answered": lambda row: row | ({} if row["status"] == "completed" else {"date_created": ""}),
    "another end of a call": lambda row: row | {"status": {"busy": "no-answer"}.get(row["status"], row["status"])},
}


@pytest.mark.parametrize("change", OTHERWISE.values(), ids=OTHERWISE)
def test_a_report_that_differs_from_the_first_page_is_not_used(
    emulator: Emulator, client: ExotelClient, campaign: Campaign, tmp_path: Path, change: Callable[[Row], Row]
) -> None:
    with serve_text(_changed(emulator, client, campaign, change)) as (url, _):
        emulator.settings.report_url = url
        try:
            calls = gather_calls(client, client.get_campaign(campaign.id), tmp_path / "report")
        finally:
            emulator.settings.report_url = None

    assert calls == gather_calls(client, campaign, tmp_path / "pages")


def test_a_report_without_a_count_to_compare_is_not_used(
    emulator: Emulator, client: ExotelClient, campaign: Campaign, tmp_path: Path
) -> None:
    lines = _changed(emulator, client, campaign, lambda row: row).splitlines(keepends=True)
    some = "".join(line for line in lines if ",busy," not in line)
    with serve_text(some) as (url, _):
        emulator.settings.update({"report_url": url, "list_metadata": False})
        try:
            calls = gather_sids(client, client.get_campaign(campaign.id), tmp_path)
        finally:
            emulator.settings.update({"report_url": None, "list_metadata": True})

    assert some != "".join(lines)
    assert calls == all_calls(emulator, campaign)


def _changed(emulator: Emulator, client: ExotelClient, campaign: Campaign, change: Callable[[Row], Row]) -> str:
    """The report of a campaign with each row changed."""
    lines = client.report_lines(emulator.report_url.replace("{id}", campaign.id))
    rows, text = [change(row) for row in csv.DictReader(lines)], io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def gather_calls(client: ExotelClient, campaign: Campaign, folder: Path) -> list[Call]:
    """Return the stored calls in order."""
    folder.mkdir()
    with Ledger() as ledger:
        gather(client, campaign, Folder(folder), keep, ledger)
        return [call for call, _ in ledger.attempts()]
