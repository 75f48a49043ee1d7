"""Fields of the service that this version does not know: sent as they are, under names that are not taken."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.text import read_mapping

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# Names that change the meaning of a request: "action" controls a campaign, "campaigns" is the older form of body.
_RESERVED = {"action", "campaigns", "flowid"}


def read_extra_fields(value: object, known: Mapping[str, str]) -> dict[str, Any]:
    """Return extra fields as JSON.

    :param value: a mapping of names to JSON values, or its text.
    :param known: the names that are taken, each with the argument to use instead.
    :raises ValueError: if it is not a mapping.
    :raises ExotelInputError: naming every field that cannot be sent; values are not repeated.
    """
    fields = read_mapping(value)
    if not isinstance(fields, Mapping):
        raise ValueError("must be a mapping of field names to JSON values")
    taken = {_fold_name(name): argument for name, argument in known.items()}
    if found := list(_problems(fields, taken)):
        raise ExotelInputError(found)
    return {name: json.loads(json.dumps(one, allow_nan=False)) for name, one in fields.items()}


def _problems(fields: Mapping[Any, Any], taken: Mapping[str, str]) -> Iterator[Problem]:
    for name, value in fields.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            yield Problem("", "must have names of letters, digits and _")
        elif (argument := taken.get(_fold_name(name))) is not None:
            yield Problem(name, f"is a field of its own; give it as {argument}")
        elif _fold_name(name) in _RESERVED:
            yield Problem(name, "is not a field of a campaign; ControlCampaignOperator sends actions")
        elif not _is_json(value):
            yield Problem(name, "must be a JSON value")


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _fold_name(name: str) -> str:
    return name.replace("_", "").lower()
