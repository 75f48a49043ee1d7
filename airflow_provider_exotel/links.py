"""The buttons of tasks: links to the campaign, to its report and to an audience plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey


class _XComLink(BaseOperatorLink):
    key: str
    argument: str | None = None
    """The operator's argument without which there is no URL. A read of an absent XCom is an error in Airflow's log."""

    @property
    def xcom_key(self) -> str:
        """The XCom in which the operator stores the URL."""
        return self.key

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # type: ignore[override]
        """Return the URL that the operator stored, empty if there is none yet."""
        if self.argument is not None and getattr(operator, self.argument, self.argument) is None:
            return ""
        return XCom.get_value(key=self.key, ti_key=ti_key) or ""


def push_link(task_instance: Any, link: type[_XComLink], url: str) -> None:
    """Store the URL that a task's button opens.

    Airflow 3 reads it directly from its database, where a custom XCom backend may store the path of a file instead. So
    the URL bypasses such a backend.

    :param task_instance: the task instance.
    :param link: the button.
    :param url: the URL.
    """
    from airflow import __version__ as airflow_version

    if XCom.__name__ == "BaseXCom" or airflow_version.startswith("2."):
        task_instance.xcom_push(key=link.key, value=url)
        return
    from airflow.sdk.bases.xcom import BaseXCom

    BaseXCom.set(
        link.key,
        url,
        dag_id=task_instance.dag_id,
        task_id=task_instance.task_id,
        run_id=task_instance.run_id,
        map_index=task_instance.map_index,
    )


class CampaignLink(_XComLink):
    """Opens the campaign in Exotel's dashboard, or on the emulator's page, which links to its report."""

    name = "Exotel campaign"
    key = "campaign_link"


class ReportLink(_XComLink):
    """Opens the page of a report, if the task has a ``folder_url``."""

    name = "Campaign report"
    key = "report_link"
    argument = "folder_url"


class PlanLink(_XComLink):
    """Opens the page of an audience plan, if the task has a ``folder_url``."""

    name = "Audience plan"
    key = "plan_link"
    argument = "folder_url"


def web_folder(address: object) -> str | None:
    """Return the URL of a folder, escaped for a browser, since run ids contain special characters.

    Existing escapes are kept, since an escaped slash is not a slash.

    :param address: the argument ``folder_url``; anything but text counts as not given.
    :raises ExotelInputError: if it is not a web URL, or contains credentials.
    """
    if not isinstance(address, str) or not address:
        return None
    try:
        parts = urlsplit(address)
        # It is stored in Airflow's database and visible to everybody who can press the button.
        has_no_secret = "@" not in parts.netloc and not parts.query
        # The path of a page cannot follow a fragment.
        is_fit = parts.scheme in {"http", "https"} and parts.hostname and has_no_secret and not parts.fragment
    except ValueError:
        is_fit = False
    if not is_fit:
        wanted = "must be the web URL of a folder, without credentials, such as 'https://reports.example.com/may'"
        raise ExotelInputError([Problem("folder_url", wanted)])
    return urlunsplit(parts._replace(path=quote(parts.path.rstrip("/"), safe="/%")))
