"""The checks of the release workflow, and the page of the package."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VERSION = "1.2.0"
CHANGELOG = "# Changelog\n\n## 1.2.0 (2026-12-01)\n\n- A change.\n\n## 1.1.0 (2026-11-01)\n\n- Another.\n"
ADDRESS = "https://example.org/team/provider"

problems_of = runpy.run_path(str(ROOT / ".ci" / "check_release.py"))["problems_of"]


def test_a_tag_of_the_version_with_a_changelog_section_is_released() -> None:
    assert problems_of("v1.2.0", VERSION, CHANGELOG) == []


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2", "v1.2.0rc1", "v1.1.0"])
def test_a_tag_that_is_not_the_version_is_refused(tag: str) -> None:
    [problem] = problems_of(tag, VERSION, CHANGELOG)

    assert problem.startswith("tag: must be v1.2.0")


@pytest.mark.parametrize(
    ("changelog", "problem"),
    [
        ("# Changelog\n", "has no section"),
        (CHANGELOG.replace("## 1.2.0", "## 1.2.00"), "has no section"),
        (CHANGELOG.replace("2026-12-01", "unreleased"), "needs the date of the release (got unreleased)"),
        (CHANGELOG.replace("- A change.\n", ""), "is empty"),
    ],
)
def test_a_version_without_a_dated_changelog_section_is_refused(changelog: str, problem: str) -> None:
    [found] = problems_of("v1.2.0", VERSION, changelog)

    assert problem in found


def hook() -> dict[str, object]:
    pytest.importorskip("hatchling")
    return runpy.run_path(str(ROOT / "hatch_build.py"))


def test_without_an_address_the_page_has_neither_links_nor_pictures_of_the_checkout() -> None:
    page = hook()["package_page"]((ROOT / "README.md").read_text(), "", VERSION)

    assert re.findall(r"\]\((?!https?:|#)[^)]*\)", page) == []
    assert "docs/pictures" not in page
    assert "docs/operator.md" in page


def test_with_an_address_links_and_pictures_lead_to_the_release() -> None:
    page = hook()["package_page"]((ROOT / "README.md").read_text(), ADDRESS, VERSION)

    assert f"![The report of a campaign]({ADDRESS}/raw/v1.2.0/docs/pictures/report-desktop.png)" in page
    assert f"]({ADDRESS}/blob/v1.2.0/docs/operator.md#parameters)" in page
    assert re.findall(r"\]\((?!https?:|#)[^)]*\)", page) == []


def test_the_addresses_of_the_project_are_those_of_the_repository_that_builds_it() -> None:
    urls = hook()["project_urls"]

    assert urls("", VERSION) == {}
    assert set(urls(ADDRESS, VERSION)) == {"Source", "Documentation", "Changelog", "Issues"}
    assert all(url.startswith(ADDRESS) for url in urls(ADDRESS, VERSION).values())


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    used = re.findall(r"uses: (\S+)", path.read_text())

    assert used
    assert [action for action in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []
