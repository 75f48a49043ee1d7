"""The button on a task that leads to its campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey


class CampaignLink(BaseOperatorLink):
    """Opens the campaign: in Exotel's dashboard, or on the emulator's page."""

    name = "Exotel campaign"
    key = "campaign_link"

    @property
    def xcom_key(self) -> str:
        """Where the operator leaves the address right after the campaign is created."""
        return self.key

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # type: ignore[override]  # noqa: ARG002
        """Return the address the operator left, or nothing before there is a campaign."""
        return XCom.get_value(key=self.key, ti_key=ti_key) or ""
