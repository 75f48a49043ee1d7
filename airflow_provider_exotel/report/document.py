"""The report of one campaign: its calls into tables, and what is counted on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.report.accounting import NEVER_TRIED, Accounting, reconcile
from airflow_provider_exotel.report.audit import OUTSIDE, TOO_OFTEN, Asked
from airflow_provider_exotel.report.call import Call, Naming
from airflow_provider_exotel.report.figures import Figures, local_time
from airflow_provider_exotel.report.ledger import Ledger
from airflow_provider_exotel.report.tables import Write


@dataclass(frozen=True)
class CampaignReport:
    """What is told of one campaign beside its tables; no number is in it.

    :param id: the campaign.
    :param name: its name.
    :param zone: the zone its times are told in, ``None`` for UTC.
    :param asked: what was asked of it.
    :param accounting: what became of everybody.
    :param figures: what was counted of its calls.
    """

    id: str
    name: str
    zone: str | None
    asked: Asked
    accounting: Accounting
    figures: Figures


def write_campaign(
    campaign: Campaign,
    ledger: Ledger,
    asked: Asked,
    tables: Mapping[str, Write],
    name: Naming,
    *,
    zone: str | None = None,
    said: int | None = None,
) -> CampaignReport:
    """Write the rows of one campaign.

    :param campaign: the campaign, with its counts.
    :param ledger: its calls.
    :param asked: what was asked of it.
    :param tables: what writes a row, by the name of the table.
    :param name: names people, as it named those in the ledger.
    :param zone: the zone its times are told in.
    :param said: how many calls the service says there are.
    """
    figures, first_calls = Figures(), 0
    for call, nth in ledger.attempts():
        first_calls += call.attempt == 1
        _write_attempt(campaign.id, call, nth, asked, tables, figures)
    finals: Counter[str] = Counter()
    for contact in ledger.contacts():
        finals[contact.status] += 1
        figures.too_often += asked.most_attempts is not None and contact.attempts > asked.most_attempts
        tables["contacts"]((campaign.id, *contact))
    accounting = reconcile(campaign, finals, figures.attempts, said, first_calls)
    for contact_name in _never_tried(campaign, ledger, name, accounting.never_tried):
        tables["contacts"]((campaign.id, contact_name, NEVER_TRIED, 0, None))
    return CampaignReport(campaign.id, campaign.name, zone, asked, accounting, figures)


def _write_attempt(
    campaign_id: str, call: Call, nth: int, asked: Asked, tables: Mapping[str, Write], figures: Figures
) -> None:
    inside, begun, ended = asked.allows(call.start), _instant(call.start), _instant(call.end)
    begun_there, ended_there = local_time(call.start, call.zone), local_time(call.end, call.zone)
    attempt = call.attempt if call.attempt is not None else (nth if call.contact else None)
    figures.add(call, nth, begun_there or begun, inside=inside)
    tables["attempts"](
        (
            campaign_id,
            call.contact or None,
            attempt,
            call.call_sid,
            call.status,
            call.digit,
            call.duration,
            begun,
            ended,
            _shown(begun_there),
            _shown(ended_there),
            inside,
            call.price,
        )
    )
    findings = {
        OUTSIDE: inside is False,
        TOO_OFTEN: bool(call.contact) and asked.most_attempts is not None and nth > asked.most_attempts,
    }
    for finding in (finding for finding, found in findings.items() if found):
        tables["audit"]((campaign_id, call.contact or None, attempt, finding, begun, _shown(begun_there)))


def _never_tried(campaign: Campaign, ledger: Ledger, name: Naming, expected: int) -> list[str]:
    """Return who was never called, where the service repeats whom the campaign was to call.

    It may spell numbers in another way there, and somebody who was called must not pass for somebody who was not: so
    nobody is named unless they are as many as the counts say.
    """
    if not expected or not campaign.numbers:
        return []
    called = {contact.contact for contact in ledger.contacts()}
    left = sorted({name(number) for number in campaign.numbers} - called)
    return left if len(left) == expected else []


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _shown(local: datetime | None) -> str | None:
    return None if local is None else local.isoformat(timespec="seconds")
