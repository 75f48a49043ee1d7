"""CampaignReportOperator in real DAG runs against the local Exotel."""

from __future__ import annotations

import csv
import hmac
import inspect
import json
import os
import re
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, Asset, ObjectStoragePath

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.request import CampaignRequest, Schedule
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.links import ReportLink
from airflow_provider_exotel.operators.report import CampaignReportOperator
from airflow_provider_exotel.report import recordings
from airflow_provider_exotel.report.storage import Workspace

from .test_nothing_leaks import OF_AIRFLOW, database, log_files

AIRFLOW_2 = airflow_version.startswith("2.")
ROOT = Path(__file__).parent.parent.parent
START = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)  # 10:00 in India
INDIA = {"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"}
KEY = "a key that names people"
# Numbers of this test only, since other tests leave theirs in the database.
PEOPLE = [f"+9198764{index:05d}" for index in range(31_000, 31_120)]
TRACE = "9876431"


@pytest.fixture
def exotel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Emulator]:
    """A local Exotel on the second of March, and the key for pseudonyms."""
    with Emulator(start=START, seed=1, reports=tmp_path) as emulator:
        uri = f"{emulator.connection_uri}?exophone=0XXXXXX4890&requests_per_minute=100000"
        monkeypatch.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", uri)
        monkeypatch.setenv("AIRFLOW_CONN_NAMES", json.dumps({"conn_type": "generic", "password": KEY}))
        monkeypatch.setenv("AIRFLOW_VAR_NAMES", KEY)
        yield emulator


def dialled(exotel: Emulator, *, people: list[str] = PEOPLE, minutes: int = 400, **fields: Any) -> str:
    """Return the id of a campaign that ends within a day."""
    given: dict[str, Any] = {
        "numbers": people,
        "caller_id": "0XXXXXX4890",
        "name": "March reminder",
        "read_via_text": "Hello",
        "schedule": {"send_at": START + timedelta(minutes=1), "end_at": START + timedelta(minutes=minutes)},
        "call_retries": {"number_of_retries": 2, "interval_mins": 15, "on_status": ["busy", "no-answer"]},
    }
    with ExotelClient(
        exotel.api_key, exotel.api_token, exotel.account_sid, exotel.host, bucket=TokenBucket(1_000_000)
    ) as client:
        return client.create_campaign(CampaignRequest(**given | fields)).id


def a_day_later(exotel: Emulator) -> None:
    exotel.clock.advance(86_400)


def report(folder: Path, campaign_ids: Any, **arguments: Any) -> CampaignReportOperator:
    given = {"path": folder.as_uri(), "window": INDIA, "hash_key_conn_id": "names"} | arguments
    return CampaignReportOperator(task_id="report", campaign_ids=campaign_ids, **given)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def named(number: str) -> str:
    return hmac.digest(KEY.encode(), number.encode(), "sha256").hex()


def call_pages(exotel: Emulator) -> list[int]:
    """The offsets of the requested pages of calls."""
    return [int(entry.query["offset"]) for entry in exotel.requests if entry.path.endswith("call-details")]


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_a_report_has_the_result_of_every_person(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, dialect: str
) -> None:
    exotel.settings.dialect = dialect
    campaign = dialled(exotel)
    a_day_later(exotel)

    ran = run_dag(lambda: report(tmp_path, campaign))

    told = ran.xcom("report")
    counts = exotel.campaign(campaign).counts
    attempts, contacts = rows(tmp_path / "attempts.csv"), rows(tmp_path / "contacts.csv")
    assert ran.state == "success"
    assert (told["contacts"], told["reached"], told["never_tried"]) == (120, counts.completed, 0)
    assert told["adds_up"]
    assert len(attempts) == told["attempts"] == len(exotel.calls(campaign))
    assert {row["contact"] for row in contacts} == {named(number) for number in PEOPLE}
    assert {row["inside_window"] for row in attempts} == {"true"}
    assert attempts[0]["start_local"] == "2026-03-02T10:01:00+05:30"
    assert rows(tmp_path / "audit.csv") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "attempts.csv",
        "audit.csv",
        "contacts.csv",
        "report.html",
    ]


