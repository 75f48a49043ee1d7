"""The tasks of campaigns in Airflow's database, the plans that wait for approval, and the reports.

A campaign's name contains a key that is computed from its task instance. So a task owns the campaign only if its key is
the key in the name; an XCom proves nothing, since any task can write one. For a task with an ``idempotency_key`` or an
``exact_name``, the key or name is computed from its rendered fields. An owner record of the campaign's key also names
the task.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.variable import Variable
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import and_, select

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.create.identity import identify
from airflow_provider_exotel.hooks.owner import PREFIX
from airflow_provider_exotel.links import CampaignLink
from airflow_provider_exotel.waiting.owner import OwnerRecord, Ownership, TaskKey, campaign_key, ownership_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.connection import ExotelSettings

log = logging.getLogger(__name__)

MOST_TASKS = 5_000
_MOST_RENDERED = 500
_MOST_FOUND = 50
_CLOCKS_DIFFER_BY = timedelta(days=1)
_CAMPAIGN, _PLAN, _REPORT = "campaign", "plan", "report"  # the XComs of the operators
_ASKING = ("running", "deferred", "awaiting_input")
_OF_TASK = (XComModel.dag_id, XComModel.run_id, XComModel.task_id, XComModel.map_index)


@dataclass(frozen=True)
class OwningTask:
    """The task that a campaign belongs to.

    :param key: the task instance.
    :param state: its state in Airflow, ``None`` if it has none.
    :param has_record: whether it stored an owner record, as waiting tasks do unless ``pause_on_kill=False``.
    """

    key: TaskKey
    state: str | None
    has_record: bool = False

    @property
    def waits(self) -> bool:
        """Whether the task waits for the campaign."""
        return self.has_record and ownership_of(self.state) is not Ownership.ENDED


@dataclass(frozen=True)
class Candidate:
    """A task instance that may have created a campaign.

    :param key: the task instance.
    :param logical_date: the logical date of its run, if it has one.
    :param state: its state.
    """

    key: TaskKey
    logical_date: datetime | None
    state: str | None


@dataclass(frozen=True)
class Found:
    """A plan that waits for an answer, or a report.

    :param key: the task instance that asks for approval, or that made the report.
    :param at: the time since which it waits, or at which it was made.
    :param value: the XCom of the plan's or the report's task.
    """

    key: TaskKey
    at: datetime
    value: Mapping[str, Any]


def find_owners(campaigns: Sequence[Campaign], connections: Mapping[str, ExotelSettings]) -> dict[str, OwningTask]:
    """Return the owning tasks by campaign id, without campaigns that have no task.

    :param campaigns: campaigns of one account.
    :param connections: ids and settings of the connections that lead to the account.
    """
    if not campaigns:
        return {}
    since = min((one.date_created for one in campaigns if one.date_created), default=None)
    with create_session() as session:
        owners = _by_key(campaigns, _candidates(session, since), connections)
        if left := [one for one in campaigns if one.id not in owners]:
            owners |= _by_rendered_fields(left, since, connections)
        return _with_records(session, campaigns, owners, connections)


def find_plans() -> list[Found]:
    """Return the plans of runs in which a task waits for a person's answer, newest first."""
    from airflow.models.hitl import HITLDetail

    # Airflow 3.1 uses another name.
    answered_at: Any = getattr(HITLDetail, "responded_at", None) or HITLDetail.response_at
    query = (
        select(
            TaskInstance.dag_id,
            TaskInstance.run_id,
            TaskInstance.task_id,
            TaskInstance.map_index,
            HITLDetail.created_at,
            XComModel.value,
        )
        .join(TaskInstance, TaskInstance.id == HITLDetail.ti_id)
        .join(XComModel, and_(XComModel.dag_id == TaskInstance.dag_id, XComModel.run_id == TaskInstance.run_id))
        .where(answered_at.is_(None), TaskInstance.state.in_(_ASKING), XComModel.key == _PLAN)
        .order_by(HITLDetail.created_at.desc())
        .limit(_MOST_FOUND)
    )
    with create_session() as session:
        return _found(session.execute(query).all())


def find_reports() -> list[Found]:
    """Return the reports that tasks have made, newest first."""
    query = (
        select(*_OF_TASK, XComModel.timestamp, XComModel.value)
        .where(XComModel.key == _REPORT)
        .order_by(XComModel.timestamp.desc())
        .limit(_MOST_FOUND)
    )
    with create_session() as session:
        return _found(session.execute(query).all())


def _found(rows: Iterable[Any]) -> list[Found]:
    found = []
    for dag_id, run_id, task_id, map_index, at, raw in rows:
        value = _plain(raw)
        # A custom XCom backend stores only an address here, and other people's tasks may use the same key.
        if isinstance(value, Mapping):
            found.append(Found(TaskKey(dag_id, run_id, task_id, map_index), at, value))
    return found


def _candidates(session: Session, since: datetime | None) -> list[Candidate]:
    """Return the task instances with the XCom of a campaign's address, newest first."""
    query = (
        select(*_OF_TASK, DagRun.logical_date, TaskInstance.state)
        .join(DagRun, DagRun.id == XComModel.dag_run_id)
        .join(TaskInstance, _same_task(TaskInstance, XComModel))
        .where(XComModel.key == CampaignLink.key)
        .order_by(XComModel.timestamp.desc())
        .limit(MOST_TASKS)
    )
    return [
        Candidate(TaskKey(*task), logical_date, _word(state))
        for *task, logical_date, state in session.execute(_later_than(query, since))
    ]


