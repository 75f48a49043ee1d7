"""Fingerprints of campaign fields, and the comparison with values reformatted by the service."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.request import CampaignChanges, CampaignRequest
from airflow_provider_exotel.create.fingerprint import CampaignFields

RETRIES = {"number_of_retries": 2, "interval_mins": 15, "on_status": ["busy"]}
FLOW = "http://my.exotel.com/account/exoml/start_voice/926"


def content(secret: str = "token", **fields: Any) -> CampaignFields:
    return CampaignFields.of(CampaignChanges(**fields), secret)


def test_audience_schedule_and_name_are_not_part_of_the_fields() -> None:
    request = CampaignRequest(
        numbers=["+919876500000"], caller_id="0XXXXXX4890", name="March", schedule={"end_at": "2026-03-02T18:00:00Z"}
    )

    assert CampaignFields.of(request, "token") == content(caller_id="0XXXXXX4890")


def test_other_spellings_have_the_same_fingerprint() -> None:
    one = content(call_retries=RETRIES, throttle=30, mode="custom")
    other = content(call_retries=str(RETRIES), throttle="30", mode="CUSTOM")

    assert one.differences(other.fingerprint()) == []


def test_added_removed_and_changed_fields_are_named() -> None:
    sent = content(read_via_text="Hello", throttle=30, mode="custom").fingerprint()

    assert content(read_via_text="Other", mode="custom", caller_id="1").differences(sent) == [
        "caller_id",
        "read_via_text",
        "throttle",
    ]


def test_neither_text_nor_fingerprint_shows_a_value() -> None:
    made = content(read_via_text="Hello", custom_field="+919876500000", status_callback="https://example.org/token")

    assert not any(trace in repr(made) + repr(made.fingerprint()) for trace in ("98765", "Hello", "example.org"))


@pytest.mark.parametrize(
    ("given", "shown", "names"),
    [
        ({"caller_id": "0XXXXXX4890"}, {"caller_id": "+91XXXXXX4890"}, []),
        ({"caller_id": "08012344890"}, {"caller_id": "+91 80123-44890"}, []),
        ({"caller_id": "0XXXXXX4890"}, {"caller_id": "0XXXXXX0001"}, ["caller_id"]),
        ({"caller_id": "0XXXXXX4890"}, {}, []),
        ({"url": FLOW}, {"url": FLOW.replace("http", "HTTPS") + "/"}, []),
        ({"url": FLOW}, {"url": FLOW + "7"}, ["url"]),
        ({"call_retries": RETRIES}, {"retries": {**RETRIES, "mechanism": "Linear"}}, []),
        ({"call_retries": RETRIES}, {"retries": {"number_of_retries": 2}}, []),
        ({"call_retries": RETRIES}, {"retries": {**RETRIES, "number_of_retries": 3}}, ["call_retries"]),
        ({"campaign_type": "static"}, {"campaign_type": "Static"}, []),
        ({"campaign_type": "dynamic"}, {"campaign_type": "static"}, ["campaign_type"]),
        ({"call_duplicate_numbers": True}, {"call_duplicate_numbers": "true"}, []),
        ({"call_duplicate_numbers": True}, {"call_duplicate_numbers": False}, ["call_duplicate_numbers"]),
        ({}, {"call_duplicate_numbers": False, "custom_field": "x"}, []),
        ({"custom_field": "march"}, {"custom_field": "april"}, ["custom_field"]),
    ],
    ids=str,
)
def test_values_reformatted_by_the_service_are_equal(
    given: dict[str, Any], shown: dict[str, Any], names: list[str]
) -> None:
    assert content(**given).differences_shown(Campaign.of({"id": "c1", **shown})) == names
