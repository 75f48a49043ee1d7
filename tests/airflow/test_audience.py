"""From an audience to its campaigns, against the emulator: everybody is called by exactly one campaign."""

from __future__ import annotations

import csv
import inspect
import json
import re
import runpy
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.operators.audience import PlanAudienceOperator
from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
from airflow_provider_exotel.operators.upload import UploadAudienceOperator

from ..judge import MINUTE, PEOPLE, Person, may_be_called
from ..versions import AIRFLOW
from .conftest import connect
from .test_nothing_leaks import database, log_files

ROOT = Path(__file__).parents[2]
INDIA = {"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"}
SHORT = {"start": "10:00", "end": "14:00", "timezone": "Asia/Kolkata"}
RETRIES = {"number_of_retries": 1, "interval_mins": 15, "mechanism": "Linear", "on_status": ["busy"]}
PRESETS = {
    "IN": "IN_COLLECTIONS",
    "AE": "AE_MARKETING",
    "ID": "ID_COLLECTIONS",
    "SG": "SG_TELEMARKETING",
}
MIXED: dict[str, Person] = {one.number: one for one in PEOPLE if one.preset in PRESETS.values()}


def indians(count: int) -> list[str]:
    return [f"+9198765{one:05}" for one in range(count)]


def table(path: Path, numbers: list[str], column: str = "number") -> str:
    """Write a table of people and return its address."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["name", column], *(["Somebody", number] for number in numbers)])
    return path.as_uri()


def plan(folder: Path, **arguments: Any) -> PlanAudienceOperator:
    given = {"task_id": "plan", "output_path": folder.as_uri(), "window": INDIA, "name": "Reminder"}
    return PlanAudienceOperator(**(given | arguments))


def add_all_tasks(folder: Path, **arguments: Any) -> None:
    """Fill a DAG with all tasks from an audience to its campaigns."""
    planned = plan(folder, **arguments)
    uploaded = UploadAudienceOperator.partial(task_id="upload").expand(campaign=planned.output)
    say = {} if "read_via_text" in arguments else {"read_via_text": "Hello"}
    CreateCampaignOperator.partial(task_id="create", on_missed_window="next", settle=0, **say).expand_kwargs(
        uploaded.output
    )


def people_of(folder: Path) -> list[str]:
    """Return everybody in the plan's files."""
    files = sorted((folder / "chunks").iterdir())
    return sorted(line.split(",")[0] for file in files for line in file.read_text().splitlines()[1:])


def called_by(exotel: Emulator) -> list[str]:
    return sorted(number for campaign in exotel.campaigns for number in campaign.numbers)


