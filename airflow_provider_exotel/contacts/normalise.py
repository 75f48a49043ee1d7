"""Normalise phone numbers in any common format to E.164 in batches, with the same results as libphonenumber."""

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
"""The E.164 number, or the reason for the rejection."""

_BLANKS = dict.fromkeys(map(ord, " \u00a0"))
_MARKS = dict.fromkeys(map(ord, "-()"))
# Separators that may hide digits or a sign, or are misplaced once blanks are removed; and a last group of one or two
# digits, which may be an alternative ending. Such texts go to the grammar.
_SUSPICIOUS = ("--", "(-", "()", "\n-", "\n)", "+-", "+)")
_SECOND_ENDING = re.compile(r"-\(*[0-9]{1,2}[-()]*\n")
_LARGEST_INTS = {str(2**31 - 1), str(2**32 - 1)}
"""What a column of 32 bits holds for every larger number."""
_EXIT_CODE = "00"
_EXIT = re.compile("00[1-9]")
_MIN_DIGITS, _MAX_DIGITS = 7, 15


class Undecided(NamedTuple):
    """A number without ``+`` that is valid both with and without a country code.

    :param with_code: the number if the leading digits are a country code.
    :param national: the national number, if the leading digits are the code of another country; empty otherwise.
    """

    with_code: str
    national: str = ""


class NumberColumn:
    """The number column of one source, in which numbers give context to each other.

    A number is accepted if the cell contains nothing else and libphonenumber considers it valid. Indonesian ``62...``
    numbers can be valid with and without the country code; then the other numbers of the column decide. The country
    code is assumed for all if some numbers are valid only with it and none is valid only without it. In such a column,
    a national number that is valid abroad as well is ambiguous: beside ``919876500001``, ``6591234567`` may be from
    Singapore.

    :param default_country: ISO 3166 code of the country of national numbers, such as ``IN``. With ``None``, only
        numbers with ``+`` or ``00`` are validated; national numbers are returned unchanged without separators.
    :param has_country_code: whether every number is known to start with a country code, with or without ``+``.
    :raises ExotelInputError: if libphonenumber does not know the country.
    """

    def __init__(self, default_country: str | None, *, has_country_code: bool = False) -> None:
        check_country(default_country)
        self._country, self._has_code = default_country, has_country_code
        self._indian = india.indian_numbers(
            at_home=default_country == india.COUNTRY and not has_country_code, has_country_code=has_country_code
        )
        self._shows_code = self._shows_none = self._shows_foreign_code = False

    def evaluate(self, texts: Sequence[str]) -> list[Verdict | Undecided]:
        """Return the verdict on each number, or :class:`Undecided` if it depends on the whole column.

        :param texts: cells, national or international, with a leading ``0`` or ``00``, with spaces, brackets, dots or
            dashes. Batches of some thousands are fastest.
        """
        if self._indian is None:
            return [self._evaluate(text) for text in texts]
        lines = "\n".join([*texts, ""])
        if lines.count("\n") != len(texts) or max(map(len, texts), default=0) > LONGEST:
            lines = "\n".join(["" if "\n" in text or len(text) > LONGEST else text for text in texts] + [""])
        compact = without_fractions(lines).translate(_BLANKS)
        if _is_suspicious(f"\n{compact}"):
            compact = "\n".join(["" if _is_suspicious(f"\n{one}\n") else one for one in compact.split("\n")])
        plain = compact.translate(_MARKS)
        found = self._indian.of_lines.findall(plain)
        verdicts = [
            f"+91{subscriber}" if subscriber else self._evaluate(text)
            for text, subscriber in zip(texts, found, strict=True)
        ]
        if self._country == india.COUNTRY and not self._has_code and not self._shows_none:
            abroad = self._indian_or_foreign(f"\n{plain}")
            for position, line in enumerate(plain.split("\n") if abroad else ()):
                if line in abroad:
                    verdicts[position] = Undecided(abroad[line], f"+91{line}")
        return verdicts

    def _indian_or_foreign(self, plain: str) -> dict[str, str]:
        """Return the foreign numbers that national numbers may be; empty once a number is only national."""
        self._shows_code |= india.WITH_CODE.search(plain) is not None
        abroad: dict[str, str] = {}
        for line in india.WITHOUT_CODE.finditer(plain):
            if isinstance(self._read(Spelling(line[1])), Reason):
                continue
            if (number := _number_abroad(line[1])) is None:
                self._shows_none = True
                return {}
            abroad[line[1]] = number
        return abroad

    def settle(self, undecided: Undecided) -> Verdict:
        """Return the verdict on an undecided number, after the whole column was processed.

        :param undecided: a result of :meth:`evaluate`.
        """
        has_code = self._shows_code and not self._shows_none
        if undecided.national:
            return Reason.AMBIGUOUS if has_code else undecided.national
        return undecided.with_code if has_code and not self._shows_foreign_code else Reason.AMBIGUOUS

    def _evaluate(self, text: str) -> Verdict | Undecided:
        if len(text) <= LONGEST and ("E" in text or "e" in text or ".0" in text):
            written = unwrap(text)
            repaired = repair(written)
            if isinstance(repaired, Reason):
                return repaired
            if len(written) > len(repaired) + len(".0") and self._is_number(written.replace(".", "")):
                # 9198765000.00 may be a decimal with ten digits, or a number of twelve digits with a dot.
                return Reason.AMBIGUOUS
            text = repaired
        spelling = read_spelling(text)
        if isinstance(spelling, Reason):
            return spelling
        if spelling.digits in _LARGEST_INTS and not spelling.is_international:
            return Reason.DIGITS_LOST
        reading = self._read(spelling)
        if isinstance(reading, Reason):
            return reading
        if spelling.stem and self._is_number("+" * spelling.is_international + spelling.stem):
            return Reason.AMBIGUOUS
        return self._in_column(reading, spelling.digits) if reading.is_at_home else reading.number

    def _in_column(self, reading: _Reading, digits: str) -> str | Undecided:
        """Return the number of a reading, unless the column decides it, and note what it tells about the column."""
        if reading.with_code is not None:
            if reading.with_code != reading.number:
                return Undecided(reading.with_code)
            self._shows_code = True
        elif not self._shows_none:
            if (abroad := _number_abroad(digits)) is not None:
                self._shows_foreign_code = True
                return Undecided(abroad, reading.number)
            self._shows_none = True
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
        return _Reading(digits) if _MIN_DIGITS <= len(digits) <= _MAX_DIGITS else Reason.NOT_A_NUMBER


