"""create_campaign_once: one campaign per key, in Python tasks and outside of tasks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import task

from airflow_provider_exotel import ExotelHook
from airflow_provider_exotel.client.errors import (
    ExotelInputError,
    ExotelOutcomeUnknown,
    ExotelRequestRefused,
)
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.create import once
from airflow_provider_exotel.create.errors import ExotelCampaignGone
from airflow_provider_exotel.create.identity import identify
from airflow_provider_exotel.create.options import TaskOptions
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.hooks import task as kept

from .conftest import connect

NUMBERS = ["+919876500000", "+919876500001"]
LATER = {"send_at": "2030-01-01T10:00:00+05:30", "end_at": "2030-01-01T18:00:00+05:30"}


@pytest.fixture
def another_process(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Clear the state of this process, like another process."""
    return lambda: monkeypatch.setattr(kept, "_IN_MEMORY", {})


def create(**fields: Any) -> Campaign:
    given = {"idempotency_key": "march", "settle": 0, "numbers": NUMBERS, "read_via_text": "Hello", "schedule": LATER}
    return ExotelHook().create_campaign_once(**(given | fields))


def test_a_task_in_python_creates_a_campaign_once(run_dag: Callable[..., Any], exotel: Emulator) -> None:
    @task
    def remind() -> str:
        campaigns = [create(name="March") for _ in range(2)]
        assert len({campaign.id for campaign in campaigns}) == 1
        return campaigns[0].id

    ran = run_dag(remind)

    assert ran.xcom("remind") == exotel.campaigns[0].id
    assert len(exotel.campaigns) == 1


@pytest.mark.parametrize("key", ["", " ", "None", None], ids=repr)
def test_a_key_is_required(exotel: Emulator, key: str | None) -> None:
    with pytest.raises(ExotelInputError, match=r"idempotency_key: (must not be empty|is required)"):
        create(idempotency_key=key)

    assert exotel.requests == []


@pytest.mark.parametrize("process", ["the same process", "another process"])
def test_calling_again_finds_the_campaign_of_a_lost_answer(
    exotel: Emulator, another_process: Callable[[], None], process: str
) -> None:
    exotel.settings.list_delay_reads = once.MIN_POLLS + 3
    exotel.faults.add(Fault(on="POST campaigns", kind="drop_after_commit"))
    with pytest.raises(ExotelOutcomeUnknown):
        create()
    if process == "another process":
        another_process()

    found = create()

    assert [campaign.id for campaign in exotel.campaigns] == [found.id]


def test_only_the_first_call_of_a_process_looks_patiently(exotel: Emulator) -> None:
    create()
    looks = len(exotel.requests)

    create()

    assert looks > once.MIN_POLLS
    assert [entry.method for entry in exotel.requests[looks:]] == ["GET"]


def test_a_call_after_a_refusal_does_not_look_patiently_again(exotel: Emulator) -> None:
    with pytest.raises(ExotelRequestRefused):
        create(numbers=None, lists=["nowhere"])
    before = len(exotel.requests)

    create()

    assert [entry.method for entry in exotel.requests[before:]] == ["GET", "POST", "GET"]


def test_a_name_is_too_short_whatever_is_added_to_it(exotel: Emulator) -> None:
    with pytest.raises(ExotelInputError, match="name: must have at least 3"):
        create(name="ab")

    assert exotel.requests == []


@pytest.mark.parametrize(("key", "is_shared"), [("march", True), (None, False)])
def test_only_a_caller_s_own_key_can_be_sent_by_others_at_the_same_time(
    exotel: Emulator, key: str | None, is_shared: bool
) -> None:
    identity = identify("emulator", None, dag_id="reminders", idempotency_key=key)

    assert ExotelHook().one_campaign(identity, {}, TaskOptions(idempotency_key=key)).is_shared is is_shared


def test_a_campaign_that_was_deleted_by_hand_is_not_created_again(exotel: Emulator) -> None:
    ExotelHook().client.delete_campaign(create().id)

    with pytest.raises(ExotelCampaignGone):
        create()

    assert len(exotel.campaigns) == 1


@pytest.mark.parametrize("process", ["the same process", "another process"])
def test_a_key_that_is_repeated_with_other_fields_fails(
    exotel: Emulator, another_process: Callable[[], None], process: str
) -> None:
    create()
    if process == "another process":
        another_process()

    with pytest.raises(
        ExotelInputError, match=r"caller_id: differs from campaign .* give another idempotency_key"
    ) as caught:
        create(caller_id="0XXXXXX0001")

    assert [problem.field for problem in caught.value.problems] == ["caller_id"]
    assert len(exotel.campaigns) == 1


def test_a_key_that_is_repeated_with_other_people_fails(exotel: Emulator) -> None:
    create()

    with pytest.raises(ExotelInputError, match="would call 1 numbers instead of 2"):
        create(numbers=NUMBERS[:1])


def test_a_key_that_is_repeated_with_other_times_is_the_same_campaign(exotel: Emulator) -> None:
    assert create().id == create(schedule={"end_at": "2031-01-01T18:00:00+05:30"}, name="April").id


def test_the_connection_sets_the_settle_time(exotel: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, exotel, connect_timeout=2, read_timeout=5, settle=90)

    one = ExotelHook().one_campaign(identify("emulator", None, idempotency_key="march"), {}, TaskOptions())

    assert (one.answer_within, one.settle) == (timedelta(seconds=7), timedelta(seconds=90))


@pytest.mark.parametrize("settle", ["soon", -1, True, timedelta(seconds=-1)], ids=repr)
def test_an_invalid_settle_time_is_refused_before_anything_is_sent(exotel: Emulator, settle: Any) -> None:
    with pytest.raises(ExotelInputError, match="settle: must be a timedelta or a number of seconds"):
        create(settle=settle)

    assert exotel.requests == []