def test_the_paths_are_in_the_xcom(run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path) -> None:
    campaign = dialled(exotel)
    a_day_later(exotel)

    ran = run_dag(lambda: report(tmp_path, campaign, format="jsonl"))

    paths = ran.xcom("report", key="report")
    assert set(paths) == {"attempts", "contacts", "audit", "page", "url"}
    assert paths["attempts"] == f"{tmp_path.as_uri()}/attempts.jsonl"
    assert len((tmp_path / "attempts.jsonl").read_text().splitlines()) == ran.xcom("report")["attempts"]


def test_the_task_and_the_emulator_s_page_link_to_the_report_page(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path
) -> None:
    campaign = dialled(exotel)
    a_day_later(exotel)
    folder = tmp_path / "manual__2026-03-03T04:30:00+00:00"  # like a real run id; in an address "+" means a space

    ran = run_dag(
        lambda: report(folder, campaign, path=f"file://{folder}", folder_url=f"{exotel.url}/reports/{folder.name}/")
    )

    address = ran.xcom("report", key=ReportLink().xcom_key)
    assert requests.get(address, timeout=60).text == (folder / "report.html").read_text()
    assert ran.xcom("report", key="report")["url"] == address
    for place in ("/", f"/campaigns/{campaign}"):
        shown = requests.get(exotel.url + place, timeout=60).text
        assert address in [urljoin(exotel.url, found) for found in re.findall(r'href="([^"]*)"', shown)]


def test_a_report_without_a_web_address_has_no_button_and_its_path_in_the_log(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, log: Any
) -> None:
    campaign = dialled(exotel)
    a_day_later(exotel)

    ran = run_dag(lambda: report(tmp_path, campaign))

    assert not ran.xcom("report", key=ReportLink().xcom_key)  # Airflow 3 leaves an empty address
    assert f"The report's page: {ran.xcom('report', key='report')['page']}" in log.text


