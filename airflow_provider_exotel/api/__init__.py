"""A plain client of Exotel's Campaigns API, usable without Airflow."""

from __future__ import annotations
