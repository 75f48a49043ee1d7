"""The task that creates a campaign."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    BaseOperator,
)

from airflow_provider_exotel.client.errors import (
    ExotelConflict,
    ExotelConnectionError,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelRequestRefused,
    Problem,
)
from airflow_provider_exotel.hooks.exotel import ExotelHook, time_to_settle
from airflow_provider_exotel.links import CampaignLink
from airflow_provider_exotel.operators.inputs import (
    REQUEST_FIELDS,
    TIME_FIELDS,
    arguments_of_task,
    audience_of,
    check_choices,
    check_settings,
    default_deferrable,
    drafted,
    hide,
    is_still_to_be_rendered,
    is_true,
    one_of_task,
)
from airflow_provider_exotel.operators.results import announce, failing_for_good, publish
from airflow_provider_exotel.operators.waiting import CampaignEnd, carrier_of

if TYPE_CHECKING:
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.client.request import CallRetries, CampaignRequest
    from airflow_provider_exotel.create.draft import CampaignDraft
    from airflow_provider_exotel.create.once import OneCampaign
    from airflow_provider_exotel.windows.calling_window import Window

    Context = Mapping[str, Any]


class CreateCampaignOperator(BaseOperator):
    """Create one campaign for one task instance, inside its calling window.

    The parameters are those of Exotel's create-campaign page under names that Airflow leaves free; all those are
    templated, and unset ones are not sent. The return value is the campaign's id; the XCom ``campaign`` holds ``id``,
    ``name``, ``status``, ``send_at``, ``end_at``, ``contacts``, ``rejected`` and ``url``.

    :param exotel_conn_id: the connection, default ``exotel_default``.
    :param numbers: whom to call (the page's ``from``): a list or one comma-separated string, at most 5,000, E.164
        preferred; repeated ones are left out unless ``call_duplicate_numbers``. Airflow stores what a DAG file, a run's
        conf or an XCom holds; ``numbers_from`` and ``lists`` keep numbers out of its database.
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
        :class:`~airflow_provider_exotel.client.request.CallRetries`.
    :param window: calling hours, in any form that :mod:`airflow_provider_exotel.windows.common_window` lists: a
        :class:`~airflow_provider_exotel.windows.calling_window.CallingWindow`, a mapping, or the name of a preset.
    :param schedule: instead, explicit ``send_at`` and ``end_at``: RFC 3339 texts, aware datetimes, or timedeltas from
        the anchor.
    :param anchor: the moment the window is counted from, an RFC 3339 time; default the run's logical date, or the end
        of its data interval if later, or ``run_after`` where it has neither.
    :param max_lateness: with ``window``, how late the campaign may start, a timedelta or minutes; default as long as
        the window is usable.
    :param on_missed_window: ``fail`` (default), ``skip``, or with ``window`` ``next`` for the one directly after.
    :param call_status_callback: URL that hears of each attempt.
    :param call_schedule_callback: URL that hears of each contact after the last attempt.
    :param status_callback: URL that hears of the campaign's end.
    :param mode: ``auto`` or ``custom``.
    :param throttle: calls per minute with ``custom``.
    :param custom_field: text of your own that comes back in reports.
    :param repeat_menu_attempts: how often an IVR menu is repeated.
    :param idempotency_key: not empty; says that this is another campaign than the one the task instance stands for.
    :param exact_name: send ``name`` as it is, without the key; it must then be unique to the campaign.
    :param if_paused: what to do with a campaign of an earlier try that is paused: ``follow`` (default) it as it is, or
        ``resume`` it inside its window.
    :param settle: how long a campaign may take to show in the service's list, a timedelta or seconds, default 120. A
        try after a lost answer waits as long before it sends again.
    :param on_invalid_numbers: ``fail`` (default), or ``drop`` to leave out and count what is no phone number.
    :param default_country: the ISO code of the country whose national numbers are meant, such as ``IN``; by default
        these are sent as they are given.
    :param wait_for_completion: whether the task ends with its campaign; the XCom ``outcome`` then tells how that ended.
    :param deferrable: whether to wait in the triggerer, where that holds no worker; default Airflow's own setting
        ``[operators] default_deferrable``.
    :param poll_interval: seconds between two looks while waiting, default 60.
    :param min_reached: the share of people, 0 to 1, of whom fewer reached are a failure; default none.
    :param on_window_end: what people left over at the end of the window mean: ``complete`` (default) nothing but a
        warning, ``fail`` a failure; with ``resume`` the campaign goes on in the next ``window``, and the next.
    :param until: with ``resume``, the RFC 3339 time from which on no window is used any more.
    :param on_kill: ``pause`` (default) the campaign when the task is killed or takes too long, or ``leave`` it.
    :param from_params: fill what is unset from the run's params of the same names, or from the form that
        :func:`~airflow_provider_exotel.operators.form.campaign_params` makes.
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
        "default_country",
        "idempotency_key",
        "plan_only",
        "min_reached",
        "until",
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
        window: Window | Mapping[str, Any] | str | None = None,
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
        wait_for_completion: bool = False,
        deferrable: bool | None = None,
        poll_interval: float = 60,
        min_reached: float | str | None = None,
        on_window_end: str = "complete",
        until: str | datetime | None = None,
        on_kill: str = "pause",
        on_invalid_numbers: str = "fail",
        default_country: str | None = None,
        from_params: bool = False,
        dry_run: bool | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if window is not None and schedule is not None:
            raise ExotelInputError([Problem("window", "stands beside schedule; give one of the two")])
        check_choices(
            if_paused=(if_paused, ("follow", "resume")),
            on_window_end=(on_window_end, ("complete", "resume", "fail")),
            on_kill=(on_kill, ("pause", "leave")),
        )
        if on_window_end == "resume" and (not wait_for_completion or (window is None and not from_params)):
            wanted = "'resume' needs wait_for_completion=True and a window, the next of which the campaign goes on in"
            raise ExotelInputError([Problem("on_window_end", wanted)])
        if until is not None and on_window_end != "resume":
            raise ExotelInputError(
                [Problem("until", "counts only with on_window_end='resume'; leave it out, or add that")]
            )
        if not poll_interval > 0:
            raise ExotelInputError([Problem("poll_interval", "is no number of seconds above 0; write 60, for example")])
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
        self.settle = None if settle is None else time_to_settle(settle)
        self.on_invalid_numbers = on_invalid_numbers
        self.default_country = default_country
        self.wait_for_completion = wait_for_completion
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.poll_interval = poll_interval
        self.min_reached = min_reached
        self.on_window_end = on_window_end
        self.until = until
        # `on_kill` itself is a method of every operator.
        self.when_killed = on_kill
        self.from_params = from_params
        # `dry_run` itself is a method of every operator.
        self.plan_only = dry_run
        self._killed = False
        self._campaign_id: str | None = None

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
        from airflow_provider_exotel.windows.calling_window import MissedWindow

        arguments = arguments_of_task(self, context)
        try:
            with failing_for_good():
                return self._follow_or_create(context, arguments)
        except MissedWindow as missed:
            if self.on_missed_window == "skip":
                raise AirflowSkipException(str(missed)) from None
            raise AirflowFailException(str(missed)) from None

    def resume_waiting(self, context: Context, event: Any) -> str:
        """Go on when the trigger has fired: Airflow calls this where the task had been deferred."""
        from airflow_provider_exotel.triggers.campaign import Awoken

        arguments = arguments_of_task(self, context)
        with failing_for_good():
            awoken = Awoken.of_json(event)
            self._remember(awoken.campaign_ids[0])
            return self._end(context, arguments, one_of_task(self, context, arguments)).resume(awoken)

    def on_kill(self) -> None:
        """Pause the campaign in one short exchange: Airflow ends the process seconds later."""
        self._killed = True
        if self._campaign_id is None or self.when_killed != "pause":
            return
        try:
            self.hook.last_words.pause_campaign(self._campaign_id)
        except (ExotelRequestRefused, ExotelConflict, ExotelNotFound) as refusal:  # it is paused, or has ended
            self.log.info("Campaign %s was not paused: %s", self._campaign_id, refusal)
        except ExotelError as error:
            self.log.error("Campaign %s could not be paused: %s", self._campaign_id, error)  # noqa: TRY400
        else:
            self.log.info("Campaign %s is paused.", self._campaign_id)

    def stop_if_killed(self) -> None:
        """End the task if it was killed.

        :raises AirflowException: if it was; its campaign is paused by then, unless it is to be left.
        """
        if self._killed:
            self.on_kill()  # what was done since then may have let it dial again
            raise AirflowException("the task was killed")

    def hand_over(self) -> None:
        """Have the trigger, which waits for the campaign from now on, be the only one to pause it.

        A worker often lives some seconds longer than its task waits in it, and Airflow then ends it as it ends one
        whose task was killed: "the task shouldn't be running anymore".

        :raises AirflowException: if the task was killed before.
        """
        self.stop_if_killed()
        self._campaign_id = None

    def _follow_or_create(self, context: Context, arguments: Mapping[str, Any]) -> Any:
        check_settings(self, context, arguments)
        one = one_of_task(self, context, arguments)
        if is_true(arguments["plan_only"], "dry_run"):
            plan = drafted(self, context, arguments).named(one.identity.name).plan(datetime.now(UTC))
            announce(plan)
            self.log.info("Dry run: nothing was sent.")
            return plan.as_dict()
        # Before anything is sent: what is wrong about the wait would leave a campaign that nobody waits for.
        end = self._end(context, arguments, one) if self.wait_for_completion else None
        if one.journal.entry.campaign_id is not None:
            self._remember(one.journal.entry.campaign_id)
        campaign = one.find(lambda: audience_of(arguments, self.hook.settings.api_token, self.default_country))
        if campaign is not None:
            campaign = self._follow(campaign, one)
        else:
            draft = drafted(self, context, arguments).named(one.identity.name)
            announce(draft.plan(datetime.now(UTC)))
            campaign = self._create(one, draft)
        contacts = one.contacts or len(campaign.numbers or ()) or None
        publish(context["ti"], self.hook.settings, campaign, contacts=contacts, rejected=one.rejected)
        self.stop_if_killed()
        return campaign.id if end is None else end.wait_for(campaign, contacts)

    def _create(self, one: OneCampaign, draft: CampaignDraft) -> Campaign:
        """Create the campaign, and leave none dialling if the task is killed meanwhile."""
        from airflow_provider_exotel.windows.calling_window import MissedWindow

        mark, brief = draft.audience(self.hook.settings.api_token), self.hook.last_words

        def make(now: datetime) -> CampaignRequest:
            if self._killed:
                raise ExotelConnectionError("it was not sent: the task was killed")
            return draft.at(now)

        try:
            campaign = one.create(make, mark)
        except (ExotelError, MissedWindow):
            raise
        except BaseException:  # Airflow 2 and time-outs end the task in the middle of whatever it does
            if self.when_killed == "pause":
                one.pause_what_was_sent(brief)
            raise
        self._remember(campaign.id)
        return campaign

    def _remember(self, campaign_id: str) -> None:
        """Know what to pause when the task is killed, and be able to: then there is no time to read a connection."""
        _, self._campaign_id = self.hook.last_words, campaign_id
        if self._killed:
            self.on_kill()

    def _end(self, context: Context, arguments: Mapping[str, Any], one: OneCampaign) -> CampaignEnd:
        return CampaignEnd(self, context, carrier_of(self, arguments, one), one.journal)

    def _follow(self, campaign: Campaign, one: OneCampaign) -> Campaign:
        """Return the campaign of an earlier try as it stands, resumed if that is wanted."""
        from airflow_provider_exotel.client.models import CampaignStatus

        self._remember(campaign.id)
        self.log.info("Campaign %s exists already (%s); following it.", campaign.id, campaign.status_text)
        carried_to = one.journal.entry.carried_to
        if campaign.status is not CampaignStatus.PAUSED or (carried_to and carried_to == campaign.schedule.end_at):
            return campaign
        # One that is resumed before its time may dial at once (Exotel, campaign status values).
        if self.if_paused == "resume" and campaign.schedule.contains(datetime.now(UTC)):
            self.stop_if_killed()
            self.log.info("Campaign %s is paused; resuming it.", campaign.id)
            return self.hook.client.resume_campaign(campaign.id)
        why = "; it is resumed only inside its window, since it may dial at once" if self.if_paused == "resume" else ""
        self.log.warning("Campaign %s is paused: it dials nobody until it is resumed%s.", campaign.id, why)
        return campaign
