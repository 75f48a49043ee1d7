"""The Airflow hook for Exotel, and access to Airflow's connections, states and metrics."""

from __future__ import annotations
