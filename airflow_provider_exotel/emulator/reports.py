"""Pages of reports in a folder, found by the campaigns that they say they are about."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

PREFIX = "/reports/"
_PAGE = "report.html"
_UNFINISHED = "_unfinished"  # where a report is made, and where it is left by a task that was killed
_ABOUT = re.compile(r'<meta name="exotel-campaigns" content="([^"]*)">')


def addresses(folder: Path | None) -> dict[str, str]:
    """Return the address of the newest page about each campaign, by the campaign's id.

    :param folder: where the pages are, in it or in folders of it; ``None`` for no pages.
    """
    found: dict[str, str] = {}
    for _, address, campaign_ids in sorted(_pages(folder) if folder is not None else ()):
        found |= dict.fromkeys(campaign_ids, address)
    return found


def _pages(folder: Path) -> Iterator[tuple[float, str, list[str]]]:
    for where, _, files in os.walk(folder):  # which passes over folders that are gone meanwhile
        path = Path(where, _PAGE)
        place = path.relative_to(folder).as_posix()
        if path.name in files and (text := page(folder, place)) and (about := _ABOUT.search(text)):
            with suppress(FileNotFoundError):
                yield path.stat().st_mtime, PREFIX + quote(place), about[1].split()


def page(folder: Path | None, path: str) -> str | None:
    """Return one page, ``None`` if there is none; the tables beside it are nobody's to read over HTTP.

    :param folder: where the pages are.
    :param path: which one, from the folder on.
    """
    if folder is None:
        return None
    try:
        asked = (folder / path).resolve(strict=True)
        place = asked.relative_to(folder.resolve())
        is_one = place.name == _PAGE and _UNFINISHED not in place.parts
        return asked.read_text(encoding="utf-8", errors="replace") if is_one else None
    except (OSError, RuntimeError, ValueError):  # gone, no file, links in a ring, elsewhere, or no path at all
        return None
