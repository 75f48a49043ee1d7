"""The operator that plans an audience: which campaign calls whom, when and how fast."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_exotel.client.errors import ExotelInputError, Problem, collect
from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.hooks.task import run_anchor
from airflow_provider_exotel.links import PlanLink, push_link, web_folder
from airflow_provider_exotel.operators.base import (
    ExotelTask,
    arguments_of,
    check_names,
    deferred_problems,
    input_errors_fail_the_task,
    is_template,
)

if TYPE_CHECKING:
    from airflow_provider_exotel.audience.plan_folder import PlanFolder
    from airflow_provider_exotel.audience.plan_request import PlanRequest
    from airflow_provider_exotel.audience.sources import Access
    from airflow_provider_exotel.audience.split import AudienceSummary
    from airflow_provider_exotel.client.request import CallRetries
    from airflow_provider_exotel.windows.calling_window import Window

    Context = Mapping[str, Any]

PLAN = "plan"
"""The XCom with the plan's figures, without numbers."""


class PlanAudienceOperator(ExotelTask, BaseOperator):
    """Plan the campaigns for an audience of any size, and write the plan and its numbers to object storage.

    Nothing is sent. Rows are read one by one, and numbers are cleaned and validated by libphonenumber. The plan holds
    nobody twice and nobody who is suppressed. It is split by time zone and by Exotel's limits.

    The return value is a list with the keyword arguments of each campaign, without numbers, for
    ``CreateCampaignOperator.partial(...).expand_kwargs(...)``. If a campaign may have more than 5,000 people or
    variables, put :class:`~airflow_provider_exotel.operators.upload.UploadAudienceOperator` in between. The XCom
    ``plan`` holds the plan's figures and the address of its page.

    A run is planned once: if the plan exists, a later try reuses it and does not read the audience.

    :param output_path: the folder of the plan on any object storage, a separate one for each run, such as
        ``s3://conn@bucket/plans/{{ run_id }}``. Its ``chunks`` and ``quarantine.csv`` hold numbers.
    :param folder_url: the web address of that folder, such as ``https://plans.example.com/{{ run_id }}``; with it, the
        task has a button that opens the plan's page.
    :param path: the audience: a CSV or Parquet file on any object storage.
    :param sql: instead, a query; its rows are streamed if the driver has server-side cursors.
    :param sql_conn_id: the connection of the query: any whose hook is Airflow's ``DbApiHook``.
    :param records: instead, a function that returns an iterable of numbers, or of mappings of column names to values.
        It is called when the task runs, so that no number is in the DAG or an XCom.
    :param number_column: the column of the numbers, default ``number``.
    :param variables: up to five columns that ``read_via_text`` names as ``@@Column``: a list, or a mapping of the names
        in the text to columns. With any, the campaigns are dynamic.
    :param read_via_text: the text to read out, passed on to the campaigns.
    :param default_country: the ISO code of the country of national numbers, such as ``IN``; by default only
        international numbers are accepted.
    :param numbers_have_country_code: whether every number begins with its country's calling code, with or without
        ``+``; default false. It decides numbers with two readings, which are left out otherwise.
    :param max_rejected: the largest share of rows, 0 to 1, that may be rejected; default 0.05.
    :param suppress: numbers not to be called, a list of mappings with a ``name`` each. A file or query has ``path``, or
        ``sql`` and ``sql_conn_id``, with ``column``, ``as_of``, ``max_age_days``, ``numbers_have_country_code`` and
        ``allow_unreadable``. A folder of the provider's reports has ``reports`` and ``days`` (how far back a call
        counts), with ``hash_key_conn_id`` or ``hash_key_variable`` unless they hold plaintext numbers, and ``digit``,
        ``may_be_missing`` and ``allow_unreadable``. A source that cannot be opened, or whose rows cannot all be
        compared, refuses the run; so does ``None``.
    :param reports: the folder of the provider's reports on earlier campaigns to this audience. With ``outcome`` the
        plan holds only people whom these campaigns did not reach, including people they never called.
    :param outcome: with ``reports``, ``not_reached``.
    :param max_attempts: with ``reports``, leave out people who were called that often in all of them together; default
        nobody.
    :param hash_key_conn_id: with ``reports``, the connection whose password is the key of the reports; leave it out if
        they hold plaintext numbers.
    :param hash_key_variable: instead, the Airflow Variable with this key.
    :param presets: a preset of calling hours for each country by its ISO code, or a mapping of ``preset`` and fields
        such as ``end_buffer``. People of other countries are left out.
    :param window: instead, one window for everybody. With ``timezone`` it calls people whose numbers belong to this
        zone, otherwise everybody in their own time zone.
    :param max_cost: fail if the plan's worst case costs more than this, at the connection's ``price_per_minute``;
        default any cost.
    :param max_windows: fail if the plan needs more calling windows than this with all retries; default any number.
    :param call_retries: the retry plan, passed on to the campaigns.
    :param name: the start of the campaigns' names, default the DAG's id.
    :param calls_per_minute: what the account may dial, default 60; the campaigns share one fewer.
    :param concurrency: simultaneous calls of the account; default no limit.
    :param call_length: the length of a call with ringing, a timedelta or minutes, default 1.
    :param exotel_conn_id: the connection, default ``exotel_default``; its token is the key of the digests.
    :raises AirflowFailException: if no retry can fix the input; it names every problem at once.
    """

    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers = {"sql": "sql"}  # noqa: RUF012 - Airflow's own way to say so
    operator_extra_links = (PlanLink(),)
    ui_color = "#f3ecd9"
    folder_url: str | None

    def __init__(
        self,
        *,
        output_path: str,
        folder_url: str | None = None,
        path: str | None = None,
        sql: str | None = None,
        sql_conn_id: str | None = None,
        records: Callable[[], Iterable[object]] | None = None,
        number_column: str = "number",
        variables: Sequence[str] | Mapping[str, str] | str | None = None,
        read_via_text: str | None = None,
        default_country: str | None = None,
        numbers_have_country_code: bool | str = False,
        max_rejected: float | str = 0.05,
        suppress: Sequence[Mapping[str, Any]] | str = (),
        reports: str | None = None,
        outcome: Literal["not_reached"] | str | None = None,
        max_attempts: int | str | None = None,
        hash_key_conn_id: str | None = None,
        hash_key_variable: str | None = None,
        presets: Mapping[str, Any] | str | None = None,
        window: Window | Mapping[str, Any] | str | None = None,
        max_cost: float | str | None = None,
        max_windows: int | str | None = None,
        call_retries: CallRetries | Mapping[str, Any] | str | None = None,
        name: str | None = None,
        calls_per_minute: int | str = 60,
        concurrency: int | str | None = None,
        call_length: timedelta | float | str = 1,
        exotel_conn_id: str = ExotelHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in PlanAudienceOperator.arguments}
        check_names(PlanAudienceOperator, kwargs)
        super().__init__(**kwargs)
        if records is not None and not callable(records) and not is_template(records):
            # Checked before Airflow serialises the DAG, which would store the numbers.
            raise ExotelInputError([Problem("records", "must be a function; give one that returns the numbers")])
        for name, value in given.items():
            setattr(self, name, value)

    arguments = arguments_of(__init__)
    template_fields = tuple(name for name in arguments if name != "records")

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Make the plan, or reuse the plan of this run, and return the arguments of its campaigns."""
        from airflow_provider_exotel.audience.plan import plan_audience
        from airflow_provider_exotel.audience.plan_folder import PlanFolder, check_same_plan, write_plan
        from airflow_provider_exotel.audience.plan_request import parse_plan_request
        from airflow_provider_exotel.hooks.access import airflow_access

        with input_errors_fail_the_task():
            access, given = airflow_access(), self._arguments()
            problems = deferred_problems(given)
            folder_url = collect(problems, lambda: web_folder(self.folder_url))
            request = parse_plan_request(given, context["ti"].dag_id, problems)
            folder = PlanFolder(request.output_path, access.path)
            run, settings = self._run(context), self._settings()
            document = folder.read_plan()
            if document is not None:
                check_same_plan(document, run, settings)
            else:
                summary = self._split(request, folder, access)
                anchor = run_anchor(context, None).moment
                tariff = self.hook.settings.tariff
                plan = plan_audience(summary, request.hours, request.settings, anchor, request.remarks, tariff)
                document = write_plan(folder, plan, run, settings)
        self._publish(context, document, folder, folder_url)
        campaigns: list[dict[str, Any]] = document["campaigns"]
        return campaigns

    def _split(self, request: PlanRequest, folder: PlanFolder, access: Access) -> AudienceSummary:
        from airflow_provider_exotel.audience.chunks import DYNAMIC_LIST, STATIC_LIST
        from airflow_provider_exotel.audience.split import split_audience
        from airflow_provider_exotel.audience.suppression_sources import open_suppressions

        now, variables = datetime.now(UTC), tuple(request.settings.variables)
        suppressed = open_suppressions(request.suppress, access, now, request.default_country)
        if request.not_reached is not None:
            suppressed += request.not_reached.open(access, request.default_country)
        with folder.quarantine() as quarantine:
            return split_audience(
                request.source.rows(access),
                default_country=request.default_country,
                limits=DYNAMIC_LIST if variables else STATIC_LIST,
                open_for_write=folder.open_chunk,
                secret=self.hook.settings.api_token,
                quarantine=quarantine,
                max_rejected=request.max_rejected,
                today=now.date(),
                key_of=request.hours.key_of,
                variables=variables,
                has_country_code=request.numbers_have_country_code,
                suppressions=suppressed,
            )

    def _publish(
        self, context: Context, document: Mapping[str, Any], folder: PlanFolder, folder_url: str | None
    ) -> None:
        """Log the plan in words, and push its figures and the address of its page to XCom."""
        plan, page = document["plan"], folder.files["page"]
        url = folder_url and f"{folder_url}/{page.rpartition('/')[2]}"
        self.log.info("%s Its page: %s", plan.get("description", f"Plan {plan['id']}."), url or page)
        for warning in plan.get("warnings", ()):
            self.log.warning("%s", warning)
        context["ti"].xcom_push(key=PLAN, value={**plan, "url": url})
        if url:
            push_link(context["ti"], PlanLink, url)

    def _run(self, context: Context) -> str:
        """Return a digest that identifies this task of this run."""
        instance, settings = context["ti"], self.hook.settings
        parts = [settings.account_sid, settings.deployment or "", instance.dag_id, instance.run_id, instance.task_id]
        return _digest([*parts, instance.map_index])

    def _arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.arguments}

    def _settings(self) -> str:
        """Return a digest of everything that decides the plan.

        Arguments that are not given are left out, so that a version with more arguments reads the plans of this one.
        """
        given = {name: value for name, value in self._arguments().items() if value is not None}
        given.pop("folder_url", None)
        return _digest(given)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if callable(value):
        return f"{value.__module__}.{value.__qualname__}"
    return value if isinstance(value, (str, int, float)) else str(value)
