"""Select the contacts that earlier campaigns did not reach, from the attempts tables of reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from airflow_provider_exotel.audience.called import read_columns, spellings
from airflow_provider_exotel.audience.sources import Access
from airflow_provider_exotel.audience.suppression import Suppressed, number_key
from airflow_provider_exotel.audience.suppression_sources import tables_under
from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.fields import Model, Text, Whole, choice_of
from airflow_provider_exotel.contacts.normalise import normalise
from airflow_provider_exotel.report.call import REACHED, digest_of

_COLUMNS = ("contact", "status", "call_sid")
_NAME = "reports"
Outcome = Literal["not_reached"]


@dataclass(frozen=True)
class ReportedCalls:
    """The calls of all reports by contact.

    :param attempts: number of calls to each contact, by digest or number.
    :param reached: contacts with a completed call.
    :param rows: number of calls.
    :param key: the HMAC key of the reports; ``None`` if they have plaintext numbers.
    """

    attempts: Mapping[int | str, int] = field(repr=False)
    reached: frozenset[int | str] = field(repr=False)
    rows: int
    key: bytes | None = field(default=None, repr=False)

    def calls_to(self, number: object) -> int:
        """Return the number of calls to a number, given as its :func:`number_key`."""
        return sum(self.attempts.get(name, 0) for name in self._names(number))

    def has_reached(self, number: object) -> bool:
        """Return whether a number was reached."""
        return any(name in self.reached for name in self._names(number))

    def _names(self, number: object) -> Iterator[int | str]:
        if self.key is None:
            yield number if isinstance(number, int) else str(number)
        else:
            yield from (digest_of(spelling, self.key) for spelling in spellings(number))


@dataclass(frozen=True)
class _Where(Container[int | str]):
    """The numbers for which a condition is true."""

    holds: Callable[[object], bool] = field(repr=False)

    def __contains__(self, number: object) -> bool:
        return self.holds(number)


class NotReached(Model):
    """The arguments that restrict a plan to contacts not reached before."""

    reports: Annotated[Text, BeforeValidator(str)]
    outcome: Annotated[Outcome, choice_of(Outcome), Field(description="'not_reached'")]
    max_attempts: Annotated[Whole, Field(ge=1, description="a whole number")] | None = None
    hash_key_conn_id: str | None = None
    hash_key_variable: str | None = None

    def open(self, access: Access, default_country: str | None) -> list[Suppressed]:
        """Return the contacts to leave out: those reached before, and those called ``max_attempts`` times.

        :param access: access to the reports.
        :param default_country: the country of national numbers in reports with plaintext numbers.
        :raises ExotelInputError: if there is no report, or one has calls that cannot be compared.
        """
        key = None
        if self.hash_key_conn_id or self.hash_key_variable:
            key = access.hash_key(self.hash_key_conn_id, self.hash_key_variable, _NAME)
        tables = tables_under(self.reports, access, _NAME)
        if not tables:
            raise ExotelInputError([Problem(_NAME, "must be a folder with reports, and has none; give another folder")])
        with ExitStack() as opened:

            def open_next(path: str) -> Any:
                opened.close()
                return opened.enter_context(access.path(self.reports).fs.open(path, "rb"))

            calls = read_calls(((path.rpartition(".")[2], open_next(path)) for path in tables), key, default_country)
        left_out = [Suppressed("reached before", _Where(calls.has_reached), calls.rows, 0)]
        if (most := self.max_attempts) is not None:
            often = _Where(lambda number: calls.calls_to(number) >= most)
            left_out.append(Suppressed(f"called {most} times before", often, calls.rows, 0))
        return left_out


def read_calls(
    tables: Iterable[tuple[str, Any]], key: bytes | None, default_country: str | None = None
) -> ReportedCalls:
    """Return the calls in attempts tables; a call in several tables counts once.

    :param tables: format and open binary file of each table.
    :param key: the HMAC key of the reports; ``None`` if they have plaintext numbers.
    :param default_country: the country of national numbers in reports with plaintext numbers.
    :raises ExotelInputError: if a table cannot be read, or a contact cannot be compared: that contact might be called
        again although it was reached.
    """
    attempts, reached, known = Counter[str](), set[str](), set[int]()
    rows = unnamed = 0
    for kind, file in tables:
        for contact, status, sid in read_columns(_NAME, kind, file, _COLUMNS):
            # A report of several campaigns, or the callback program, may have the same call.
            if sid and hash(sid) in known and (status != REACHED or not contact or contact in attempts):
                reached |= {contact} if contact and status == REACHED else set()
                continue
            known |= {hash(sid)} if sid else set()
            rows += 1
            unnamed += not contact
            attempts[contact] += 1
            if status == REACHED:
                reached.add(contact)
    names, unreadable = _comparable(attempts, key, default_country)
    if unnamed or unreadable:
        message = (
            f"{unnamed + unreadable:,} of the {rows:,} calls have no contact that can be compared; give the key of "
            "the reports, or no key if they have plaintext numbers"
        )
        raise ExotelInputError([Problem(_NAME, message)])
    counted = Counter[int | str]()
    for contact, calls in attempts.items():
        counted[names[contact]] += calls
    return ReportedCalls(dict(counted), frozenset(names[contact] for contact in reached), rows, key)


def _comparable(
    attempts: Mapping[str, int], key: bytes | None, default_country: str | None
) -> tuple[dict[str, int | str], int]:
    """Return the comparison key of each contact, and the number of calls to contacts that have none."""
    contacts = [contact for contact in attempts if contact]
    if key is not None:
        digests = {contact: contact for contact in contacts if len(contact) == len(digest_of("", key))}
        return dict(digests), sum(attempts[contact] for contact in contacts if contact not in digests)
    verdicts = dict(zip(contacts, normalise(contacts, default_country), strict=True))
    read = {one: number_key(number) for one, number in verdicts.items() if isinstance(number, str) and number[0] == "+"}
    return read, sum(attempts[contact] for contact in contacts if contact not in read)
