"""Validate Indian numbers without parsing, using the same patterns as libphonenumber."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

COUNTRY = "IN"
_KINDS = (
    "mobile",
    "fixed_line",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
_CODE = 91
_DIGITS = 10
# Metadata on which the prefixes below rely: they strip everything before the last ten digits. If it changes,
# libphonenumber is used until this code is reviewed; the patterns of the number types may change freely.
_UNDERSTOOD = {
    "country_code": _CODE,
    "international_prefix": "00",
    "national_prefix_for_parsing": "0",
    "national_prefix_transform_rule": None,
    "leading_digits": None,
    "general_desc": r"(?:000800|[2-9]\d\d)\d{7}|1\d{7,12}",
}
_PATTERN = re.compile(r"(?:\\d|\(\?:|\)|\[[\d-]+\]|\{\d+(?:,\d+)?\}|[\d|?])*")
_AT_HOME = r"(?:(?:\+|00)?91)?0?"
_ABROAD = r"\+910?"
_WITH_CODE = r"\+?910?"
# A column of 32 bits holds this for every larger number.
_LARGEST_INT = 2**31 - 1
# Numbers that start with 1 also have other lengths, so a part of one may be a valid number.
_SUBSCRIBER = r"[2-9][0-9]{9}"

WITH_CODE = re.compile(rf"\n910?{_SUBSCRIBER}(?=\n)")
"""A line with the country code and without ``+``."""
WITHOUT_CODE = re.compile(rf"\n(0?{_SUBSCRIBER})(?=\n)")
"""A line without the country code; the group has its digits."""


class IndianNumbers(NamedTuple):
    """Patterns for numbers without spaces, brackets, dots and dashes.

    :param of_lines: matches line by line; the group has the ten digits if the line is a valid Indian number, and is
        empty otherwise.
    :param spelling: matches an Indian number of ten digits, valid or not.
    """

    of_lines: re.Pattern[str]
    spelling: re.Pattern[str]


@lru_cache
def indian_numbers(*, at_home: bool, has_country_code: bool = False) -> IndianNumbers | None:
    """Return the patterns, or ``None`` if the numbering plan has changed.

    :param at_home: whether numbers without a country code are Indian; otherwise only numbers with ``+91`` match.
    :param has_country_code: whether a leading ``91`` is always the country code.
    """
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    metadata = PhoneMetadata.metadata_for_region(COUNTRY, None)
    if not is_understood(metadata) or COUNTRY_CODE_TO_REGION_CODE[_CODE] != (COUNTRY,):
        return None
    descriptions = [getattr(metadata, kind) for kind in _KINDS]
    patterns = [
        described.national_number_pattern
        for described in descriptions
        if described
        and described.national_number_pattern
        and (not described.possible_length or _DIGITS in described.possible_length)
    ]
    # The last alternatives match the most numbers: whole series come after exceptions.
    valid = "|".join(one for pattern in patterns for one in reversed(alternatives(pattern)))
    prefix = _WITH_CODE if has_country_code else _AT_HOME if at_home else _ABROAD
    return IndianNumbers(
        re.compile(rf"(?!{_LARGEST_INT}\n){prefix}(?={_SUBSCRIBER}\n)({valid})\n|[^\n]*\n", re.ASCII),
        re.compile(prefix + _SUBSCRIBER),
    )


def alternatives(pattern: str) -> list[str]:
    """Split a pattern at its top-level bars."""
    parts, depth = [""], 0
    for character in pattern:
        depth += (character in "([") - (character in ")]")
        if character == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def is_understood(metadata: Any) -> bool:
    """Return whether libphonenumber's metadata of India still has the form that the patterns rely on."""
    found = {name: getattr(metadata, name) for name in _UNDERSTOOD}
    found["general_desc"] = metadata.general_desc.national_number_pattern
    kinds = [getattr(metadata, kind) for kind in _KINDS]
    possible = _DIGITS in metadata.general_desc.possible_length
    return (found == _UNDERSTOOD and possible) and all(
        _PATTERN.fullmatch(kind.national_number_pattern) for kind in kinds if kind and kind.national_number_pattern
    )
