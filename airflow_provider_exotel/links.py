"""The buttons on tasks: one leads to the campaign, one to the page of its report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

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


class CampaignLink(_AddressInXCom):
    """Opens the campaign: in Exotel's dashboard, or on the emulator's page, which leads on to its report."""

    name = "Exotel campaign"
    key = "campaign_link"


class ReportLink(_AddressInXCom):
    """Opens the page of a report, where the task was told how people reach its folder (``folder_url``)."""

    name = "Campaign report"
    key = "report_link"
