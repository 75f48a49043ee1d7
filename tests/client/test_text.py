"""Only RFC 3339 dates and times are accepted."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from airflow_provider_exotel.client.text import read_date, read_moment

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)

MOMENTS = {
    "2026-11-27T12:00:00Z": NOON,
    "2026-11-27T12:00:00+00:00": NOON,
    " 2026-11-27 17:30:00.000000+05:30 ": NOON,
    "2026-11-27t12:00:00z": NOON,
    "2026-11-27T12:00+00:00": NOON,
    "2026-11-27T12:00:00": NOON.replace(tzinfo=None),
}
NO_MOMENTS = [
    "2026-11-27",
    "2026-11-27junk",
    "2026-11-27x12:00:00Z",
    "2026-11-27T12:00:00+05:30 foo",
    "foo 2026-11-27T12:00:00Z",
    "2026-11-27T12",
    "2026-11-27T12:00:00,5Z",
    "2026-11-27T12:00:00+0530",
    "2026-11-27T12:00:00+05",
    "2026-11-27T12:00:00 +05:30",
    "20261127T120000Z",
    "2026-W48-5T12:00:00Z",
    "2026-11-31T12:00:00Z",
    "2026-11-27T25:00:00Z",
    "٢٠٢٦-11-27T12:00:00Z",
    "2026-11-27T12:00:00Z\n2026-11-28T12:00:00Z",
    "",
]
NO_DATES = [
    "2026-11-27junk",
    "2026-11-27T12:00:00Z",
    "20261127",
    "2026-W48-5",
    "27-11-2026",
    "2026-11-31",
    "2026-1-1",
    "",
]


@pytest.mark.parametrize(("text", "moment"), MOMENTS.items())
def test_a_time_is_read(text: str, moment: datetime) -> None:
    assert read_moment(text) == moment


@pytest.mark.parametrize("text", NO_MOMENTS)
def test_text_that_is_not_exactly_a_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be an RFC 3339 time"):
        read_moment(text)


def test_a_date_is_read() -> None:
    assert read_date(" 2026-11-27 ") == date(2026, 11, 27)


@pytest.mark.parametrize("text", NO_DATES)
def test_text_that_is_not_exactly_a_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a date"):
        read_date(text)
