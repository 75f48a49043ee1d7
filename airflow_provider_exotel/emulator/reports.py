"""Find report pages in a folder by the campaigns in their metadata."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

PREFIX = "/reports/"
_PAGE = "report.html"
_UNFINISHED = "_unfinished"  # reports in progress, or left behind by a killed task
_ABOUT = re.compile(r'<meta name="exotel-campaigns" content="([^"]*)">')


def addresses(folder: Path | None) -> dict[str, str]:
    """Return the address of the newest page of each campaign, by campaign id.

    :param folder: the folder of the pages, searched recursively; ``None`` for no pages.
    """
    found: dict[str, str] = {}
    for _, address, campaign_ids in sorted(_pages(folder) if folder is not None else ()):
        found |= dict.fromkeys(campaign_ids, address)
    return found


def _pages(folder: Path) -> Iterator[tuple[float, str, list[str]]]:
    for where, _, files in os.walk(folder):  # skips folders that were removed meanwhile
        path = Path(where, _PAGE)
        place = path.relative_to(folder).as_posix()
        if path.name in files and (text := page(folder, place)) and (about := _ABOUT.search(text)):
            with suppress(FileNotFoundError):
                yield path.stat().st_mtime, PREFIX + quote(place), about[1].split()


def page(folder: Path | None, path: str) -> str | None:
    """Return one page, or ``None`` if there is none; the tables next to it are not served.

    :param folder: the folder of the pages.
    :param path: its path relative to the folder.
    """
    if folder is None:
        return None
    try:
        target = (folder / path).resolve(strict=True)
        place = target.relative_to(folder.resolve())
        is_one = place.name == _PAGE and _UNFINISHED not in place.parts
        return target.read_text(encoding="utf-8", errors="replace") if is_one else None
    except (
        OSError,
        RuntimeError,
        ValueError,
    ):  # missing, not a file, circular links, outside the folder, or not a path
        return None