def _later_than(query: Any, since: datetime | None) -> Any:
    # A task writes its XComs after it has created its campaign, and again with every try. The two clocks may differ.
    return query if since is None else query.where(XComModel.timestamp >= since - _CLOCKS_DIFFER_BY)


def _same_task(one: Any, other: Any) -> Any:
    names = ("dag_id", "run_id", "task_id", "map_index")
    return and_(*(getattr(one, name) == getattr(other, name) for name in names))


def _by_key(
    campaigns: Iterable[Campaign], candidates: Iterable[Candidate], connections: Mapping[str, ExotelSettings]
) -> dict[str, OwningTask]:
    accounts = {(one.account_sid, one.deployment) for one in connections.values()}
    tasks = {
        _key_of(candidate, account_sid, deployment): candidate
        for candidate in candidates
        for account_sid, deployment in accounts
    }
    return {
        campaign.id: OwningTask(candidate.key, candidate.state)
        for campaign in campaigns
        if (candidate := tasks.get(campaign_key(campaign.name) or ""))
    }


def _key_of(candidate: Candidate, account_sid: str, deployment: str | None) -> str:
    return identify(
        account_sid,
        deployment,
        dag_id=candidate.key.dag_id,
        run_id=candidate.key.run_id,
        logical_date=candidate.logical_date,
        task_id=candidate.key.task_id,
        map_index=candidate.key.map_index,
    ).key


def _by_rendered_fields(
    campaigns: Iterable[Campaign],
    since: datetime | None,
    connections: Mapping[str, ExotelSettings],
) -> dict[str, OwningTask]:
    """Return the owners of campaigns whose key or name is an argument of the task."""
    from airflow.models.renderedtifields import RenderedTaskInstanceFields as Rendered

    by_key = {key: one for one in campaigns if (key := campaign_key(one.name))}
    by_name = {(one.name, one.id): one for one in campaigns if campaign_key(one.name) is None}
    of_attempt: Any = getattr(Rendered, "task_instance_id", None)  # from Airflow 3.4 on
    same_task = _same_task(Rendered, XComModel) if of_attempt is None else of_attempt == TaskInstance.id
    query = (
        select(*_OF_TASK, TaskInstance.state, XComModel.value, Rendered.rendered_fields)
        .join(TaskInstance, _same_task(TaskInstance, XComModel))
        .join(Rendered, same_task)
        .where(XComModel.key == _CAMPAIGN)
        .order_by(XComModel.timestamp.desc())
        .limit(_MOST_RENDERED)
    )
    owners: dict[str, OwningTask] = {}
    with create_session() as session:
        rows = session.execute(_later_than(query, since)).all()
    for *task, state, raw, fields in rows:
        settings = connections.get(str(fields.get("exotel_conn_id")))
        if settings is None:
            continue
        left = _plain(raw)
        campaign_id = left.get("id") if isinstance(left, Mapping) else None
        campaign = by_name.get((str(fields.get("name")), str(campaign_id)))
        if given := fields.get("idempotency_key"):
            key = identify(settings.account_sid, settings.deployment, idempotency_key=str(given)).key
            campaign = by_key.get(key) or campaign
        if campaign is not None:
            owners.setdefault(campaign.id, OwningTask(TaskKey(*task), _word(state)))
    return owners


def _with_records(
    session: Session,
    campaigns: Iterable[Campaign],
    owners: dict[str, OwningTask],
    connections: Mapping[str, ExotelSettings],
) -> dict[str, OwningTask]:
    """Return the owners, and the tasks that owner records name.

    Anybody who may write a Variable can write a record. So a record counts only under the key in the campaign's name,
    and a campaign without a key gets no owner from a record.
    """
    shown = {one.id: campaign_key(one.name) for one in campaigns}
    for variable in session.scalars(select(Variable).where(Variable.key.startswith(PREFIX)).limit(MOST_TASKS)):
        try:
            kept = variable.get_val()  # type: ignore[no-untyped-call]
            record = OwnerRecord.of_json(json.loads(kept or "null"))
        except (ValueError, TypeError, ExotelInputError):
            continue
        is_shown = record.campaign_id in shown and record.connection in connections
        # A campaign with an exact name has no key in it.
        if not is_shown or shown[record.campaign_id] not in {None, variable.key.removeprefix(PREFIX)}:
            continue
        known = owners.get(record.campaign_id)
        if known is not None and known.key == record.task:
            owners[record.campaign_id] = replace(known, has_record=True)
        elif known is None and shown[record.campaign_id] is not None:
            owners[record.campaign_id] = OwningTask(record.task, _state_of(session, record.task), has_record=True)
    return owners


def _state_of(session: Session, task: TaskKey) -> str | None:
    state = session.scalar(
        select(TaskInstance.state).where(
            TaskInstance.dag_id == task.dag_id,
            TaskInstance.run_id == task.run_id,
            TaskInstance.task_id == task.task_id,
            TaskInstance.map_index == task.map_index,
        )
    )
    return _word(state)


def _word(state: Any) -> str | None:
    return None if state is None else str(getattr(state, "value", state))


def _plain(raw: Any) -> Any:
    """Return the raw value of an XCom from the database, without deserialising objects."""
    if isinstance(raw, str):
        try:
            return json.loads(raw)
        except ValueError:
            return raw
    return raw
