"""Lists and mappings that have become text on their way through a template."""

from __future__ import annotations

import ast
import json
from typing import Any


def read_literal(text: str) -> Any:
    """Return the list or mapping a text spells, or ``None`` if it spells neither.

    :param text: JSON, as params and variables hold it, or Python's own spelling, as Jinja renders a list or a dict.
    """
    if not text.lstrip().startswith(("[", "(", "{")):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None
