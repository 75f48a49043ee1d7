"""The tasks that steer a campaign that exists."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.text import flag
from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.operators.base import input_errors_fail_the_task

if TYPE_CHECKING:
    Context = Mapping[str, Any]


class ControlCampaignOperator(BaseOperator):
    """Pause, resume, complete, stop, archive or delete a campaign (Exotel, update campaign: actions).

    An action whose aim is reached already is done, so that the task can be retried. The return value is the campaign's
    id; the XCom ``status`` holds how it stands afterwards.

    :param campaign_id: the campaign.
    :param action: ``pause`` its dialling; ``resume`` it; ``complete`` a paused one, which ends it; ``stop``, which is
        to pause, wait for that to be confirmed, and complete; ``archive`` a completed one; ``delete`` one that has not
        begun.
    :param exotel_conn_id: the connection, default ``exotel_default``.
    :raises AirflowFailException: if the campaign stands where the action is not allowed, saying what is.
    """

    template_fields = ("exotel_conn_id", "campaign_id", "action")
    ui_color = "#dff3ea"

    def __init__(
        self,
        *,
        campaign_id: Any,
        action: str,
        exotel_conn_id: str = ExotelHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.campaign_id = campaign_id
        self.action = action
        self.exotel_conn_id = exotel_conn_id

    @cached_property
    def hook(self) -> ExotelHook:
        """The hook of the connection."""
        return ExotelHook(self.exotel_conn_id)

    def execute(self, context: Context) -> str:
        """Carry the action out, and return the campaign's id."""
        from airflow_provider_exotel.waiting.control import control

        with input_errors_fail_the_task():
            campaign_id = _id_of(self.campaign_id)
            campaign = control(self.hook.client, campaign_id, self.action)
        status = campaign.status_text if campaign else "Deleted"
        self.log.info("Campaign %s: %s done, it is %s.", campaign_id, self.action, status)
        context["ti"].xcom_push(key="status", value=status)
        return campaign_id


class UpdateCampaignOperator(BaseOperator):
    """Change a campaign, and read it again to see that it was changed (Exotel, update campaign details).

    Before it begins everything may be changed but whom it calls; afterwards only its three callbacks. What is not named
    is meant to stay, and an error tells if it did not. The return value is the campaign's id.

    :param campaign_id: the campaign.
    :param changes: fields of the create-campaign page under the operator's names, such as ``{"throttle": 20}`` or
        ``{"schedule": {"end_at": "2026-03-02T17:00:00+05:30"}}``.
    :param force: whether to ask the service even where its reference says that it refuses: a guide says it takes
        another ``schedule`` for a paused campaign.
    :param exotel_conn_id: the connection, default ``exotel_default``.
    :raises AirflowFailException: if something may not be changed, or was not.
    """

    template_fields = ("exotel_conn_id", "campaign_id", "changes", "force")
    ui_color = "#dff3ea"

    def __init__(
        self,
        *,
        campaign_id: Any,
        changes: Any,
        force: bool | str = False,
        exotel_conn_id: str = ExotelHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(changes, Mapping) and "numbers" in changes:
            # Refused here as well as later: what a DAG holds is shown and stored by Airflow.
            raise ExotelInputError([Problem("changes.numbers", "cannot be changed; create another campaign")])
        self.campaign_id = campaign_id
        self.changes = changes
        self.force = force
        self.exotel_conn_id = exotel_conn_id

    @cached_property
    def hook(self) -> ExotelHook:
        """The hook of the connection."""
        return ExotelHook(self.exotel_conn_id)

    def execute(self, context: Context) -> str:  # noqa: ARG002
        """Change it, and return the campaign's id."""
        from airflow_provider_exotel.waiting.control import change
        from airflow_provider_exotel.windows.calling_window import read_as

        with input_errors_fail_the_task():
            campaign_id = _id_of(self.campaign_id)
            changes = read_as(dict, self.changes, "changes")
            change(self.hook.client, campaign_id, changes, force=flag(self.force, "force"))
        self.log.info("Campaign %s: changed %s.", campaign_id, ", ".join(sorted(changes)))
        return campaign_id


def _id_of(given: Any) -> str:
    campaign_id = "" if given is None else str(given).strip()
    if campaign_id.lower() in {"", "none"}:
        raise ExotelInputError([Problem("campaign_id", "names no campaign; give its id, such as the output of a task")])
    return campaign_id