@pytest.fixture
def exotel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A local Exotel with the connection ``exotel_default`` and a high rate limit."""
    with Emulator(seed=1) as emulator:
        connect(monkeypatch, emulator)
        yield emulator


def test_a_mixed_audience_is_called_by_one_campaign_each_in_hours_that_are_legal_for_everybody(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path
) -> None:
    people = table(tmp_path / "people.csv", [*MIXED, *indians(5_200), *MIXED])

    ran = run_dag(
        lambda: add_all_tasks(tmp_path / "plan", path=people, presets=PRESETS, window=None, call_retries=RETRIES)
    )

    assert ran.state == "success"
    assert called_by(exotel) == sorted({*MIXED, *indians(5_200)})
    assert sum(bool(campaign.campaign.lists) for campaign in exotel.campaigns) == 1
    for campaign in exotel.campaigns:
        schedule = campaign.campaign.given["schedule"]
        first, end = (datetime.fromisoformat(schedule[name]).astimezone(UTC) for name in ("send_at", "end_at"))
        here = [MIXED[number] for number in campaign.numbers if number in MIXED]
        for minute in range(int((end - first) / MINUTE) + 1):
            moment = min(first + minute * MINUTE, end - timedelta(seconds=1))
            assert all(may_be_called(person, moment) for person in here)


def test_the_plan_describes_the_campaigns_that_are_created(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path
) -> None:
    people = table(tmp_path / "people.csv", [*indians(40), *indians(2), "nobody", *MIXED])

    ran = run_dag(lambda: add_all_tasks(tmp_path / "plan", path=people, presets=PRESETS, window=None, max_rejected=0.1))

    told = ran.xcom("plan", "plan")
    assert (told["accepted"], told["duplicates"], told["rejected"]) == (40 + len(MIXED) - 1, 3, {"not_a_number": 1})
    planned = {(one["name"], one["contacts"], one["throttle"]) for one in told["campaigns"]}
    assert planned == {
        (one.name.partition(" af-")[0], len(one.numbers), one.campaign.given["throttle"]) for one in exotel.campaigns
    }
    assert json.loads((tmp_path / "plan" / "plan.json").read_text())["plan"] | {"url": None} == told
    assert told["id"] in (tmp_path / "plan" / "plan.html").read_text()
    assert (tmp_path / "plan" / "plan.md").read_text() == told["markdown"]
    assert (tmp_path / "plan" / "quarantine.csv").read_text() == "row,reason,raw\n44,not_a_number,nobody\n"


def of_parquet(tmp_path: Path, numbers: list[str]) -> dict[str, Any]:
    import pyarrow as pa
    from pyarrow.parquet import write_table

    write_table(pa.table({"number": numbers, "name": ["Somebody"] * len(numbers)}), tmp_path / "people.parquet")
    return {"path": (tmp_path / "people.parquet").as_uri()}


def warehouse(tmp_path: Path) -> str:
    return json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "warehouse.sqlite")})


def of_query(tmp_path: Path, numbers: list[str]) -> dict[str, Any]:
    with closing(sqlite3.connect(tmp_path / "warehouse.sqlite")) as made, made:
        made.execute("create table people (NUMBER text, due integer)")
        made.executemany("insert into people values (?, 1)", [(number,) for number in numbers])
    return {"sql": "select * from people where due = {{ 1 }} order by rowid", "sql_conn_id": "warehouse"}


SOURCES: dict[str, Callable[[Path, list[str]], dict[str, Any]]] = {
    "CSV": lambda tmp_path, numbers: {"path": table(tmp_path / "people.csv", numbers)},
    "Parquet": of_parquet,
    "SQL": of_query,
    "function": lambda _, numbers: {"records": lambda: ({"number": number} for number in numbers)},
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_the_same_people_are_the_same_files_wherever_they_come_from(
    run_dag: Callable[..., Any],
    exotel: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: Callable[[Path, list[str]], dict[str, Any]],
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse(tmp_path))
    numbers = indians(2_500)

    ran = run_dag(lambda: plan(tmp_path / "plan", **source(tmp_path, numbers)))

    [file] = (tmp_path / "plan" / "chunks").iterdir()
    assert ran.state == "success"
    assert file.read_text().splitlines() == ["number", *numbers]
    [campaign] = ran.xcom("plan")
    assert campaign["numbers_from"] == file.as_uri()
    assert re.fullmatch(r"all-[0-9a-f]{32}\.csv", file.name)


def test_people_with_a_text_of_their_own_are_called_from_a_dynamic_list(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("phone,due_amount\n98765 00001,1.200\n+91 98765-00002,40\n")

    ran = run_dag(
        lambda: add_all_tasks(
            tmp_path / "plan",
            path=(tmp_path / "people.csv").as_uri(),
            number_column="phone",
            default_country="IN",
            variables={"amount": "due_amount"},
            read_via_text="You owe @@amount rupees.",
        )
    )

    [campaign] = exotel.campaigns
    assert ran.state == "success"
    assert campaign.campaign.given["campaign_type"] == "dynamic"
    assert campaign.campaign.given["read_via_text"] == "You owe @@amount rupees."
    assert called_by(exotel) == ["+919876500001", "+919876500002"]


def test_suppressed_people_are_not_called(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse(tmp_path))
    people, yesterday = indians(10), (datetime.now(UTC) - timedelta(days=1)).date()
    of_query(tmp_path, [people[1], people[2]])
    suppress = [
        {"name": "opt-outs", "path": table(tmp_path / "out.csv", [people[0].replace("+91", "0")], "msisdn"),
         "column": "msisdn"},
        {"name": "paid", "sql": "select number from people", "sql_conn_id": "warehouse"},
        {"name": "registry", "path": table(tmp_path / "dnd.csv", people[2:4]), "as_of": str(yesterday),
         "max_age_days": 7},
    ]  # fmt: skip

    ran = run_dag(
        lambda: add_all_tasks(
            tmp_path / "plan", path=table(tmp_path / "p.csv", people), suppress=suppress, default_country="IN"
        )
    )

    assert called_by(exotel) == people[4:]
    assert ran.xcom("plan", "plan")["suppressed"] == {"opt-outs": 1, "paid": 2, "registry": 1}


def test_people_in_recent_reports_are_not_called(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_exotel.report.call import pseudonymise_with

    monkeypatch.setenv("AIRFLOW_VAR_REPORT_KEY", "16 characters, k")
    name, people, now = pseudonymise_with(b"16 characters, k"), indians(4), datetime.now(UTC)
    for report, (number, days_ago) in enumerate([(people[0], 2), (people[1], 9), (people[2], 2)]):
        (tmp_path / "reports" / str(report)).mkdir(parents=True)
        called_at = (now - timedelta(days=days_ago)).isoformat()
        text = f"campaign_id,contact,start_utc\none,{name(number)},{called_at}\n"
        (tmp_path / "reports" / str(report) / "attempts.csv").write_text(text)
    lately = {"name": "lately", "reports": (tmp_path / "reports").as_uri(), "days": 7}

    ran = run_dag(
        lambda: add_all_tasks(
            tmp_path / "plan",
            path=table(tmp_path / "p.csv", people),
            suppress=[lately | {"hash_key_variable": "report_key"}],
        )
    )

    assert ran.state == "success"
    assert called_by(exotel) == [people[1], people[3]]


def test_an_empty_audience_makes_no_campaign(run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path) -> None:
    ran = run_dag(lambda: add_all_tasks(tmp_path / "plan", path=table(tmp_path / "people.csv", [])))

    assert (ran.state, ran.xcom("plan"), exotel.campaigns) == ("success", [], [])
    assert {ran.task_state("plan"), ran.task_state("upload"), ran.task_state("create")} == {"success", "skipped"}


def test_too_many_bad_rows_fail_the_run_and_are_in_the_quarantine_file(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, log: Any
) -> None:
    people = table(tmp_path / "people.csv", [*indians(17), "9.19877E+11", "call me", ""])

    ran = run_dag(lambda: add_all_tasks(tmp_path / "plan", path=people))

    assert (ran.task_state("plan"), exotel.requests) == ("failed", [])
    assert "max_rejected: must be at least 15.00% (got 5.00%), since 3 of 20 rows were rejected" in log.text
    quarantined = (tmp_path / "plan" / "quarantine.csv").read_text().splitlines()
    assert quarantined == ["row,reason,raw", "19,digits_lost,9.19877E+11", "20,not_a_number,call me", "21,empty,"]
    assert not (tmp_path / "plan" / "plan.json").exists()


WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "sources": ({"path": None}, ["path"]),
    "two sources": ({"sql": "select 1", "sql_conn_id": "one"}, ["path"]),
    "a query without its connection": ({"path": None, "sql": "select 1"}, ["sql_conn_id"]),
    "a connection that is not there": ({"path": None, "sql": "select 1", "sql_conn_id": "none"}, ["sql_conn_id"]),
    "a connection without a provider": (
        {"path": None, "sql": "select 1", "sql_conn_id": "unprovided"}, ["sql_conn_id"]
    ),
    "a connection without SQL": ({"path": None, "sql": "select 1", "sql_conn_id": "exotel_default"}, ["sql_conn_id"]),
    "no file": ({"path": "file:///nowhere/people.csv"}, ["path"]),
    "a storage without a driver": ({"path": "gs://bucket/people.csv"}, ["path"]),
    "no column": ({"number_column": "phone"}, ["path"]),
    "records that return nothing": ({"path": None, "records": lambda: None}, ["records"]),
    "records that return one text": ({"path": None, "records": lambda: "+919876500001"}, ["records"]),
    "a folder without a driver": ({"output_path": "gs://bucket/plan"}, ["output_path"]),
    "no web address": ({"folder_url": "file:///plans"}, ["folder_url"]),
    "all else": (
        {
            "output_path": "None",
            "default_country": "India",
            "max_rejected": 5,
            "max_windows": 0,
            "presets": {"IN": "IN_SERVICE"},
            "call_retries": {"number_of_retries": 9},
            "variables": ["number", "first name"],
            "read_via_text": "Dear @@name",
            "calls_per_minute": "many",
            "concurrency": 0,
            "call_length": "long",
            "suppress": [{"path": "x"}, {"name": "a", "path": "x", "days": 3}, {"name": "b", "reports": "x"},
                         {"name": "c", "sql": "x"}, {"name": "d", "path": "x", "as_of": "then", "max_age_days": -1,
                         "allow_unreadable": "on"}, {"name": "e", "reports": "x", "days": 1, "hash_key_conn_id": "a",
                         "hash_key_variable": "b", "may_be_missing": ""}],
        },
        ["output_path", "default_country", "max_rejected", "call_retries.number_of_retries", "calls_per_minute",
         "concurrency", "call_length", "max_windows", "variables", "variables", "read_via_text", "window",
         "suppress.1", "suppress.a.days", "suppress.b.days", "suppress.c.sql_conn_id", "suppress.d.as_of",
         "suppress.d.max_age_days", "suppress.d.allow_unreadable", "suppress.e.may_be_missing"],
    ),
    "no connection of the key": (
        {"suppress": [{"name": "lately", "reports": "x", "days": 7, "hash_key_conn_id": "not_there"}]},
        ["suppress.lately.hash_key_conn_id"],
    ),
    "two keys": (
        {"suppress": [{"name": "e", "reports": "x", "days": 1, "hash_key_conn_id": "a", "hash_key_variable": "b"}]},
        ["suppress.e.hash_key_conn_id"],
    ),
    "one name twice": ({"suppress": [{"name": "a", "path": "x"}, {"name": "a", "path": "y"}]}, ["suppress.a"]),
    "a template of nobody to suppress": ({"suppress": "{{ none }}"}, ["suppress"]),
    "an empty text of nobody to suppress": ({"suppress": " "}, ["suppress"]),
    "an old registry": (
        {"suppress": [{"name": "dnd", "path": "x", "as_of": "2026-01-01", "max_age_days": 7}]}, ["suppress.dnd"],
    ),
    "no registry": ({"suppress": [{"name": "dnd", "path": "file:///nowhere/dnd.csv"}]}, ["suppress.dnd.path"]),
    "no reports": (
        {"suppress": [{"name": "lately", "reports": "file:///nowhere", "days": 7},
                      {"name": "ever", "reports": "gs://bucket/reports", "days": 7}]},
        ["suppress.lately", "suppress.ever.reports"],
    ),
    "no key": (
        {"suppress": [{"name": "lately", "reports": "x", "days": 7, "hash_key_variable": "not_there"}]},
        ["suppress.lately.hash_key_variable"],
    ),
    "a short key": (
        {"suppress": [{"name": "lately", "reports": "x", "days": 7, "hash_key_variable": "short_key"}]},
        ["suppress.lately.hash_key_variable"],
    ),
}  # fmt: skip
if (3, 0) <= AIRFLOW < (3, 1):
    del WRONG["no key"]  # outside of a task, looking up a Variable fails if the environment does not have it


@pytest.mark.parametrize(("wrong", "fields"), WRONG.values(), ids=WRONG)
def test_all_problems_are_named_at_once(
    exotel: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], fields: list[str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_UNPROVIDED", '{"conn_type": "unprovided_database"}')
    monkeypatch.setenv("AIRFLOW_VAR_SHORT_KEY", "x" * 15)
    people = table(tmp_path / "people.csv", indians(3))
    task = plan(tmp_path / "plan", **{"path": people} | wrong)
    task.suppress = None if task.suppress is None else task.render_template(task.suppress, {})

    with pytest.raises(AirflowFailException) as failed:
        executed(task)

    assert sorted(re.findall(r"^- ([\w.]+): ", str(failed.value), re.MULTILINE)) == sorted(fields)
    assert exotel.requests == []


def test_the_package_that_is_missing_is_named(
    exotel: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_UNPROVIDED", '{"conn_type": "unprovided_database"}')

    for given, package in [
        ({"sql": "select 1", "sql_conn_id": "unprovided"}, "apache-airflow-providers-unprovided-database"),
        ({"path": "gs://bucket/people.csv"}, r"install airflow-provider-exotel\[gcs\]"),
    ]:
        with pytest.raises(AirflowFailException, match=package):
            executed(plan(tmp_path / "plan", **given))


def test_numbers_in_the_dag_are_refused_when_it_is_parsed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="records: must be a function"):
        plan(tmp_path, records=indians(3))


CANARY = "98765431"


def test_numbers_of_a_plan_are_only_in_its_files(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, log: Any
) -> None:
    canaries = [f"+91{CANARY}{one:02}" for one in range(12)]
    others = [f"+9198766{one:05}" for one in range(5_100)]
    people = table(tmp_path / "people.csv", [*canaries, *others, canaries[0], f"{CANARY}00x", f"+97150{CANARY}"])
    suppress = [{"name": "opt-outs", "path": table(tmp_path / "out.csv", canaries[:1])}]

    ran = run_dag(lambda: add_all_tasks(tmp_path / "plan", path=people, suppress=suppress))

    files = {path for path in (tmp_path / "plan").rglob("*") if path.is_file() and CANARY in path.read_text()}
    assert ran.state == "success"
    assert len(called_by(exotel)) == 5_111
    assert {path.name if path.parent.name != "chunks" else "chunk" for path in files} == {"chunk", "quarantine.csv"}
    written, stored = log.text, database()
    assert people in stored  # rendered fields were stored
    assert [
        line[:300] for place in (written, log_files(), stored) for line in place.splitlines() if CANARY in line
    ] == []


class Instance(SimpleNamespace):
    """A minimal task instance, without the rest of Airflow."""

    def __init__(self, run_id: str = "run", **other: Any) -> None:
        given = {"dag_id": "reminders", "run_id": run_id, "task_id": "plan", "map_index": -1, "try_number": 1}
        super().__init__(**given | other, pushed={})

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def executed(
    task: Any, run_id: str = "run", instance: Instance | None = None, logical_date: datetime | None = None
) -> Any:
    now = datetime.now(UTC)
    context = {
        "ti": instance or Instance(run_id),
        "dag_run": SimpleNamespace(run_after=now, start_date=now),
        "logical_date": logical_date,
    }
    return task.execute(context)


def test_a_run_is_planned_once_however_its_audience_changes(exotel: Emulator, tmp_path: Path) -> None:
    path = table(tmp_path / "people.csv", indians(9))
    first = executed(plan(tmp_path / "plan", path=path))
    table(tmp_path / "people.csv", indians(5))

    again = executed(plan(tmp_path / "plan", path=path))

    assert again == first
    assert people_of(tmp_path / "plan") == indians(9)


def test_a_planned_run_refuses_other_settings(exotel: Emulator, tmp_path: Path) -> None:
    path = table(tmp_path / "people.csv", indians(9))
    executed(plan(tmp_path / "plan", path=path))

    with pytest.raises(Exception, match="of this run with other settings, and its campaigns may exist"):
        executed(plan(tmp_path / "plan", path=path, window=INDIA | {"end": "17:00"}))


def test_a_run_does_not_reuse_the_plan_of_another_run(exotel: Emulator, tmp_path: Path) -> None:
    path = table(tmp_path / "people.csv", indians(9))
    executed(plan(tmp_path / "plan", path=path))

    with pytest.raises(Exception, match=r"output_path: must be .*; it has the plan of another run"):
        executed(plan(tmp_path / "plan", path=path), run_id="another")


def test_another_run_of_the_day_does_not_call_the_same_people_again(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, log: Any
) -> None:
    people = table(tmp_path / "people.csv", indians(9))

    scheduled, by_hand = (run_dag(lambda run=run: add_all_tasks(tmp_path / run, path=people)) for run in ("one", "two"))

    assert (scheduled.state, by_hand.task_state("create")) == ("success", "failed")
    assert len(exotel.campaigns) == 1
    assert "on_same_audience" in log.text


def sent(exotel: Emulator) -> list[str]:
    """Return the requests that create something; a plan only reads the account's campaigns."""
    return [one.path for one in exotel.requests if one.method != "GET"]


