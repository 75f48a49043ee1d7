"""A local Exotel, its campaigns, and times; all of it made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.models import Campaign, CampaignStats, CampaignStatus
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.client.retry import RetryPolicy
from airflow_provider_exotel.emulator import Emulator

START = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)  # a Monday, 10:00 in India
MINUTE = timedelta(minutes=1)


def people(count: int) -> list[str]:
    return [f"+9198765{index:05d}" for index in range(count)]


def client_of(emulator: Emulator, **options: Any) -> ExotelClient:
    known: dict[str, Any] = {"bucket": TokenBucket(1_000_000), "sleep": emulator.clock.advance}
    known |= {"retry": RetryPolicy(tries=1)}
    return ExotelClient(emulator.api_key, emulator.api_token, emulator.account_sid, emulator.host, **(known | options))


def create(client: ExotelClient, count: int = 3, **fields: Any) -> Campaign:
    """Create a campaign that calls ``count`` people; a field given as None is left out."""
    given = {"numbers": people(count), "caller_id": "0XXXXXX4890", "name": "Survey", **fields}
    return client.create_campaign(CampaignRequest(**given))


def between(begins: datetime, ends: datetime) -> dict[str, Any]:
    return {"send_at": begins.isoformat(), "end_at": ends.isoformat()}


def shown(status: str = "in-progress", stats: dict[str, Any] | None = None, **fields: Any) -> Campaign:
    """Return a campaign as the service might show it."""
    return Campaign("c1", CampaignStatus.of(status), status_text=status, stats=CampaignStats.of(stats or {}), **fields)
