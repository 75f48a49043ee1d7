"""The documentation site has every page, and its generated parts are complete."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airflow_provider_exotel

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "conf.py"))


def test_the_index_lists_every_page_once(site: dict[str, Any]) -> None:
    files = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if "_build" not in path.parts}

    assert sorted(page.path for page in site["pages"]()) == sorted(files - {"index.md"})


def test_the_sections_of_the_index_are_the_four_kinds_of_documentation(site: dict[str, Any]) -> None:
    sections = list(dict.fromkeys(page.section for page in site["pages"]()))

    assert sections == ["Tutorial", "How-to guides", "Reference", "Explanation"]


def test_llms_txt_has_a_line_for_each_page(site: dict[str, Any]) -> None:
    text = site["llms_txt"]()

    assert text.startswith("# airflow-provider-exotel\n\n> Start outbound voice campaigns")
    assert [line for line in text.splitlines() if line.startswith("- [")] == [
        f"- [{page.title}](_sources/{page.path}): {page.summary}" for page in site["pages"]()
    ]


@pytest.mark.airflow
def test_the_api_reference_has_every_public_name(site: dict[str, Any]) -> None:
    made: Callable[[], str] = site["api_reference"]

    shown = [line.rpartition(".")[2] for line in made().splitlines() if line.startswith(".. auto")]

    assert sorted(shown) == sorted(airflow_provider_exotel.__all__)


def test_the_page_of_examples_lists_every_example_dag() -> None:
    page = (DOCS / "examples.md").read_text()

    names = {path.name for path in (ROOT / "example_dags").glob("exotel_*.py")}
    assert {name for name in names if f"| [{name}](../example_dags/{name}) |" in page} == names


def test_links_to_files_of_the_repository_lead_to_pages_of_the_site(site: dict[str, Any]) -> None:
    text = "[a](../../CHANGELOG.md) [b](../../example_dags/exotel_days.py)"

    assert site["on_the_site"]("how-to/stop", text) == "[a](../changelog.md) [b](../examples.md#exotel_dayspy)"