def uploads(tmp_path: Path, count: int = 5_001) -> dict[str, Any]:
    """Return the arguments of a campaign whose list must be uploaded."""
    [campaign] = executed(plan(tmp_path / "plan", path=table(tmp_path / "people.csv", indians(count))))
    return dict(campaign)


def test_an_import_is_waited_for_without_a_worker(exotel: Emulator, tmp_path: Path) -> None:
    from airflow.providers.common.compat.sdk import TaskDeferred

    exotel.settings.import_seconds = 3_600
    campaign = uploads(tmp_path)
    task = UploadAudienceOperator(task_id="upload", campaign=campaign, deferrable=True)

    with pytest.raises(TaskDeferred) as deferred:
        executed(task)
    exotel.clock.advance(7_200)
    done = task.resume_upload({"ti": Instance()}, None, **json.loads(json.dumps(deferred.value.kwargs)))

    [made] = exotel.lists
    assert done == {**campaign, "lists": [made.sid]}
    assert len([one for one in exotel.requests if one.path.endswith("csv-upload")]) == 1
    assert deferred.value.trigger.moment - datetime.now(UTC) > timedelta(seconds=10)


def test_the_next_run_reuses_an_existing_list(exotel: Emulator, tmp_path: Path) -> None:
    campaign = uploads(tmp_path)

    first, second = (executed(UploadAudienceOperator(task_id="upload", campaign=campaign)) for _ in range(2))

    [file], [made] = (tmp_path / "plan" / "chunks").iterdir(), exotel.lists
    assert first == second
    assert made.name == f"af-{file.stem}"
    assert len([one for one in exotel.requests if one.path.endswith("csv-upload")]) == 1


