"""A fleet of waiting tasks for the benchmark beside this folder, and a trigger as a peer would write it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseOperator
from airflow.triggers.base import BaseTrigger, TriggerEvent


class OneByOneTrigger(BaseTrigger):
    """Asks for its own campaign, again and again."""

    def __init__(self, campaign_id: str, address: str, key: str, token: str, account_sid: str, interval: float) -> None:
        super().__init__()
        self.arguments = {
            "campaign_id": campaign_id,
            "address": address,
            "key": key,
            "token": token,
            "account_sid": account_sid,
            "interval": interval,
        }

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "fleet.OneByOneTrigger", self.arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        from airflow_provider_exotel.client.client import ExotelClient
        from airflow_provider_exotel.client.rate_limit import TokenBucket

        given = self.arguments
        client = ExotelClient(
            given["key"], given["token"], given["account_sid"], given["address"], bucket=TokenBucket(1e9)
        )
        while True:
            campaign = await asyncio.to_thread(client.get_campaign, given["campaign_id"])
            if campaign.status.has_ended:
                yield TriggerEvent({"id": campaign.id})
                return
            await asyncio.sleep(given["interval"])


class Waits(BaseOperator):
    """Stands for a task that waits."""

    def __init__(self, *, number: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.number = number

    def execute(self, context: Any) -> None: ...


with DAG("fleet", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
    Waits.partial(task_id="wait").expand(number=list(range(int(os.environ.get("FLEET", "10")))))
