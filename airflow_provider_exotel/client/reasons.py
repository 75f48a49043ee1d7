"""The service's codes in words: why a person was not reached, and why a request was refused.

A code that is not in these tables is shown as it is; its meaning is not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Reason(NamedTuple):
    """A code in words.

    :param meaning: what happened.
    :param remedy: what to do about it, empty if nothing helps.
    """

    meaning: str
    remedy: str = ""


# Exotel: call details of a campaign, counts of a campaign, support articles on do-not-disturb and call status.
UNREACHED: Mapping[str, Reason] = {
    "busy": Reason("The line was engaged, or the call was declined.", "Retry on busy, at another hour."),
    "no-answer": Reason("The phone rang and nobody answered.", "Retry on no-answer, at another hour."),
    "failed": Reason(
        "The call did not get through: the phone is switched off, out of reach or not in service.",
        "If nearly all calls fail, check the ExoPhone, the flow and the balance; otherwise the numbers.",
    ),
    "canceled": Reason("The call was ended before it was answered."),
    "do-not-disturb": Reason(
        "The number is on the do-not-disturb registry, so the service did not call it.",
        "Leave it out, or ask Exotel to whitelist it if the person has agreed.",
    ),
    "invalid-number": Reason("The number cannot be called.", "Correct or remove it in the source of the numbers."),
    "never-tried": Reason(
        "The campaign ended before the first call.", "Use a longer window, a higher throttle, or fewer contacts."
    ),
}
"""Reasons why a person was not reached, by the word used in reports and outcomes."""
_ALIASES = {"failed-dnd": "do-not-disturb", "invalid": "invalid-number", "failed-no-attempt": "never-tried"}

# Exotel: the error catalogue of a sister v2 API, and the codes that its error pages name for other APIs; none of them
# is confirmed for campaigns.
REFUSED: Mapping[str, Reason] = {
    "1000": Reason("not found"),
    "1001": Reason("a mandatory field is missing"),
    "1002": Reason("a field has an invalid value"),
    "1003": Reason("it belongs to another account"),
    "1007": Reason("the body cannot be parsed"),
    "1008": Reason("it exists already"),
    "1010": Reason("the credentials are not accepted"),
    "1011": Reason("the content type is not accepted"),
    "1012": Reason("it conflicts with the present state"),
    "1100": Reason("an internal error of the service"),
    "10705": Reason("it conflicts with the present state"),
    "10706": Reason("it conflicts with the present state"),
    "10716": Reason("the virtual number was not found"),
    "10731": Reason("not found"),
    "20003": Reason("the credentials are not accepted"),
}
"""Reasons why a request was refused, by the service's error code."""


def explain_unreached(code: str) -> Reason:
    """Return why a person was not reached, in words.

    :param code: the status of a call, or the name of a count, in any of the service's spellings.
    :return: the code itself as its meaning if it is unknown.
    """
    folded = code.strip().lower().replace("_", "-")
    return UNREACHED.get(_ALIASES.get(folded, folded)) or Reason(code)


def explain_refusal(code: object) -> str | None:
    """Return the meaning of an error code of the service, ``None`` if it is unknown.

    :param code: the code, a number or its text.
    """
    known = REFUSED.get(str(code).strip())
    return known.meaning if known else None


def describe_unreached(counts: Mapping[str, int]) -> str:
    """Return one line with the counts of people by reason, the most frequent first; empty if there are none.

    :param counts: people by code.
    """
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return "; ".join(f"{count:,} {code}{_meaning(code)}" for code, count in ordered if count)


def _meaning(code: str) -> str:
    meaning = explain_unreached(code).meaning
    return "" if meaning == code else f" ({meaning[0].lower()}{meaning[1:].rstrip('.')})"
