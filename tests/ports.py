"""Ports for an Airflow that does not run alone on its machine."""

from __future__ import annotations

import random
import socket

# Below the ports that the system hands out by itself, so that nothing else takes one before Airflow does.
PORTS = range(10_000, 32_000)


def unused_port() -> int:
    """Return a port of loopback on which nothing listens."""
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
