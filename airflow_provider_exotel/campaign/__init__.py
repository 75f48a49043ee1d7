"""What a campaign is, apart from HTTP and Airflow: pure rules."""

from __future__ import annotations