def test_no_campaign_is_created_if_a_list_lacks_people(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, log: Any
) -> None:
    exotel.settings.import_failed_rows = 3

    ran = run_dag(lambda: add_all_tasks(tmp_path / "plan", path=table(tmp_path / "people.csv", indians(5_001))))

    assert (ran.task_state("upload"), exotel.campaigns) == ("failed", [])
    assert " is not called" in log.text


def test_a_file_that_was_changed_after_planning_is_not_sent(exotel: Emulator, tmp_path: Path) -> None:
    campaign = uploads(tmp_path)
    [file] = (tmp_path / "plan" / "chunks").iterdir()
    file.write_text(file.read_text() + "+919876599999\n")

    with pytest.raises(Exception, match="is missing or was changed"):
        executed(UploadAudienceOperator(task_id="upload", campaign=campaign))

    assert sent(exotel) == []


def test_a_staging_account_uploads_nobody(exotel: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = uploads(tmp_path)
    connect(monkeypatch, exotel, max_contacts=10)

    with pytest.raises(Exception, match="max_contacts cannot be checked against a list"):
        executed(UploadAudienceOperator(task_id="upload", campaign=campaign))

    assert sent(exotel) == []


def test_a_plan_with_lists_needs_its_upload(
    run_dag: Callable[..., Any], exotel: Emulator, tmp_path: Path, log: Any
) -> None:
    people = table(tmp_path / "people.csv", indians(5_001))

    def without_upload() -> None:
        planned = plan(tmp_path / "plan", path=people)
        CreateCampaignOperator.partial(task_id="create", read_via_text="Hello", on_missed_window="next").expand_kwargs(
            planned.output
        )

    ran = run_dag(without_upload)

    assert (ran.state, exotel.campaigns) == ("failed", [])
    assert "lists: must be SIDs of lists, not files; upload the files with UploadAudienceOperator" in log.text


@pytest.mark.parametrize("operator", [PlanAudienceOperator, UploadAudienceOperator])
def test_the_page_of_the_docs_names_every_parameter(operator: Any) -> None:
    section = (ROOT / "docs" / "audience.md").read_text().split(f"## {operator.__name__}")[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE))

    assert documented == set(inspect.signature(operator.__init__).parameters) - {"self", "kwargs"}


