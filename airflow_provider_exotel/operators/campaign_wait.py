"""The wait of a task for its own campaign: in the worker, or handed to the triggerer and resumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_exotel.operators.base import default_deferrable

if TYPE_CHECKING:
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.create.once import OneCampaign
    from airflow_provider_exotel.create.options import TaskOptions
    from airflow_provider_exotel.hooks.exotel import ExotelHook
    from airflow_provider_exotel.operators.kill_switch import KillSwitch
    from airflow_provider_exotel.triggers.campaign import TriggerResult
    from airflow_provider_exotel.waiting.carry_over import CarryOver
    from airflow_provider_exotel.waiting.driver import WaitDriver
    from airflow_provider_exotel.waiting.outcome import Outcome
    from airflow_provider_exotel.waiting.wait import Wait

    Context = Mapping[str, Any]

OUTCOME = "outcome"
"""The XCom that holds how a campaign ended."""


@dataclass(frozen=True)
class CampaignWait:
    """The campaign of one task, and the wait for it. The task owns the campaign while it waits.

    Its key, journal and kill switch are needed also by a task that does not wait.

    :param context: the task's context.
    :param hook: the connection.
    :param once: the campaign's key and journal.
    :param options: the task's options.
    :param kill_switch: pauses the campaign when the task is killed.
    :param carry_over: continues the campaign in the next window; ``None`` to end it with its window.
    :param defer: Airflow's method that hands a trigger to the triggerer; it does not return.
    :param resumed_by: the name of the task's method that Airflow calls after the trigger has fired.
    :param resumed_with: further arguments of that method, as plain JSON without numbers.
    :param outcome_key: the XCom that holds how the campaign ended.
    :param must_reach: whether a campaign that reached nobody fails the task.
    """

    context: Context
    hook: ExotelHook
    once: OneCampaign
    options: TaskOptions
    kill_switch: KillSwitch
    carry_over: CarryOver | None
    defer: Callable[..., Any]
    resumed_by: str = "resume_waiting"
    resumed_with: Mapping[str, Any] = field(default_factory=dict)
    outcome_key: str = OUTCOME
    must_reach: bool = False

    def own(self, campaign_id: str) -> None:
        """Store an owner record, so that the campaign is paused even if no process notices the end of the task.

        Call it as soon as the campaign is known: before anything that may fail, before anything that lets it dial, and
        before :meth:`start`.

        :param campaign_id: the campaign.
        """
        from airflow_provider_exotel.hooks.owner import task_key_of, write_owner_record
        from airflow_provider_exotel.waiting.owner import OwnerRecord

        if self.options.wait_for_completion and self.options.pause_on_kill:
            record = OwnerRecord(self.hook.exotel_conn_id, campaign_id, task_key_of(self.context["ti"]))
            write_owner_record(self.once.identity.key, record)

    def start(self, campaign: Campaign, contacts: int | None, deadline: datetime | None) -> str:
        """Wait for a campaign, and return its id.

        :param campaign: the campaign's current state.
        :param contacts: how many people it calls, if known.
        :param deadline: when the task must have ended, ``None`` for never.
        :raises AirflowFailException: if the campaign did not end as the options ask.
        """
        step = self._driver.start(
            campaign,
            contacts=contacts,
            carried_to=self.once.journal.entry.carried_to,
            resume_paused=self.options.if_paused == "resume",
        )
        return self._follow(step, deadline)

    def resume(self, result: TriggerResult) -> str:
        """Continue after a trigger has fired, and return the campaign's id.

        :param result: the result of the trigger.
        :raises AirflowFailException: if the campaign did not end as the options ask.
        """
        deadline = datetime.fromisoformat(result.deadline) if result.deadline else None
        return self._follow(self._driver.resolve(result.events[0]), deadline)

    @property
    def _driver(self) -> WaitDriver:
        from airflow_provider_exotel.waiting.driver import WaitDriver

        return WaitDriver(
            self.hook.with_client,
            self.carry_over,
            poll_interval=self.options.poll_interval,
            pause_if_failed_above=self.options.pause_if_failed_above,
            stop_if_killed=self.kill_switch.check,
            sleep=self.kill_switch.sleep,
        )

    def _disown(self) -> None:
        from airflow_provider_exotel.hooks.owner import delete_owner_record

        if self.options.pause_on_kill:
            delete_owner_record(self.once.identity.key)

    def _follow(self, step: Wait | Outcome, deadline: datetime | None) -> str:
        is_deferred = default_deferrable() if self.options.deferrable is None else self.options.deferrable
        outcome = self._driver.follow(step, (lambda wait: self._defer(wait, deadline)) if is_deferred else None)
        self._disown()
        return self._conclude(outcome)

    def _defer(self, wait: Wait, deadline: datetime | None) -> None:
        from airflow_provider_exotel.triggers.campaign import CampaignTrigger

        self.kill_switch.release()
        self.defer(
            trigger=CampaignTrigger(
                exotel_conn_id=self.hook.exotel_conn_id,
                waits=[wait.as_json()],
                poll_interval=self.options.poll_interval.total_seconds(),
                deferred_at=datetime.now(UTC).isoformat(),
                deadline=deadline.isoformat() if deadline else None,
                pause_on_kill=self.options.pause_on_kill,
            ),
            method_name=self.resumed_by,
            kwargs=dict(self.resumed_with),
        )

    def _conclude(self, outcome: Outcome) -> str:
        """Push the outcome to XCom, and fail the task if the campaign did not end as the options ask."""
        from airflow_provider_exotel.waiting.driver import complete_outcome
        from airflow_provider_exotel.waiting.outcome import describe_outcome, judge_outcome

        outcome = complete_outcome(outcome, self.hook.with_client)
        value = {"summary": describe_outcome(outcome), **outcome.as_json()}
        self.context["ti"].xcom_push(key=self.outcome_key, value=value)
        failure = judge_outcome(outcome, min_reached=self.options.min_reached, on_window_end=self.options.on_window_end)
        if not failure and self.must_reach and not outcome.tally.reached:
            failure = (
                f"campaign {outcome.campaign_id} reached none of the test numbers, so nobody else is called; "
                "check the flow and the ExoPhone. Another try of the same test fails too: correct the content or "
                "test_numbers and clear the task, give another idempotency_key to test the same again, or "
                "test_first=False to call everybody"
            )
        if failure:
            raise AirflowFailException(failure)
        return outcome.campaign_id