class _Reading(NamedTuple):
    """The interpretation of a spelling.

    :param number: the number.
    :param with_code: the number if its leading digits are read as the default country's code without ``+``.
    :param is_at_home: whether it is written without ``+`` and without an international prefix.
    """

    number: str
    with_code: str | None = None
    is_at_home: bool = False


def normalise(texts: Sequence[str], default_country: str | None, *, has_country_code: bool = False) -> list[Verdict]:
    """Return the verdict on each number of a column: its E.164 form, or the reason for the rejection.

    :param texts: the whole column.
    :param default_country: see :class:`NumberColumn`.
    :param has_country_code: see :class:`NumberColumn`.
    :raises ExotelInputError: if libphonenumber does not know the country.
    """
    column = NumberColumn(default_country, has_country_code=has_country_code)
    return [column.settle(one) if isinstance(one, Undecided) else one for one in column.evaluate(texts)]


def check_country(default_country: str | None, name: str = "default_country") -> None:
    """Check that a value is the ISO code of a country with phone numbers.

    :param default_country: the value; ``None`` is allowed.
    :param name: the argument name for errors.
    :raises ExotelInputError: if it is not.
    """
    if default_country is None:
        return
    from phonenumbers import SUPPORTED_REGIONS

    if default_country not in SUPPORTED_REGIONS:
        near = difflib.get_close_matches(str(default_country).upper(), SUPPORTED_REGIONS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ExotelInputError(
            [Problem(name, f"is not a country with phone numbers; {hint}give an ISO code, such as 'IN'")]
        )


def _is_suspicious(lines: str) -> bool:
    return any(mark in lines for mark in _SUSPICIOUS) or _SECOND_ENDING.search(lines) is not None


def _reading(number: str | None) -> _Reading | Reason:
    return Reason.INVALID if number is None else _Reading(number)


def _read_at_home(digits: str, country: str) -> _Reading | Reason:
    """Interpret a number without ``+`` as one of a country, with or without the country code."""
    metadata = _metadata(country)
    code, trunk = str(metadata.country_code), metadata.national_prefix or ""
    national = _parse_with_libphonenumber(digits, country)
    coded = digits if digits.startswith(code) else digits.removeprefix(trunk)
    with_code = _international(coded) if coded.startswith(code) else None
    # 91 1800 1234 is a service number, so it does not make the mobile number 9118001234 ambiguous.
    if national is not None and with_code not in {None, national} and _is_of_a_service(str(with_code)):
        with_code = None
    number = national or (with_code if digits.startswith(code) else None)
    return Reason.INVALID if number is None else _Reading(number, with_code, is_at_home=True)


def _dialled_abroad(spelling: Spelling, country: str | None) -> set[str]:
    """Return the possible numbers after ``00`` or the country's international prefix; empty if it has neither."""
    digits = spelling.digits
    prefix = country and _metadata(country).international_prefix
    exits = {found[0] for pattern in (_EXIT_CODE, prefix) if pattern and (found := re.match(pattern, digits))}
    readings = {one: number for one in exits if (number := _international(digits[len(one) :]))}
    # If two prefixes match, a blank or dash may show which is meant: 0091 98765 00001.
    group = spelling.first_group
    deciding = {
        number
        for one, number in readings.items()
        if group == one or (one == _EXIT_CODE and group == f"{one}{_code_of(number)}")
    }
    if len(deciding) == 1:
        return deciding
    at_home = _parse_with_libphonenumber(digits, country) if readings and country else None
    return {*readings.values(), *({at_home} if at_home else ())}


def _international(digits: str) -> str | None:
    """Return the E.164 form of a number with its country code, or ``None`` if it is invalid."""
    return None if digits.startswith("0") else _parse_with_libphonenumber(f"+{digits}", None)


def _number_abroad(digits: str) -> str | None:
    """Return the number of a person that national digits are if they start with a country code; ``None`` for none."""
    number = _international(digits)
    return None if number is None or _is_of_a_service(number) else number


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


def _parse_with_libphonenumber(text: str, country: str | None) -> str | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
