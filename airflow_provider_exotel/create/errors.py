"""Errors while creating a campaign that do not come from a response of the service."""

from __future__ import annotations

from airflow_provider_exotel.client.errors import ExotelError


class ExotelCampaignGone(ExotelError):
    """The campaign of a task was deleted; it is never created again."""


class ExotelCampaignTimedOut(ExotelError):
    """The task's own timeout paused its campaign, so a further try would wait in vain."""


class TrySuperseded(Exception):
    """Airflow refuses state from this try: its task was cleared, or a later try has started.

    Not an :class:`ExotelError`: it says nothing about whether a request was processed.
    """