def test_parquet_holds_the_same_as_csv(run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    campaign = dialled(exotel)
    a_day_later(exotel)

    run_dag(lambda: report(tmp_path, campaign))
    run_dag(lambda: report(tmp_path, campaign, format="parquet"))

    table = parquet.read_table(tmp_path / "attempts.parquet").to_pylist()
    read = [(row["call_sid"], row["contact"], row["attempt"], row["start_utc"].isoformat()) for row in table]
    assert read == [
        (row["call_sid"], row["contact"], int(row["attempt"]), row["start_utc"].replace("Z", "+00:00"))
        for row in rows(tmp_path / "attempts.csv")
    ]


def test_a_fleet_gets_one_report(run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path) -> None:
    campaigns = [dialled(exotel, people=PEOPLE[:50], name="North"), dialled(exotel, people=PEOPLE[50:], name="South")]
    a_day_later(exotel)

    ran = run_dag(lambda: report(tmp_path, campaigns))

    page = (tmp_path / "report.html").read_text()
    assert (ran.xcom("report")["campaigns"], ran.xcom("report")["contacts"]) == (2, 120)
    assert {row["campaign_id"] for row in rows(tmp_path / "attempts.csv")} == set(campaigns)
    assert all(name in page for name in ("North", "South"))


@pytest.mark.parametrize(
    "key", [{"hash_key_conn_id": "names"}, {"hash_key_variable": "names", "hash_key_conn_id": None}]
)
def test_a_key_gives_the_same_pseudonyms_from_a_connection_or_a_variable(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, key: dict[str, Any]
) -> None:
    campaign = dialled(exotel, people=PEOPLE[:1])
    a_day_later(exotel)

    run_dag(lambda: report(tmp_path, campaign, **key))

    assert [row["contact"] for row in rows(tmp_path / "contacts.csv")] == [named(PEOPLE[0])]


def test_plaintext_numbers_need_an_explicit_choice(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path
) -> None:
    campaign = dialled(exotel)
    a_day_later(exotel)

    run_dag(lambda: report(tmp_path, campaign, contacts="clear", hash_key_conn_id=None))

    assert {row["contact"] for row in rows(tmp_path / "contacts.csv")} == set(PEOPLE)
    assert TRACE not in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("from_report", [False, True])
def test_a_run_leaves_no_number_behind(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, log: Any, from_report: bool
) -> None:
    exotel.settings.report_url = exotel.report_url if from_report else None
    campaign = dialled(exotel, name=f"Reminder for {PEOPLE[0]}")
    a_day_later(exotel)

    ran = run_dag(lambda: report(tmp_path, campaign))

    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    told = log.text + log_files() + database()
    assert ran.state == "success"
    assert "Reminder for [number]" in files["report.html"]
    assert [name for name, text in files.items() if TRACE in text] == []
    assert [line[:300] for line in told.splitlines() if TRACE in line or (KEY in line and OF_AIRFLOW not in line)] == []


@pytest.mark.skipif(AIRFLOW_2, reason="Airflow 2 records no event of a DAG that only a test knows")
def test_the_summary_is_the_extra_of_the_asset(run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path) -> None:
    campaign = dialled(exotel)
    a_day_later(exotel)
    asset = Asset("exotel_report")

    ran = run_dag(lambda: report(tmp_path, campaign, outlets=[asset]))

    events = [line for line in database().splitlines() if re.match('INSERT INTO "?(asset|dataset)_event', line)]
    assert ran.state == "success"
    assert [f'"reached": {ran.xcom("report")["reached"]}' in event for event in events] == [True]


def test_a_campaign_that_still_dials_has_no_report_yet(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    exotel.clock.set(now)
    campaign = dialled(exotel, schedule={"send_at": now + timedelta(minutes=1), "end_at": now + timedelta(hours=8)})
    exotel.clock.advance(120)

    ran = run_dag(lambda: report(tmp_path, campaign))

    assert ran.state == "failed"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("age", "is_made"), [(timedelta(minutes=59), False), (timedelta(minutes=61), True)])
@pytest.mark.parametrize("told", ["end_at", "date_updated"])
def test_a_count_stuck_at_in_progress_delays_a_report_for_an_hour_at_most(
    exotel: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, age: timedelta, *, is_made: bool
) -> None:
    campaign, show = dialled(exotel), ExotelClient.get_campaign
    a_day_later(exotel)
    moment = datetime.now(UTC) - age
    last = {"schedule": Schedule(end_at=moment)} if told == "end_at" else {"schedule": Schedule(), told: moment}

    def stuck(client: ExotelClient, campaign_id: str) -> Campaign:
        shown = show(client, campaign_id)
        return replace(shown, stats=replace(shown.stats, in_progress=1), **last)

    monkeypatch.setattr(ExotelClient, "get_campaign", stuck)
    with nullcontext() if is_made else pytest.raises(AirflowException, match="may call somebody yet"):
        report(tmp_path, campaign).execute({"ti": SimpleNamespace(xcom_push=lambda **_: None)})

    assert (tmp_path / "report.html").exists() is is_made


def test_calls_outside_of_the_window_are_listed_and_can_fail_the_task(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path
) -> None:
    campaign = dialled(exotel)
    a_day_later(exotel)
    narrow = INDIA | {"end": "10:31"}

    told = run_dag(lambda: report(tmp_path / "told", campaign, window=narrow))
    failed = run_dag(lambda: report(tmp_path / "failed", campaign, window=narrow, on_violation="fail"))

    outside = [call for call in exotel.calls(campaign) if call.started >= START + timedelta(minutes=31)]
    assert (told.state, failed.state) == ("success", "failed")
    assert told.xcom("report")["outside_window"] == len(outside) > 0
    assert len(rows(tmp_path / "failed" / "audit.csv")) == len(outside)
    assert failed.xcom("report")["outside_window"] == len(outside)


def test_people_called_too_often_are_listed(run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path) -> None:
    exotel.settings.outcomes = {"busy": 1.0}
    campaign = dialled(exotel, people=PEOPLE[:5])
    a_day_later(exotel)

    ran = run_dag(lambda: report(tmp_path, campaign, call_retries={"number_of_retries": 1, "interval_mins": 15}))

    audit = rows(tmp_path / "audit.csv")
    assert ran.xcom("report")["called_too_often"] == 5
    assert [(row["attempt"], row["finding"]) for row in audit] == [("3", "too-many-attempts")] * 5


@pytest.mark.parametrize("dies_at", [0, 1, 3, 4, 8, 11])
def test_the_try_after_a_killed_one_continues_and_writes_the_same(
    run_dag: Callable[..., Any],
    exotel: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dies_at: int,
) -> None:
    monkeypatch.setattr("airflow_provider_exotel.report.gather.PAGES_PER_PART", 3)
    exotel.settings.calls_per_page = 15
    campaign = dialled(exotel)
    a_day_later(exotel)
    run_dag(lambda: report(tmp_path / "once", campaign))
    pages = call_pages(exotel)

    exotel.faults.add(Fault(on="GET campaigns/*/call-details", kind="status", status=403, after=dies_at))
    killed = run_dag(lambda: report(tmp_path / "twice", campaign))
    seen = sorted(path.name for path in (tmp_path / "twice").glob("*.*"))
    before = len(call_pages(exotel))
    again = run_dag(lambda: report(tmp_path / "twice", campaign))

    assert (killed.state, again.state, seen) == ("failed", "success", [])
    assert call_pages(exotel)[before] == pages[dies_at - dies_at % 3]
    for path in (tmp_path / "once").iterdir():
        assert (tmp_path / "twice" / path.name).read_bytes() == path.read_bytes()
    assert not (tmp_path / "twice" / "_unfinished").exists()


@pytest.mark.parametrize("held", ["open_file", "publish"])
@pytest.mark.parametrize("other", ["csv", "jsonl"])
def test_a_concurrent_report_removes_nothing(
    exotel: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str, held: str
) -> None:
    campaign = dialled(exotel)
    a_day_later(exotel)
    report(tmp_path / "alone", campaign).execute({"ti": SimpleNamespace(xcom_push=lambda **_: None)})
    going_on, overtaken_by = getattr(Workspace, held), [report(tmp_path / "beside", campaign, format=other)]

    def overtaken(place: Workspace, *arguments: Any) -> Any:
        if overtaken_by and arguments != ("attempts.csv",):
            overtaken_by.pop().execute({"ti": SimpleNamespace(xcom_push=lambda **_: None)})
        return going_on(place, *arguments)

    monkeypatch.setattr(Workspace, held, overtaken)
    report(tmp_path / "beside", campaign).execute({"ti": SimpleNamespace(xcom_push=lambda **_: None)})

    assert overtaken_by == []
    for path in (tmp_path / "alone").iterdir():
        assert (tmp_path / "beside" / path.name).read_bytes() == path.read_bytes()
    assert not (tmp_path / "beside" / "_unfinished").exists()


def test_a_report_that_lost_a_file_does_not_pass_for_whole(tmp_path: Path) -> None:
    place = Workspace(ObjectStoragePath(tmp_path.as_uri()), "mark")
    with place.open_file("attempts.csv") as file:
        file.write(b"kept")

    with pytest.raises(FileNotFoundError):
        place.publish(["attempts.csv", "contacts.csv"])


def test_progress_saved_before_a_campaign_was_resumed_is_not_reused(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path
) -> None:
    exotel.settings.update({"at_end": "paused", "schedule_editable_when_paused": True})
    campaign = dialled(exotel, minutes=2, call_retries=None)
    other = dialled(exotel, people=PEOPLE[:2])
    a_day_later(exotel)
    exotel.faults.add(Fault(on="GET campaigns/*/call-details", kind="status", status=403, after=1))
    killed = run_dag(lambda: report(tmp_path, [campaign, other]))
    with ExotelClient(
        exotel.api_key, exotel.api_token, exotel.account_sid, exotel.host, bucket=TokenBucket(1_000_000)
    ) as client:
        client.update_campaign(campaign, schedule={"send_at": START, "end_at": START + timedelta(days=1, hours=6)})
        client.resume_campaign(campaign)
    a_day_later(exotel)

    again = run_dag(lambda: report(tmp_path, [campaign, other]))

    assert (killed.state, again.state) == ("failed", "success")
    assert again.xcom("report")["attempts"] == len(exotel.calls(campaign)) + len(exotel.calls(other))


# A task without the rest of Airflow, killed at a request like a worker that is out of memory.
DYING = """
import os, signal, sys

from airflow_provider_exotel.operators.report import CampaignReportOperator


class Instance:
    def xcom_push(self, **_):
        pass


campaign, path, dies_at = sys.argv[1], sys.argv[2], int(sys.argv[3])
task = CampaignReportOperator(task_id="report", campaign_ids=campaign, path=path, hash_key_conn_id="names")
session = task.hook.client._transport._session
request, left = session.request, iter(range(dies_at, -1, -1))


def dying(*arguments, **options):
    if next(left, None) == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return request(*arguments, **options)


session.request = dying
import airflow_provider_exotel.report.gather as gather

gather.PAGES_PER_PART = 3
task.execute({"ti": Instance()})
"""


def test_a_killed_process_leaves_no_partial_file(exotel: Emulator, tmp_path: Path) -> None:
    exotel.settings.calls_per_page = 15
    campaign = dialled(exotel)
    a_day_later(exotel)

    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def run(folder: str, dies_at: int) -> int:
        command = [sys.executable, "-c", DYING, campaign, (tmp_path / folder).as_uri(), str(dies_at)]
        environment = os.environ | {"TMPDIR": str(temporary), "SQLITE_TMPDIR": str(temporary)}
        return subprocess.run(command, capture_output=True, check=False, timeout=300, env=environment).returncode

    killed = run("twice", 9)
    seen = [path.name for path in (tmp_path / "twice").iterdir()]
    codes = run("twice", 10_000), run("once", 10_000)

    assert (killed, codes) == (-signal.SIGKILL, (0, 0))
    assert list(temporary.iterdir()) == []
    assert seen == ["_unfinished"]
    for path in (tmp_path / "once").iterdir():
        assert (tmp_path / "twice" / path.name).read_bytes() == path.read_bytes()


def test_every_storage_works(run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path) -> None:
    if AIRFLOW_2:
        from airflow.io.store import attach
    else:
        from airflow.sdk.io import attach
    from airflow.providers.common.compat.sdk import ObjectStoragePath
    from fsspec.implementations.memory import MemoryFileSystem

    attach("memory", fs=MemoryFileSystem())
    campaign = dialled(exotel)
    a_day_later(exotel)

    ran = run_dag(lambda: CampaignReportOperator(task_id="report", campaign_ids=campaign,
                                                 path="memory://reports/march", hash_key_conn_id="names"))  # fmt: skip

    folder = ObjectStoragePath("memory://reports/march")
    assert ran.state == "success"
    assert sorted(path.name for path in folder.iterdir()) == [
        "attempts.csv",
        "audit.csv",
        "contacts.csv",
        "report.html",
    ]


def test_the_operator_loads_neither_the_client_nor_the_formats_when_it_is_imported() -> None:
    program = "import sys, airflow_provider_exotel.operators.report; print('LOADED', *sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    [line] = [line for line in run.stdout.splitlines() if line.startswith("LOADED")]
    assert not {"pyarrow", "airflow_provider_exotel.client.client", "airflow_provider_exotel.report.page"} & {
        *line.split()
    }


def test_a_ready_report_of_the_service_gives_the_same_report(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path
) -> None:
    campaign = dialled(exotel)
    a_day_later(exotel)
    run_dag(lambda: report(tmp_path / "pages", campaign))
    exotel.settings.report_url = exotel.report_url

    ran = run_dag(lambda: report(tmp_path / "report", campaign))

    assert ran.state == "success"
    assert [entry.path.rsplit("/")[-1] for entry in exotel.requests[-2:]] == ["report", "call-details"]
    for path in (tmp_path / "pages").iterdir():
        assert (tmp_path / "report" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(on="GET campaigns/*/report", kind="status", status=404),
        Fault(on="GET campaigns/*/report", kind="cut_body"),
        Fault(on="GET campaigns/*/report", kind="empty_body"),
        Fault(on="GET campaigns/*/report", kind="html_5xx"),
        Fault(on="GET campaigns/*/report", kind="drop_after_commit"),
    ],
    ids=lambda fault: fault.kind,
)
def test_without_a_usable_ready_report_the_pages_are_read(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, fault: Fault
) -> None:
    campaign = dialled(exotel)
    exotel.settings.report_url = exotel.report_url
    a_day_later(exotel)
    exotel.faults.add(fault)

    ran = run_dag(lambda: report(tmp_path, campaign))

    assert ran.state == "success"
    assert ran.xcom("report")["adds_up"]
    assert ran.xcom("report")["attempts"] == len(exotel.calls(campaign))


