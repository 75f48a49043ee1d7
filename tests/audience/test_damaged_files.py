"""A file damaged in one place never calls anybody who is not in the original file."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from .damage import DAMAGES, check

FILES = int(os.environ.get("EXOTEL_DAMAGED_FILES", "2000"))


def test_a_damaged_file_calls_nobody_else_and_keeps_all_opt_outs(tmp_path: Path) -> None:
    told = Counter(check(seed, tmp_path) for seed in range(FILES))

    assert {name for name in DAMAGES if any(one.startswith(f"{name}: ") for one in told)} == set(DAMAGES)
    assert sum(count for one, count in told.items() if one.endswith(": the same people")) > FILES / 10
