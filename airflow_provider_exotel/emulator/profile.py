"""Read a profile of a real account, written by ``commands.verify``, as switches of the emulator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from airflow_provider_exotel.emulator.settings import CHOICES, Settings

# Names that differ, because a profile is written for users of the client.
_SWITCHES = {"request_body": "accepts", "requests_per_minute": "rate_limit"}


def read_profile(profile: str | Path | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the switches that a profile sets.

    Unknown keys, unknown answers (``null``) and values that this version does not support are ignored.

    :param profile: the path of a profile, its JSON text, or a mapping.
    :raises ValueError: if it is not a JSON object.
    :raises OSError: if it cannot be read.
    """
    if isinstance(profile, Mapping):
        given: Any = profile
    else:
        text = str(profile)
        given = json.loads(text if text.lstrip().startswith("{") else Path(text).read_bytes())
    if not isinstance(given, Mapping):
        raise ValueError("a profile is a JSON object")
    renamed = {_SWITCHES.get(name, name): value for name, value in given.items()}
    switches = {each.name for each in fields(Settings)}
    return {name: value for name, value in renamed.items() if name in switches and _is_playable(name, value)}


def _is_playable(name: str, value: Any) -> bool:
    if value is None:
        return False
    if name in CHOICES:
        return value in CHOICES[name]
    default = Settings.__dataclass_fields__[name].default
    if isinstance(default, bool):
        return isinstance(value, bool)
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
