"""Pause the campaign of a task that is killed, superseded or too slow in its worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

from airflow.providers.common.compat.sdk import AirflowException, AirflowTaskTimeout

from airflow_provider_exotel.client.errors import (
    ExotelConflict,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelRequestRefused,
)
from airflow_provider_exotel.create.errors import TrySuperseded

if TYPE_CHECKING:
    from airflow_provider_exotel.create.journal import CampaignJournal
    from airflow_provider_exotel.hooks.exotel import ExotelHook
    from airflow_provider_exotel.waiting.owner import TaskKey

log = logging.getLogger(__name__)
_NOTICES_WITHIN = 1.0
"""Seconds until a wait in the worker notices that its task was killed."""


class KillSwitch:
    """Pauses the campaign of a killed task in one short exchange.

    Airflow ends the process seconds after its signal, wherever the task is. So everything that a pause needs is
    prepared before: at that moment it reads no connection and waits for no rate limit and no lock.

    :param hook: the hook of the task.
    :param pauses: whether to pause at all.
    """

    def __init__(self, hook: ExotelHook, *, pauses: bool) -> None:
        self._hook, self.pauses = hook, pauses
        self._campaign_id: str | None = None
        self.is_killed = False

    def guard(self, campaign_id: str) -> None:
        """Pause this campaign when the task is killed, or now if it was killed already.

        :param campaign_id: the campaign.
        """
        _, self._campaign_id = self._hook.shutdown_client, campaign_id
        if self.is_killed:
            self.kill()

    def release(self) -> None:
        """Hand the campaign over to a trigger, and do not pause it from here any more.

        A worker often lives some seconds longer than its deferred task needs it. Airflow then ends it in the same way
        as the worker of a killed task.

        :raises AirflowException: if the task was killed before.
        """
        self.check()
        self._campaign_id = None

    def kill(self) -> None:
        """Pause the campaign: Airflow calls this in the main thread and interrupts it anywhere."""
        self.is_killed = True
        if self._campaign_id is None or not self.pauses:
            return
        try:
            campaign = self._hook.shutdown_client.pause_campaign(self._campaign_id)
        except (ExotelRequestRefused, ExotelConflict, ExotelNotFound) as refusal:  # it is paused, or has ended
            log.info("Campaign %s was not paused: %s", self._campaign_id, refusal)
        except ExotelError as error:
            log.error("Campaign %s could not be paused: %s", self._campaign_id, error)  # noqa: TRY400
        else:
            if campaign.status == "paused" or campaign.status.has_ended:
                log.info("Campaign %s is paused.", campaign.id)
            else:  # another try, or PauseOrphanedCampaignsOperator, has to pause it
                log.error("Campaign %s may dial: it is %r after its pause.", campaign.id, campaign.status_text)

    def check(self) -> None:
        """End the task if it was killed.

        :raises AirflowException: if it was killed; its campaign is already paused.
        """
        if self.is_killed:
            self.kill()  # a request since then may have started it again
            raise AirflowException("the task was killed")

    @contextmanager
    def pauses_if_superseded(self, task: TaskKey) -> Iterator[None]:
        """Pause the campaign if Airflow gives up this try, unless a later try already waits for it.

        A cleared task does not know it until its next heartbeat. If Airflow refuses to store its state before that, the
        task ends with this error, and ``on_kill`` is not called.

        :param task: the task.
        """
        try:
            yield
        except TrySuperseded:
            self._pause_unless_owned(task)
            raise

    def end_by_timeout(self, journal: Callable[[], CampaignJournal]) -> NoReturn:
        """Pause the campaign of a task that timed out, and end the task.

        :param journal: returns the journal, in which a later try reads that this try has paused the campaign.
        :raises AirflowTaskTimeout: always.
        """
        from airflow_provider_exotel.waiting.pausing import pause_if_it_may_dial

        campaign_id, paused = self._campaign_id or "", ""
        if self.pauses:
            try:
                was_dialling = self._hook.with_client(lambda client: pause_if_it_may_dial(client, campaign_id))
                paused = "; it is not dialling any more"
            except ExotelError as error:
                paused = f"; it could not be paused: {error}"
            else:
                with suppress(ExotelInputError):  # unreadable input must not hide the time-out
                    if was_dialling:
                        journal().time_out()
        raise AirflowTaskTimeout(f"campaign {campaign_id} has not ended within execution_timeout{paused}")

    def _pause_unless_owned(self, task: TaskKey) -> None:
        from airflow_provider_exotel.hooks.owner import task_states
        from airflow_provider_exotel.waiting.owner import NO_ANSWER, Ownership, ownership_of
        from airflow_provider_exotel.waiting.pausing import pause_if_it_may_dial

        campaign_id = self._campaign_id
        if campaign_id is None or not self.pauses or self.is_killed:
            return
        # This try is certainly over. So without an answer the campaign is paused here, unlike in a triggerer.
        if ownership_of(task_states([task]).get(task, NO_ANSWER)) is Ownership.OWNED:
            self._campaign_id = None
            log.info("Campaign %s is not paused: a later try waits for it.", campaign_id)
            return
        try:
            self._hook.with_client(lambda client: pause_if_it_may_dial(client, campaign_id))
        except ExotelError as error:
            log.error("Campaign %s could not be paused: %s", campaign_id, error)  # noqa: TRY400
        else:
            log.warning("Campaign %s is paused: Airflow has given up the try that sent it.", campaign_id)

    def sleep(self, seconds: float) -> None:
        """Sleep, and end the task within a second after it was killed.

        :param seconds: the time to sleep.
        :raises AirflowException: if it was killed.
        """
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, _NOTICES_WITHIN))
