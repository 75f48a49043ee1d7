"""Reads a list to its end, page by page, while campaigns are created and deleted (Exotel, bulk campaign details).

A caller that finds no campaign creates one. So :func:`iterate_entries` raises an error if it may have missed entries;
it never returns a shorter list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow_provider_exotel.client.envelope import Answer
from airflow_provider_exotel.client.errors import ExotelResponseError

OVERLAP = 10
"""Number of entries that two pages share; up to this many deletions between them lose no entry."""


def iterate_entries(
    page: Callable[[int], Answer],
    key: Callable[[Mapping[str, Any]], str | None],
    *,
    overlap: int = 0,
    may_shrink: bool = False,
) -> Iterator[Mapping[str, Any]]:
    """Iterate over the entries of a list, each once, reading a page when it is needed.

    :param page: reads the page that begins at an offset.
    :param key: returns the id of an entry, ``None`` if it has none.
    :param overlap: number of entries of a page that are read again with the next.
    :param may_shrink: whether entries may leave the list, as in a filtered list.
    :raises ExotelResponseError: if the list ends before its total, repeats its pages, or may have lost more entries
        than ``overlap`` while it was read.
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
            raise ExotelResponseError("the pages of the list repeat each other")
        else:
            stuck = True
        again, last = min(overlap, received // 2), answer.items
        offset = end - again


def iterate_pages(page: Callable[[int], Answer], offset: int = 0) -> Iterator[Answer]:
    """Iterate over the pages of a list as the service returns them, reading a page when it is needed.

    An entry may come twice; it may be missed if others are deleted at the same time.

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
