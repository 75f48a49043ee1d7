"""What a running task tells of itself: its dates, its try, and where its tries keep their journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow import __version__ as airflow_version

from airflow_provider_exotel.create.errors import TrySuperseded
from airflow_provider_exotel.create.identity import CampaignIdentity, identify
from airflow_provider_exotel.create.journal import CampaignJournal
from airflow_provider_exotel.windows.anchor import Anchor, anchor_given, anchor_of

if TYPE_CHECKING:
    from airflow_provider_exotel.audience.list_upload import UploadJournal
    from airflow_provider_exotel.connection import ExotelSettings
    from airflow_provider_exotel.create.options import TaskOptions

KEY_REMEMBERED_FOR = timedelta(days=30)
"""How far back the campaign of an idempotency key is looked for: the longest a campaign dials by default."""
_Read = Callable[[], Mapping[str, Any] | None]
_Write = Callable[[dict[str, Any]], None]
_KEPT_HERE: dict[str, dict[str, Any]] = {}
_SUPERSEDED = {404, 409, 410}
"""Airflow's answers to a try that should not run any more; each try of a task has an id of its own."""


def journal_of(context: Mapping[str, Any], key: str) -> CampaignJournal:
    """Return the journal of a campaign, in the state that Airflow 3.3 stores for a task over all its tries.

    :param context: the task's context; empty outside of a task.
    :param key: the campaign's.
    """
    stored = _state_of_task(context, f"exotel_campaign_{key}")
    return CampaignJournal.in_memory() if stored is None else CampaignJournal(*stored)


def journal_of_this_process(name: str) -> CampaignJournal:
    """Return the journal of a campaign over all calls of this process, for where Airflow keeps none.

    :param name: tells the campaign from those of other keys, accounts and hosts.
    """
    return CampaignJournal(
        lambda: _KEPT_HERE.get(name), lambda entry: _KEPT_HERE.__setitem__(name, entry), outlives_tries=False
    )


def is_later_call(name: str) -> bool:
    """Return whether the campaign of a journal of this process has been sent or refused here before."""
    return name in _KEPT_HERE


def upload_journal_of(context: Mapping[str, Any], list_name: str, kept: dict[str, Any]) -> UploadJournal:
    """Return the journal of an upload, in the state that Airflow 3.3 stores for a task over all its tries.

    :param context: the task's context.
    :param list_name: the name of the list that is made.
    :param kept: where it is kept, as long as the try lasts, on an Airflow that stores no such state.
    """
    from airflow_provider_exotel.audience.list_upload import UploadJournal

    stored = _state_of_task(context, f"exotel_upload_{list_name}")
    if stored is not None:
        return UploadJournal(*stored)
    return UploadJournal(
        lambda: kept.get(list_name), lambda entry: kept.update({list_name: entry}), outlives_tries=False
    )


def _state_of_task(context: Mapping[str, Any], name: str) -> tuple[_Read, _Write] | None:
    """Return what reads and writes a task's state of a name, ``None`` before Airflow 3.3."""
    store = context.get("task_state_store")
    if store is None:
        return None
    from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined]  # from 3.3 on, as the store is

    def write(entry: dict[str, Any]) -> None:
        try:
            store.set(name, entry, retention=NEVER_EXPIRE)
        except Exception as error:
            if _http_status(error) not in _SUPERSEDED:
                raise
            superseded = "Airflow takes no state of this try any more: the task was cleared, or a later try took over"
            raise TrySuperseded(superseded) from error

    return lambda: store.get(name), write


def _http_status(error: Exception) -> int | None:
    """Return the HTTP status with which Airflow's API refused something, ``None`` for any other error."""
    response = getattr(error, "response", None)  # in `dag.test`, where no process stands between
    if response is not None:
        return getattr(response, "status_code", None)
    detail = getattr(getattr(error, "error", None), "detail", None)
    return detail.get("status_code") if isinstance(detail, Mapping) else None


def is_later_try(context: Mapping[str, Any]) -> bool:
    """Return whether an earlier try of the task may have run."""
    instance = context.get("ti")
    return instance is not None and instance.try_number > 1


def earliest_date(context: Mapping[str, Any], *, idempotency_key: str | None = None) -> datetime:
    """Return the moment nothing of the run is older than.

    :param context: the task's context; empty outside of a task.
    :param idempotency_key: where it stands for the run, another run may have used it before.
    """
    run, now = context.get("dag_run"), datetime.now(UTC)
    dates = (
        now,
        context.get("logical_date"),
        context.get("data_interval_start"),
        getattr(run, "run_after", None),
        getattr(run, "start_date", None),
        now - KEY_REMEMBERED_FOR if idempotency_key else None,
    )
    return min(date for date in dates if date is not None)


def run_anchor(context: Mapping[str, Any], given: str | datetime | None) -> Anchor:
    """Return the moment the run stands for, or the one that is given instead.

    :param context: the task's context.
    :param given: the argument ``anchor``.
    :raises ExotelInputError: if nothing says when, or what is given is no time.
    """
    if given is not None:
        return anchor_given(given)
    run = context["dag_run"]
    return anchor_of(
        context.get("logical_date"),
        context.get("data_interval_start"),
        context.get("data_interval_end"),
        getattr(run, "run_after", None),
    )


def task_identity(
    context: Mapping[str, Any], settings: ExotelSettings, options: TaskOptions, name: str | None
) -> CampaignIdentity:
    """Return which campaign a task instance stands for.

    :param context: the task's context.
    :param settings: the connection.
    :param options: the task's options.
    :param name: the caller's name for the campaign.
    """
    instance = context["ti"]
    return identify(
        settings.account_sid,
        settings.deployment,
        dag_id=instance.dag_id,
        run_id=instance.run_id,
        logical_date=context.get("logical_date"),
        task_id=instance.task_id,
        map_index=instance.map_index,
        name=name,
        idempotency_key=options.idempotency_key,
        exact_name=options.exact_name,
    )


def run_conf(context: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a run was triggered with."""
    conf = getattr(context.get("dag_run"), "conf", None)
    return conf if isinstance(conf, Mapping) else {}


def task_deadline(context: Mapping[str, Any], execution_timeout: timedelta | None) -> datetime | None:
    """Return when a task has to be done, ``None`` for never.

    Airflow 2 fails a deferred task at that moment itself, and asks nobody to stop what it waits for: there it is woken
    before.

    :param context: the task's context.
    :param execution_timeout: the task's.
    """
    if execution_timeout is None:
        return None
    began: datetime = getattr(context["ti"], "start_date", None) or datetime.now(UTC)
    sooner = min(execution_timeout / 10, timedelta(minutes=1)) if airflow_version.startswith("2.") else timedelta()
    return began + execution_timeout - sooner
