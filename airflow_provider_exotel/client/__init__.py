"""A plain Exotel client: requests, answers, errors, retries. It knows nothing of Airflow."""

from __future__ import annotations
