"""Errors of an audience that no answer of the service raises."""

from __future__ import annotations

from airflow_provider_exotel.client.errors import ExotelError


class ExotelListMismatch(ExotelError):
    """A contact list holds other contacts than were uploaded; no campaign may call from it."""


class ExotelImportUnfinished(ExotelError):
    """The import of a file has not finished in time, or broke off; a later try resumes it."""

    retryable = True
