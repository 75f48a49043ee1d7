from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.emulator import Emulator

from .waiting_samples import MINUTE, START, between, client_of, create


@pytest.fixture(scope="module", autouse=True)
def _no_proxy_of_this_machine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            patch.delenv(name, raising=False)
            patch.delenv(name.upper(), raising=False)
        yield


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A local Exotel whose clock is stepped by hand."""
    with Emulator(start=START, seed=1) as running:
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Iterator[ExotelClient]:
    """A client that waits only on the emulator's clock."""
    with client_of(emulator) as made:
        yield made


@pytest.fixture
def campaign(client: ExotelClient, emulator: Emulator) -> str:
    """A campaign that dials."""
    created = create(client, 300, schedule=between(START + MINUTE, START + 300 * MINUTE))
    emulator.clock.advance(120)
    return created.id
