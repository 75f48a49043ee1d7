"""The page inside Airflow's UI that shows campaigns, and pauses, resumes and stops them. Airflow 3.1 and later."""

from __future__ import annotations
