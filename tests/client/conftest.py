from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.emulator import Emulator

from .api_samples import ClientFactory


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(seed=1) as running:
        yield running


@pytest.fixture
def sleeps() -> list[float]:
    """The pauses that clients requested; none of them is really waited for."""
    return []


@pytest.fixture
def client_of(emulator: Emulator, sleeps: list[float]) -> Iterator[ClientFactory]:
    """Makes clients of the emulator, or of another host, that never wait."""
    with ExitStack() as stack:

        def make(**options: Any) -> ExotelClient:
            known = {
                "api_key": emulator.api_key,
                "api_token": emulator.api_token,
                "account_sid": emulator.account_sid,
                "host": emulator.host,
                "bucket": TokenBucket(1_000_000),
                "sleep": sleeps.append,
            }
            return stack.enter_context(ExotelClient(**{**known, **options}))

        yield make


@pytest.fixture
def client(client_of: ClientFactory) -> ExotelClient:
    return client_of()
