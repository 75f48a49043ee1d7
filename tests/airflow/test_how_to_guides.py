"""The DAGs of the how-to guides run unchanged to their end against the local Exotel."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel.emulator import Emulator

from ..versions import AIRFLOW, DAG_TEST_CALLS_BACK

PAGES = Path(__file__).parent.parent.parent / "docs" / "how-to"


def block_with(page: str, text: str) -> str:
    """Return the first Python block of a page that contains a text."""
    blocks = re.findall(r"```python\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    return next(block for block in blocks if text in block)


@pytest.fixture
def run_guide(make_known: Callable[[Any], None], tmp_path: Path) -> Callable[..., Any]:
    """Run the DAG of a page, with the folder of the test in place of S3, and return the run."""

    def run(page: str, **options: Any) -> Any:
        code = re.sub(r"s3://aws_default@", f"{tmp_path.as_uri()}/", block_with(page, "DAG("))
        code = code.replace("from airflow.sdk import", "from airflow.providers.common.compat.sdk import")
        namespace: dict[str, Any] = {"__name__": "guide"}
        exec(compile(code, page, "exec"), namespace)
        make_known(namespace["dag"])
        date = "logical_date" if AIRFLOW >= (3, 0) else "execution_date"
        return namespace["dag"].test(**{date: datetime.now(UTC)}, **options)

    return run


def write_people(path: Path, count: int, column: str = "number") -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{column}\n" + "".join(f"+9198765{one:05}\n" for one in range(count)))


def planned(run: Any) -> dict[str, Any]:
    """Return the XCom ``plan`` of a run."""
    task = next(one for one in run.get_task_instances() if one.task_id == "plan")
    plan: dict[str, Any] = task.xcom_pull(task_ids="plan", key="plan")
    return plan


def test_from_a_database(
    run_guide: Callable[..., Any], exotel: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.now(UTC).date().isoformat()
    with closing(sqlite3.connect(tmp_path / "warehouse.sqlite")) as made, made:
        made.execute("create table reminders (phone text, due_on text)")
        made.executemany(
            "insert into reminders values (?, ?)",
            [("98765 00001", today), ("+919876500002", today), ("9876500003", "2020-01-01")],
        )
    warehouse = f'{{"conn_type": "sqlite", "host": "{tmp_path}/warehouse.sqlite"}}'
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse)

    run = run_guide("from-a-database.md")

    assert str(run.state) == "success"
    assert [exotel.campaign(one.id).counts.total for one in exotel.campaigns] == [2]


def test_from_a_file(run_guide: Callable[..., Any], exotel: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "audiences" / "reminders" / f"{datetime.now(UTC).date().isoformat()}.csv"
    file.parent.mkdir(parents=True)
    file.write_text("number\n+919876500001\n9876500002\nnot a number\n")

    run = run_guide("from-s3.md")

    assert str(run.state) == "success"
    assert [exotel.campaign(one.id).counts.total for one in exotel.campaigns] == [2]


def test_opt_outs_are_left_out(
    run_guide: Callable[..., Any], exotel: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_people(tmp_path / "audiences" / "reminders.csv", 10)
    (tmp_path / "audiences" / "opt_outs.csv").write_text("number\n98765 00001\n")
    (tmp_path / "audiences" / "dnd.csv").write_text("number\n+91-98765-00002\n")
    monkeypatch.setenv("AIRFLOW_VAR_EXOTEL_REPORT_KEY", "a key of sixteen characters or more")
    monkeypatch.setenv("AIRFLOW_VAR_DND_DOWNLOADED_ON", datetime.now(UTC).date().isoformat())

    run = run_guide("opt-outs.md")

    assert str(run.state) == "success"
    assert [exotel.campaign(one.id).counts.total for one in exotel.campaigns] == [8]


def test_the_plan_of_80_000_people_says_what_the_page_says(
    run_guide: Callable[..., Any], days: Emulator, tmp_path: Path
) -> None:
    write_people(tmp_path / "audiences" / "everybody.csv", 80_000)

    run = run_guide("sizing.md")

    [said] = re.findall(r"^```\n(Does not fit.+)\n```$", (PAGES / "sizing.md").read_text(), re.MULTILINE)
    assert said in planned(run)["markdown"]


def test_several_days(run_guide: Callable[..., Any], days: Emulator, tmp_path: Path) -> None:
    days.settings.schedule_editable_when_paused = True
    write_people(tmp_path / "audiences" / "survey.csv", 5)

    run = run_guide("several-days.md")

    assert str(run.state) == "success"
    assert [campaign.status for campaign in days.campaigns] == ["completed"]


@pytest.mark.skipif(AIRFLOW < (3, 1), reason="tasks cannot ask people")
def test_nothing_is_uploaded_before_a_person_approves(
    run_guide: Callable[..., Any], exotel: Emulator, tmp_path: Path
) -> None:
    write_people(tmp_path / "audiences" / "reminders.csv", 5)

    run = run_guide("approve.md", mark_success_pattern="approve")

    assert str(run.state) == "success"
    assert run.dag.task_dict["approve"].upstream_task_ids == {"plan"}
    assert run.dag.task_dict["upload"].upstream_task_ids == {"plan", "approve"}
    assert [exotel.campaign(one.id).counts.total for one in exotel.campaigns] == [5]


def test_the_message_about_a_report(
    run_guide: Callable[..., Any], days: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_people(tmp_path / "audiences" / "reminders.csv", 6)
    monkeypatch.setenv("AIRFLOW_VAR_EXOTEL_REPORT_KEY", "a key of sixteen characters or more")

    run = run_guide("send-the-report.md")

    task = next(one for one in run.get_task_instances() if one.task_id == "message")
    assert re.match(r"\d of 6 people were reached\. Not reached: .+report\.html$", task.xcom_pull(task_ids="message"))


@pytest.mark.skipif(not DAG_TEST_CALLS_BACK, reason="`dag.test()` of this version calls no callback")
def test_a_failed_campaign_is_told(
    run_guide: Callable[..., Any], days: Emulator, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_people(tmp_path / "audiences" / "reminders.csv", 6)
    days.settings.outcomes = {"no-answer": 1.0}

    run = run_guide("be-told.md")

    assert str(run.state) == "failed"
    assert re.search(r"watched_calls\.call failed: .*reached 0", capfd.readouterr().out)


def test_the_test_numbers_are_called_before_everybody(
    run_guide: Callable[..., Any], days: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_people(tmp_path / "audiences" / "reminders.csv", 5)
    days.settings.outcomes = {"completed": 1.0}
    monkeypatch.setenv("AIRFLOW_VAR_EXOTEL_TESTERS", "+919876500008,+919876500009")

    run = run_guide("call-me-first.md")

    assert str(run.state) == "success"
    assert [days.campaign(one.id).counts.total for one in days.campaigns] == [2, 5]


def test_people_who_were_not_reached_are_called_again(
    run_guide: Callable[..., Any], days: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_people(tmp_path / "audiences" / "reminders.csv", 20)
    monkeypatch.setenv("AIRFLOW_VAR_EXOTEL_REPORT_KEY", "a key of sixteen characters or more")
    run_guide("send-the-report.md")

    run = run_guide("call-again.md")

    assert str(run.state) == "success"
    first, again = (days.campaign(one.id).counts for one in days.campaigns)
    assert again.total == 20 - first.completed > 0


def test_everything_is_stopped_by_a_task(run_guide: Callable[..., Any], exotel: Emulator, tmp_path: Path) -> None:
    create_two(exotel)

    run = run_guide("stop-everything.md")

    assert str(run.state) == "success"
    assert [campaign.status for campaign in exotel.campaigns] == ["paused"] * 2


def test_everything_is_stopped_by_the_command(exotel: Emulator) -> None:
    create_two(exotel)
    [command] = re.findall(r"```sh\n(python -m .+)\n```", (PAGES / "stop-everything.md").read_text())

    run = subprocess.run([sys.executable, *shlex.split(command)[1:]], env=dict(os.environ), check=False)

    assert run.returncode == 0
    assert [campaign.status for campaign in exotel.campaigns] == ["paused"] * 2


def create_two(exotel: Emulator) -> None:
    from airflow_provider_exotel import CampaignRequest, ExotelClient

    client = ExotelClient(exotel.api_key, exotel.api_token, exotel.account_sid, exotel.host)
    for number in ("+919876500001", "+919876500002"):
        client.create_campaign(CampaignRequest(numbers=[number], caller_id="0XXXXXX4890", read_via_text="Hello"))
