"""The results of libphonenumber itself, one number at a time."""

from __future__ import annotations

from collections.abc import Iterable

import phonenumbers

from airflow_provider_exotel.contacts.rejection import Reason


def libphonenumber(texts: Iterable[str], country: str | None = "IN") -> list[str | None]:
    """Return the E.164 form of each valid number, ``None`` for anything else."""
    return [_ask(text, country) for text in texts]


def without_reasons(verdicts: Iterable[str | Reason]) -> list[str | None]:
    return [None if isinstance(verdict, Reason) else verdict for verdict in verdicts]


def _ask(text: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else None
