"""How many examples the property tests try: few in ``make test``, many in ``make test-properties``."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

SCALE = int(os.environ.get("EXOTEL_EXAMPLES", "1"))
"""What the number of examples of each property test is multiplied by."""


def examples(count: int = 50, **options: Any) -> settings:
    """Return the settings of a property test.

    :param count: examples that ``make test`` tries.
    :param options: of Hypothesis.
    """
    return settings(max_examples=count * SCALE, **options)


def register_profile() -> None:
    """Set what holds for all property tests.

    No test is about time, least of all on machines that are shared. Where every change is tested, the examples are the
    same each time, so that a failure is the change's; elsewhere the header of the run tells the seed.
    """
    settings.register_profile(
        "project", examples(), deadline=None, derandomize=bool(os.environ.get("CI")) and SCALE == 1, print_blob=True
    )
    settings.load_profile("project")
