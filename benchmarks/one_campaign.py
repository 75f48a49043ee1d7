"""What one campaign of 5,000 numbers costs: requests, and our own time beside the time of the exchange itself.

Budget: two requests on the first try (one look, one POST), under 10 ms of our own time.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta

from airflow_provider_exotel.api.client import ExotelClient
from airflow_provider_exotel.api.guard import StagingGuard
from airflow_provider_exotel.api.ratelimit import TokenBucket
from airflow_provider_exotel.campaign.draft import When, draft_campaign
from airflow_provider_exotel.campaign.identity import identify
from airflow_provider_exotel.campaign.journal import AudienceMark, Journal
from airflow_provider_exotel.campaign.once import OneCampaign
from airflow_provider_exotel.emulator import Emulator

NUMBERS = [f"+9198765{number:05}" for number in range(5_000)]
ROUNDS = 15


def main() -> None:
    """Create campaigns one after the other and print the medians."""
    own, whole = [], []
    with Emulator(seed=1) as emulator:
        client = ExotelClient(
            emulator.api_key,
            emulator.api_token,
            emulator.account_sid,
            emulator.host,
            bucket=TokenBucket(1_000_000),
        )
        exchanged = 0.0
        exchange = client._transport._session.request  # noqa: SLF001 - to tell the exchange from what we add

        def timed(*arguments: object, **options: object) -> object:
            nonlocal exchanged
            began = time.perf_counter()
            try:
                return exchange(*arguments, **options)  # type: ignore[arg-type]
            finally:
                exchanged += time.perf_counter() - began

        client._transport._session.request = timed  # type: ignore[method-assign, assignment] # noqa: SLF001
        for number in range(ROUNDS):
            exchanged, began = 0.0, time.perf_counter()
            create(client, f"run-{number}")
            whole.append(time.perf_counter() - began)
            own.append(whole[-1] - exchanged)
        requests = len(emulator.requests) / ROUNDS
    print(f"requests a campaign       {requests:.0f}  (budget 2)")
    print(f"our own time              {statistics.median(own) * 1000:.1f} ms  (budget 10 ms)")
    print(f"with the local exchange   {statistics.median(whole) * 1000:.1f} ms")
    print(f"ratio own / whole         {statistics.median(own) / statistics.median(whole):.2f}")


def create(client: ExotelClient, run_id: str) -> None:
    """Do what the operator does, apart from Airflow."""
    now = datetime.now(UTC)
    identity = identify("emulator", None, dag_id="benchmark", run_id=run_id, task_id="create", map_index=-1)
    draft = draft_campaign(
        {"numbers": NUMBERS, "caller_id": "0XXXXXX4890", "read_via_text": "Hello", "name": identity.name},
        When(now, schedule={"send_at": timedelta(hours=1), "end_at": timedelta(hours=5)}),
        now,
        account_sid="emulator",
        guard=StagingGuard(),
    )
    audience = AudienceMark.of(draft.request.numbers, draft.request.lists, "secret")
    one = OneCampaign(identity, client, Journal.of_this_try(), now)
    if one.find(lambda: audience) is not None:
        raise SystemExit("found what was never created")
    one.create(draft.at, audience)


if __name__ == "__main__":
    main()
