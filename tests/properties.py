"""The number of examples of property tests: few in ``make test``, many in ``make test-properties``."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

SCALE = int(os.environ.get("EXOTEL_EXAMPLES", "1"))
"""The factor for the number of examples of each property test."""


def examples(count: int = 50, **options: Any) -> settings:
    """Return the settings of a property test.

    :param count: examples that ``make test`` tries.
    :param options: further settings of Hypothesis.
    """
    return settings(max_examples=count * SCALE, **options)


def register_profile() -> None:
    """Register the settings of all property tests.

    No test has a deadline, since machines may be busy. In CI for a change, the examples are the same each time, so that
    a failure is caused by the change. Elsewhere the header of the run shows the seed.
    """
    settings.register_profile(
        "project", examples(), deadline=None, derandomize=bool(os.environ.get("CI")) and SCALE == 1, print_blob=True
    )
    settings.load_profile("project")
