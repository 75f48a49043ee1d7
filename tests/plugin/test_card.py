"""The card of one campaign on the page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.waiting.progress import progress_of

view = pytest.importorskip("airflow_provider_exotel.plugin.view")

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def card(status: str, **counts: int) -> dict[str, Any]:
    stats = {"created": 120, "completed": 16, "failed": 104, "pending": 0, "busy": 0, "no_answer": 0} | counts
    campaign = Campaign.of({"id": "c1", "status": status, "stats": stats})
    shown = view.Shown(campaign, None, progress_of(campaign, None, NOW), may_act=True)
    found: dict[str, Any] = view.card(shown, "exotel_default", view.Airflow("http://localhost", False), (), NOW)
    return found


def test_uncalled_contacts_that_count_as_failed_are_not_called_failed() -> None:
    ended = card("Completed")

    assert [bar.label for bar in ended["bars"]] == ["reached", "failed or never called"]
    assert next(place.text for name, place in ended["facts"] if name == "Done") == "16 to 120 of 120"


def test_failed_calls_of_a_campaign_that_dials_are_called_failed() -> None:
    assert [bar.label for bar in card("InProgress", failed=4, pending=100)["bars"]] == [
        "reached",
        "failed",
        "to be called",
    ]
