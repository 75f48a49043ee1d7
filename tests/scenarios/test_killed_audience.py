"""A large audience whose tasks are killed and tried again: everybody is in one list, and nobody in two.

Each task runs in its own process, without the rest of Airflow, and is killed like a worker that is out of memory.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_provider_exotel.emulator import Emulator

from ..versions import AIRFLOW

PEOPLE, ROWS_IN_A_LIST = 260_000, 100_000

TASK = '''
import json, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from airflow_provider_exotel.operators.audience import PlanAudienceOperator
from airflow_provider_exotel.operators.upload import UploadAudienceOperator

what, folder = sys.argv[1], Path(sys.argv[2])
dies_at, people, tried = map(int, sys.argv[3:])


class Store:
    """What Airflow keeps for a task over its tries."""

    path = folder / "store.json"

    def get(self, key, default=None):
        return json.loads(self.path.read_text()).get(key, default) if self.path.exists() else default

    def set(self, key, value, *, retention=None):
        kept = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.path.write_text(json.dumps({**kept, key: value}))


def rows():
    for one in range(people):
        if one == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        yield f"+9198{one:08}"
        if one % 1000 == 0:
            yield f"+9198{one // 2:08}"  # somebody who was there before


def dying(request, left):
    def sent(method, *arguments, **options):
        answer = request(method, *arguments, **options)
        if method == "POST" and next(left, None) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return sent


now = datetime.now(UTC)
instance = SimpleNamespace(
    dag_id="d", run_id="r", task_id=what, map_index=-1, try_number=tried, xcom_push=lambda **_: None
)
context = {"ti": instance, "dag_run": SimpleNamespace(run_after=now, start_date=now), "logical_date": now,
           "task_state_store": Store()}
if what == "plan":
    task = PlanAudienceOperator(task_id="plan", output_path=(folder / "plan").as_uri(), records=rows, name="Reminder",
                                window={"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"})
else:
    [campaign] = json.loads((folder / "campaigns.json").read_text())
    task = UploadAudienceOperator(task_id="upload", campaign=campaign)
    session = task.hook.client._transport._session
    session.request = dying(session.request, iter(range(dies_at, -1, -1)))
made = task.execute(context)
(folder / "campaigns.json").write_text(json.dumps(made if what == "plan" else [made]))
'''


@dataclass(frozen=True)
class Worker:
    """Runs each task in its own process.

    :param emulator: the service.
    :param folder: the folder for all files.
    """

    emulator: Emulator
    folder: Path

    def run(self, what: str, tried: int, dies_at: int = -1) -> int:
        """Run a task that is killed at a row or after a POST, and return how it ended."""
        uri = f"{self.emulator.connection_uri}?exophone=0XXXXXX4890&requests_per_minute=6000"
        command = [sys.executable, "-c", TASK, what, str(self.folder), str(dies_at), str(PEOPLE), str(tried)]
        environment = {**os.environ, "AIRFLOW_CONN_EXOTEL_DEFAULT": uri, "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO"}
        done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=300)
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr[-3_000:].decode()
        return done.returncode


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Emulator(seed=1, rate_limit=None) as emulator:
        yield Worker(emulator, tmp_path)


@pytest.mark.skipif(AIRFLOW < (3, 3), reason="Airflow keeps no state of tasks before 3.3")
@pytest.mark.scenario
@pytest.mark.airflow
def test_everybody_is_in_one_list_whatever_is_killed(worker: Worker, tmp_path: Path) -> None:
    dies_at = random.Random(os.environ.get("EXOTEL_SEED", "1")).randrange(ROWS_IN_A_LIST, PEOPLE)
    wanted = sorted(f"+9198{one:08}" for one in range(PEOPLE))

    planned = [worker.run("plan", 1, dies_at), worker.run("plan", 2)]
    written = {path.name: path.read_bytes() for path in (tmp_path / "plan" / "chunks").iterdir()}
    uploaded = [worker.run("upload", 1, 0), worker.run("upload", 2, 1), worker.run("upload", 3)]

    assert planned == [-signal.SIGKILL, 0]
    assert uploaded == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert sorted(line for text in written.values() for line in text.decode().splitlines()[1:]) == wanted
    [campaign] = json.loads((tmp_path / "campaigns.json").read_text())
    lists = {one.sid: one.numbers for one in worker.emulator.lists}
    assert sorted(campaign["lists"]) == sorted(lists)
    assert len(lists) == 3
    assert sorted(number for sid in campaign["lists"] for number in lists[sid]) == wanted
