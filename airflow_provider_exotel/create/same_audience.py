"""Find active campaigns that call the same audience in an overlapping window.

Only campaigns read by the lookup before a create are checked: those of this package, back to the run's date.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.request import Schedule
from airflow_provider_exotel.create.identity import CampaignIdentity, audience_in_name, without_key
from airflow_provider_exotel.create.journal import AudienceFingerprint
from airflow_provider_exotel.create.options import OnSameAudience

log = logging.getLogger(__name__)
_LONGEST_LIFE = timedelta(days=30)
"""How long the service dials a campaign without ``end_at`` (Exotel, schedule)."""


def check_same_audience(
    seen: Iterable[Campaign],
    identity: CampaignIdentity,
    audience: AudienceFingerprint,
    schedule: Schedule | None,
    now: datetime,
    on_same_audience: OnSameAudience,
) -> None:
    """Refuse, or warn about, a campaign of the same name that calls the same people in an overlapping window.

    Under another name it is only logged: an alert to the people of this morning's survey is legitimate.

    :param seen: the account's active campaigns with a key, from the lookup.
    :param identity: the campaign to create.
    :param audience: fingerprint of its audience.
    :param schedule: its schedule; ``None`` to dial at once and without an end.
    :param now: the current time.
    :param on_same_audience: ``fail``, ``warn`` or ``allow``.
    :raises ExotelInputError: with ``fail``, naming the campaign.
    """
    if identity.exact:
        return
    name = without_key(identity.name).casefold()
    others = [
        one
        for one in seen
        if not identity.matches(one.name)
        and audience_in_name(one.name) == audience.short
        and _overlap(one, schedule, now)
    ]
    clashing = [one for one in others if without_key(one.name).casefold() == name]
    for other in others:
        if other not in clashing:
            log.info("Campaign %s calls the same people in the same hours under another name.", other.id)
    if not clashing or on_same_audience == "allow":
        return
    what = f"campaign {clashing[0].id} of the same name calls the same people in overlapping hours"
    if on_same_audience == "fail":
        field = "numbers" if audience.contacts is not None else "lists"
        fix = "stop that one first, or set on_same_audience='allow' to call them twice"
        raise ExotelInputError([Problem(field, f"{what}; {fix}")])
    log.warning("%s: set on_same_audience='fail' to refuse this.", what[:1].upper() + what[1:])


def _overlap(other: Campaign, schedule: Schedule | None, now: datetime) -> bool:
    begins = schedule.send_at if schedule is not None and schedule.send_at is not None else now
    ends = schedule.end_at if schedule is not None and schedule.end_at is not None else begins + _LONGEST_LIFE
    other_begins = other.schedule.send_at or other.date_created or now
    other_ends = other.schedule.end_at or other_begins + _LONGEST_LIFE
    return begins < other_ends and other_begins < ends
