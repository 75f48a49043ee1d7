"""How the scenarios talk to the stack: Airflow's public API, the control paths of an emulator, object storage."""

from __future__ import annotations

import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import requests

ANSWERS_WITHIN = 60
HAPPENS_WITHIN = 900.0
COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
Seen = TypeVar("Seen")


def until(what: Callable[[], Seen], *, within: float = HAPPENS_WITHIN) -> Seen:
    """Wait until something is so and return it; a stack of which parts are killed does not always answer.

    :param what: is asked until its answer is true.
    :param within: seconds; far more than it takes.
    """
    ends = time.monotonic() + within
    while True:
        seen = None
        with suppress(requests.RequestException):
            seen = what()
        if seen:
            return seen
        if time.monotonic() > ends:
            raise AssertionError(f"did not happen within {within:.0f} s; last seen: {seen!r}")
        time.sleep(1)


def answer(method: str, address: str, body: Any = None) -> Any:
    """Return the JSON of an answer.

    :raises requests.RequestException: for no answer, or an error.
    """
    got = requests.request(method, address, json=body, timeout=ANSWERS_WITHIN)
    got.raise_for_status()
    return got.json() if got.content else None


@dataclass(frozen=True)
class Run:
    """One run of a DAG, over Airflow's public API.

    :param address: of the API.
    """

    address: str
    dag_id: str
    run_id: str

    def ask(self, method: str, path: str = "", body: Any = None) -> Any:
        return answer(method, f"{self.address}/dags/{self.dag_id}/dagRuns/{quote(self.run_id, safe='')}{path}", body)

    def state(self) -> str:
        return str(self.ask("GET")["state"])

    def ends(self, within: float = HAPPENS_WITHIN) -> str:
        """Wait for its end and return how it ended."""
        return until(lambda: state if (state := self.state()) in {"success", "failed"} else "", within=within)

    def tasks(self, task_id: str | None = None) -> list[Any]:
        """Return its task instances, at most 100."""
        found = self.ask("GET", "/taskInstances?limit=100")["task_instances"]
        return [one for one in found if task_id in {None, one["task_id"]}]

    def states(self, task_id: str | None = None) -> Counter[str]:
        return Counter(str(one["state"]) for one in self.tasks(task_id))

    def xcom(self, task_id: str, key: str = "return_value") -> Any:
        return self.ask("GET", f"/taskInstances/{task_id}/xcomEntries/{key}?deserialize=true")["value"]

    def mark(self, state: str) -> None:
        """Mark the whole run failed or success, as a person does."""
        self.ask("PATCH", body={"state": state})

    def mark_task(self, task_id: str, state: str) -> None:
        """Mark one task failed or success, as a person does."""
        self.ask("PATCH", f"/taskInstances/{task_id}", {"new_state": state})

    def clear(self, task_id: str) -> None:
        """Clear one task, as a person does."""
        body = {"dry_run": False, "dag_run_id": self.run_id, "task_ids": [task_id], "only_failed": False}
        answer("POST", f"{self.address}/dags/{self.dag_id}/clearTaskInstances", body)


@dataclass(frozen=True)
class Airflow:
    """Airflow, over its public API.

    :param address: of the API server.
    """

    address: str

    @property
    def api(self) -> str:
        return f"{self.address}/api/v2"

    def is_healthy(self) -> bool:
        health = answer("GET", f"{self.api}/monitor/health")
        return all(health[name]["status"] == "healthy" for name in COMPONENTS)

    def start(self, dag_id: str, **conf: str) -> Run:
        """Start a run, once the DAG has been read."""
        body = {"logical_date": None, "conf": conf}
        run = until(lambda: answer("POST", f"{self.api}/dags/{dag_id}/dagRuns", body))
        return Run(self.api, dag_id, run["dag_run_id"])

    def heartbeats(self) -> dict[int, str]:
        """Return the last heartbeat of each triggerer that runs, by the number of its job."""
        jobs = answer("GET", f"{self.api}/jobs?job_type=TriggererJob&job_state=running&limit=100")["jobs"]
        return {one["id"]: one["latest_heartbeat"] for one in jobs}


@dataclass(frozen=True)
class LocalExotel:
    """An emulator in its own process, over its control paths."""

    address: str
    api_key: str
    api_token: str = field(repr=False)
    account_sid: str = "team"

    @property
    def header(self) -> str:
        """Return what the client authenticates with."""
        return b64encode(f"{self.api_key}:{self.api_token}".encode()).decode()

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        return answer(method or ("GET" if body is None else "POST"), f"{self.address}/_emulator/{path}", body)

    def campaigns(self, name: str = "") -> list[Any]:
        """Return the campaigns whose name begins so."""
        return [one for one in self.ask("campaigns") if one["name"].startswith(name)]

    def statuses(self, name: str = "") -> Counter[str]:
        return Counter(one["status"] for one in self.campaigns(name))

    def called(self) -> list[Any]:
        """Return who was called by which campaign, and how often."""
        return list(self.ask("called"))

    def requests(self, method: str, path: str = "") -> list[Any]:
        """Return the requests so far of a method whose path begins so."""
        return [one for one in self.ask("requests") if one["method"] == method and one["path"].startswith(path)]