WRONG: dict[str, dict[str, Any]] = {
    "campaign_ids": {"campaign_ids": ""},
    "format": {"format": "xlsx"},
    "contacts": {"contacts": "plain"},
    "on_violation": {"on_violation": "shout"},
    "hash_key_conn_id": {"hash_key_conn_id": None},
    "hash_key_variable": {"hash_key_conn_id": None, "hash_key_variable": "short"},
    "window.end": {"window": INDIA | {"end": "noon"}},
    "path": {"path": "gs://bucket/reports"},
    "recordings": {"recordings": "gs://bucket/recordings"},
    "timezone": {"timezone": "Asia/Bombay City"},
    "call_retries.number_of_retries": {"call_retries": {"number_of_retries": 9}},
}


@pytest.mark.parametrize(("field", "wrong"), WRONG.items(), ids=WRONG)
def test_problems_are_named_before_any_request(
    run_dag: Callable[..., Any],
    exotel: Emulator,
    tmp_path: Path,
    log: Any,
    monkeypatch: pytest.MonkeyPatch,
    field: str,
    wrong: dict[str, Any],
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_SHORT", "short")

    ran = run_dag(lambda: report(tmp_path, **{"campaign_ids": "one"} | wrong))

    assert ran.state == "failed"
    assert f"- {field}: " in log.text
    assert exotel.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "april/reports",
        "https://user:word@reports.example.com/may",
        "https://reports.example.com/may?signature=secret",
        "https://reports.example.com/#/may",
    ],
)
def test_an_invalid_folder_url_is_reported_without_quoting_it(exotel: Emulator, tmp_path: Path, address: str) -> None:
    with pytest.raises(AirflowFailException, match="- folder_url: ") as refused:
        report(tmp_path, "one", folder_url=address).execute({})

    assert address not in str(refused.value)
    assert exotel.requests == []


