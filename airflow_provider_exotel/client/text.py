"""Values that a template, a form or a connection has turned into text, read back without guessing."""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Iterable
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_literal(text: str) -> Any:
    """Return the list or mapping that a text spells, or ``None`` if it spells neither.

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


def split_words(value: object) -> object:
    """Return the entries of a comma-separated text or of the text of a list; anything else unchanged."""
    if not isinstance(value, str):
        return value
    parsed = read_literal(value)
    return parsed if isinstance(parsed, list) else [word.strip() for word in value.split(",") if word.strip()]


def read_mapping(value: object) -> object:
    """Return the mapping that a text spells; anything but text unchanged.

    :raises ValueError: if the text spells no mapping; the text is not repeated.
    """
    if not isinstance(value, str):
        return value
    parsed = read_literal(value)
    if not isinstance(parsed, dict):
        raise ValueError("must be a mapping of its fields, or the text of one")
    return parsed


def fold(text: str) -> str:
    """Return ``text`` as choices are compared: lower case, dashes for underscores and spaces."""
    return text.strip().lower().replace("_", "-").replace(" ", "-")


def unknown_value(given: object, choices: Iterable[str]) -> str:
    """Return the message for a value that is none of the choices; the value itself is not repeated.

    :param given: the value; anything but text has no suggestion.
    :param choices: the values that are allowed.
    :return: such as ``unknown value; use one of 'ivr', 'greeting'; did you mean 'greeting'?``.
    """
    names = list(choices)
    return f"unknown value; use one of {', '.join(map(repr, names))}{did_you_mean(given, names)}"


def did_you_mean(given: object, names: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the name nearest to ``given``, or nothing if none is near."""
    folded = {fold(name): name for name in names}
    near = difflib.get_close_matches(fold(given), folded, n=1, cutoff=0.7) if isinstance(given, str) else []
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


def read_flag(value: object) -> bool:
    """Return a flag, written as true, false, yes, no, 1 or 0, typed or as text.

    :raises ValueError: for anything else; nothing is taken for false by default.
    """
    word = str(value).strip().lower()
    if word not in _FLAGS:
        raise ValueError("must be true or false")
    return _FLAGS[word]


def flag(value: object, name: str) -> bool:
    """Return a flag; what is not given is false.

    :param value: the flag, as :func:`read_flag` takes it, or ``None``.
    :param name: the argument.
    :raises ExotelInputError: naming it, if it is neither true nor false.
    """
    try:
        return value is not None and read_flag(value)
    except ValueError as error:
        raise ExotelInputError([Problem(name, str(error))]) from None
