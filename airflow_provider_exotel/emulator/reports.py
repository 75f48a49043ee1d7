"""Pages of reports in a folder, found by the campaigns that they say they are about."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

PREFIX = "/reports/"
_PAGE = "report.html"
_ABOUT = re.compile(r'<meta name="exotel-campaigns" content="([^"]*)">')


def addresses(folder: Path | None) -> dict[str, str]:
    """Return the address of the newest page about each campaign, by the campaign's id.

    :param folder: where the pages are, in it or in folders of it; ``None`` for no pages.
    """
    found: dict[str, str] = {}
    if folder is None:
        return found
    for path in sorted(folder.rglob(_PAGE), key=lambda path: path.stat().st_mtime):
        if about := _ABOUT.search(path.read_text(encoding="utf-8", errors="replace")):
            found |= dict.fromkeys(about[1].split(), PREFIX + quote(path.relative_to(folder).as_posix()))
    return found


def page(folder: Path | None, path: str) -> str | None:
    """Return one page, ``None`` if there is none; the tables beside it are nobody's to read over HTTP.

    :param folder: where the pages are.
    :param path: which one, from the folder on.
    """
    if folder is None:
        return None
    asked = (folder / path).resolve()
    if asked.name != _PAGE or not asked.is_relative_to(folder.resolve()) or not asked.is_file():
        return None
    return asked.read_text(encoding="utf-8")
