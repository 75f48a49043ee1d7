"""Apache Airflow provider for Exotel voice campaigns."""

from __future__ import annotations

__version__ = "0.1.0"
