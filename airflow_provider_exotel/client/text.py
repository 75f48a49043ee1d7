"""Reads values back, without guessing, that a template, a form or a connection has turned into text."""

from __future__ import annotations

import ast
import difflib
import io
import json
import re
import tokenize
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NOTHING = {"", "none", "null", "nan", "undefined", "<na>", "nat"}
_NOT_IN_SIDS = re.compile(r"[^\w.:-]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    rf"{_DATE.pattern}[Tt ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]+)?)?(?:[Zz]|[+-][0-9]{{2}}:[0-9]{{2}})?"
)


def read_literal(text: str) -> Any:
    """Return the list or mapping that a text spells, or ``None`` if it spells neither.

    :param text: JSON, as params and variables hold it, or Python's own spelling, as Jinja renders a list or a dict.
    """
    if not text.lstrip().startswith(("[", "(", "{")):
        return None
    for parse in (json.loads, _python_literal):
        try:
            return parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None


def _python_literal(text: str) -> Any:
    value = ast.literal_eval(text)
    # Python joins adjacent texts: ['a' 'b'], as arrays are printed, would become a list of one entry.
    tokens = tokenize.generate_tokens(io.StringIO(text.strip()).readline)
    kinds = [token.type for token in tokens if token.type not in {tokenize.NL, tokenize.COMMENT}]
    if any(one == other == tokenize.STRING for one, other in pairwise(kinds)):
        raise ValueError("adjacent texts")
    return value


def split_words(value: object) -> object:
    """Return the entries of a comma-separated text or of the text of a list; anything else unchanged."""
    if not isinstance(value, str):
        return value
    parsed = read_literal(value)
    return parsed if isinstance(parsed, list) else [word.strip() for word in value.split(",") if word.strip()]


def is_nothing(text: str) -> bool:
    """Return whether a text stands for nothing, as templates write it: blank, ``None``, ``nan``, ``[]``."""
    return text.strip().lower() in _NOTHING or not any(map(str.isalnum, text))


def is_no_path(text: str) -> bool:
    """Return whether a path names nothing, as a template without a result does; it would be the worker's own folder."""
    return is_nothing(text.rpartition("://")[2])


def refuse_nothing(text: str) -> str:
    """Return the text unless it stands for nothing.

    :raises ValueError: if it does; otherwise a word such as ``nan`` would be sent or read aloud.
    """
    if is_nothing(text):
        raise ValueError("must not be blank or a word for nothing, such as 'nan' or 'null'")
    return text


def read_lists(value: object) -> list[str]:
    """Return the SIDs of contact lists, or the paths of files for them, each named once.

    :param value: a list, the text of one, or one comma-separated text.
    :raises ValueError: for anything else, and for an entry that is empty, not text, or a duplicate.
    """
    parsed = read_literal(value) if isinstance(value, str) else value
    if isinstance(value, str) and parsed is None:
        parsed = value.split(",") if value.strip() else []
    if not isinstance(parsed, Sequence) or isinstance(parsed, (str, bytes, bytearray, memoryview)):
        raise ValueError("must be a list of SIDs, or one comma-separated text")
    sids = []
    for position, entry in enumerate(parsed, 1):
        if not isinstance(entry, str):
            raise ValueError(f"must hold SIDs as text (entry {position} is of type {type(entry).__name__})")
        sid = entry.strip()
        if is_nothing(sid):
            raise ValueError(f"must hold the SID of a list in every entry (entry {position} is empty)")
        # The path of a file may hold any character.
        if "/" not in sid and _NOT_IN_SIDS.search(sid):
            raise ValueError(f"must hold one SID in every entry (entry {position} is not one)")
        sids.append(sid)
    if duplicate := next((position for position, sid in enumerate(sids, 1) if sid in sids[: position - 1]), None):
        raise ValueError(f"must name each list once (entry {duplicate} is a duplicate)")
    return sids


def read_moment(text: str) -> datetime:
    """Return an RFC 3339 time; one without a UTC offset comes back naive.

    :param text: the time and nothing else, such as ``2026-03-02T10:00:00+05:30``; seconds may be left out, and a blank
        may stand for the ``T``.
    :raises ValueError: for anything else. Python's own parser also accepts week dates, and any character as ``T``.
    """
    found = _MOMENT.fullmatch(text.strip())
    try:
        return datetime.fromisoformat(found[0].upper() if found else "")
    except ValueError:
        raise ValueError("must be an RFC 3339 time") from None


def read_date(text: str) -> date:
    """Return an RFC 3339 date, such as ``2026-03-02``.

    :raises ValueError: for anything else.
    """
    found = _DATE.fullmatch(text.strip())
    try:
        return date.fromisoformat(found[0] if found else "")
    except ValueError:
        raise ValueError("must be a date, such as 2026-03-02") from None


def read_mapping(value: object) -> object:
    """Return the mapping that a text spells; anything but text unchanged.

    :raises ValueError: if the text is not a mapping; it is not repeated.
    """
    if not isinstance(value, str):
        return value
    parsed = read_literal(value)
    if not isinstance(parsed, dict):
        raise ValueError("must be a mapping of its fields, or the text of one")
    return parsed


def fold(text: str) -> str:
    """Return ``text`` in the form used to compare choices: lower case, dashes for underscores and spaces."""
    return text.strip().lower().replace("_", "-").replace(" ", "-")


def unknown_value(given: object, choices: Iterable[str]) -> str:
    """Return the message for a value that is none of the choices; the value itself is not repeated.

    :param given: the value; a suggestion is made only for text.
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

    :raises ValueError: for anything else; there is no default.
    """
    word = str(value).strip().lower()
    if word not in _FLAGS:
        raise ValueError("must be true or false")
    return _FLAGS[word]


def read_optional_flag(value: object, name: str) -> bool:
    """Return a flag, ``False`` if it is not given.

    :param value: a value for :func:`read_flag`, or ``None``.
    :param name: the argument.
    :raises ExotelInputError: naming it, if it is neither true nor false.
    """
    try:
        return value is not None and read_flag(value)
    except ValueError as error:
        raise ExotelInputError([Problem(name, str(error))]) from None
