"""Runs the checks one after the other, whatever the service does, and always cleans up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_exotel.client.errors import ExotelAuthError, ExotelError
from airflow_provider_exotel.client.profile import Profile, profile_of
from airflow_provider_exotel.commands.verify.check import Check
from airflow_provider_exotel.commands.verify.cleanup import clean_up
from airflow_provider_exotel.commands.verify.finding import Finding, Inconclusive
from airflow_provider_exotel.commands.verify.probe import Probe, is_refusal
from airflow_provider_exotel.commands.verify.state import CreatedItem
from airflow_provider_exotel.commands.verify.table import CHECKS, MAY_STAY_UNKNOWN, ORDER, READ_ONLY

LONGEST_WALK = 45 * 60.0
"""Seconds after which no further check is started."""
_MOST_WITHOUT_ANSWER = 4
"""The run ends after this many checks in a row without a usable answer."""
_FIRST = "access"


@dataclass
class WalkResult:
    """The result of a run.

    :param unanswered: the reason why a check has no answer, by its id.
    :param left: created items that still exist.
    :param ended: the reason why the run ended early, empty if it did not.
    """

    unanswered: dict[str, str] = field(default_factory=dict)
    left: list[CreatedItem] = field(default_factory=list)
    ended: str = ""


def walk(probe: Probe, say: Callable[[str], None], *, read_only: bool = False) -> WalkResult:
    """Run every check that has no answer yet, and remove everything that was created.

    :param probe: the account.
    :param say: prints a line.
    :param read_only: run only checks that change nothing; items left by an earlier run are named but not removed.
    """
    result = WalkResult()
    try:
        _continue_earlier_run(probe, say, read_only=read_only)
        _run_checks(probe, say, READ_ONLY if read_only else ORDER, result)
    except KeyboardInterrupt:
        result.ended = "it was interrupted"
    except Exception as error:  # such as a full disk; the items are removed all the same
        result.ended = f"it failed ({type(error).__name__})"
    try:
        if not read_only:
            _clean_up(probe, say)
    except KeyboardInterrupt:
        result.ended = "it was interrupted twice"
    except Exception as error:  # the remaining items are named all the same
        result.ended = f"the removal failed ({type(error).__name__})"
    with suppress(OSError):
        probe.state.save()
    result.left = [one for one in probe.state.made if not one.gone]
    return result


def profile(probe: Probe, earlier: Profile | None = None) -> Profile:
    """Return the profile with all known answers.

    :param probe: the account.
    :param earlier: a profile of the same account, for answers that this run does not have.
    """
    answers: dict[str, Any] = (earlier.answers() if earlier else {}) | probe.headers
    for check in CHECKS:
        answers |= probe.state.found.get(check.id, {}).get("known", {})
    day = probe.pace.now().date().isoformat()
    settings = probe.settings
    return profile_of(answers, host=settings.host, account_sid=settings.account_sid, checked_on=day)


def _clean_up(probe: Probe, say: Callable[[str], None]) -> None:
    say("Removing everything that was created ..." if probe.state.made else "Nothing was created.")
    try:
        clean_up(probe, say)
    except OSError:  # the state cannot be written, but the removal matters more
        probe.state.path = None
        clean_up(probe, say)


def _continue_earlier_run(probe: Probe, say: Callable[[str], None], *, read_only: bool) -> None:
    """Remove the items left by an earlier run, and report the number of its answers."""
    left = [one for one in probe.state.made if not one.gone]
    if left and not read_only:
        say(f"Removing {len(left)} items left by an earlier run ...")
        clean_up(probe, say, briefly=True)
    if answered := sum("answer" in one for one in probe.state.found.values()):
        say(f"{answered} checks were answered by an earlier run and are not run again.")


def _run_checks(probe: Probe, say: Callable[[str], None], order: Iterable[Check], result: WalkResult) -> None:
    started, in_a_row = probe.pace.clock(), 0
    number = {check.id: place for place, check in enumerate(CHECKS, 1)}
    for check in order:
        if "answer" in probe.state.found.get(check.id, {}):
            continue
        if probe.pace.clock() - started > LONGEST_WALK:
            result.ended = "it took 45 minutes"
            return
        head = f"[{number[check.id]:>2}/{len(CHECKS)}] {check.id}"
        try:
            finding = check.run(probe)
        except OSError:  # the state could not be written
            raise
        except Exception as error:  # whatever an answer does to one check, the others still run
            reason = _record_failure(probe, check, error)
            if result.unanswered.get(check.id) != reason:
                say(f"{head}: no answer: {reason}")
            result.unanswered[check.id] = reason
            is_usable = isinstance(error, Inconclusive) or (isinstance(error, ExotelError) and is_refusal(error))
            in_a_row = 0 if is_usable else in_a_row + 1
            if check.id == _FIRST and isinstance(error, ExotelAuthError):
                result.ended = "the account refuses this connection"
                return
            if in_a_row >= _MOST_WITHOUT_ANSWER:
                result.ended = f"{in_a_row} checks in a row had no usable answer"
                return
        else:
            in_a_row = 0
            result.unanswered.pop(check.id, None)
            _record_finding(probe, check, finding)
            say(f"{head}: {finding.answer} -> the client: {finding.client}")


def _record_finding(probe: Probe, check: Check, finding: Finding) -> None:
    probe.state.found[check.id] = {
        "answer": finding.answer,
        "client": finding.client,
        "known": dict(finding.known),
    }
    probe.state.save()


def _record_failure(probe: Probe, check: Check, error: Exception) -> str:
    if isinstance(error, Inconclusive):
        if error.known:
            probe.state.found[check.id] = {"known": error.known}
            probe.state.save()
        return error.reason
    if not isinstance(error, ExotelError):
        return f"no usable answer ({type(error).__name__})"
    status = f", HTTP {error.http_status}" if error.http_status else ""
    return f"{'refused' if is_refusal(error) else 'no usable answer'} ({type(error).__name__}{status})"


def unknown_answers(known: Profile) -> dict[str, str]:
    """Return the answers missing in a profile that no check can guarantee, and why they may be missing."""
    answers = known.answers()
    return {name: why for name, why in MAY_STAY_UNKNOWN.items() if name not in answers}
