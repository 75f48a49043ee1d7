"""A file of 30,000 people on S3: each is called once, though every step is killed in its middle."""

from __future__ import annotations

from collections import Counter
from typing import Any

import psutil

from .clients import Run, until
from .made_up import people_of_the_file
from .stack import Stack

DELAY = {"kind": "delay", "stage": "after", "seconds": 10}
STEPS = {
    # A step, and a request of it: its answer is held back, so that the step is killed before it comes.
    "upload": "POST contacts/csv-upload",
    "report": "GET campaigns/*/call-details",
}


def test_thirty_thousand_people_though_every_step_is_killed(stack: Stack) -> None:
    exotel = stack.accounts["audience"]
    exotel.ask("faults", [{"on": request, **DELAY} for request in STEPS.values()])

    run = stack.airflow.start("audience")
    kill_process(run, "plan")
    for task_id, request in STEPS.items():
        until(lambda request=request: not any(fault["on"] == request for fault in exotel.ask("faults")))
        kill_process(run, task_id)

    assert run.ends() == "success"
    assert {one["task_id"] for one in run.tasks() if one["try_number"] > 1} == {"plan", *STEPS}
    calls = Counter(number for one in exotel.called() for number in one["numbers"])
    assert calls == Counter(people_of_the_file())


def kill_process(run: Run, task_id: str) -> None:
    """Kill the process of a task, as the kernel does where memory is short."""

    def running() -> list[Any]:
        return [one for one in run.tasks(task_id) if one["state"] == "running" and one["pid"]]

    [task] = until(running)[:1]
    psutil.Process(task["pid"]).kill()
