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
    """Yield a separate running emulator for each test.

    Its clock starts at the real time and is stepped by hand (``exotel_emulator.clock.advance(60)``), so that tests
    never sleep and always see the same calls. The seed is 0, and there is no rate limit. Change
    ``exotel_emulator.settings`` as needed.

    A test can set a profile: ``@pytest.mark.parametrize("exotel_emulator", [path], indirect=True)``.
    """
    with Emulator(profile=getattr(request, "param", None)) as emulator:
        yield emulator
