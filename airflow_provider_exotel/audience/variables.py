"""The variables of a dynamic campaign: every ``@@Name`` in the text needs a column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from airflow_provider_exotel.client.errors import Problem
from airflow_provider_exotel.contacts.rows import COLUMN

MAX_VARIABLES = 5
_VARIABLE = re.compile(r"@@(\w*)")
_NAME = re.compile(r"[A-Za-z0-9_]+")


class VariableCheck(NamedTuple):
    """The problems of a dynamic campaign's variables.

    :param problems: errors that Exotel would refuse, or that would be read aloud wrongly.
    :param warnings: harmless but probably unintended settings.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check_variables(read_via_text: str, names: Iterable[str]) -> VariableCheck:
    """Compare the text of a dynamic campaign with the columns of its list. Pure.

    A list has at most five columns of variables. Their names have no spaces, and ``@@Name`` matches them
    case-sensitively (Exotel's pages on dynamic campaigns). The behaviour for a variable without a column is not
    documented.

    :param read_via_text: the text to read out.
    :param names: the names of the list's columns, without the number column.
    """
    names = tuple(names)
    said = tuple(dict.fromkeys(_VARIABLE.findall(read_via_text)))
    unused = tuple(
        Problem("variables", f"{name!r} is not used as @@{name} in read_via_text; leave it out, or use it")
        for name in dict.fromkeys(names)
        if name not in said and _NAME.fullmatch(name)
    )
    return VariableCheck((*_problems_of_names(names), *_problems_of_text(said, names)), unused)


def _problems_of_names(names: tuple[str, ...]) -> Iterator[Problem]:
    if len(names) > MAX_VARIABLES:
        yield Problem(
            "variables", f"must be at most {MAX_VARIABLES} for a dynamic list (got {len(names)}); leave some out"
        )
    for name, count in Counter(names).items():
        if not _NAME.fullmatch(name):
            yield Problem("variables", f"{name!r} is not a valid name; use only letters, digits and _")
        elif name.lower() == COLUMN:
            yield Problem("variables", f"{name!r} is the name of the number column; use another name")
        if count > 1:
            yield Problem("variables", f"{name!r} is listed {count} times; list each column once")


def _problems_of_text(said: tuple[str, ...], names: tuple[str, ...]) -> Iterator[Problem]:
    folded = {name.lower(): name for name in names}
    for variable in said:
        if not variable:
            yield Problem("read_via_text", "contains @@ without a name; write @@ and the name of a column")
        elif variable not in names:
            near = folded.get(variable.lower())
            hint = f"names are case-sensitive: write @@{near}" if near else "add the column, or remove the variable"
            yield Problem("read_via_text", f"contains @@{variable}, which has no column; {hint}")
