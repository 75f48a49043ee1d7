"""Operators that control an existing campaign."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.text import fold, read_literal, read_mapping, read_optional_flag, unknown_value
from airflow_provider_exotel.client.urls import check_id
from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.operators.base import (
    ExotelTask,
    check_names,
    deferred_problems,
    input_errors_fail_the_task,
    is_mapped,
    is_template,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import XComArg

    from airflow_provider_exotel.client.models import Campaign

    Context = Mapping[str, Any]
    CampaignId = str | Mapping[str, Any] | Campaign | XComArg

Action = Literal["pause", "resume", "complete", "stop", "archive", "delete"]
Value = TypeVar("Value")


class ControlCampaignOperator(ExotelTask, BaseOperator):
    """Pause, resume, complete, stop, archive or delete a campaign (Exotel, update campaign: actions).

    An action that was already carried out succeeds again, so the task can be retried. The return value is the
    campaign's id; the XCom ``status`` holds the campaign's status afterwards.

    :param campaign_id: the campaign's id, a ``Campaign``, or the XCom ``campaign`` of the task that creates it.
    :param action: ``pause``, ``resume``, ``complete`` (ends a paused campaign), ``stop`` (pauses, waits until that is
        confirmed, and completes), ``archive`` (a completed campaign) or ``delete`` (a campaign that has not started).
    :param exotel_conn_id: the connection, default ``exotel_default``.
    :raises ExotelInputError: when the DAG is parsed, if an argument without a template is wrong.
    :raises AirflowFailException: if an argument is wrong, or the campaign's status does not allow the action.
    """

    template_fields = ("exotel_conn_id", "campaign_id", "action")
    ui_color = "#dff3ea"

    def __init__(
        self,
        *,
        campaign_id: CampaignId,
        action: Action | str,
        exotel_conn_id: str = ExotelHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        check_names(ControlCampaignOperator, kwargs)
        super().__init__(**kwargs)
        if not is_mapped(self):
            check_literals("action", (campaign_id, read_campaign_id), (action, read_action))
        self.campaign_id = campaign_id
        self.action = action
        self.exotel_conn_id = exotel_conn_id

    def execute(self, context: Context) -> str:
        """Carry out the action, and return the campaign's id."""
        from airflow_provider_exotel.waiting.control import control

        with input_errors_fail_the_task():
            report_deferred("action", campaign_id=self.campaign_id, action=self.action)
            campaign_id, action = read_campaign_id(self.campaign_id), read_action(self.action)
            campaign = control(self.hook.client, campaign_id, action)
        status = campaign.status_text if campaign else "Deleted"
        context["ti"].xcom_push(key="status", value=status)
        self.log.info("Campaign %s is %s after %r.", campaign_id, status, action)
        return campaign_id


