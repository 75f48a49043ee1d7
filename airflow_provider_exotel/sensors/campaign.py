"""The sensor that waits for campaigns of other tasks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    PokeReturnValue,
)

from airflow_provider_exotel.client.errors import ExotelError, ExotelInputError, Problem, collect
from airflow_provider_exotel.client.text import read_literal
from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.hooks.task import task_deadline
from airflow_provider_exotel.operators.base import (
    ExotelTask,
    arguments_of,
    check_names,
    default_deferrable,
    deferred_problems,
    input_errors_fail_the_task,
    is_mapped,
    is_template,
)
from airflow_provider_exotel.operators.campaign_wait import OUTCOME

if TYPE_CHECKING:
    from airflow_provider_exotel.create.options import TaskOptions
    from airflow_provider_exotel.waiting.outcome import Outcome
    from airflow_provider_exotel.waiting.watch import WaitEvent, WatchedCampaign

    Context = Mapping[str, Any]

_UNEXPECTED = {
    "gone": "campaign {} was deleted",
    "overdue": "campaign {} has not ended long after its window closed; check it in the dashboard",
}
_ID = re.compile(r"[\w.-]+", re.ASCII)
_WANTED = "must be a campaign's id, a list of them, or the output of the tasks that create them"
_FEW = 5
"""Calls are read to count people who were never called for at most this many campaigns, to limit the requests."""


class CampaignSensor(ExotelTask, BaseSensorOperator):
    """Wait until campaigns have ended, however they were created.

    The return value is the campaign's id, or the list of ids if a list was given. The XCom ``outcome`` holds the
    outcome of each: ``status``, ``contacts``, ``reached``, ``not_reached``, ``never_tried``, ``started``, ``ended``,
    ``counts``.

    A sensor never stops a campaign, which belongs to another task, unless ``pause_if_failed_above`` is set.

    :param campaign_ids: one id, a list of ids, or the output or the XCom ``campaign`` of the tasks that create them,
        also mapped ones. Skipped tasks are ignored; if no campaign is left to wait for, the sensor is skipped.
    :param min_reached: fail the task if any of the campaigns reached a smaller share than this, 0 to 1.
    :param pause_if_failed_above: the largest share of failed calls of a campaign, 0 to 1; default any share. Above it,
        from 30 calls on, the campaign is paused and the task fails.
    :param on_window_end: what to do with uncalled contacts when a window closes: ``complete`` (default) warns, ``fail``
        fails the task.
    :param deferrable: whether to wait in the triggerer, which holds no worker; default Airflow's own setting
        ``[operators] default_deferrable``. Otherwise ``mode`` decides.
    :param exotel_conn_id: the connection, default ``exotel_default``.
    :raises AirflowFailException: if a campaign was deleted, could call nobody, or did not end as asked for.
    :raises AirflowSensorTimeout: if the campaigns have not ended within the shorter of ``timeout`` and
        ``execution_timeout``.
    """

    ui_color = "#dff3ea"
    campaign_ids: Any

    def __init__(
        self,
        *,
        campaign_ids: Any,
        min_reached: float | str | None = None,
        pause_if_failed_above: float | str | None = None,
        on_window_end: Literal["complete", "fail"] = "complete",
        deferrable: bool | None = None,
        exotel_conn_id: str = ExotelHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in CampaignSensor.arguments}
        check_names(CampaignSensor, kwargs)
        super().__init__(**kwargs)
        for name, value in given.items():
            setattr(self, name, value)
        self._watched: dict[str, WatchedCampaign] = {}
        self._only_active = False
        if not is_mapped(self):
            if not str(campaign_ids or "").strip() and not isinstance(campaign_ids, list):
                raise ExotelInputError([Problem("campaign_ids", f"is required: {_WANTED}")])
            _parse({name: value for name, value in given.items() if not is_template(value)})

    arguments = arguments_of(__init__)
    template_fields = ("exotel_conn_id", "campaign_ids", "min_reached", "pause_if_failed_above")

    def execute(self, context: Context) -> Any:
        """Wait in the chosen mode."""
        with self._failures_may_skip():
            options = self._options()
            if not self._ids():
                raise AirflowSkipException("There is no campaign to wait for: no task before this one created any.")
            if default_deferrable() if options.deferrable is None else options.deferrable:
                polled = self.poke(context)
                return polled.xcom_value if polled.is_done else self._defer(context)
        return super().execute(context)  # type: ignore[arg-type]

    def poke(self, context: Context) -> PokeReturnValue:
        """Poll the campaigns that have not ended yet."""
        from airflow_provider_exotel.waiting.watch import GONE_AFTER

        ids = self._ids()
        with input_errors_fail_the_task():
            self._poll(ids)
            for _ in range(GONE_AFTER - 1 if self.reschedule else 0):  # the next poke has no state of this one
                if missing := [name for name in ids if self._watched[name].is_missing]:
                    self._poll(missing)
            events = [event for name in ids if (event := self._watched[name].event) is not None]
            if len(events) < len(ids) and not any(map(_is_failing, events)):
                return PokeReturnValue(is_done=False)
            return PokeReturnValue(is_done=True, xcom_value=self._conclude(context, events))

    def resume_waiting(self, context: Context, event: Any) -> Any:
        """Continue after the trigger has fired: Airflow calls this when it resumes the task."""
        from airflow_provider_exotel.triggers.campaign import TriggerResult

        with self._failures_may_skip(), input_errors_fail_the_task():
            result, ids = TriggerResult.of_json(event), self._ids()
            if result.left and not any(map(_is_failing, result.events)):
                raise AirflowSensorTimeout(
                    f"{len(result.left)} of {len(ids)} campaigns have not ended within the sensor's timeout"
                )
            order = {campaign_id: place for place, campaign_id in enumerate(ids)}
            events = sorted(result.events, key=lambda one: order.get(one.wait.campaign_id, len(order)))
            return self._conclude(context, events)

    @contextmanager
    def _failures_may_skip(self) -> Iterator[None]:
        """Apply ``soft_fail`` and ``never_fail`` in every mode; Airflow applies them only in poke mode."""
        try:
            yield
        except AirflowSkipException:
            raise
        except (AirflowFailException, AirflowSensorTimeout, AirflowTaskTimeout) as failure:
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException(str(failure)) from None
            raise
        except Exception as failure:
            if self.never_fail:
                raise AirflowSkipException(str(failure)) from None
            raise

    def _options(self) -> TaskOptions:
        with input_errors_fail_the_task():
            return _parse({name: getattr(self, name) for name in self.arguments})

    def _ids(self) -> list[str]:
        with input_errors_fail_the_task():
            return _read_ids(self.campaign_ids)[0]

    def _poll(self, ids: Sequence[str]) -> None:
        from airflow_provider_exotel.waiting.breaker import Breaker
        from airflow_provider_exotel.waiting.sweep import sweep
        from airflow_provider_exotel.waiting.wait import Wait
        from airflow_provider_exotel.waiting.watch import WatchedCampaign

        now, limit = datetime.now(UTC), self._options().pause_if_failed_above
        breaker = None if limit is None else Breaker(limit)
        for campaign_id in ids:
            self._watched.setdefault(campaign_id, WatchedCampaign(Wait(campaign_id, breaker=breaker)))
        due = [name for name in ids if self._watched[name].event is None and self._watched[name].wait.has_begun(now)]
        try:
            swept = self.hook.with_client(lambda client: sweep(client, due, only_active=self._only_active))
        except ExotelError as error:
            if not error.retryable:
                raise
            self.log.warning("The campaigns could not be polled: %s", error)
            return
        self._only_active = swept.only_active
        for campaign_id, campaign in swept.campaigns.items():
            if line := self._watched[campaign_id].update(campaign, datetime.now(UTC)):
                self.log.info("%s", line)
            self._evaluate(self._watched[campaign_id])

    def _evaluate(self, watched: WatchedCampaign) -> None:
        from airflow_provider_exotel.waiting.breaker import sample_calls

        if not watched.is_breaker_due(datetime.now(UTC)):
            return
        campaign_id = watched.wait.campaign_id
        try:
            sample = self.hook.with_client(lambda client: sample_calls(client, campaign_id))
        except ExotelError as error:
            if not error.retryable:
                raise
            self.log.warning("The calls of campaign %s could not be counted: %s", campaign_id, error)
        else:
            watched.evaluate(sample, datetime.now(UTC))

    def _defer(self, context: Context) -> None:
        from airflow_provider_exotel.triggers.campaign import CampaignTrigger

        limits = [timedelta(seconds=float(self.timeout))] + [
            one for one in (self.execution_timeout,) if one is not None
        ]
        deadline = task_deadline(context, min(limits))
        self.defer(
            trigger=CampaignTrigger(
                exotel_conn_id=self.exotel_conn_id,
                waits=[watched.wait.as_json() for watched in self._watched.values()],
                poll_interval=float(self.poke_interval),
                deferred_at=datetime.now(UTC).isoformat(),
                deadline=deadline.isoformat() if deadline else None,
            ),
            method_name="resume_waiting",
        )

    def _conclude(self, context: Context, events: Sequence[WaitEvent]) -> Any:
        """Push the outcomes to XCom, and fail if a campaign did not end as the options ask."""
        from airflow_provider_exotel.waiting.driver import pause_failing
        from airflow_provider_exotel.waiting.outcome import describe_outcome, judge_outcome

        options, one = self._options(), _read_ids(self.campaign_ids)[1]
        failing = [pause_failing(event, self.hook.with_client) for event in events if _is_failing(event)]
        outcomes = [self._completed(event.outcome, few=len(events) <= _FEW) for event in events if event.outcome]
        failures = failing + [
            _UNEXPECTED[event.step].format(event.wait.campaign_id) for event in events if event.step in _UNEXPECTED
        ]
        for outcome in outcomes:
            failure = judge_outcome(outcome, min_reached=options.min_reached, on_window_end=options.on_window_end)
            failures += [failure] if failure else []
        results = [{"summary": describe_outcome(outcome), **outcome.as_json()} for outcome in outcomes]
        context["ti"].xcom_push(key=OUTCOME, value=results[0] if one and results else results)
        if failures:
            raise AirflowFailException("; ".join(failures))
        ids = [event.wait.campaign_id for event in events]
        return ids[0] if one else ids

    def _completed(self, outcome: Outcome, *, few: bool) -> Outcome:
        from airflow_provider_exotel.waiting.driver import complete_outcome

        return complete_outcome(outcome, self.hook.with_client) if few else outcome


def _is_failing(event: WaitEvent) -> bool:
    """Return whether a campaign must be paused, whatever the others do."""
    return event.step == "failing"


def _parse(arguments: dict[str, Any]) -> TaskOptions:
    from airflow_provider_exotel.create.options import parse_options

    problems = deferred_problems(arguments)
    options: TaskOptions | None = collect(problems, lambda: parse_options({"wait_for_completion": True, **arguments}))
    if options is not None and options.on_window_end == "resume":
        problems.append(Problem("on_window_end", "must be 'complete' or 'fail': a sensor does not move a campaign"))
    if "campaign_ids" in arguments:
        collect(problems, lambda: _read_ids(arguments["campaign_ids"]))
    if problems or options is None:
        raise ExotelInputError(problems)
    return options


def _read_ids(given: Any) -> tuple[list[str], bool]:
    """Return the ids that a DAG, a template or other tasks give, each once, and whether one was given by itself."""
    literal = read_literal(given) if isinstance(given, str) else given
    several = [word.strip() for word in given.split(",")] if isinstance(given, str) and literal is None else literal
    if isinstance(several, Mapping):
        return [_id_of(several)], True
    if isinstance(several, (bytes, int, float)) or not (several is None or isinstance(several, Iterable)):
        raise ExotelInputError([Problem("campaign_ids", _WANTED)])
    # A skipped task gives None.
    ids = list(dict.fromkeys(_id_of(one) for one in several or () if one is not None and one != ""))
    return ids, isinstance(given, str) and literal is None and len(ids) == 1


def _id_of(one: Any) -> str:
    campaign_id = one.get("id") if isinstance(one, Mapping) else one
    if not isinstance(campaign_id, str) or not _ID.fullmatch(campaign_id.strip()):
        raise ExotelInputError([Problem("campaign_ids", _WANTED)])
    return campaign_id.strip()
