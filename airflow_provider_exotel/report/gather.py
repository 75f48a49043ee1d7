"""Reads the calls of a campaign into a ledger: from the service's own report, or page by page.

Pages cost requests, which are scarce. So the calls are stored in parts, and a later try reads those instead. The last
line of a part gives the offset of the next one; a part without it was cut off and is read again from the service. The
service's report takes a single request and is not stored.
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

PAGES_PER_PART = 30
"""About as many pages as can be requested in a minute."""
_BATCH_SIZE = 5_000
_SAME_TIME = 600.0  # one may show the creation, the other the start; time zones differ by more

Convert = Callable[[CallRecord], Call]


class PartEnd(NamedTuple):
    """The last line of a part.

    :param calls: number of calls in the part.
    :param next_offset: the offset of the next part.
    :param total: number of calls by the service's count.
    """

    calls: int
    next_offset: int
    total: int | None


def gather(
    client: ExotelClient, campaign: Campaign, parts: Parts, convert: Convert, ledger: Ledger, *, by_pages: bool = False
) -> int | None:
    """Fill a ledger with the calls of a campaign that has ended.

    :param client: the client of the account.
    :param campaign: the campaign.
    :param parts: the parts that an earlier try stored.
    :param convert: returns the call of a record.
    :param ledger: the ledger.
    :param by_pages: never use the campaign's own report, which may lack fields that the pages have.
    :return: number of calls by the service's count, ``None`` if unknown.
    :raises ExotelError: if the calls cannot be read.
    """
    number, end = _read_parts(parts, ledger)
    if number == 0 and campaign.report_url and not by_pages:
        total = _from_report(client, campaign, convert, ledger)
        if total is not None:
            return total
    if number and end.total is not None and end.next_offset >= end.total:
        return end.total
    batch: list[Call] = []
    for pages, page in enumerate(client.call_details_pages(campaign.id, offset=end.next_offset), 1):
        batch += map(convert, page.records)
        end = PartEnd(len(batch), page.next_offset, end.total if page.total is None else page.total)
        if pages % PAGES_PER_PART == 0:
            _store_part(parts, number, batch, end, ledger)
            batch, number = [], number + 1
    if batch:
        _store_part(parts, number, batch, end, ledger)
    return end.total


def _store_part(parts: Parts, number: int, batch: list[Call], end: PartEnd, ledger: Ledger) -> None:
    parts.write(number, _part(batch, end))
    ledger.add(batch)


def _part(batch: Iterable[Call], end: PartEnd) -> Iterator[str]:
    yield from (f"{call.line()}\n" for call in batch)
    yield f"{json.dumps(end._asdict())}\n"


def _read_parts(parts: Parts, ledger: Ledger) -> tuple[int, PartEnd]:
    """Read the complete parts up to the first incomplete one; return their number and the end of the last."""
    number, end = 0, PartEnd(0, 0, None)
    while (found := _parse_part(parts.read(number))) is not None:
        batch, end = found
        ledger.add(batch)
        number += 1
    if number:
        log.info("Read the first %d calls from the parts of an earlier try; continuing after them.", end.next_offset)
    return number, end


def _parse_part(lines: Iterable[str]) -> tuple[list[Call], PartEnd] | None:
    batch: list[Call] = []
    for line in lines:
        try:
            if line.startswith("["):
                batch.append(Call.from_line(line))
                continue
            end = PartEnd(**json.loads(line))
        except (TypeError, ValueError):
            return None
        return (batch, end) if end.calls == len(batch) else None
    return None


def _from_report(client: ExotelClient, campaign: Campaign, convert: Convert, ledger: Ledger) -> int | None:
    """Read the service's own report if it agrees with the campaign's counts; otherwise clear the ledger."""
    try:
        _add(ledger, map(convert, _records(client.report_lines(campaign.report_url or ""))))
        first = next(iter(client.call_details_pages(campaign.id, page_size=1)), CallPage((), 0, 0))
        wrong = _disagreement(campaign, ledger, first.total, map(convert, first.records))
    except (ExotelError, ValueError, csv.Error) as error:
        wrong = str(error) if isinstance(error, ExotelError) else "it is not a table of calls"
    if wrong is None:
        log.info("Using the campaign's own report.")
        return len(ledger)
    log.warning("Reading the pages of calls instead of the campaign's own report: %s.", wrong)
    ledger.clear()
    return None


def _disagreement(campaign: Campaign, ledger: Ledger, expected: int | None, first_calls: Iterable[Call]) -> str | None:
    """Return the reason why a report cannot be used: its counts, or a call that differs from that on the first page.

    The format of numbers and times in a report is not documented. Numbers in another spelling would give people other
    names than in all other reports, and times of another zone would move daytime calls into the night.
    """
    if expected is None:
        return "the service does not return the number of its calls"
    if ledger.untimed:
        return f"{ledger.untimed} of its calls have no start"
    if not all(_is_same(call, ledger.call(call.call_sid)) for call in first_calls):
        return "its first call differs from that on the pages"
    reached = sum(contact.status == REACHED for contact in ledger.contacts())
    if len(ledger) != expected:
        return f"it holds {len(ledger)} calls, and the service counts {expected}"
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
        if len(batch) >= _BATCH_SIZE:
            ledger.add(batch)
            batch.clear()
    ledger.add(batch)
