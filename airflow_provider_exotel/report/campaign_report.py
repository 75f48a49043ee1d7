"""The report of one campaign: writes its calls to tables and counts them on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.report.accounting import NEVER_TRIED, Accounting, reconcile
from airflow_provider_exotel.report.audit import OUTSIDE, TOO_OFTEN, Limits
from airflow_provider_exotel.report.call import Call, Naming
from airflow_provider_exotel.report.figures import Figures
from airflow_provider_exotel.report.ledger import Ledger
from airflow_provider_exotel.report.recordings import RecordingCounts
from airflow_provider_exotel.report.tables import Write


@dataclass(frozen=True)
class CampaignReport:
    """The report of one campaign apart from its tables; it contains no phone number.

    :param id: the campaign.
    :param name: its name.
    :param zone: the IANA zone of its local times, ``None`` for UTC.
    :param limits: the limits that its calls were audited against.
    :param accounting: its contacts by outcome.
    :param figures: the counts of its calls.
    :param recordings: the counts of its recordings, ``None`` if they are not to be saved.
    """

    id: str
    name: str
    zone: str | None
    limits: Limits
    accounting: Accounting
    figures: Figures
    recordings: RecordingCounts | None = None


def write_campaign(
    campaign: Campaign,
    ledger: Ledger,
    limits: Limits,
    tables: Mapping[str, Write],
    name: Naming,
    *,
    zone: str | None = None,
    total_calls: int | None = None,
) -> CampaignReport:
    """Write the rows of one campaign and return its report.

    :param campaign: the campaign, with its counts.
    :param ledger: its calls.
    :param limits: the limits that its calls are audited against.
    :param tables: functions that write a row, by the name of the table.
    :param name: names people, in the same way as in the ledger.
    :param zone: the IANA zone of local times, ``None`` to leave them empty.
    :param total_calls: number of calls by the service's count, ``None`` if unknown.
    """
    figures, first_calls = Figures(), 0
    local_zone = ZoneInfo(zone) if zone else None
    for call, nth in ledger.attempts():
        first_calls += call.attempt == 1
        _write_attempt(campaign.id, call, nth, limits, tables, figures, local_zone)
    finals: Counter[str] = Counter()
    for contact in ledger.contacts():
        finals[contact.status] += 1
        figures.too_often += limits.most_attempts is not None and contact.attempts > limits.most_attempts
        tables["contacts"]((campaign.id, *contact))
    accounting = reconcile(campaign, finals, figures.attempts, total_calls, first_calls)
    for contact_name in _never_tried(campaign, ledger, name, accounting.never_tried):
        tables["contacts"]((campaign.id, contact_name, NEVER_TRIED, 0, None))
    return CampaignReport(campaign.id, campaign.name, zone, limits, accounting, figures)


def _write_attempt(
    campaign_id: str,
    call: Call,
    nth: int,
    limits: Limits,
    tables: Mapping[str, Write],
    figures: Figures,
    zone: tzinfo | None,
) -> None:
    start, end = (None if at is None else datetime.fromtimestamp(at, UTC) for at in (call.start, call.end))
    local_start, local_end = (at.astimezone(zone) if at and zone else None for at in (start, end))
    start_text, end_text = (at.isoformat(timespec="seconds") if at else None for at in (local_start, local_end))
    inside = limits.allows(call.start)
    contact = call.contact or None
    attempt = call.attempt if call.attempt is not None else (nth if contact else None)
    figures.add(call, nth, local_start or start, inside=inside)
    tables["attempts"](
        (
            campaign_id,
            contact,
            attempt,
            call.call_sid,
            call.status,
            call.digit,
            call.duration,
            start,
            end,
            start_text,
            end_text,
            inside,
            call.price,
        )
    )
    too_often = contact is not None and limits.most_attempts is not None and nth > limits.most_attempts
    for finding, is_found in ((OUTSIDE, inside is False), (TOO_OFTEN, too_often)):
        if is_found:
            tables["audit"]((campaign_id, contact, attempt, finding, start, start_text))


def _never_tried(campaign: Campaign, ledger: Ledger, name: Naming, expected: int) -> list[str]:
    """Return the names of people who were never called, if the service repeats the campaign's numbers.

    The service may spell numbers differently there, so that a called person may look uncalled. Therefore the names are
    returned only if their count is the expected one.
    """
    if not expected or not campaign.numbers:
        return []
    called = {contact.contact for contact in ledger.contacts()}
    left = sorted({name(number) for number in campaign.numbers} - called)
    return left if len(left) == expected else []