@pytest.fixture
def warehouse_of_the_example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The people of the example's query, in three countries: too many for one campaign without lists."""
    people = [*indians(5_050), *(f"+97150{one:07}" for one in range(20)), *(f"+659{one:07}" for one in range(20))]
    with closing(sqlite3.connect(tmp_path / "warehouse.sqlite")) as made, made:
        made.execute("create table people (number text, due_on text)")
        made.executemany("insert into people values (?, '2026-03-01')", [(number,) for number in people])
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse(tmp_path))
    monkeypatch.setenv("EXOTEL_WAREHOUSE", "warehouse")
    monkeypatch.setenv("EXOTEL_PLANS", (tmp_path / "plans").as_uri())
    monkeypatch.setenv("EXOTEL_REPORTS", (tmp_path / "reports").as_uri())
    monkeypatch.setenv("AIRFLOW_VAR_EXOTEL_REPORT_KEY", "a key of many characters")
    return people


def test_the_example_goes_from_a_warehouse_to_the_end_of_its_campaigns(
    make_known: Callable[[Any], None], days: Emulator, warehouse_of_the_example: list[str], tmp_path: Path
) -> None:
    dag = runpy.run_path(str(ROOT / "example_dags" / "exotel_audience.py"))["dag"]
    make_known(dag)

    # Approve the plan.
    dag_run = dag.test(mark_success_pattern="approve")

    assert str(dag_run.state) == "success"
    assert called_by(days) == sorted(warehouse_of_the_example)
    assert {one.status for one in days.campaigns} == {"completed"}
    [page] = (tmp_path / "reports").glob("*/report.html")
    assert "5,090" in page.read_text()


