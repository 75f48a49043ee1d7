"""Walks the table: one check after the other, whatever the service does, and cleans up in any case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_exotel.client.errors import ExotelAuthError, ExotelError
from airflow_provider_exotel.client.profile import Profile, profile_of
from airflow_provider_exotel.commands.verify.check import Check
from airflow_provider_exotel.commands.verify.cleanup import clean_up
from airflow_provider_exotel.commands.verify.finding import Finding, NotTold
from airflow_provider_exotel.commands.verify.probe import Probe, is_refusal
from airflow_provider_exotel.commands.verify.state import Made
from airflow_provider_exotel.commands.verify.table import CHECKS, NOT_TOLD, ORDER, READ_ONLY

LONGEST_WALK = 45 * 60.0
"""Seconds after which no further check is begun."""
_MOST_WITHOUT_ANSWER = 4
"""After so many checks in a row without a usable answer the walk ends."""
_FIRST = "access"


@dataclass
class Walk:
    """What a walk has come to.

    :param open: why a check has no answer, by its id.
    :param left: what was created and is still there.
    :param ended: why the walk ended early, empty if it did not.
    """

    open: dict[str, str] = field(default_factory=dict)
    left: list[Made] = field(default_factory=list)
    ended: str = ""


def walk(probe: Probe, say: Callable[[str], None], *, read_only: bool = False) -> Walk:
    """Ask every question that is not answered yet, and remove what was created for it.

    :param probe: the account.
    :param say: prints a line.
    :param read_only: ask only what changes nothing; what an earlier run left is named and not removed.
    """
    result = Walk()
    try:
        _take_over(probe, say, read_only=read_only)
        _ask_all(probe, say, READ_ONLY if read_only else ORDER, result)
    except KeyboardInterrupt:
        result.ended = "it was interrupted"
    except Exception as error:  # such as a full disk: what was created is removed all the same
        result.ended = f"it failed ({type(error).__name__})"
    try:
        if not read_only:
            _clean_up(probe, say)
    except KeyboardInterrupt:
        result.ended = "it was interrupted twice"
    except Exception as error:  # what is left is named all the same
        result.ended = f"the removal failed ({type(error).__name__})"
    with suppress(OSError):
        probe.state.save()
    result.left = [one for one in probe.state.made if not one.gone]
    return result


def profile(probe: Probe, earlier: Profile | None = None) -> Profile:
    """Return the profile of all that is known.

    :param probe: the account.
    :param earlier: a profile of the same account, whose answers stand where this run has none.
    """
    answers: dict[str, Any] = (earlier.answers() if earlier else {}) | probe.headers
    for check in CHECKS:
        answers |= probe.state.found.get(check.id, {}).get("known", {})
    day = probe.pace.now().date().isoformat()
    settings = probe.settings
    return profile_of(answers, host=settings.host, account_sid=settings.account_sid, checked_on=day)


def _clean_up(probe: Probe, say: Callable[[str], None]) -> None:
    say("Removing what was created ..." if probe.state.made else "Nothing was created.")
    try:
        clean_up(probe, say)
    except OSError:  # the state cannot be written; what is on the account matters more
        probe.state.path = None
        clean_up(probe, say)


def _take_over(probe: Probe, say: Callable[[str], None], *, read_only: bool) -> None:
    """Remove what an earlier run left, and say what it answered."""
    clean_before = [one for one in probe.state.made if not one.gone]
    if clean_before and not read_only:
        say(f"Removing {len(clean_before)} things that an earlier run left ...")
        clean_up(probe, say)
    if answered := sum("answer" in one for one in probe.state.found.values()):
        say(f"{answered} checks were answered by an earlier run and are not asked again.")


def _ask_all(probe: Probe, say: Callable[[str], None], order: Iterable[Check], result: Walk) -> None:
    begun, in_a_row = probe.pace.clock(), 0
    number = {check.id: place for place, check in enumerate(CHECKS, 1)}
    for check in order:
        if "answer" in probe.state.found.get(check.id, {}):
            continue
        if probe.pace.clock() - begun > LONGEST_WALK:
            result.ended = "it took 45 minutes"
            return
        head = f"[{number[check.id]:>2}/{len(CHECKS)}] {check.id}"
        try:
            finding = check.run(probe)
        except OSError:  # the state could not be written
            raise
        except Exception as error:  # whatever an answer makes of a check, the others are asked
            reason = _keep_open(probe, check, error)
            if result.open.get(check.id) != reason:
                say(f"{head}: not told: {reason}")
            result.open[check.id] = reason
            is_told = isinstance(error, NotTold) or (isinstance(error, ExotelError) and is_refusal(error))
            in_a_row = 0 if is_told else in_a_row + 1
            if check.id == _FIRST and isinstance(error, ExotelAuthError):
                result.ended = "the account does not let this connection in"
                return
            if in_a_row >= _MOST_WITHOUT_ANSWER:
                result.ended = f"{in_a_row} checks in a row had no usable answer"
                return
        else:
            in_a_row = 0
            result.open.pop(check.id, None)
            _keep(probe, check, finding)
            say(f"{head}: {finding.answer} -> the client: {finding.client}")


def _keep(probe: Probe, check: Check, finding: Finding) -> None:
    probe.state.found[check.id] = {
        "answer": finding.answer,
        "client": finding.client,
        "known": dict(finding.known),
    }
    probe.state.save()


def _keep_open(probe: Probe, check: Check, error: Exception) -> str:
    if isinstance(error, NotTold):
        if error.known:
            probe.state.found[check.id] = {"known": error.known}
            probe.state.save()
        return error.reason
    if not isinstance(error, ExotelError):
        return f"no usable answer ({type(error).__name__})"
    status = f", HTTP {error.http_status}" if error.http_status else ""
    return f"{'refused' if is_refusal(error) else 'no usable answer'} ({type(error).__name__}{status})"


def fields_not_told(known: Profile) -> dict[str, str]:
    """Return the answers that a profile lacks and no check could be sure to give, and why."""
    answers = known.answers()
    return {name: why for name, why in NOT_TOLD.items() if name not in answers}
