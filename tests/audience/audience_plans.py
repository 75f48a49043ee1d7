"""Audiences in memory, and their plans."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from airflow_provider_exotel.audience.chunks import DYNAMIC_LIST, STATIC_LIST, ChunkLimits
from airflow_provider_exotel.audience.hours import Hours, hours_of
from airflow_provider_exotel.audience.plan import AudiencePlan, plan_audience
from airflow_provider_exotel.audience.plan_request import PlanSettings
from airflow_provider_exotel.audience.split import split_audience
from airflow_provider_exotel.contacts.rejection import Rejection
from airflow_provider_exotel.contacts.rows import Columns, rows_of_records
from airflow_provider_exotel.create.cost import Tariff

NOON = datetime.fromisoformat("2026-03-02T12:00:00+05:30")
INDIA = {"start": "10:00", "end": "18:00", "timezone": "Asia/Kolkata"}


class Files(dict[str, bytes]):
    """Files by name."""

    @contextmanager
    def open(self, name: str) -> Iterator[Any]:
        file = io.BytesIO()
        yield file
        self[name] = file.getvalue()

    def people(self, name: str) -> list[str]:
        """Return the numbers of a file."""
        return [line.split(",")[0] for line in self[name].decode().splitlines()[1:]]


def plan_of(
    people: Iterable[object],
    hours: Hours | None = None,
    *,
    anchor: datetime = NOON,
    files: Files | None = None,
    limits: ChunkLimits | None = None,
    rejected: list[Rejection] | None = None,
    secret: str = "a secret of the tests",
    tariff: Tariff | None = None,
    **given: Any,
) -> AudiencePlan:
    """Return the plan that calls people."""
    settings = PlanSettings(**{"name": "Reminder"} | given)
    variables = settings.variables
    hours = hours or hours_of(INDIA, None)
    summary = split_audience(
        rows_of_records(people, Columns(variables=variables)),
        default_country=None,
        limits=limits or (DYNAMIC_LIST if variables else STATIC_LIST),
        open_for_write=(files if files is not None else Files()).open,
        secret=secret,
        quarantine=(rejected if rejected is not None else []).append,
        max_rejected=1,
        today=date(2026, 3, 2),
        key_of=hours.key_of,
        variables=tuple(variables),
    )
    return plan_audience(summary, hours, settings, anchor, tariff=tariff)


def indians(count: int) -> list[str]:
    return [f"+9198765{one:05}" for one in range(count)]