@pytest.mark.skipif(AIRFLOW < (3, 1), reason="Airflow asks nobody before 3.1")
def test_the_example_asks_for_approval_of_exactly_this_plan(exotel: Emulator, tmp_path: Path) -> None:
    from jinja2 import Environment

    dag = runpy.run_path(str(ROOT / "example_dags" / "exotel_audience.py"))["dag"]
    executed(plan(tmp_path / "plan", path=table(tmp_path / "people.csv", indians(3))))
    told = json.loads((tmp_path / "plan" / "plan.json").read_text())["plan"] | {"url": None}
    xcoms = SimpleNamespace(xcom_pull=lambda task_ids, key: {("plan", "plan"): told}[task_ids, key])

    asked = dag.task_dict["approve"]
    subject, body = (Environment().from_string(text).render(ti=xcoms) for text in (asked.subject, asked.body))

    assert subject == f"Call 3 people by plan {told['id']}?"
    assert body.startswith(told["markdown"].strip())
    assert body.endswith((tmp_path / "plan" / "plan.html").as_uri())
    assert dag.task_dict["upload"].upstream_task_ids == {"plan", "approve"}
    assert dag.task_dict["call"].upstream_task_ids == {"upload"}


def test_the_example_asks_for_no_approval_of_an_empty_plan(
    make_known: Callable[[Any], None], exotel: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Any
) -> None:
    monkeypatch.setenv("EXOTEL_AUDIENCE", table(tmp_path / "people.csv", ["+447911123456"]))
    monkeypatch.setenv("EXOTEL_PLANS", (tmp_path / "plans").as_uri())
    monkeypatch.setenv("EXOTEL_REPORTS", (tmp_path / "reports").as_uri())
    monkeypatch.setenv("AIRFLOW_VAR_EXOTEL_REPORT_KEY", "a key of many characters")
    dag = runpy.run_path(str(ROOT / "example_dags" / "exotel_audience.py"))["dag"]
    dag.task_dict["plan"].max_rejected = 1
    make_known(dag)

    dag_run = dag.test()

    states = {one.task_id: str(one.state) for one in dag_run.get_task_instances()}
    assert (str(dag_run.state), exotel.requests) == ("success", [])
    assert states.pop("plan") == states.pop("anybody") == "success"
    assert set(states.values()) == {"skipped"}
    assert re.search(r"calls nobody: 1 row, 1 rejected \(.*\)\.", log.text)


