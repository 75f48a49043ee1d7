"""The task that creates a campaign."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, BaseOperator

from airflow_provider_exotel.api.address import campaign_page
from airflow_provider_exotel.api.errors import ExotelError, ExotelInputError, Problem
from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.links import CampaignLink
from airflow_provider_exotel.operators.inputs import (
    collect,
    hide,
    is_still_to_be_rendered,
    is_true,
    lists_given,
    numbers_given,
    run_anchor,
)
from airflow_provider_exotel.params import arguments_of

if TYPE_CHECKING:
    from airflow_provider_exotel.api.campaign import Campaign
    from airflow_provider_exotel.api.numbers import PhoneNumbers
    from airflow_provider_exotel.api.request import CallRetries
    from airflow_provider_exotel.campaign.draft import CampaignDraft
    from airflow_provider_exotel.campaign.identity import CampaignIdentity
    from airflow_provider_exotel.campaign.journal import AudienceMark
    from airflow_provider_exotel.campaign.plan import CampaignPlan
    from airflow_provider_exotel.campaign.window import CallingWindow

    Context = Mapping[str, Any]

REQUEST_FIELDS = (
    "numbers",
    "lists",
    "caller_id",
    "campaign_type",
    "flow_type",
    "url",
    "flow_id",
    "read_via_text",
    "name",
    "type",
    "call_duplicate_numbers",
    "call_retries",
    "call_status_callback",
    "call_schedule_callback",
    "status_callback",
    "mode",
    "throttle",
    "custom_field",
    "repeat_menu_attempts",
)
TIME_FIELDS = ("window", "schedule", "anchor", "max_lateness")
FILLED_FROM_PARAMS = (*REQUEST_FIELDS, "numbers_from", *TIME_FIELDS, "plan_only")


class CreateCampaignOperator(BaseOperator):
    """Create one campaign for one task instance, inside its calling window.

    The parameters are those of Exotel's create-campaign page under names that Airflow leaves free. All are templated;
    unset ones are not sent. The return value is the campaign's id; the XCom ``campaign`` holds ``id``, ``name``,
    ``status``, ``send_at``, ``end_at``, ``contacts``, ``rejected`` and ``url``.

    :param exotel_conn_id: the connection, default ``exotel_default``.
    :param numbers: whom to call (the page's ``from``): a list or one comma-separated string, at most 5,000, E.164
        preferred. Airflow stores what a DAG file, a run's conf or an XCom holds; ``numbers_from`` and ``lists`` keep
        numbers out of its database.
    :param numbers_from: instead, a file on any object storage (``s3://conn@bucket/key``, ``file:///...``) with one
        number a line or a column ``number``, read when the task runs.
    :param lists: instead, SIDs of contact lists: up to 5, exactly 1 for a dynamic campaign.
    :param caller_id: the ExoPhone that calls, default the connection's.
    :param campaign_type: ``static`` or ``dynamic``.
    :param flow_type: ``ivr`` or ``greeting``.
    :param url: the flow to run.
    :param flow_id: instead, its number in the dashboard.
    :param read_via_text: the text to be read out.
    :param name: the campaign's name, default ``dag.task``; a key that tells this task's campaign is added.
    :param type: ``trans``.
    :param call_duplicate_numbers: whether to call a number as often as it is listed.
    :param call_retries: the page's ``retries``: a mapping or
        :class:`~airflow_provider_exotel.api.request.CallRetries`.
    :param window: calling hours: a :class:`~airflow_provider_exotel.campaign.window.CallingWindow` or a mapping of its
        fields.
    :param schedule: instead, explicit ``send_at`` and ``end_at``: RFC 3339 texts, aware datetimes, or timedeltas from
        the anchor.
    :param anchor: the moment the window is counted from, an RFC 3339 time; default the run's logical date, or the end
        of its data interval if later, or ``run_after`` where it has neither.
    :param max_lateness: how late the campaign may start, a timedelta or minutes; default as long as the window is
        usable.
    :param on_missed_window: ``fail`` (default), ``skip``, or ``next`` for the window directly after.
    :param call_status_callback: URL that hears of each attempt.
    :param call_schedule_callback: URL that hears of each contact after the last attempt.
    :param status_callback: URL that hears of the campaign's end.
    :param mode: ``auto`` or ``custom``.
    :param throttle: calls per minute with ``custom``.
    :param custom_field: text of your own that comes back in reports.
    :param repeat_menu_attempts: how often an IVR menu is repeated.
    :param idempotency_key: says that this is another campaign than the one the task instance stands for.
    :param exact_name: send ``name`` as it is, without the key; it must then be unique to the campaign.
    :param if_paused: what to do with a campaign of an earlier try that is paused: ``follow`` (default) it as it is, or
        ``resume`` it inside its window.
    :param settle: how long a campaign may take to show in the service's list, a timedelta or seconds, default 120. A
        try after a lost answer waits as long before it sends again.
    :param on_invalid_numbers: ``fail`` (default), or ``drop`` to leave out and count what cannot be a phone number.
    :param from_params: fill what is unset from the run's params of the same names, or from the form that
        :func:`~airflow_provider_exotel.params.campaign_params` makes.
    :param dry_run: do everything but the requests, and return the plan.
    :raises AirflowFailException: for what no retry can mend, every problem of the input named at once.
    :raises AirflowSkipException: for a missed window with ``on_missed_window="skip"``.
    """

    template_fields = (
        "exotel_conn_id",
        *REQUEST_FIELDS,
        "numbers_from",
        *TIME_FIELDS,
        "on_missed_window",
        "on_invalid_numbers",
        "idempotency_key",
        "plan_only",
    )
    operator_extra_links = (CampaignLink(),)
    ui_color = "#dff3ea"

    def __init__(
        self,
        *,
        exotel_conn_id: str = ExotelHook.default_conn_name,
        numbers: Any = None,
        numbers_from: Any = None,
        lists: Any = None,
        caller_id: str | None = None,
        campaign_type: str | None = None,
        flow_type: str | None = None,
        url: str | None = None,
        flow_id: str | int | None = None,
        read_via_text: str | None = None,
        name: str | None = None,
        type: str | None = None,
        call_duplicate_numbers: bool | str | None = None,
        call_retries: CallRetries | Mapping[str, Any] | str | None = None,
        window: CallingWindow | Mapping[str, Any] | str | None = None,
        schedule: Any = None,
        anchor: str | datetime | None = None,
        max_lateness: timedelta | str | int | None = None,
        on_missed_window: str = "fail",
        call_status_callback: str | None = None,
        call_schedule_callback: str | None = None,
        status_callback: str | None = None,
        mode: str | None = None,
        throttle: int | str | None = None,
        custom_field: str | None = None,
        repeat_menu_attempts: int | str | None = None,
        idempotency_key: str | None = None,
        exact_name: bool = False,
        if_paused: str = "follow",
        settle: timedelta | float | None = None,
        on_invalid_numbers: str = "fail",
        from_params: bool = False,
        dry_run: bool | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if window is not None and schedule is not None:
            raise ExotelInputError([Problem("window", "stands beside schedule; give one of the two")])
        if if_paused not in {"follow", "resume"}:
            raise ExotelInputError([Problem("if_paused", "is neither 'follow' nor 'resume'")])
        self.exotel_conn_id = exotel_conn_id
        self.numbers = numbers
        self.numbers_from = numbers_from
        self.lists = lists
        self.caller_id = caller_id
        self.campaign_type = campaign_type
        self.flow_type = flow_type
        self.url = url
        self.flow_id = flow_id
        self.read_via_text = read_via_text
        self.name = name
        self.type = type
        self.call_duplicate_numbers = call_duplicate_numbers
        self.call_retries = call_retries
        self.window = window
        self.schedule = schedule
        self.anchor = anchor
        self.max_lateness = max_lateness
        self.on_missed_window = on_missed_window
        self.call_status_callback = call_status_callback
        self.call_schedule_callback = call_schedule_callback
        self.status_callback = status_callback
        self.mode = mode
        self.throttle = throttle
        self.custom_field = custom_field
        self.repeat_menu_attempts = repeat_menu_attempts
        self.idempotency_key = idempotency_key
        self.exact_name = exact_name
        self.if_paused = if_paused
        self.settle = timedelta(seconds=settle) if isinstance(settle, (int, float)) else settle
        self.on_invalid_numbers = on_invalid_numbers
        self.from_params = from_params
        # `dry_run` itself is a method of every operator.
        self.plan_only = dry_run

    @property
    def numbers(self) -> Any:
        """The numbers, held so that rendering and serialising them shows a count."""
        return self._numbers

    @numbers.setter
    def numbers(self, value: Any) -> None:
        self._numbers = value if value is None or is_still_to_be_rendered(value) else hide(value)

    @cached_property
    def hook(self) -> ExotelHook:
        """The hook of the connection."""
        return ExotelHook(self.exotel_conn_id)

    def execute(self, context: Context) -> Any:
        """Find the campaign of this task instance or create it, and return its id; the plan if ``dry_run``."""
        from airflow_provider_exotel.campaign.window import MissedWindow

        arguments = self._arguments(context)
        try:
            identity = self._identify(context, arguments["name"])
            if is_true(arguments["plan_only"]):
                return self._plan(context, arguments, identity)
            one = self.hook.one_campaign(identity, context, idempotency_key=self.idempotency_key, settle=self.settle)
            campaign = one.find(lambda: self._audience(arguments))
            if campaign is not None:
                self._publish(context, self._follow(campaign))
                return campaign.id
            draft = self._draft(context, arguments, identity)
            self._announce(draft.plan(datetime.now(UTC)))
            campaign = one.create(draft.at, self._mark(draft.request.numbers, draft.request.lists))
            self._publish(context, campaign, contacts=len(draft.request.numbers or ()) or None, rejected=draft.rejected)
        except MissedWindow as missed:
            self._give_up_on(missed)
        except ExotelError as error:
            if error.retryable:
                raise
            raise AirflowFailException(str(error)) from None
        return campaign.id

    def _arguments(self, context: Context) -> dict[str, Any]:
        """Return what the DAG gives and, where it gives nothing and may, what the run's params say."""
        arguments = {name: getattr(self, name) for name in FILLED_FROM_PARAMS}
        if not self.from_params:
            return arguments
        offered = arguments_of(context.get("params") or {})
        offered["plan_only"] = offered.pop("dry_run", None)
        arguments = {name: offered.get(name) if value is None else value for name, value in arguments.items()}
        if self.numbers is None and arguments["numbers"] is not None:
            arguments["numbers"] = hide(arguments["numbers"])
            self.log.warning("The numbers come from the run's params, which Airflow stores in clear; use numbers_from.")
        return arguments

    def _identify(self, context: Context, name: str | None) -> CampaignIdentity:
        from airflow_provider_exotel.campaign.identity import identify

        instance, settings = context["ti"], self.hook.settings
        return identify(
            settings.account_sid,
            settings.deployment,
            dag_id=instance.dag_id,
            run_id=instance.run_id,
            task_id=instance.task_id,
            map_index=instance.map_index,
            name=name,
            idempotency_key=self.idempotency_key,
            exact_name=self.exact_name,
        )

    def _draft(self, context: Context, arguments: Mapping[str, Any], identity: CampaignIdentity) -> CampaignDraft:
        from airflow_provider_exotel.campaign.draft import When, draft_campaign

        problems: list[Problem] = []
        anchor = collect(problems, lambda: run_anchor(context, arguments["anchor"]))
        numbers = collect(problems, lambda: numbers_given(arguments))
        if anchor is not None:
            self.log.info("The run stands for %s (%s).", anchor.moment.isoformat(), anchor.source)
        return draft_campaign(
            {
                **{name: arguments[name] for name in REQUEST_FIELDS},
                "numbers": numbers,
                "name": identity.name,
                "caller_id": arguments["caller_id"] or self.hook.settings.exophone,
            },
            When(
                anchor.moment if anchor is not None else datetime.now(UTC),
                window=arguments["window"],
                schedule=arguments["schedule"],
                max_lateness=arguments["max_lateness"],
                on_missed_window=self.on_missed_window,
            ),
            datetime.now(UTC),
            account_sid=self.hook.settings.account_sid,
            on_invalid_numbers=self.on_invalid_numbers,
            guard=self.hook.settings.guard,
            known_problems=problems,
        )

    def _plan(self, context: Context, arguments: Mapping[str, Any], identity: CampaignIdentity) -> dict[str, Any]:
        plan = self._draft(context, arguments, identity).plan(datetime.now(UTC))
        self._announce(plan)
        self.log.info("Dry run: nothing was sent.")
        return plan.as_dict()

    def _announce(self, plan: CampaignPlan) -> None:
        for warning in plan.warnings:
            self.log.warning("%s", warning)
        self.log.info("Campaign to dial: %s", json.dumps(plan.request.safe_payload(), ensure_ascii=False))

    def _audience(self, arguments: Mapping[str, Any]) -> AudienceMark:
        """Return whom this try would call."""
        numbers, lists = numbers_given(arguments), lists_given(arguments)
        people = None if numbers is None else hide(numbers).compact()
        return self._mark(people and people.without(people.malformed()), lists)

    def _mark(self, numbers: PhoneNumbers | None, lists: Iterable[str] | None) -> AudienceMark:
        from airflow_provider_exotel.campaign.journal import AudienceMark

        return AudienceMark.of(numbers, lists, self.hook.settings.api_token)

    def _follow(self, campaign: Campaign) -> Campaign:
        """Return the campaign of an earlier try as it stands, resumed if that is wanted."""
        from airflow_provider_exotel.api.campaign import CampaignStatus

        self.log.info("Campaign %s exists already (%s); following it.", campaign.id, campaign.status_text)
        if campaign.status is not CampaignStatus.PAUSED:
            return campaign
        end_at = campaign.schedule.end_at
        if self.if_paused == "resume" and end_at is not None and datetime.now(UTC) < end_at:
            self.log.info("Campaign %s is paused; resuming it.", campaign.id)
            return self.hook.client.resume_campaign(campaign.id)
        self.log.warning("Campaign %s is paused: it dials nobody until it is resumed.", campaign.id)
        return campaign

    def _publish(self, context: Context, campaign: Campaign, *, contacts: int | None = None, rejected: int = 0) -> None:
        settings, schedule = self.hook.settings, campaign.schedule.payload()
        url = campaign_page(settings.host, settings.account_sid, campaign.id)
        context["ti"].xcom_push(key=CampaignLink.key, value=url)
        context["ti"].xcom_push(
            key="campaign",
            value={
                "id": campaign.id,
                "name": campaign.name,
                "status": campaign.status_text,
                "send_at": schedule.get("send_at"),
                "end_at": schedule.get("end_at"),
                "contacts": contacts if contacts is not None else (len(campaign.numbers or ()) or None),
                "rejected": rejected,
                "url": url,
            },
        )
        self.log.info(
            "Campaign %s (%s) dials from %s to %s: %s",
            campaign.id,
            campaign.status_text,
            schedule.get("send_at", "now"),
            schedule.get("end_at", "30 days later"),
            url,
        )

    def _give_up_on(self, missed: Exception) -> NoReturn:
        if self.on_missed_window == "skip":
            raise AirflowSkipException(str(missed)) from None
        raise AirflowFailException(str(missed)) from None
