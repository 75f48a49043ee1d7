"""Random faults and killed workers, over real HTTP: does each key get exactly one campaign?

``make chaos`` runs 2,000 seeded trials of three ways to create a campaign from a task that is retried: posting and
returning its id, Airflow's ``ResumableJobMixin`` as documented, and this provider's protocol.

One trial is one task. Faults of the service and kills of the worker between any two steps are random. On Airflow 3.3,
tries may also be believed dead and continue beside the next one. The list shows campaigns late, by reads or by minutes,
out of order, on small pages or without its later pages, or loses other campaigns while it is read. Tries follow until
one succeeds, and then one more, as after a clear. Time is the emulator's, so that waiting takes no real time.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelError, ExotelOutcomeUnknown
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.create.identity import CampaignIdentity, identify
from airflow_provider_exotel.emulator import Emulator, Fault

from .ways import NUMBERS, READ_TIMEOUT, WAYS, Died, Reaper, Superseded, Worker, once, resumable

TRIES = 12


@dataclass(frozen=True)
class Trial:
    """The result of one task.

    :param campaigns: how many campaigns call its people after the task has succeeded.
    :param after_clear: how many after one more try, as if the task was cleared.
    :param succeeded: whether a try succeeded in the end.
    :param counted: counts of unknown outcomes, of killed workers, of tries superseded while they ran, and of discarded
        intents.
    :param same: whether the try after the last one got the same campaign.
    """

    campaigns: int
    after_clear: int
    succeeded: bool
    counted: Mapping[str, int]
    same: bool

    @property
    def duplicates(self) -> int:
        """The number of campaigns beyond one."""
        return max(0, self.campaigns - 1)

    @property
    def lost(self) -> bool:
        """Whether nobody is called although the task succeeded, or the task never succeeded."""
        return not self.succeeded or self.campaigns == 0

    @property
    def is_right(self) -> bool:
        """Whether there is exactly one campaign, and every later try follows it."""
        return self.succeeded and self.campaigns == self.after_clear == 1 and self.same


def run_trial(emulator: Emulator, way: Callable[[Worker, CampaignIdentity], str], seed: int) -> Trial:
    """Run one task to its end, and once more."""
    chance = random.Random(seed)
    identity = identify("emulator", None, dag_id="chaos", run_id=str(seed), task_id="create")
    lasting = chance.random() < 0.7 or way is resumable
    others = spoil(emulator, chance)
    store: dict[str, Any] = {}
    ids: list[str] = []
    counted: Counter[str] = Counter()

    def attempt(number: int, reaper: Reaper, superseded_by: Callable[[], None] | None = None) -> None:
        going = [others.pop()] if others and chance.random() < 0.3 else []
        worker = Worker(emulator, store, reaper, number, lasting, going)
        if superseded_by is not None:

            def take_over() -> None:
                counted["overlaps"] += 1
                superseded_by()
                worker.superseded = True

            reaper.strike = take_over
        try:
            ids.append(way(worker, identity))
        except Died:
            counted["deaths"] += 1
        except ExotelOutcomeUnknown:
            counted["unknowns"] += 1
        except (ExotelError, Superseded):
            pass

    campaigns = 0
    for number in range(1, TRIES + 1):
        recovered = number > TRIES - 4
        if recovered:  # in the end the service recovers, and no worker is killed
            emulator.faults.clear()
        emulator.settings.update(SEEN_WHOLE if recovered or chance.random() < 0.7 else chance.choice(NOT_SEEN_WHOLE))
        reaper = Reaper(chance.randint(1, 9) if chance.random() < 0.5 and not recovered else 0)
        overlaps = lasting and chance.random() < 0.2
        attempt(number, reaper, partial(attempt, number + 1, Reaper(0)) if overlaps else None)
        if ids and campaigns:
            break
        campaigns = living(emulator, identity) if ids else 0
        counted["discarded"] += way is once and discard(store, chance)
        emulator.clock.advance(chance.choice([0, 1, 10, 60, 300]))
    after_clear = living(emulator, identity)
    return Trial(campaigns, after_clear, bool(campaigns), counted, len(set(ids)) <= 1)


def discard(store: dict[str, Any], chance: random.Random) -> bool:
    """Discard the state of a task at times, as Airflow 3.4 does for a clear; return whether an intent was in it."""
    has_intent = "posted_before" in store.get("journal", {})
    if chance.random() < 0.2:
        store.clear()
        return has_intent
    return False


def living(emulator: Emulator, identity: CampaignIdentity) -> int:
    """Return the number of campaigns that call the people of a trial."""
    return sum(identity.matches(state.name) and state.status != "deleted" for state in emulator.campaigns)


SEEN_WHOLE = {"list_offset": "asked", "list_later_pages": "full", "list_id": "id"}
NOT_SEEN_WHOLE = [
    SEEN_WHOLE | {"list_sort": "ignored", name: value}
    for name, value in (
        ("list_offset", "ignored"),
        ("list_later_pages", "empty"),
        ("list_later_pages", "null"),
        ("list_id", "sid"),
    )
]


def spoil(emulator: Emulator, chance: random.Random) -> list[str]:
    """Add random faults to the service, and return others' campaigns that may be deleted."""
    emulator.reset()
    emulator.settings.update(SEEN_WHOLE)
    others = old_campaigns(emulator) if chance.random() < 0.5 else []
    emulator.settings.update(
        {
            "list_sort": chance.choice(["asked", "asked", "ignored"]),
            "list_metadata": chance.random() < 0.7,
            "list_page": chance.choice([4, 500]),
            "list_delay_reads": chance.choice([0, 0, 0, 1, 2, 3]),
            "list_delay_seconds": chance.choice([0.0, 0.0, 1.0, 20.0, 100.0]),
            "dialect": chance.choice(["documented", "wrapped"]),
            "accepts": chance.choice(["both", "both", "documented", "wrapped"]),
        }
    )
    emulator.faults.add(*(fault(chance) for _ in range(chance.choice([0, 1, 1, 2, 3, 5]))))
    return others


