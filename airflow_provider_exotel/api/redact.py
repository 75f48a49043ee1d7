"""Text that is safe to log: phone numbers and credentials taken out.

The rule leans to safety: any run of seven or more digits goes, however it is spelled, so a long id may lose
a part of itself. Ids and amounts that matter are carried in fields of their own, never in such a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

NUMBER = "[number]"
SECRET = "***"  # noqa: S105

# E.164 allows 15 digits and no subscriber number in use is shorter than seven.
_SEPARATORS = r"[\s().\-/,_\u00ad\u200b-\u200f\u2010-\u2015\u2060\ufeff]{0,3}"
_PERCENT_ENCODED_SEPARATOR = r"(?:%20|%28|%29|%2D|%2B)?"
_NUMBER = re.compile(rf"\+?\d(?:(?:{_SEPARATORS}|{_PERCENT_ENCODED_SEPARATOR})\d){{6,}}", re.IGNORECASE)
# A date or a time of day also reads as digits and dashes; it says when, not who.
_MOMENT = re.compile(
    r"(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d(?:[T ][0-2]\d:[0-5]\d(?::[0-6]\d(?:\.\d{1,6})?)?)?"
    r"(?:Z|[+-][01]\d:[0-5]\d)?(?![\d\-/(])(?!\s*\d)"
)
_USER_INFO = re.compile(r"(?<=//)[^/@\s]*@")
_BASIC = re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=_.\-]{4,}")


def redact(text: object, secrets: Iterable[str] = ()) -> str:
    """Return ``text`` without phone numbers, credentials in addresses, and the given secrets.

    :param text: anything; its ``str`` is taken.
    :param secrets: strings to hide wherever they stand, plain or percent-encoded; empty ones are passed over.
    :return: the text with ``[number]`` for each run of seven or more digits and ``***`` for each secret.
    """
    safe = str(text)
    for secret in sorted({form for s in secrets if s for form in (s, quote(s, safe=""))}, key=len, reverse=True):
        safe = safe.replace(secret, SECRET)
    safe = _USER_INFO.sub(f"{SECRET}@", safe)
    safe = _BASIC.sub(rf"\1 {SECRET}", safe)
    return _outside_moments(safe)


def redact_url(url: str) -> str:
    """Return scheme and host of ``url``, its path and query hidden: a callback's token may stand in either.

    :param url: an absolute URL.
    :return: such as ``https://example.org/***``.
    """
    parts = urlsplit(url)
    rest = SECRET if parts.path.strip("/") or parts.query or parts.fragment else ""
    return redact(f"{parts.scheme}://{parts.netloc}/{rest}")


def _outside_moments(text: str) -> str:
    pieces, end = [], 0
    for moment in _MOMENT.finditer(text):
        pieces += [_NUMBER.sub(NUMBER, text[end : moment.start()]), moment.group()]
        end = moment.end()
    return "".join([*pieces, _NUMBER.sub(NUMBER, text[end:])])
