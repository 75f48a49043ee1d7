"""Requests, answers and people that several tests use, all made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_exotel.client.client import ExotelClient

ClientFactory = Callable[..., ExotelClient]

FLOW = "http://my.exotel.com/account/exoml/start_voice/926"

# The request of the example on the create-campaign page, with all its keys.
DOCUMENTED_JSON: dict[str, Any] = {
    "from": "+919876543210,+919876543211,+919876543212",
    "caller_id": "0XXXXXX4890",
    "flow_type": "ivr",
    "url": FLOW,
    "name": "January Promo Campaign",
    "retries": {
        "number_of_retries": 2,
        "interval_mins": 15,
        "mechanism": "Linear",
        "on_status": ["busy", "no-answer"],
    },
    "schedule": {"send_at": "2024-01-15T09:00:00+05:30", "end_at": "2024-01-15T18:00:00+05:30"},
    "call_status_callback": "https://your-server.com/call-status",
    "status_callback": "https://your-server.com/campaign-status",
}

# The answer of the same example.
DOCUMENTED_DATA: dict[str, Any] = {
    "id": "camp_abc123",
    "account_sid": "your_sid",
    "name": "January Promo Campaign",
    "type": "trans",
    "caller_id": "0XXXXXX4890",
    "campaign_type": "static",
    "url": FLOW,
    "retries": DOCUMENTED_JSON["retries"],
    "schedule": DOCUMENTED_JSON["schedule"],
    "status": "Created",
    "call_duplicate_numbers": False,
    "date_created": "2024-01-14T16:30:00+05:30",
    "date_updated": "2024-01-14T16:30:00+05:30",
    "stats": {"created": 3, "completed": 0, "failed": 0, "pending": 3},
}
DOCUMENTED_ANSWER: dict[str, Any] = {
    "request_id": "req_abc123",
    "method": "POST",
    "http_code": 200,
    "response": [{"code": 200, "status": "success", "data": DOCUMENTED_DATA}],
}


def people(count: int, first: int = 0) -> list[str]:
    """Different numbers in E.164."""
    return [f"+9198765{index:05d}" for index in range(first, first + count)]


def arguments(**fields: Any) -> dict[str, Any]:
    """A small valid request; a field that is None is left out."""
    given = {"numbers": people(3), "caller_id": "0XXXXXX4890", "name": "January", **fields}
    return {name: value for name, value in given.items() if value is not None}