def old_campaigns(emulator: Emulator, count: int = 12) -> list[str]:
    """Create one scheduled campaign per day, and return their ids."""
    key, bucket = (emulator.api_key, emulator.api_token, emulator.account_sid, emulator.host), TokenBucket(1_000_000)
    later = emulator.clock.now().replace(microsecond=0) + timedelta(days=365)
    fields = {"numbers": NUMBERS, "caller_id": "0XXXXXX4890", "schedule": {"send_at": later}}
    ids = []
    with ExotelClient(*key, bucket=bucket) as client:
        for number in range(count):
            ids.append(client.create_campaign(CampaignRequest(**fields, name=f"Other {number}")).id)
            emulator.clock.advance(24 * 3600)
    return ids


def fault(chance: random.Random) -> Fault:
    """Return a random fault."""
    on = chance.choice(["POST campaigns", "POST campaigns", "POST campaigns", "GET campaigns", "GET campaigns/*"])
    kind, options = chance.choice(
        [
            ("drop_before_commit", {}),
            ("drop_after_commit", {}),
            ("html_5xx", {"stage": "before"}),
            ("html_5xx", {"stage": "after", "status": 504}),
            ("status", {"status": 500, "stage": "after"}),
            ("status", {"status": 503, "stage": "before"}),
            ("cut_body", {}),
            ("empty_body", {}),
            ("rate_limited", {"times": chance.randint(1, 6)}),
            ("delay", {"stage": "after", "seconds": 2 * READ_TIMEOUT}),
        ]
    )
    return Fault(on=on, kind=kind, after=chance.choice([0, 0, 0, 1, 2]), **{"times": 1, **options})  # type: ignore[arg-type]


def main() -> int:
    """Run the trials, show the results, and return whether this provider passed all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--only", choices=WAYS, help="only this way")
    chosen = parser.parse_args()
    console = Console(width=124)
    logging.disable()
    counts = ("unknowns", "deaths", "overlaps", "discarded")
    heads = (
        "",
        "trials",
        "campaigns",
        "duplicates",
        "per 1,000",
        "more by a clear",
        "losses",
        *counts,
    )
    table = Table(*heads)
    columns = (TextColumn("{task.description:18}"), BarColumn(30), MofNCompleteColumn(), TimeRemainingColumn())
    wrong: list[int] = []
    with Emulator(seed=1, rate_limit=None) as emulator, Progress(*columns, console=console) as progress:
        for title, way in WAYS.items():
            if chosen.only not in {None, title}:
                continue
            seeds = range(chosen.seed, chosen.seed + chosen.trials)
            trials = {seed: run_trial(emulator, way, seed) for seed in progress.track(seeds, description=title)}
            done = trials.values()
            duplicates = sum(trial.duplicates for trial in done)
            figures = (
                len(done),
                sum(trial.campaigns for trial in done),
                duplicates,
                round(duplicates * 1000 / len(done)),
                sum(trial.after_clear - trial.campaigns for trial in done),
                sum(trial.lost for trial in done),
                *(sum(trial.counted[name] for trial in done) for name in counts),
            )
            table.add_row(title, *(f"{figure:,}" for figure in figures))
            if way is once:
                wrong = [seed for seed, trial in trials.items() if not trial.is_right]
    console.print(table)
    if wrong:
        console.print(f"Not right: seeds {', '.join(map(str, wrong[:20]))}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