class UpdateCampaignOperator(ExotelTask, BaseOperator):
    """Change a campaign, and read it again to verify the change (Exotel, update campaign details).

    Before the campaign starts, everything except its audience may be changed; afterwards only its three callbacks.
    Other fields stay as they are, and the task fails if one does not. The return value is the campaign's id.

    :param campaign_id: the campaign's id, a ``Campaign``, or the XCom ``campaign`` of the task that creates it.
    :param changes: fields of the create-campaign page under the operator's names, such as ``{"throttle": 20}`` or
        ``{"schedule": {"end_at": "2026-03-02T17:00:00+05:30"}}``.
    :param force: send the change even if the service's reference says that it is refused. A guide of the service says
        that a new ``schedule`` is accepted for a paused campaign.
    :param exotel_conn_id: the connection, default ``exotel_default``.
    :raises ExotelInputError: when the DAG is parsed, if an argument without a template is wrong.
    :raises AirflowFailException: if an argument is wrong, or a field may not be changed, or was not.
    """

    template_fields = ("exotel_conn_id", "campaign_id", "changes", "force")
    ui_color = "#dff3ea"

    def __init__(
        self,
        *,
        campaign_id: CampaignId,
        changes: Mapping[str, Any] | str | XComArg,
        force: bool | str = False,
        exotel_conn_id: str = ExotelHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        check_names(UpdateCampaignOperator, kwargs)
        super().__init__(**kwargs)
        if isinstance(changes, Mapping) and "numbers" in changes:
            # Refused for mapped tasks too, since Airflow shows and stores the values in a DAG.
            raise ExotelInputError([Problem("changes.numbers", "cannot be changed; create another campaign")], "change")
        if not is_mapped(self):
            check_literals("change", (campaign_id, read_campaign_id), (changes, read_changes), (force, read_force))
        self.campaign_id = campaign_id
        self.changes = changes
        self.force = force
        self.exotel_conn_id = exotel_conn_id

    def execute(self, context: Context) -> str:  # noqa: ARG002
        """Change the campaign, and return its id."""
        from airflow_provider_exotel.waiting.control import change

        with input_errors_fail_the_task():
            report_deferred("change", campaign_id=self.campaign_id, changes=self.changes, force=self.force)
            campaign_id, changes = read_campaign_id(self.campaign_id), read_changes(self.changes)
            change(self.hook.client, campaign_id, changes, force=read_force(self.force))
        self.log.info("Changed %s of campaign %s.", ", ".join(sorted(changes)), campaign_id)
        return campaign_id


def check_literals(subject: str, *arguments: tuple[Any, Callable[[Any], Any]]) -> None:
    """Check the arguments that no template, param or XCom will replace.

    :param subject: what the arguments describe.
    :param arguments: each argument, and the function that reads it.
    :raises ExotelInputError: naming every problem.
    """
    problems: list[Problem] = []
    for value, read in arguments:
        if not is_template(value):
            try:
                read(value)
            except ExotelInputError as error:
                problems += error.problems
    if problems:
        raise ExotelInputError(problems, subject)


def report_deferred(subject: str, **arguments: Any) -> None:
    """Report the problems that were found when the arguments were rendered.

    :param subject: what the arguments describe.
    :param arguments: the arguments by name.
    :raises ExotelInputError: naming every problem.
    """
    if problems := deferred_problems(arguments):
        raise ExotelInputError(problems, subject)


def read_campaign_id(given: Any) -> str:
    """Return the id of a campaign.

    :param given: the id, a ``Campaign``, a mapping with the key ``id``, or such a mapping as text.
    :raises ExotelInputError: if there is no id in it.
    """
    holder = (read_literal(given) or given) if isinstance(given, str) else given
    found = holder.get("id") if isinstance(holder, Mapping) else holder
    if not isinstance(found, str):
        from airflow_provider_exotel.client.models import Campaign

        found = found.id if isinstance(found, Campaign) else found
    if found is None or str(found).strip().lower() in {"", "none"}:
        problem = Problem("campaign_id", "is required; give the output of the task that creates the campaign")
        raise ExotelInputError([problem], "action")
    return check_id(found.strip() if isinstance(found, str) else found, "campaign_id")


def read_action(given: Any) -> Action:
    """Return an action.

    :raises ExotelInputError: if there is no such action.
    """
    action = fold(given) if isinstance(given, str) else given
    if action not in get_args(Action):
        raise ExotelInputError([Problem("action", unknown_value(given, get_args(Action)))], "action")
    return cast("Action", action)


def read_changes(given: Any) -> dict[str, Any]:
    """Return the changes of a campaign by field, checked.

    :param given: a mapping, or a mapping as text.
    :raises ExotelInputError: naming every problem.
    """
    from airflow_provider_exotel.client.request import CampaignChanges

    try:
        changes = read_mapping(given)
    except ValueError:
        changes = None
    if not isinstance(changes, Mapping):
        message = "must be a mapping of its fields, such as {'throttle': 30}, or the text of one"
        raise ExotelInputError([Problem("changes", message)], "change")
    try:
        CampaignChanges(**{str(name): value for name, value in changes.items()})
    except ExotelInputError as error:
        problems = [Problem(f"changes.{one.field}", one.message) for one in error.problems]
        raise ExotelInputError(problems, "change") from None
    return dict(changes)


def read_force(given: Any) -> bool:
    """Return whether a change is sent even if the reference says that it is refused.

    :raises ExotelInputError: if it is not a flag.
    """
    return read_optional_flag(given, "force")
