"""Restore phone numbers that spreadsheets and data frames have changed without losing digits."""

from __future__ import annotations

import re

from airflow_provider_exotel.contacts.rejection import Reason

# Fewer than seven digits before the dot are not a number: "98765.00000" is ten digits written with a dot.
_WHOLE = re.compile(r"[^0-9+]*\+?[0-9]{7,}")
_FRACTION = re.compile(r"\.0(?=[^0-9A-Za-z\n]*$)", re.MULTILINE)
_LONG_FRACTION = re.compile(r"\.0+(?=[^0-9A-Za-z\n]*$)", re.MULTILINE)
_SCIENTIFIC = re.compile(r"\+?([0-9]+)(?:[.,]([0-9]*))?[eE]([+-]?)([0-9]{1,3})")
_LONGEST = 15


def without_fractions(text: str) -> str:
    """Remove the ``.0`` that a decimal column adds to numbers; the text may have many lines."""
    return _FRACTION.sub(_unless_part_of_the_number, text) if ".0" in text else text


def repair(text: str) -> str | Reason:
    """Return a number without the decimal format that a spreadsheet gave it.

    ``919876543210.0`` and ``9.19876543210E+11`` both give ``919876543210``; other text is returned unchanged.

    :param text: a cell without Excel's text markers.
    :return: the text, or :attr:`Reason.DIGITS_LOST` if digits are missing (``9.19877E+11``).
    """
    scientific = _SCIENTIFIC.fullmatch(text)
    if scientific is None:
        return _LONG_FRACTION.sub(_unless_part_of_the_number, text)
    first, decimals, sign, exponent = scientific[1], scientific[2] or "", scientific[3], int(scientific[4])
    # Java and Spark write no sign, and omit a final zero of an exact number. Programs that round write a sign.
    may_be_missing = 0 if sign else 1
    normal = len(first) == 1 and first != "0" and sign != "-" and 0 < exponent < _LONGEST
    if not normal or len(decimals) + may_be_missing < exponent or decimals[exponent:].strip("0"):
        return Reason.DIGITS_LOST
    return first + decimals[:exponent].ljust(exponent, "0")


def _unless_part_of_the_number(fraction: re.Match[str]) -> str:
    text, end = fraction.string, fraction.start()
    return "" if _WHOLE.fullmatch(text, text.rfind("\n", 0, end) + 1, end) else fraction[0]
