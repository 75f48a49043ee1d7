"""The grammar of a cell that contains one phone number and nothing else, checked before libphonenumber.

libphonenumber is designed for forms and finds a number in almost any text: letters become keypad digits, a mask becomes
nines. So a cell that is not written as one number is rejected here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from airflow_provider_exotel.contacts.rejection import Reason

LONGEST = 250
"""Maximum length of a cell."""
_MAX_DIGITS, _MOST_OF_A_PREFIX = 15, 4
_LEAST_OF_A_NUMBER = 7

_LABELS = "tel|telephone|phone|ph|mobile|mob|cell|cellphone|contact|whatsapp|landline|home|work|office|sms|callto"
_LABEL_IN_FRONT = re.compile(
    rf"(?:(?:{_LABELS})(?:\ ?(?:no|nr|number))?\ ?[.:-]{{0,2}}|(?:[mtphwo]|wa)\ ?[.:])\ *(?=[+(0-9])", re.IGNORECASE
)
_LABEL_BEHIND = re.compile(r"\ *\((?:m|h|w|o|r|mob|mobile|cell|home|work|office|res|whatsapp|wa)\)$", re.IGNORECASE)
_FORMULA = re.compile(r'="(.*)"', re.DOTALL)
_BODY = re.compile(r"[( ]*\+?[( ]*[0-9](?:[-./()\ ]*[0-9])*[-./()\ ]*")
# Two consecutive separators stand for hidden digits (98---00001), and so do empty brackets.
_HIDDEN = re.compile(r"[-./]\ ?[-./]|\(\ *\)")
_EXTENSION = re.compile(
    r"\+?(?:[0-9][ ().\-/]*){6,}(?:;?\ *(?:extension|extn|ext|xtn|intercom|x)\ *[.:=#-]?\ *|#\ *|,,+\ *|,\ *ext\b\W*)"
    r"[0-9]{1,7}\)?",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:(?:19|20)[0-9]{2}([-/. ])[01]?[0-9]\1[0-3]?[0-9]|[0-3]?[0-9]([-/. ])[0-3]?[0-9]\2(?:19|20)[0-9]{2})"
)
_DECIMAL = re.compile(r"[1-9][0-9]*\.[0-9]+")
_LEAST_OF_DOTTED = 4
_ADDRESS = re.compile(r"(?:(?:[1-9]?[0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])(?:\.(?!$)|$)){4}")
_GROUP = re.compile(r"[0-9]+")
_LINE_ENDS = re.compile(r"[\n\r\v\f\x1c-\x1f\x85\u2028\u2029]")

# Invisible characters. U+202E is not one of them: it reverses the text that follows, as displayed and as meant.
_INVISIBLE_RANGES = [(0x200B, 0x2010), (0x202A, 0x202E), (0x2060, 0x2065), (0x2066, 0x206A)]
_INVISIBLE = dict.fromkeys([0xAD, 0x61C, 0x180E, 0xFEFF, *(one for ends in _INVISIBLE_RANGES for one in range(*ends))])
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63, 0xFF0D], "-")
_WIDE = {0xFF0B: "+", 0xFF08: "(", 0xFF09: ")", 0xFF0E: ".", 0xFF0F: "/"}
_FOLDED = _INVISIBLE | _DASHES | _WIDE


class Spelling(NamedTuple):
    """A text with the form of one phone number.

    :param digits: its digits.
    :param is_international: whether it starts with ``+``.
    :param first_group: the digits before the first separator.
    :param stem: the digits before a short last group that may be an alternative ending, as in ``5551234/35``; empty
        for none.
    :param may_be_two: whether two of its groups are each as long as a number, as in ``2345678 2345679``.
    """

    digits: str
    is_international: bool = False
    first_group: str = ""
    stem: str = ""
    may_be_two: bool = False


def read_spelling(text: str) -> Spelling | Reason:
    """Parse a text as one phone number, or return the reason why it is not one.

    :param text: one cell.
    """
    if len(text) > LONGEST:
        return Reason.NOT_A_NUMBER
    folded = unwrap(text)
    if not folded:
        return Reason.EMPTY
    body = folded if folded[0] in "+0123456789" and folded[-1] in "0123456789" else _without_label(folded)
    if not _BODY.fullmatch(body):
        return Reason.EXTENSION if _EXTENSION.fullmatch(_without_label(folded)) else Reason.NOT_A_NUMBER
    groups = _GROUP.findall(body)
    digits = "".join(groups)
    if len(digits) > _MAX_DIGITS + _MOST_OF_A_PREFIX * (digits[0] == "0") or _means_something_else(body, groups):
        return Reason.NOT_A_NUMBER
    may_be_two = sum(len(group) >= _LEAST_OF_A_NUMBER for group in groups) > 1
    return Spelling(digits, "+" in body, groups[0], _stem(body, groups), may_be_two)


def unwrap(text: str) -> str:
    """Return a cell with plain digits and dashes, without invisible characters and Excel's text markers.

    :param text: one cell.
    """
    if not text.isascii():
        text = text.translate(_FOLDED)
        text = "".join([_fold(character) for character in text])
    text = text.strip()
    if formula := _FORMULA.fullmatch(text):
        text = formula[1].strip()
    text = text.removeprefix("'").strip()
    if text.isascii() and text.isprintable():
        return text
    return text.replace("\t", " ")


def _fold(character: str) -> str:
    if character.isdecimal():
        return str(int(character))
    return " " if character.isspace() and not _LINE_ENDS.match(character) else character


def _without_label(text: str) -> str:
    in_front = _LABEL_IN_FRONT.match(text)
    return text[in_front.end() :] if in_front else _LABEL_BEHIND.sub("", text)


def _means_something_else(body: str, groups: list[str]) -> bool:
    """Return whether digits and separators form a date, a decimal number or an IP address, or hide digits."""
    if _HIDDEN.search(body) or _DATE.fullmatch(body):
        return True
    if "+" in body or "." not in body:
        return False
    if _DECIMAL.fullmatch(body):
        return min(map(len, groups)) < _LEAST_OF_DOTTED
    return _ADDRESS.fullmatch(body) is not None


def _stem(body: str, groups: list[str]) -> str:
    before, slash, _ = body.rpartition("/")
    if slash:
        return "".join(_GROUP.findall(before))
    ends_short = len(groups) > 1 and len(groups[-1]) <= 2 and re.search(r"-\ ?[0-9]{1,2}[ )]*$", body)
    return "".join(groups[:-1]) if ends_short else ""
