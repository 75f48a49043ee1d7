"""The connection to Exotel, as Airflow names such things."""

from __future__ import annotations
