"""The calls of a campaign: their times and outcomes.

Nothing runs in the background. A plan is a pure function of the campaign: all calls with their times, computed once.
Counts at a time are found by bisection, so that a list of thousands of campaigns is cheap. Calls before a pause are the
same in a plan without it: an action never changes past calls.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b

OUTCOMES = ("completed", "busy", "no-answer", "failed")
RETRIED = OUTCOMES[1:]

# Shortest and longest call per outcome, in seconds.
DURATIONS = {"completed": (12, 75), "busy": (2, 5), "no-answer": (25, 35), "failed": (1, 2)}


@dataclass(frozen=True)
class Retries:
    """The retry plan of a number (Exotel, create campaign: ``retries``).

    :param extra: attempts after the first one, 0 to 3.
    :param interval: seconds from the end of a call to the next one.
    :param exponential: whether the interval doubles with each retry.
    :param on: the outcomes that are retried.
    """

    extra: int = 0
    interval: float = 0.0
    exponential: bool = False
    on: frozenset[str] = frozenset(RETRIED)

    def wait(self, attempt: int) -> float:
        """Return the seconds to wait after the ``attempt``-th attempt (1 is the first)."""
        return self.interval * (2 ** (attempt - 1) if self.exponential else 1)


@dataclass(frozen=True)
class Dialling:
    """The input of a call plan.

    :param numbers: the numbers; duplicates are called as often as listed.
    :param start: first time at which dialling is allowed, in seconds since 1970.
    :param end: first time at which dialling is not allowed any more.
    :param calls_per_minute: the throttle.
    :param weights: of the outcomes, in the order of :data:`OUTCOMES`.
    :param seed: determines, with number and attempt, the outcome.
    :param pauses: sorted periods (after, until) without dialling; the last one may be open (infinity).
    """

    numbers: tuple[str, ...] = field(repr=False)
    start: float
    end: float
    calls_per_minute: int
    retries: Retries
    weights: tuple[float, ...]
    seed: int
    pauses: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Counts:
    """Counts of numbers by state at one time; all but ``total`` add up to ``total``.

    ``untried`` numbers wait for the first call, ``dialling`` are in it, ``redialling`` are in a later one, and
    ``waiting`` wait for one. ``completed``, ``busy``, ``no_answer`` and ``failed`` are done; ``no_attempt`` will not be
    called.
    """

    total: int
    untried: int = 0
    dialling: int = 0
    redialling: int = 0
    waiting: int = 0
    completed: int = 0
    busy: int = 0
    no_answer: int = 0
    failed: int = 0
    no_attempt: int = 0

    @property
    def open(self) -> int:
        """Return the number of open numbers."""
        return self.untried + self.dialling + self.redialling + self.waiting


@dataclass(frozen=True)
class Plan:
    """All calls of a campaign in the order of their start, with the times at which each count changes.

    The call ``i`` is ``indexes[i]`` (into the numbers), ``attempts[i]``, ``outcomes[i]``, ``starts[i]``, ``ends[i]``.

    :param left: numbers still open because the window ends or a pause does not.
    :param last_end: end of the last call; the start of the window without calls.
    :param idle: periods (from, until) without calls, before the next call or the end.
    """

    total: int
    indexes: array[int] = field(repr=False)
    attempts: array[int] = field(repr=False)
    outcomes: array[int] = field(repr=False)
    starts: array[float] = field(repr=False)
    ends: array[float] = field(repr=False)
    moments: dict[str, array[float]] = field(repr=False)
    left: int
    last_end: float
    idle: tuple[tuple[float, float], ...] = field(repr=False)

    def passed(self, name: str, instant: float) -> int:
        """Return the count of ``name`` at ``instant``."""
        moments = self.moments.get(name)
        return bisect_right(moments, instant) if moments else 0

    @property
    def nothing_possible(self) -> bool:
        """Return whether all calls failed to connect."""
        failed = OUTCOMES.index("failed")
        return all(outcome == failed for outcome in self.outcomes)


def call(dialling: Dialling, number: str, copy: int, attempt: int) -> tuple[int, float]:
    """Return the outcome (index into :data:`OUTCOMES`) and the seconds of one call.

    :param copy: 0 for the first time the number occurs in the campaign, then 1, ...
    :param attempt: 1 for the first.
    """
    digest = blake2b(f"{dialling.seed}:{number}:{copy}:{attempt}".encode(), digest_size=8).digest()
    drawn = int.from_bytes(digest[:4], "big") / 2**32 * sum(dialling.weights)
    outcome = max(index for index, weight in enumerate(dialling.weights) if weight > 0)
    for index, weight in enumerate(dialling.weights):
        drawn -= weight
        if drawn < 0:
            outcome = index
            break
    shortest, longest = DURATIONS[OUTCOMES[outcome]]
    return outcome, shortest + int.from_bytes(digest[4:], "big") % (longest - shortest + 1)


def after_pauses(instant: float, pauses: tuple[tuple[float, float], ...]) -> float:
    """Return the first time from ``instant`` on that is not in a pause."""
    for begin, until in pauses:
        if begin < instant < until:
            instant = until
    return instant


def plan(dialling: Dialling) -> Plan:
    """Return all calls of a campaign.

    One call starts every 60 / ``calls_per_minute`` seconds. Due retries take precedence over uncalled numbers, so that
    the interval is kept as well as the throttle allows.
    """
    numbers, retries, gap = dialling.numbers, dialling.retries, 60.0 / dialling.calls_per_minute
    copies = _copies(numbers)
    result = Plan(len(numbers), array("l"), array("b"), array("b"), array("d"), array("d"), {}, 0, dialling.start, ())
    moments: dict[str, list[float]] = {}
    due: list[tuple[float, int, int, str]] = []
    idle: list[tuple[float, float]] = []
    fresh, settled, free_at, busy_until = 0, 0, dialling.start, dialling.start

    def happens(name: str, instant: float) -> None:
        moments.setdefault(name, []).append(instant)

    while fresh < len(numbers) or due:
        instant = free_at if fresh < len(numbers) else max(free_at, due[0][0])
        instant = after_pauses(instant, dialling.pauses)
        if instant >= dialling.end:
            break
        if due and due[0][0] <= instant:
            _, index, attempt, before = heapq.heappop(due)
            happens(f"waited {before}", instant)
        else:
            index, attempt, fresh = fresh, 1, fresh + 1
        outcome, seconds = call(dialling, numbers[index], copies[index], attempt)
        word, ends = OUTCOMES[outcome], instant + seconds
        happens("dial" if attempt == 1 else "redial", instant)
        happens("dialled" if attempt == 1 else "redialled", ends)
        if word in retries.on and attempt <= retries.extra:
            heapq.heappush(due, (ends + retries.wait(attempt), index, attempt + 1, word))
            happens(f"waiting {word}", ends)
        else:
            settled += 1
            happens(f"final {word}", ends)
        for column, value in ((result.indexes, index), (result.attempts, attempt), (result.outcomes, outcome)):
            column.append(value)
        result.starts.append(instant)
        result.ends.append(ends)
        if instant > busy_until:
            idle.append((busy_until, instant))
        busy_until, free_at = max(busy_until, ends), instant + gap

    left = len(numbers) - settled
    if left and busy_until < dialling.end:
        idle.append((busy_until, dialling.end))
    ordered = {name: array("d", sorted(instants)) for name, instants in moments.items()}
    return Plan(
        result.total,
        result.indexes,
        result.attempts,
        result.outcomes,
        result.starts,
        result.ends,
        ordered,
        left,
        busy_until,
        tuple(idle),
    )


def _copies(numbers: tuple[str, ...]) -> list[int]:
    """Return the number of earlier occurrences of each number."""
    seen: Counter[str] = Counter()
    copies = []
    for number in numbers:
        copies.append(seen[number])
        seen[number] += 1
    return copies


def counts(calls: Plan, instant: float, *, ended: bool) -> Counts:
    """Return the counts at a time.

    :param calls: the plan.
    :param instant: seconds since 1970.
    :param ended: whether the campaign is over: then open numbers have failed, except calls in progress.
    """
    passed = calls.passed
    waiting = {word: passed(f"waiting {word}", instant) - passed(f"waited {word}", instant) for word in RETRIED}
    final = {word: passed(f"final {word}", instant) + (waiting.get(word, 0) if ended else 0) for word in OUTCOMES}
    untried = calls.total - passed("dial", instant)
    return Counts(
        total=calls.total,
        untried=0 if ended else untried,
        dialling=passed("dial", instant) - passed("dialled", instant),
        redialling=passed("redial", instant) - passed("redialled", instant),
        waiting=0 if ended else sum(waiting.values()),
        completed=final["completed"],
        busy=final["busy"],
        no_answer=final["no-answer"],
        failed=final["failed"],
        no_attempt=untried if ended else 0,
    )
