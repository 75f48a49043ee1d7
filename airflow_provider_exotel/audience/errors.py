"""Errors of an audience that do not come from a response of the service."""

from __future__ import annotations

from airflow_provider_exotel.client.errors import ExotelError


class ExotelListMismatch(ExotelError):
    """A contact list does not have the uploaded contacts; no campaign may call it."""


class ExotelImportUnfinished(ExotelError):
    """The import of a file was interrupted or has not finished in time; a later try resumes it."""

    retryable = True
