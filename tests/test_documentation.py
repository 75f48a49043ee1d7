"""The README and the docs say what is true."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def code_blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)


@pytest.mark.airflow
def test_the_parameter_table_of_the_readme_is_the_signature_of_the_operator() -> None:
    from airflow_provider_exotel.operators.campaign import CreateCampaignOperator

    table = (ROOT / "README.md").read_text().split("## Parameters")[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE))

    signature = set(inspect.signature(CreateCampaignOperator.__init__).parameters) - {"self", "kwargs"}

    assert documented == signature


def test_the_connection_table_of_the_readme_names_every_field() -> None:
    from airflow_provider_exotel.connection import EXTRA_FIELDS

    table = (ROOT / "README.md").read_text().split("## The connection")[1].split("\n## ")[0]
    rows = "".join(line for line in table.splitlines() if line.startswith("|"))

    assert set(EXTRA_FIELDS) <= set(re.findall(r"`(\w+)`", rows))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.airflow
def test_the_dag_of_the_readme_loads() -> None:
    block = next(block for block in code_blocks(ROOT / "README.md") if "DAG(" in block)
    portable = block.replace("from airflow.sdk import DAG", "from airflow.providers.common.compat.sdk import DAG")

    namespace: dict[str, object] = {}
    exec(compile(portable, "README.md", "exec"), namespace)

    assert "CreateCampaignOperator" in namespace


def test_the_pytest_example_of_the_emulator_page_passes(tmp_path: Path) -> None:
    for block in code_blocks(ROOT / "docs" / "emulator.md"):
        if name := re.match(r"# (\w+\.py)\n", block):
            (tmp_path / name[1]).write_text(block)

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )

    assert "1 passed" in run.stdout, run.stdout + run.stderr
