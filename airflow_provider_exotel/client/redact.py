"""Redaction of logged and stored values: phone numbers and credentials in text, hidden fields of objects.

Text is redacted on the safe side: any run of seven or more digits is removed, whatever its separators, so a long id may
lose a part. Ids and amounts that matter are carried in fields of their own, never in such a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any
from urllib.parse import urlsplit

NUMBER = "[number]"
SECRET = "***"  # noqa: S105

# E.164 allows 15 digits and no subscriber number in use is shorter than seven. In a URL a space may be a "+".
_SEPARATOR = r"[\s().\-/,_\u00ad\u200b-\u200f\u2010-\u2015\u2060\ufeff]"
_BETWEEN = rf"(?:{_SEPARATOR}|%(?:20|28|29|2B|2C|2D|2E|2F))"
_NUMBER = re.compile(rf"\+?\d(?:(?:{_BETWEEN}|\+){{0,3}}\d){{6,}}", re.IGNORECASE)
# A date or a time of day also consists of digits and dashes. Dates stay, one or several in a row, unless more digits on
# either side are so close that all of it may be one number.
_COLON = "(?::|%3A)"  # run ids are parts of URLs
_MOMENT = (
    rf"(?:19|20)\d\d-[01]\d-[0-3]\d(?:[T ][0-2]\d{_COLON}[0-5]\d(?:{_COLON}[0-6]\d(?:\.\d{{1,6}})?)?)?"
    rf"(?:Z|(?:[+-]|%2B)[01]\d{_COLON}[0-5]\d)?"
)
_NOT_AFTER_DIGITS = "".join(rf"(?<!\d{_SEPARATOR * count})" for count in range(4))
_MOMENTS = re.compile(rf"{_NOT_AFTER_DIGITS}{_MOMENT}(?:{_BETWEEN}{{1,3}}{_MOMENT})*(?!{_BETWEEN}{{0,3}}\d|\+\d)")
_USER_INFO = re.compile(r"(?<=//)[^/@\s]*@")
_BASIC = re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=_.\-]{4,}")


def redact(text: object, secrets: Iterable[str] = ()) -> str:
    """Return ``text`` without phone numbers, credentials in URLs, and the given secrets.

    :param text: any object; its ``str`` is redacted.
    :param secrets: strings to hide wherever they appear, plain or percent-encoded; empty ones are ignored.
    :return: the text with ``[number]`` for each run of seven or more digits and ``***`` for each secret.
    """
    safe = str(text)
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        safe = re.sub("".join(map(_in_any_encoding, secret)), SECRET, safe)
    safe = _USER_INFO.sub(f"{SECRET}@", safe)
    safe = _BASIC.sub(rf"\1 {SECRET}", safe)
    return _outside_moments(safe)


def redact_url(url: str) -> str:
    """Return scheme and host of ``url``; path and query are hidden, since either may hold a callback's token.

    :param url: an absolute URL.
    :return: such as ``https://example.org/***``.
    """
    parts = urlsplit(url)
    rest = SECRET if parts.path.strip("/") or parts.query or parts.fragment else ""
    return redact(f"{parts.scheme}://{parts.netloc}/{rest}")


class StoredRedacted:
    """Mixin for dataclasses that a task may return: XCom keeps only the fields that their ``repr`` shows.

    Airflow stores a dataclass with every field in plaintext, nested ones too, unless it has its own ``serialize``.
    Airflow reads such an XCom back only if its class is in ``[core] allowed_deserialization_classes``, and then as a
    mapping without the hidden fields.
    """

    __version__ = 1

    def serialize(self) -> dict[str, Any]:
        """Return the fields that Airflow may store."""
        assert is_dataclass(self)  # noqa: S101 - a mixin for dataclasses only
        return {one.name: _storable(getattr(self, one.name)) for one in fields(self) if one.repr}

    @staticmethod
    def deserialize(data: dict[str, Any], version: int) -> dict[str, Any]:  # noqa: ARG004
        """Return the stored fields as a mapping."""
        return data


def _storable(value: Any) -> Any:
    return [_storable(one) for one in value] if isinstance(value, (tuple, list, frozenset)) else value


def _in_any_encoding(character: str) -> str:
    """Return a pattern for one character, plain or percent-encoded."""
    encoded = "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
    return rf"(?:{re.escape(character)}|(?i:{encoded}){'|[+]' if character == ' ' else ''})"


def _outside_moments(text: str) -> str:
    pieces, end = [], 0
    for moment in _MOMENTS.finditer(text):
        pieces += [_NUMBER.sub(NUMBER, text[end : moment.start()]), moment.group()]
        end = moment.end()
    return "".join([*pieces, _NUMBER.sub(NUMBER, text[end:])])
