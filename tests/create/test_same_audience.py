"""Campaigns that call the same people twice: which ones conflict, and the result."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.request import Schedule
from airflow_provider_exotel.create.identity import CampaignIdentity, identify
from airflow_provider_exotel.create.journal import AudienceFingerprint
from airflow_provider_exotel.create.options import OnSameAudience
from airflow_provider_exotel.create.same_audience import check_same_audience

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
AUDIENCE = AudienceFingerprint.of(PhoneNumbers(["+919876500000", "+919876500001"]), None, "secret")
OTHERS = AudienceFingerprint.of(PhoneNumbers(["+919876500002"]), None, "secret")
WINDOW = Schedule(send_at=NOW + HOUR, end_at=NOW + 3 * HOUR)


def identity(run_id: str = "manual__1", name: str = "March") -> CampaignIdentity:
    return identify("emulator", None, dag_id="reminders", run_id=run_id, task_id="create", name=name)


def campaign(
    of: CampaignIdentity | None = None, audience: AudienceFingerprint = AUDIENCE, schedule: Schedule = WINDOW
) -> Campaign:
    """A campaign of another run."""
    other = of or identity("manual__2")
    return Campaign(id="7", name=other.name_for(audience.short), date_created=NOW, schedule=schedule)


def clashes(
    seen: Campaign,
    own: CampaignIdentity | None = None,
    schedule: Schedule | None = WINDOW,
    on_same_audience: OnSameAudience = "fail",
) -> bool:
    try:
        check_same_audience([seen], own or identity(), AUDIENCE, schedule, NOW, on_same_audience)
    except ExotelInputError:
        return True
    return False


def test_the_same_audience_name_and_hours_conflict() -> None:
    assert clashes(campaign())


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(campaign(audience=OTHERS), id="other people"),
        pytest.param(campaign(identity("manual__2", "April")), id="another name"),
        pytest.param(campaign(identity()), id="the campaign itself"),
        pytest.param(campaign(schedule=Schedule(send_at=NOW, end_at=NOW + HOUR)), id="it ends when this one starts"),
        pytest.param(
            campaign(schedule=Schedule(send_at=NOW + 3 * HOUR, end_at=NOW + 4 * HOUR)), id="it starts after this one"
        ),
    ],
)
def test_different_campaigns_do_not_conflict(seen: Campaign) -> None:
    assert not clashes(seen)


@pytest.mark.parametrize(
    ("schedule", "other"),
    [
        (None, Schedule(send_at=NOW + 29 * 24 * HOUR, end_at=NOW + 31 * 24 * HOUR)),
        (Schedule(send_at=NOW + 29 * 24 * HOUR, end_at=NOW + 31 * 24 * HOUR), Schedule()),
    ],
    ids=["this one", "the other"],
)
def test_a_campaign_without_an_end_dials_for_thirty_days(schedule: Schedule | None, other: Schedule) -> None:
    assert clashes(campaign(schedule=other), schedule=schedule)


def test_an_exact_name_never_conflicts() -> None:
    assert not clashes(campaign(), replace(identity(), exact=True))


@pytest.mark.parametrize(("choice", "warns"), [("warn", True), ("allow", False)])
def test_a_conflict_is_logged_or_allowed(choice: OnSameAudience, warns: bool, caplog: pytest.LogCaptureFixture) -> None:
    assert not clashes(campaign(), on_same_audience=choice)
    assert ("campaign 7 of the same name calls the same people" in caplog.text.lower()) is warns
