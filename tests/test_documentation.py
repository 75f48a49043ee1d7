"""The README and the docs agree with the code."""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import subprocess
import sys
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import pytest

import airflow_provider_exotel
from airflow_provider_exotel.client.errors import ExotelError, ExotelInputError
from airflow_provider_exotel.client.models import CampaignStatus
from airflow_provider_exotel.client.reasons import UNREACHED
from airflow_provider_exotel.client.retry import RULES
from airflow_provider_exotel.waiting.control import ALLOWED, ALREADY

from .campaign_specs import spec_of

ROOT = Path(__file__).parent.parent
INDIA = {"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"}
LATER = {"send_at": "PT1H", "end_at": "PT2H"}
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)]


def code_blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)


@pytest.mark.airflow
def test_the_docstring_of_the_operator_explains_every_parameter_once() -> None:
    from airflow_provider_exotel.operators.campaign import CreateCampaignOperator

    explained = re.findall(r"^    :param (\w+):", CreateCampaignOperator.__doc__ or "", flags=re.MULTILINE)

    assert sorted(explained) == sorted(CreateCampaignOperator.arguments)


@pytest.mark.airflow
def test_the_table_of_parameters_matches_the_docstring() -> None:
    tables = runpy.run_path(str(ROOT / "docs" / "parameter_table.py"))

    assert (ROOT / "docs" / "operator.md").read_text() == tables["page_with_table"](), (
        "run .venv/bin/python docs/parameter_table.py"
    )


def test_the_table_of_versions_matches_its_results() -> None:
    tables = runpy.run_path(str(ROOT / "docs" / "compatibility_table.py"))

    page = (ROOT / "docs" / "compatibility.md").read_text()
    assert page == tables["page_with_table"](), "run docs/compatibility_table.py"


