"""``python -m airflow_provider_exotel.commands.verify``: check a real account for what is not documented."""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.profile import Profile, account_digest
from airflow_provider_exotel.commands.environment import read_connection
from airflow_provider_exotel.commands.verify import text
from airflow_provider_exotel.commands.verify.probe import Pace, Probe
from airflow_provider_exotel.commands.verify.state import State, write_atomically
from airflow_provider_exotel.commands.verify.walk import profile, walk
from airflow_provider_exotel.connection import ExotelSettings

COMPLETE, INCOMPLETE, NOT_STARTED = 0, 1, 2
_STOP_SIGNALS = {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}


def arguments() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_exotel.commands.verify",
        description="Check a real account for what Exotel's documentation leaves open, calling only one number of your "
        "own, and write a profile that the connection can name. Works without Airflow.",
        epilog="Exit code: 0 if every check was run and nothing is left on the account, 1 if the run ended early or "
        "something is left, 2 if no check was run.",
    )
    parser.add_argument(
        "--connection",
        metavar="ID",
        required=True,
        help="read AIRFLOW_CONN_<ID> from the environment; its only_numbers must hold the number",
    )
    parser.add_argument("--number", required=True, help="a number of your own, in E.164; the only one that is called")
    parser.add_argument("--read-only", action="store_true", help="create, change and call nothing")
    parser.add_argument("--yes", action="store_true", help="start without a question")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("profile.json"),
        metavar="FILE",
        help="file for the profile (default: %(default)s); the state of the run is stored beside it until the end",
    )
    return parser


def main(given: Sequence[str] | None = None, pace: Pace | None = None) -> int:
    """Run the checks and print their results line by line.

    :param given: the command line; that of the process if None.
    :param pace: clock and sleep; the real ones if None.
    :return: the exit code.
    """
    chosen = arguments().parse_args(given)
    if chosen.out.is_dir():
        return _refuse("--out: must be a file, not a folder; give the path of a file")
    try:
        lock = _lock(chosen.out.resolve().parent)
    except BlockingIOError:
        return _refuse("--out: must not be in the folder of another run; wait until that has ended")
    except OSError as error:
        return _refuse(f"--out: cannot be written ({type(error).__name__}); give a file in a folder of yours")
    try:
        return _verify(chosen, pace)
    finally:
        os.close(lock)


def _lock(folder: Path) -> int:
    """Lock a folder for this process and return the descriptor of the lock.

    Two runs that share a state would together make more calls than are allowed.

    :raises BlockingIOError: if another process holds the lock.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _verify(chosen: argparse.Namespace, pace: Pace | None) -> int:
    try:
        settings = read_settings(chosen.connection, chosen.number, os.environ, read_only=chosen.read_only)
        number = "".join(PhoneNumbers([chosen.number]).compact())
        state = State.read(_state_file(chosen.out), account_digest(settings.host, settings.account_sid))
        state.save()
    except ExotelInputError as error:
        return _refuse("; ".join(map(str, error.problems)))
    except OSError as error:
        return _refuse(f"--out: cannot be written ({type(error).__name__}); give a file in a folder of yours")
    print(text.announcement(settings, read_only=chosen.read_only))
    if not chosen.yes and not _confirm():
        return _refuse("nothing was done; type yes, or add --yes")
    # SIGTERM and a closed terminal count as an interruption too, after which everything created is removed.
    before = {each: signal.signal(each, signal.default_int_handler) for each in _STOP_SIGNALS}
    try:
        return run(Probe(settings, number, state, pace or Pace()), chosen.out, read_only=chosen.read_only)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def run(probe: Probe, out: Path, *, read_only: bool, say: Callable[[str], None] | None = None) -> int:
    """Run the checks, write the profile and print the results.

    :param probe: the account.
    :param out: the file for the profile.
    :param read_only: run only the checks that change nothing.
    :param say: prints a line; standard output if None.
    :return: the exit code.
    """
    show = say or _print
    result = walk(probe, lambda line: show(probe.hide(line)), read_only=read_only)
    if result.left:
        show(text.leftovers(probe, result))
    known = profile(probe, _read_earlier_profile(out, probe.state.account) if read_only or result.ended else None)
    write_atomically(out, known.text())
    show("")
    # Without hide(): these texts are our own, and an id may be a run of digits that must stay complete.
    show(text.report(probe, result, known))
    show("")
    show(text.questions(probe, result, known))
    show("")
    if result.left:
        show(text.leftovers(probe, result))
    elif not result.ended and not (read_only and probe.state.is_begun):
        probe.state.remove()
    show(f"The profile is in {out}; name it in the connection's extra as profile.")
    if result.ended:
        show(f"The run ended early: {result.ended}. Run it again to continue.")
    return INCOMPLETE if result.left or result.ended else COMPLETE


def read_settings(conn_id: str, number: str, environment: Mapping[str, str], *, read_only: bool) -> ExotelSettings:
    """Return the connection if the checks may use it.

    :param conn_id: its id.
    :param number: the number to call.
    :param environment: the environment variables.
    :param read_only: whether the checks create nothing.
    :raises ExotelInputError: if it has no staging guard, or one that does not allow the number.
    """
    settings = ExotelSettings.of(read_connection(conn_id, environment))
    problems = []
    allowed = settings.guard.only_numbers
    if PhoneNumbers([number]).problems() or not number.strip().startswith("+"):
        problems.append(Problem("--number", "must be one phone number in E.164, such as +91 and ten digits"))
    if allowed is None:
        wanted = "is required, so that nobody else can be called; add your number to the connection's extra"
        problems.append(Problem("only_numbers", wanted))
    elif _digits(number) not in map(_digits, allowed):
        problems.append(Problem("--number", "must be one of the connection's only_numbers"))
    if not read_only and not settings.exophone:
        wanted = "is required on the connection; set the ExoPhone that calls, or add --read-only"
        problems.append(Problem("exophone", wanted))
    if problems:
        raise ExotelInputError(problems, f"connection {conn_id}")
    return settings


def _confirm() -> bool:
    print("Continue? Type yes: ", end="", flush=True)
    return sys.stdin.readline().strip().lower() == "yes"


def _read_earlier_profile(out: Path, account: str) -> Profile | None:
    """Return the profile of an earlier run, for answers that a read-only or interrupted run does not have."""
    try:
        found = Profile.of_text(out.read_text())
    except (OSError, ValueError):
        return None
    return found if found.account == account else None


def _state_file(out: Path) -> Path:
    return out.with_name(f"{out.name}.state")


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def _print(line: str) -> None:
    """Print a line; on standard error if the output is closed, as a pipe is after Ctrl-C."""
    try:
        print(line, flush=True)
    except OSError:
        sys.stdout = sys.stderr
        with suppress(OSError):
            print(line, flush=True)


def _refuse(why: str) -> int:
    print(f"verify: {why}", file=sys.stderr)
    return NOT_STARTED


if __name__ == "__main__":
    sys.exit(main())
