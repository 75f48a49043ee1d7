"""The provider's metadata. Every Airflow process imports this module, so it imports almost nothing."""

from __future__ import annotations

from typing import Any

from airflow_provider_exotel import __version__
from airflow_provider_exotel.connection_form import connection_metadata

_INTEGRATION = "Exotel"
_PACKAGE = "airflow_provider_exotel"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata (Airflow's provider_info.schema.json)."""
    return {
        "package-name": "airflow-provider-exotel",
        "name": "Exotel",
        "description": "Exotel voice campaigns: one task, one campaign, inside its calling hours.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://developer.exotel.com/",
                "tags": ["service"],
            }
        ],
        "hooks": [_modules("hooks.exotel")],
        "operators": [
            _modules(
                "operators.campaign",
                "operators.control",
                "operators.pause",
                "operators.audience",
                "operators.upload",
            )
        ],
        "sensors": [_modules("sensors.campaign")],
        "transfers": [
            {
                "source-integration-name": _INTEGRATION,
                "target-integration-name": "Object storage",
                "python-module": f"{_PACKAGE}.operators.report",
            }
        ],
        "triggers": [_modules("triggers.campaign", "triggers.finished")],
        "connection-types": [connection_metadata(f"{_PACKAGE}.hooks.exotel.ExotelHook")],
        "config": {
            "exotel": {
                "description": "The page of Exotel campaigns in Airflow's UI.",
                "options": {
                    "connections": {
                        "description": "Connections to show besides those of type exotel in the database, "
                        "comma-separated. Airflow cannot list those of environment variables and secrets backends.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "exotel_default,exotel_mumbai",
                        "default": "",
                    }
                },
            }
        },
        "extra-links": [f"{_PACKAGE}.links.{name}" for name in ("CampaignLink", "PlanLink", "ReportLink")],
    }


def _modules(*names: str) -> dict[str, Any]:
    return {"integration-name": _INTEGRATION, "python-modules": [f"{_PACKAGE}.{name}" for name in names]}
