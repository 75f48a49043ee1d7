"""Past mistakes that would call a stranger, or somebody who opted out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from airflow_provider_exotel.audience.sources import Access
from airflow_provider_exotel.audience.suppression_sources import parse_suppressions
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.request import Schedule
from airflow_provider_exotel.contacts.files import read_rows
from airflow_provider_exotel.contacts.normalise import normalise
from airflow_provider_exotel.contacts.numbers import clean_numbers
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.windows.anchor import anchor_given
from airflow_provider_exotel.windows.calling_window import CallingWindow


@pytest.mark.parametrize("text", ["[+6591234567, +919876500000]", "(+6591234567, +919876500000)"])
def test_a_plus_is_kept_in_a_text_list(text: str) -> None:
    clean = clean_numbers(text, default_country="IN")

    assert list(clean.numbers or ()) == ["+6591234567", "+919876500000"]


@pytest.mark.parametrize(
    "content",
    [
        'number,name\n919876500001.0,"Raju\n919876500002.0,Asha\n919876500003.0,Ben"\n919876500004,X\n',
        'number,name\n919876500001,"Raju\n9.19876500002E+11,Asha\n919876500003,Ben"\n919876500004,X\n',
    ],
    ids=["fractions", "powers"],
)
def test_an_unclosed_quote_refuses_the_file_for_every_row_format(content: str, tmp_path: Path) -> None:
    file = tmp_path / "opt-outs.csv"
    file.write_text(content)

    with pytest.raises(ExotelInputError, match="unclosed quotation mark") as caught:
        list(read_rows(file))

    assert "98765" not in str(caught.value)


@pytest.mark.parametrize("digit", ["", " ", "nine"])
def test_an_impossible_key_is_refused(digit: str) -> None:
    with pytest.raises(ExotelInputError, match="digit: must be the key that was pressed"):
        parse_suppressions([{"name": "pressed", "reports": "file:///reports", "days": 30, "digit": digit}])


@pytest.mark.parametrize("country", [None, "DE", "IN"])
@pytest.mark.parametrize("text", ["2345678 2345679", "2345678-2345679", "(2345678) 2345679", "2345678.2345679"])
def test_two_adjacent_numbers_are_not_joined(text: str, country: str | None) -> None:
    assert normalise([text], country) == [Reason.NOT_A_NUMBER]


@pytest.mark.parametrize("text", ["['2345678' '2345679']", '["2345678" "2345679"]', "['2345678'\n '2345679']"])
def test_adjacent_texts_are_not_joined_into_a_number(text: str) -> None:
    with pytest.raises(ExotelInputError, match="numbers: must be a list of numbers"):
        clean_numbers(text, default_country=None)


@pytest.mark.parametrize("name", ["attempts.csv.gz", "attempts (1).csv", "Attempts.csv", "attempts.xlsx"])
def test_an_unread_copy_of_a_calls_table_refuses_the_run(tmp_path: Path, name: str) -> None:
    for table in ("attempts.csv", name):
        (tmp_path / table).write_text("contact,start_utc\n")
    [source] = parse_suppressions([{"name": "called", "reports": str(tmp_path), "days": 30}])
    access = Access(lambda path: Stored(Path(path)), lambda *_: None, lambda *_: b"")

    with pytest.raises(ExotelInputError, match=r"suppress\.called\.reports: contains .* which is not read"):
        source.open(access, datetime.now(UTC), "IN")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"path": ""}, "path: must not be empty"),
        ({"path": " "}, "path: must not be empty"),
        ({"path": "."}, "path: must not be empty"),
        ({"path": "file://"}, "path: must not be empty"),
        ({"reports": "file:///reports", "days": 10**9}, "days: must be between 0 and 36500"),
        ({"path": "file:///opt_outs.csv", "max_age_days": 10**6}, "max_age_days: must be at most 36500"),
    ],
)
def test_an_ambiguous_suppress_entry_is_refused(entry: dict[str, object], said: str) -> None:
    with pytest.raises(ExotelInputError, match=rf"suppress\.one\.{said}"):
        parse_suppressions([{"name": "one"} | entry])


class Stored:
    """A folder as object storage offers it."""

    fs = LocalFileSystem()

    def __init__(self, path: Path) -> None:
        self.path, self.exists = str(path), path.exists


def day(as_of: object) -> object:
    [parsed] = parse_suppressions([{"name": "register", "path": "file:///register.csv", "as_of": as_of}])
    return parsed.as_of  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "as_of",
    [
        "2026-11-27",
        date(2026, 11, 27),
        datetime(2026, 11, 27),
        "2026-11-27T10:00:00+05:30",
        "2026-11-27 00:00:00+00:00",
        datetime(2026, 11, 27, 23, tzinfo=UTC),
        "2026-11-28T01:00:00+05:30",
    ],
)
def test_the_day_of_a_register_is_read_from_a_date_or_a_moment(as_of: object) -> None:
    assert day(as_of) == date(2026, 11, 27)


@pytest.mark.parametrize(
    "as_of",
    [
        "2026-11-27junk",
        "2026-11-27T10:00:00+05:30 foo",
        "2026-11-27 or so",
        "2026-11-271",
        "20261127",
        "27-11-2026",
        "27/11/2026",
        "2026-11-31",
        "today",
        "",
        20261127,
        1_795_737_600,
        True,
        b"2026-11-27",
        ["2026-11-27"],
    ],
)
def test_an_invalid_day_refuses_the_register(as_of: object) -> None:
    with pytest.raises(ExotelInputError, match=r"suppress\.register\.as_of: must be"):
        day(as_of)


@pytest.mark.parametrize("text", ["2026-11-27T10:00:00+05:30 foo", "2026-11-27x10:00:00+05:30", "20261127T100000+0530"])
def test_text_around_a_time_is_refused(text: str) -> None:
    with pytest.raises(ExotelInputError, match="anchor: must be an RFC 3339 time"):
        anchor_given(text)
    with pytest.raises(ExotelInputError, match="send_at: must be an RFC 3339 time"):
        Schedule(send_at=text)
    with pytest.raises(ExotelInputError, match="holidays: entry 1 is not a date"):
        CallingWindow(start="10:00", end="18:00", timezone="Asia/Kolkata", holidays=[text])
