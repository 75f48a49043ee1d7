"""The audience plan: its campaigns, their throttle, and its id."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_exotel.audience.chunks import ChunkLimits
from airflow_provider_exotel.audience.hours import hours_of
from airflow_provider_exotel.audience.plan import AudiencePlan
from airflow_provider_exotel.audience.plan_page import render_markdown, render_page
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.create.cost import Tariff

from .audience_plans import INDIA, Files, indians, plan_of

EMIRATIS = [f"+97150{one:07}" for one in range(30)]
TWO_COUNTRIES = hours_of(None, {"IN": "IN_SERVICE", "AE": "AE_MARKETING"})
RETRIES = CallRetries(number_of_retries=2, interval_mins=15)


def arguments(plan: AudiencePlan, run: str = "run") -> list[dict[str, Any]]:
    return plan.arguments("s3://conn@bucket/plan/", run)


def test_a_small_campaign_sends_numbers_and_a_larger_one_lists() -> None:
    small, large = plan_of(indians(5_000)), plan_of(indians(5_001))

    assert arguments(small)[0]["numbers_from"] == f"s3://conn@bucket/plan/chunks/{small.campaigns[0].chunks[0].name}"
    assert arguments(large)[0]["lists"] == [f"s3://conn@bucket/plan/chunks/{large.campaigns[0].chunks[0].name}"]
    assert (small.lists, large.lists) == (0, 1)


def test_a_campaign_has_at_most_five_lists() -> None:
    plan = plan_of(indians(7_000), limits=ChunkLimits(1_000, 5))

    assert [(one.name, one.lists, one.contacts) for one in plan.campaigns] == [
        ("Reminder 1", 5, 5_000),
        ("Reminder 2", 2, 2_000),
    ]


def test_personal_texts_always_need_a_dynamic_list() -> None:
    people = [{"number": number, "amount": f"{one}"} for one, number in enumerate(indians(3))]

    [given] = arguments(plan_of(people, variables=("amount",), read_via_text="You owe @@amount."))

    assert (given["campaign_type"], given["read_via_text"], len(given["lists"])) == ("dynamic", "You owe @@amount.", 1)


def test_each_group_of_zones_has_its_own_campaign() -> None:
    files = Files()

    plan = plan_of([*indians(20), *EMIRATIS, *indians(20)], TWO_COUNTRIES, files=files)

    assert [(one.name, one.contacts) for one in plan.campaigns] == [("Reminder IN", 20), ("Reminder AE", 30)]
    assert sorted(number for name in files for number in files.people(name)) == sorted([*indians(20), *EMIRATIS])


def test_the_campaigns_of_a_plan_share_the_calls_per_minute() -> None:
    plan = plan_of([*indians(300), *EMIRATIS], TWO_COUNTRIES, calls_per_minute=45)

    given = arguments(plan)

    assert sum(one["throttle"] for one in given) == 44
    assert {one["mode"] for one in given} == {"custom"}


def test_more_campaigns_than_calls_per_minute_are_refused() -> None:
    with pytest.raises(ExotelInputError, match="calls_per_minute: must leave at least one call per minute"):
        plan_of([*indians(3), *EMIRATIS], TWO_COUNTRIES, calls_per_minute=2)


def test_equal_input_gives_the_same_plan_and_campaigns() -> None:
    one, again = (plan_of([*indians(20), *EMIRATIS], TWO_COUNTRIES, call_retries=RETRIES) for _ in range(2))

    assert (one.id, arguments(one), render_page(one)) == (again.id, arguments(again), render_page(again))


OTHERS: dict[str, dict[str, Any]] = {
    "people": {"people": indians(21)},
    "hours": {"hours": hours_of(INDIA | {"end": "17:00"}, None)},
    "text": {"read_via_text": "Hello"},
    "retries": {"call_retries": RETRIES},
    "pace": {"calls_per_minute": 30},
    "name": {"name": "Survey"},
    "secret of the digests": {"secret": "another"},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_different_settings_give_another_plan(other: dict[str, Any]) -> None:
    plain = {"people": indians(20)}

    assert plan_of(**plain | other).id != plan_of(**plain).id


def test_the_day_keeps_the_plan_and_another_run_has_other_campaigns() -> None:
    today, tomorrow = (
        plan_of(indians(3), anchor=datetime.fromisoformat(f"2026-03-0{day}T09:00+05:30")) for day in (2, 3)
    )

    assert today.id == tomorrow.id
    assert arguments(today, "one")[0]["idempotency_key"] != arguments(tomorrow, "another")[0]["idempotency_key"]


def test_a_plan_has_its_finish_and_warns_if_it_does_not_fit() -> None:
    fits, late = plan_of(indians(590), calls_per_minute=60), plan_of(indians(40_000), call_retries=RETRIES)

    assert (
        fits.as_json()
        | {
            "earliest_finish": "2026-03-02T12:11:00+05:30",
            "latest_finish": "2026-03-02T12:11:00+05:30",
            "fits": True,
            "warnings": [],
            "requests": 2,
        }
        == fits.as_json()
    )
    assert str(fits.fit) in render_markdown(fits)
    assert not late.fits
    assert late.warnings[0].startswith("Does not fit into one window even if everybody answers: it needs 112 calls")
    assert late.latest_finish - late.earliest_finish > timedelta(days=2)


def test_more_windows_than_max_windows_are_refused() -> None:
    people = indians(59 * 480)

    for windows in (1, 2):
        with pytest.raises(ExotelInputError, match=r"max_windows: must be at least 3 windows, .* \(got"):
            plan_of(people, max_windows=windows, call_retries=CallRetries(number_of_retries=1, interval_mins=15))

    assert plan_of(people, max_windows=2).as_json()["fit"]["windows"] == 2


def test_a_plan_counts_empty_variables() -> None:
    people = [{"number": number, "amount": amount} for number, amount in zip(indians(3), ("5", "", " "), strict=True)]

    plan = plan_of(people, variables=("amount",), read_via_text="You owe @@amount.")

    assert plan.warnings == ["variables.amount: empty for 2 people; they hear nothing in its place."]
    assert plan.as_json()["empty_variables"] == {"amount": 2}


def test_the_description_of_a_plan() -> None:
    people = [*indians(5_100), *indians(5), "not a number", *EMIRATIS[:2]]

    assert plan_of(people).description == (
        f"Plan {plan_of(people).id} calls 5,100 of 5,108 rows by 1 campaign and 1 list; left out: "
        "1 rejected (the cell is not one phone number); "
        "2 rejected (the number may belong to another time zone than the window's); 5 duplicates. "
        "Fits into one window, even if nobody answers and every call is retried."
    )


def test_the_description_of_an_empty_plan_has_the_reason() -> None:
    assert plan_of([]).description.endswith(" calls nobody: there are no rows.")
    assert plan_of([""]).description.endswith(" calls nobody: 1 row, 1 rejected (the number is empty).")


def test_a_plan_longer_than_thirty_days_has_a_warning() -> None:
    plan = plan_of(indians(20_000), calls_per_minute=2)

    assert "longer than a campaign's 30 days" in plan.warnings[0]


def test_a_plan_adds_up() -> None:
    people = [*indians(20), *indians(5), "not a number", "", *EMIRATIS]

    told = plan_of(people).as_json()

    assert told["accepted"] + told["duplicates"] + sum(told["rejected"].values()) == told["rows"] == len(people)
    assert told["rejected"] == {"empty": 1, "not_a_number": 1, "other_zone": 30}


def test_an_empty_audience_gives_a_plan_without_campaigns() -> None:
    plan = plan_of([])

    assert (plan.campaigns, arguments(plan), plan.as_json()["accepted"]) == ((), [], 0)
    assert "There is nobody to call." in render_page(plan)
    assert "There is nobody to call." in render_markdown(plan)


def test_page_markdown_json_and_arguments_have_no_phone_numbers() -> None:
    people = [*indians(5_100), *EMIRATIS]

    plan = plan_of([*people, "+98765 43210 ext", *people[:5]], TWO_COUNTRIES)

    told = "\n".join(
        [render_page(plan), render_markdown(plan), json.dumps(plan.as_json()), json.dumps(arguments(plan)), repr(plan)]
    )
    assert [number for number in [*people, "+919876543210"] if number[3:] in told] == []


def test_the_page_is_self_contained() -> None:
    html = render_page(plan_of([*indians(200), *EMIRATIS], TWO_COUNTRIES, call_retries=RETRIES))

    assert not any(word in html for word in ("<script", "http://", "https://", "@import", "url("))
    assert html.count('class="stretched track"') == 2


@pytest.mark.parametrize("name", ["Tom & <b>Jerry</b>"])
def test_names_are_escaped_on_the_page(name: str) -> None:
    html = render_page(plan_of(indians(3), name=name))

    assert "<b>Jerry" not in html
    assert "Tom &amp; &lt;b&gt;Jerry" in html


@pytest.mark.parametrize(
    ("window", "label"),
    [
        (INDIA, "Asia/Kolkata 20 (100%)"),
        ({"all_of": [INDIA, INDIA | {"timezone": "Asia/Colombo"}]}, "Asia/Kolkata, Asia/Colombo 20 (100%)"),
    ],
)
def test_people_of_one_window_are_shown_under_its_zones(window: dict[str, Any], label: str) -> None:
    html = render_page(plan_of(indians(20), hours_of(window, None)))

    assert f'aria-label="People by time zone: {label}"' in html


def test_a_group_is_shown_with_its_zones() -> None:
    html = render_page(plan_of([*indians(20), *EMIRATIS], TWO_COUNTRIES))

    assert "AE (Asia/Dubai) 30 (60%); IN (Asia/Kolkata) 20 (40%)" in html


def test_names_are_escaped_in_the_markdown() -> None:
    text = render_markdown(plan_of(indians(3), name="A|B <b>*now*</b>"))

    assert text.startswith(r"# A\|B \<b\>\*now\*\</b\>")
    assert [line.replace(r"\|", "").count("|") for line in text.splitlines() if line.startswith("|")] == [9, 9, 9]


def test_a_plan_has_its_cost_and_is_refused_above_its_limit() -> None:
    retries, tariff = CallRetries(number_of_retries=1, interval_mins=15), Tariff(Decimal("0.5"), "INR")

    plan = plan_of(indians(100), tariff=tariff, call_retries=retries, max_cost=100)

    assert plan.description.endswith("It may cost INR 50.00, at most INR 100.00.")
    assert plan.as_json()["cost"] == {"expected": "50.00", "worst_case": "100.00", "currency": "INR"}
    assert "at most INR 100.00" in render_page(plan)
    assert "It may cost INR 50.00, at most INR 100.00." in render_markdown(plan)
    for known, limit in ((tariff, 99), (None, 100)):
        with pytest.raises(ExotelInputError, match="max_cost: "):
            plan_of(indians(100), call_retries=retries, tariff=known, max_cost=limit)
