"""What cleaning a million numbers costs, beside asking libphonenumber about each; and whether the verdicts agree.

Budget: normalising, checking and deduplicating is at least 12 times faster. libphonenumber is timed on a sample and
counted per number; both run in the same process, and the sample before and after, since the machine has other work too.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import phonenumbers

from airflow_provider_exotel.audience.suppression import number_key
from airflow_provider_exotel.contacts.normalise import normalise
from airflow_provider_exotel.contacts.rejection import Reason

Result = TypeVar("Result")
COUNT, SAMPLE, BATCH, BUDGET = 1_000_000, 50_000, 1_024, 12
SPELLINGS = ("+91{0}{1}", "91{0}{1}", "{0}{1}", "0{0}{1}", "0091{0}{1}", "+91 {0} {1}", "+91-{0}-{1}", "({0}) {1}")
# One in a hundred each: what is left to libphonenumber, what is no number, what a spreadsheet did.
ODD = ("+6590001{0:.3}", "+1 202 555 0{1:.3}", "0000{0}{1}", "n/a", "91{0}{1}.0", "{0}.{1}")


def main() -> None:
    """Measure and print; exit with an error if the budget is missed or a verdict differs."""
    numbers = list(audience(random.Random(1)))
    sample = numbers[:SAMPLE]
    ask_each(sample[:100]), normalise(sample[:100], "IN")  # what is loaded at first use is no cost of a number

    before, expected = timed(lambda: ask_each(sample))
    took, people = timed(lambda: clean(numbers))
    after, _ = timed(lambda: ask_each(sample))

    verdicts = [None if isinstance(verdict, Reason) else verdict for verdict in normalise(sample, "IN")]
    differ = sum(ours != theirs for ours, theirs in zip(verdicts, expected, strict=True))
    theirs, ours = (before + after) / 2 / SAMPLE, took / COUNT
    print(f"libphonenumber, a number  {theirs * 1e6:6.2f} µs  (sample of {SAMPLE:,})")
    print(f"normalise and deduplicate {ours * 1e6:6.2f} µs  ({COUNT:,} numbers, {people:,} people)")
    print(f"verdicts that differ      {differ:6}     (of {SAMPLE:,})")
    print(f"ratio                     {theirs / ours:6.1f}     (budget {BUDGET})")
    sys.exit(differ > 0 or theirs / ours < BUDGET)


def audience(dice: random.Random) -> Iterable[str]:
    """Yield numbers as people write them, all made up; about one in twenty comes again."""
    for position in range(COUNT):
        subscriber = f"{dice.randrange(6, 10)}{dice.randrange(COUNT * 100):09}"
        if dice.random() < 0.05:
            subscriber = f"9{position % 40_000:09}"
        spelling = dice.choice(ODD if position % 100 == 0 else SPELLINGS)
        yield spelling.format(subscriber[:5], subscriber[5:])


def clean(numbers: list[str]) -> int:
    """Return how many different people are behind the numbers."""
    people: set[int | str] = set()
    for start in range(0, len(numbers), BATCH):
        verdicts = normalise(numbers[start : start + BATCH], "IN")
        people.update([number_key(verdict) for verdict in verdicts if not isinstance(verdict, Reason)])
    return len(people)


def ask_each(numbers: list[str]) -> list[str | None]:
    """Return what libphonenumber makes of each number; where a fraction stands, of the number without it."""
    verdicts: list[str | None] = []
    for number in numbers:
        try:
            parsed = phonenumbers.parse(number.removesuffix(".0"), "IN")
        except phonenumbers.NumberParseException:
            verdicts.append(None)
            continue
        valid = phonenumbers.is_valid_number(parsed)
        e164 = phonenumbers.PhoneNumberFormat.E164
        verdicts.append(phonenumbers.format_number(parsed, e164) if valid else None)
    return verdicts


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return the seconds some work takes, and its result."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


if __name__ == "__main__":
    main()
