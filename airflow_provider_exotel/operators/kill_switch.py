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
"""Seconds after which a wait in the worker notices that its task was killed."""


class KillSwitch:
    """Knows what to pause when a task is killed, and pauses it in one short exchange.

    Airflow ends the process seconds after it says so, in the middle of whatever the task does. So everything that a
    pause needs is there before: no connection is read then, no rate limit and no lock is waited for.

    :param hook: the hook of the task.
    :param pauses: whether a campaign is paused at all.
    """

    def __init__(self, hook: ExotelHook, *, pauses: bool) -> None:
        self._hook, self.pauses = hook, pauses
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
        if self._campaign_id is None or not self.pauses:
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

    @contextmanager
    def pauses_if_superseded(self, task: TaskKey) -> Iterator[None]:
        """Pause the campaign if Airflow gives up this try, unless a later one waits for it already.

        A task that is cleared gets no word of that before its next heartbeat. If Airflow refuses its state meanwhile,
        it ends by that error, and nobody calls ``on_kill``.

        :param task: the task.
        """
        try:
            yield
        except TrySuperseded:
            self._pause_unless_owned(task)
            raise

    def end_by_timeout(self, journal: Callable[[], CampaignJournal]) -> NoReturn:
        """Pause the campaign of a task that took too long, and end the task.

        :param journal: returns where a later try reads that this one has paused it, and so does not wait for nothing.
        :raises AirflowTaskTimeout: always.
        """
        from airflow_provider_exotel.waiting.pausing import pause_if_it_may_dial

        campaign_id, paused = self._campaign_id or "", ""
        if self.pauses:
            try:
                was_dialling = self._hook.with_client(lambda client: pause_if_it_may_dial(client, campaign_id))
                paused = "; it does not dial any more"
            except ExotelError as error:
                paused = f"; it could not be paused: {error}"
            else:
                with suppress(ExotelInputError):  # input that cannot be read any more must not hide the time-out
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
        # This try is known to be over. So no answer does not leave the campaign dialling, as it does in a triggerer.
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
        """Wait, and end the task within a second after it was killed.

        :param seconds: how long.
        :raises AirflowException: if it was killed.
        """
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, _NOTICES_WITHIN))
