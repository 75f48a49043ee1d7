"""Reads a list to its end, page by page, while campaigns are created and deleted (Exotel, bulk campaign details).

A caller that finds no campaign sends another one. So a list that :func:`iterate_entries` may not have seen completely
is an error, never a shorter list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow_provider_exotel.client.envelope import Answer
from airflow_provider_exotel.client.errors import ExotelResponseError

OVERLAP = 10
"""How many entries are read twice: so many may be deleted between two pages without one being missed."""


def iterate_entries(
    page: Callable[[int], Answer],
    key: Callable[[Mapping[str, Any]], str | None],
    *,
    overlap: int = 0,
    may_shrink: bool = False,
) -> Iterator[Mapping[str, Any]]:
    """Iterate over the entries of a list, each once, reading a page when it is needed.

    :param page: reads the page that begins at an offset.
    :param key: returns what identifies an entry, ``None`` if nothing does.
    :param overlap: how many entries of a page are requested again with the next.
    :param may_shrink: whether entries normally leave the list, as they do if it is filtered.
    :raises ExotelResponseError: if the list ends before its total, does not go on, or lost more entries while it was
        read than pages overlap by.
    """
    seen: set[str] = set()
    offset, again, last, stuck = 0, 0, None, False
    while True:
        answer = page(offset)
        received, total, end = len(answer.items), answer.total, offset + len(answer.items)
        keys = [key(item.data) for item in answer.items]
        fresh = [] if answer.items == last else [one for one, name in enumerate(keys) if name not in seen]
        if not fresh and received <= again and total is not None and end < total:
            raise ExotelResponseError(f"the list ends after {end:,} of {total:,} entries")
        if again and len(fresh) == received and not may_shrink:
            raise ExotelResponseError("the list lost entries while it was read; read it again")
        seen |= {name for name in keys if name is not None}
        yield from (answer.items[one].data for one in fresh)
        if fresh:
            stuck = False
            if total is not None and end >= total:
                return
        elif received <= again:
            return
        elif stuck:
            # New entries at the top can push down a whole page once; a service that ignores the offset repeats itself
            # forever.
            raise ExotelResponseError("the list does not go on: its pages repeat each other")
        else:
            stuck = True
        again, last = min(overlap, received // 2), answer.items
        offset = end - again


def iterate_pages(page: Callable[[int], Answer], offset: int = 0) -> Iterator[Answer]:
    """Iterate over the pages of a list as the service returns them, reading a page when it is needed.

    An entry may come twice, or not at all if others are deleted at the same time.

    :param page: reads the page that begins at an offset.
    :param offset: how many entries to skip.
    """
    last = None
    while True:
        answer = page(offset)
        if answer.items == last:  # a service that ignores the offset would be read forever
            return
        received, last, total = len(answer.items), answer.items, answer.total
        offset += received
        yield answer
        # The service may return smaller pages than requested, so only a total ends the list early.
        if not received or (total is not None and offset >= total):
            return
