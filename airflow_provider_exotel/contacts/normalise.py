"""Phone numbers in any usual spelling -> E.164, with libphonenumber's verdicts, a batch at a time."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.contacts import india
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.contacts.spreadsheet import repair, without_fractions

Verdict = str | Reason
"""The number to call, or why there is none."""

# libphonenumber passes over these between digits, and over much else that people seldom write.
_SEPARATORS = dict.fromkeys(map(ord, " -.()\u00a0"))
_LONGEST = 250  # more characters than this libphonenumber refuses to look at
_DIALLED_ABROAD = re.compile(r"\s*00([1-9][0-9]{6,})\s*")


def normalise(texts: Sequence[str], default_country: str | None) -> list[Verdict]:
    """Return a verdict on each number: its E.164 form, or the reason to leave it out.

    A number is valid, and has the E.164 form, if libphonenumber says so. One thing comes before that: numbers a
    spreadsheet has damaged are repaired where nothing is lost, else left out.

    :param texts: the numbers, national or international, with a leading ``0`` or ``00``, with spaces, brackets, dots or
        dashes. Batches of some thousands are dealt with fastest.
    :param default_country: the ISO 3166 code of the country whose national numbers are meant, such as ``IN``. ``None``:
        only what is written with ``+`` or ``00`` is judged and turned; a national number comes back as it was given,
        less its separators.
    :raises ExotelInputError: for a country that libphonenumber does not know.
    """
    check_country(default_country)
    indian = india.indian_numbers(at_home=default_country == india.COUNTRY)
    if indian is None:
        return [_judge(text, default_country, None) for text in texts]
    lines = "\n".join([*texts, ""])
    if lines.count("\n") != len(texts) or max(map(len, texts), default=0) > _LONGEST:
        fit = ["" if "\n" in text or len(text) > _LONGEST else text for text in texts]
        lines = "\n".join([*fit, ""])
    digits = indian.of_lines.findall(without_fractions(lines).translate(_SEPARATORS))
    return [
        f"+91{subscriber}" if subscriber else _judge(text, default_country, indian)
        for text, subscriber in zip(texts, digits, strict=True)
    ]


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


def _judge(text: str, country: str | None, indian: india.IndianNumbers | None) -> Verdict:
    if not text.strip():
        return Reason.EMPTY
    repaired = repair(text)
    if isinstance(repaired, Reason):
        return repaired
    if repaired != text:
        return normalise([repaired], country)[0]
    if indian and len(text) <= _LONGEST and indian.spelling.fullmatch(text.translate(_SEPARATORS)):
        return Reason.INVALID
    return _without_country(text) if country is None else _ask_libphonenumber(text, country)


def _without_country(text: str) -> Verdict:
    if dialled := _DIALLED_ABROAD.fullmatch(text.translate(_SEPARATORS)):
        return _ask_libphonenumber(f"+{dialled[1]}", None)
    if "+" in text or "\uff0b" in text:
        return _ask_libphonenumber(text, None)
    number = PhoneNumbers([text])
    return Reason.NOT_A_NUMBER if number.malformed() else next(iter(number.compact()))


def _ask_libphonenumber(text: str, country: str | None) -> Verdict:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return Reason.NOT_A_NUMBER
    if not phonenumbers.is_valid_number(number):
        return Reason.INVALID
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
