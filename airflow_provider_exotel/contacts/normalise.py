"""Phone numbers in any usual spelling -> E.164, with libphonenumber's verdicts, a batch at a time."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.contacts import india
from airflow_provider_exotel.contacts.grammar import LONGEST, Spelling, read_spelling, unwrap
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.contacts.spreadsheet import repair, without_fractions

Verdict = str | Reason
"""The number to call, or why there is none."""

_BLANKS = dict.fromkeys(map(ord, " \u00a0"))
_MARKS = dict.fromkeys(map(ord, "-()"))
# What may hide digits or a sign, or stands where no mark may, where blanks are removed; and a last group of one or two
# digits, which may be a second ending. Such texts are left to the grammar.
_SUSPICIOUS = ("--", "(-", "()", "\n-", "\n)", "+-", "+)")
_SECOND_ENDING = re.compile(r"-\(*[0-9]{1,2}[-()]*\n")
_EXIT_CODE = "00"
_EXIT = re.compile("00[1-9]")
_LEAST_DIGITS, _MOST_DIGITS = 7, 15


class Undecided(NamedTuple):
    """A number without ``+`` that is valid with and without the country code it begins with.

    :param with_code: the number if that is a country code.
    """

    with_code: str


class NumberColumn:
    """The numbers of one source, which are judged in the light of each other.

    A number is valid, and has the E.164 form, if libphonenumber says so, and if it is written as one number and as
    nothing else. Indonesia's ``62...`` can be valid with and without its country code: then the other numbers of the
    column decide. If some begin with the country code and are valid only so, and none is valid only without, all have
    it.

    :param default_country: the ISO 3166 code of the country whose national numbers are meant, such as ``IN``. ``None``:
        only what is written with ``+`` or ``00`` is judged and turned; a national number comes back as it was given,
        less its separators.
    :param has_country_code: whether every number is known to begin with a country code, with or without ``+``.
    :raises ExotelInputError: for a country that libphonenumber does not know.
    """

    def __init__(self, default_country: str | None, *, has_country_code: bool = False) -> None:
        check_country(default_country)
        self._country, self._has_code = default_country, has_country_code
        self._indian = india.indian_numbers(
            at_home=default_country == india.COUNTRY and not has_country_code, has_country_code=has_country_code
        )
        self._shows_code = self._shows_none = False

    def judge(self, texts: Sequence[str]) -> list[Verdict | Undecided]:
        """Return a verdict on each number, or that only the whole column tells.

        :param texts: cells, national or international, with a leading ``0`` or ``00``, with spaces, brackets, dots or
            dashes. Batches of some thousands are dealt with fastest.
        """
        if self._indian is None:
            return [self._judge(text) for text in texts]
        lines = "\n".join([*texts, ""])
        if lines.count("\n") != len(texts) or max(map(len, texts), default=0) > LONGEST:
            lines = "\n".join(["" if "\n" in text or len(text) > LONGEST else text for text in texts] + [""])
        compact = without_fractions(lines).translate(_BLANKS)
        if _is_suspicious(f"\n{compact}"):
            compact = "\n".join(["" if _is_suspicious(f"\n{one}\n") else one for one in compact.split("\n")])
        found = self._indian.of_lines.findall(compact.translate(_MARKS))
        return [
            f"+91{subscriber}" if subscriber else self._judge(text)
            for text, subscriber in zip(texts, found, strict=True)
        ]

    def settle(self, undecided: Undecided) -> Verdict:
        """Return the verdict that the column tells, once all of it was judged.

        :param undecided: what :meth:`judge` returned.
        """
        return undecided.with_code if self._shows_code and not self._shows_none else Reason.AMBIGUOUS

    def _judge(self, text: str) -> Verdict | Undecided:
        if len(text) <= LONGEST and ("E" in text or "e" in text or ".0" in text):
            written = unwrap(text)
            repaired = repair(written)
            if isinstance(repaired, Reason):
                return repaired
            if len(written) > len(repaired) + len(".0") and self._is_number(written.replace(".", "")):
                # 9198765000.00 may be an amount of ten digits, or a number of twelve with a dot.
                return Reason.AMBIGUOUS
            text = repaired
        spelling = read_spelling(text)
        if isinstance(spelling, Reason):
            return spelling
        reading = self._read(spelling)
        if isinstance(reading, Reason):
            return reading
        if spelling.stem and self._is_number("+" * spelling.is_international + spelling.stem):
            return Reason.AMBIGUOUS
        if reading.is_at_home:
            if reading.with_code not in {None, reading.number}:
                return Undecided(str(reading.with_code))
            self._shows_code |= reading.with_code is not None
            self._shows_none |= reading.with_code is None
        return reading.number

    def _is_number(self, text: str) -> bool:
        spelling = read_spelling(text)
        return isinstance(spelling, Spelling) and isinstance(self._read(spelling), _Reading)

    def _read(self, spelling: Spelling) -> _Reading | Reason:
        digits, country = spelling.digits, self._country
        line = f"{'+' * spelling.is_international}{digits}\n"
        if self._indian and self._indian.spelling.fullmatch(line[:-1]):
            valid = self._indian.of_lines.fullmatch(line)
            return _reading(f"+91{valid[1]}" if valid and valid[1] else None)
        if spelling.is_international:
            return _reading(_international(digits))
        if abroad := _dialled_abroad(spelling, country):
            return _reading(next(iter(abroad))) if len(abroad) == 1 else Reason.AMBIGUOUS
        if self._has_code:
            return _reading(_international(digits))
        if spelling.may_be_two:
            return Reason.NOT_A_NUMBER
        if country is not None:
            return _read_at_home(digits, country)
        if _EXIT.match(digits):
            return Reason.INVALID
        return _Reading(digits) if _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS else Reason.NOT_A_NUMBER


class _Reading(NamedTuple):
    """What a spelling means.

    :param number: the number.
    :param with_code: the number if its first digits are the default country's own code, although no ``+`` says so.
    :param is_at_home: whether it is written without ``+`` and without an international prefix.
    """

    number: str
    with_code: str | None = None
    is_at_home: bool = False


def normalise(texts: Sequence[str], default_country: str | None, *, has_country_code: bool = False) -> list[Verdict]:
    """Return a verdict on each number of a column: its E.164 form, or the reason to leave it out.

    :param texts: the whole column.
    :param default_country: as :class:`NumberColumn` takes it.
    :param has_country_code: as :class:`NumberColumn` takes it.
    :raises ExotelInputError: for a country that libphonenumber does not know.
    """
    column = NumberColumn(default_country, has_country_code=has_country_code)
    return [column.settle(one) if isinstance(one, Undecided) else one for one in column.judge(texts)]


def check_country(default_country: str | None, name: str = "default_country") -> None:
    """Raise :class:`ExotelInputError` for what is not the ISO code of a country with phone numbers.

    :param name: the argument it is about.
    """
    if default_country is None:
        return
    from phonenumbers import SUPPORTED_REGIONS

    if default_country not in SUPPORTED_REGIONS:
        near = difflib.get_close_matches(str(default_country).upper(), SUPPORTED_REGIONS, n=1)
        hint = f"is {near[0]} meant? " if near else ""
        raise ExotelInputError(
            [Problem(name, f"is not a country with phone numbers; {hint}give its ISO code, such as 'IN'")]
        )


def _is_suspicious(lines: str) -> bool:
    return any(mark in lines for mark in _SUSPICIOUS) or _SECOND_ENDING.search(lines) is not None


def _reading(number: str | None) -> _Reading | Reason:
    return Reason.INVALID if number is None else _Reading(number)


def _read_at_home(digits: str, country: str) -> _Reading | Reason:
    """Read a number of a country that is written without ``+``, with or without its own country code."""
    metadata = _metadata(country)
    code, trunk = str(metadata.country_code), metadata.national_prefix or ""
    national = _ask_libphonenumber(digits, country)
    coded = digits if digits.startswith(code) else digits.removeprefix(trunk)
    with_code = _international(coded) if coded.startswith(code) else None
    # 91 1800 1234 is a service's number, and so no second reading of the mobile number 9118001234.
    if national is not None and with_code not in {None, national} and _is_of_a_service(str(with_code)):
        with_code = None
    number = national or (with_code if digits.startswith(code) else None)
    return Reason.INVALID if number is None else _Reading(number, with_code, is_at_home=True)


def _dialled_abroad(spelling: Spelling, country: str | None) -> set[str]:
    """Return what may follow ``00`` or the international prefix of a country; nothing if it begins with neither."""
    digits = spelling.digits
    prefix = country and _metadata(country).international_prefix
    exits = {found[0] for pattern in (_EXIT_CODE, prefix) if pattern and (found := re.match(pattern, digits))}
    readings = {one: number for one in exits if (number := _international(digits[len(one) :]))}
    # Where two fit, a blank or a dash may tell which is meant: 0091 98765 00001.
    group = spelling.first_group
    told = {
        number
        for one, number in readings.items()
        if group == one or (one == _EXIT_CODE and group == f"{one}{_code_of(number)}")
    }
    if len(told) == 1:
        return told
    at_home = _ask_libphonenumber(digits, country) if readings and country else None
    return {*readings.values(), *({at_home} if at_home else ())}


def _international(digits: str) -> str | None:
    """Return the E.164 form of a country code and what follows it, ``None`` if there is no such number."""
    return None if digits.startswith("0") else _ask_libphonenumber(f"+{digits}", None)


def _metadata(country: str) -> Any:
    from phonenumbers import PhoneMetadata

    return PhoneMetadata.metadata_for_region(country, None)


def _code_of(e164: str) -> int | None:
    from phonenumbers import parse

    return parse(e164).country_code


def _is_of_a_service(e164: str) -> bool:
    from phonenumbers import PhoneNumberType, number_type, parse

    return number_type(parse(e164)) in {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
        PhoneNumberType.PAGER,
    }


def _ask_libphonenumber(text: str, country: str | None) -> str | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
