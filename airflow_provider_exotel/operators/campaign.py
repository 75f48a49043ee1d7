"""The operator that creates a campaign."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import BaseOperator, ObjectStoragePath

from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.text import read_flag
from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.hooks.owner import task_key_of
from airflow_provider_exotel.hooks.task import run_anchor, run_conf, task_deadline, task_identity
from airflow_provider_exotel.links import CampaignLink, PlanLink
from airflow_provider_exotel.operators.base import (
    ExotelTask,
    arguments_of,
    check_names,
    deferred_problems,
    hold_numbers,
    input_errors_fail_the_task,
    is_mapped,
    is_template,
    missed_windows_end_the_task,
)
from airflow_provider_exotel.operators.campaign_create import create_campaign, find_campaign, publish_campaign
from airflow_provider_exotel.operators.campaign_plan import publish_plan
from airflow_provider_exotel.operators.campaign_wait import CampaignWait
from airflow_provider_exotel.operators.kill_switch import KillSwitch
from airflow_provider_exotel.operators.run_params import declared_params, errors_name_given_fields, fill_from_params

if TYPE_CHECKING:
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.client.request import CallRetries
    from airflow_provider_exotel.create.fingerprint import CampaignFields
    from airflow_provider_exotel.create.identity import CampaignIdentity
    from airflow_provider_exotel.create.once import OneCampaign
    from airflow_provider_exotel.create.options import TaskOptions
    from airflow_provider_exotel.create.spec import CampaignInput, CampaignSpec
    from airflow_provider_exotel.windows.calling_window import Window

    Context = Mapping[str, Any]

_READ_AS_WRITTEN = {
    "exact_name",
    "if_paused",
    "settle",
    "wait_for_completion",
    "deferrable",
    "poll_interval",
    "on_window_end",
    "pause_on_kill",
    "from_params",
}
"""Arguments that are not templated: they decide how the task runs, also when it is killed or resumed."""


class CreateCampaignOperator(ExotelTask, BaseOperator):
    """Create one campaign for one task instance, inside its calling window.

    The parameters are those of Exotel's create-campaign page under names that Airflow leaves free. All of these are
    templated, and unset ones are not sent. The return value is the campaign's id; the XCom ``campaign`` holds ``id``,
    ``name``, ``status``, ``send_at``, ``end_at``, ``contacts``, ``rejected`` and ``url``.

    :param exotel_conn_id: the connection, default ``exotel_default``.
    :param numbers: the numbers to call (the page's ``from``): a list or one comma-separated string, at most 5,000,
        E.164 preferred. Repeated numbers are dropped unless ``call_duplicate_numbers``. Airflow stores the numbers in a
        DAG file, a run's conf or an XCom; ``numbers_from`` and ``lists`` keep them out of its database.
    :param numbers_from: instead, a file on any object storage (``s3://conn@bucket/key``, ``file:///...``), read when
        the task runs. It has one number per line or a column ``number``.
    :param number_column: the column of the numbers in that file, default ``number``.
    :param lists: instead, SIDs of contact lists: up to 5, exactly 1 for a dynamic campaign.
    :param caller_id: the ExoPhone that calls, default the connection's.
    :param campaign_type: ``static`` or ``dynamic``.
    :param flow_type: ``ivr`` or ``greeting``.
    :param url: the URL of the flow to run.
    :param flow_id: instead, the flow's number in the dashboard.
    :param read_via_text: the text to read out.
    :param name: the campaign's name, default ``dag.task``; the key that identifies the task's campaign is appended.
    :param type: ``trans``.
    :param call_duplicate_numbers: whether to call a number as often as it is listed.
    :param call_retries: the page's ``retries``: a mapping or
        :class:`~airflow_provider_exotel.client.request.CallRetries`.
    :param window: calling hours, in any form that :mod:`airflow_provider_exotel.windows.common_window` lists: a
        :class:`~airflow_provider_exotel.windows.calling_window.CallingWindow`, a mapping, or the name of a preset.
    :param schedule: instead, explicit ``send_at`` and ``end_at``: RFC 3339 texts, aware datetimes, or timedeltas from
        the anchor.
    :param anchor: the RFC 3339 time from which the window is searched. Default: the run's logical date, or the end of
        its data interval if later; ``run_after`` if the run has neither.
    :param max_lateness: with ``window``, how late the campaign may start, a timedelta or minutes. Default: as long as
        the window is usable.
    :param on_missed_window: ``fail`` (default), ``skip``, or with ``window`` also ``next`` to use the window directly
        after it.
    :param call_status_callback: URL notified after each call attempt.
    :param call_schedule_callback: URL notified after the last attempt to reach a contact.
    :param status_callback: URL notified when the campaign ends.
    :param test_numbers: up to 10 numbers that a separate campaign calls first, with the same content and inside the
        same window. If any of them was reached, the real campaign is created; otherwise the task fails. It also fails
        when it is cleared; other test numbers, other content or another ``idempotency_key`` test again. Not allowed in
        mapped tasks, whose instances would each call them.
    :param test_first: whether to call ``test_numbers``, default true; a form may let a person decide.
    :param callbacks: whether to fill the callback URLs that are not given, so that calls are reported to the callback
        program at the connection's ``callback_base_url``; default false.
    :param mode: ``auto`` or ``custom``.
    :param throttle: calls per minute with ``custom``.
    :param custom_field: your own text, returned in reports.
    :param repeat_menu_attempts: how often an IVR menu is repeated.
    :param idempotency_key: your own key of the campaign, not empty, instead of the task instance. Another key is
        another campaign.
    :param exact_name: whether to send ``name`` as it is, without the key; it must then be unique to the campaign.
    :param if_paused: what to do if the campaign of an earlier try is paused: ``follow`` (default) it as it is, or
        ``resume`` it inside its window; a task that waits does so when the window opens.
    :param settle: the time until a new campaign is certainly in the service's list, a timedelta or seconds, default the
        connection's. After a lost answer, a try waits this long before it sends again.
    :param on_invalid_numbers: ``fail`` (default), or ``drop`` to leave out and count values that are not phone numbers.
    :param default_country: the ISO code of the country of national numbers, such as ``IN``; by default these are sent
        as they are given.
    :param numbers_have_country_code: whether every number without ``+`` begins with its calling code, default false:
        numbers that can be read both ways are then left out as ambiguous.
    :param on_same_audience: what to do if an active campaign of the same name calls the same people in overlapping
        hours: ``fail``, ``warn`` (default) or ``allow``.
    :param max_cost: the highest cost of the worst case, at the connection's ``price_per_minute``; a campaign that may
        cost more is refused. Default any cost.
    :param wait_for_completion: whether to wait until the campaign ends; the XCom ``outcome`` then says how it ended.
    :param deferrable: whether to wait in the triggerer, which holds no worker; default Airflow's own setting
        ``[operators] default_deferrable``.
    :param poll_interval: the time between two polls while waiting, a timedelta or seconds, default 60.
    :param min_reached: fail the task if a smaller share than this was reached, 0 to 1; default none.
    :param pause_if_failed_above: the largest share of failed calls, 0 to 1; default any share. Above it, from 30 calls
        on, the campaign is paused and the task fails. So a wrong flow or a dead ExoPhone does not call everybody.
    :param on_window_end: what to do with uncalled contacts when the window closes: ``complete`` (default) warns,
        ``fail`` fails the task, ``resume`` continues the campaign in the next ``window``, and so on.
    :param until: with ``resume``, do not open a window after this RFC 3339 time.
    :param pause_on_kill: whether to pause the campaign when the task is killed or times out, default true.
    :param from_params: whether to fill unset parameters from the run's params of the same names, or from the form that
        :func:`~airflow_provider_exotel.operators.form.campaign_params` makes.
    :param plan_only: whether to check everything, make no request, and return the plan; with ``plan_path``, the path of
        its page.
    :param plan_path: with ``plan_only``, a folder on any object storage to which the plan is written as the page
        ``plan.html``, such as ``s3://conn@bucket/plans/{{ run_id }}``.
    :param folder_url: the web address of that folder; with it, the task has a button that opens the page.
    :param extra_fields: further fields of the request, sent as given, for fields that this package does not know yet.
    :raises AirflowFailException: if no retry can fix the input; it names every problem at once.
    :raises AirflowSkipException: for a missed window with ``on_missed_window="skip"``.
    """

    operator_extra_links = (CampaignLink(), PlanLink())
    ui_color = "#dff3ea"
    pause_on_kill: bool
    from_params: bool

    def __init__(
        self,
        *,
        exotel_conn_id: str = ExotelHook.default_conn_name,
        numbers: Any = None,
        numbers_from: Any = None,
        number_column: str | None = None,
        lists: Any = None,
        caller_id: str | None = None,
        campaign_type: Literal["static", "dynamic"] | str | None = None,
        flow_type: Literal["ivr", "greeting"] | str | None = None,
        url: str | None = None,
        flow_id: str | int | None = None,
        read_via_text: str | None = None,
        name: str | None = None,
        type: Literal["trans"] | str | None = None,
        call_duplicate_numbers: bool | str | None = None,
        call_retries: CallRetries | Mapping[str, Any] | str | None = None,
        window: Window | Mapping[str, Any] | str | None = None,
        schedule: Any = None,
        anchor: str | datetime | None = None,
        max_lateness: timedelta | str | int | None = None,
        on_missed_window: Literal["fail", "skip", "next"] | str = "fail",
        call_status_callback: str | None = None,
        call_schedule_callback: str | None = None,
        status_callback: str | None = None,
        test_numbers: Any = None,
        test_first: bool | str | None = None,
        callbacks: bool | str = False,
        mode: Literal["auto", "custom"] | str | None = None,
        throttle: int | str | None = None,
        custom_field: str | None = None,
        repeat_menu_attempts: int | str | None = None,
        extra_fields: Mapping[str, Any] | str | None = None,
        idempotency_key: str | None = None,
        exact_name: bool | str = False,
        if_paused: Literal["follow", "resume"] = "follow",
        on_same_audience: Literal["fail", "warn", "allow"] | str = "warn",
        settle: timedelta | float | None = None,
        max_cost: float | str | None = None,
        wait_for_completion: bool = False,
        deferrable: bool | None = None,
        poll_interval: timedelta | float | str = 60,
        min_reached: float | str | None = None,
        pause_if_failed_above: float | str | None = None,
        on_window_end: Literal["complete", "resume", "fail"] = "complete",
        until: str | datetime | None = None,
        pause_on_kill: bool = True,
        on_invalid_numbers: Literal["fail", "drop"] | str = "fail",
        default_country: str | None = None,
        numbers_have_country_code: bool | str = False,
        from_params: bool = False,
        plan_only: bool | str | None = None,
        plan_path: Any = None,
        folder_url: str | None = None,
        **kwargs: Any,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in CreateCampaignOperator.arguments}
        check_names(CreateCampaignOperator, kwargs)
        super().__init__(**kwargs)
        for name, value in given.items():
            setattr(self, name, value)
        if not is_mapped(self):
            self._check_literals()

    arguments = arguments_of(__init__)
    template_fields = tuple(name for name in arguments if name not in _READ_AS_WRITTEN)

    @property
    def numbers(self) -> Any:
        """The numbers, held so that rendering and serialising them shows a count."""
        return self._numbers

    @numbers.setter
    def numbers(self, value: Any) -> None:
        self._numbers = value if value is None or is_template(value) else hold_numbers(value)

    @property
    def test_numbers(self) -> Any:
        """The test numbers, held like :attr:`numbers`."""
        return self._test_numbers

    @test_numbers.setter
    def test_numbers(self, value: Any) -> None:
        self._test_numbers = value if value is None or is_template(value) else hold_numbers(value)

    def execute(self, context: Context) -> Any:
        """Find the campaign of this task instance or create it, and return its id, or the plan with ``plan_only``."""
        with self._guarded(context):
            return self._run(context, task_deadline(context, self.execution_timeout))

    def _run(self, context: Context, deadline: datetime | None, *, is_tested: bool = False) -> Any:
        given = self._input(context)
        options = given.parse_options()
        with missed_windows_end_the_task(options.on_missed_window):
            identity = task_identity(context, self.hook.settings, options, given.arguments["name"])
            if options.plan_only:
                plan = given.parse(options, identity).plan(datetime.now(UTC))
                return publish_plan(context, plan, given.arguments["plan_path"], given.arguments["folder_url"])
            once = self._once(context, options, identity, content=given.parse_fields)
            wait = self._wait(context, options, once, given)

            def find() -> Campaign | None:
                return find_campaign(wait, lambda: given.parse_audience(options))

            campaign = find()
            if campaign is None:
                spec = given.parse(options, identity)
                if spec.test is not None and not is_tested:
                    self._call_test_numbers(context, options, identity, spec.test, deadline)
                    campaign = find()  # while they were called, another try may have sent it
                campaign = campaign or create_campaign(wait, spec)
            contacts = publish_campaign(context, campaign, once, self.hook)
            self._kill_switch.check()
            return wait.start(campaign, contacts, deadline) if options.wait_for_completion else campaign.id

    def resume_waiting(self, context: Context, event: Any) -> str:
        """Continue after the trigger has fired: Airflow calls this when it resumes the task."""
        with self._guarded(context):
            return self._resume_wait(event, lambda: self._resumed_wait(context))

    def resume_after_test(self, context: Context, event: Any, test: str = "", **_: Any) -> Any:
        """Continue after the test numbers were called: Airflow calls this when it resumes the task."""
        with self._guarded(context):
            self._resume_wait(event, lambda: self._resumed_wait(context, test=test))
            deadline = event["deadline"]
            return self._run(context, datetime.fromisoformat(deadline) if deadline else None, is_tested=True)

    def on_kill(self) -> None:
        """Pause the campaign: Airflow calls this when the task is killed in its worker."""
        self._kill_switch.kill()

    @contextmanager
    def _guarded(self, context: Context) -> Iterator[None]:
        params, declared = (
            (context.get("params") or {}, self._declared(context)) if self._is_filled_from_params else ({}, {})
        )
        arguments = {name: getattr(self, name) for name in self.arguments}
        with (
            input_errors_fail_the_task(),
            self._kill_switch.pauses_if_superseded(task_key_of(context["ti"])),
            errors_name_given_fields(arguments, params, declared),
        ):
            yield

    def _declared(self, context: Context) -> dict[str, Any]:
        return declared_params(self.params, getattr(context.get("dag"), "params", {}))

    @property
    def _is_filled_from_params(self) -> bool:
        with suppress(ValueError):  # reported with all other problems
            return read_flag(self.from_params)
        return False

    def _resume_wait(self, event: Any, wait: Callable[[], CampaignWait]) -> str:
        from airflow_provider_exotel.triggers.campaign import TriggerResult

        result = TriggerResult.of_json(event)
        self._kill_switch.guard(result.campaign_ids[0])
        if result.left:
            self._kill_switch.end_by_timeout(lambda: wait().once.journal)
        return wait().resume(result)

    def _resumed_wait(self, context: Context, *, test: str | None = None) -> CampaignWait:
        from airflow_provider_exotel.create.options import parse_options

        given = self._input(context)
        options = parse_options(given.arguments)
        identity = task_identity(context, self.hook.settings, options, given.arguments["name"])
        if test is not None:
            return self._test_wait(context, options, identity, test)
        return self._wait(context, options, self._once(context, options, identity), given)

    @cached_property
    def _kill_switch(self) -> KillSwitch:
        try:
            pauses = read_flag(self.pause_on_kill)
        except ValueError:  # reported with all other problems of the input
            pauses = True
        return KillSwitch(self.hook, pauses=pauses)

    def _check_literals(self) -> None:
        from airflow_provider_exotel.create.spec import check_literals

        known = {name: value for name in self.arguments if not is_template(value := getattr(self, name))}
        check_literals(known, deferred_problems(known))

    def _input(self, context: Context) -> CampaignInput:
        """Return the DAG's arguments; unset ones are filled from the run's params if ``from_params``."""
        from airflow_provider_exotel.create.options import TaskOptions
        from airflow_provider_exotel.create.spec import CampaignInput

        arguments = {name: getattr(self, name) for name in self.arguments}
        if TaskOptions(from_params=self.from_params).from_params:
            arguments = fill_from_params(
                arguments,
                context.get("params") or {},
                self._declared(context),
                run_conf(context),
                may_fill=self.template_fields,
            )
        problems = deferred_problems(arguments)
        if (
            isinstance(arguments["numbers"], PhoneNumbers)
            and len(arguments["numbers"]) == 1 <= context["ti"].map_index + 1
        ):
            self.log.warning(
                "A mapped task creates one campaign per number; for one campaign per list, map a list of lists."
            )
        return CampaignInput(
            arguments,
            self.hook.account,
            anchor=lambda: run_anchor(context, arguments["anchor"]),
            open_path=ObjectStoragePath,
            problems=problems,
            is_mapped=context["ti"].map_index >= 0,
        )

    def _once(
        self,
        context: Context,
        options: TaskOptions,
        identity: CampaignIdentity,
        *,
        content: Callable[[], CampaignFields] | None = None,
    ) -> OneCampaign:
        guard = self._kill_switch.guard
        return self.hook.one_campaign(identity, context, options, content=content, guard=guard)

    def _wait(self, context: Context, options: TaskOptions, once: OneCampaign, given: CampaignInput) -> CampaignWait:
        from airflow_provider_exotel.waiting.carry_over import parse_carry_over

        carry_over = None
        if options.on_window_end == "resume":
            window, call_retries = given.arguments["window"], given.arguments["call_retries"]
            carry_over = parse_carry_over(window, call_retries, options.until, once.journal.carry)
        return CampaignWait(context, self.hook, once, options, self._kill_switch, carry_over, self.defer)

    def _call_test_numbers(
        self,
        context: Context,
        options: TaskOptions,
        identity: CampaignIdentity,
        spec: CampaignSpec,
        deadline: datetime | None,
    ) -> None:
        """Call the test numbers with a separate campaign, and wait until it has ended."""
        wait = self._test_wait(context, options, identity, spec.digest)
        contacts = spec.audience.contacts
        self.log.info("%s test number(s) are called first, by a separate campaign with the same content.", contacts)
        campaign = find_campaign(wait, lambda: spec.audience) or create_campaign(wait, spec)
        wait.start(campaign, contacts, deadline)

    def _test_wait(self, context: Context, options: TaskOptions, identity: CampaignIdentity, test: str) -> CampaignWait:
        changes = {"min_reached": None, "on_window_end": "complete", "on_same_audience": "allow", "if_paused": "resume"}
        of_test = options.model_copy(update=changes | {"wait_for_completion": True})
        once = self._once(context, of_test, identity.for_test(test))
        return CampaignWait(
            context,
            self.hook,
            once,
            of_test,
            self._kill_switch,
            None,
            self.defer,
            resumed_by="resume_after_test",
            resumed_with={"test": test},
            outcome_key="test_outcome",
            must_reach=True,
        )