def test_every_claimed_python_and_airflow_is_in_the_table_of_versions() -> None:
    rows = json.loads((ROOT / "docs" / "compatibility.json").read_text())["versions"]
    pythons, airflows = ({row[name] for row in rows} for name in ("python", "airflow"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    prefix = "Programming Language :: Python :: 3."

    assert {f"3.{name.removeprefix(prefix)}" for name in project["classifiers"] if name.startswith(prefix)} == pythons
    [claimed] = re.findall(r"Airflow 2\.11 and 3\.0 to (3\.\d+)", (ROOT / "README.md").read_text())
    minors = {".".join(airflow.split(".")[:2]) for airflow in airflows}
    assert {"2.11"} | {f"3.{minor}" for minor in range(int(claimed.split(".")[1]) + 1)} <= minors


def test_the_table_of_the_connection_names_every_field() -> None:
    from airflow_provider_exotel.connection_form import EXTRA_FIELDS

    rows = table_under(ROOT / "docs" / "connection.md", "Fields")

    assert set(EXTRA_FIELDS) == set(re.findall(r"`extra\.(\w+)`", " ".join(row[1] for row in rows)))


def test_the_readme_has_every_operator_and_sensor_and_is_short() -> None:
    rows = table_under(ROOT / "README.md", "Operators and sensors")

    public = {name for name in airflow_provider_exotel.__all__ if name.endswith(("Operator", "Sensor"))}
    assert {name for row in rows for name in re.findall(r"^\[`(\w+)`\]", row[0])} == public
    assert len((ROOT / "README.md").read_text().splitlines()) <= 125


def test_the_readme_claims_the_versions_of_the_metadata() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pythons = [name.rpartition(" ")[2] for name in project["classifiers"] if ":: Python :: 3." in name]

    assert f"Python {pythons[0]} to {pythons[-1]}" in (ROOT / "README.md").read_text()


def test_the_page_of_the_deployment_lists_every_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    page = (ROOT / "docs" / "deployment.md").read_text()

    assert set(re.findall(r"^\| `\[(\w+)\]`", page, flags=re.MULTILINE)) == set(extras)


def test_an_error_names_no_extra_that_does_not_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    code = "".join(file.read_text() for file in (ROOT / "airflow_provider_exotel").rglob("*.py"))

    assert set(re.findall(r"airflow-provider-exotel\[(\w+)\]", code)) <= set(extras)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_exist(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    targets += re.findall(r'(?:src|href)="(?!https?:)([^"#]+)"', page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.airflow
def test_the_dag_of_the_readme_loads() -> None:
    block = next(block for block in code_blocks(ROOT / "README.md") if "DAG(" in block)
    portable = block.replace("from airflow.sdk import DAG", "from airflow.providers.common.compat.sdk import DAG")

    namespace: dict[str, object] = {}
    exec(compile(portable, "README.md", "exec"), namespace)

    assert "CreateCampaignOperator" in namespace


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_in_python_compile(page: Path) -> None:
    for block in code_blocks(page):
        compile(block, page.name, "exec")


WRONG: dict[str, dict[str, Any]] = {
    "`numbers=[]`": {"numbers": []},
    "nobody to call": {"numbers": None},
    "the rows of a query or the text of a table as `numbers`": {"numbers": "9000012345,Asha\n9000012346,Raju"},
    "`numbers` and `lists`": {"lists": ["one"]},
    "what cannot be a number": {"numbers": ["+919876500000", "n/a"]},
    "a seventh list": {"numbers": None, "lists": list("abcdefg")},
    '`campaign_type="dynamic"` without a list': {"campaign_type": "dynamic"},
    "`throttle=30` alone": {"throttle": 30},
    '`mode="custom"` alone': {"mode": "custom"},
    "`url` and `flow_id`": {"url": "https://example.org/flow", "flow_id": 1},
    "`max_lateness=30` with `schedule`": {"max_lateness": 30, "schedule": LATER},
    '`on_missed_window="next"` with `schedule`': {"on_missed_window": "next", "schedule": LATER},
    "`window` and `schedule`": {"window": INDIA, "schedule": {"end_at": "PT2H"}},
}


def test_the_errors_on_the_page_about_bad_input_are_real() -> None:
    rows = re.findall(r"^\| (.+?) \| `(\w+: .+)` \|$", (ROOT / "docs" / "bad-input.md").read_text(), re.MULTILINE)

    assert dict(rows) == {given: error_of(fields)[given] for given, fields in WRONG.items()}


def error_of(fields: dict[str, Any]) -> dict[str, str]:
    """Return the first problem of a campaign with one mistake, under the description of the mistake."""
    now = datetime.fromisoformat("2026-03-02T12:00:00+05:30")
    given = {"numbers": ["+919876500000"], "caller_id": "0XXXXXX4890"} | fields
    with pytest.raises(ExotelInputError) as caught:
        spec_of(given, now=now)
    return {name: str(caught.value.problems[0]) for name, wrong in WRONG.items() if wrong == fields}


def table_under(page: Path, heading: str) -> list[list[str]]:
    """Return the rows of a table without its header."""
    section = page.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_the_table_of_retries_matches_the_code() -> None:
    rows = table_under(ROOT / "docs" / "one-campaign.md", "What is sent again, and what never is")

    assert rows == [[rule.description, rule.read, rule.change, rule.create] for rule in RULES]


@pytest.mark.parametrize("path", sorted((ROOT / "example_dags").glob("exotel_*.py")), ids=lambda path: path.stem)
def test_an_example_has_a_name_and_a_description_in_airflow(path: Path) -> None:
    text = path.read_text()

    assert re.search(r'dag_display_name="[^"]+"', text)
    assert re.search(r'description="[^"]+"', text)


def test_the_table_of_reasons_matches_the_code() -> None:
    rows = table_under(ROOT / "docs" / "report.md", "Why somebody was not reached")

    assert rows == [[f"`{code}`", reason.meaning, reason.remedy] for code, reason in UNREACHED.items()]


def test_each_row_of_what_happens_when_a_task_runs_again_is_a_test_of_that_name() -> None:
    rows = table_under(ROOT / "docs" / "one-campaign.md", "What happens when the task runs again")
    names = ["_".join(re.findall(r"[a-z]+", happened.lower().replace("_", " "))) for happened, _ in rows]

    tests = (ROOT / "tests" / "airflow" / "test_when_the_task_runs_again.py").read_text()

    assert re.findall(r"^def test_(\w+)", tests, re.MULTILINE) == names


def test_the_picture_of_windows_matches_the_code() -> None:
    drawn = runpy.run_path(str(ROOT / "docs" / "draw_windows.py"))

    assert (ROOT / "docs" / "windows.svg").read_text() == drawn["picture"]()


@pytest.mark.airflow
def test_the_pytest_examples_of_the_guide_to_testing_pass(tmp_path: Path) -> None:
    for block in code_blocks(ROOT / "docs" / "how-to" / "test-your-dags.md"):
        if name := re.match(r"# (\w+\.py)\n", block):
            (tmp_path / name[1]).write_text(block)
    airflow = {"AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | airflow

    for command in (["airflow", "db", "migrate"], ["pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]):
        run = subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
        )

    assert "2 passed" in run.stdout, run.stdout + run.stderr


def test_the_table_of_actions_matches_the_code() -> None:
    page = (ROOT / "docs" / "waiting.md").read_text().split("## Controlling a campaign")[1]
    _, *rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", page, re.MULTILINE)

    assert {action: statuses_in(words) for action, words, _ in rows} == ALLOWED
    assert {action: statuses_in(words) for action, _, words in rows} == ALREADY


def statuses_in(words: str) -> set[CampaignStatus]:
    """Return the statuses that a cell of a table names; "ended" means all statuses after the last call."""
    ended = {status for status in CampaignStatus if status.has_ended}
    named = [ended if word == "ended" else {CampaignStatus.of(word)} for word in words.split(", ")]
    return set().union(*named)


def test_each_row_of_the_live_service_is_a_check_of_verify() -> None:
    from airflow_provider_exotel.commands.verify.table import CHECKS, MAY_STAY_UNKNOWN

    page = ROOT / "docs" / "live-service.md"

    rows = table_under(page, "What is not known")
    assert rows == [[check.question, check.client, f"`{check.id}`"] for check in CHECKS]
    assert table_under(page, "What no check can tell") == [[f"`{name}`", why] for name, why in MAY_STAY_UNKNOWN.items()]


@pytest.mark.airflow
def test_the_table_of_metrics_matches_the_code() -> None:
    from airflow_provider_exotel.hooks.metrics import Counter

    rows = table_under(ROOT / "docs" / "metrics.md", "What is counted")
    types = {name.strip("`"): kind for name, kind, _ in rows}

    counters = {f"exotel.{name}": "counter" for name in get_args(Counter)}
    assert types == counters | {"exotel.campaigns_waited_for": "gauge"}


def test_the_page_of_errors_explains_every_class_and_says_whether_it_is_retried() -> None:
    rows = table_under(ROOT / "docs" / "errors.md", "Every class")
    public = {name: getattr(airflow_provider_exotel, name) for name in airflow_provider_exotel.__all__}
    errors = {
        name: error for name, error in public.items() if isinstance(error, type) and issubclass(error, ExotelError)
    }

    shown = {name.strip("`"): retried for name, retried, *_ in rows}

    assert shown == {name: "yes" if error.retryable else "no" for name, error in errors.items()} | {"ExotelError": ""}


def test_every_message_on_the_page_of_errors_is_real() -> None:
    rows = table_under(ROOT / "docs" / "errors.md", "Troubleshooting by message")
    said = "\n".join(
        "".join(part.value for part in ast.walk(text) if isinstance(part, ast.Constant) and isinstance(part.value, str))
        for file in (ROOT / "airflow_provider_exotel").rglob("*.py")
        for text in ast.walk(ast.parse(file.read_text()))
        if isinstance(text, (ast.Constant, ast.JoinedStr))
    )

    assert [message for message, *_ in rows if message.strip("`") not in said] == []
