"""The task that makes a plan of an audience: who is called by which campaign, when and how fast."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.hooks.task import run_anchor
from airflow_provider_exotel.operators.base import input_errors_fail_the_task, is_template

if TYPE_CHECKING:
    from airflow_provider_exotel.audience.plan import FleetPlan
    from airflow_provider_exotel.audience.split import AudienceSummary
    from airflow_provider_exotel.client.request import CallRetries
    from airflow_provider_exotel.operators.audience_order import AudienceOrder
    from airflow_provider_exotel.operators.plan_folder import PlanFolder
    from airflow_provider_exotel.windows.calling_window import Window

    Context = Mapping[str, Any]

PLAN = "plan"
"""The XCom that tells what is planned, without numbers."""


class PlanAudienceOperator(BaseOperator):
    """Make a plan of an audience of any size, and leave it beside its numbers on object storage; nothing is sent.

    Rows are read as they come; numbers are cleaned as libphonenumber judges them, nobody is twice in the plan, nobody
    who is not to be called is in it, and it is split by time zone and by what Exotel takes. The return value is a list
    with the keyword arguments of one campaign each, without numbers, for
    ``CreateCampaignOperator.partial(...).expand_kwargs(...)``, with
    :class:`~airflow_provider_exotel.operators.upload.UploadAudienceOperator` before it wherever a campaign may have
    more than 5,000 people or variables. The XCom ``plan`` tells what is planned, and where its page is.

    A run is planned once: a later try of a task that has made its plan takes that, and reads the audience no more.

    :param output_path: the folder of the plan on any object storage, of its own for each run, such as
        ``s3://conn@bucket/plans/{{ run_id }}``. Its ``chunks`` and ``quarantine.csv`` hold numbers.
    :param path: the audience: a CSV or Parquet file on any object storage.
    :param sql: instead, a query; its rows are read from a cursor of the server where the driver has one.
    :param sql_conn_id: the connection the query is asked on: any whose hook is Airflow's ``DbApiHook``.
    :param records: instead, a function that returns an iterable of numbers, or of mappings of column names to values.
        It is called when the task runs, so that no number is in the DAG or an XCom.
    :param number_column: the column of the numbers, default ``number``.
    :param variables: up to five columns that ``read_via_text`` names as ``@@Column``: a list, or a mapping of the names
        in the text to columns. With any, the campaigns are dynamic.
    :param read_via_text: the text to be read out; handed on to the campaigns.
    :param default_country: the ISO code of the country whose national numbers are meant, such as ``IN``; by default
        only international ones are taken.
    :param max_rejected: the largest share of the rows, 0 to 1, that may be left out as no numbers; default 0.05.
    :param suppress: numbers not to be called: a list of mappings with a ``name`` and either ``path`` or ``sql`` and
        ``sql_conn_id``, with ``column``, ``as_of``, ``max_age_days``, ``allow_unreadable``; or the folder of our own
        ``reports`` and how many ``days`` back a call in them counts, with ``hash_key_conn_id`` or
        ``hash_key_variable`` unless they hold numbers in clear.
    :param presets: for each country by its ISO code a preset of calling hours, or a mapping of ``preset`` and fields
        such as ``end_buffer``. People of other countries are left out.
    :param window: instead, one window for all: with ``timezone`` for people who live there, as far as their numbers
        tell; without, on everybody's own clocks.
    :param call_retries: the retry plan; handed on to the campaigns.
    :param name: what the campaigns' names begin with, default the DAG's id.
    :param calls_per_minute: what the account may dial, default 60; the campaigns share one less than that.
    :param concurrency: calls the account may have at once; default no limit of ours.
    :param call_length: how long a call holds one of them, a timedelta or minutes, default 1.
    :param exotel_conn_id: the connection, default ``exotel_default``; the digests are made under its token.
    :raises AirflowFailException: for what no retry can mend, every problem of the input named at once.
    """

    template_fields: Sequence[str] = (
        "exotel_conn_id",
        "output_path",
        "path",
        "sql",
        "sql_conn_id",
        "number_column",
        "variables",
        "read_via_text",
        "default_country",
        "max_rejected",
        "suppress",
        "presets",
        "window",
        "call_retries",
        "name",
        "calls_per_minute",
        "concurrency",
        "call_length",
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers = {"sql": "sql"}  # noqa: RUF012 - Airflow's own way to say so
    ui_color = "#f3ecd9"

    def __init__(
        self,
        *,
        output_path: str,
        path: str | None = None,
        sql: str | None = None,
        sql_conn_id: str | None = None,
        records: Callable[[], Iterable[object]] | None = None,
        number_column: str = "number",
        variables: Sequence[str] | Mapping[str, str] | str | None = None,
        read_via_text: str | None = None,
        default_country: str | None = None,
        max_rejected: float | str = 0.05,
        suppress: Sequence[Mapping[str, Any]] | str = (),
        presets: Mapping[str, Any] | str | None = None,
        window: Window | Mapping[str, Any] | str | None = None,
        call_retries: CallRetries | Mapping[str, Any] | str | None = None,
        name: str | None = None,
        calls_per_minute: int | str = 60,
        concurrency: int | str | None = None,
        call_length: timedelta | float | str = 1,
        exotel_conn_id: str = ExotelHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if records is not None and not callable(records) and not is_template(records):
            # Before Airflow serialises the DAG, which would write the numbers down.
            raise ExotelInputError([Problem("records", "is no function; give one that returns the numbers")])
        self.output_path = output_path
        self.path = path
        self.sql = sql
        self.sql_conn_id = sql_conn_id
        self.records = records
        self.number_column = number_column
        self.variables = variables
        self.read_via_text = read_via_text
        self.default_country = default_country
        self.max_rejected = max_rejected
        self.suppress = suppress
        self.presets = presets
        self.window = window
        self.call_retries = call_retries
        self.name = name
        self.calls_per_minute = calls_per_minute
        self.concurrency = concurrency
        self.call_length = call_length
        self.exotel_conn_id = exotel_conn_id

    @cached_property
    def hook(self) -> ExotelHook:
        """The hook of the connection."""
        return ExotelHook(self.exotel_conn_id)

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Make the plan, or take the one this run has, and return the arguments of its campaigns."""
        from airflow_provider_exotel.operators.audience_order import order_of
        from airflow_provider_exotel.operators.plan_folder import PlanFolder

        with input_errors_fail_the_task():
            order = order_of(self, context)
            folder, run, settings = PlanFolder(str(self.output_path)), self._run(context), self._settings()
            kept = folder.kept()
            if kept is None:
                kept = self._made(context, order, folder, {"run": run, "settings": settings})
            else:
                self._check_kept(kept, run, settings)
        context["ti"].xcom_push(key=PLAN, value=kept["plan"])
        campaigns: list[dict[str, Any]] = kept["campaigns"]
        return campaigns

    def _made(
        self, context: Context, order: AudienceOrder, folder: PlanFolder, marks: Mapping[str, str]
    ) -> dict[str, Any]:
        from airflow_provider_exotel.audience.plan import plan_fleet
        from airflow_provider_exotel.audience.plan_page import render_markdown, render_page

        summary = self._split(order, folder)
        anchor = run_anchor(context, None)
        plan = plan_fleet(summary, order.hours, order.fleet, anchor.moment, order.remarks)
        told = render_markdown(plan)
        folder.write("markdown", told)
        folder.write("page", render_page(plan))
        kept: dict[str, Any] = {
            **marks,
            "plan": {**plan.as_json(), "markdown": told, "files": folder.files},
            "campaigns": plan.arguments(folder.address, marks["run"]),
            "chunks": {chunk.name: asdict(chunk) for chunk in summary.chunks},
        }
        folder.keep(kept)
        self._tell(plan, folder)
        return kept

    def _split(self, order: AudienceOrder, folder: PlanFolder) -> AudienceSummary:
        from airflow_provider_exotel.audience.chunks import DYNAMIC_LIST, STATIC_LIST
        from airflow_provider_exotel.audience.split import split_audience
        from airflow_provider_exotel.operators.suppress import opened

        now = datetime.now(UTC)
        try:
            with folder.quarantine() as quarantine:
                return split_audience(
                    order.source.rows(),
                    default_country=self.default_country,
                    limits=DYNAMIC_LIST if order.fleet.variables else STATIC_LIST,
                    open_for_write=folder.open_chunk,
                    secret=self.hook.settings.api_token,
                    quarantine=quarantine,
                    max_rejected=order.max_rejected,
                    today=now.date(),
                    key_of=order.hours.key_of,
                    variables=order.fleet.variables,
                    suppressions=opened(order.suppress, now, self.default_country),
                )
        except ExotelInputError:
            self.log.error("The rows that are left out stand in %s.", folder.files["quarantine"])  # noqa: TRY400
            raise

    def _tell(self, plan: FleetPlan, folder: PlanFolder) -> None:
        summary = plan.summary
        for warning in plan.warnings:
            self.log.warning("%s", warning)
        if not plan.campaigns:
            self.log.warning("Nobody of %d rows is to be called.", summary.rows)
        self.log.info(
            "Plan %s: %d of %d rows to call by %d campaigns and %d lists; rejected: %s; duplicates: %d; "
            "suppressed: %d. %s",
            plan.id,
            summary.accepted,
            summary.rows,
            len(plan.campaigns),
            plan.lists,
            json.dumps(summary.rejected),
            summary.duplicates,
            sum(one.suppressed for one in summary.suppressions.values()),
            folder.files["page"],
        )

    def _run(self, context: Context) -> str:
        """Return what tells this task of this run apart from every other."""
        instance, settings = context["ti"], self.hook.settings
        parts = [settings.account_sid, settings.deployment or "", instance.dag_id, instance.run_id, instance.task_id]
        return _digest([*parts, instance.map_index])

    def _settings(self) -> str:
        return _digest({name: _plain(getattr(self, name)) for name in (*self.template_fields, "records")})

    def _check_kept(self, kept: Mapping[str, Any], run: str, settings: str) -> None:
        """Go on with the plan that is there only if it is this run's, made as this task would make it.

        :raises ExotelInputError: if it is another.
        """
        if kept["run"] != run:
            wanted = "holds the plan of another run; give each run a folder of its own, such as .../{{ run_id }}"
            raise ExotelInputError([Problem("output_path", wanted)])
        if kept["settings"] != settings:
            wanted = (
                f"holds the plan {kept['plan']['id']} of this run, made with other settings, and campaigns of it may "
                "exist; start another run, or, if there are none, delete plan.json there"
            )
            raise ExotelInputError([Problem("output_path", wanted)])
        self.log.warning(
            "This run was planned already as %s, with %d people; the audience is not read again.",
            kept["plan"]["id"],
            kept["plan"]["accepted"],
        )


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=_plain).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (date, timedelta)):
        return str(value)
    return f"{value.__module__}.{value.__qualname__}" if callable(value) else value
