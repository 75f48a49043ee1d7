"""Pages of a list, in the order asked for or in spite of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from airflow_provider_exotel.emulator.campaigns import Campaign
from airflow_provider_exotel.emulator.envelopes import Refusal
from airflow_provider_exotel.emulator.settings import Settings

MOST_PER_PAGE = 500
OLDEST_FIRST = "date_created:asc"
Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A page of a longer list (Exotel, bulk campaign details)."""

    items: tuple[Item, ...]
    total: int
    offset: int
    limit: int


def campaign_page(found: Iterable[Campaign], query: Mapping[str, str], settings: Settings) -> Page[Campaign]:
    """Return a page of campaigns as the switches of lists want it.

    :param found: the campaigns of the whole list.
    :param query: ``offset``, ``limit``, ``sort_by``.
    :param settings: the switches.
    :raises Refusal: 400 for a parameter that is wrong.
    """
    asked = query.get("sort_by", OLDEST_FIRST)
    ordered = _sorted(found, asked if settings.list_sort == "asked" else OLDEST_FIRST)
    page = page_of(ordered, query, settings.list_page)
    if settings.list_offset != "asked":
        return page_of(ordered, {**query, "offset": "0"}, settings.list_page)
    return replace(page, items=()) if page.offset and settings.list_later_pages != "full" else page


def page_of(found: list[Item], query: Mapping[str, str], most: int = MOST_PER_PAGE) -> Page[Item]:
    """Return the page that begins at ``offset`` and holds at most ``limit``.

    :param found: the whole list.
    :param query: ``offset``, ``limit``.
    :param most: how many a page holds at most.
    :raises Refusal: 400 for a parameter that is wrong.
    """
    offset, limit = _whole(query, "offset", 0, 0), min(_whole(query, "limit", 20, 1), most)
    return Page(tuple(found[offset : offset + limit]), len(found), offset, limit)


def _sorted(found: Iterable[Campaign], order: str) -> list[Campaign]:
    keys: Mapping[str, Callable[[Campaign], Any]] = {
        "date_created": lambda each: each.created_at,
        "name": lambda each: each.name,
    }
    key, _, direction = order.partition(":")
    if key not in keys or direction not in {"asc", "desc", ""}:
        raise Refusal(400, "sort_by must be date_created or name, with :asc or :desc")
    ordered = sorted(found, key=keys[key])
    # Reversed as a whole: of campaigns of one instant the one created last is the newest.
    return ordered[::-1] if direction == "desc" else ordered


def _whole(query: Mapping[str, str], name: str, default: int, lowest: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < lowest:
        raise Refusal(400, f"{name} must be a whole number from {lowest}")
    return min(int(text), math.trunc(1e9))
