"""Wait for campaigns in the triggerer, without occupying a worker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_exotel.client.errors import ExotelError, ExotelResponseError
from airflow_provider_exotel.hooks.owner import task_key_of
from airflow_provider_exotel.triggers.poller import Subscription, poller_of
from airflow_provider_exotel.triggers.settings import utc_now, within
from airflow_provider_exotel.triggers.stopping import stopper_of
from airflow_provider_exotel.waiting.breaker import sample_calls
from airflow_provider_exotel.waiting.wait import Step, Wait
from airflow_provider_exotel.waiting.watch import WaitEvent, WatchedCampaign, next_poll, next_wake

if TYPE_CHECKING:
    from airflow_provider_exotel.client.models import Campaign

# Airflow 3.3 may fail a task whose trigger fires before Airflow has noticed the end of its worker.
NOT_BEFORE = timedelta(seconds=15)
"""Time after the deferral before the first poll or event."""
_POLL_INTERVAL = 60.0
# A count of calls waits for the account's rate limit, and must not outlast a deadline or the end of a window by much.
_SHORTEST_COUNT, _LONGEST_COUNT = 10.0, 300.0


@dataclass(frozen=True)
class TriggerResult:
    """The result of a trigger for the task that waits.

    :param events: the event of each finished wait.
    :param left: the waits interrupted by the deadline.
    :param deadline: the deadline, ISO 8601.
    """

    events: Sequence[WaitEvent]
    left: Sequence[Wait] = ()
    deadline: str | None = None

    @property
    def campaign_ids(self) -> list[str]:
        """The ids of all campaigns."""
        return [event.wait.campaign_id for event in self.events] + [wait.campaign_id for wait in self.left]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, without phone numbers."""
        return {
            "events": [event.as_json() for event in self.events],
            "left": [wait.as_json() for wait in self.left],
            "deadline": self.deadline,
        }

    @classmethod
    def of_json(cls, kept: Any) -> Self:
        """Return the result that :meth:`as_json` stored, whichever version of the trigger stored it.

        :param kept: the JSON of the trigger's event; unknown keys are ignored.
        :raises ExotelResponseError: if it is not a result of this trigger.
        """
        try:
            return cls(
                [WaitEvent.of_json(event) for event in kept["events"]],
                [Wait.of_json(wait) for wait in kept.get("left", ())],
                kept.get("deadline"),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ExotelResponseError(f"the trigger's event has an unknown format ({error!r})") from None


class CampaignTrigger(BaseTrigger):
    """Wait until campaigns have ended or need an action; fires exactly one event.

    The trigger only polls. Failed polls are repeated, and the wait ends by the clock in any case. If the task is ended,
    the triggerer's :class:`~airflow_provider_exotel.triggers.stopping.CampaignStopper` takes over its campaigns.

    :param exotel_conn_id: the connection.
    :param waits: the waits, each from :meth:`Wait.as_json`.
    :param poll_interval: seconds between two polls, default 60.
    :param deferred_at: when the task was deferred, ISO 8601; default now.
    :param deadline: when to give up, ISO 8601; ``None`` to wait until the campaigns end.
    :param pause_on_kill: whether to pause the campaigns when somebody ends the task, default false.
    :param of_a_later_version: arguments stored by a later version; ignored.
    """

    def __init__(
        self,
        *,
        exotel_conn_id: str,
        waits: Sequence[Mapping[str, Any]],
        poll_interval: float = _POLL_INTERVAL,
        deferred_at: str | None = None,
        deadline: str | None = None,
        pause_on_kill: bool = False,
        **of_a_later_version: Any,  # noqa: ARG002
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.exotel_conn_id = exotel_conn_id
        self.waits = [dict(wait) for wait in waits]
        self.poll_interval = poll_interval
        self.deferred_at = deferred_at or utc_now().isoformat()
        self.deadline = deadline
        self.pause_on_kill = pause_on_kill
        self._watched: Sequence[WatchedCampaign] = ()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and arguments of this trigger."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "exotel_conn_id": self.exotel_conn_id,
                "waits": self.waits,
                "poll_interval": self.poll_interval,
                "deferred_at": self.deferred_at,
                "deadline": self.deadline,
                "pause_on_kill": self.pause_on_kill,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire one event with the finished waits and those interrupted by the deadline."""
        self._watched = watched = [WatchedCampaign(Wait.of_json(wait)) for wait in self.waits]
        try:
            await self._watch(watched)
        except asyncio.CancelledError:  # the only signal before Airflow 3.3 that the task was ended
            self._stop_campaigns()
            raise
        events = [one.event for one in watched if one.event is not None]
        left = [one.wait for one in watched if one.event is None]
        yield TriggerEvent(TriggerResult(events, left, self.deadline).as_json())  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Request a pause of the campaigns, unless the task continues: Airflow 3.3 also calls this after a move."""
        if self._stop_campaigns():
            named = ", ".join(wait["campaign_id"] for wait in self.waits)
            await self._log_line(f"If this task has ended, the triggerer pauses campaigns {named}; see its own log.")

    def _stop_campaigns(self) -> bool:
        """Pass the campaigns to the triggerer's stopper, and return whether there are any to stop."""
        if not self.pause_on_kill or self.task_instance is None:
            return False
        stopper, task = stopper_of(self.exotel_conn_id), task_key_of(self.task_instance)
        # As they were last seen: somebody may have moved the end of a window.
        for wait in [one.wait for one in self._watched] or map(Wait.of_json, self.waits):
            stopper.stop(wait.campaign_id, task, wait.end_at)
        return True

    async def _watch(self, watched: Sequence[WatchedCampaign]) -> None:
        """Watch until all waits have ended, or the deadline has passed."""
        not_before = datetime.fromisoformat(self.deferred_at) + NOT_BEFORE
        await self._log_line(_describe_plan(watched, not_before, self.poll_interval))
        await asyncio.sleep(_seconds_until(not_before, NOT_BEFORE.total_seconds()))
        deadline = datetime.fromisoformat(self.deadline) if self.deadline else None
        left = {one.wait.campaign_id: one for one in watched}
        async with AsyncExitStack() as stack:
            subscription: Subscription | None = None
            while left and not _is_failing(watched) and (deadline is None or utc_now() < deadline):
                if subscription is None:
                    subscription = await self._subscribe(left.values(), stack)
                pause = _seconds_until(next_wake((one.wait for one in left.values()), deadline), self.poll_interval)
                for campaign_id, campaign in (await self._news(subscription, pause)).items():
                    if campaign_id not in left:
                        continue
                    line = left[campaign_id].update(campaign, utc_now())
                    if line and left[campaign_id].event is None:  # the task logs the outcome itself
                        later = utc_now() + timedelta(seconds=self.poll_interval)
                        await self._log_line(f"{line} {next_poll(later)}")
                    if subscription is not None and left[campaign_id].wait.send_at:
                        subscription.move(campaign_id, left[campaign_id].wait.polled_from() or not_before)
                    wakes_at = next_wake((one.wait for one in left.values()), deadline)
                    timeout = max(_SHORTEST_COUNT, _seconds_until(wakes_at, _LONGEST_COUNT))
                    await self._evaluate(left[campaign_id], timeout)
                for campaign_id, one in list(left.items()):
                    one.update_clock(utc_now())
                    if one.event is not None:
                        del left[campaign_id]
                        if subscription is not None:
                            subscription.forget(campaign_id)

    async def _subscribe(self, watched: Iterable[WatchedCampaign], stack: AsyncExitStack) -> Subscription | None:
        try:
            poller = await poller_of(self.exotel_conn_id)
        except Exception as error:  # it existed at the deferral, and may exist again
            kind = type(error).__name__
            await self._log_line(
                f"Could not read connection {self.exotel_conn_id} ({kind}); trying again.", logging.WARNING
            )
            return None
        campaigns = {one.wait.campaign_id: one.wait.send_at or utc_now() for one in watched if not one.wait.opening}
        subscription = poller.subscribe(campaigns, self.poll_interval)
        stack.callback(poller.unsubscribe, subscription)
        return subscription

    async def _evaluate(self, one: WatchedCampaign, timeout: float) -> None:
        """Count the calls of a campaign within ``timeout`` seconds, if its circuit breaker is due."""
        campaign_id = one.wait.campaign_id
        if not one.is_breaker_due(utc_now()):
            return
        try:
            poller = await poller_of(self.exotel_conn_id)
            sample = await asyncio.wait_for(
                poller.with_client(lambda client: sample_calls(client, campaign_id)), timeout
            )
            one.evaluate(sample, utc_now())
        except Exception as error:  # repeated at the next poll
            detail = str(error) if isinstance(error, ExotelError) else type(error).__name__
            await self._log_line(f"Could not count the calls of campaign {campaign_id}: {detail}", logging.WARNING)

    async def _log_line(self, line: str, level: int = logging.INFO) -> None:
        """Log a line in another thread: Airflow sends it through a socket, which may block if thousands log."""
        await asyncio.to_thread(self.log.log, level, "%s", line)

    async def _news(self, subscription: Subscription | None, pause: float) -> Mapping[str, Campaign | None]:
        """Return the next poll results, or an empty mapping after ``pause`` seconds."""
        if subscription is None:
            await asyncio.sleep(pause)
            return {}
        return await within(pause, subscription.news.get()) or {}


def _is_failing(watched: Iterable[WatchedCampaign]) -> bool:
    """Return whether the task has to pause a campaign at once, without waiting for the others."""
    return any(one.event is not None and one.event.step is Step.FAILING for one in watched)


def _describe_plan(watched: Sequence[WatchedCampaign], not_before: datetime, interval: float) -> str:
    """Return a log line about the waits and the times of polling."""
    waits = [one.wait for one in watched]
    named = f"campaign {waits[0].campaign_id}" if len(waits) == 1 else f"{len(waits):,} campaigns"
    opens = min((wait.send_at for wait in waits if wait.send_at is not None), default=None)
    if all(wait.opening for wait in waits):
        return f"Waiting for the next window of {named}, which opens at {_moment(opens)}; no polls until then."
    then = f", then from {_moment(opens)} on" if opens is not None and opens > not_before else ", then"
    return f"Waiting for {named}: the first poll is at {_moment(not_before)}{then} every {interval:g} s."


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "an unknown time"


def _seconds_until(moment: datetime | None, most: float) -> float:
    """Return the seconds until a time, up to a maximum: a clock may jump while a machine sleeps."""
    return most if moment is None else min(most, max(0.0, (moment - utc_now()).total_seconds()))
