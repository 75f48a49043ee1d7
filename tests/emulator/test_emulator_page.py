"""The page people see first."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from airflow_provider_exotel.emulator import Emulator, Fault, reports
from airflow_provider_exotel.emulator.reports import addresses

from .conftest import Api


def page(emulator: Emulator, path: str = "/") -> str:
    return requests.get(emulator.url + path, timeout=60).text


@pytest.fixture
def pages(api: Api, emulator: Emulator) -> dict[str, str]:
    """Both pages after ten minutes of a campaign and a fault."""
    emulator.faults.add(Fault(on="GET campaigns", kind="status", status=503))
    campaign = api.create(name="<b>March</b>")
    api("GET", "campaigns")
    emulator.clock.advance(600)
    return {"overview": page(emulator), "campaign": page(emulator, f"/campaigns/{campaign['id']}")}


def test_an_empty_page_explains_how_to_start(emulator: Emulator) -> None:
    shown = page(emulator)

    assert "AIRFLOW_CONN_EXOTEL_DEFAULT" in shown
    assert emulator.api_token not in shown


def test_the_page_shows_campaigns_calls_and_requests_with_faults(pages: dict[str, str]) -> None:
    for wanted in (
        "March",
        "reached",
        '<td data-label="Status">503</td><td data-label="Fault">⚡ status</td><td data-label="Path">campaigns</td>',
        "02 Mar 10:00:01",
    ):
        assert wanted in pages["overview"]


def test_the_page_of_a_campaign_shows_its_calls(pages: dict[str, str]) -> None:
    for wanted in ("<h2>Calls per minute</h2>", "<svg", "••••••••0", "as ordered"):
        assert wanted.lower() in pages["campaign"].lower()


@pytest.mark.parametrize("which", ["overview", "campaign"])
def test_a_page(pages: dict[str, str], which: str) -> None:
    shown = pages[which]

    assert not re.search(r"\d{7}", re.sub(r"[0-9a-f]{32}", "", shown)), "no number in clear"
    assert "&lt;b&gt;March" in shown, "names are escaped"
    assert not re.search(r"(?:src|href)=.(?:https?:)?//", shown), "nothing is loaded from elsewhere"
    assert re.search(r'class="stack" role="img" aria-label="Of \d+ numbers: [^"]*\d', shown), "bars speak"
    assert re.search(r'aria-label="Dials from [^"]+ to [^"]+"', shown), "windows speak"


@pytest.mark.parametrize(
    ("speed", "said"),
    [
        (0, "The clock is stepped by hand: "),
        (60, "Each campaign has a clock of its own, 60 times as fast as this one: "),
    ],
)
def test_the_page_names_its_clock(speed: float, said: str) -> None:
    with Emulator(speed=speed) as emulator:
        shown = page(emulator)

    assert re.search(rf"<header>.*Nobody is called\. {said}\d\d \w+ [\d:]+ IST", shown)


@pytest.mark.parametrize("which", ["overview", "campaign"])
def test_times_of_a_campaign_are_named_after_its_clock(pages: dict[str, str], which: str) -> None:
    assert "campaign clock <b>02 Mar 10:10</b>" in pages[which]
    assert '<th scope="col">Campaign clock</th>' in pages[which]
    assert ">now " not in pages[which]


def test_the_page_shows_the_latest_calls_of_all_campaigns(api: Api, emulator: Emulator) -> None:
    api.create()
    emulator.clock.advance(600)
    [state] = emulator.campaigns

    assert state.latest_calls(2) == sorted(state.calls, key=lambda call: call.started)[:-3:-1]
    assert state.calls_begun(0, state.instant + 1) == len(state.calls)


def test_a_folder_without_reports_gives_no_links(tmp_path: Path) -> None:
    with Emulator(reports=tmp_path / "not there yet") as emulator:
        assert "/reports/" not in page(emulator)


def about(campaign_id: str) -> str:
    return f'<meta name="exotel-campaigns" content="{campaign_id}">'


def test_unfinished_reports_are_not_linked(tmp_path: Path) -> None:
    for folder in ("may", "may/_unfinished/0123/4567"):  # the later one is newer
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "report.html").write_text(about("one"))
        os.utime(tmp_path / folder / "report.html", (len(folder), len(folder)))

    assert addresses(tmp_path) == {"one": "/reports/may/report.html"}
    with Emulator(reports=tmp_path) as other:
        address = f"{other.url}/reports/may/_unfinished/0123/4567/report.html"
        assert requests.get(address, timeout=60).status_code == 404


def a_folder(path: Path) -> None:
    path.mkdir()


def a_ring(path: Path) -> None:
    path.symlink_to(path)


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to(path.parent / "gone")


def no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")


@pytest.mark.parametrize("made", [a_folder, a_ring, a_link_to_nothing, no_text])
def test_unreadable_files_do_not_hide_other_reports(tmp_path: Path, made: Callable[[Path], None]) -> None:
    for name in ("may", "june"):
        (tmp_path / name).mkdir()
    (tmp_path / "may" / "report.html").write_text(about("one"))
    made(tmp_path / "june" / "report.html")

    with Emulator(reports=tmp_path) as emulator:
        places = ("/", "/reports/june/report.html")
        codes = [requests.get(emulator.url + place, timeout=60).status_code for place in places]

    assert addresses(tmp_path) == {"one": "/reports/may/report.html"}
    assert codes == [200, 200 if made is no_text else 404]


def test_a_report_moved_meanwhile_does_not_hide_other_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("may", "june"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.html").write_text(about(name))
    read = reports.page

    def read_and_moved(folder: Path | None, path: str) -> str | None:
        text = read(folder, path)
        if path.startswith("june"):
            (tmp_path / path).unlink()
        return text

    monkeypatch.setattr(reports, "page", read_and_moved)

    assert addresses(tmp_path) == {"may": "/reports/may/report.html"}


@pytest.mark.parametrize(
    "path",
    [
        "contacts.csv",
        "..%2Freport.html",
        "may",
        "may/other.html",
        "away/report.html",
        "may%00/report.html",
        f"{'a' * 300}/report.html",
    ],
)
def test_only_report_pages_are_served(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "reports"
    (folder / "may").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (folder / "away").symlink_to(tmp_path / "secret")
    files = (
        "reports/contacts.csv",
        "report.html",
        "reports/may/report.html",
        "reports/may/other.html",
        "secret/report.html",
    )
    for file in files:
        (tmp_path / file).write_text("kept")
    with Emulator(reports=folder) as emulator:
        assert page(emulator, "/reports/may/report.html") == "kept"
        assert requests.get(f"{emulator.url}/reports/{path}", timeout=60).status_code == 404


def test_an_unknown_campaign_has_no_page(emulator: Emulator) -> None:
    assert requests.get(f"{emulator.url}/campaigns/unknown", timeout=60).status_code == 404
