"""Ways to create a campaign from a retried task, with a worker that dies or is believed dead."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.client.retry import RetryPolicy
from airflow_provider_exotel.create.identity import CampaignIdentity
from airflow_provider_exotel.create.journal import AudienceFingerprint, CampaignJournal
from airflow_provider_exotel.create.once import Clock, OneCampaign
from airflow_provider_exotel.emulator import Emulator

NUMBERS = ["+919876500000", "+919876500001"]
READ_TIMEOUT = 0.15


class Died(BaseException):
    """The worker was killed."""


class Superseded(RuntimeError):
    """Airflow's answer to a superseded try."""


def die() -> None:
    """Kill the worker."""
    raise Died


@dataclass
class Reaper:
    """Strikes the worker at the n-th step of a try.

    :param at: the step, 0 for never.
    :param strike: kills the worker, or lets another one run in its place while this one is believed dead.
    """

    at: int
    strike: Callable[[], None] = die
    step: int = 0

    def __call__(self) -> None:
        """Count one step, and strike at the chosen one."""
        self.step += 1
        if self.step == self.at:
            self.strike()


class Restless(ExotelClient):
    """A client that sees a campaign deleted while the list is read."""

    others: list[str]

    def list_campaigns(self, **query: Any) -> Iterator[Campaign]:
        """Iterate over the campaigns; another campaign is deleted after the first page."""
        listed = super().list_campaigns(**query)
        for count, campaign in enumerate(listed):
            if count == 0 and self.others:
                self.delete_campaign(self.others.pop())
            yield campaign


@dataclass
class Worker:
    """One try of a task.

    :param emulator: the service.
    :param store: the state that Airflow keeps across the tries of the task.
    :param reaper: kills it.
    :param number: the number of the try, from 1.
    :param lasting: whether Airflow keeps state, as from 3.3 on.
    :param others: other campaigns of the account, deleted while its list is read.
    """

    emulator: Emulator
    store: dict[str, Any]
    reaper: Reaper
    number: int
    lasting: bool
    others: list[str] = field(default_factory=list)
    superseded: bool = False
    client: Restless = field(init=False)

    def __post_init__(self) -> None:
        emulator, clock = self.emulator, self.emulator.clock
        self.client = Restless(
            emulator.api_key,
            emulator.api_token,
            emulator.account_sid,
            emulator.host,
            read_timeout=READ_TIMEOUT,
            bucket=TokenBucket(600, clock=clock.time, sleep=clock.advance),
            retry=RetryPolicy(tries=3),
            sleep=clock.advance,
        )
        self.client.others = self.others

    def keep(self, name: str, value: Any) -> None:
        """Keep a value for later tries."""
        self.reaper()
        if self.superseded:
            raise Superseded
        self.store[name] = value
        self.reaper()

    def post(self, request: Callable[[], CampaignRequest] | CampaignRequest) -> str:
        """Create a campaign and return its id."""
        campaign = self.client.create_campaign(request)
        self.reaper()
        return campaign.id


def naive(worker: Worker, identity: CampaignIdentity) -> str:
    """Create the campaign and return its id, without any protection."""
    worker.reaper()
    return worker.post(request_of(identity))


class RemoteJob:
    """A campaign as a job of Airflow's ``ResumableJobMixin``."""

    def __init__(self, worker: Worker, identity: CampaignIdentity) -> None:
        self.worker, self.identity = worker, identity

    def submit_job(self, context: Mapping[str, Any]) -> str:
        self.worker.reaper()
        return self.worker.post(request_of(self.identity))

    def get_job_status(self, external_id: str, context: Mapping[str, Any]) -> str:
        return self.worker.client.get_campaign(external_id).status

    def is_job_active(self, status: str) -> bool:
        return status in {"created", "in-progress", "paused"}

    def is_job_succeeded(self, status: str) -> bool:
        return status == "completed"

    def poll_until_complete(self, external_id: str, context: Mapping[str, Any]) -> str:
        return external_id

    def get_job_result(self, external_id: str, context: Mapping[str, Any]) -> str:
        return external_id


class KeptState:
    """Airflow's ``task_state_store`` of one try."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def get(self, key: str) -> Any:
        return self.worker.store.get(key)

    def set(self, key: str, value: Any) -> None:
        self.worker.keep(key, value)


def resumable(worker: Worker, identity: CampaignIdentity) -> str:
    """Use Airflow's mixin: store the id once it is known, and reconnect to it on a retry."""
    import structlog
    from airflow.sdk import ResumableJobMixin

    class Job(RemoteJob, ResumableJobMixin):  # type: ignore[misc]
        durable, log = True, structlog.make_filtering_bound_logger(logging.CRITICAL)(None, [], {})

    return str(Job(worker, identity).execute_resumable({"task_state_store": KeptState(worker)}))


def once(worker: Worker, identity: CampaignIdentity) -> str:
    """Use this provider's protocol."""
    now = worker.emulator.clock.now

    def sleep(seconds: float) -> None:
        worker.reaper()
        worker.emulator.clock.advance(seconds)

    def write(entry: dict[str, Any]) -> None:
        worker.keep("journal", entry)

    if worker.lasting and worker.number == 1:
        worker.keep("begun", {})
    audience = AudienceFingerprint.of(request_of(identity).numbers, None, "secret")
    one = OneCampaign(
        identity,
        worker.client,
        CampaignJournal(lambda: worker.store.get("journal"), write, is_complete="begun" in worker.store)
        if worker.lasting
        else CampaignJournal.in_memory(),
        now(),
        is_later_try=worker.number > 1,
        clock=Clock(now, sleep),
    )
    worker.reaper()
    found = one.find(lambda: audience)
    worker.reaper()
    return (found or one.create(lambda _: request_of(identity), audience)).id


WAYS: dict[str, Callable[[Worker, CampaignIdentity], str]] = {
    "post and return": naive,
    "ResumableJobMixin": resumable,
    "this provider": once,
}


def request_of(identity: CampaignIdentity) -> CampaignRequest:
    """Return the campaign of a trial."""
    return CampaignRequest(numbers=NUMBERS, caller_id="0XXXXXX4890", read_via_text="Hello", name=identity.name)
