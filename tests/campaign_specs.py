"""Campaigns parsed from a task's arguments, without Airflow."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_provider_exotel.client.guard import StagingGuard
from airflow_provider_exotel.create.cost import Tariff
from airflow_provider_exotel.create.spec import REQUEST_FIELDS, Account, CampaignInput, CampaignSpec
from airflow_provider_exotel.windows.anchor import Anchor

MORNING = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
_NOT_GIVEN = dict.fromkeys((*REQUEST_FIELDS, "numbers_from", "number_column", "window", "schedule", "max_lateness"))


def spec_of(
    arguments: dict[str, Any],
    *,
    now: datetime = MORNING,
    guard: StagingGuard | None = None,
    tariff: Tariff | None = None,
    **more: Any,
) -> CampaignSpec:
    """Return the campaign of a task's arguments, for a run dated now."""
    account = Account("account", guard or StagingGuard(), tariff=tariff)
    given = CampaignInput(_NOT_GIVEN | arguments, account, lambda: Anchor(now, "anchor"), Path, now=lambda: now, **more)
    return given.parse(given.parse_options())
