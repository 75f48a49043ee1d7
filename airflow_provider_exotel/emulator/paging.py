"""Paging of lists: name filter, order, offset and limit (Exotel, bulk campaign details and bulk lists)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from airflow_provider_exotel.emulator.envelopes import Refusal
from airflow_provider_exotel.emulator.settings import Settings

MOST_PER_PAGE = 500
OLDEST_FIRST = "date_created:asc"
Item = TypeVar("Item")


class Named(Protocol):
    """An object that can be filtered by name and sorted."""

    @property
    def name(self) -> str:
        """Return its name."""
        ...

    @property
    def created_at(self) -> float:
        """Return when it was created, in seconds since 1970."""
        ...


Thing = TypeVar("Thing", bound=Named)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A page of a list (Exotel, bulk campaign details)."""

    items: tuple[Item, ...]
    total: int
    offset: int
    limit: int


def page(found: Sequence[Item], query: Mapping[str, str], most: int = MOST_PER_PAGE) -> Page[Item]:
    """Return the requested page.

    :param found: all objects.
    :param query: ``offset`` and ``limit``.
    :param most: maximum size of a page.
    :raises Refusal: 400 for a parameter that is not a whole number.
    """
    offset, limit = _whole(query, "offset", 0, 0), min(_whole(query, "limit", 20, 1), most)
    return Page(tuple(found[offset : offset + limit]), len(found), offset, limit)


def campaign_page(found: Iterable[Thing], query: Mapping[str, str], settings: Settings) -> Page[Thing]:
    """Return a page of campaigns according to the switches for lists.

    :param found: the campaigns of the whole list.
    :param query: ``offset``, ``limit``, ``sort_by``.
    :param settings: the switches.
    :raises Refusal: 400 for an invalid parameter.
    """
    sort_by = query.get("sort_by", OLDEST_FIRST)
    ordered = in_order(found, sort_by if settings.list_sort == "asked" else OLDEST_FIRST)
    shown = page(ordered, query, settings.list_page)
    if settings.list_offset != "asked":
        return page(ordered, {**query, "offset": "0"}, settings.list_page)
    return replace(shown, items=()) if shown.offset and settings.list_later_pages != "full" else shown


def in_order(found: Iterable[Thing], order: str) -> list[Thing]:
    """Return objects in the order of ``sort_by``.

    :raises Refusal: 400 for an unknown order.
    """
    keys: Mapping[str, Callable[[Thing], Any]] = {
        "date_created": lambda each: each.created_at,
        "name": lambda each: each.name,
    }
    key, _, direction = order.partition(":")
    if key not in keys or direction not in {"asc", "desc", ""}:
        raise Refusal(400, "sort_by must be date_created or name, with :asc or :desc")
    ordered = sorted(found, key=keys[key])
    # Reversed as a whole: of objects with the same time, the one created last is the newest.
    return ordered[::-1] if direction == "desc" else ordered


def named(found: Iterable[Thing], name: str, mode: str) -> list[Thing]:
    """Return the objects that match a name filter.

    :param name: the requested name.
    :param mode: the switch ``name_filter``.
    :raises Refusal: 500 if the filter is set to fail.
    """
    if mode == "failing":
        raise Refusal(500, "The name filter failed")
    matches: Mapping[str, Callable[[Thing], bool]] = {
        "exact": lambda each: each.name == name,
        "substring": lambda each: name in each.name,
        "casefold": lambda each: name.casefold() in each.name.casefold(),
        "ignored": lambda each: True,  # noqa: ARG005
    }
    return [each for each in found if matches[mode](each)]


def _whole(query: Mapping[str, str], name: str, default: int, lowest: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < lowest:
        raise Refusal(400, f"{name} must be a whole number from {lowest}")
    return min(int(text), math.trunc(1e9))
