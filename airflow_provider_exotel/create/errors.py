"""Errors of creating a campaign that no answer of the service raises."""

from __future__ import annotations

from airflow_provider_exotel.client.errors import ExotelError


class ExotelCampaignGone(ExotelError):
    """The campaign of a task was deleted; it is never created again."""


class ExotelCampaignTimedOut(ExotelError):
    """The campaign a task stands for was paused by the task's own time-out; a further try would wait for nothing."""


class TrySuperseded(Exception):
    """Airflow takes no state of this try any more: its task was cleared, or a later try took over.

    It is no :class:`ExotelError`: whether a request counted has nothing to do with it.
    """
