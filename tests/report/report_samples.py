"""Campaigns that have ended, with and without the emulator, and their reports."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.models import CallRecord, Campaign
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.report.audit import resolve_limits
from airflow_provider_exotel.report.call import Call, pseudonymise_with
from airflow_provider_exotel.report.campaign_report import CampaignReport, write_campaign
from airflow_provider_exotel.report.ledger import Ledger
from airflow_provider_exotel.report.tables import TABLES
from airflow_provider_exotel.windows.calling_window import Window

KEY = b"a key of the tests"
INDIA = "Asia/Kolkata"
START = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)  # 10:00 in India
NAME = pseudonymise_with(KEY)


class Tables(dict[str, list[dict[str, Any]]]):
    """Collects the written rows as dictionaries."""

    def __init__(self) -> None:
        super().__init__({name: [] for name in TABLES})
        self.writers = {name: self._writer(name) for name in TABLES}

    def _writer(self, name: str) -> Any:
        return lambda row: self[name].append(dict(zip(TABLES[name], row, strict=True)))


def report_of(
    campaign: Campaign,
    records: Iterable[CallRecord],
    *,
    window: Window | None = None,
    total_calls: int | None = None,
) -> tuple[CampaignReport, Tables]:
    """Return the report of a campaign with these records."""
    tables = Tables()
    with Ledger() as ledger:
        ledger.add(Call.of(record, NAME) for record in records)
        wanted = resolve_limits(campaign, ledger.span(), window)
        report = write_campaign(campaign, ledger, wanted, tables.writers, NAME, zone=INDIA, total_calls=total_calls)
    return report, tables


@contextmanager
def client_of(emulator: Emulator) -> Iterator[ExotelClient]:
    """A client of the emulator that never waits."""
    with ExotelClient(
        emulator.api_key,
        emulator.api_token,
        emulator.account_sid,
        emulator.host,
        bucket=TokenBucket(1_000_000),
        sleep=lambda _: None,
    ) as client:
        yield client


def people(count: int) -> list[str]:
    return [f"+9198765{index:05d}" for index in range(count)]


def order(numbers: Sequence[str] | None = None, *, minutes: int = 480, **fields: Any) -> dict[str, Any]:
    """The fields of a campaign that dials for so many minutes from the start of the clock."""
    given = {
        "numbers": numbers if numbers is not None else people(40),
        "caller_id": "0XXXXXX4890",
        "name": "March reminder",
        "read_via_text": "Hello",
        "schedule": {"send_at": START + timedelta(minutes=1), "end_at": START + timedelta(minutes=minutes)},
        "call_retries": {"number_of_retries": 2, "interval_mins": 15, "on_status": ["busy", "no-answer"]},
    }
    return {name: value for name, value in {**given, **fields}.items() if value is not None}


@contextmanager
def serve_text(text: str) -> Iterator[tuple[str, list[str]]]:
    """Serve a text on loopback; return its URL and the requested paths."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/report.csv", paths
        server.shutdown()
        thread.join()
