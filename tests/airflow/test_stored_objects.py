"""Objects that a task may return are stored without numbers and secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_exotel import CallRecord, Campaign, CampaignChanges, CampaignRequest, ExotelInputError
from airflow_provider_exotel.client.contact_list import Contact
from airflow_provider_exotel.client.guard import StagingGuard
from airflow_provider_exotel.client.models import CallPage
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.connection import ExotelSettings

try:
    from airflow.sdk.serde import serialize
except ImportError:  # before Airflow 3.2
    from airflow.serialization.serde import serialize

NUMBER = "+919876500000"
CANARY = "canary-9b2e"
FIELDS: dict[str, Any] = {
    "numbers": [NUMBER],
    "caller_id": "0XXXXXX4890",
    "name": "Due",
    "custom_field": CANARY,
    "status_callback": f"https://hooks.example.org/{CANARY}",
    "call_status_callback": f"https://hooks.example.org/?t={CANARY}",
    "call_schedule_callback": f"https://hooks.example.org/{CANARY}",
    "extra_fields": {"note": CANARY},
}
RECORD = CallRecord.of(
    {"call_sid": "s1", "number": NUMBER, "name": CANARY, "status": "busy", "recording_url": f"https://e.org/{CANARY}"}
)
SHOWN = {
    "id": "c1",
    "name": "Due",
    "status": "Created",
    "from": NUMBER,
    "custom_field": CANARY,
    "report_url": f"https://e.org/{CANARY}",
    "status_callback": CANARY,
}
OBJECTS: dict[str, tuple[Any, str]] = {
    "request": (CampaignRequest(**FIELDS), "Due"),
    "changes": (CampaignChanges(**FIELDS), "Due"),
    "campaign": (Campaign.of(SHOWN), "Due"),
    "call": (RECORD, "busy"),
    "page of calls": (CallPage((RECORD,), 1, 1), "busy"),
    "contact": (Contact.of({"sid": "k1", "number": NUMBER, "first_name": CANARY, "email": CANARY}), "k1"),
    "settings": (
        ExotelSettings(CANARY, CANARY, "account", "api.exotel.com", guard=StagingGuard(PhoneNumbers([NUMBER]))),
        "account",
    ),
    "guard": (StagingGuard(PhoneNumbers([NUMBER])), "only_numbers"),
    "numbers": (PhoneNumbers([NUMBER]), "count"),
}


@pytest.mark.parametrize(("value", "kept"), OBJECTS.values(), ids=OBJECTS)
@pytest.mark.parametrize("inside", [lambda value: value, lambda value: {"a": [value]}], ids=["alone", "nested"])
def test_an_object_is_stored_without_numbers_and_secrets(value: Any, kept: str, inside: Any) -> None:
    stored = json.dumps(serialize(inside(value)))

    assert kept in stored
    assert not any(trace in stored for trace in (CANARY, "98765"))


def test_a_stored_campaign_still_has_its_id() -> None:
    stored: Any = serialize(Campaign.of(SHOWN))

    assert Campaign.deserialize(stored["__data__"], stored["__version__"])["id"] == "c1"


def test_a_stored_request_cannot_create_a_campaign() -> None:
    with pytest.raises(ExotelInputError, match="numbers: 1 of them"):
        CampaignRequest(**CampaignRequest(**FIELDS).model_dump(mode="json", exclude={"extra_fields"}))
