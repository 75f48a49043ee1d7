"""The context of a running task: its dates, its try, and its journal."""

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
"""Maximum age of a campaign that is found by its idempotency key: the default maximum duration of a campaign."""
_Read = Callable[[], Mapping[str, Any] | None]
_Write = Callable[[dict[str, Any]], None]
_IN_MEMORY: dict[str, dict[str, Any]] = {}
HAS_BEGUN = "exotel_has_begun"
"""The task state that a first try writes. Airflow 3.4 discards a task's state if a person clears the task."""
_SUPERSEDED = {404, 409, 410}
"""Airflow's responses to a superseded try; each try of a task has its own id."""


def journal_of(context: Mapping[str, Any], key: str) -> CampaignJournal:
    """Return the journal of a campaign, in the task state that Airflow 3.3 keeps between tries.

    :param context: the task's context; empty outside of a task.
    :param key: the campaign's key.
    """
    stored = _state_of_task(context, f"exotel_campaign_{key}")
    if stored is None:
        return CampaignJournal.in_memory()
    return CampaignJournal(*stored, is_complete=_is_complete(context))


def journal_of_this_process(name: str) -> CampaignJournal:
    """Return the in-memory journal of a campaign for all calls of this process, if Airflow keeps none.

    :param name: unique name of the campaign across keys, accounts and hosts.
    """
    return CampaignJournal(
        lambda: _IN_MEMORY.get(name), lambda entry: _IN_MEMORY.__setitem__(name, entry), outlives_tries=False
    )


def is_later_call(name: str) -> bool:
    """Return whether this process has sent the campaign, or was refused, before."""
    return name in _IN_MEMORY


def upload_journal_of(context: Mapping[str, Any], list_name: str, kept: dict[str, Any]) -> UploadJournal:
    """Return the journal of an upload, in the task state that Airflow 3.3 keeps between tries.

    :param context: the task's context.
    :param list_name: the name of the list.
    :param kept: storage for this try, on an Airflow without a task state store.
    """
    from airflow_provider_exotel.audience.list_upload import UploadJournal

    stored = _state_of_task(context, f"exotel_upload_{list_name}")
    if stored is not None:
        return UploadJournal(*stored, is_complete=_is_complete(context))
    return UploadJournal(
        lambda: kept.get(list_name), lambda entry: kept.update({list_name: entry}), outlives_tries=False
    )


def _state_of_task(context: Mapping[str, Any], name: str) -> tuple[_Read, _Write] | None:
    """Return the functions that read and write a task state by name, or ``None`` before Airflow 3.3."""
    store = context.get("task_state_store")
    if store is None:
        return None
    from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined]  # from 3.3 on

    def write(entry: dict[str, Any]) -> None:
        try:
            store.set(name, entry, retention=NEVER_EXPIRE)
        except Exception as error:
            if _http_status(error) not in _SUPERSEDED:
                raise
            superseded = "Airflow refuses state from this try: the task was cleared, or a later try has started"
            raise TrySuperseded(superseded) from error

    return lambda: store.get(name), write


def _is_complete(context: Mapping[str, Any]) -> bool:
    """Return whether the state of the task's first try is still there; a first try marks it."""
    state = _state_of_task(context, HAS_BEGUN)
    if state is None:
        return False
    read, write = state
    is_marked = read() is not None
    if is_later_try(context):
        return is_marked
    if not is_marked:
        write({})
    return True


def _http_status(error: Exception) -> int | None:
    """Return the HTTP status of an error of Airflow's API, or ``None`` for any other error."""
    response = getattr(error, "response", None)  # in `dag.test`, which runs in one process
    if response is not None:
        return getattr(response, "status_code", None)
    detail = getattr(getattr(error, "error", None), "detail", None)
    return detail.get("status_code") if isinstance(detail, Mapping) else None


def is_later_try(context: Mapping[str, Any]) -> bool:
    """Return whether an earlier try of the task may have run."""
    instance = context.get("ti")
    return instance is not None and instance.try_number > 1


def earliest_date(context: Mapping[str, Any], *, idempotency_key: str | None = None) -> datetime:
    """Return the earliest possible creation time of the run's campaign.

    :param context: the task's context; empty outside of a task.
    :param idempotency_key: the key, which an earlier run may have used; ``None`` for none.
    """
    run, now, logical_date = context.get("dag_run"), datetime.now(UTC), context.get("logical_date")
    # An earlier run may have used the key, or this date before it came.
    is_shared = bool(idempotency_key) or (logical_date is not None and logical_date > now)
    dates = (
        now,
        logical_date,
        context.get("data_interval_start"),
        getattr(run, "run_after", None),
        getattr(run, "start_date", None),
        now - KEY_REMEMBERED_FOR if is_shared else None,
    )
    return min(date for date in dates if date is not None)


def run_anchor(context: Mapping[str, Any], given: str | datetime | None) -> Anchor:
    """Return the time that the run stands for, or the given one.

    :param context: the task's context.
    :param given: the argument ``anchor``.
    :raises ExotelInputError: if the run has no date, or the given value is not a time.
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
    """Return the identity of a task instance's campaign.

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
    """Return the conf of a run."""
    conf = getattr(context.get("dag_run"), "conf", None)
    return conf if isinstance(conf, Mapping) else {}


def task_deadline(context: Mapping[str, Any], execution_timeout: timedelta | None) -> datetime | None:
    """Return the deadline of a task, or ``None`` for none.

    Airflow 2 fails a deferred task at its timeout without notifying its trigger, so there the deadline is earlier.

    :param context: the task's context.
    :param execution_timeout: the task's ``execution_timeout``.
    """
    if execution_timeout is None:
        return None
    began: datetime = getattr(context["ti"], "start_date", None) or datetime.now(UTC)
    sooner = min(execution_timeout / 10, timedelta(minutes=1)) if airflow_version.startswith("2.") else timedelta()
    return began + execution_timeout - sooner
