"""Run the emulator until it is stopped: ``python -m airflow_provider_exotel.emulator``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from airflow_provider_exotel.emulator.faults import Fault
from airflow_provider_exotel.emulator.profile import read_profile
from airflow_provider_exotel.emulator.settings import CHOICES, Settings

_CALLBACKS_EVERY = 1.0
# The switches that are also options.
CHOSEN = ("dialect", "accepts", "envelope", "at_end")


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_exotel.emulator",
        description="A local Exotel. Nobody is called.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0 for a free port")
    parser.add_argument(
        "--speed", type=float, default=60.0, help="seconds of dialling per real second; 0: stepped by hand"
    )
    parser.add_argument("--no-skip-waiting", action="store_true", help="wait the full time for send_at and for retries")
    parser.add_argument("--start", type=datetime.fromisoformat, help="start time of the clock, with offset")
    parser.add_argument("--seed", type=int, default=0, help="seed of the call outcomes")
    parser.add_argument(
        "--rate-limit",
        type=int,
        default=argparse.SUPPRESS,
        help="requests per minute; 0: no limit (default: the profile's, or 30)",
    )
    parser.add_argument(
        "--account-throttle", type=int, default=Settings.account_throttle, help="calls per minute of each campaign"
    )
    parser.add_argument(
        "--import-seconds",
        type=float,
        default=Settings.import_seconds,
        help="duration of an import, in seconds of dialling",
    )
    parser.add_argument("--faults", type=_faults, default=[], metavar="FILE", help="JSON, as POST /_emulator/faults")
    parser.add_argument("--profile", metavar="FILE", help="a profile from commands.verify; options take precedence")
    parser.add_argument("--reports", type=Path, metavar="FOLDER", help="folder of reports to link on the page")
    parser.add_argument("--account-sid", default="emulator")
    parser.add_argument("--api-key", default="emulator-key")
    parser.add_argument("--api-token", default="emulator-token")
    for name in CHOSEN:
        words = CHOICES[name]
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            choices=words,
            default=argparse.SUPPRESS,
            help=f"default: the profile's, or {words[0]}",
        )
    return parser


def _faults(path: str) -> list[Fault]:
    """Return the faults of a JSON file."""
    try:
        given = json.loads(Path(path).read_bytes())
        return [Fault(**each) for each in (given if isinstance(given, list) else [given])]
    except (OSError, TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{path}: cannot be read as faults; {error}") from None


def main(given: Sequence[str] | None = None) -> int:
    """Run the emulator until SIGTERM or Ctrl-C.

    :param given: the arguments; those of the process if ``None``.
    """
    chosen = arguments().parse_args(given)
    try:
        from airflow_provider_exotel.emulator import Emulator

        played = read_profile(chosen.profile) if chosen.profile else {}
        options = vars(chosen)
        rate_limit = options.get("rate_limit", played.get("rate_limit", 30))
        emulator = Emulator(
            port=chosen.port,
            seed=chosen.seed,
            speed=chosen.speed,
            start=chosen.start,
            skip_waiting=not chosen.no_skip_waiting,
            reports=chosen.reports,
            account_sid=chosen.account_sid,
            api_key=chosen.api_key,
            api_token=chosen.api_token,
            profile=played,
            rate_limit=rate_limit or None,
            account_throttle=chosen.account_throttle,
            import_seconds=chosen.import_seconds,
            **{name: options[name] for name in CHOSEN if name in options},
        )
        emulator.faults.add(*chosen.faults)
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        with emulator:
            print(f"Exotel emulator: {emulator.url}")
            print(f"AIRFLOW_CONN_EXOTEL_DEFAULT='{emulator.connection_uri}?exophone=0XXXXXX4890'", flush=True)
            while not stopped.wait(_CALLBACKS_EVERY):
                emulator.send_callbacks()
    except (ImportError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
