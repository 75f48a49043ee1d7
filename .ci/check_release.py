"""Refuse a release whose tag is not the version, or whose changelog has no dated section for it.

Run as ``python .ci/check_release.py v1.2.3``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def problems_of(tag: str, version: str, changelog: str) -> list[str]:
    """Return what stands in the way of a release, one sentence each."""
    found = []
    if tag != f"v{version}":
        found.append(f"tag: must be v{version}, the version of airflow_provider_exotel/__init__.py (got {tag})")
    section = re.search(
        rf"^## {re.escape(version)} \(([^)\n]*)\)\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    if section is None:
        found.append(f"CHANGELOG.md: has no section; add `## {version} (YYYY-MM-DD)`")
        return found
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", section[1]):
        found.append(f"CHANGELOG.md: section {version} needs the date of the release (got {section[1]})")
    if not section[2].strip():
        found.append(f"CHANGELOG.md: section {version} is empty")
    return found


def main(tag: str) -> int:
    """Print the problems of a tag and return the exit code."""
    source = (ROOT / "airflow_provider_exotel" / "__init__.py").read_text(encoding="utf-8")
    [version] = re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    found = problems_of(tag, version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    print("\n".join(found) or f"{tag} can be released.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
