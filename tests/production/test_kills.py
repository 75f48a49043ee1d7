"""Whatever part of Airflow is killed, each task gets exactly one campaign and nobody is called twice."""

from __future__ import annotations

from collections import Counter

from .clients import until
from .made_up import KILLS, kill_audience
from .stack import Stack

# What is killed, and after how many campaigns; the last are killed while campaigns are waited for.
BLOWS = {3: "worker-1", 6: "scheduler", 9: "redis", 13: "postgres"}
WAITING = "triggerer-1"


def test_twenty_campaigns_while_every_part_is_killed(stack: Stack) -> None:
    exotel = stack.accounts["kills"]
    # Long enough for a worker to die between the order and its answer.
    exotel.ask("faults", {"on": "POST campaigns", "kind": "delay", "stage": "after", "seconds": 2, "times": None})

    run = stack.airflow.start("kills")
    for campaigns, part in BLOWS.items():
        until(lambda campaigns=campaigns: len(exotel.campaigns()) >= campaigns)
        stack.parts.kill(part)
    until(lambda: stack.triggers_started(run) > 0)
    stack.parts.kill(WAITING)
    until(lambda: sum(run.states("call")[state] for state in ("deferred", "success")) == KILLS)
    exotel.ask("clock/advance", {"seconds": 3600})

    assert run.ends() == "success"
    assert Counter(name_of(one) for one in exotel.campaigns()) == {f"kill {index:02}": 1 for index in range(KILLS)}
    assert exotel.statuses() == {"completed": KILLS}
    calls = Counter(number for one in exotel.called() for number in one["numbers"])
    assert calls == Counter(number for index in range(KILLS) for number in kill_audience(index))


def name_of(campaign: dict[str, str]) -> str:
    return campaign["name"].partition(" af-")[0]
