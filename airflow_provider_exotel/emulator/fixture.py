"""The pytest fixture ``exotel_emulator``.

Import it into a ``conftest.py``::

from airflow_provider_exotel.emulator.fixture import exotel_emulator  # noqa: F401
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_exotel.emulator import Emulator


@pytest.fixture
def exotel_emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Yield a running emulator of its own for each test.

    Its clock begins at the real now and is stepped by hand (``exotel_emulator.clock.advance(60)``), so that a test
    never sleeps and always sees the same calls; seed 0; no rate limit. Change ``exotel_emulator.settings`` as needed.

    It plays the profile that a test gives it: ``@pytest.mark.parametrize("exotel_emulator", [path], indirect=True)``.
    """
    with Emulator(profile=getattr(request, "param", None)) as emulator:
        yield emulator
