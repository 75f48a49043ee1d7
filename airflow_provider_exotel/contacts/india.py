"""Indian numbers judged without parsing them, with the very patterns that libphonenumber judges by."""

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
# What has to hold for the spellings below to mean the ten digits at their end. A plan that has changed in this part is
# left to libphonenumber until somebody has thought about it again; the patterns of the kinds may change freely.
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
# Numbers that begin with 1 have other lengths as well, so that a part of one may be a number.
_SUBSCRIBER = r"[2-9][0-9]{9}"


class IndianNumbers(NamedTuple):
    """Patterns for numbers from which spaces, brackets, dots and dashes are removed.

    :param of_lines: matches line after line; the group holds the ten digits where the line is a valid Indian number,
        and is empty where it is anything else.
    :param spelling: matches an Indian number of ten digits, valid or not.
    """

    of_lines: re.Pattern[str]
    spelling: re.Pattern[str]


@lru_cache
def indian_numbers(*, at_home: bool, has_country_code: bool = False) -> IndianNumbers | None:
    """Return the patterns, or ``None`` if the plan is no longer the one they were made for.

    :param at_home: whether a number without a country is an Indian one; else only those with ``+91`` are judged.
    :param has_country_code: whether ``91`` at the beginning is always the country code.
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
    # The last alternatives are the widest: whole series, after the exceptions.
    valid = "|".join(one for pattern in patterns for one in reversed(alternatives(pattern)))
    prefix = _WITH_CODE if has_country_code else _AT_HOME if at_home else _ABROAD
    return IndianNumbers(
        re.compile(rf"{prefix}(?={_SUBSCRIBER}\n)({valid})\n|[^\n]*\n", re.ASCII),
        re.compile(prefix + _SUBSCRIBER),
    )


def alternatives(pattern: str) -> list[str]:
    """Return the parts of a pattern between the bars that stand in no bracket."""
    parts, depth = [""], 0
    for character in pattern:
        depth += (character in "([") - (character in ")]")
        if character == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def is_understood(metadata: Any) -> bool:
    """Return whether libphonenumber's metadata of India is still of the shape the patterns rely on."""
    found = {name: getattr(metadata, name) for name in _UNDERSTOOD}
    found["general_desc"] = metadata.general_desc.national_number_pattern
    kinds = [getattr(metadata, kind) for kind in _KINDS]
    possible = _DIGITS in metadata.general_desc.possible_length
    return (found == _UNDERSTOOD and possible) and all(
        _PATTERN.fullmatch(kind.national_number_pattern) for kind in kinds if kind and kind.national_number_pattern
    )
