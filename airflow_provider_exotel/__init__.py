"""Apache Airflow provider for Exotel voice campaigns.

The public names load when they are first used: Airflow imports this package in every process, and most never dial.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the public names again, for type checkers: a test compares them with _MODULES
    from airflow_provider_exotel.audience.errors import ExotelImportUnfinished as ExotelImportUnfinished
    from airflow_provider_exotel.audience.errors import ExotelListMismatch as ExotelListMismatch
    from airflow_provider_exotel.client.client import ExotelClient as ExotelClient
    from airflow_provider_exotel.client.errors import ExotelAuthError as ExotelAuthError
    from airflow_provider_exotel.client.errors import ExotelCertificateError as ExotelCertificateError
    from airflow_provider_exotel.client.errors import ExotelConflict as ExotelConflict
    from airflow_provider_exotel.client.errors import ExotelConnectionError as ExotelConnectionError
    from airflow_provider_exotel.client.errors import ExotelError as ExotelError
    from airflow_provider_exotel.client.errors import ExotelInputError as ExotelInputError
    from airflow_provider_exotel.client.errors import ExotelNotFound as ExotelNotFound
    from airflow_provider_exotel.client.errors import ExotelOutcomeUnknown as ExotelOutcomeUnknown
    from airflow_provider_exotel.client.errors import ExotelPaymentRequired as ExotelPaymentRequired
    from airflow_provider_exotel.client.errors import ExotelRateLimited as ExotelRateLimited
    from airflow_provider_exotel.client.errors import ExotelRequestRefused as ExotelRequestRefused
    from airflow_provider_exotel.client.errors import ExotelResponseError as ExotelResponseError
    from airflow_provider_exotel.client.errors import ExotelServerError as ExotelServerError
    from airflow_provider_exotel.client.errors import Problem as Problem
    from airflow_provider_exotel.client.guard import StagingGuard as StagingGuard
    from airflow_provider_exotel.client.models import CallRecord as CallRecord
    from airflow_provider_exotel.client.models import Campaign as Campaign
    from airflow_provider_exotel.client.models import CampaignStatus as CampaignStatus
    from airflow_provider_exotel.client.numbers import PhoneNumbers as PhoneNumbers
    from airflow_provider_exotel.client.request import CallRetries as CallRetries
    from airflow_provider_exotel.client.request import CampaignChanges as CampaignChanges
    from airflow_provider_exotel.client.request import CampaignRequest as CampaignRequest
    from airflow_provider_exotel.client.request import Schedule as Schedule
    from airflow_provider_exotel.create.errors import ExotelCampaignGone as ExotelCampaignGone
    from airflow_provider_exotel.create.errors import ExotelCampaignTimedOut as ExotelCampaignTimedOut
    from airflow_provider_exotel.hooks.exotel import ExotelHook as ExotelHook
    from airflow_provider_exotel.links import CampaignLink as CampaignLink
    from airflow_provider_exotel.links import PlanLink as PlanLink
    from airflow_provider_exotel.links import ReportLink as ReportLink
    from airflow_provider_exotel.operators.audience import PlanAudienceOperator as PlanAudienceOperator
    from airflow_provider_exotel.operators.campaign import CreateCampaignOperator as CreateCampaignOperator
    from airflow_provider_exotel.operators.control import ControlCampaignOperator as ControlCampaignOperator
    from airflow_provider_exotel.operators.control import UpdateCampaignOperator as UpdateCampaignOperator
    from airflow_provider_exotel.operators.form import campaign_params as campaign_params
    from airflow_provider_exotel.operators.pause import PauseAllCampaignsOperator as PauseAllCampaignsOperator
    from airflow_provider_exotel.operators.pause import PauseOrphanedCampaignsOperator as PauseOrphanedCampaignsOperator
    from airflow_provider_exotel.operators.report import CampaignReportOperator as CampaignReportOperator
    from airflow_provider_exotel.operators.upload import UploadAudienceOperator as UploadAudienceOperator
    from airflow_provider_exotel.sensors.campaign import CampaignSensor as CampaignSensor
    from airflow_provider_exotel.triggers.assets import finished_campaigns as finished_campaigns
    from airflow_provider_exotel.waiting.outcome import CampaignFailed as CampaignFailed
    from airflow_provider_exotel.windows.calling_window import CallingWindow as CallingWindow
    from airflow_provider_exotel.windows.common_window import CommonWindow as CommonWindow
    from airflow_provider_exotel.windows.common_window import window_of as window_of

__version__ = "0.1.0"

_MODULES = {
    "CallRecord": "client.models",
    "CallRetries": "client.request",
    "CallingWindow": "windows.calling_window",
    "Campaign": "client.models",
    "CampaignChanges": "client.request",
    "CampaignFailed": "waiting.outcome",
    "CampaignLink": "links",
    "CampaignReportOperator": "operators.report",
    "CampaignRequest": "client.request",
    "CampaignSensor": "sensors.campaign",
    "CampaignStatus": "client.models",
    "CommonWindow": "windows.common_window",
    "ControlCampaignOperator": "operators.control",
    "CreateCampaignOperator": "operators.campaign",
    "ExotelAuthError": "client.errors",
    "ExotelCampaignGone": "create.errors",
    "ExotelCampaignTimedOut": "create.errors",
    "ExotelCertificateError": "client.errors",
    "ExotelClient": "client.client",
    "ExotelConflict": "client.errors",
    "ExotelConnectionError": "client.errors",
    "ExotelError": "client.errors",
    "ExotelHook": "hooks.exotel",
    "ExotelImportUnfinished": "audience.errors",
    "ExotelInputError": "client.errors",
    "ExotelListMismatch": "audience.errors",
    "ExotelNotFound": "client.errors",
    "ExotelOutcomeUnknown": "client.errors",
    "ExotelPaymentRequired": "client.errors",
    "ExotelRateLimited": "client.errors",
    "ExotelRequestRefused": "client.errors",
    "ExotelResponseError": "client.errors",
    "ExotelServerError": "client.errors",
    "PauseAllCampaignsOperator": "operators.pause",
    "PauseOrphanedCampaignsOperator": "operators.pause",
    "PhoneNumbers": "client.numbers",
    "PlanAudienceOperator": "operators.audience",
    "PlanLink": "links",
    "Problem": "client.errors",
    "ReportLink": "links",
    "Schedule": "client.request",
    "StagingGuard": "client.guard",
    "UpdateCampaignOperator": "operators.control",
    "UploadAudienceOperator": "operators.upload",
    "campaign_params": "operators.form",
    "finished_campaigns": "triggers.assets",
    "window_of": "windows.common_window",
}
"""The public names and the modules that define them."""

__all__ = [*_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
