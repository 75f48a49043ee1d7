"""For any campaign in either dialect, the tables, the accounting and the summary agree."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.models import CallRecord, Campaign
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.report.accounting import NEVER_TRIED
from airflow_provider_exotel.report.call import STATUSES
from airflow_provider_exotel.report.page import render_page
from airflow_provider_exotel.report.summary import summarize
from airflow_provider_exotel.windows.calling_window import CallingWindow

from ..properties import examples
from .report_samples import INDIA, NAME, START, client_of, order, people, report_of

DIALECTS = ("documented", "wrapped")
WINDOW = CallingWindow(start="10:00", end="18:00", timezone=INDIA)

contacts = st.sampled_from(people(12))
words = st.sampled_from([*STATUSES, "ringing", ""])


@st.composite
def histories(draw: st.DrawFn) -> tuple[Campaign, list[CallRecord]]:
    """An ended campaign in a dialect, with its calls: some of them duplicates, some with missing fields."""
    dialect, everybody = draw(st.sampled_from(DIALECTS)), draw(st.integers(12, 40))
    records = [_record(draw, dialect, number) for number in range(draw(st.integers(0, 40)))]
    reached, tried = Counter[str](), {record["who"] for record in records}
    for record in records:
        reached[record["who"]] += record["status"] == "completed"
    last = {record["who"]: record["status"] for record in records}
    finals = Counter("completed" if reached[who] else last[who] for who in tried)
    stats = _stats(dialect, finals, everybody, everybody - len(tried))
    shown = [CallRecord.of({k: v for k, v in record.items() if k != "who"}) for record in records]
    repeated = draw(st.lists(st.sampled_from(shown), max_size=5)) if shown else []
    campaign = Campaign.of({"id": "c", "status": "Completed", "name": "March", "stats": stats})
    return campaign, draw(st.permutations([*shown, *repeated]))


def _record(draw: st.DrawFn, dialect: str, number: int) -> dict[str, Any]:
    """One record in a dialect, with some fields missing; each starts later than the one before."""
    who, start = draw(contacts), START + timedelta(minutes=7 * number, seconds=draw(st.integers(0, 400)))
    newer = dialect == "documented"
    needed = {
        "who": who,
        "call_sid": f"sid-{number}",
        "to" if newer else "number": who,
        "status": draw(words),
        "date_created": start.isoformat(),
    }
    maybe = {
        "duration": draw(st.integers(0, 90)) if newer else str(draw(st.integers(0, 90))),
        "digits" if newer else "digit": draw(st.sampled_from(["", "1", "2", "98765 43210"])),
        "price": draw(st.sampled_from(["0.50", "1", "none"])),
        **({} if newer else {"start_time": start.isoformat()}),
    }
    return needed | {name: value for name, value in maybe.items() if draw(st.booleans())}


def _stats(dialect: str, finals: Counter[str], everybody: int, left: int) -> dict[str, int]:
    failed = sum(count for status, count in finals.items() if status not in {"completed", "busy", "no-answer"})
    busy, silent = finals["busy"], finals["no-answer"]
    if dialect == "documented":
        counts = {"created": everybody, "failed": failed + left, "busy": busy, "no_answer": silent}
    else:
        counts = {"failed": failed + busy + silent, "failed-no-attempt": left}
    return {"completed": finals["completed"], **counts}


@given(histories())
def test_every_call_is_in_the_table_once(history: tuple[Campaign, list[CallRecord]]) -> None:
    campaign, records = history

    _, tables = report_of(campaign, records)

    assert Counter(row["call_sid"] for row in tables["attempts"]) == Counter({one.call_sid for one in records})


@given(histories())
def test_people_and_their_attempts_add_up(history: tuple[Campaign, list[CallRecord]]) -> None:
    campaign, records = history

    report, tables = report_of(campaign, records)

    attempts = Counter(row["contact"] for row in tables["attempts"])
    assert {row["contact"]: row["attempts"] for row in tables["contacts"]} == attempts
    assert report.figures.attempts == attempts.total() == report.figures.nth.total()
    assert report.accounting.contacts == (campaign.stats.created or sum(campaign.stats.as_dict().values()))


@given(histories())
def test_the_accounting_agrees_with_counts_that_are_right(history: tuple[Campaign, list[CallRecord]]) -> None:
    campaign, records = history

    report, tables = report_of(campaign, records)

    finals = Counter(row["status"] for row in tables["contacts"])
    assert report.accounting.differences == ()
    assert report.accounting.reached == finals["completed"]
    assert dict(report.accounting.not_reached) == {k: v for k, v in finals.items() if k != "completed"}


@given(histories(), st.integers(1, 5), st.sampled_from(["completed", "failed"]))
def test_a_wrong_count_is_reported(history: tuple[Campaign, list[CallRecord]], more: int, name: str) -> None:
    campaign, records = history
    stats = campaign.stats.as_dict()
    wrong = Campaign.of({"id": "c", "status": "Completed", "stats": {**stats, name: stats.get(name, 0) + more}})

    report, _ = report_of(wrong, records)

    assert report.accounting.differences != ()
    assert not summarize([report])["adds_up"]
    assert "own counts differ" in render_page([report])


@given(histories())
def test_the_order_of_calls_does_not_matter(history: tuple[Campaign, list[CallRecord]]) -> None:
    campaign, records = history

    assert report_of(campaign, records)[1] == report_of(campaign, records[::-1])[1]


@given(histories())
def test_attempts_are_counted_if_the_service_does_not_number_them(history: tuple[Campaign, list[CallRecord]]) -> None:
    campaign, records = history

    _, tables = report_of(campaign, records)

    seen: Counter[str] = Counter()
    for row in tables["attempts"]:
        seen[row["contact"]] += 1
        assert row["attempt"] == seen[row["contact"]]


@given(histories())
def test_no_number_is_in_any_row_or_on_the_page(history: tuple[Campaign, list[CallRecord]]) -> None:
    campaign, records = history

    report, tables = report_of(campaign, records)

    written = repr(dict(tables)) + render_page([report]) + repr(summarize([report]))
    assert "98765" not in written


@given(histories())
def test_a_call_is_inside_the_window_or_in_the_audit(history: tuple[Campaign, list[CallRecord]]) -> None:
    campaign, records = history
    narrow = CallingWindow(start="10:00", end="11:00", timezone=INDIA)

    report, tables = report_of(campaign, records, window=narrow)

    outside = [row["start_local"] for row in tables["attempts"] if row["inside_window"] is False]
    assert all(not "2026-03-02T10:00" <= local < "2026-03-02T11:00" for local in outside)
    assert len(outside) + sum(row["inside_window"] for row in tables["attempts"]) == len(tables["attempts"])
    assert [row["start_local"] for row in tables["audit"]] == outside
    assert report.figures.outside == len(outside)


@examples(25)
@given(
    st.sampled_from(DIALECTS),
    st.integers(1, 60),
    st.integers(2, 120),
    st.integers(0, 3),
    st.sampled_from(["completed", "canceled"]),
    st.tuples(*[st.integers(0, 4)] * 4).filter(any),
    st.booleans(),
)
def test_a_campaign_of_the_emulator_adds_up(
    dialect: str, size: int, minutes: int, retries: int, at_end: str, weights: tuple[int, ...], omit_zeros: bool
) -> None:
    switches = {"at_end": at_end, "omit_zero_counts": omit_zeros}
    outcomes = dict(zip(STATUSES, map(float, weights), strict=True))
    with (
        Emulator(start=START, seed=5, dialect=dialect, outcomes=outcomes, **switches) as emulator,
        client_of(emulator) as client,
    ):
        plan = {"number_of_retries": retries, "interval_mins": 5, "on_status": ["busy", "no-answer", "failed"]}
        created = client.create_campaign(CampaignRequest(**order(people(size), minutes=minutes, call_retries=plan)))
        emulator.clock.advance(86_400)
        campaign, truth = client.get_campaign(created.id), emulator.campaign(created.id).counts
        records = list(client.call_details(created.id))

    report, tables = report_of(campaign, records, window=WINDOW)

    accounting = report.accounting
    assert accounting.differences == ()
    assert (accounting.contacts, accounting.reached, accounting.never_tried) == (
        size,
        truth.completed,
        truth.no_attempt,
    )
    assert tables["audit"] == []
    if dialect == "wrapped":  # the answer repeats the numbers
        assert {row["contact"] for row in tables["contacts"]} == {NAME(number) for number in people(size)}
        assert sum(row["status"] == NEVER_TRIED for row in tables["contacts"]) == truth.no_attempt


UNSET = ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01 00:00:00", "9999-12-31T23:59:59Z"]


@pytest.mark.parametrize("unset", UNSET)
def test_an_unset_time_is_none_and_affects_no_other_call(unset: str) -> None:
    calls = [{"call_sid": f"s{n}", "number": people(2)[n], "status": "busy", "duration": 9} for n in range(2)]
    records = [
        CallRecord.of(call | {"start_time": start})
        for call, start in zip(calls, (START.isoformat(), unset), strict=True)
    ]
    campaign = Campaign.of({"id": "c", "status": "completed"})

    _, tables = report_of(campaign, records, window=WINDOW)

    assert [(row["inside_window"], row["start_utc"], row["end_utc"] is None) for row in tables["attempts"]] == [
        (True, START, False),
        (None, None, True),
    ]


@pytest.mark.parametrize("unset", UNSET)
@pytest.mark.parametrize("edge", ["send_at", "end_at"])
def test_an_unset_schedule_limits_no_call(unset: str, edge: str) -> None:
    campaign = Campaign.of({"id": "c", "status": "completed", "schedule": {edge: unset}})
    record = CallRecord.of({"call_sid": "s", "number": people(1)[0], "date_created": START.isoformat()})

    report, tables = report_of(campaign, [record])

    assert [row["inside_window"] for row in tables["attempts"]] == [None]
    assert "No window is known" in render_page([report])


def test_people_whom_the_service_does_not_call_are_not_reached() -> None:
    stats = {"completed": 1, "failed-dnd": 2, "invalid": 3, "failed-no-attempt": 4}
    campaign = Campaign.of({"id": "c", "status": "completed", "stats": stats})
    record = CallRecord.of({"call_sid": "s", "number": people(1)[0], "status": "completed"})

    report, _ = report_of(campaign, [record])

    assert report.accounting.contacts == 10
    assert dict(report.accounting.not_reached) == {"do-not-disturb": 2, "invalid-number": 3}
    assert (report.accounting.never_tried, report.accounting.differences) == (4, ())


def test_blocked_people_with_listed_calls_are_counted_once() -> None:
    stats = {"completed": 1, "failed-dnd": 1}
    campaign = Campaign.of({"id": "c", "status": "completed", "stats": stats})
    records = [
        CallRecord.of({"call_sid": f"s{index}", "number": number, "status": status})
        for index, (number, status) in enumerate(zip(people(2), ("completed", "failed"), strict=True))
    ]

    report, _ = report_of(campaign, records)

    assert (report.accounting.contacts, report.accounting.never_tried) == (2, 0)
    assert report.accounting.differences == ()


def test_contacts_without_a_call_at_the_end_of_a_campaign_were_never_tried() -> None:
    stats = {"created": 3, "completed": 1, "failed": 0, "retry": 0}
    campaign = Campaign.of({"id": "c", "status": "canceled", "stats": stats})
    record = CallRecord.of({"call_sid": "s", "number": people(1)[0], "status": "completed"})

    report, _ = report_of(campaign, [record])

    assert (report.accounting.contacts, report.accounting.never_tried) == (4, 3)
    assert report.accounting.differences == ()


def test_a_lost_call_shows_as_differences() -> None:
    campaign = Campaign.of({"id": "c", "status": "Completed", "stats": {"created": 2, "completed": 2}})
    record = CallRecord.of({"call_sid": "s", "to": people(1)[0], "status": "completed"})

    report, _ = report_of(campaign, [record], total_calls=2)

    assert [tuple(one) for one in report.accounting.differences] == [
        ("attempts", 1, 2),
        ("reached", 1, 2),
        ("never_tried", 1, 0),
    ]


@pytest.mark.parametrize("missing", ["number", "date_created", "call_sid"])
def test_missing_fields_of_a_record_stay_empty(missing: str) -> None:
    given = {"call_sid": "s", "number": people(1)[0], "status": "busy", "date_created": START.isoformat()}
    campaign = Campaign.of({"id": "c", "status": "completed", "stats": {}})

    _, tables = report_of(campaign, [CallRecord.of({**given, missing: ""})])

    [row] = tables["attempts"]
    emptied = {"number": "contact", "date_created": "start_utc", "call_sid": "call_sid"}[missing]
    assert row[emptied] is None
    assert (row["digit"], row["duration_seconds"], row["end_utc"], row["price"]) == (None, None, None, None)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("minutes", [480, 2])
def test_a_person_listed_and_called_twice_counts_once_as_tried(dialect: str, minutes: int) -> None:
    numbers = [*people(60), *people(20)]
    with Emulator(start=START, seed=2, dialect=dialect, account_throttle=20) as emulator, client_of(emulator) as client:
        fields = order(numbers, minutes=minutes, call_duplicate_numbers=True, call_retries=None)
        created = client.create_campaign(CampaignRequest(**fields))
        emulator.clock.advance(86_400)
        campaign, truth = client.get_campaign(created.id), emulator.campaign(created.id).counts
        records = list(client.call_details(created.id))

    report, _ = report_of(campaign, records, total_calls=len(records))

    assert report.accounting.never_tried == truth.no_attempt
    assert report.accounting.contacts == len({record.number for record in records}) + truth.no_attempt
    assert summarize([report])["adds_up"] is (None if minutes == 480 else True)
    assert report.accounting.differences == ()


@pytest.mark.parametrize("fields", [{"from": people(2)}, {"summary": {"call_scheduled": 2}}, {}])
def test_missing_counts_are_no_difference(fields: dict[str, Any]) -> None:
    campaign = Campaign.of({"id": "c", "status": "completed", **fields})
    records = [CallRecord.of({"call_sid": n, "number": n, "status": "completed"}) for n in people(2)]

    report, _ = report_of(campaign, records, total_calls=2)

    assert (report.accounting.differences, summarize([report])["adds_up"]) == ((), None)
    assert "1 campaign without counts to compare with." in render_page([report])
