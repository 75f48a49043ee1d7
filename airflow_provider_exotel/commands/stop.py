"""``python -m airflow_provider_exotel.commands.stop``: pause every campaign of an account, without Airflow."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from airflow_provider_exotel.client.errors import ExotelError, ExotelInputError
from airflow_provider_exotel.commands.environment import emergency_client, read_connection
from airflow_provider_exotel.connection import ExotelSettings
from airflow_provider_exotel.connection_form import DEFAULT_CONNECTION_ID
from airflow_provider_exotel.waiting.emergency_stop import MAY_BE_RESUMED, pause_all

PAUSED, NOT_PAUSED, NOT_STARTED = 0, 1, 2


def arguments() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_exotel.commands.stop",
        description="Pause every campaign of an account that dials or is going to dial. Live calls finish; nothing is "
        "deleted, and each campaign can be resumed. Works without Airflow.",
        epilog="Exit code: 0 if all are paused, 1 if one could not be paused, 2 if nothing was attempted.",
    )
    parser.add_argument(
        "--connection",
        metavar="ID",
        default=DEFAULT_CONNECTION_ID,
        help="read AIRFLOW_CONN_<ID> from the environment (default: %(default)s)",
    )
    parser.add_argument("--name-starts", metavar="TEXT", default="", help="only campaigns whose name starts with TEXT")
    parser.add_argument("--yes", action="store_true", help="pause without a question")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Pause the campaigns and print one line for each.

    :param given: the command line; that of the process if None.
    :return: the exit code.
    """
    chosen = arguments().parse_args(given)
    try:
        settings = ExotelSettings.of(read_connection(chosen.connection, os.environ))
    except ExotelInputError as error:
        return _refuse("; ".join(map(str, error.problems)))
    which = f"whose name starts with {chosen.name_starts!r} " if chosen.name_starts else ""
    what = f"every campaign {which}that may dial, of account {settings.account_sid} at {settings.host}"
    if not chosen.yes and not sys.stdin.isatty():
        return _refuse(f"this would pause {what}; add --yes")
    if not chosen.yes and input(f"Pause {what}? Type yes: ").strip().lower() != "yes":
        return _refuse("nothing was paused")
    return _pause(settings, chosen.name_starts)


def _pause(settings: ExotelSettings, name_starts: str) -> int:
    paused = failed = 0
    try:
        with emergency_client(settings) as client:
            for campaign, error in pause_all(client, datetime.now(UTC), name_starts=name_starts):
                paused, failed = paused + (error is None), failed + (error is not None)
                print(f"{'paused' if error is None else 'NOT PAUSED'}: {campaign.id} {campaign.name!r}", flush=True)
                if error is not None:
                    print(f"  {error}", file=sys.stderr, flush=True)
    except ExotelError as error:
        failed += 1
        print(f"The list of campaigns could not be read completely: {error}", file=sys.stderr)
    print(f"{paused} paused, {failed} failed.")
    print(MAY_BE_RESUMED, file=sys.stderr)
    return NOT_PAUSED if failed else PAUSED


def _refuse(why: str) -> int:
    print(f"stop: {why}", file=sys.stderr)
    return NOT_STARTED


if __name__ == "__main__":
    sys.exit(main())
