"""A team's Airflow on one machine: Celery, Redis, PostgreSQL and S3, two triggerers, two workers, the built wheel.

Every part is a process of its own on loopback. Workers have no connection to the database, and each part has its own
home, as on machines of their own.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

from .clients import Airflow, LocalExotel, Run, answer, until
from .made_up import write_audiences
from .parts import Part, Parts, free_ports

ROOT = Path(__file__).parents[2]
READY_WITHIN = 900.0
TRIGGERERS, WORKERS = ("triggerer-1", "triggerer-2"), ("worker-1", "worker-2")
ACCOUNTS = {
    # These dial at the speed of life, so that campaigns outlast what is done to them.
    "kills": ("--speed", "1"),
    "stopping": ("--speed", "1"),
    "audience": ("--speed", "60", "--account-throttle", "100000", "--import-seconds", "300"),
}
CONNECTIONS = {
    # Connection -> account, requests a minute.
    "kills": ("kills", 6_000),
    "stopping": ("stopping", 6_000),
    "stopping_limited": ("stopping", 30),
    "audience": ("audience", 6_000),
}
# Shorter than a team's own, so that a lost task is tried again while somebody waits for it.
IMPATIENT = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
}


@dataclass(frozen=True)
class Stack:
    """The running stack.

    :param folder: its environment, homes, logs and databases.
    :param report_key: the key of the digests in reports.
    """

    folder: Path
    parts: Parts
    airflow: Airflow
    accounts: Mapping[str, LocalExotel]
    postgres_port: int
    report_key: str = field(repr=False)

    def triggers_started(self, run: Run) -> int:
        """Return how many triggers of a run a triggerer has begun to run, which their own logs tell.

        Airflow tells a trigger nothing before that, whatever becomes of its task.
        """
        logs = f"triggerer-*/logs/dag_id={run.dag_id}/run_id={run.run_id}/**/*.trigger.*.log"
        return sum("starting" in log.read_text(errors="replace") for log in self.folder.glob(logs))

    def dump(self) -> bytes:
        """Return the metadata database as text."""
        return _postgres_tool("pg_dump", self.postgres_port, "airflow")


def start(folder: Path, parts: Parts) -> Stack:
    """Start everything, and return when it is ready.

    :param folder: an empty folder.
    :param parts: what keeps the processes.
    """
    folder.chmod(0o755)  # PostgreSQL runs as another user
    shutil.copytree(Path(__file__).with_name("dags"), folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    bin_folder = install(folder)
    names = ("postgres", "redis", "s3", "api-server", *ACCOUNTS)
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    accounts = {
        name: LocalExotel(
            f"http://127.0.0.1:{ports[name]}", f"key{secrets.token_hex(8)}", f"token{secrets.token_hex(8)}"
        )
        for name in ACCOUNTS
    }
    report_key = secrets.token_hex(16)
    environment = settings(folder, bin_folder, ports) | {"AIRFLOW_VAR_EXOTEL_REPORT_KEY": report_key}
    part = partial(_part, folder, environment)
    parts.start(
        _postgres(folder, ports["postgres"]),
        part("redis", program("redis-server"), "--port", ports["redis"], "--bind", "127.0.0.1", "--appendonly", "yes"),
        part("s3", bin_folder / "moto_server", "-H", "127.0.0.1", "-p", ports["s3"]),
        *(_emulator(part, bin_folder, name, account, ports[name]) for name, account in accounts.items()),
    )
    until(lambda: _postgres_tool("pg_isready", ports["postgres"]))
    _postgres_tool("createdb", ports["postgres"], "airflow")
    migrate = part("migrate", bin_folder / "airflow", "db", "migrate")
    _run(*migrate.command, env=dict(migrate.environment))
    parts.start(*_components(part, bin_folder))
    airflow = Airflow(environment["AIRFLOW__API__BASE_URL"])
    until(airflow.is_healthy, within=READY_WITHIN)
    connect(airflow, accounts, ports["s3"])
    write_audiences(f"http://127.0.0.1:{ports['s3']}/audiences")
    until(lambda: all(" ready." in parts[name].log() for name in WORKERS), within=READY_WITHIN)
    return Stack(folder, parts, airflow, accounts, ports["postgres"], report_key)


def install(folder: Path) -> Path:
    """Build the wheel and install it in an environment of its own; return the folder of its programs."""
    uv, wheels, bin_folder = Path(sys.executable).parent / "uv", folder / "wheel", folder / "environment" / "bin"
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, ROOT)
    [wheel] = wheels.glob("*.whl")
    _run(uv, "venv", "--python", sys.executable, bin_folder.parent)
    into = ("--python", bin_folder / "python", "--constraint", ROOT / "constraints.txt")
    _run(uv, "pip", "install", *into, "--group", f"{ROOT}/pyproject.toml:production", f"{wheel}[emulator,s3]")
    return bin_folder


def settings(folder: Path, bin_folder: Path, ports: Mapping[str, int]) -> dict[str, str]:
    """Return the environment of all parts."""
    api, database = f"http://127.0.0.1:{ports['api-server']}", f"postgres@127.0.0.1:{ports['postgres']}/airflow"
    # It is open when the stack starts, and for hours: no scenario depends on when it is run.
    india = datetime.now(timezone(timedelta(hours=5, minutes=30)))
    window = {name: f"{india + timedelta(hours=hours):%H:%M}" for name, hours in (("start", -6), ("end", 14))}
    (folder / "tmp").mkdir()
    return {
        "PATH": os.pathsep.join([str(bin_folder), os.environ.get("PATH", os.defpath)]),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder / "tmp"),
        "NO_PROXY": "127.0.0.1",
        "EXOTEL_WINDOW": json.dumps({**window, "timezone": "Asia/Kolkata"}),
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__CORE__PARALLELISM": "64",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{api}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(ports["api-server"]),
        "AIRFLOW__API__BASE_URL": api,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
        "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{ports['redis']}/0",
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{database}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "4",
        **IMPATIENT,
    }


def connect(airflow: Airflow, accounts: Mapping[str, LocalExotel], s3_port: int) -> None:
    """Make the connections and the pool as people make them: in the database."""
    s3 = {"endpoint_url": f"http://127.0.0.1:{s3_port}", "region_name": "us-east-1"}
    connections = {"aws_default": {"conn_type": "aws", "login": "made-up", "password": "made-up", "extra": s3}}
    for name, (account, requests_per_minute) in CONNECTIONS.items():
        exotel = accounts[account]
        connections[name] = {
            "conn_type": "exotel",
            "host": exotel.address.removeprefix("http://"),
            "login": exotel.api_key,
            "password": exotel.api_token,
            "schema": exotel.account_sid,
            "extra": {"exophone": "0XXXXXX4890", "requests_per_minute": requests_per_minute},
        }
    for name, fields in connections.items():
        body = {"connection_id": name, **fields, "extra": json.dumps(fields["extra"])}
        answer("POST", f"{airflow.api}/connections", body)
    answer("POST", f"{airflow.api}/pools", {"name": "exotel", "slots": 8})


def program(name: str) -> str:
    """Return the path of a server's program; Debian keeps those of PostgreSQL out of the path.

    :raises FileNotFoundError: if it is not installed.
    """
    debian = sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))
    if found := shutil.which(name) or next(reversed(debian), None):
        return found
    raise FileNotFoundError(f"{name}: not installed; apt-get install postgresql redis-server")


def _part(folder: Path, environment: Mapping[str, str], name: str, *command: object, **changes: str) -> Part:
    home = {"AIRFLOW_HOME": str(folder / name)}
    return Part(name, [str(word) for word in command], {**environment, **home, **changes}, folder / name)


def _emulator(part: partial[Part], bin_folder: Path, name: str, account: LocalExotel, port: int) -> Part:
    return part(
        name,
        *(bin_folder / "python", "-m", "airflow_provider_exotel.emulator", *ACCOUNTS[name]),
        *("--port", port, "--rate-limit", 0, "--account-sid", account.account_sid),
        *("--api-key", account.api_key, "--api-token", account.api_token),
    )


def _components(part: partial[Part], bin_folder: Path) -> list[Part]:
    airflow = bin_folder / "airflow"
    no_database = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://nobody@127.0.0.1:1/none"}
    celery = (airflow, "celery", "worker", "--skip-serve-logs", "--without-mingle", "--without-gossip")
    return [
        *(part(name, airflow, name) for name in ("api-server", "scheduler", "dag-processor")),
        *(part(name, airflow, "triggerer", "--skip-serve-logs") for name in TRIGGERERS),
        *(part(name, *celery, "--celery-hostname", f"{name}@%h", **no_database) for name in WORKERS),
    ]


def _postgres(folder: Path, port: int) -> Part:
    """Return the database server, with an empty database; it refuses to run as root."""
    user = "postgres" if os.geteuid() == 0 else None
    home = folder / "postgres"
    home.mkdir()
    if user:
        shutil.chown(home, user, user)
    data = ("-D", str(home / "data"))
    _run(program("initdb"), *data, "-A", "trust", "-U", "postgres", "--no-sync", **({"user": user} if user else {}))
    options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": home, "max_connections": 300}
    arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    return Part("postgres", [program("postgres"), *data, *arguments], environment, home, user, signal.SIGINT)


def _postgres_tool(name: str, port: int, *arguments: str) -> bytes:
    done = subprocess.run(
        [program(name), "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", *arguments], capture_output=True
    )
    if done.returncode and name != "pg_isready":
        raise RuntimeError(done.stderr.decode())
    return b"" if done.returncode else done.stdout or b"done"


def _run(*command: str | Path, **options: object) -> None:
    """Run a command to its end.

    :raises RuntimeError: with its output if it fails.
    """
    done = subprocess.run(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}")
