"""The identity of a task's campaign, and the lookup by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.client.errors import ExotelOutcomeUnknown
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.create import lookup
from airflow_provider_exotel.create.identity import (
    AUDIENCE_LENGTH,
    MAX_NAME,
    CampaignIdentity,
    identify,
    rename_keeping_key,
)
from airflow_provider_exotel.create.lookup import find

TASK: dict[str, Any] = {"dag_id": "reminders", "run_id": "scheduled__1", "task_id": "create", "map_index": -1}
RUN_BEGAN = datetime(2026, 3, 2, tzinfo=UTC)


def identity(account_sid: str = "account", deployment: str | None = None, **parts: Any) -> CampaignIdentity:
    return identify(account_sid, deployment, **(TASK | parts))


def test_every_try_of_a_task_has_the_same_key() -> None:
    assert identity() == identity()


@pytest.mark.parametrize(
    "other",
    [
        {"account_sid": "another"},
        {"deployment": "staging"},
        {"dag_id": "other"},
        {"run_id": "scheduled__2"},
        {"task_id": "other"},
        {"map_index": 0},
        {"idempotency_key": "again"},
        {"dag_id": "reminder", "run_id": "sscheduled__1"},
        {"logical_date": RUN_BEGAN},
    ],
    ids=str,
)
def test_every_part_changes_the_key(other: dict[str, Any]) -> None:
    assert identity(**other).key != identity().key


def test_a_run_is_identified_by_its_logical_date_if_it_has_one() -> None:
    one, other = (identity(run_id=run_id, logical_date=RUN_BEGAN) for run_id in ("scheduled__1", "backfill__1"))

    assert one == other
    assert identity(logical_date=RUN_BEGAN + timedelta(hours=1)).key != one.key


def test_an_idempotency_key_replaces_run_task_and_index() -> None:
    one, other = identity(idempotency_key="march"), identity(run_id="x", map_index=3, idempotency_key="march")

    assert one.key == other.key


@given(st.text(max_size=200))
def test_the_name_sent_is_short_printable_and_ends_with_the_whole_key(name: str) -> None:
    made = identity(name=name)

    assert len(made.name) <= 80
    assert made.name.endswith(f" af-{made.key}")
    assert made.name.isprintable()
    assert made.matches(made.name)


@pytest.mark.parametrize(
    ("given_name", "sent"),
    [(None, "reminders.create"), ("भुगतान याद", "भुगतान याद"), ("a\nb\x00c", "a b c"), ("   ", "reminders.create")],
)
def test_the_name_of_the_caller_comes_first(given_name: str | None, sent: str) -> None:
    made = identity(name=given_name)

    assert made.name == f"{sent} af-{made.key}"


def test_the_key_is_found_anywhere_in_a_name_in_any_case() -> None:
    made = identity()

    assert made.matches(f"{made.marker.upper()} rename_keeping_key in the dashboard")
    assert not made.matches("reminders.create")


def test_a_campaign_named_after_another_does_not_match_it() -> None:
    first = identity()
    second = identity(task_id="follow_up", name=f"Re {first.name_for('1b2c3d4e5f60')}")
    name = second.name_for("3d4e5f60718a")

    assert first.name in name
    assert (first.matches(name), second.matches(name)) == (False, True)
    assert second.audience_in(name) == "3d4e5f60718a"


def test_the_audience_follows_the_last_key_in_a_name() -> None:
    made = identity()

    assert made.audience_in(f"{made.name_for('1b2c3d4e5f60')} again {made.name_for('3d4e5f60718a')}") == "3d4e5f60718a"


def test_text_after_the_key_is_not_read_as_the_audience() -> None:
    made = identity()

    assert made.audience_in(f"{made.name}-feedback") is None
    assert made.audience_in(f"{made.name}-feedfeedfeed back") == "feedfeedfeed"


FIRST, SECOND = f"af-{'1' * 16}-1b2c3d4e5f60", f"af-{'2' * 16}-3d4e5f60718a"


@pytest.mark.parametrize(
    ("name", "wanted", "sent"),
    [
        (f"Old {FIRST}", "New", f"New {FIRST}"),
        (f"Old {FIRST}", f"New {FIRST.upper()}", f"New {FIRST}"),
        (f"Old {FIRST}", f"Like {FIRST} {SECOND}", f"Like {FIRST}"),
        (f"Like {FIRST} {SECOND}", "New", f"New {SECOND}"),
        ("Old", "New", "New"),
    ],
)
def test_a_renamed_campaign_keeps_its_own_key(name: str, wanted: str, sent: str) -> None:
    assert rename_keeping_key(name, wanted) == sent


def test_an_exact_name_is_sent_and_compared_whole() -> None:
    made = identity(name="March reminder", exact_name=True)

    assert made.name == "March reminder"
    assert not made.matches("March reminder 2")


class Account:
    """The campaigns of an account, newest first."""

    def __init__(self, *campaigns: Campaign) -> None:
        self.campaigns = campaigns
        self.read = 0

    def list_campaigns(self) -> Any:
        for campaign in self.campaigns:
            self.read += 1
            yield campaign


def campaign(number: int, name: str = "other", age: timedelta = timedelta()) -> Campaign:
    return Campaign(id=str(number), name=name, date_created=RUN_BEGAN - age)


def test_the_campaign_of_an_earlier_try_is_found() -> None:
    made = identity()

    found = find(Account(campaign(1), campaign(2, made.name), campaign(3)), made, RUN_BEGAN).matches

    assert [one.id for one in found] == ["2"]


@pytest.mark.parametrize("status", list(CampaignStatus))
def test_campaigns_of_other_keys_are_seen_until_they_end(status: CampaignStatus) -> None:
    other = Campaign(id="1", name=identity(run_id="scheduled__2").name, status=status)

    assert (find(Account(other), identity(), RUN_BEGAN).others == []) is status.has_ended


@pytest.mark.parametrize("status", list(CampaignStatus))
def test_a_campaign_is_found_in_any_status(status: CampaignStatus) -> None:
    made = identity()

    assert len(find(Account(Campaign(id="1", name=made.name, status=status)), made, RUN_BEGAN).matches) == 1


def test_the_earliest_of_several_matches_comes_first() -> None:
    made = identity()

    found = find(Account(campaign(2, made.name), campaign(1, made.name)), made, RUN_BEGAN).matches

    assert [one.id for one in found] == ["1", "2"]


def daily(count: int) -> list[Campaign]:
    """Campaigns of other tasks, one each day before the run, newest first."""
    return [campaign(number, age=timedelta(days=number)) for number in range(count)]


def test_a_lookup_ends_a_day_before_the_run_if_the_list_is_newest_first() -> None:
    account = Account(*daily(100))

    assert find(account, identity(), RUN_BEGAN).matches == []
    assert account.read == 11


def test_a_campaign_almost_a_day_older_than_the_run_is_found() -> None:
    made = identity()
    others = [campaign(number, age=timedelta(minutes=number)) for number in range(30)]

    found = find(Account(*others, campaign(99, made.name, age=timedelta(hours=23))), made, RUN_BEGAN).matches

    assert [one.id for one in found] == ["99"]


@pytest.mark.parametrize("first", ["oldest", "of one moment", "by name"])
def test_a_list_in_another_order_is_read_to_its_end(first: str) -> None:
    made = identity()
    others = {
        "oldest": daily(30)[::-1],
        "of one moment": [campaign(number, age=timedelta(days=9)) for number in range(30)],
        "by name": [campaign(number, age=timedelta(days=9 + number * 7 % 10)) for number in range(90)],
    }[first]

    found = find(Account(*others, campaign(99, made.name)), made, RUN_BEGAN).matches

    assert [one.id for one in found] == ["99"]


@pytest.mark.parametrize("order", [1, -1], ids=["newest first", "oldest first"])
def test_the_earliest_match_comes_first_in_any_list_order(order: int) -> None:
    made = identity()
    both = [campaign(2, made.name), campaign(1, made.name, age=timedelta(hours=1))]

    assert [one.id for one in find(Account(*both[::order]), made, RUN_BEGAN).matches] == ["1", "2"]


@pytest.mark.parametrize("order", [1, -1], ids=["newest first", "oldest first"])
def test_the_list_order_decides_within_one_second(order: int) -> None:
    made = identity()
    listed = [campaign(2, made.name), campaign(1, made.name), campaign(0, age=timedelta(hours=1))]

    assert [one.id for one in find(Account(*listed[::order]), made, RUN_BEGAN).matches] == ["1", "2"]


def test_a_lookup_that_ends_too_early_is_an_unknown_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "MAX_CAMPAIGNS_READ", 3)

    with pytest.raises(ExotelOutcomeUnknown, match="search for it in the dashboard"):
        find(Account(*map(campaign, range(4))), identity(), RUN_BEGAN)


OTHER = identity(run_id="scheduled__2")


@given(st.text(max_size=200))
def test_a_renamed_campaign_keeps_key_and_audience(wanted: str) -> None:
    made = identity()

    name = rename_keeping_key(made.name_for("ab12cd34ef56"), wanted)

    assert made.matches(name)
    assert made.audience_in(name) == "ab12cd34ef56"
    assert len(name) <= MAX_NAME
    assert name.isprintable()


@pytest.mark.parametrize(
    ("name", "wanted", "becomes"),
    [
        pytest.param("Survey", "Winter\tsurvey", "Winter\tsurvey", id="a caller's name can be changed freely"),
        pytest.param(f"One {identity().marker}", "Two", f"Two {identity().marker}", id="the key stays"),
        pytest.param(
            f"One {identity().marker}-ab12cd34ef56",
            f"Two {identity().marker}",
            f"Two {identity().marker}-ab12cd34ef56",
            id="once",
        ),
        pytest.param(
            f"One {identity().marker}",
            f"Two {OTHER.marker}-cd34ef56ab12",
            f"Two {identity().marker}",
            id="another key is removed",
        ),
        pytest.param(identity().marker, "Two", f"Two {identity().marker}", id="a name that consists of the key"),
    ],
)
def test_the_name_after_renaming(name: str, wanted: str, becomes: str) -> None:
    assert rename_keeping_key(name, wanted) == becomes


def test_a_name_copied_from_another_campaign_loses_its_key() -> None:
    made = identity(name=OTHER.name_for("ab12cd34ef56"))

    assert not OTHER.matches(made.name)


def test_a_match_within_the_maximum_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "MAX_CAMPAIGNS_READ", 3)
    made, account = identity(), Account(campaign(1), campaign(2, identity().name), *map(campaign, range(3, 9)))

    assert [one.id for one in find(account, made, RUN_BEGAN).matches] == ["2"]
    assert account.read == 3


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", ["March", "a" * 200])
def test_the_test_campaign_has_its_own_key_and_name(name: str, exact: bool) -> None:
    real = identity(name=name, exact_name=exact)
    test = real.for_test("a digest")

    assert test == identity(name=name, exact_name=exact).for_test("a digest")
    assert len({test.key, real.key, real.for_test("another digest").key}) == 3
    assert not real.matches(test.name)
    assert not test.matches(real.name)
    assert test.matches(test.name)
    assert len(test.name_for("a" * AUDIENCE_LENGTH)) <= MAX_NAME
    assert " test af-" in test.name
