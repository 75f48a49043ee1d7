"""The operator that writes a report."""

from __future__ import annotations

import errno
import hmac
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    BaseOperator,
)

from airflow_provider_exotel.client.errors import ExotelInputError, Problem, collect
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.hooks.access import hash_key
from airflow_provider_exotel.hooks.exotel import ExotelHook
from airflow_provider_exotel.links import ReportLink, push_link, web_folder
from airflow_provider_exotel.operators.base import (
    ExotelTask,
    check_names,
    deferred_problems,
    input_errors_fail_the_task,
)
from airflow_provider_exotel.report.storage import Workspace

if TYPE_CHECKING:
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.client.request import CallRetries
    from airflow_provider_exotel.report.call import Naming
    from airflow_provider_exotel.report.campaign_report import CampaignReport
    from airflow_provider_exotel.report.ledger import Ledger
    from airflow_provider_exotel.report.recordings import RecordingCounts
    from airflow_provider_exotel.report.tables import Write
    from airflow_provider_exotel.windows.calling_window import Window

    Context = Mapping[str, Any]

PAGE = "report.html"
# A count of calls in progress that never falls to 0 must not delay a report forever.
_LIVE_CALLS_END_WITHIN = timedelta(hours=1)


@dataclass(frozen=True)
class _Options:
    """The checked arguments of a report."""

    campaign_ids: tuple[str, ...]
    folder: Any
    folder_url: str | None
    format: str
    window: Window | None
    timezone: str | None
    call_retries: CallRetries | None
    recordings: Any
    key: bytes | None

    @property
    def name(self) -> Naming:
        from airflow_provider_exotel.report.call import plaintext, pseudonymise_with

        return plaintext if self.key is None else pseudonymise_with(self.key)

    def progress_key(self, *what: object) -> str:
        """Return a digest that names progress files, and reveals neither the key nor a number."""
        text = "\n".join(map(str, (self.key is None, self.timezone, *what)))
        return hmac.digest(self.key or b"in clear", text.encode(), "sha256").hex()[:16]


