"""Pause, resume or stop a campaign for a person, confirm what came of it, and write down who did it.

A person waits for the answer, and holds a thread of the API server meanwhile. So each request is sent once, with a
client that fails fast, and a pause is polled for :data:`CONFIRM_WITHIN` seconds: with 5 seconds a request, an action
ends within 30 seconds even if every answer is slow, and a person can press again.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_exotel.client.errors import ExotelError, ExotelInputError, ExotelNotFound
from airflow_provider_exotel.client.models import CampaignStatus
from airflow_provider_exotel.plugin.account import in_words
from airflow_provider_exotel.plugin.view import is_open
from airflow_provider_exotel.waiting.control import control
from airflow_provider_exotel.waiting.pausing import does_not_dial, pause_once

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.waiting.owner import TaskKey

log = logging.getLogger(__name__)

CONFIRM_WITHIN = 10.0
"""Seconds after the begin of an action until which a pause is polled."""

_CAME_OF: dict[str, tuple[str, Callable[[Campaign], bool]]] = {
    "pause": ("It is paused: nobody else is called until it is resumed.", does_not_dial),
    "resume": (
        "It is resumed.",
        lambda campaign: campaign.status in {CampaignStatus.IN_PROGRESS, CampaignStatus.CREATED},
    ),
    "stop": ("It has ended: nobody else is called by it.", lambda campaign: campaign.status.has_ended),
}
_UNCONFIRMED = {
    "pause": "It could not be confirmed: the campaign may still be calling people.",
    "resume": "It could not be confirmed: the campaign may call people again, or may not.",
    "stop": "It could not be confirmed: the campaign may still be calling people.",
}
_ONLY_PAUSED = "It is paused, and calls nobody until it is resumed. That it has ended could not be confirmed."
_PRESS_AGAIN = (
    "Press {} again. If that does not help, python -m airflow_provider_exotel.commands.stop tries for longer: it "
    "pauses every campaign of the account, or with --name-starts those whose name starts with a text."
)


@dataclass(frozen=True)
class Result:
    """What came of an action.

    :param message: what happened, in words.
    :param is_confirmed: whether the service shows it.
    :param campaign: the campaign as it stands now, where it could be read.
    :param advice: what the person can do next, if anything.
    """

    message: str
    is_confirmed: bool
    campaign: Campaign | None = None
    advice: str = ""


def carry_out(client: ExotelClient, campaign_id: str, action: str, now: datetime) -> Result:
    """Pause, resume or stop a campaign, and return what came of it.

    :param client: a client that fails fast.
    :param campaign_id: the campaign.
    :param action: ``pause``, ``resume`` or ``stop``.
    :param now: the present moment.
    :raises ExotelError: if the service refuses, fails or does not answer.
    """
    message, is_done = _CAME_OF[action]
    try:
        campaign = _resume(client, campaign_id, now) if action == "resume" else _pause(client, campaign_id)
        if action == "stop" and campaign is not None and campaign.status is CampaignStatus.PAUSED:
            try:
                campaign = client.complete_campaign(campaign_id)
            except ExotelError as error:
                return Result(f"{_ONLY_PAUSED} {in_words(error)}", False, campaign, _advice(action))
    except ExotelNotFound:
        return Result("Exotel does not know it any more: it was deleted, and calls nobody.", is_confirmed=False)
    except ExotelInputError:
        campaign = client.get_campaign(campaign_id)
        return Result(f"Nothing was changed: it is {campaign.status.value} now.", is_confirmed=False, campaign=campaign)
    if campaign is None:
        return Result("Nothing was changed: its window is not open, and Exotel might call at once.", is_confirmed=False)
    if not is_done(campaign):
        waits = f"Exotel took the request, and still shows it as {campaign.status.value}; look again in a moment."
        return Result(waits, is_confirmed=False, campaign=campaign, advice=_advice(action))
    if action == "pause" and campaign.status.has_ended:
        message = "It had ended already: nobody else is called by it."
    return Result(message, is_confirmed=True, campaign=campaign)


def describe_failure(error: ExotelError, action: str) -> Result:
    """Return what is known after an action whose request failed.

    :param error: the error.
    :param action: the action.
    """
    return Result(f"{_UNCONFIRMED[action]} {in_words(error)}", is_confirmed=False, advice=_advice(action))


def write_down(user: str, action: str, connection: str, campaign_id: str, task: TaskKey | None, result: str) -> None:
    """Log who did what, in the API server's log and in Airflow's audit log.

    :param user: the user's name.
    :param action: what was done.
    :param connection: the connection.
    :param campaign_id: the campaign, empty for all of the account.
    :param task: the campaign's task, if it is known.
    :param result: what came of it.
    """
    what = f"campaign {campaign_id}" if campaign_id else "all campaigns"
    log.info("User %s pressed %s for %s of connection %s: %s", user, action, what, connection, result)
    try:
        from airflow.models.log import Log
        from airflow.utils.session import create_session

        of_task: dict[str, Any] = (
            {} if task is None else {"dag_id": task.dag_id, "task_id": task.task_id, "run_id": task.run_id}
        )
        extra = json.dumps({"connection": connection, "campaign": campaign_id, "result": result})
        with create_session() as session:
            session.add(Log(f"exotel_{action}", owner=user, owner_display_name=user, extra=extra, **of_task))
    except Exception as error:  # the log above has it
        log.warning("Airflow's audit log did not take the entry: %s", type(error).__name__)


def _pause(client: ExotelClient, campaign_id: str) -> Campaign:
    """Pause a campaign, and return it once the pause shows, or as it stands after :data:`CONFIRM_WITHIN` seconds."""
    ends, delay = time.monotonic() + CONFIRM_WITHIN, 1.0
    # Sent before anything is read: while it dials, a request that only reads is a request too late.
    try:
        pause_once(client, campaign_id)
    except ExotelError as error:
        if not error.retryable or not does_not_dial(campaign := client.get_campaign(campaign_id)):
            raise
        return campaign  # only the answer was lost
    while not does_not_dial(campaign := client.get_campaign(campaign_id)) and time.monotonic() + delay < ends:
        time.sleep(delay)
        delay *= 2
    return campaign


def _resume(client: ExotelClient, campaign_id: str, now: datetime) -> Campaign | None:
    if not is_open(client.get_campaign(campaign_id), now):
        return None
    return control(client, campaign_id, "resume")


def _advice(action: str) -> str:
    return "" if action == "resume" else _PRESS_AGAIN.format(action.title())
