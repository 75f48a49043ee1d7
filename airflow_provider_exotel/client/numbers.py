"""A collection of phone numbers that is printed as a count."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, final

from airflow_provider_exotel.client.text import read_literal

# E.164 allows 15 digits; seven is the shortest subscriber number in use. A national trunk prefix (0XXXX...)
# stays within that.
_MAY_BE_A_NUMBER = re.compile(r"\+?[\s().\-]*(?:\d[\s().\-]*){7,15}", re.ASCII)
# Possessive, so that no state is kept for backtracking: a million numbers would take 100 MB.
_PLAIN_LINES = re.compile(r"(?:\+?+\d{7,15}+\n)*+", re.ASCII)
# An extension belongs to the number before it, also as ";ext=23" or ",,23": alone, the number calls a switchboard.
_BETWEEN = re.compile(
    r"[\n\r]|(?:;|(?<!,),(?!,)|(?<!,),,++(?!\ *[0-9]{1,6}(?![0-9])))(?!\ *(?:ext|xtn|x\b))", re.IGNORECASE
)
# Without the tab, the id of a pasted row would become the first digits of its number.
_TAB_IN_LINE = re.compile(r"[^\s,;] *\t[^\S\n\r]*[^\s,;]")
_SEPARATORS = re.compile(r"[\s().\-]")
_SHOWN_POSITIONS = 10
_NO_NUMBERS = "must be a list of numbers as text, or one string with one number per line or with commas"
_NO_LISTS = (bytes, bytearray, memoryview, dict)


@final
class PhoneNumbers:
    """An ordered collection of phone numbers that shows only its count.

    Only iterating gives the numbers. Printed, logged, formatted, raised or serialised to XCom, the collection is a
    count. It is neither a ``list`` nor a ``str``, since Airflow stores those in plaintext in rendered fields and XCom.

    :param numbers: the numbers, each as text (E.164 preferred, Exotel's create-campaign page).
    """

    __slots__ = ("_numbers",)
    __version__ = 1

    def __init__(self, numbers: Iterable[object] = ()) -> None:
        self._numbers = tuple([str(number).strip() for number in numbers])

    @classmethod
    def of(cls, value: object) -> PhoneNumbers:
        """Return the collection for any value that may hold numbers in a DAG.

        :param value: a comma- or line-separated string (the form of Exotel's ``from``), the text of a list as Jinja
            renders one, or an iterable of numbers.
        :raises TypeError: for anything else; the message does not repeat the value.
        """
        if isinstance(value, PhoneNumbers):
            return value
        if isinstance(value, str):
            return cls(_split(value))
        # Iterating over bytes gives ints, and over a data frame the names of its columns.
        if isinstance(value, Iterable) and not isinstance(value, _NO_LISTS) and not hasattr(value, "iterrows"):
            numbers = list(value)
            if all(issubclass(kind, (str, int)) and kind is not bool for kind in set(map(type, numbers))):
                return cls(numbers)
        raise TypeError(_NO_NUMBERS)

    def problems(self) -> list[str]:
        """Return the problems that keep the service from calling these numbers, as messages without any number."""
        if not self._numbers:
            return ["must not be empty; give at least one number"]
        if malformed := self.malformed():
            shown = ", ".join(map(str, malformed[:_SHOWN_POSITIONS]))
            more = f" and {len(malformed) - _SHOWN_POSITIONS:,} more" if len(malformed) > _SHOWN_POSITIONS else ""
            where = f"{len(malformed):,} of them (at position {shown}{more})"
            return [f"{where} cannot be a phone number; write E.164, such as +91 and ten digits"]
        return []

    def malformed(self) -> list[int]:
        """Return the positions (from 1) of entries that cannot be a phone number in any country."""
        if self._are_plain():
            return []
        may_be = _MAY_BE_A_NUMBER.fullmatch
        return [position for position, number in enumerate(self._numbers, 1) if not may_be(number)]

    def without(self, positions: Iterable[int]) -> PhoneNumbers:
        """Return the collection without the entries at ``positions`` (from 1)."""
        left_out = set(positions)
        if not left_out:
            return self
        return PhoneNumbers(n for position, n in enumerate(self._numbers, 1) if position not in left_out)

    def compact(self) -> PhoneNumbers:
        """Return the numbers with spaces, brackets, dots and dashes removed; nothing else is changed."""
        if self._are_plain():
            return self
        return PhoneNumbers(_SEPARATORS.sub("", number) for number in self._numbers)

    def _are_plain(self) -> bool:
        """Return whether no entry is malformed or has a separator, checked for all of them in one pass."""
        lines = "\n".join([*self._numbers, ""])
        return lines.count("\n") == len(self._numbers) and _PLAIN_LINES.fullmatch(lines) is not None

    def serialize(self) -> dict[str, Any]:
        """Return what Airflow may store: the count."""
        return {"count": len(self)}

    @staticmethod
    def deserialize(data: Any, version: int) -> str:  # noqa: ARG004
        """Return the count as text: the numbers themselves were never stored."""
        return f"<{data['count']} numbers>"

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PhoneNumbers) and self._numbers == other._numbers

    def __hash__(self) -> int:
        return hash(self._numbers)

    def __repr__(self) -> str:
        return f"<{len(self)} number{'' if len(self) == 1 else 's'}>"


def _split(text: str) -> list[object]:
    parsed = read_literal(text)
    if isinstance(parsed, (list, tuple)):
        numbers = PhoneNumbers.of(parsed)  # refuses rows of a query, whose ids would be called
        if any(not isinstance(one, str) for one in parsed) and not _is_json(text):
            # Python reads +6591234567 as the int 6591234567, and the plus is lost.
            return [number for number in _BETWEEN.split(text.strip().strip("[]()")) if number.strip()]
        return list(numbers)
    if text.lstrip().startswith(("[", "{")) or _is_table(text):
        raise TypeError(_NO_NUMBERS)
    return [number for number in _BETWEEN.split(text) if number.strip()]


def _is_table(text: str) -> bool:
    """Return whether a text has several columns: tabs, or a line with commas that does not go on in the next line."""
    if _TAB_IN_LINE.search(text):
        return True
    *lines, _ = [line.strip() for line in text.strip().split("\n")]
    return any(len(_BETWEEN.split(line)) > 1 and not line.endswith((",", ";")) for line in lines)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
