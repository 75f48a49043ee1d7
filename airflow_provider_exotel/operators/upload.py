"""The task that makes contact lists of what a planned campaign is to call, before the campaign exists."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_exotel.client.errors import ExotelImportUnfinished, ExotelInputError, Problem
from airflow_provider_exotel.create.spec import files_among
from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.operators.base import default_deferrable, input_errors_fail_the_task

if TYPE_CHECKING:
    from airflow_provider_exotel.audience.upload import Chunk, OneList, Step
    from airflow_provider_exotel.client.contact_list import ContactList

    Context = Mapping[str, Any]

# Airflow 3.3 may fail a task whose trigger fires before the end of its worker has been noticed.
_SHORTEST_DEFERRAL = 15.0


class UploadAudienceOperator(BaseOperator):
    """Upload the files of one planned campaign as contact lists, and return its arguments with the lists' SIDs.

    Mapped over a plan it is one task for each campaign, ``.partial(...).expand(campaign=plan.output)``, with
    ``CreateCampaignOperator.partial(...).expand_kwargs(upload.output)`` after it. A campaign that takes its numbers
    from a file is passed on as it is. No campaign is created before every list holds as many people as were planned.

    A list's name tells its content: a later try, and another run with the same people, takes the list that is there,
    and sends only what is missing.

    :param campaign: the arguments of one campaign, as
        :class:`~airflow_provider_exotel.operators.audience.PlanAudienceOperator` returns them.
    :param deferrable: whether to wait for imports without a worker; default Airflow's own setting
        ``[operators] default_deferrable``.
    :param exotel_conn_id: the connection, default ``exotel_default``.
    :raises AirflowFailException: if a list holds other people than were planned, or a file is not as it was planned.
    :raises ExotelImportUnfinished: if an import takes too long or breaks off; a later try goes on.
    """

    template_fields: Sequence[str] = ("exotel_conn_id", "campaign")
    ui_color = "#f3ecd9"

    def __init__(
        self,
        *,
        campaign: Any,
        deferrable: bool | None = None,
        exotel_conn_id: str = ExotelHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.campaign = campaign
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.exotel_conn_id = exotel_conn_id

    @cached_property
    def hook(self) -> ExotelHook:
        """The hook of the connection."""
        return ExotelHook(self.exotel_conn_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """Make the lists that are missing, and return the campaign's arguments."""
        return self._complete(context, {}, [])

    def resume_upload(
        self,
        context: Context,
        event: Any,  # noqa: ARG002 - the time that has come, which Airflow passes by this name
        journals: dict[str, Any],
        sent: list[str],
    ) -> dict[str, Any]:
        """Go on after a wait: Airflow calls this where the task had been deferred.

        :param journals: what is known of each upload, where Airflow has no place for it.
        :param sent: the lists whose file this try has sent.
        """
        return self._complete(context, journals, sent)

    def _complete(self, context: Context, journals: dict[str, Any], sent: list[str]) -> dict[str, Any]:
        with input_errors_fail_the_task():
            chunks = self._chunks()
            if not chunks:
                return dict(self.campaign)
            self.hook.settings.guard.check(None, tuple(chunk.list_name for chunk in chunks))
            found = self._lists([self._one_list(context, chunk, journals) for chunk in chunks], journals, sent)
        return {**self.campaign, "lists": [one.sid for one in found]}

    def _lists(self, lists: Sequence[OneList], journals: dict[str, Any], sent: list[str]) -> list[ContactList]:
        """Return the lists once all are complete; all files are sent before any import is waited for."""
        from airflow_provider_exotel.audience.upload import Wait

        while True:
            steps = [self._advanced(one, sent) for one in lists]
            waits = [step for step in steps if isinstance(step, Wait)]
            if not waits:
                return [step for step in steps if not isinstance(step, Wait)]  # type: ignore[misc]
            for wait in waits:
                self.log.info("Waiting: %s.", wait.reason)
            pause = min(wait.seconds for wait in waits)
            if self.deferrable:
                self._defer_for(pause, journals, sent)
            time.sleep(pause)

    def _advanced(self, one: OneList, sent: list[str]) -> Step:
        """Look, send the file if need be, and look again; a file is sent once in a try."""
        from airflow_provider_exotel.audience.upload import Send
        from airflow_provider_exotel.client.errors import ExotelOutcomeUnknown

        name, step = one.chunk.list_name, one.look()
        if not isinstance(step, Send):
            return step
        if name in sent:
            raise ExotelImportUnfinished(f"a file of contacts was sent and {step.reason}; a later try sends it")
        sent.append(name)
        self.log.info("Sending %d contacts as %s: %s.", one.chunk.contacts, name, step.reason)
        try:
            one.upload()
        except ExotelOutcomeUnknown as unknown:
            self.log.warning("%s; looking for it.", unknown.message)
        step = one.look()
        if isinstance(step, Send):
            raise ExotelImportUnfinished(f"a file of contacts was sent and {step.reason}; a later try sends it")
        return step

    def _defer_for(self, seconds: float, journals: dict[str, Any], sent: list[str]) -> None:
        # Airflow's own clock is enough: only a worker may write the journal that a look needs, and looks are few.
        from airflow.providers.common.compat.standard.triggers import TimeDeltaTrigger

        self.defer(
            trigger=TimeDeltaTrigger(timedelta(seconds=max(seconds, _SHORTEST_DEFERRAL))),
            method_name="resume_upload",
            kwargs={"journals": journals, "sent": sent},
        )

    def _chunks(self) -> list[Chunk]:
        from airflow_provider_exotel.audience.upload import Chunk
        from airflow_provider_exotel.operators.plan_folder import PlanFolder

        if not isinstance(self.campaign, Mapping):
            raise ExotelInputError([Problem("campaign", "is no mapping; map the task over the output of a plan")])
        paths = files_among(self.campaign.get("lists"))
        if not paths:
            return []
        folder, kind = PlanFolder.of_file(paths[0]), self.campaign.get("campaign_type", "static")
        return [
            Chunk(f"af-{planned.name.removesuffix('.csv')}", planned.rows, planned.open, kind)
            for planned in folder.planned(paths)
        ]

    def _one_list(self, context: Context, chunk: Chunk, journals: dict[str, Any]) -> OneList:
        from airflow_provider_exotel.audience.upload import OneList
        from airflow_provider_exotel.hooks.task import is_later_try, upload_journal_of

        settings = self.hook.settings
        return OneList(
            chunk,
            self.hook.client.lists,
            upload_journal_of(context, chunk.list_name, journals),
            is_later_try=is_later_try(context),
            answer_within=timedelta(seconds=settings.connect_timeout + settings.read_timeout),
        )
