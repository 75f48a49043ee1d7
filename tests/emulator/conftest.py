from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from airflow_provider_exotel.emulator import Emulator

START = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)  # 10:00 in India


def at(minutes: float) -> str:
    """An instant in requests, counted from the start of the clock."""
    india = START.astimezone(UTC) + timedelta(minutes=minutes, hours=5.5)
    return f"{india:%Y-%m-%dT%H:%M:%S}+05:30"


def people(count: int, first: int = 0) -> list[str]:
    return [f"+9198765{index:05d}" for index in range(first, first + count)]


def order(count: int = 3, **fields: Any) -> dict[str, Any]:
    """A create request in the form of the create-campaign page."""
    given = {"from": ",".join(people(count)), "caller_id": "0XXXXXX4890", "name": "January", **fields}
    return {name: value for name, value in given.items() if value is not None}


@dataclass
class Api:
    """What a client would send, without a client."""

    emulator: Emulator
    session: requests.Session

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        address = f"{self.emulator.url}/v2/accounts/{self.emulator.account_sid}/{path}"
        return self.session.request(method, address, json=body, timeout=60, **more)

    def create(self, count: int = 3, **fields: Any) -> dict[str, Any]:
        answer = self("POST", "campaigns", order(count, **fields))
        assert answer.status_code == 200, answer.text
        return answer.json()["response"][0]["data"]

    def read(self, campaign: dict[str, Any]) -> dict[str, Any]:
        return self("GET", f"campaigns/{campaign['id']}").json()["response"][0]["data"]

    def act(self, campaign: dict[str, Any], **changes: Any) -> requests.Response:
        return self("PUT", f"campaigns/{campaign['id']}", changes)

    def names(self, **query: Any) -> list[str]:
        items = self("GET", "campaigns", params=query).json()["response"]
        return [item.get("data", item)["name"] for item in items]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(start=START, seed=1) as running:
        yield running


@pytest.fixture
def api(emulator: Emulator) -> Iterator[Api]:
    with requests.Session() as session:
        session.auth = (emulator.api_key, emulator.api_token)
        session.trust_env = False
        yield Api(emulator, session)
