"""The task that waits for campaigns which others have created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
)

from airflow_provider_exotel.client.errors import ExotelError, ExotelInputError, Problem
from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.operators.inputs import check_choices, default_deferrable
from airflow_provider_exotel.operators.results import (
    OUTCOME,
    failing_for_good,
    judged,
    share_of,
    with_those_never_called,
)

if TYPE_CHECKING:
    from airflow_provider_exotel.waiting.outcome import Outcome
    from airflow_provider_exotel.waiting.watch import WaitEvent, Watched

    Context = Mapping[str, Any]

_FAILURES = {
    "gone": "campaign {} was deleted",
    "overdue": "campaign {} has not ended long after its window closed; look at it in the dashboard",
}
_TOLD_APART = 5
"""Up to so many campaigns are asked for their calls; for more, the requests are worth more than the answer."""


class CampaignSensor(BaseSensorOperator):
    """Wait until campaigns have ended, however they were created.

    The return value is the campaign's id, or the list of ids where a list was given; the XCom ``outcome`` holds how
    each ended: ``status``, ``contacts``, ``reached``, ``not_reached``, ``never_tried``, ``started``, ``ended``,
    ``counts``.

    A sensor never stops a campaign: it belongs to somebody else.

    :param campaign_ids: one id, a list of them, or the output of the tasks that create them, mapped ones too. What
        skipped tasks left out is passed over.
    :param min_reached: the share of people, 0 to 1, of whom fewer reached by any of the campaigns are a failure.
    :param on_window_end: what people left over at the end of a window mean: ``complete`` (default) nothing but a
        warning, ``fail`` a failure.
    :param deferrable: whether to wait in the triggerer, where that holds no worker; default Airflow's own setting
        ``[operators] default_deferrable``. Otherwise as ``mode`` says.
    :param exotel_conn_id: the connection, default ``exotel_default``.
    :raises AirflowFailException: if a campaign was deleted, could call nobody, or did not end as asked for.
    :raises AirflowSensorTimeout: if they have not ended within ``timeout`` seconds.
    """

    template_fields = ("exotel_conn_id", "campaign_ids", "min_reached")
    ui_color = "#dff3ea"

    def __init__(
        self,
        *,
        campaign_ids: Any,
        min_reached: float | str | None = None,
        on_window_end: str = "complete",
        deferrable: bool | None = None,
        exotel_conn_id: str = ExotelHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choices(on_window_end=(on_window_end, ("complete", "fail")))
        self.campaign_ids = campaign_ids
        self.min_reached = min_reached
        self.on_window_end = on_window_end
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.exotel_conn_id = exotel_conn_id
        self._watched: dict[str, Watched] = {}
        self._only_active = False

    @cached_property
    def hook(self) -> ExotelHook:
        """The hook of the connection."""
        return ExotelHook(self.exotel_conn_id)

    def execute(self, context: Context) -> Any:
        """Wait, in the way that was chosen."""
        with failing_for_good():
            share_of(self.min_reached)
        if not self.deferrable:
            return super().execute(context)  # type: ignore[arg-type]
        poked = self.poke(context)
        if poked.is_done:
            return poked.xcom_value
        return self._defer(context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look at the campaigns that have not ended yet."""
        from airflow_provider_exotel.waiting.watch import GONE_AFTER

        ids, one = _ids(self.campaign_ids)
        with failing_for_good():
            self._look(ids)
            for _ in range(GONE_AFTER - 1 if self.reschedule else 0):  # the next poke knows nothing of this one
                if missing := [name for name in ids if self._watched[name].is_missing]:
                    self._look(missing)
            if any(self._watched[campaign_id].event is None for campaign_id in ids):
                return PokeReturnValue(is_done=False)
            events = [self._watched[campaign_id].event for campaign_id in ids]
            return PokeReturnValue(
                is_done=True, xcom_value=self._conclude(context, [event for event in events if event], one=one)
            )

    def resume_waiting(self, context: Context, event: Any) -> Any:
        """Go on when the trigger has fired: Airflow calls this where the task had been deferred."""
        from airflow_provider_exotel.triggers.campaign import Awoken

        ids, one = _ids(self.campaign_ids)
        with failing_for_good():
            awoken = Awoken.of_json(event)
            if awoken.left:
                message = f"{len(awoken.left)} of {len(ids)} campaigns have not ended within the sensor's timeout"
                raise AirflowSkipException(message) if self.soft_fail else AirflowSensorTimeout(message)
            order = {campaign_id: place for place, campaign_id in enumerate(ids)}
            told = sorted(awoken.events, key=lambda one: order.get(one.wait.campaign_id, len(order)))
            return self._conclude(context, told, one=one)

    def _look(self, ids: Sequence[str]) -> None:
        from airflow_provider_exotel.waiting.sweep import sweep
        from airflow_provider_exotel.waiting.wait import Wait
        from airflow_provider_exotel.waiting.watch import Watched

        now = datetime.now(UTC)
        for campaign_id in ids:
            self._watched.setdefault(campaign_id, Watched(Wait(campaign_id)))
        due = [name for name in ids if self._watched[name].event is None and self._watched[name].wait.has_begun(now)]
        try:
            with self.hook.renewing_when_refused():
                swept = sweep(self.hook.client, due, only_active=self._only_active)
        except ExotelError as error:
            if not error.retryable:
                raise
            self.log.warning("The campaigns could not be looked at: %s", error)
            return
        self._only_active = swept.only_active
        for campaign_id, campaign in swept.campaigns.items():
            watched = self._watched[campaign_id]
            if line := watched.see(campaign, datetime.now(UTC)):
                self.log.info("%s", line)

    def _defer(self, context: Context) -> None:
        from airflow_provider_exotel.triggers.campaign import CampaignTrigger

        began = getattr(context["ti"], "start_date", None) or datetime.now(UTC)
        self.defer(
            trigger=CampaignTrigger(
                exotel_conn_id=self.exotel_conn_id,
                waits=[watched.wait.as_json() for watched in self._watched.values()],
                poll_interval=float(self.poke_interval),
                deferred_at=datetime.now(UTC).isoformat(),
                deadline=(began + timedelta(seconds=float(self.timeout))).isoformat(),
            ),
            method_name="resume_waiting",
        )

    def _conclude(self, context: Context, events: Sequence[WaitEvent], *, one: bool) -> Any:
        """Leave how the campaigns ended, and fail if one did not end as asked for."""
        few = len(events) <= _TOLD_APART
        outcomes = [self._told_apart(event.outcome, few=few) for event in events if event.outcome]
        failures = [_FAILURES[event.step].format(event.wait.campaign_id) for event in events if event.step in _FAILURES]
        for outcome in outcomes:
            failure = judged(outcome, share_of(self.min_reached), self.on_window_end)
            failures += [failure] if failure else []
        told = [outcome.as_json() for outcome in outcomes]
        context["ti"].xcom_push(key=OUTCOME, value=told[0] if one and told else told)
        if failures:
            message = "; ".join(failures)
            raise AirflowSkipException(message) if self.soft_fail else AirflowFailException(message)
        ids = [event.wait.campaign_id for event in events]
        return ids[0] if one else ids

    def _told_apart(self, outcome: Outcome, *, few: bool) -> Outcome:
        return with_those_never_called(self.hook.client, outcome) if few else outcome


def _ids(given: Any) -> tuple[list[str], bool]:
    """Return the campaigns, each once, and whether one was given by itself."""
    from airflow_provider_exotel.client.fields import words

    read: Any = words(given)
    several = [read] if isinstance(read, str) else list(read or ())
    ids = list(dict.fromkeys(str(one) for one in several if one is not None))
    if not ids:
        wanted = "names no campaign; give an id, a list of them, or the output of the tasks that create them"
        raise AirflowFailException(str(ExotelInputError([Problem("campaign_ids", wanted)])))
    return ids, isinstance(given, str) and len(ids) == 1
