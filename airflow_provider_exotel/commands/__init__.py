"""Programs beside Airflow: they import none of it, and work while it is down."""

from __future__ import annotations
