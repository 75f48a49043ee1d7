"""India's numbering plan from libphonenumber's metadata, split into blocks of numbers with the same verdict."""

from __future__ import annotations

import re._constants as op
import re._parser as parser
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from phonenumbers import PhoneMetadata

DIGITS = 10
ANY = frozenset("0123456789")
KINDS = ("mobile", "fixed_line", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "pager", "uan")

Form = tuple[frozenset[str], ...]


class Block(NamedTuple):
    """All ten-digit numbers with a common prefix, which are either all valid or all invalid."""

    prefix: str
    valid: bool

    def number(self, filled_with: str) -> str:
        return self.prefix.ljust(DIGITS, filled_with)


def indian_blocks() -> list[Block]:
    """Return the largest possible blocks; together they contain every ten-digit number once."""
    metadata = PhoneMetadata.metadata_for_region("IN", None)
    described = [kind for name in (*KINDS, "voicemail") if (kind := getattr(metadata, name))]
    forms = {
        form
        for kind in described
        if not kind.possible_length or DIGITS in kind.possible_length
        for form in forms_of(parser.parse(kind.national_number_pattern))
        if len(form) == DIGITS
    }
    return _blocks("", forms)


def forms_of(parsed: Any) -> Iterator[Form]:
    """Yield the matches of a pattern, each as a set of digits per position."""
    for parts in product(*([*_forms_of_part(*part)] for part in parsed)):
        yield tuple(place for part in parts for place in part)


def _forms_of_part(kind: Any, value: Any) -> Iterator[Form]:
    if kind is op.LITERAL:
        yield (frozenset(chr(value)),)
    elif kind is op.IN:
        yield (frozenset().union(*(_digits(*one) for one in value)),)
    elif kind is op.SUBPATTERN:
        yield from forms_of(value[-1])
    elif kind is op.BRANCH:
        for branch in value[1]:
            yield from forms_of(branch)
    elif kind is op.MAX_REPEAT:
        least, most, repeated = value
        for times in range(least, most + 1):
            for parts in product(*[[*forms_of(repeated)]] * times):
                yield tuple(place for part in parts for place in part)
    else:
        raise AssertionError(f"unsupported part of a pattern: {kind}")


def _digits(kind: Any, value: Any) -> frozenset[str]:
    if kind is op.RANGE:
        return frozenset(map(chr, range(value[0], value[1] + 1)))
    return ANY if kind is op.CATEGORY else frozenset(chr(value))


def _blocks(prefix: str, forms: set[Form]) -> list[Block]:
    """Return the blocks of the numbers with a prefix; ``forms`` are the remaining positions."""
    if not forms or any(all(place == ANY for place in form) for form in forms):
        return [Block(prefix, bool(forms))]
    within = [
        block
        for digit in sorted(ANY)
        for block in _blocks(prefix + digit, {form[1:] for form in forms if digit in form[0]})
    ]
    alike = len(within) == len(ANY) and len({block.valid for block in within}) == 1
    return [Block(prefix, within[0].valid)] if alike else within
