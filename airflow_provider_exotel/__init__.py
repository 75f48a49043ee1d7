"""Apache Airflow provider for Exotel voice campaigns.

The public names load when they are first used: Airflow imports this package in every process, and most never dial.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient
    from airflow_provider_exotel.client.errors import ExotelError
    from airflow_provider_exotel.client.request import CallRetries, CampaignRequest, Schedule
    from airflow_provider_exotel.hooks.exotel import ExotelHook
    from airflow_provider_exotel.links import CampaignLink, PlanLink, ReportLink
    from airflow_provider_exotel.operators.audience import PlanAudienceOperator
    from airflow_provider_exotel.operators.campaign import CreateCampaignOperator
    from airflow_provider_exotel.operators.control import ControlCampaignOperator, UpdateCampaignOperator
    from airflow_provider_exotel.operators.form import campaign_params
    from airflow_provider_exotel.operators.pause import PauseAllCampaignsOperator, PauseOrphanedCampaignsOperator
    from airflow_provider_exotel.operators.report import CampaignReportOperator
    from airflow_provider_exotel.operators.upload import UploadAudienceOperator
    from airflow_provider_exotel.sensors.campaign import CampaignSensor
    from airflow_provider_exotel.triggers.assets import finished_campaigns
    from airflow_provider_exotel.windows.calling_window import CallingWindow
    from airflow_provider_exotel.windows.common_window import CommonWindow, window_of

__version__ = "0.1.0"

__all__ = [
    "CallRetries",
    "CallingWindow",
    "CampaignLink",
    "CampaignReportOperator",
    "CampaignRequest",
    "CampaignSensor",
    "CommonWindow",
    "ControlCampaignOperator",
    "CreateCampaignOperator",
    "ExotelClient",
    "ExotelError",
    "ExotelHook",
    "PauseAllCampaignsOperator",
    "PauseOrphanedCampaignsOperator",
    "PlanAudienceOperator",
    "PlanLink",
    "ReportLink",
    "Schedule",
    "UpdateCampaignOperator",
    "UploadAudienceOperator",
    "campaign_params",
    "finished_campaigns",
    "window_of",
]

_MODULES = {
    "CallRetries": "client.request",
    "CallingWindow": "windows.calling_window",
    "CampaignLink": "links",
    "CampaignReportOperator": "operators.report",
    "CampaignRequest": "client.request",
    "CampaignSensor": "sensors.campaign",
    "CommonWindow": "windows.common_window",
    "ControlCampaignOperator": "operators.control",
    "CreateCampaignOperator": "operators.campaign",
    "ExotelClient": "client.client",
    "ExotelError": "client.errors",
    "ExotelHook": "hooks.exotel",
    "PauseAllCampaignsOperator": "operators.pause",
    "PauseOrphanedCampaignsOperator": "operators.pause",
    "PlanAudienceOperator": "operators.audience",
    "PlanLink": "links",
    "ReportLink": "links",
    "Schedule": "client.request",
    "UpdateCampaignOperator": "operators.control",
    "UploadAudienceOperator": "operators.upload",
    "campaign_params": "operators.form",
    "finished_campaigns": "triggers.assets",
    "window_of": "windows.common_window",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
