"""Ambiguous numbers are decided by the column or rejected."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_exotel.contacts.column import normalise_rows
from airflow_provider_exotel.contacts.normalise import normalise
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.contacts.rows import Row

EITHER, WITH_CODE = "62812345678", "+62812345678"
ONLY_WITH_CODE, NATIONAL = "6281234567890", "081234567890"


def judged(*texts: str, country: str | None = "ID", **options: Any) -> list[str | Reason]:
    rows = [Row(position, text) for position, text in enumerate(texts, 1)]
    verdicts = {row.row: verdict for row, verdict in normalise_rows(rows, country, **options)}
    assert sorted(verdicts) == [row.row for row in rows]
    return [verdicts[row.row] for row in rows]


COLUMNS = {
    "alone": ([EITHER], Reason.AMBIGUOUS),
    "beside its own kind": ([EITHER, "62812345679"], Reason.AMBIGUOUS),
    "beside one that has the code": ([EITHER, ONLY_WITH_CODE], WITH_CODE),
    "beside one that has the code, before it": ([ONLY_WITH_CODE, EITHER], WITH_CODE),
    "beside one without": ([EITHER, NATIONAL], Reason.AMBIGUOUS),
    "beside one without, and without a 0": ([EITHER, NATIONAL[1:]], Reason.AMBIGUOUS),
    "beside both": ([EITHER, ONLY_WITH_CODE, NATIONAL], Reason.AMBIGUOUS),
    "beside one with a plus, which says nothing": ([EITHER, "+6281234567890"], Reason.AMBIGUOUS),
    "beside one with a plus and one that has the code": ([EITHER, "+6591234567", ONLY_WITH_CODE], WITH_CODE),
    "beside what is no number": ([EITHER, "n/a", "", "12", ONLY_WITH_CODE], WITH_CODE),
    "after a trunk prefix": (["062812345678"], Reason.AMBIGUOUS),
}


@pytest.mark.parametrize(("texts", "verdict"), COLUMNS.values(), ids=COLUMNS)
def test_the_column_decides_ambiguous_numbers(texts: list[str], verdict: str | Reason) -> None:
    first = next(position for position, text in enumerate(texts) if text.removeprefix("0") == EITHER)

    assert judged(*texts)[first] == normalise(texts, "ID")[first] == verdict


CODED, FOREIGN, PLAIN = "919876500001", "6591234567", "9876500002"
ABROAD = {
    "alone": ([FOREIGN], f"+91{FOREIGN}"),
    "beside its own kind": ([FOREIGN, "6591234568"], f"+91{FOREIGN}"),
    "beside one with the code": ([FOREIGN, CODED], Reason.AMBIGUOUS),
    "after one with the code": ([CODED, "65 9123-4567"], Reason.AMBIGUOUS),
    "beside one without": ([FOREIGN, PLAIN], f"+91{FOREIGN}"),
    "beside one with a 0": ([FOREIGN, CODED, f"0{PLAIN}"], f"+91{FOREIGN}"),
    "beside both": ([FOREIGN, CODED, PLAIN], f"+91{FOREIGN}"),
    "beside one with a plus, which says nothing": ([FOREIGN, f"+{CODED}"], f"+91{FOREIGN}"),
    "beside ids": ([FOREIGN, CODED, "2000012345", "5000012345"], Reason.AMBIGUOUS),
}


@pytest.mark.parametrize(("texts", "verdict"), ABROAD.values(), ids=ABROAD)
def test_a_column_with_country_codes_may_have_those_of_other_countries(texts: list[str], verdict: str | Reason) -> None:
    place = next(place for place, text in enumerate(texts) if text.replace(" ", "").replace("-", "") == FOREIGN)

    assert judged(*texts, country="IN")[place] == normalise(texts, "IN")[place] == verdict


@pytest.mark.parametrize("foreign", ["819012345678", "6591234567"])
def test_such_a_column_of_another_country(foreign: str) -> None:
    assert judged(foreign, ONLY_WITH_CODE) == [Reason.AMBIGUOUS, f"+{ONLY_WITH_CODE}"]
    assert judged(foreign, NATIONAL, ONLY_WITH_CODE)[0] == f"+62{foreign}"


def test_one_national_number_decides_for_a_column_of_many_batches() -> None:
    verdicts = judged(PLAIN, *[CODED] * 3_000, FOREIGN, country="IN")

    assert verdicts[-1] == f"+91{FOREIGN}"


def test_the_caller_decides_with_has_country_code() -> None:
    assert judged(EITHER, "6591234567", NATIONAL, "008 91 98765 00001", "n/a", has_country_code=True) == [
        WITH_CODE,
        "+6591234567",
        Reason.INVALID,
        "+919876500001",
        Reason.NOT_A_NUMBER,
    ]


@pytest.mark.parametrize(("text", "verdict"), [("919876500001", "+919876500001"), ("9876500001", Reason.INVALID)])
@pytest.mark.parametrize("country", ["IN", None, "SG"])
def test_a_number_without_country_code_is_invalid_with_has_country_code(
    text: str, verdict: str, country: str | None
) -> None:
    assert judged(text, country=country, has_country_code=True) == [verdict]


def test_an_undecided_row_keeps_its_variables() -> None:
    rows = [Row(7, EITHER, {"Name": "Dewi \u2013 \U0001f600"}), Row(8, ONLY_WITH_CODE, {"Name": "Budi"})]

    assert list(normalise_rows(rows, "ID")) == [(rows[1], f"+{ONLY_WITH_CODE}"), (rows[0], WITH_CODE)]


def test_many_rows_may_be_undecided() -> None:
    waiting = [Row(position, f"62812{position:06}", {"Text": "x" * 10_000}) for position in range(200)]

    judged = list(normalise_rows([*waiting, Row(200, ONLY_WITH_CODE)], "ID"))

    assert judged[1:] == [(row, f"+{row.number}") for row in waiting]


def test_a_faulty_row_does_not_influence_the_column() -> None:
    rows = [Row(1, EITHER), Row(2, ONLY_WITH_CODE, fault="row 2 has 3 cells and the header 2")]

    assert [verdict for _, verdict in normalise_rows(rows, "ID")] == [Reason.RAGGED, Reason.AMBIGUOUS]


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("0091 98765 00001", "SG", "+919876500001"),
        ("0091 98765 00001", "ID", "+919876500001"),
        ("0091 98765 00001", "US", "+919876500001"),
        ("00919876500001", "TH", "+919876500001"),
        ("00 91 97250 00001", "SG", "+919725000001"),
        ("0091-97250-00001", "ID", "+919725000001"),
        ("001 60 12 345 6789", "SG", "+60123456789"),
        ("001 65 9123 4567", "SG", "+6591234567"),
        ("008 91 98765 00001", "ID", "+919876500001"),
        ("011 91 98765 00001", "US", "+919876500001"),
        ("810 91 98765 00001", "RU", "+919876500001"),
        ("00 65 9123 4567", None, "+6591234567"),
        ("00919725000001", "SG", Reason.AMBIGUOUS),
        ("011 91 98765 00001", "IN", Reason.INVALID),
        ("0065 12345678", "SG", Reason.INVALID),
    ],
)
def test_a_number_dialled_from_abroad(text: str, country: str | None, number: str | Reason) -> None:
    assert judged(text, country=country) == [number]
