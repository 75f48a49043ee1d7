"""The variables of a dynamic campaign: every ``@@Name`` of the text needs its column."""

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
    """What is wrong with the variables of a dynamic campaign.

    :param problems: what Exotel would refuse or people would hear as gibberish.
    :param warnings: what does no harm and is hardly meant.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check_variables(read_via_text: str, names: Iterable[str]) -> VariableCheck:
    """Compare the text of a dynamic campaign with the columns of its list. Pure.

    A list has at most five columns of variables, whose names hold no spaces and are matched by ``@@Name`` exactly,
    upper and lower case included (Exotel's pages on dynamic campaigns). What the service does about a variable without
    a column is documented nowhere.

    :param read_via_text: the text to be read out.
    :param names: the names of the list's columns, without that of the numbers.
    """
    names = tuple(names)
    said = tuple(dict.fromkeys(_VARIABLE.findall(read_via_text)))
    unused = tuple(
        Problem("variables", f"{name!r} is in no @@{name} of read_via_text; leave it out, or use it")
        for name in dict.fromkeys(names)
        if name not in said and _NAME.fullmatch(name)
    )
    return VariableCheck((*_problems_of_names(names), *_problems_of_text(said, names)), unused)


def _problems_of_names(names: tuple[str, ...]) -> Iterator[Problem]:
    if len(names) > MAX_VARIABLES:
        yield Problem("variables", f"holds {len(names)} and a dynamic list takes {MAX_VARIABLES}; leave some out")
    for name, count in Counter(names).items():
        if not _NAME.fullmatch(name):
            yield Problem("variables", f"{name!r} cannot be a variable; write letters, digits and _ only")
        elif name.lower() == COLUMN:
            yield Problem("variables", f"{name!r} is the column of the phone numbers; call the variable something else")
        if count > 1:
            yield Problem("variables", f"{name!r} comes {count} times; name each column once")


def _problems_of_text(said: tuple[str, ...], names: tuple[str, ...]) -> Iterator[Problem]:
    folded = {name.lower(): name for name in names}
    for variable in said:
        if not variable:
            yield Problem("read_via_text", "holds @@ without a name; write @@ and the name of a column")
        elif variable not in names:
            near = folded.get(variable.lower())
            hint = f"upper and lower case count: write @@{near}" if near else "add the column, or take it out"
            yield Problem("read_via_text", f"says @@{variable} and no column is named so; {hint}")
