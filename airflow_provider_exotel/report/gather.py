"""The calls of a campaign into a ledger: out of the report the service made, or page by page.

Pages cost requests, of which an account has few. So whole parts of them are put aside as they come, and a later try
reads those instead of asking again. A part ends with a line that says where to go on; one without it was cut off and
is read anew. The report is one request, and nothing is put aside of it.
"""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelError
from airflow_provider_exotel.client.models import CallPage, CallRecord, Campaign
from airflow_provider_exotel.report.call import REACHED, Call
from airflow_provider_exotel.report.ledger import Ledger
from airflow_provider_exotel.report.storage import Parts

log = logging.getLogger(__name__)

PAGES_A_PART = 30
"""About what a minute of the account's budget reads."""
_INSERTED_TOGETHER = 5_000
_SAME_TIME = 600.0  # the pages may tell when a call was made, the report when it began; zones are further apart

Keep = Callable[[CallRecord], Call]


class End(NamedTuple):
    """The last line of a part.

    :param next_offset: where the next part begins.
    :param total: how many calls the service says there are.
    """

    calls: int
    next_offset: int
    total: int | None


def gather(
    client: ExotelClient, campaign: Campaign, parts: Parts, keep: Keep, ledger: Ledger, *, by_pages: bool = False
) -> int | None:
    """Fill a ledger with the calls of a campaign that has ended.

    :param client: the client of the account.
    :param campaign: the campaign.
    :param parts: what an earlier try put aside.
    :param keep: what is kept of a record.
    :param ledger: the ledger.
    :param by_pages: never take the campaign's own report, which need not hold all that the pages do.
    :return: how many calls the service says there are, ``None`` if it does not.
    :raises ExotelError: if the calls cannot be had.
    """
    number, end = _read_aside(parts, ledger)
    if number == 0 and campaign.report_url and not by_pages:
        total = _from_report(client, campaign, keep, ledger)
        if total is not None:
            return total
    if number and end.total is not None and end.next_offset >= end.total:
        return end.total
    batch: list[Call] = []
    for pages, page in enumerate(client.call_details_pages(campaign.id, offset=end.next_offset), 1):
        batch += map(keep, page.records)
        end = End(len(batch), page.next_offset, end.total if page.total is None else page.total)
        if pages % PAGES_A_PART == 0:
            _put_aside(parts, number, batch, end, ledger)
            batch, number = [], number + 1
    if batch:
        _put_aside(parts, number, batch, end, ledger)
    return end.total


def _put_aside(parts: Parts, number: int, batch: list[Call], end: End, ledger: Ledger) -> None:
    parts.write(number, _part(batch, end))
    ledger.add(batch)


def _part(batch: Iterable[Call], end: End) -> Iterator[str]:
    yield from (f"{call.line()}\n" for call in batch)
    yield f"{json.dumps(end._asdict())}\n"


def _read_aside(parts: Parts, ledger: Ledger) -> tuple[int, End]:
    """Read the parts that are whole, up to the first that is not; return how many they are and where they end."""
    number, end = 0, End(0, 0, None)
    while (found := _whole(parts.read(number))) is not None:
        batch, end = found
        ledger.add(batch)
        number += 1
    if number:
        log.info("An earlier try put aside the first %d calls; going on from there.", end.next_offset)
    return number, end


def _whole(lines: Iterable[str]) -> tuple[list[Call], End] | None:
    batch: list[Call] = []
    for line in lines:
        try:
            if line.startswith("["):
                batch.append(Call.from_line(line))
                continue
            end = End(**json.loads(line))
        except (TypeError, ValueError):
            return None
        return (batch, end) if end.calls == len(batch) else None
    return None


def _from_report(client: ExotelClient, campaign: Campaign, keep: Keep, ledger: Ledger) -> int | None:
    """Read the report the service made, if it can be had and agrees with the campaign's counts; else nothing stays."""
    try:
        _add(ledger, map(keep, _records(client.report_lines(campaign.report_url or ""))))
        first = next(iter(client.call_details_pages(campaign.id, page_size=1)), CallPage((), 0, 0))
        wrong = _disagreement(campaign, ledger, first.total, map(keep, first.records))
    except (ExotelError, ValueError, csv.Error) as error:
        wrong = str(error) if isinstance(error, ExotelError) else "it is not a table of calls"
    if wrong is None:
        log.info("The campaign's own report is taken.")
        return len(ledger)
    log.warning("The campaign's own report is not taken, its pages are: %s.", wrong)
    ledger.clear()
    return None


def _disagreement(campaign: Campaign, ledger: Ledger, said: int | None, shown: Iterable[Call]) -> str | None:
    """Return why a report is not taken: its counts, or a call that its pages show in another way.

    How a report writes numbers and times is not documented. One that spells numbers in another way names other people
    than all other reports do, and one whose clocks are others finds calls at night that were made by day.
    """
    if said is None:
        return "the service does not say how many calls it should hold"
    if ledger.untimed:
        return f"it does not tell when {ledger.untimed} of its calls began"
    if not all(_is_same(call, ledger.call(call.call_sid)) for call in shown):
        return "it tells the first call in another way than the pages do"
    reached = sum(contact.status == REACHED for contact in ledger.contacts())
    if len(ledger) != said:
        return f"it holds {len(ledger)} calls, and the service counts {said}"
    if reached != campaign.stats.completed:
        return f"it holds {reached} people who were reached, and the campaign counts {campaign.stats.completed}"
    return None


def _is_same(call: Call, other: Call | None) -> bool:
    if other is None or (call.contact, call.status) != (other.contact, other.status):
        return False
    return call.start is None or (other.start is not None and abs(call.start - other.start) < _SAME_TIME)


def _records(lines: Iterator[str]) -> Iterator[CallRecord]:
    rows = csv.reader(lines)
    names = [name.strip().lower().replace(" ", "_").replace("-", "_") for name in next(rows, [])]
    for cells in rows:
        if not cells:
            continue
        record = CallRecord.of(dict(zip(names, cells, strict=True)))
        if not (record.call_sid and record.status and record.number):
            raise ValueError("a row without call, status or number")
        yield record


def _add(ledger: Ledger, calls: Iterable[Call]) -> None:
    batch: list[Call] = []
    for call in calls:
        batch.append(call)
        if len(batch) >= _INSERTED_TOGETHER:
            ledger.add(batch)
            batch.clear()
    ledger.add(batch)
