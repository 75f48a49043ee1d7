"""Free ports for a second Airflow on one machine."""

from __future__ import annotations

import random
import socket

# Below the system's ephemeral ports, so that no other process takes one before Airflow does.
PORTS = range(10_000, 32_000)


def unused_port() -> int:
    """Return a free port on loopback."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


def log_ports() -> dict[str, str]:
    """Return settings for the ports at which Airflow's components serve their logs."""
    return {
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(unused_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(unused_port()),
    }
