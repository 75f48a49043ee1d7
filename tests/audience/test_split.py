"""Split a whole audience: numbers appear only in the chunks and the quarantine file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.audience.chunks import ChunkLimits
from airflow_provider_exotel.audience.split import AudienceSummary, SuppressionCount, split_audience
from airflow_provider_exotel.audience.suppression import Suppression
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.contacts.csv_rows import rows_of_csv
from airflow_provider_exotel.contacts.rejection import Reason, Rejection, check_rejected, quarantine_to
from airflow_provider_exotel.contacts.rows import Columns, Row, rows_of_records

TODAY = date(2026, 3, 10)


class Run:
    """One split, and its results."""

    def __init__(
        self, texts: Iterable[str] | Iterator[Row], files: dict[str, bytes] | None = None, **options: Any
    ) -> None:
        self.files = {} if files is None else files
        self.rejections: list[Rejection] = []
        rows = (text if isinstance(text, Row) else Row(position, text) for position, text in enumerate(texts, 1))
        arguments: dict[str, Any] = {
            "default_country": "IN",
            "limits": ChunkLimits(1_000),
            "secret": "made-up secret",
            "max_rejected": 1,
        }
        self.summary: AudienceSummary = split_audience(
            rows,
            **arguments | options,
            open_for_write=self._open_for_write,
            quarantine=self.rejections.append,
            today=TODAY,
        )

    @contextmanager
    def _open_for_write(self, name: str) -> Iterator[io.BytesIO]:
        file = io.BytesIO()
        yield file
        self.files[name] = file.getvalue()

    def called(self) -> list[str]:
        contents = (self.files[chunk.name].decode() for chunk in self.summary.chunks)
        return [row["number"] for content in contents for row in csv.DictReader(io.StringIO(content))]


def opt_outs(*numbers: str, name: str = "opt-outs") -> Suppression:
    return Suppression(name, [Row(position, number) for position, number in enumerate(numbers, 1)])


def test_a_number_in_several_formats_is_called_once() -> None:
    run = Run(["9876500000", "+91 98765 00001", "098765-00000", "919876500000.0", "9876500001"])

    assert run.called() == ["+919876500000", "+919876500001"]
    assert (run.summary.accepted, run.summary.duplicates) == (2, 3)


def test_suppressed_contacts_are_not_called() -> None:
    run = Run(
        ["9876500000", "9876500001", "9876500002", "9876500003"],
        suppressions=[opt_outs("+91 98765 00001"), opt_outs("098765 00001", "9876500002", name="paid")],
    )

    assert run.called() == ["+919876500000", "+919876500003"]
    assert run.summary.suppressions == {
        "opt-outs": SuppressionCount(rows=1, unreadable=0, suppressed=1),
        "paid": SuppressionCount(rows=2, unreadable=0, suppressed=1),
    }


def test_an_invalid_number_does_not_stop_the_others() -> None:
    run = Run(["n/a", "9876500000", "", "9.19877E+11", "5000000000"])

    assert run.called() == ["+919876500000"]
    assert [(rejection.row, rejection.reason.value, rejection.raw) for rejection in run.rejections] == [
        (1, "not_a_number", "n/a"),
        (3, "empty", ""),
        (4, "digits_lost", "9.19877E+11"),
        (5, "invalid", "5000000000"),
    ]
    assert run.summary.rejected == {"empty": 1, "not_a_number": 1, "invalid": 1, "digits_lost": 1}


def test_numbers_with_unknown_zones_are_rejected() -> None:
    run = Run(
        ["9876500000", "+6590001000", "+12025550100", "9876500001"],
        key_of=lambda number: {"+91": "Asia/Kolkata", "+65": "Asia/Singapore"}.get(number[:3]),
    )

    assert run.summary.keys == {"Asia/Kolkata": 2, "Asia/Singapore": 1}
    assert [(rejection.row, rejection.reason) for rejection in run.rejections] == [(3, Reason.UNKNOWN_ZONE)]
    assert {chunk.key: chunk.rows for chunk in run.summary.chunks} == run.summary.keys


def test_a_faulty_row_is_rejected() -> None:
    lines = ["number,name", "+919876500000,Rao, Asha", "+919876500001,Ravi"]

    run = Run(rows_of_csv(lines, Columns(variables={"Name": "name"})), variables=("Name",))

    assert run.called() == ["+919876500001"]
    assert [(one.row, one.reason, one.raw) for one in run.rejections] == [(2, Reason.RAGGED, lines[1])]


def test_variables_stay_with_their_number() -> None:
    lines = ["number,who,amount", "9876500000,Asha,5", "9876500001,Ravi,7"]
    columns = Columns(variables={"Name": "who", "Amount": "amount"})

    run = Run(rows_of_csv(lines, columns), variables=("Amount", "Name"))

    [content] = run.files.values()
    assert content.decode() == "number,Amount,Name\n+919876500000,5,Asha\n+919876500001,7,Ravi\n"


def test_people_without_a_value_for_a_variable_are_counted() -> None:
    rows = rows_of_records(
        [
            {"number": "9876500000", "who": float("nan"), "due": 1500.0},
            {"number": "9876500001", "who": b"Asha", "due": None},
            {"number": "9876500001", "who": None, "due": None},
            {"number": "n/a", "who": None, "due": None},
            {"number": "9876500002", "who": " ", "due": 7.5},
        ],
        Columns(variables={"Name": "who", "Amount": "due"}),
    )

    run = Run(rows, variables=("Name", "Amount"))

    assert run.summary.empty_variables == {"Name": 2, "Amount": 1}
    [content] = run.files.values()
    assert content.decode() == ("number,Name,Amount\n+919876500000,,1500\n+919876500001,Asha,\n+919876500002,,7.5\n")


def test_an_ambiguous_number_is_decided_by_column_or_caller() -> None:
    undecided = Run(["62812345678", "081234567890"], default_country="ID")

    assert undecided.called() == ["+6281234567890"]
    assert [(one.row, one.reason, one.raw) for one in undecided.rejections] == [(1, Reason.AMBIGUOUS, "62812345678")]
    assert Run(["62812345678", "6281234567890"], default_country="ID").called() == ["+6281234567890", "+62812345678"]
    assert Run(["62812345678"], default_country="ID", has_country_code=True).called() == ["+62812345678"]


def test_without_a_country_national_numbers_are_unchanged() -> None:
    assert Run(["98765 00000", "9876500000", "0065 9000 1000"], default_country=None).called() == [
        "9876500000",
        "+6590001000",
    ]


def test_without_a_country_uncomparable_numbers_are_rejected() -> None:
    run = Run(["9876500000", "+919876500001"], default_country=None, suppressions=[opt_outs("+919876500000")])

    assert run.called() == ["+919876500001"]
    assert [rejection.reason for rejection in run.rejections] == [Reason.NO_COUNTRY]


@given(st.lists(st.sampled_from(["9876500000", "09876500000", "9876500001", "n/a", "", "+6590001000", "5000000000"])))
def test_every_row_is_accounted_for(texts: list[str]) -> None:
    run = Run(texts, suppressions=[opt_outs("9876500001")], limits=ChunkLimits(1))

    summary = run.summary
    suppressed = sum(count.suppressed for count in summary.suppressions.values())
    assert summary.rows == len(texts)
    assert summary.rows == summary.accepted + summary.duplicates + suppressed + sum(summary.rejected.values())
    assert summary.accepted == len(run.called()) == sum(summary.keys.values()) == sum(c.rows for c in summary.chunks)
    assert len(run.rejections) == sum(summary.rejected.values())


def test_an_audience_without_rows_has_no_chunks() -> None:
    summary = Run([], max_rejected=0).summary

    assert (summary.rows, summary.accepted, summary.chunks) == (0, 0, ())


@pytest.mark.parametrize(("bad", "allowed", "refused"), [(1, 0.1, False), (2, 0.1, True), (1, 0, True), (10, 1, False)])
def test_more_rejected_rows_than_allowed_stop_the_run(bad: int, allowed: float, refused: bool) -> None:
    texts = ["n/a"] * bad + [f"98765000{position:02}" for position in range(10 - bad)]

    try:
        Run(texts, max_rejected=allowed)
    except ExotelInputError:
        assert refused
    else:
        assert not refused


def test_the_error_has_shares_and_reasons_without_numbers() -> None:
    with pytest.raises(ExotelInputError) as caught:
        Run(["98765", "n/a", "", "5000000000", "9876500000"], max_rejected=0.05)

    [problem] = caught.value.problems
    assert problem.field == "max_rejected"
    assert problem.message.startswith(
        "must be at least 80.00% (got 5.00%), since 4 of 5 rows were rejected: 2 invalid ("
    )
    assert all(said in problem.message for said in ("1 empty (the number is empty)", "1 not_a_number ("))
    assert not any(trace in str(caught.value) for trace in ("98765", "50000"))


def test_a_refused_small_audience_writes_no_file() -> None:
    opened: list[str] = []

    def open_for_write(name: str) -> Any:
        opened.append(name)

    with pytest.raises(ExotelInputError):
        split_audience(
            [Row(1, "9876500000"), Row(2, "n/a")],
            default_country="IN",
            limits=ChunkLimits(5),
            open_for_write=open_for_write,
            secret="made-up secret",
            quarantine=lambda _: None,
            max_rejected=0,
            today=TODAY,
        )
    assert opened == []


def test_rows_are_read_while_chunks_are_written() -> None:
    files: dict[str, bytes] = {}
    files_when_read: list[int] = []

    def rows() -> Iterator[str]:
        for position in range(5_000):
            files_when_read.append(len(files))
            yield f"98765{position:05}"

    Run(rows(), files, limits=ChunkLimits(1_000))

    assert files_when_read[0] == 0
    assert 3 <= files_when_read[-1] < len(files) == 5


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"default_country": "India"}, "default_country"),
        ({"secret": ""}, "secret"),
        ({"max_rejected": 5}, "max_rejected"),
        ({"max_rejected": -0.1}, "max_rejected"),
        ({"max_rejected": float("nan")}, "max_rejected"),
    ],
)
def test_invalid_arguments_are_named(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ExotelInputError) as caught:
        Run(["9876500000"], **wrong)

    assert [problem.field for problem in caught.value.problems] == [field]


def test_all_invalid_arguments_are_reported_at_once() -> None:
    with pytest.raises(ExotelInputError) as caught:
        Run([], default_country="India", secret="", max_rejected=5)

    assert len(caught.value.problems) == 3


def test_the_summary_is_json_without_numbers() -> None:
    run = Run(
        ["9876500000", "9876500000", "9876500001", "n/a", "9876500002"],
        suppressions=[opt_outs("9876500001")],
        key_of=lambda _: "Asia/Kolkata",
    )

    text = json.dumps(run.summary.as_json())

    assert "98765" not in text
    assert "98765" not in repr(run.summary)
    [chunk] = run.summary.chunks
    assert json.loads(text) == {
        "rows": 5,
        "accepted": 2,
        "duplicates": 1,
        "rejected": {"not_a_number": 1},
        "suppressions": {"opt-outs": {"rows": 1, "unreadable": 0, "suppressed": 1}},
        "keys": {"Asia/Kolkata": 2},
        "chunks": [
            {
                "name": chunk.name,
                "key": "Asia/Kolkata",
                "campaign": 1,
                "rows": 2,
                "size": 35,
                "digest": chunk.digest,
            }
        ],
        "empty_variables": {},
    }


def test_the_quarantine_file_is_csv() -> None:
    file = io.StringIO()
    quarantine = quarantine_to(file)

    quarantine(Rejection(3, Reason.NOT_A_NUMBER, 'call "Asha", please'))
    quarantine(Rejection(5, Reason.EMPTY, "\r"))

    file.seek(0)
    assert list(csv.reader(file)) == [
        ["row", "reason", "raw"],
        ["3", "not_a_number", 'call "Asha", please'],
        ["5", "empty", "\r"],
    ]


def test_rejected_text_appears_only_in_the_quarantine_file() -> None:
    assert "98765" not in repr(Rejection(3, Reason.NOT_A_NUMBER, "98765 or so"))


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_explained(reason: Reason) -> None:
    with pytest.raises(ExotelInputError) as caught:
        check_rejected({reason: 1}, 1, 0)

    assert f"1 {reason.value} ({reason.explanation})" in str(caught.value)
