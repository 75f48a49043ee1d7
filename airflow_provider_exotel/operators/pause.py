"""Operators that pause campaigns of other tasks: those that no task waits for any more, or all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, BaseOperator

from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.operators.base import ExotelTask, input_errors_fail_the_task

if TYPE_CHECKING:
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.waiting.owner import OwnerRecord

    Context = Mapping[str, Any]

COUNTS = "counts"
"""The XCom with the counts of campaigns."""
_MOST_LISTED = 2_000


class PauseOrphanedCampaignsOperator(ExotelTask, BaseOperator):
    """Pause the campaigns of an account whose tasks are gone, in case no process noticed the end of the task.

    A task that waits for its campaign stores an owner record. This task reads the records. It pauses a campaign that
    may dial if the task in its record has finished, or if the run of that task was deleted. A campaign without a record
    is left alone, since it may belong to another Airflow or to a task that wants no pause. So is a campaign if Airflow
    does not give the state of its task. Run it every few minutes, one run at a time.

    The return value, also the XCom ``counts``, holds ``records``, ``paused``, ``not_paused``, ``left_alone``,
    ``unanswered`` and ``records_deleted``.

    :param exotel_conn_id: the connection, default ``exotel_default``.
    :raises AirflowException: if a campaign could not be paused; the next run tries again.
    """

    template_fields = ("exotel_conn_id",)
    ui_color = "#dff3ea"

    def __init__(self, *, exotel_conn_id: str = ExotelHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.exotel_conn_id = exotel_conn_id

    def execute(self, context: Context) -> dict[str, int]:
        """Pause the campaigns that no task waits for any more, and return counts."""
        from airflow_provider_exotel.hooks.owner import delete_owner_record, task_states
        from airflow_provider_exotel.waiting.owner import NO_ANSWER, Ownership, ownership_of
        from airflow_provider_exotel.waiting.pausing import does_not_dial
        from airflow_provider_exotel.waiting.sweep import sweep

        counts = dict.fromkeys(("records", "paused", "not_paused", "left_alone", "unanswered", "records_deleted"), 0)
        with input_errors_fail_the_task():
            records = self._records()
            counts["records"] = len(records)
            seen = sweep(self.hook.client, [record.campaign_id for record in records.values()]).campaigns
        living: dict[str, tuple[OwnerRecord, Campaign]] = {}
        for key, record in records.items():
            campaign = seen.get(record.campaign_id)
            if record.campaign_id in seen and (campaign is None or campaign.status.has_ended):
                delete_owner_record(key)
                counts["records_deleted"] += 1
            elif campaign is not None:
                living[key] = record, campaign
        states = task_states(record.task for record, _ in living.values())
        for key, (record, campaign) in living.items():
            ownership = ownership_of(states.get(record.task, NO_ANSWER))
            if does_not_dial(campaign):
                if ownership is Ownership.ENDED:  # if somebody resumes it later, it is not paused again
                    delete_owner_record(key)
                    counts["records_deleted"] += 1
            elif ownership is Ownership.ENDED:
                self._pause(key, record, counts)
            elif ownership is Ownership.UNKNOWN:
                self.log.warning(
                    "Left campaign %s alone: Airflow does not give the state of its task.", record.campaign_id
                )
                counts["unanswered"] += 1
            else:
                counts["left_alone"] += 1
        return _conclude(context, counts)

    def _records(self) -> dict[str, OwnerRecord]:
        """Return the owner records of this connection, by key."""
        from airflow_provider_exotel.hooks.owner import owner_record_keys, read_owner_record
        from airflow_provider_exotel.waiting.owner import campaign_key
        from airflow_provider_exotel.waiting.pausing import campaigns_that_may_dial

        keys = owner_record_keys()
        if keys is None:
            listed = campaigns_that_may_dial(self.hook.client, datetime.now(UTC), most=_MOST_LISTED)
            keys = [key for campaign in listed if (key := campaign_key(campaign.name))]
        read = {key: read_owner_record(key, connection=self.exotel_conn_id) for key in dict.fromkeys(keys)}
        return {key: record for key, record in read.items() if record and record.connection == self.exotel_conn_id}

    def _pause(self, key: str, record: OwnerRecord, counts: dict[str, int]) -> None:
        from airflow_provider_exotel.hooks.metrics import count
        from airflow_provider_exotel.hooks.owner import delete_owner_record, task_states
        from airflow_provider_exotel.waiting.owner import NO_ANSWER, Ownership, ownership_of
        from airflow_provider_exotel.waiting.pausing import pause_with_retries

        # Many pauses take minutes at the account's rate limit, and a new try may have begun meanwhile.
        if ownership_of(task_states([record.task]).get(record.task, NO_ANSWER)) is not Ownership.ENDED:
            counts["left_alone"] += 1
            return
        error = pause_with_retries(self.hook.client, record.campaign_id)
        if error is not None:
            self.log.error("Campaign %s is still dialling although its task has ended: %s", record.campaign_id, error)
            count("pauses_failed", self.exotel_conn_id)
            counts["not_paused"] += 1
            return
        self.log.info("Paused campaign %s: task %s has ended.", record.campaign_id, record.task)
        count("campaigns_paused", self.exotel_conn_id)
        delete_owner_record(key)  # if somebody resumes it later, it is not paused again
        counts["paused"] += 1


class PauseAllCampaignsOperator(ExotelTask, BaseOperator):
    """Pause every campaign of an account that is dialling or scheduled: the emergency stop, as a task.

    ``python -m airflow_provider_exotel.commands.stop`` does the same while Airflow is down. Nothing is deleted, and
    each campaign can be resumed. The return value, also the XCom ``counts``, holds ``paused`` and ``not_paused``.

    :param name_starts: only campaigns whose name starts with this text, in upper or lower case; default all.
    :param exotel_conn_id: the connection, default ``exotel_default``.
    :raises AirflowException: if a campaign could not be paused, after all others have been tried.
    """

    template_fields = ("exotel_conn_id", "name_starts")
    ui_color = "#dff3ea"

    def __init__(
        self, *, name_starts: str = "", exotel_conn_id: str = ExotelHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.name_starts = name_starts
        self.exotel_conn_id = exotel_conn_id

    def execute(self, context: Context) -> dict[str, int]:
        """Pause the campaigns, and return counts."""
        from airflow_provider_exotel.waiting.emergency_stop import MAY_BE_RESUMED, pause_all

        counts = dict.fromkeys(("paused", "not_paused"), 0)
        with input_errors_fail_the_task():
            for campaign, error in pause_all(self.hook.client, datetime.now(UTC), name_starts=self.name_starts or ""):
                counts["paused" if error is None else "not_paused"] += 1
                self._log_result(campaign, error)
        self.log.warning(MAY_BE_RESUMED)
        return _conclude(context, counts)

    def _log_result(self, campaign: Campaign, error: Exception | None) -> None:
        if error is None:
            self.log.info("Paused campaign %s (%s).", campaign.id, campaign.name)
        else:
            self.log.error("Campaign %s (%s) could not be paused: %s", campaign.id, campaign.name, error)


def _conclude(context: Context, counts: dict[str, int]) -> dict[str, int]:
    """Push the counts to XCom, and fail if a campaign could not be paused."""
    context["ti"].xcom_push(key=COUNTS, value=counts)
    if counts["not_paused"]:
        raise AirflowException(f"{counts['not_paused']} campaigns could not be paused; they are still dialling")
    return counts
