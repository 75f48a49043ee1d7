"""The page of campaigns on an account with 5,000: requests to Exotel, and the time to the first byte, cold and warm.

Run ``python benchmarks/campaign_page.py``. It asks Airflow's own API app, as somebody who may see all of the account.
The emulator answers for the service. Cold is the first visit of an API server that has just started.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

HOME = Path(tempfile.mkdtemp(prefix="exotel-page-"))
(HOME / "dags").mkdir()
os.environ |= {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
    "AIRFLOW__CORE__DAGS_FOLDER": str(HOME / "dags"),
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db?timeout=120",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    "AIRFLOW__EXOTEL__CONNECTIONS": "exotel_default",
}
CAMPAIGNS, WARM, VISITORS = 5_000, 40, 8
NUMBERS = [f"+91987650000{person}" for person in range(5)]


def main() -> None:
    from airflow.utils.db import initdb

    from airflow_provider_exotel.emulator import Emulator

    initdb()
    with Emulator(seed=1) as emulator:
        os.environ["AIRFLOW_CONN_EXOTEL_DEFAULT"] = f"{emulator.connection_uri}?requests_per_minute=6000"
        fill(emulator)
        measure(emulator)


def fill(emulator: Any) -> None:
    """Create the campaigns: 100 of them may still dial, most of those are older than the latest 500."""
    from airflow_provider_exotel.client.client import ExotelClient
    from airflow_provider_exotel.client.rate_limit import TokenBucket
    from airflow_provider_exotel.client.request import CampaignRequest

    with ExotelClient(
        emulator.api_key, emulator.api_token, emulator.account_sid, emulator.host, bucket=TokenBucket(1e6)
    ) as client:
        for number in range(CAMPAIGNS):
            is_active = number % 50 == 0
            end_at = emulator.clock.now() + (timedelta(days=20) if is_active else timedelta(minutes=30))
            client.create_campaign(
                CampaignRequest(
                    numbers=NUMBERS,
                    caller_id="0XXXXXX4890",
                    read_via_text="Hello",
                    name=f"Reminder {number}",
                    mode="custom",
                    throttle=1,
                    schedule={
                        "send_at": emulator.clock.now() + timedelta(days=10 if is_active else 0, minutes=1),
                        "end_at": end_at,
                    },
                )
            )
    emulator.clock.advance(3_600)


def measure(emulator: Any) -> None:
    from airflow.api_fastapi.app import create_app, get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    from airflow_provider_exotel.plugin.accounts import Accounts

    app = create_app("core")
    [page_app] = [route.app for route in app.routes if getattr(route, "path", "") == "/exotel"]
    page_app.state.accounts = Accounts(now=emulator.clock.now)
    browser = TestClient(app)
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="an operator", role="OP"))
    browser.cookies.set("_token", token)

    def visit() -> tuple[float, str]:
        began = time.perf_counter()
        answer = browser.get("/exotel/")
        assert answer.status_code == 200
        return time.perf_counter() - began, answer.text

    def requests() -> int:
        return sum(entry.path == "campaigns" and entry.method == "GET" for entry in emulator.requests)

    cold, page = visit()
    cold_requests = requests()
    warm = [visit()[0] for _ in range(WARM)]
    threads = [threading.Thread(target=visit) for _ in range(VISITORS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = time.perf_counter() - began
    before = requests()
    emulator.clock.advance(15)
    again, whole = visit()
    median = statistics.median(warm)
    print(f"campaigns in the account       {CAMPAIGNS:,}")
    print(f"cold: requests to Exotel       {cold_requests}")
    print(f"cold: time to the first byte   {cold * 1000:.0f} ms")
    print(f"warm: requests to Exotel       {before - cold_requests} in {WARM + VISITORS} visits")
    print(
        f"warm: time to the first byte   {median * 1000:.0f} ms (median), cold takes {cold / median:.1f} times as long"
    )
    print(f"{VISITORS} visitors at once           {together * 1000:.0f} ms for all")
    print(f"after 15 s: requests           {requests() - before}, for the active ones")
    print(f"after 15 s: first byte         {again * 1000:.0f} ms")
    for name, text in (("first", page), ("second", whole)):
        active = re.search(r"active campaigns</dt><dd>([\d,]+)", text)
        size = f"{len(text) / 1000:.0f} kB, {text.count('<article')} campaigns on it"
        print(f"{name} page".ljust(31) + f"{size}, {active[1] if active else '?'} active in all")


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
