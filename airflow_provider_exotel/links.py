"""The buttons on tasks: to the campaign, to the page of its report, to the page of an audience plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey


class _AddressInXCom(BaseOperatorLink):
    key: str

    @property
    def xcom_key(self) -> str:
        """Where the operator leaves the address as soon as there is one."""
        return self.key

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # type: ignore[override]  # noqa: ARG002
        """Return the address the operator left, or nothing before there is one."""
        return XCom.get_value(key=self.key, ti_key=ti_key) or ""


def push_link(task_instance: Any, link: type[_AddressInXCom], url: str) -> None:
    """Leave the address that a task's button opens.

    Airflow 3 reads it from its database as it stands there, where another XCom backend leaves the path of a file. So
    the address goes past such a backend.

    :param task_instance: the task's.
    :param link: the button.
    :param url: the address.
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


class CampaignLink(_AddressInXCom):
    """Opens the campaign: in Exotel's dashboard, or on the emulator's page, which leads on to its report."""

    name = "Exotel campaign"
    key = "campaign_link"


class ReportLink(_AddressInXCom):
    """Opens the page of a report, if the task has the web address of its folder (``folder_url``)."""

    name = "Campaign report"
    key = "report_link"


class PlanLink(_AddressInXCom):
    """Opens the page of an audience plan, if the task has the web address of its folder (``folder_url``)."""

    name = "Audience plan"
    key = "plan_link"


def web_folder(address: object) -> str | None:
    """Return the web address of a folder as a browser takes it: run ids hold characters with a meaning in one.

    What is escaped already stays so: an escaped slash is not a slash.

    :param address: the argument ``folder_url``; anything but text counts as not given.
    :raises ExotelInputError: if it is not a web address, or holds credentials.
    """
    if not isinstance(address, str) or not address:
        return None
    try:
        parts = urlsplit(address)
        # It is stored in Airflow's database and opened by whoever presses the button.
        is_open = "@" not in parts.netloc and not parts.query
        # Nothing of a page's own path can follow a fragment.
        is_fit = parts.scheme in {"http", "https"} and parts.hostname and is_open and not parts.fragment
    except ValueError:
        is_fit = False
    if not is_fit:
        wanted = "must be the web address of a folder, without credentials, such as 'https://reports.example.com/may'"
        raise ExotelInputError([Problem("folder_url", wanted)])
    return urlunsplit(parts._replace(path=quote(parts.path.rstrip("/"), safe="/%")))
