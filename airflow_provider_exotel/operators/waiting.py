"""How the task that created a campaign waits for its end: in its worker, or in the triggerer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout

from airflow_provider_exotel.client.errors import (
    ExotelAuthError,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    Problem,
)
from airflow_provider_exotel.operators.results import OUTCOME, judged, share_of, with_those_never_called

if TYPE_CHECKING:
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.create.campaign_journal import CampaignJournal
    from airflow_provider_exotel.create.once import OneCampaign
    from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
    from airflow_provider_exotel.triggers.campaign import Awoken
    from airflow_provider_exotel.waiting.carry_over import Carrier
    from airflow_provider_exotel.waiting.outcome import Outcome
    from airflow_provider_exotel.waiting.wait import Wait
    from airflow_provider_exotel.waiting.watch import WaitEvent

    Context = Mapping[str, Any]

_NOTICES_WITHIN = 1.0
"""Seconds after which a wait in the worker notices that its task was killed."""
_TRIES_AGAIN_WITHIN = 15.0
"""Seconds after which a campaign is carried on once more that could not be: its window closes within minutes."""


@dataclass(frozen=True)
class CampaignEnd:
    """The end of a task's campaign, and the way to it.

    :param operator: the task.
    :param context: of this execution.
    :param carrier: carries the campaign into the next window, where that is wanted.
    :param journal: what earlier tries left.
    """

    operator: CreateCampaignOperator
    context: Context
    carrier: Carrier | None
    journal: CampaignJournal

    def wait_for(self, campaign: Campaign, contacts: int | None) -> str:
        """Wait until a campaign has ended, and return its id.

        :param campaign: it, as it stands.
        :param contacts: how many people it calls, where that is known.
        """
        from airflow_provider_exotel.waiting.wait import Wait
        from airflow_provider_exotel.waiting.watch import Watched

        wait = Wait.for_campaign(campaign, _now(), contacts=contacts, hand_over=self.carrier is not None)
        carried_to = self.journal.entry.carried_to
        if self.carrier and campaign.status == "paused" and carried_to and carried_to == campaign.schedule.end_at:
            wait = replace(wait, opening=True)
        limit, began = self.operator.execution_timeout, getattr(self.context["ti"], "start_date", None)
        deadline = (began or _now()) + limit - sooner_than_airflow(limit) if limit else None
        watched = Watched(wait)
        watched.see(campaign, _now())
        following = self._after(watched.event) if watched.event else wait
        return self._go_on(following, deadline) if following else campaign.id

    def resume(self, awoken: Awoken) -> str:
        """Go on with what the trigger fired."""
        if awoken.left:
            self._time_out(awoken.left[0].campaign_id)
        following = self._after(awoken.events[0])
        if following is None:
            return awoken.campaign_ids[0]
        return self._go_on(following, datetime.fromisoformat(awoken.deadline) if awoken.deadline else None)

    def _go_on(self, wait: Wait, deadline: datetime | None) -> str:
        following: Wait | None = wait
        while following is not None:
            if self.operator.deferrable:
                self._defer(following, deadline)
            following = self._after(self._watch_here(following))
        return wait.campaign_id

    def _defer(self, wait: Wait, deadline: datetime | None) -> None:
        from airflow_provider_exotel.triggers.campaign import CampaignTrigger

        operator = self.operator
        operator.hand_over()
        operator.defer(
            trigger=CampaignTrigger(
                exotel_conn_id=operator.exotel_conn_id,
                waits=[wait.as_json()],
                poll_interval=operator.poll_interval,
                deferred_at=_now().isoformat(),
                deadline=deadline.isoformat() if deadline else None,
                pause_on_kill=operator.when_killed == "pause",
            ),
            method_name="resume_waiting",
        )

    def _watch_here(self, wait: Wait) -> WaitEvent:
        from airflow_provider_exotel.waiting.watch import Watched, watch

        return watch(
            Watched(wait),
            lambda: self._look(wait.campaign_id),
            now=_now,
            sleep=self._sleep,
            interval=self.operator.poll_interval,
            note=self.operator.log.info,
        )

    def _look(self, campaign_id: str) -> Campaign | None:
        hook = self.operator.hook
        try:
            with hook.renewing_when_refused():
                return hook.client.get_campaign(campaign_id)
        except ExotelNotFound:
            return None

    def _sleep(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self.operator.stop_if_killed()
            time.sleep(min(left, _NOTICES_WITHIN))

    def _after(self, event: WaitEvent) -> Wait | None:
        """Do what an event asks for; return what to wait for next, ``None`` if the campaign has ended as wanted."""
        from airflow_provider_exotel.waiting.wait import Step

        wait, outcome = event.wait, event.outcome
        paused_at_its_end = outcome is not None and outcome.status == "paused"
        if self.carrier is not None and (event.step in {Step.OPENING, Step.CLOSING} or paused_at_its_end):
            following = self._carried(self.carrier, event)
            if following.opening or not paused_at_its_end:
                return following
        if event.step is Step.GONE:
            raise AirflowFailException(f"campaign {wait.campaign_id} was deleted while it was waited for")
        if event.step is Step.OVERDUE or outcome is None:
            seen = "could not be looked at" if outcome is None else f"is still {outcome.status!r}"
            raise AirflowFailException(
                f"campaign {wait.campaign_id} {seen} long after its window closed; look at it in the dashboard"
            )
        self._conclude(outcome)
        return None

    def _carried(self, carrier: Carrier, event: WaitEvent) -> Wait:
        from airflow_provider_exotel.waiting.carry_over import CannotCarry
        from airflow_provider_exotel.waiting.wait import Step

        log, wait = self.operator.log, event.wait
        hook = self.operator.hook
        try:
            self.operator.stop_if_killed()
            with hook.renewing_when_refused():
                carrier = replace(carrier, campaigns=hook.client)
                following = carrier.put_in(wait) if event.step is Step.OPENING else carrier.take_out(wait)
            self.operator.stop_if_killed()
        except CannotCarry as error:
            raise AirflowFailException(str(error)) from None
        except ExotelError as error:
            over = wait.end_at is not None and _now() >= wait.end_at
            if event.step is Step.OPENING and (over or isinstance(error, ExotelNotFound)):
                log.error("Campaign %s could not be resumed: %s", wait.campaign_id, error)  # noqa: TRY400
                return replace(wait, opening=False, hand_over=False)  # which ends by its clock, or as one that is gone
            if event.step is Step.OPENING:
                log.warning("Campaign %s could not be resumed yet: %s", wait.campaign_id, error)
                return replace(wait, send_at=_now() + timedelta(seconds=self.operator.poll_interval))
            log.warning("Campaign %s could not be carried into the next window yet: %s", wait.campaign_id, error)
            again = (error.retryable or isinstance(error, ExotelAuthError)) and not over
            if again:  # it would come back at once
                self._sleep(min(self.operator.poll_interval, _TRIES_AGAIN_WITHIN))
            return replace(wait, hand_over=again)
        if following.opening:
            log.info("Campaign %s goes on at %s.", wait.campaign_id, following.send_at)
        elif event.step is Step.OPENING:
            log.info("Campaign %s goes on, until %s.", wait.campaign_id, following.end_at)
        return following

    def _conclude(self, outcome: Outcome) -> None:
        operator = self.operator
        outcome = with_those_never_called(operator.hook.client, outcome)
        self.context["ti"].xcom_push(key=OUTCOME, value=outcome.as_json())
        failure = judged(outcome, share_of(operator.min_reached), operator.on_window_end)
        if failure:
            raise AirflowFailException(failure)

    def _time_out(self, campaign_id: str) -> NoReturn:
        paused = ""
        if self.operator.when_killed == "pause":
            from airflow_provider_exotel.waiting.control import pause_if_it_may_dial

            try:
                pause_if_it_may_dial(self.operator.hook.client, campaign_id)
                paused = "; it does not dial any more"
            except ExotelError as error:
                paused = f"; it could not be paused: {error}"
        raise AirflowTaskTimeout(f"campaign {campaign_id} has not ended within execution_timeout{paused}")


def sooner_than_airflow(limit: timedelta) -> timedelta:
    """Return how long before ``execution_timeout`` a deferred task is woken.

    Airflow 2 fails a deferred task at that moment itself, and asks nobody to stop what it waits for.
    """
    return min(limit / 10, timedelta(minutes=1)) if airflow_version.startswith("2.") else timedelta()


def carrier_of(operator: CreateCampaignOperator, arguments: Mapping[str, Any], one: OneCampaign) -> Carrier | None:
    """Return what carries a task's campaign from window to window, ``None`` where that is not wanted.

    :raises ExotelInputError: if ``until`` or ``window`` is not what it has to be.
    """
    from airflow_provider_exotel.client.request import CallRetries
    from airflow_provider_exotel.waiting.carry_over import Carrier
    from airflow_provider_exotel.windows.anchor import anchor_given
    from airflow_provider_exotel.windows.calling_window import read_as
    from airflow_provider_exotel.windows.common_window import window_of

    if operator.on_window_end != "resume":
        return None
    if arguments["window"] is None:
        raise ExotelInputError([Problem("on_window_end", "'resume' needs a window, the next of which it goes on in")])
    retries = arguments["call_retries"]
    if retries is not None and not isinstance(retries, CallRetries):
        retries = read_as(CallRetries, retries, "call_retries")
    return Carrier(
        operator.hook.client,
        window_of(arguments["window"]),
        anchor_given(operator.until, "until").moment if operator.until is not None else None,
        retries,
        one.journal.carry,
    )


def _now() -> datetime:
    return datetime.now(UTC)
