"""Pause the campaign of a task that is killed in its worker."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_exotel.client.errors import ExotelConflict, ExotelError, ExotelNotFound, ExotelRequestRefused

if TYPE_CHECKING:
    from airflow_provider_exotel.hooks.exotel import ExotelHook

log = logging.getLogger(__name__)
_NOTICES_WITHIN = 1.0
"""Seconds after which a wait in the worker notices that its task was killed."""


class KillSwitch:
    """Knows what to pause when a task is killed, and pauses it in one short exchange.

    Airflow ends the process seconds after it says so, in the middle of whatever the task does. So everything that a
    pause needs is there before: no connection is read then, no rate limit and no lock is waited for.

    :param hook: the hook of the task.
    :param pauses: whether a campaign is paused at all.
    """

    def __init__(self, hook: ExotelHook, *, pauses: bool) -> None:
        self._hook, self._pauses = hook, pauses
        self._campaign_id: str | None = None
        self.is_killed = False

    def guard(self, campaign_id: str) -> None:
        """Pause this campaign from now on when the task is killed, and at once if it was.

        :param campaign_id: the campaign.
        """
        _, self._campaign_id = self._hook.shutdown_client, campaign_id
        if self.is_killed:
            self.kill()

    def release(self) -> None:
        """Leave the campaign to a trigger.

        A worker often lives some seconds longer than its task waits in it, and Airflow then ends it like one whose task
        was killed.

        :raises AirflowException: if the task was killed before.
        """
        self.check()
        self._campaign_id = None

    def kill(self) -> None:
        """Pause the campaign: Airflow calls this in the main thread, whatever that does."""
        self.is_killed = True
        if self._campaign_id is None or not self._pauses:
            return
        try:
            self._hook.shutdown_client.pause_campaign(self._campaign_id)
        except (ExotelRequestRefused, ExotelConflict, ExotelNotFound) as refusal:  # it is paused, or has ended
            log.info("Campaign %s was not paused: %s", self._campaign_id, refusal)
        except ExotelError as error:
            log.error("Campaign %s could not be paused: %s", self._campaign_id, error)  # noqa: TRY400
        else:
            log.info("Campaign %s is paused.", self._campaign_id)

    def check(self) -> None:
        """End the task if it was killed.

        :raises AirflowException: if it was; its campaign is paused by then.
        """
        if self.is_killed:
            self.kill()  # what was done since then may have let it dial again
            raise AirflowException("the task was killed")

    def sleep(self, seconds: float) -> None:
        """Wait, and end the task within a second after it was killed.

        :param seconds: how long.
        :raises AirflowException: if it was killed.
        """
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, _NOTICES_WITHIN))