def test_a_plan_is_logged_in_words_first_and_has_a_button(exotel: Emulator, tmp_path: Path, log: Any) -> None:
    people, address = table(tmp_path / "p.csv", indians(9)), "https://plans.example.com/a b/"
    task = plan(tmp_path / "plan", path=people, folder_url=address, max_windows=1)
    told = Instance()

    executed(task, instance=told)

    summary = r"Plan \w{16} calls 9 of 9 rows by 1 campaign and 0 lists\. Fits into one window, even .*"
    assert re.search(summary + re.escape("Its page: https://plans.example.com/a%20b/plan.html"), log.text)
    assert told.pushed["plan_link"] == told.pushed["plan"]["url"] == "https://plans.example.com/a%20b/plan.html"
    assert [link.key for link in task.operator_extra_links] == ["plan_link"]


def test_a_plan_without_a_web_address_has_no_button(exotel: Emulator, tmp_path: Path) -> None:
    told = Instance()

    executed(plan(tmp_path / "plan", path=table(tmp_path / "p.csv", indians(9))), instance=told)

    assert ("plan_link" in told.pushed, told.pushed["plan"]["url"]) == (False, None)


def test_a_plan_that_needs_too_many_windows_leaves_no_plan(exotel: Emulator, tmp_path: Path) -> None:
    task = plan(tmp_path / "plan", records=lambda: indians(400), calls_per_minute="2", max_windows="1", window=SHORT)

    with pytest.raises(AirflowFailException, match="max_windows: must be at least"):
        executed(task)

    assert not (tmp_path / "plan" / "plan.json").exists()


def test_a_template_that_renders_to_none_counts_as_not_given(exotel: Emulator, tmp_path: Path) -> None:
    nothing = dict.fromkeys(
        ("path", "sql", "sql_conn_id", "read_via_text", "default_country", "presets", "call_retries", "name",
         "concurrency", "max_windows", "variables", "max_rejected"), "None"
    )  # fmt: skip

    given = executed(plan(tmp_path / "plan", records=lambda: indians(3), **nothing))
    again = executed(plan(tmp_path / "again", records=lambda: indians(3), name=None))

    assert [one | {"numbers_from": ""} for one in given] == [one | {"numbers_from": ""} for one in again]