def test_escapes_in_an_address_are_kept(exotel: Emulator, tmp_path: Path) -> None:
    campaign, kept = dialled(exotel), dict[str, Any]()
    a_day_later(exotel)
    context = {"ti": SimpleNamespace(xcom_push=lambda key, value: kept.update({key: value}))}

    report(tmp_path, campaign, folder_url="https://reports.example.com/a%2Fb/100%25/c d+e").execute(context)

    assert kept["report"]["url"] == "https://reports.example.com/a%2Fb/100%25/c%20d%2Be/report.html"


def test_recordings_are_copied_and_counted_and_leave_no_number_behind(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, log: Any
) -> None:
    exotel.settings.recording_url = f"{exotel.foreign_recording_url}?to={TRACE}000"
    campaign = dialled(exotel, people=PEOPLE[:12])
    a_day_later(exotel)

    ran = run_dag(lambda: report(tmp_path / "report", campaign, recordings=(tmp_path / "recordings").as_uri()))

    told = ran.xcom("report")
    answered = {f"{call.call_sid}.mp3" for call in exotel.calls(campaign) if call.status == "completed"}
    assert {path.name for path in (tmp_path / "recordings").iterdir()} == answered
    assert told["recordings"] == {"saved": len(answered), "gone": 0, "refused": 0, "not_audio": 0, "failed": 0}
    assert "recordings</dt>" in (tmp_path / "report" / "report.html").read_text()
    assert exotel.leaked == []
    written = log.text + log_files() + database()
    assert [line[:300] for line in written.splitlines() if TRACE in line and OF_AIRFLOW not in line] == []


