"""The operator that uploads the contact lists of one planned campaign, before the campaign is created."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.text import read_flag, read_literal
from airflow_provider_exotel.create.spec import find_file_paths, parse_lists
from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.operators.base import (
    ExotelTask,
    check_names,
    default_deferrable,
    deferred_problems,
    input_errors_fail_the_task,
)

if TYPE_CHECKING:
    from airflow_provider_exotel.audience.list_upload import ListUpload
    from airflow_provider_exotel.audience.upload import UploadState

    Context = Mapping[str, Any]

# Airflow 3.3 may fail a task whose trigger fires before Airflow has noticed the end of its worker.
_SHORTEST_DEFERRAL = 15.0


class UploadAudienceOperator(ExotelTask, BaseOperator):
    """Upload the files of one planned campaign as contact lists, and return its arguments with the lists' SIDs.

    Map it over a plan with ``.partial(...).expand(campaign=plan.output)``, and put
    ``CreateCampaignOperator.partial(...).expand_kwargs(upload.output)`` after it. A campaign that takes its numbers
    from a file passes through unchanged. No campaign is created before every list holds as many people as planned.

    A list's name holds a digest of its content. So a later try, or another run with the same people, reuses the list
    and sends only missing people.

    :param campaign: the arguments of one campaign, as
        :class:`~airflow_provider_exotel.operators.audience.PlanAudienceOperator` returns them.
    :param deferrable: whether to wait for imports without a worker; default Airflow's own setting
        ``[operators] default_deferrable``.
    :param exotel_conn_id: the connection, default ``exotel_default``.
    :raises AirflowFailException: if a list holds other people than planned, or a file was changed after the planning.
    :raises ExotelImportUnfinished: if an import takes too long or stops early; a later try continues.
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
        check_names(UploadAudienceOperator, kwargs)
        super().__init__(**kwargs)
        self.campaign = campaign
        self.deferrable = deferrable
        self.exotel_conn_id = exotel_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Upload missing lists, and return the campaign's arguments."""
        from airflow_provider_exotel.audience.plan_folder import PlanFolder
        from airflow_provider_exotel.audience.upload import UploadState, list_name_of
        from airflow_provider_exotel.hooks.access import airflow_access

        with input_errors_fail_the_task():
            paths = self._paths()
            if not paths:
                return self._campaign()
            files = PlanFolder.of_file(paths[0], airflow_access().path).contacts_of(paths)
            self.hook.settings.guard.check(None, tuple(list_name_of(path) for path, _ in files))
            return self._complete(context, UploadState(files))

    def resume_upload(self, context: Context, event: Any = None, **state: Any) -> dict[str, Any]:  # noqa: ARG002
        """Continue after a wait: Airflow calls this when it resumes the task.

        :param event: the time of the trigger; Airflow passes it by this name.
        :param state: the state of this try, as :class:`~airflow_provider_exotel.audience.upload.UploadState` reads it.
        """
        from airflow_provider_exotel.audience.upload import UploadState

        with input_errors_fail_the_task():
            return self._complete(context, UploadState.of(state))

    def _complete(self, context: Context, state: UploadState) -> dict[str, Any]:
        from airflow_provider_exotel.audience.upload import complete_uploads

        lists = complete_uploads(self._uploads(context, state), state.sent, self._waiting(state))
        return {**self._campaign(), "lists": [one.sid for one in lists]}

    def _uploads(self, context: Context, state: UploadState) -> list[ListUpload]:
        from airflow_provider_exotel.audience.list_upload import ListFile, ListUpload
        from airflow_provider_exotel.audience.upload import list_name_of
        from airflow_provider_exotel.hooks.access import airflow_access
        from airflow_provider_exotel.hooks.task import is_later_try, upload_journal_of

        access, settings, kind = airflow_access(), self.hook.settings, self._campaign().get("campaign_type", "static")
        return [
            ListUpload(
                ListFile(name, contacts, partial(access.path(path).open, "rb"), kind),
                self.hook.client.lists,
                upload_journal_of(context, name, state.journals),
                is_later_try=is_later_try(context),
                answer_within=timedelta(seconds=settings.connect_timeout + settings.read_timeout),
            )
            for path, contacts in state.files
            for name in [list_name_of(path)]
        ]

    def _paths(self) -> list[str]:
        lists = self._campaign().get("lists")
        paths = find_file_paths(lists, "campaign.lists")
        if paths and len(paths) < len(parse_lists(lists)):
            wanted = "must hold either files or SIDs of lists; split the campaign, or upload all of its files"
            raise ExotelInputError([Problem("campaign.lists", wanted)])
        return paths

    def _campaign(self) -> dict[str, Any]:
        if problems := deferred_problems({"campaign": self.campaign}):
            raise ExotelInputError(problems)
        given = read_literal(self.campaign) if isinstance(self.campaign, str) else self.campaign
        if not isinstance(given, Mapping):
            wanted = "must be a mapping of a campaign's arguments; map the task over the output of a plan"
            raise ExotelInputError([Problem("campaign", wanted)])
        return dict(given)

    def _waiting(self, state: UploadState) -> Any:
        """Return the function that waits for some seconds, in this worker or deferred."""
        try:
            deferrable = default_deferrable() if self.deferrable is None else read_flag(self.deferrable)
        except ValueError as error:
            raise ExotelInputError([Problem("deferrable", str(error))]) from None
        return partial(self._defer_for, state) if deferrable else time.sleep

    def _defer_for(self, state: UploadState, seconds: float) -> None:
        # Airflow's own time trigger is enough: polls are few, and only a worker may write the journal that they need.
        from airflow.providers.common.compat.standard.triggers import TimeDeltaTrigger

        self.defer(
            trigger=TimeDeltaTrigger(timedelta(seconds=max(seconds, _SHORTEST_DEFERRAL))),
            method_name="resume_upload",
            kwargs=vars(state),
        )
