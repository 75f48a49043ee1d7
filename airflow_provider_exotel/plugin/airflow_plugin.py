"""The plugin class that Airflow loads. Every component imports this module, but only the API server needs the page."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any

from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import AirflowPlugin, conf

log = logging.getLogger(__name__)

NAME = "Exotel campaigns"
PREFIX = "/exotel"
_FIRST_VERSION = (3, 1)


class ExotelPlugin(AirflowPlugin):
    """The page of campaigns; empty before Airflow 3.1."""

    name = "exotel"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The page's app, created when the API server first asks for it."""
        if tuple(map(int, airflow_version.split(".")[:2])) < _FIRST_VERSION:
            return []
        try:
            from airflow_provider_exotel.plugin.app import make_app
        except ImportError as error:
            # The functions that authorize are no public API. Without them there is no page, since it would be open.
            log.warning("The page of Exotel campaigns is missing: this Airflow has no %s.", error.name or "known API")
            return []
        return [{"app": make_app(), "url_prefix": PREFIX, "name": NAME}]

    @cached_property
    def external_views(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The entry in Airflow's navigation, if there is a page."""
        if not self.fastapi_apps:
            return []
        return [
            {
                "name": NAME,
                "href": f"{base_path()}{PREFIX}/",
                "destination": "nav",
                "category": "browse",
                "url_route": "exotel",
            }
        ]


def base_path() -> str:
    """Return the path of Airflow's URL, empty for the root."""
    from urllib.parse import urlsplit

    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