def test_missing_recordings_fail_the_task_after_the_report_is_written(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "PAUSES", (0.0, 0.0))
    exotel.settings.recording_url = exotel.recording_url
    campaign = dialled(exotel, people=PEOPLE[:12])
    a_day_later(exotel)
    exotel.faults.add(Fault(on="GET recordings/*", kind="status", status=503, times=3))

    def task() -> CampaignReportOperator:
        return report(tmp_path / "report", campaign, recordings=(tmp_path / "recordings").as_uri())

    first, second = run_dag(task), run_dag(task)

    assert (first.state, second.state) == ("failed", "success")
    assert first.xcom("report")["recordings"]["failed"] == 1
    assert second.xcom("report")["recordings"]["failed"] == 0


def test_a_page_instead_of_a_recording_is_told_and_fails_no_report(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, log: Any
) -> None:
    exotel.settings.recording_url = exotel.recording_url
    campaign = dialled(exotel, people=PEOPLE[:12])
    a_day_later(exotel)
    exotel.faults.add(Fault(on="GET recordings/*", kind="status", status=200, envelope="html"))

    ran = run_dag(lambda: report(tmp_path / "report", campaign, recordings=(tmp_path / "recordings").as_uri()))

    assert (ran.state, ran.xcom("report")["recordings"]["not_audio"]) == ("success", 1)
    assert "1 addresses of recordings returned a web page or nothing instead of audio" in log.text
    assert "1 not audio" in (tmp_path / "report" / "report.html").read_text()


def test_the_page_of_the_docs_names_every_parameter() -> None:
    table = (ROOT / "docs" / "report.md").read_text().split("## Parameters")[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE))

    assert documented == set(inspect.signature(CampaignReportOperator.__init__).parameters) - {"self", "kwargs"}
    assert documented == set(CampaignReportOperator.template_fields)


def test_the_page_of_the_docs_names_every_column_and_every_key_of_the_summary() -> None:
    from airflow_provider_exotel.report.summary import summarize
    from airflow_provider_exotel.report.tables import ATTEMPTS, CONTACTS

    rows = [line for line in (ROOT / "docs" / "report.md").read_text().splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}

    assert {*ATTEMPTS, *CONTACTS, *summarize([])} <= named


def test_the_example_loads() -> None:
    dag = runpy.run_path(str(ROOT / "example_dags" / "exotel_report.py"))["dag"]

    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == {
        "create": set(),
        "ended": {"create"},
        "report": {"create", "ended"},
    }