@pytest.mark.parametrize("flag", [True, "true", "Yes", 1, "1"])
def test_true_flags_have_only_few_spellings(exotel: Emulator, tmp_path: Path, flag: Any) -> None:
    optouts = table(tmp_path / "out.csv", [indians(1)[0], "not a number", "nor this"])
    suppress = [
        {"name": "opt-outs", "path": optouts, "allow_unreadable": flag},
        {"name": "lately", "reports": (tmp_path / "reports").as_uri(), "days": "7", "may_be_missing": flag},
    ]
    told = Instance()

    executed(plan(tmp_path / "plan", records=lambda: indians(3), suppress=suppress), instance=told)

    [warning] = told.pushed["plan"]["warnings"]
    assert warning.startswith("suppress.opt-outs: 2 of 3 rows could not be compared")
    assert told.pushed["plan"]["unreadable"] == {"opt-outs": 2}
    assert told.pushed["plan"]["accepted"] == 2


@pytest.mark.parametrize("flag", [False, "no", "0", "False"])
def test_false_flags_have_only_few_spellings(exotel: Emulator, tmp_path: Path, flag: Any) -> None:
    optouts = table(tmp_path / "out.csv", ["not a number"])

    with pytest.raises(AirflowFailException, match=r"suppress\.opt-outs: 1 of its 1 rows"):
        executed(plan(tmp_path / "plan", records=lambda: indians(3),
                      suppress=[{"name": "opt-outs", "path": optouts, "allow_unreadable": flag}]))  # fmt: skip


@pytest.mark.parametrize(("decides", "accepted", "rejected"), [("yes", 1, {}), (False, 0, {"ambiguous": 1})])
def test_numbers_of_two_readings_are_called_if_the_caller_decides(
    exotel: Emulator, tmp_path: Path, decides: Any, accepted: int, rejected: dict[str, int]
) -> None:
    task = plan(
        tmp_path / "plan",
        records=lambda: ["62812345678"],
        default_country="ID",
        numbers_have_country_code=decides,
        suppress=[{"name": "out", "path": table(tmp_path / "o.csv", ["62812345679"]), "numbers_have_country_code": 1}],
        window={"start": "10:00", "end": "18:00"},
        max_rejected=1,
    )
    told = Instance()

    executed(task, instance=told)

    assert (told.pushed["plan"]["accepted"], told.pushed["plan"]["rejected"]) == (accepted, rejected)


def test_empty_records_make_an_empty_plan(exotel: Emulator, tmp_path: Path) -> None:
    assert executed(plan(tmp_path / "plan", records=lambda: iter(()))) == []


def test_a_resumed_upload_needs_neither_its_plan_nor_its_files(exotel: Emulator, tmp_path: Path) -> None:
    from airflow.providers.common.compat.sdk import TaskDeferred

    exotel.settings.import_seconds = 3_600
    campaign = uploads(tmp_path)
    task = UploadAudienceOperator(task_id="upload", campaign=json.dumps(campaign), deferrable="yes")
    with pytest.raises(TaskDeferred) as deferred:
        executed(task)
    exotel.clock.advance(7_200)
    shutil.rmtree(tmp_path / "plan")

    done = task.resume_upload({"ti": Instance()}, None, of_a_later_version=1, **deferred.value.kwargs)

    assert done == {**campaign, "lists": [exotel.lists[0].sid]}


@pytest.mark.parametrize(
    ("given", "field"),
    [({"campaign": None}, "campaign"), ({"campaign": "x"}, "campaign"), ({"deferrable": "on"}, "deferrable"),
     ({"campaign": {"lists": ["s3://bucket/people.csv"]}}, "campaign.lists"),
     ({"campaign": {"lists": ["s3://bucket/people.csv", "list-1"]}}, "campaign.lists"),
     ({"campaign": {"lists": {"s3://bucket/people.csv"}}}, "campaign.lists")],
)  # fmt: skip
def test_an_upload_with_invalid_arguments_is_not_retried(
    exotel: Emulator, tmp_path: Path, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(AirflowFailException, match=f"- {field}: must "):
        executed(UploadAudienceOperator(task_id="upload", **{"campaign": uploads(tmp_path)} | given))

    assert sent(exotel) == []