class CampaignReportOperator(ExotelTask, BaseOperator):
    """Write a report of one campaign or many: tables, counts that add up, an audit, and a page.

    It writes ``attempts``, ``contacts`` and ``audit`` in the format, and ``report.html``, to a folder on any object
    storage. The return value is the summary: counts and rates. With an asset among ``outlets`` the summary is also the
    ``extra`` of its event. The XCom ``report`` holds the paths, and with ``folder_url`` the page's address.

    :param campaign_ids: one id, a list of ids, or one comma-separated string. Campaigns must have ended: until then
        the task fails and may be tried again.
    :param path: the folder, such as ``s3://conn@bucket/reports/{{ ds }}`` or ``file:///...``; files of the same names
        are replaced.
    :param folder_url: the web address of the folder, such as ``https://reports.example.com/{{ ds }}``; with it the task
        has a button that opens the page.
    :param format: ``csv`` (default), ``jsonl`` or ``parquet`` (extra: ``parquet``).
    :param window: the calling hours that the audit checks, in addition to the campaign's own schedule, in any form that
        the campaign takes.
    :param timezone: the recipients' IANA time zone, default the window's. Without either, local columns stay empty.
    :param call_retries: the retry plan that the audit checks, default the campaign's own.
    :param contacts: ``hashed`` (default) pseudonymises numbers with HMAC-SHA256 under your key, ``clear`` keeps them in
        plaintext.
    :param hash_key_conn_id: the connection whose password is the key, 16 characters or more; the same key gives a
        person the same pseudonym in every report.
    :param hash_key_variable: instead, the Airflow Variable with the key.
    :param recordings: a folder to which the recordings of the calls are copied, each named by its call's SID, such as
        ``s3://conn@bucket/recordings``. Existing files are not fetched again. The service keeps recordings for 90 days.
        Default none.
    :param on_violation: ``report`` (default), or ``fail`` to fail the task after the report is written, if somebody was
        called outside of the window or more often than asked for.
    :param exotel_conn_id: the connection, default ``exotel_default``.
    :raises AirflowFailException: if no retry can fix the input; it names every problem at once.
    :raises AirflowException: if the temporary folder is full, if a campaign may still dial, or, after the report is
        written, if recordings could not be fetched that a later try may fetch.
    """

    template_fields = (
        "exotel_conn_id",
        "campaign_ids",
        "path",
        "folder_url",
        "format",
        "window",
        "timezone",
        "call_retries",
        "contacts",
        "hash_key_conn_id",
        "hash_key_variable",
        "recordings",
        "on_violation",
    )
    operator_extra_links = (ReportLink(),)
    ui_color = "#e7ecf9"

    def __init__(
        self,
        *,
        campaign_ids: Any,
        path: Any,
        folder_url: str | None = None,
        format: Literal["csv", "jsonl", "parquet"] | str = "csv",
        window: Window | Mapping[str, Any] | str | None = None,
        timezone: str | None = None,
        call_retries: CallRetries | Mapping[str, Any] | str | None = None,
        contacts: Literal["hashed", "clear"] | str = "hashed",
        hash_key_conn_id: str | None = None,
        hash_key_variable: str | None = None,
        recordings: Any = None,
        on_violation: Literal["report", "fail"] | str = "report",
        exotel_conn_id: str = ExotelHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        check_names(CampaignReportOperator, kwargs)
        super().__init__(**kwargs)
        self.campaign_ids = campaign_ids
        self.path = path
        self.folder_url = folder_url
        self.format = format
        self.window = window
        self.timezone = timezone
        self.call_retries = call_retries
        self.contacts = contacts
        self.hash_key_conn_id = hash_key_conn_id
        self.hash_key_variable = hash_key_variable
        self.recordings = recordings
        self.on_violation = on_violation
        self.exotel_conn_id = exotel_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Make the report and return its summary."""
        from airflow_provider_exotel.report.page import render_page
        from airflow_provider_exotel.report.summary import summarize

        with input_errors_fail_the_task(), full_disk_named():
            options = self._options()
            workspace = Workspace(options.folder, options.progress_key(options.format, *options.campaign_ids))
            names = {name: f"{name}.{options.format}" for name in ("attempts", "contacts", "audit")}
            reports = list(self._reports(options, workspace, names))
            with workspace.open_file(PAGE) as file:
                file.write(render_page(reports, self.hook.settings.tariff).encode())
        workspace.publish([*names.values(), PAGE])
        workspace.clear()
        summary = summarize(reports, self.hook.settings.tariff)
        self._publish(context, summary, {**names, "page": PAGE}, options.folder_url)
        return summary

    def _options(self) -> _Options:
        """Return the checked arguments.

        :raises ExotelInputError: naming every problem.
        """
        from airflow_provider_exotel.client.request import CallRetries
        from airflow_provider_exotel.client.text import split_words
        from airflow_provider_exotel.report.tables import FORMATS
        from airflow_provider_exotel.windows.calling_window import read_as
        from airflow_provider_exotel.windows.common_window import window_of

        problems = deferred_problems({name: getattr(self, name) for name in self.template_fields})
        if problems:
            raise ExotelInputError(problems)
        given: Any = split_words(self.campaign_ids)
        ids = tuple(dict.fromkeys(str(one).strip() for one in given or () if one))
        if not ids:
            problems.append(Problem("campaign_ids", "names no campaign; write one id, or a list of them"))
        if not self.path:
            problems.append(Problem("path", "is missing; write a folder such as 's3://conn@bucket/reports'"))
        for field, choices in (
            ("format", FORMATS),
            ("contacts", ("hashed", "clear")),
            ("on_violation", ("report", "fail")),
        ):
            if getattr(self, field) not in choices:
                problems.append(Problem(field, f"is none of {', '.join(choices)}"))
        window = collect(problems, lambda: None if self.window is None else window_of(self.window))
        retries = self.call_retries
        if retries is not None and not isinstance(retries, CallRetries):
            retries = collect(problems, lambda: read_as(CallRetries, self.call_retries, "call_retries"))
        zone = collect(problems, lambda: _zone(self.timezone))
        folder_url = collect(problems, lambda: web_folder(self.folder_url))
        key = collect(problems, self._key) if self.contacts == "hashed" else None
        path = collect(problems, partial(_folder, self.path, "path"))
        recordings = collect(problems, partial(_folder, self.recordings, "recordings"))
        if problems:
            raise ExotelInputError(problems)
        return _Options(
            ids,
            path,
            folder_url,
            self.format,
            window,
            zone or (window.zone.key if window is not None else None),
            retries,
            recordings,
            key,
        )

    def _key(self) -> bytes:
        return hash_key(self.hash_key_conn_id, self.hash_key_variable, field="", instead="; or write contacts='clear'")

    def _reports(self, options: _Options, workspace: Workspace, names: Mapping[str, str]) -> Iterator[CampaignReport]:
        from airflow_provider_exotel.report.tables import TABLES, writer

        campaigns = [self._ended(campaign_id) for campaign_id in options.campaign_ids]
        with ExitStack() as open_files:
            tables = {
                name: open_files.enter_context(
                    writer(options.format, columns, open_files.enter_context(workspace.open_file(names[name])))
                )
                for name, columns in TABLES.items()
            }
            for campaign in campaigns:
                yield self._report(options, workspace, campaign, tables)

    def _ended(self, campaign_id: str) -> Campaign:
        campaign, now = self.hook.client.get_campaign(campaign_id), datetime.now(UTC)
        end_at = campaign.schedule.end_at
        is_over = campaign.status.has_ended or (end_at is not None and end_at < now)
        is_live = campaign.stats.in_progress + campaign.stats.retrying > 0
        last = end_at or campaign.date_updated  # a campaign may have no end of its own
        if not is_over or (is_live and (last is None or now < last + _LIVE_CALLS_END_WITHIN)):
            raise AirflowException(
                f"campaign {campaign_id} is {campaign.status_text or 'not known to have ended'} and may call somebody "
                "yet; its report is made once it has ended: wait for that before this task, or let it try again"
            )
        return campaign

    def _report(
        self, options: _Options, workspace: Workspace, campaign: Campaign, tables: Mapping[str, Write]
    ) -> CampaignReport:
        from airflow_provider_exotel.client.reasons import describe_unreached
        from airflow_provider_exotel.report.audit import resolve_limits
        from airflow_provider_exotel.report.call import Call
        from airflow_provider_exotel.report.campaign_report import write_campaign
        from airflow_provider_exotel.report.gather import gather
        from airflow_provider_exotel.report.ledger import Ledger

        name, counts = options.name, sorted(campaign.stats.as_dict().items())
        # The counts are part of the name: a campaign that was resumed after an earlier try has called more people.
        with_recordings = options.recordings is not None
        parts = workspace.parts(
            options.progress_key(self.hook.settings.account_sid, campaign.id, with_recordings, *counts)
        )
        with Ledger() as ledger:
            total_calls = gather(
                self.hook.client,
                campaign,
                parts,
                lambda record: Call.of(record, name, keep_recording=with_recordings),
                ledger,
                by_pages=with_recordings,
            )
            report = write_campaign(
                campaign,
                ledger,
                resolve_limits(campaign, ledger.span(), options.window, options.call_retries),
                tables,
                name,
                zone=options.timezone,
                total_calls=total_calls,
            )
            if with_recordings:
                report = replace(report, recordings=self._save_recordings(options, ledger))
        accounting = report.accounting
        self.log.info(
            "Campaign %s: %d contacts, %d reached, %d never tried; %d attempts.",
            campaign.id,
            accounting.contacts,
            accounting.reached,
            accounting.never_tried,
            report.figures.attempts,
        )
        if unreached := describe_unreached(accounting.not_reached):
            self.log.info("Not reached by campaign %s: %s.", campaign.id, unreached)
        for what, calls, counted in accounting.differences:
            self.log.warning("Campaign %s does not add up: %s is %d by its calls and %d by its own counts.",
                             campaign.id, what, calls, counted)  # fmt: skip
        return report

    def _save_recordings(self, options: _Options, ledger: Ledger) -> RecordingCounts:
        from airflow_provider_exotel.report.recordings import save_recordings

        workspace = Workspace(options.recordings, options.progress_key("recordings", *options.campaign_ids))
        counts = save_recordings(ledger.with_recording(), self.hook.client.recording_blocks, workspace)
        workspace.clear()
        self.log.info(
            "Recordings: %d saved, %d gone, %d refused, %d not audio, %d not fetched yet.",
            counts.saved, counts.gone, counts.refused, counts.not_audio, counts.failed,
        )  # fmt: skip
        if counts.gone:
            self.log.warning("The service keeps recordings for 90 days; %d are gone.", counts.gone)
        if counts.refused:
            self.log.warning(
                "%d recordings are on a host that asks for credentials or may not be asked. The credentials go to the "
                "account's own host alone; let the dashboard serve recordings without them.",
                counts.refused,
            )
        if counts.not_audio:
            self.log.warning(
                "%d addresses of recordings returned a web page or nothing instead of audio, which was not saved. Let "
                "the dashboard serve recordings without a sign-in page; the next run of this task asks for them again.",
                counts.not_audio,
            )
        return counts

    def _publish(
        self, context: Context, summary: dict[str, Any], names: Mapping[str, str], folder_url: str | None
    ) -> None:
        paths = {name: f"{str(self.path).rstrip('/')}/{file}" for name, file in names.items()}
        url = f"{folder_url}/{PAGE}" if folder_url else None
        context["ti"].xcom_push(key="report", value={**paths, "url": url})
        if url:
            push_link(context["ti"], ReportLink, url)
        self.log.info("The report's page: %s", redact(url or paths["page"]))
        for outlet in self.outlets or ():
            if hasattr(outlet, "uri"):
                context["outlet_events"][outlet].extra = summary
        if failed := summary.get("recordings", {}).get("failed"):
            context["ti"].xcom_push(key="return_value", value=summary)
            raise AirflowException(
                f"{failed:,} recordings could not be fetched; the report is there, and another try fetches the rest"
            )
        violations = summary["outside_window"] + summary["called_too_often"]
        if violations and self.on_violation == "fail":
            context["ti"].xcom_push(key="return_value", value=summary)
            raise AirflowFailException(
                f"{summary['outside_window']} calls outside of the window, {summary['called_too_often']} people called "
                "more often than asked for; the report lists them"
            )


def _folder(address: Any, field: str) -> Any:
    """Return a folder as a path object, ``None`` if none is given; fail if the driver is missing."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    from airflow_provider_exotel.contacts.files import translate_file_errors

    if not address:
        return None
    with translate_file_errors(str(address), field):
        path = ObjectStoragePath(str(address))
        _ = path.fs  # finds the driver
        return path


def _zone(name: str | None) -> str | None:
    from airflow_provider_exotel.windows.fields import zone_name

    try:
        return zone_name(name) if name else None
    except ExotelInputError as error:
        raise ExotelInputError(Problem("timezone", one.message) for one in error.problems) from None


@contextmanager
def full_disk_named() -> Iterator[None]:
    """Turn a full disk into an error that names the folder, and how to use another one."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free // 1_000_000
        raise AirflowException(
            f"no space is left on the disk: the temporary folder {folder} has {free:,} MB free, and a report needs "
            "about 1.2 MB there for each 1,000 contacts; free some, or set TMPDIR to another folder"
        ) from None
